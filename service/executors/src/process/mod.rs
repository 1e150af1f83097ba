//! Programs on this machine, for development without Docker. They are not isolated, and see its paths.
//!
//! A program outlives a restart of the service: a small shell wrapper writes its process id and its
//! exit code to files. The id is kept with its start time, so that a reused id is never mistaken.

mod end;
mod executor;
mod images;
mod output;
mod place;
mod wrapper;

pub use executor::ProcessExecutor;
pub use images::ProcessImages;
