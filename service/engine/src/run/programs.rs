//! What runs the programs of steps, and where they find what they read.

use crate::content::Content;
use crate::house::folders::Folders;
use std::path::PathBuf;
use trainyard_executors::AnyExecutor;

/// What runs programs.
#[derive(Clone)]
pub(crate) struct Programs {
    pub(crate) executor: AnyExecutor,
    pub(crate) content: Content,
    pub(crate) folders: Folders,
    /// Where external data lies.
    pub(crate) data_root: PathBuf,
    /// Who containers run as when the service is root; otherwise they run as the service.
    pub(crate) container_user: Option<(u32, u32)>,
}
