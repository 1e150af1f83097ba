//! The doctor: whether everything that the service needs is there, for the command line and for the pages.

mod checks;
mod examine;
mod github;

pub(crate) use checks::{Check, Checks, Examined, Health};
pub(crate) use examine::{before_it_serves, while_it_serves};
pub(crate) use github::{account, app_settings, installation_place, repositories};
