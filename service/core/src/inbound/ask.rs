//! Comments and buttons: what is asked is kept until it is done.

use super::interpretation::{Draft, Given, Interpretation};
use super::reason::Reason;
use crate::command::{Ask, Asked};
use crate::event::Event;
use crate::ids::CommitSha;

/// A comment or button. `app` is the App that we are, `head` the head of the pull request as far as it is known.
pub fn asked(asked: &Asked, app: Option<i64>, head: Option<CommitSha>, given: Given<'_>) -> Interpretation {
    let event = Event::Asked(asked.clone());
    let mut draft = Draft::new(given);
    if asked.app().is_some_and(|of| of.is_none() || of != app) {
        draft.because(Reason::NotOurCheck);
        // It may be ours once the App is in the settings.
        return Interpretation {
            looked_at: false,
            ..draft.of(event)
        };
    }
    draft.because(Reason::Asked(asked.sentence()));
    draft.ask(Ask {
        asked: asked.clone(),
        head,
        said: Vec::new(),
    });
    draft.of(event)
}
