//! What a person asked for on GitHub, on its way to be done.

use super::interpretation::{Draft, Given, Interpretation};
use super::reason::Reason;
use crate::command::{Asked, Through};
use crate::event::Event;
use crate::ids::CommitSha;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// What was asked, with how far it is done: its commands in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What was asked.
    pub asked: Asked,
    /// The head of the pull request, as far as it was known here when it was asked; what is asked is about no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// What came of each command so far, in Markdown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
}

impl Stored for Ask {
    const WHAT: &'static str = "request by a comment or button";
    const VERSION: u32 = 1;
}

impl Ask {
    /// The pull request whose comment it is.
    pub fn pull_request(&self) -> Option<u64> {
        match &self.asked.through {
            Through::Comment { pull_request, .. } => Some(*pull_request),
            Through::CheckRun { .. } | Through::CheckSuite { .. } => None,
        }
    }
}

/// A comment or button. `app` is the App that we are, `head` the head of the pull request as far as it is known.
pub fn asked(asked: &Asked, app: Option<i64>, head: Option<CommitSha>, given: Given<'_>) -> Interpretation {
    let event = Event::Asked(asked.clone());
    let mut draft = Draft::new(given);
    if asked.app().is_some_and(|of| of.is_none() || of != app) {
        draft.because(Reason::NotOurCheck);
        return draft.of(event);
    }
    draft.because(Reason::Asked(asked.sentence()));
    draft.ask(Ask {
        asked: asked.clone(),
        head,
        said: Vec::new(),
    });
    draft.of(event)
}
