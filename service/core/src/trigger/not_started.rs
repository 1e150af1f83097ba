//! Why an event starts no run of a pipeline.

use crate::event::{Event, RepositoryEventKind};
use crate::ids::RepoName;

/// An event that starts no run of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// What happened.
    pub what: What,
    /// The pipeline.
    pub pipeline: String,
    /// Why it does not run.
    pub why: Why,
}

/// What happened, as far as people need it to find the event again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A branch moved.
    Push {
        /// Where.
        repo: RepoName,
        /// The branch.
        branch: String,
    },
    /// Something happened to a pull request.
    PullRequest {
        /// Where.
        repo: RepoName,
        /// Its number.
        number: u64,
        /// The branch it would be merged into.
        base: String,
    },
    /// Something else happened in a repository.
    Repository {
        /// Where.
        repo: RepoName,
        /// Of what kind.
        kind: RepositoryEventKind,
        /// What happened.
        action: String,
    },
    /// A data source has something new.
    Data {
        /// The source.
        source: String,
        /// The span; `None` means the newest.
        span: Option<String>,
    },
    /// A slot of a schedule came due.
    Schedule {
        /// The slot, RFC 3339 in UTC.
        slot: String,
    },
    /// A person asked.
    Manual {
        /// Who.
        actor: String,
    },
}

/// Why a pipeline does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has no trigger for what happened.
    NotListening,
    /// Its schedule is gone.
    NoSchedule,
    /// It listens to other branches.
    OtherBranches(Vec<String>),
    /// It listens to other paths, and none of these changed.
    OtherPaths(Vec<String>),
    /// It listens to other things that happen.
    OtherTypes(Vec<String>),
    /// It listens to other labels.
    OtherLabels(Vec<String>),
    /// It listens to other workflows.
    OtherWorkflows(Vec<String>),
    /// It listens to workflows that end otherwise.
    OtherConclusions(Vec<String>),
    /// It listens to another data source.
    OtherSource(String),
    /// The event is for another pipeline.
    OtherPipeline(String),
}

impl NotStarted {
    /// What happened, and why nothing starts.
    pub fn sentence(&self) -> String {
        format!("{} starts nothing: {}", self.what.words(), self.because())
    }

    /// The same for a check, where everybody knows what happened.
    pub fn told(&self) -> String {
        match self.why {
            Why::OtherPaths(_) => format!("nothing relevant changed: {}", self.because()),
            Why::OtherBranches(_) => format!("nothing to do: {}", self.because()),
            _ => self.sentence(),
        }
    }

    fn because(&self) -> String {
        let pipeline = &self.pipeline;
        match &self.why {
            Why::NotListening => format!("pipeline '{pipeline}' does not listen to {}", self.what.listened_to()),
            Why::NoSchedule => format!("pipeline '{pipeline}' no longer has a schedule"),
            Why::OtherBranches(globs) => {
                let listens = format!("pipeline '{pipeline}' listens to branches [{}]", globs.join(", "));
                match &self.what {
                    What::PullRequest { base, .. } => format!("it would be merged into '{base}', and {listens}"),
                    _ => listens,
                }
            }
            Why::OtherPaths(globs) => format!(
                "pipeline '{pipeline}' listens to paths [{}], and no changed file is one of them",
                globs.join(", ")
            ),
            Why::OtherTypes(globs) => format!("pipeline '{pipeline}' listens to types [{}]", globs.join(", ")),
            Why::OtherLabels(globs) => format!("pipeline '{pipeline}' listens to labels [{}]", globs.join(", ")),
            Why::OtherWorkflows(globs) => format!("pipeline '{pipeline}' listens to workflows [{}]", globs.join(", ")),
            Why::OtherConclusions(globs) => {
                format!(
                    "pipeline '{pipeline}' listens to workflows that end with [{}]",
                    globs.join(", ")
                )
            }
            Why::OtherSource(source) => format!("pipeline '{pipeline}' listens to data source '{source}'"),
            Why::OtherPipeline(other) => format!("it is for pipeline '{other}', not '{pipeline}'"),
        }
    }
}

impl What {
    /// For example `push to 'main' of acme/flights`.
    pub fn words(&self) -> String {
        match self {
            Self::Push { repo, branch } => format!("push to '{branch}' of {repo}"),
            Self::PullRequest { repo, number, .. } => format!("pull request #{number} of {repo}"),
            Self::Repository { repo, kind, action } => format!("{} '{action}' of {repo}", kind.as_str()),
            Self::Data { source, span: None } => format!("data {source}"),
            Self::Data {
                source,
                span: Some(span),
            } => format!("data {source} {span}"),
            Self::Schedule { slot } => format!("schedule of {slot}"),
            Self::Manual { actor } => format!("manual request by {actor}"),
        }
    }

    /// What a pipeline listens to that runs for it.
    fn listened_to(&self) -> &'static str {
        match self {
            Self::Push { .. } => "pushes",
            Self::PullRequest { .. } => "pull requests",
            Self::Repository { kind, .. } => match kind {
                RepositoryEventKind::Release => "releases",
                RepositoryEventKind::WorkflowRun => "workflows",
                RepositoryEventKind::RepositoryDispatch => "repository dispatches",
            },
            Self::Data { .. } => "data",
            Self::Schedule { .. } => "the clock",
            Self::Manual { .. } => "people",
        }
    }
}

impl From<&Event> for What {
    fn from(event: &Event) -> Self {
        match event {
            Event::Push(push) => Self::Push {
                repo: push.repo.clone(),
                branch: push.branch.clone(),
            },
            Event::PullRequest(pull) => Self::PullRequest {
                repo: pull.repo.clone(),
                number: pull.number,
                base: pull.base_branch.clone(),
            },
            Event::Repository(event) => Self::Repository {
                repo: event.repo.clone(),
                kind: event.kind,
                action: event.action.clone(),
            },
            Event::DataArrived(arrived) => Self::Data {
                source: arrived.source.clone(),
                span: arrived.span.clone(),
            },
            Event::ScheduleDue(due) => Self::Schedule { slot: due.slot.clone() },
            Event::Manual(manual) => Self::Manual {
                actor: manual.actor.clone(),
            },
            Event::Asked(asked) => Self::Manual {
                actor: asked.person.login.clone(),
            },
        }
    }
}
