//! A run from its admission to its end.

pub(crate) mod admission;
pub(crate) mod approval;
pub(crate) mod effects;
pub(crate) mod first_byte;
pub(crate) mod hands;
pub(crate) mod images;
pub(crate) mod leftovers;
pub(crate) mod moved;
pub(crate) mod outcome;
pub(crate) mod reconcile;
pub(crate) mod silence;
pub(crate) mod task;
mod times;

use crate::content::Content;
use crate::content::external::External;
use crate::house::config::ProgramLimits;
use crate::house::folders::Folders;
use crate::house::locks::Owner;
use crate::house::programs::Programs;
use crate::house::signals::Signals;
use crate::house::step_secrets::StepSecrets;
use crate::house::traces::Traces;
use crate::registry::Registry;
use crate::source::Source;
use hands::Hands;
use images::Images;
use moved::Moves;
use silence::Silences;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trainyard_core::report::Audience;
use trainyard_store::Store;

/// What it takes to drive runs; each effect is given its part.
pub(crate) struct Runs {
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) content: Content,
    pub(crate) images: Images,
    pub(crate) programs: Programs,
    pub(crate) secrets: StepSecrets,
    pub(crate) registry: Registry,
    pub(crate) audience: Audience,
    pub(crate) signals: Arc<Signals>,
    pub(crate) traces: Traces,
    pub(crate) folders: Folders,
    /// Where external data lies.
    pub(crate) external: External,
    /// What programs may use.
    pub(crate) limits: ProgramLimits,
    /// This engine, as the leases know it.
    pub(crate) owner: Arc<Owner>,
    /// Runs that others have, and since when they were not heard of.
    pub(crate) silences: Silences,
    /// What this engine is performing.
    pub(crate) hands: Hands,
    /// Runs with a worker, as somebody else may move them.
    pub(crate) moves: Arc<Moves>,
    /// Workers that take a run up at once: a thousand of them would wait for each other's connections too long.
    pub(crate) taking_up: Semaphore,
    /// Steps of one run at work at once.
    pub(crate) max_parallel_steps: usize,
    /// Runs at work at once, over all pipelines.
    pub(crate) max_parallel_runs: usize,
}
