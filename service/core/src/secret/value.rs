//! What a secret is: some bytes, which nothing prints.

use std::fmt;

/// A shorter one would be found in half of all words.
pub const SHORTEST: usize = 4;
/// A longer one is no secret but a file of data.
pub const LONGEST: usize = 64 * 1024;

/// The value of a secret. It prints as `[hidden]`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Vec<u8>);

/// Why some bytes are no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is nothing.
    Empty,
    /// It could not be hidden without hiding ordinary words.
    Short,
    /// It is too long to be looked for in logs.
    Long,
    /// It is to be an environment variable, which is text.
    NotText,
}

impl Unusable {
    /// What is wrong, after the name of the secret.
    pub fn sentence(self) -> String {
        match self {
            Self::Empty => "is empty: set its value".to_owned(),
            Self::Short => format!(
                "has fewer than {SHORTEST} characters, so that logs could not be kept free of it: take a longer one"
            ),
            Self::Long => format!("is longer than {} KiB: give it to the step as data", LONGEST / 1024),
            Self::NotText => {
                "is no text, which an environment variable is: give it to the step under secrets, as a file".to_owned()
            }
        }
    }
}

impl SecretValue {
    /// The last line end is not part of it: editors and commands write one.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, Unusable> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let seen = bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
        match seen {
            0 => Err(Unusable::Empty),
            _ if seen < SHORTEST => Err(Unusable::Short),
            _ if bytes.len() > LONGEST => Err(Unusable::Long),
            _ => Ok(Self(bytes)),
        }
    }

    /// What is secret.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As an environment variable can hold it.
    pub fn text(&self) -> Result<&str, Unusable> {
        let text = std::str::from_utf8(&self.0).map_err(|_| Unusable::NotText)?;
        match text.contains('\0') {
            true => Err(Unusable::NotText),
            false => Ok(text),
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}
