//! Why a run starts.

use crate::event::{PullRequestAction, RepositoryEventKind};
use std::collections::BTreeMap;

/// What a run starts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A branch moved.
    Push {
        /// The branch.
        branch: String,
        /// The account that pushed.
        pusher: String,
    },
    /// A pull request is to be judged.
    PullRequest {
        /// Its number.
        number: u64,
        /// Who opened it.
        author: String,
        /// What happened to it.
        action: PullRequestAction,
    },
    /// Something else happened in a repository.
    Repository {
        /// Of what kind.
        kind: RepositoryEventKind,
        /// What happened.
        action: String,
        /// The tag, or the workflow.
        name: Option<String>,
        /// Who did it.
        sender: String,
    },
    /// A data source has something new.
    Data {
        /// The source.
        source: String,
        /// The spans that were named, in the order of their arrival; none means the newest.
        spans: Vec<String>,
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
        /// The span to run as of, by source.
        spans: BTreeMap<String, String>,
    },
    /// A person asked for a pull request to be judged.
    Asked {
        /// Its number.
        number: u64,
        /// Who.
        actor: String,
        /// Whether the person chose other parameters than the file's.
        trial: bool,
    },
}

impl Cause {
    /// The name in listings, as [`Event::kind`](crate::event::Event::kind).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Push { .. } => "push",
            Self::PullRequest { .. } => "pull_request",
            Self::Repository { kind, .. } => kind.as_str(),
            Self::Data { .. } => "data",
            Self::Schedule { .. } => "schedule",
            Self::Asked { trial: false, .. } => "pull_request",
            Self::Manual { .. } | Self::Asked { .. } => "manual",
        }
    }

    /// Whether an approved model may be pushed: what is not merged yet only gets a verdict.
    pub fn may_push(&self) -> bool {
        !matches!(self, Self::PullRequest { .. } | Self::Asked { .. })
    }

    /// Whether a person tries other parameters than the file's.
    pub fn is_trial(&self) -> bool {
        matches!(self, Self::Asked { trial: true, .. })
    }

    /// In words, for example `push of main by ada`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Push { branch, pusher } => format!("push of {branch} by {pusher}"),
            Self::PullRequest { number, author, action } => {
                let verb = match action {
                    PullRequestAction::Opened => "opened",
                    PullRequestAction::Synchronize => "updated",
                    PullRequestAction::Reopened => "reopened",
                    PullRequestAction::Edited => "sent into another branch",
                    PullRequestAction::ReadyForReview => "made ready for review",
                    PullRequestAction::ConvertedToDraft => "made a draft",
                    PullRequestAction::Labeled => "labeled",
                    PullRequestAction::Unlabeled => "unlabeled",
                    PullRequestAction::Closed => "closed",
                };
                format!("pull request #{number} by {author} {verb}")
            }
            Self::Repository {
                kind,
                action,
                name,
                sender,
            } => {
                let name = name.as_deref().unwrap_or_default();
                match kind {
                    RepositoryEventKind::Release => format!("release {name} {action} by {sender}"),
                    RepositoryEventKind::WorkflowRun => format!("workflow '{name}' {action}"),
                    RepositoryEventKind::RepositoryDispatch => format!("repository dispatch '{action}' by {sender}"),
                }
            }
            Self::Data { source, spans } if spans.is_empty() => format!("data {source}"),
            Self::Data { source, spans } => format!("data {source} {}", spans.join(", ")),
            Self::Schedule { slot } => format!("schedule of {slot}"),
            Self::Manual { actor, spans } if spans.is_empty() => format!("manual request by {actor}"),
            Self::Asked { number, actor, trial } => {
                let with = if *trial { " with other parameters" } else { "" };
                format!("pull request #{number}, asked for by {actor}{with}")
            }
            Self::Manual { actor, spans } => {
                let spans = spans.iter().map(|(source, span)| format!("{source} {span}"));
                format!(
                    "manual request by {actor} as of {}",
                    spans.collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}
