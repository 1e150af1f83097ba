//! Where approved models go: a closed set of push targets. Each makes a version serve, reads back that
//! it does, and can go back.

mod changes;
mod claims;
mod config_file;
mod latency;
mod open_inference;
mod protocol;
mod repository;
mod sample;
mod servable;
mod space;
mod survey;
mod target;
mod tensorflow_serving;
mod trial;
mod version_folder;
mod webhook;

pub(crate) use claims::Claims;
pub use protocol::{ModelServer, ServingError};
pub use servable::Servable;
pub use target::Target;
pub(crate) use trial::{Checks, try_out, wait_live, write_repository};
