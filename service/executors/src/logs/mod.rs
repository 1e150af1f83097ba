//! Programs' output, written into files that outlive them.

mod file;
mod marked;
mod sink;

pub use file::LOG_FILE_BYTES;
pub(crate) use file::LogFile;
pub use sink::LogSink;
