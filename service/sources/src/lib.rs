//! Data that are not on this machine: object stores, and the copies of what was read from them.
//!
//! An object is known by its content, as a file is: its ETag only spares a second download of what is here.

mod copies;
mod error;
mod exchange;
mod objects;
mod open;
mod settings;

pub use error::ObjectError;
pub use exchange::{Access, Exchange, LONGEST_SIGNED, ObjectBytes};
pub use objects::{ListedObject, Objects};
pub use open::install_tls;
pub use settings::{ObjectSettings, StoreSettings};
