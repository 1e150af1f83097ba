//! Repositories at a commit: mirrors, work trees, pipeline files.

pub(crate) mod checkout;
pub(crate) mod project;
pub(crate) mod repository_file;
