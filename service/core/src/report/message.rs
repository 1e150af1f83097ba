//! One message to GitHub, or to a channel beside it: what a row of the outbox holds.

use super::{CheckRun, Status, StatusState};
use crate::ids::{CommitSha, RepoName};
use crate::notify::Notice;
use crate::stored::{self, Stored};
use serde::{Deserialize, Serialize};

/// What a row of the outbox holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// A message to GitHub.
    GitHub(OutboxItem),
    /// A notice to a channel beside it.
    Notice(Box<Notice>),
}

impl Outgoing {
    /// What it is about: a newer one with the same key replaces one that was not told yet.
    pub fn key(&self) -> String {
        match self {
            Self::GitHub(item) => item.key(),
            Self::Notice(notice) => format!("notice {} {}", notice.channel, notice.id()),
        }
    }

    /// Who speaks or is spoken to: those of one lane are told one after the other, and no lane waits for another.
    pub fn lane(&self) -> String {
        match self {
            Self::GitHub(item) => match item.installation_id {
                Some(id) => format!("installation {id}"),
                None => format!("owner {}", item.repo.owner()),
            },
            Self::Notice(notice) => format!("notify {}", notice.channel),
        }
    }

    /// Its kind, as it is stored.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::GitHub(item) => item.message.kind(),
            Self::Notice(_) => MessageKind::Notice,
        }
    }

    /// How long it can wait.
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::GitHub(item) => item.message.urgency(),
            Self::Notice(_) => Urgency::Verdict,
        }
    }

    /// Its JSON text, to store beside its kind.
    pub fn write(&self) -> String {
        match self {
            Self::GitHub(item) => item.message.write(),
            Self::Notice(notice) => stored::write(notice.as_ref()),
        }
    }
}

/// A message to GitHub with its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// Where.
    pub repo: RepoName,
    /// The App installation to speak through.
    pub installation_id: Option<i64>,
    /// What.
    pub message: Message,
}

/// How long a message can wait: what is told first where not everything may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// What people wait for: how a run ended, or that it needs them.
    Verdict,
    /// The long form of it.
    Comment,
    /// That something goes on.
    Progress,
}

impl Urgency {
    /// As it is stored; smaller is sooner.
    pub fn rank(self) -> i64 {
        match self {
            Self::Verdict => 0,
            Self::Comment => 1,
            Self::Progress => 2,
        }
    }
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

/// The kinds of [`Outgoing`], as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// [`Message::Status`].
    Status,
    /// [`Message::Comment`].
    Comment,
    /// [`Outgoing::Notice`].
    Notice,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Status, Self::Comment, Self::Notice];
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
    /// How long it can wait.
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::Comment(_) => Urgency::Comment,
            Self::Status(told) => {
                let concluded = told
                    .check
                    .as_ref()
                    .is_some_and(|check| check.progress.conclusion().is_some());
                match concluded || told.status.state != StatusState::Pending {
                    true => Urgency::Verdict,
                    false => Urgency::Progress,
                }
            }
        }
    }

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
            Self::Notice => "notice",
        }
    }
}
