//! What GitHub still has to be told; items with the same key replace each other.

use crate::error::Result;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_core::ids::{Micros, RepoName};

/// How GitHub is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxKind {
    /// A commit status.
    Status,
    /// The comment on a pull request.
    Comment,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem {
    /// Repository, commit and context of a status; repository and number of a comment's pull request.
    pub key: String,
    /// How.
    pub kind: OutboxKind,
    /// Where.
    pub repo: RepoName,
    /// The App installation to speak through.
    pub installation_id: Option<i64>,
    /// What.
    pub payload: Value,
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Its row.
    pub id: i64,
    /// Grows when a newer message with the same key replaces it.
    pub generation: i64,
    /// Failed attempts so far.
    pub attempts: u32,
    /// The message.
    pub item: OutboxItem,
}

impl Store {
    /// Adds messages without a run or an event.
    pub async fn put_outbox(&self, items: &[OutboxItem], at: Micros) -> Result<()> {
        let _ = (items, at);
        self.unwritten()
    }

    /// Messages to send now, longest due first.
    pub async fn due_outbox(&self, now: Micros, limit: u32) -> Result<Vec<OutboxRow>> {
        let _ = (now, limit);
        self.unwritten()
    }

    /// The message was sent. False when a newer one replaced it meanwhile and is still to be sent.
    pub async fn outbox_done(&self, id: i64, generation: i64) -> Result<bool> {
        let _ = (id, generation);
        self.unwritten()
    }

    /// The message was not sent; a newer one that replaced it meanwhile stays due at once.
    pub async fn outbox_failed(&self, id: i64, generation: i64, next_attempt_at: Micros, error: &str) -> Result<()> {
        let _ = (id, generation, next_attempt_at, error);
        self.unwritten()
    }

    /// When the next message is due.
    pub async fn next_outbox(&self) -> Result<Option<Micros>> {
        self.unwritten()
    }
}
