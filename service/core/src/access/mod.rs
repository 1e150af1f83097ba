//! Who may do what: roles, what each deed needs, and the sentence for who may not.

mod deed;
mod identity;
mod role;
mod scope;
#[cfg(test)]
mod tests;

pub use deed::Deed;
pub use identity::Identity;
pub use role::Role;
pub use scope::{Refused, Scope};
