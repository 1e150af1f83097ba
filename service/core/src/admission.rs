//! Which waiting runs may start: `max_active_runs` of each pipeline, and the machine's own limit; and which are
//! overtaken by a newer one.

use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::plan::{Concurrency, OnConflict};
use crate::run::{RunRequest, RunState};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Who asks for the end of a run that is overtaken.
pub const OVERTAKEN_BY: &str = "a newer run that asks for the same";

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
}

/// What a run asks for: of two runs of one pipeline with the same line, the newer one is enough.
///
/// Two runs that were started for different reasons never have the same line: what a person tries out
/// and what a month's data are to show is not answered by a push, nor the other way round.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The newest commit of a branch.
    Push {
        /// The branch.
        branch: Option<String>,
    },
    /// The newest commit of a pull request.
    PullRequest {
        /// Its number.
        number: Option<u64>,
    },
    /// What the data are up to a span, by source; none means the newest.
    Data {
        /// The newest span the run sees.
        newest_spans: BTreeMap<String, String>,
    },
    /// The newest slot of the pipeline's schedule.
    Schedule,
    /// What a person asked for, in every respect that a person can choose.
    Manual {
        /// The branch; without one, the commit.
        revision: Result<String, Option<CommitSha>>,
        /// The parameters, defaults included.
        parameters: Map<String, Value>,
        /// The newest span the run sees.
        newest_spans: BTreeMap<String, String>,
        /// Whether an approved model is pushed.
        may_push: bool,
    },
}

impl Line {
    /// The line of a run; `None` where its trigger is unknown: nothing replaces it then.
    pub fn of(request: &RunRequest) -> Option<Self> {
        let newest_spans = request.newest_spans.clone();
        // An older commit that is run again must end nothing that is newer; of a pull request only its head is.
        if request.rerun.is_some() && request.trigger != "pull_request" {
            return None;
        }
        Some(match request.trigger.as_str() {
            "push" => Self::Push {
                branch: request.branch.clone(),
            },
            "pull_request" => Self::PullRequest {
                number: request.pull_request,
            },
            "data" => Self::Data { newest_spans },
            "schedule" => Self::Schedule,
            "manual" => Self::Manual {
                revision: request.branch.clone().ok_or_else(|| request.commit.clone()),
                parameters: request.plan.parameters.clone(),
                newest_spans,
                may_push: request.may_push,
            },
            _ => return None,
        })
    }
}

/// What runs are about, and is there no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// A pull request was closed.
    PullRequest(u64),
    /// A branch was deleted.
    Branch(String),
}

impl Gone {
    /// Whether a run is about nothing else, and its pipeline wants none that is overtaken. What a person asked for by
    /// hand goes on.
    pub fn ends(&self, request: &RunRequest) -> bool {
        let about = match (self, Line::of(request)) {
            (Self::PullRequest(gone), Some(Line::PullRequest { number })) => number == Some(*gone),
            (Self::Branch(gone), Some(Line::Push { branch })) => branch.as_ref() == Some(gone),
            _ => false,
        };
        about && request.plan.concurrency.on_conflict == OnConflict::CancelPrevious
    }

    /// Who asks for the end.
    pub fn ended_by(&self) -> &'static str {
        match self {
            Self::PullRequest(_) => "the closing of its pull request",
            Self::Branch(_) => "the deletion of its branch",
        }
    }
}

/// What a run that is not over asks of admission; it never changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Its pipeline's limits, as of its commit.
    pub concurrency: Concurrency,
    /// What it is about.
    pub line: Option<Line>,
}

