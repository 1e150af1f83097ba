//! Why an event starts no run, or not yet.

use super::pipelines::SameName;
use crate::ids::{CommitSha, DeliveryId, RepoName, StepName};
use crate::plan::TakenAway;
use crate::problem::Problem;
use crate::trigger::{Cause, NotStarted};

/// One reason; an event has one for each pipeline that does not start now, at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The pipeline does not listen to it.
    NotStarted(NotStarted),
    /// The commit has no pipeline.
    NoPipelineFile {
        /// The repository.
        repo: RepoName,
        /// The commit.
        commit: CommitSha,
    },
    /// A pipeline file is wrong; the first problem.
    Invalid(Problem),
    /// The pull request took away what the gate of its base judges.
    TakenAway(TakenAway),
    /// Steps asked for network that the reviewed file does not give them.
    NoNetwork {
        /// The pipeline.
        pipeline: String,
        /// The steps.
        steps: Vec<StepName>,
        /// Where that file is.
        branch: String,
    },
    /// The base has a pipeline that is not in the commit.
    NotHere {
        /// The pipeline.
        pipeline: String,
        /// The base.
        base: String,
    },
    /// Two or more files have one name.
    SameName(SameName),
    /// The push had to wait, and its branch moved on meanwhile.
    Overtaken {
        /// Where.
        repo: RepoName,
        /// The branch.
        branch: String,
    },
    /// What is told of a pull request comes late: it has other commits or another base meanwhile.
    Outdated {
        /// Where.
        repo: RepoName,
        /// Its number.
        number: u64,
    },
    /// The commit asks for no run.
    Skipped {
        /// The commit.
        commit: CommitSha,
        /// What its message says.
        word: &'static str,
    },
    /// The same bytes came before under another id.
    Repeated(DeliveryId),
    /// The pull request is over.
    Closed {
        /// Where.
        repo: RepoName,
        /// Its number.
        number: u64,
    },
    /// The commit cannot be had, in the words of git or of the settings.
    NoSource(String),
    /// No default branch has told of any pipeline.
    NothingKnown,
    /// Data wait for their quiet period.
    Held {
        /// What the run will start for.
        cause: Cause,
        /// The quiet period.
        seconds: u64,
    },
    /// A span that was announced with others has another form than the names of the source's files.
    NoSpan {
        /// The data source.
        source: String,
        /// As it was named.
        span: String,
    },
    /// The row of a pipeline cannot be read, so that nobody knows whether it listens; in the store's words.
    Unreadable(String),
    /// The pipeline is no longer on its default branch.
    Gone,
    /// It is done when it is known that the person may, and this is replaced by what came of it; who asks for what.
    Asked(String),
    /// The check that was clicked is of another App, or of none that is known here.
    NotOurCheck,
    /// A run that is run again is judged, and its model is not pushed.
    OnlyJudged {
        /// The pipeline.
        pipeline: String,
    },
    /// Only the service makes such events, and never out of a delivery.
    MadeHere,
}

impl Reason {
    /// The pipeline that does not run for it, where it is about one.
    pub fn pipeline(&self) -> Option<&str> {
        match self {
            Self::NotStarted(NotStarted { pipeline, .. })
            | Self::NotHere { pipeline, .. }
            | Self::OnlyJudged { pipeline } => Some(pipeline),
            _ => None,
        }
    }

    /// Whether it is about everything that the event could have started.
    pub fn is_of_all(&self) -> bool {
        matches!(
            self,
            Self::Overtaken { .. }
                | Self::Outdated { .. }
                | Self::Skipped { .. }
                | Self::Repeated(_)
                | Self::NoSource(_)
        )
    }

    /// What stands in checks.
    pub fn told(&self) -> String {
        match self {
            Self::NotStarted(not_started) => not_started.told(),
            other => other.sentence(),
        }
    }

    /// What stands in deliveries.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotStarted(not_started) => not_started.sentence(),
            Self::NoPipelineFile { repo, commit } => {
                format!("{repo} has no pipelines/<name>/pipeline.yaml at {commit}")
            }
            Self::Invalid(problem) => problem.to_string(),
            Self::TakenAway(gone) => gone.to_string(),
            Self::NoNetwork {
                pipeline,
                steps,
                branch,
            } => {
                let steps: Vec<&str> = steps.iter().map(StepName::as_str).collect();
                format!(
                    "pipeline '{pipeline}' runs without the network that this commit asks for (step {}): it reaches what its file on '{branch}' lets it reach",
                    steps.join(", ")
                )
            }
            Self::NotHere { pipeline, base } => {
                format!("nothing to do: pipeline '{pipeline}' of '{base}' is not in this commit")
            }
            Self::SameName(same) => same.sentence(),
            Self::Overtaken { repo, branch } => {
                format!(
                    "push to '{branch}' of {repo} starts nothing: the branch had moved on when it could be looked at"
                )
            }
            Self::Outdated { repo, number } => {
                format!(
                    "pull request #{number} of {repo} starts nothing for this: it had moved on when it could be looked at"
                )
            }
            Self::Skipped { commit, word } => {
                let short: String = commit.as_str().chars().take(7).collect();
                format!("the message of commit {short} says {word}: nothing runs for it, and nothing is judged")
            }
            Self::Repeated(first) => format!(
                "the same event with the same body came in delivery {first} within seven days: nothing starts for it a second time"
            ),
            Self::Closed { repo, number } => {
                format!(
                    "pull request #{number} of {repo} is closed: what its commits were asked for it counts no longer"
                )
            }
            Self::NoSource(why) => why.clone(),
            Self::NothingKnown => {
                "no pipeline is known yet: push a repository with a pipeline to its default branch first".to_owned()
            }
            Self::Held { cause, seconds } => format!(
                "{}: one run starts when nothing more arrives for {seconds}s",
                cause.sentence()
            ),
            Self::NoSpan { source, span } => format!(
                "'{span}' is no span of data source '{source}' and was left out: announce it again as its files are named"
            ),
            Self::Unreadable(row) => format!("{row}: whether it listens is not known"),
            Self::Gone => "the pipeline is gone from its default branch".to_owned(),
            Self::Asked(sentence) => sentence.clone(),
            Self::NotOurCheck => "the check is not one of this App's: nothing is done for it".to_owned(),
            Self::OnlyJudged { pipeline } => format!(
                "the model of pipeline '{pipeline}' is judged and not pushed: its branch has moved on since, or the reviewed file has another gate or target now"
            ),
            Self::MadeHere => "this event is made by the service itself".to_owned(),
        }
    }
}
