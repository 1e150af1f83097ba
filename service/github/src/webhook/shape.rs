//! Whether a body is what the header beside it says: the signature covers the body only.

use super::{PayloadError, event_of_stored, printable};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// What is wrong with a delivery that was signed as it should be. It is kept, and starts nothing.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// The header `X-GitHub-Event` is missing or is no name of an event.
    #[error(
        "the delivery does not say what happened (header X-GitHub-Event): is something between GitHub and here that takes headers away?"
    )]
    NoKind,
    /// The header `X-GitHub-Delivery` is missing or cannot be used.
    #[error(
        "the delivery has no id that can be used (header X-GitHub-Delivery): is something between GitHub and here that takes headers away?"
    )]
    NoId,
    /// The body is of another event.
    #[error(
        "the header X-GitHub-Event says '{header}', and the body is that of a {body} event: what is signed is the body only, so that nothing follows"
    )]
    OtherKind {
        /// As the header has it.
        header: String,
        /// What the body is.
        body: &'static str,
    },
    /// The body cannot be read.
    #[error("the body of this {kind} event is no JSON object: {problem}")]
    NoObject {
        /// As the header has it.
        kind: String,
        /// In the parser's words.
        problem: String,
    },
    /// The body lacks something that every such event has.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// What is wrong with a body of this kind, or `None`.
pub fn flaw(kind: &str, body: &[u8]) -> Option<Flaw> {
    if body.starts_with(b"payload=") {
        // Its own sentence is the better one.
        return event_of_stored("push", body).err().map(Flaw::from);
    }
    // A list would be taken for the fields in their order.
    if body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|first| *first != b'{')
    {
        let problem = serde_json::from_slice::<IgnoredAny>(body).err();
        return Some(Flaw::NoObject {
            kind: printable(kind),
            problem: problem.map_or_else(|| "it is something else".to_owned(), |error| error.to_string()),
        });
    }
    let marks: Marks = match serde_json::from_slice(body) {
        Ok(marks) => marks,
        Err(error) => {
            return Some(Flaw::NoObject {
                kind: printable(kind),
                problem: error.to_string(),
            });
        }
    };
    match marks.kind() {
        Some(body) if body != kind && !marks.may_be(kind) => Some(Flaw::OtherKind {
            header: printable(kind),
            body,
        }),
        _ => event_of_stored(kind, body).err().map(Flaw::from),
    }
}

/// Which of the keys are there by which events are told apart.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Marks {
    #[serde(default, rename = "ref")]
    reference: Present,
    #[serde(default)]
    before: Present,
    #[serde(default)]
    after: Present,
    #[serde(default)]
    action: Present,
    #[serde(default)]
    number: Present,
    #[serde(default)]
    pull_request: Present,
    #[serde(default)]
    review: Present,
    #[serde(default)]
    comment: Present,
    #[serde(default)]
    thread: Present,
    #[serde(default)]
    issue: Present,
    #[serde(default)]
    zen: Present,
    #[serde(default)]
    hook_id: Present,
    #[serde(default)]
    release: Present,
    #[serde(default)]
    workflow_run: Present,
    #[serde(default)]
    client_payload: Present,
    #[serde(default)]
    check_run: Present,
    #[serde(default)]
    check_suite: Present,
    #[serde(default)]
    repositories_added: Present,
}

impl Marks {
    /// The event that only such a body belongs to; `None` where that cannot be told.
    fn kind(&self) -> Option<&'static str> {
        let has = |key: &Present| key.0;
        if has(&self.reference) && has(&self.before) && has(&self.after) {
            return Some("push");
        }
        if has(&self.zen) && has(&self.hook_id) {
            return Some("ping");
        }
        if !has(&self.action) {
            return None;
        }
        let said = has(&self.review) || has(&self.comment) || has(&self.thread);
        match () {
            () if has(&self.number) && has(&self.pull_request) && !said => Some("pull_request"),
            () if has(&self.comment) && has(&self.issue) => Some("issue_comment"),
            () if has(&self.check_run) => Some("check_run"),
            () if has(&self.check_suite) => Some("check_suite"),
            () if has(&self.workflow_run) => Some("workflow_run"),
            () if has(&self.release) => Some("release"),
            () if has(&self.client_payload) => Some("repository_dispatch"),
            () if has(&self.repositories_added) => Some("installation_repositories"),
            () => None,
        }
    }

    /// Whether a body of this shape is that of a kind with a longer name, too, or of Gitea's.
    fn may_be(&self, kind: &str) -> bool {
        let begins = |word: &str| kind.strip_prefix(word).is_some_and(|rest| rest.starts_with('_'));
        // `pull_request_target` and its like have the whole pull request; deployments have what started them.
        match self.kind() {
            Some("pull_request") => begins("pull_request"),
            Some("check_run" | "workflow_run") => begins("deployment") || kind == "deployment" || begins("workflow"),
            _ => false,
        }
    }
}

/// Whether a key is there, with whatever value.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}
