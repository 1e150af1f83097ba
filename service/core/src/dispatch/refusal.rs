//! Why a command is not done.

use crate::ids::{CommitSha, RunId};
use crate::run::RunState;
use crate::suggest;

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The pull request is closed.
    Closed {
        /// Its number.
        number: u64,
    },
    /// It has commits that the asker may not have seen.
    Moved {
        /// Its head.
        head: CommitSha,
    },
    /// The run is of an older commit.
    OldHead {
        /// The run.
        run: RunId,
        /// The head.
        head: CommitSha,
    },
    /// No run is meant by this word.
    NoSuchRun {
        /// The word.
        word: String,
        /// Pipelines that ran.
        known: Vec<String>,
    },
    /// Nothing ran for the pull request.
    NothingRan {
        /// Its head.
        head: CommitSha,
    },
    /// The run is not over.
    AtWork {
        /// The run.
        run: RunId,
    },
    /// The run is over.
    Over {
        /// The run.
        run: RunId,
        /// How.
        state: RunState,
    },
    /// No run of the pull request is at work.
    NothingAtWork {
        /// Its number.
        number: u64,
    },
    /// Nothing waits for an approval.
    NothingWaits,
    /// The run that is meant waits for no approval.
    WaitsNot {
        /// The run.
        run: RunId,
    },
    /// Several runs wait.
    WhichWaits {
        /// Their pipelines.
        known: Vec<String>,
    },
    /// No pipeline of the repository pushes.
    NoTarget,
    /// There are several targets.
    WhichTarget {
        /// The word that names none of them.
        word: Option<String>,
        /// The targets.
        known: Vec<String>,
    },
}

impl Refused {
    /// Why, and what to do, as text.
    pub fn sentence(&self) -> String {
        match self {
            Self::Closed { number } => {
                format!("pull request #{number} is closed, and nothing is run for it: reopen it first")
            }
            Self::Moved { head } => format!(
                "nothing was done, since the pull request may have moved on after this was written: look at its head {}, and ask again",
                short(head)
            ),
            Self::OldHead { run, head } => format!(
                "run {run} is of an older commit: the head of the pull request is {} by now, so ask for what concerns that one",
                short(head)
            ),
            Self::NoSuchRun { word, known } => {
                let hint = suggest::hint(word, known.iter().map(String::as_str));
                format!("'{word}' is neither a pipeline that ran for this pull request nor one of its runs: {hint}")
            }
            Self::NothingRan { head } => format!(
                "nothing ran for this pull request yet (its head is {}): ask for a run with /trainyard run",
                short(head)
            ),
            Self::AtWork { run } => {
                format!("run {run} is not over yet: wait for its end, or cancel it first")
            }
            Self::Over { run, state } => format!("run {run} is over already: {}", state.as_str()),
            Self::NothingAtWork { number } => format!("no run of pull request #{number} is at work"),
            Self::NothingWaits => "nothing waits for an approval here".to_owned(),
            Self::WaitsNot { run } => format!("run {run} does not wait for an approval"),
            Self::WhichWaits { known } => format!(
                "several runs wait for an approval: name a pipeline ({}) or a run",
                known.join(", ")
            ),
            Self::NoTarget => {
                "no pipeline on the default branch of this repository pushes a model: there is nothing to roll back"
                    .to_owned()
            }
            Self::WhichTarget { word, known } => {
                let known = known.join(", ");
                match word {
                    Some(word) => format!("'{word}' is none of the targets of this repository: name one of {known}"),
                    None => format!("this repository has several targets: name one of {known}"),
                }
            }
        }
    }
}

fn short(commit: &CommitSha) -> String {
    commit.as_str().chars().take(10).collect()
}
