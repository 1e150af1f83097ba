//! Tokens, sessions and the audit.

use super::time;
use crate::session::name;
use serde::Serialize;
use trainyard_core::access::Identity;
use trainyard_store::{AuditRow, SessionRow, Token};
use utoipa::ToSchema;

/// A token, without its text, which nobody knows but its holder.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenItem {
    /// What people call it.
    pub name: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    pub role: String,
    /// The pipelines it is for; all and the service itself if null.
    pub pipelines: Option<Vec<String>>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// When it ends by itself; never if null.
    pub expires_at: Option<String>,
    /// When it was used last, to a minute.
    pub last_used_at: Option<String>,
    /// Who made it worthless.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<String>,
}

impl From<Token> for TokenItem {
    fn from(token: Token) -> Self {
        let (revoked_by, revoked_at) = token.revoked.map(|(by, at)| (by, time(at))).unzip();
        Self {
            name: token.name,
            role: token.scope.role.to_string(),
            pipelines: token.scope.pipelines.map(|names| names.into_iter().collect()),
            created_by: token.created_by,
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
            last_used_at: token.used_at.map(time),
            revoked_by,
            revoked_at,
        }
    }
}

/// All tokens, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// The tokens, the revoked ones among them.
    pub tokens: Vec<TokenItem>,
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionItem {
    /// Its name: it opens nothing.
    pub id: String,
    /// Who.
    pub who: String,
    /// How: `api_token`, `github` or `oidc`.
    pub by: &'static str,
    /// Since when.
    pub began_at: String,
    /// When it was used last, to a few minutes.
    pub used_at: String,
}

impl SessionItem {
    /// Of a session, by its hash.
    pub fn new(hash: &str, row: &SessionRow) -> Self {
        Self {
            id: name(hash),
            who: row.identity.name().to_owned(),
            by: match row.identity {
                Identity::Service => "api_token",
                Identity::Account { .. } => "github",
                Identity::Claimed { .. } => "oidc",
            },
            began_at: time(row.began_at),
            used_at: time(row.used_at),
        }
    }
}

/// Who is signed in, the browser that was used last first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sessions {
    /// The sessions.
    pub sessions: Vec<SessionItem>,
}

/// What somebody did, or tried to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditItem {
    /// Later entries have higher numbers.
    pub number: u64,
    /// When it began.
    pub at: String,
    /// Who, as far as it was proved; what was only said stands in parentheses.
    pub actor: String,
    /// What: `roll_back`, `approve`, `create_token`.
    pub deed: String,
    /// To what.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Whether it was done; null while it is being done, and where the service ended meanwhile.
    pub done: Option<bool>,
    /// What came of it.
    pub outcome: Option<String>,
}

impl From<AuditRow> for AuditItem {
    fn from(row: AuditRow) -> Self {
        Self {
            number: row.number,
            at: time(row.deed.at),
            actor: row.deed.actor,
            deed: row.deed.deed.as_str().to_owned(),
            subject: row.deed.subject,
            reason: row.deed.reason,
            done: row.done,
            outcome: row.outcome,
        }
    }
}

/// Entries of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Audit {
    /// Newest first.
    pub entries: Vec<AuditItem>,
    /// For `before` of the next page; null if this is the last.
    pub next: Option<u64>,
}

impl Audit {
    /// A page of at most `limit` entries.
    pub fn new(rows: Vec<AuditRow>, limit: u32) -> Self {
        let full = rows.len() == limit as usize;
        let next = rows.last().filter(|_| full).map(|row| row.number);
        Self {
            entries: rows.into_iter().map(Into::into).collect(),
            next,
        }
    }
}
