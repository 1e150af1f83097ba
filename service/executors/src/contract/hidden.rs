//! What is kept out of what a program says.

use trainyard_core::secret::Mask;

/// What must not be shown of what a program says and writes about itself.
#[derive(Clone, Debug)]
pub enum Hidden {
    /// It was given no secret.
    Nothing,
    /// The secrets it was given.
    Secrets(Mask),
    /// It was given secrets, and they are gone from this machine's memory: nothing of it can be shown any more.
    Forgotten,
}

impl Hidden {
    /// A text of the program's without its secrets; `None` if nobody knows them any more.
    pub fn text(&self, text: &str) -> Option<String> {
        match self {
            Self::Nothing => Some(text.to_owned()),
            Self::Secrets(mask) => Some(mask.masked_text(text)),
            Self::Forgotten => None,
        }
    }
}
