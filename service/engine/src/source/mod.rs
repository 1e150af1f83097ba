//! Repositories at a commit: mirrors, work trees, pipeline files.

pub(crate) mod checkout;
mod places;
pub(crate) mod project;
pub(crate) mod repository_file;

use crate::house::folders::Folders;
use places::Places;
use std::sync::Arc;
use trainyard_github::GitHub;

/// Where source comes from, and where it is kept.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) github: Option<Arc<GitHub>>,
    pub(crate) folders: Folders,
    pub(crate) places: Places,
}