impl Ask {
    /// What this request asks.
    pub fn of(request: &RunRequest) -> Self {
        Self {
            concurrency: request.plan.concurrency.clone(),
            line: Line::of(request),
        }
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
/// a worker to say so. The limits of a group are those of its oldest run.
pub fn admission(active: &[(ActiveRun, Ask)], max_parallel_runs: usize) -> Admission {
    let mut result = Admission::default();
    let mut at_work = active.iter().filter(|(run, _)| run.state == RunState::Running).count();
    let groups: Vec<Group> = active.iter().map(|(run, _)| run.group()).collect();
    let mut taken: BTreeMap<&Group, usize> = BTreeMap::new();
    let mut limits: BTreeMap<&Group, &Concurrency> = BTreeMap::new();
    for ((run, ask), group) in active.iter().zip(&groups) {
        *taken.entry(group).or_default() += usize::from(run.state == RunState::Running);
        limits.entry(group).or_insert(&ask.concurrency);
    }
    for ((run, ask), group) in active.iter().zip(&groups) {
        let limit = limits.get(group).copied().unwrap_or(&ask.concurrency);
        let mut others = active.iter().zip(&groups);
        let newer = |later: &(ActiveRun, Ask), other| later.0.id > run.id && other == group && later.1.line == ask.line;
        let overtaken = limit.on_conflict == OnConflict::CancelPrevious
            && ask.line.is_some()
            && others.any(|(later, other)| newer(later, other));
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

    type Asking = (ActiveRun, Ask);

    fn push(branch: &str) -> Option<Line> {
        Some(Line::Push {
            branch: Some(branch.to_owned()),
        })
    }

    fn run(id: &str, pipeline: &str, state: RunState) -> Asking {
        let run = ActiveRun {
            id: RunId::from(id),
            pipeline: pipeline.into(),
            repo: None,
            branch: Some("main".into()),
            commit: None,
            pull_request: None,
            state,
            created_at: Micros(0),
            cancel_requested: false,
        };
        let ask = Ask {
            line: push("main"),
            ..Ask::default()
        };
        (run, ask)
    }

    fn admitted(active: &[Asking], limit: u32, machine: usize, on_conflict: OnConflict) -> (Vec<String>, Vec<String>) {
        let mut active = active.to_vec();
        for (_, ask) in &mut active {
            ask.concurrency = Concurrency {
                max_active_runs: limit,
                on_conflict,
            };
        }
        let admission = admission(&active, machine);
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
        cancelled.0.cancel_requested = true;
        let active = [cancelled, run("2", "a", RunState::Queued)];
        let (admitted, _) = admitted(&active, 1, 9, OnConflict::Queue);
        assert_eq!(admitted, ["1", "2"]);
    }

    #[test]
    fn the_newest_of_a_branch_overtakes_the_others() {
        let mut other_branch = run("2", "a", RunState::Queued);
        other_branch.1.line = push("feature");
        let active = [
            run("1", "a", RunState::Running),
            other_branch,
            run("3", "a", RunState::Queued),
        ];
        let (_, superseded) = admitted(&active, 1, 9, OnConflict::CancelPrevious);
        assert_eq!(superseded, ["1"]);
        assert!(admitted(&active, 1, 9, OnConflict::Queue).1.is_empty());
    }

    /// Each is replaced by its like, and by nothing else.
    #[test]
    fn like_replaces_like_only() {
        let month = |span: &str| BTreeMap::from([("flights".to_owned(), span.to_owned())]);
        let manual = |rate: f64, branch: Option<&str>, span: Option<&str>, may_push| {
            Some(Line::Manual {
                revision: branch.map(str::to_owned).ok_or_else(|| Some(CommitSha::new("c0ffee"))),
                parameters: Map::from_iter([("rate".to_owned(), rate.into())]),
                newest_spans: span.map(month).unwrap_or_default(),
                may_push,
            })
        };
        let pull = |number| Some(Line::PullRequest { number: Some(number) });
        let data = |span: Option<&str>| {
            Some(Line::Data {
                newest_spans: span.map(month).unwrap_or_default(),
            })
        };
        let lines = [
            push("main"),
            push("feature"),
            pull(1),
            pull(2),
            data(None),
            data(Some("2014-06")),
            data(Some("2014-07")),
            Some(Line::Schedule),
            manual(0.1, Some("main"), None, true),
            manual(0.2, Some("main"), None, true),
            manual(0.1, Some("feature"), None, true),
            manual(0.1, None, None, true),
            manual(0.1, Some("main"), Some("2014-06"), true),
            manual(0.1, Some("main"), None, false),
            None,
        ];
        for older in &lines {
            for newer in &lines {
                let mut active = [run("1", "a", RunState::Running), run("2", "a", RunState::Queued)];
                active[0].1.line = older.clone();
                active[1].1.line = newer.clone();
                let (_, superseded) = admitted(&active, 1, 9, OnConflict::CancelPrevious);
                let like = older == newer && older.is_some();
                assert_eq!(superseded.is_empty(), !like, "{older:?} and then {newer:?}");
            }
        }
    }
}
