//! What people ask for on GitHub by comments and buttons: who may is looked up, then it is done in order, once.
//!
//! A comment or click is an event like any other; what it asks is stored with it (`asks`), and brought forward by
//! commands, each with what follows from it in one transaction. What happens elsewhere (a cancel, a rollback) is found
//! again after a crash.

mod buttons;
mod command;
mod explain;
mod work;

pub(crate) use work::run;

use crate::inbound::Inbound;
use crate::registry::promote::PromotionError;
use crate::run::Runs;
use crate::source::checkout::SourceError;
use std::sync::Arc;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::report::{Comment, Message, OutboxItem};
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{NewEvent, StoreError};

/// What it takes to do what people ask for.
#[derive(Clone)]
pub(crate) struct Asks {
    pub(crate) runs: Arc<Runs>,
    pub(crate) inbound: Arc<Inbound>,
    pub(crate) github: Arc<GitHub>,
}

/// Why nothing can be done now: it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Target(#[from] PromotionError),
    /// What this request began there is not settled since the service was stopped.
    #[error("what was begun at target '{0}' is not settled yet")]
    Unsettled(String),
}

impl AskError {
    /// Whether all that is asked in the repository meets it.
    fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::GitHub(error) => matches!(error, GitHubError::Unreachable { .. } | GitHubError::RateLimited { .. }),
            Self::Source(error) => matches!(error, SourceError::Again(_)),
            Self::Target(_) | Self::Unsettled(_) => false,
        }
    }
}

/// What came of a command.
#[derive(Default)]
struct Done {
    /// In Markdown.
    said: String,
    /// What follows, with its runs.
    follows: Vec<NewEvent>,
    /// Whether nothing was done.
    refused: bool,
}

impl Done {
    /// Done, or refused: text of ours and of others, which shows as it is.
    fn text(said: &str) -> Self {
        Self {
            said: trainyard_core::report::escape(said),
            ..Self::default()
        }
    }

    fn refused(said: &str) -> Self {
        Self {
            refused: true,
            ..Self::text(said)
        }
    }
}

/// A comment that answers.
fn answer(repo: &RepoName, installation: Option<i64>, (number, marker, body): (u64, String, String)) -> OutboxItem {
    OutboxItem {
        repo: repo.clone(),
        installation_id: installation,
        message: Message::Comment(Comment { number, marker, body }),
    }
}

/// Seconds of a time, as GitHub writes times.
fn seconds(at: Micros) -> i64 {
    at.0.div_euclid(1_000_000)
}
