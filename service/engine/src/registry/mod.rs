//! Models that serve: pushed, promoted, tried, rolled back, named. What may happen is decided in
//! `core/registry`; [`serve`] is the one way it happens.

pub(crate) mod aliases;
mod holds;
pub(crate) mod infra_validation;
pub(crate) mod promote;
pub(crate) mod reconcile;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod rollback;
pub(crate) mod serve;
pub(crate) mod settle;

use crate::content::Content;
use crate::house::exclusive::Exclusive;
use crate::house::folders::Folders;
use crate::house::programs::Programs;
use crate::house::targets::Targets;
use std::sync::Arc;
use trainyard_executors::AnyImageBuilder;
use trainyard_store::Store;

/// What it takes to let models serve.
#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) store: Store,
    pub(crate) content: Content,
    pub(crate) targets: Targets,
    pub(crate) http: reqwest::Client,
    /// Held while a push target is changed.
    pub(crate) changing: Arc<Exclusive>,
    /// What runs throw-away model servers.
    pub(crate) programs: Programs,
    pub(crate) builder: AnyImageBuilder,
    pub(crate) folders: Folders,
    /// When targets were read back of which nobody knows what they serve.
    pub(crate) looks: settle::Looks,
    /// Bytes of memory of a throw-away model server, as of a step that does not say itself.
    pub(crate) memory: Option<u64>,
}
