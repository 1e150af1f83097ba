//! What no webhook told, in the words of one.

use serde_json::{Value, json};
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::inbound::Missed;
use trainyard_github::{PullNow, RepositoryNow};

/// git's word for no commit.
const NONE: &str = "0000000000000000000000000000000000000000";

/// A repository as webhooks tell of it.
pub(super) struct Whose<'a> {
    pub(super) now: &'a RepositoryNow,
    pub(super) installation: Option<i64>,
}

impl Whose<'_> {
    fn told(&self, mut body: Value) -> Value {
        let (id, name, default) = (self.now.id, &self.now.full_name, &self.now.default_branch);
        body["repository"] = json!({"id": id, "full_name": name, "default_branch": default});
        body["sender"] = json!({"login": "unknown"});
        if let Some(id) = self.installation {
            body["installation"] = json!({"id": id});
        }
        body
    }

    pub(super) fn push(&self, branch: &str, before: Option<&CommitSha>, after: &CommitSha) -> Value {
        self.told(json!({
            "ref": format!("refs/heads/{branch}"),
            "before": before.map_or(NONE, CommitSha::as_str),
            "after": after,
            "created": before.is_none(),
            "deleted": false,
            "commits": [],
        }))
    }

    pub(super) fn pull(&self, pull: &PullNow, missed: &Missed) -> Value {
        let action = match missed {
            Missed::Synchronize { .. } => "synchronize",
            Missed::Retargeted(_) => "edited",
            _ => "opened",
        };
        let mut body = json!({"action": action, "number": pull.number, "pull_request": pull});
        if let Missed::Synchronize { before, .. } = missed {
            body["before"] = json!(before);
        }
        if let Missed::Retargeted(_) = missed {
            body["changes"] = json!({"base": {}});
        }
        self.told(body)
    }

    /// One that is closed is in no list any more: what was seen of it says enough.
    pub(super) fn closed(&self, number: u64, head: &CommitSha, base: &str, at: &str) -> Value {
        let side = |branch: &str| json!({"ref": branch, "sha": head, "repo": {"id": self.now.id}});
        let pull = json!({"number": number, "head": side("unknown"), "base": side(base), "updated_at": at});
        self.told(json!({"action": "closed", "number": number, "pull_request": pull}))
    }
}

/// For the log.
pub(super) fn words(repo: &RepoName, missed: &Missed) -> String {
    match missed {
        Missed::Push { branch, after, .. } => format!("{repo}: branch '{branch}' is at {after}"),
        Missed::Opened(number) => format!("{repo}: pull request #{number} is open"),
        Missed::Synchronize { number, .. } => format!("{repo}: pull request #{number} has other commits"),
        Missed::Retargeted(number) => format!("{repo}: pull request #{number} goes into another branch"),
        Missed::Closed(number) => format!("{repo}: pull request #{number} is closed"),
    }
}
