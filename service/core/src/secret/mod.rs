//! Secrets of steps: what one may be, who may have one, and how it is kept out of what is shown.

mod automaton;
mod forms;
mod mask;
mod rule;
#[cfg(test)]
mod tests;
mod value;

pub use mask::{HIDDEN, Mask, Masking};
pub use rule::{Refusal, SecretRule, SecretUse};
pub use value::{LONGEST, SHORTEST, SecretValue, Unusable};

/// Characters of a secret's name, and of the name under which a step finds it.
const LONGEST_NAME: usize = 64;

/// Whether the settings may call a secret so.
pub fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    begins && name.len() <= LONGEST_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Whether a step may find a secret under this name: it is a file, and a part of the name of a variable.
pub fn is_place(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.len() <= LONGEST_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The variable that says where the file with this secret is; Docker's own images call it so.
pub fn path_variable(place: &str) -> String {
    format!("{place}_FILE")
}
