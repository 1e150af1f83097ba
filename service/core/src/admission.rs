//! Which waiting runs may start: `max_active_runs` of each pipeline, and the machine's own limit; and which are
//! overtaken by a newer one.

use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::plan::{Concurrency, OnConflict};
use crate::run::RunState;
use serde::Serialize;
use std::collections::BTreeMap;

/// Who asks for the end of a run that is overtaken.
pub const OVERTAKEN_BY: &str = "a newer run of the same branch";

/// A run that is not over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveRun {
    /// The run.
    pub id: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// Its repository.
    pub repo: Option<RepoName>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its commit.
    pub commit: Option<CommitSha>,
    /// Its pull request.
    pub pull_request: Option<u64>,
    /// `Queued` or `Running`.
    pub state: RunState,
    /// When it was asked for.
    pub created_at: Micros,
    /// Whether its end was asked for.
    pub cancel_requested: bool,
}

/// What runs share a limit by: they are of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    repo: Option<RepoName>,
    pipeline: String,
}

impl ActiveRun {
    /// The runs it shares a limit with.
    pub fn group(&self) -> Group {
        Group {
            repo: self.repo.clone(),
            pipeline: self.pipeline.clone(),
        }
    }

    /// Whether both are for the same branch or pull request, so that the newer one is enough.
    fn same_line(&self, other: &Self) -> bool {
        self.pull_request == other.pull_request && self.branch == other.branch
    }
}

/// What may go on, and what is overtaken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Runs that may have a worker, oldest first.
    pub admitted: Vec<RunId>,
    /// Runs whose end is to be asked for, by [`OVERTAKEN_BY`].
    pub superseded: Vec<RunId>,
}

/// `active` is oldest first. Runs at work keep their place; runs that are to be cancelled only need
/// a worker to say so. A group without limits has the default ones.
pub fn admission(active: &[ActiveRun], limits: &BTreeMap<Group, Concurrency>, max_parallel_runs: usize) -> Admission {
    let mut result = Admission::default();
    let mut at_work = active.iter().filter(|run| run.state == RunState::Running).count();
    let groups: Vec<Group> = active.iter().map(ActiveRun::group).collect();
    let mut taken: BTreeMap<&Group, usize> = BTreeMap::new();
    for (run, group) in active.iter().zip(&groups) {
        *taken.entry(group).or_default() += usize::from(run.state == RunState::Running);
    }
    for (run, group) in active.iter().zip(&groups) {
        let limit = limits.get(group).cloned().unwrap_or_default();
        let mut others = active.iter().zip(&groups);
        let overtaken = limit.on_conflict == OnConflict::CancelPrevious
            && others.any(|(later, other)| later.id > run.id && other == group && later.same_line(run));
        if overtaken && !run.cancel_requested {
            result.superseded.push(run.id.clone());
        }
        let taken = taken.entry(group).or_default();
        if run.state == RunState::Running || run.cancel_requested || overtaken {
            // A queued one that is overtaken has a place until its end.
            *taken += usize::from(run.state == RunState::Queued && !run.cancel_requested);
            result.admitted.push(run.id.clone());
            continue;
        }
        let allowed = usize::try_from(limit.max_active_runs).unwrap_or(usize::MAX);
        if *taken < allowed && at_work < max_parallel_runs {
            *taken += 1;
            at_work += 1;
            result.admitted.push(run.id.clone());
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, pipeline: &str, state: RunState) -> ActiveRun {
        ActiveRun {
            id: RunId::from(id),
            pipeline: pipeline.into(),
            repo: None,
            branch: Some("main".into()),
            commit: None,
            pull_request: None,
            state,
            created_at: Micros(0),
            cancel_requested: false,
        }
    }

    fn admitted(
        active: &[ActiveRun],
        limit: u32,
        machine: usize,
        on_conflict: OnConflict,
    ) -> (Vec<String>, Vec<String>) {
        let concurrency = Concurrency {
            max_active_runs: limit,
            on_conflict,
        };
        let limits = active.iter().map(|run| (run.group(), concurrency.clone())).collect();
        let admission = admission(active, &limits, machine);
        let names = |ids: Vec<RunId>| ids.into_iter().map(|id| id.to_string()).collect();
        (names(admission.admitted), names(admission.superseded))
    }

    #[test]
    fn a_pipeline_and_the_machine_have_limits() {
        use RunState::{Queued, Running};
        let active = [
            run("1", "a", Running),
            run("2", "a", Queued),
            run("3", "b", Queued),
            run("4", "b", Queued),
        ];
        let queue = OnConflict::Queue;
        assert_eq!(admitted(&active, 1, 9, queue).0, ["1", "3"]);
        assert_eq!(admitted(&active, 2, 9, queue).0, ["1", "2", "3", "4"]);
        assert_eq!(
            admitted(&active, 2, 2, queue).0,
            ["1", "2"],
            "the machine's limit, oldest first"
        );
        assert_eq!(admitted(&active, 2, 0, queue).0, ["1"], "what is at work goes on");
    }

    #[test]
    fn a_cancelled_run_needs_a_worker_and_takes_no_place() {
        let mut cancelled = run("1", "a", RunState::Queued);
        cancelled.cancel_requested = true;
        let active = [cancelled, run("2", "a", RunState::Queued)];
        let (admitted, _) = admitted(&active, 1, 9, OnConflict::Queue);
        assert_eq!(admitted, ["1", "2"]);
    }

    #[test]
    fn the_newest_of_a_branch_overtakes_the_others() {
        let mut other_branch = run("2", "a", RunState::Queued);
        other_branch.branch = Some("feature".into());
        let active = [
            run("1", "a", RunState::Running),
            other_branch,
            run("3", "a", RunState::Queued),
        ];
        let (_, superseded) = admitted(&active, 1, 9, OnConflict::CancelPrevious);
        assert_eq!(superseded, ["1"]);
    }
}
