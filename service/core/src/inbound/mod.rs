//! What an event means: what follows from it, or the reasons why nothing does.
//!
//! Each kind of event has its function. The caller has fetched what it looks at (the pipelines at the commits, the
//! paths that changed, what waits already) and stores the [`Interpretation`] in one transaction.

mod ask;
mod asked;
mod awaited;
mod head;
mod hold;
mod identity;
mod interpretation;
mod lanes;
mod origin;
mod pipelines;
mod pull_run;
mod reason;
mod repository;
mod rerun;
mod skip;
mod sweep;

#[cfg(test)]
mod tests;

pub use ask::asked;
pub use asked::{SpanRefusal, asked_spans};
pub use awaited::{NotRunning, awaited};
pub use head::{data, local, manual, release, repository_event, schedule};
pub use hold::{Hold, HoldPayload};
pub use identity::{Identity, NameNews, identity, parked};
pub use interpretation::{Consequence, Given, Interpretation};
pub use lanes::{Failure, Lanes, TurnEnd};
pub use pipelines::{FoundPipeline, KnownPipeline, SameName, told_apart};
pub use pull_run::{NotRun, PullRun, parameters_for, pull_run};
pub use reason::Reason;
pub use repository::{pull_request, push, skipped_pull_request, skipped_push};
pub use rerun::{NotRerun, Repeated, may_push_again, may_rerun, rerun};
pub use skip::skip_word;
pub use sweep::{
    Attempt, Compared, FailedDeliveries, Heads, HookTrouble, Missed, WINDOW_SECONDS, compare, failed_deliveries,
    hook_trouble,
};
