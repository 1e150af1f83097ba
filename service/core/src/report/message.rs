//! One message to GitHub: what a row of the outbox holds.

use super::{CheckRun, Status};
use crate::ids::{CommitSha, RepoName};
use crate::stored::{self, Stored};
use serde::{Deserialize, Serialize};

/// A message with its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// Where.
    pub repo: RepoName,
    /// The App installation to speak through.
    pub installation_id: Option<i64>,
    /// What.
    pub message: Message,
}

/// What GitHub must hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A commit status.
    Status(CommitStatus),
    /// The comment on a pull request, written or brought up to date.
    Comment(Comment),
}

/// A status for one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitStatus {
    /// The commit.
    pub sha: CommitSha,
    /// What it is to show.
    pub status: Status,
    /// The same as a check run, of the status's name and with its description as the title; `None` in what older
    /// versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<CheckRun>>,
    /// Where people read on.
    pub target_url: Option<String>,
}

/// A status that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The status.
    pub status: Status,
    /// The same as a check run.
    pub check: CheckRun,
    /// Where people read on.
    pub target_url: Option<String>,
    /// The App installation to speak through.
    pub installation_id: Option<i64>,
}

/// A comment on one pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The pull request.
    pub number: u64,
    /// The text by which our comment is found again.
    pub marker: String,
    /// The whole text, the marker included.
    pub body: String,
}

impl Stored for CommitStatus {
    const WHAT: &'static str = "commit status";
    const VERSION: u32 = 1;
}

impl Stored for Comment {
    const WHAT: &'static str = "comment";
    const VERSION: u32 = 1;
}

/// The kinds of [`Message`], as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// [`Message::Status`].
    Status,
    /// [`Message::Comment`].
    Comment,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Status, Self::Comment];
}

impl OutboxItem {
    /// What a check shows of a commit.
    pub fn status(repo: &RepoName, sha: &CommitSha, shown: Shown) -> Self {
        Self {
            repo: repo.clone(),
            installation_id: shown.installation_id,
            message: Message::Status(CommitStatus {
                sha: sha.clone(),
                status: shown.status,
                check: Some(Box::new(shown.check)),
                target_url: shown.target_url,
            }),
        }
    }

    /// What it is about: a newer item with the same key replaces one that was not told yet.
    pub fn key(&self) -> String {
        let repo = &self.repo;
        match &self.message {
            Message::Status(CommitStatus { sha, status, .. }) => format!("status {repo} {sha} {}", status.context),
            Message::Comment(Comment { number, marker, .. }) => format!("comment {repo} {number} {marker}"),
        }
    }
}

impl Message {
    /// Its JSON text, to store beside its kind.
    pub fn write(&self) -> String {
        match self {
            Self::Status(status) => stored::write(status),
            Self::Comment(comment) => stored::write(comment),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Status(_) => MessageKind::Status,
            Self::Comment(_) => MessageKind::Comment,
        }
    }
}

impl MessageKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Comment => "comment",
        }
    }
}
