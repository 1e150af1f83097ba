//! What the service may do at GitHub: what it needs, what of that is missing, and what GitHub's no means.

mod denied;
mod needs;
#[cfg(test)]
mod tests;

pub use denied::{Denied, No, Who};
pub use needs::{EVENTS, EventNeed, Missing, NEEDS, Need, OF_TOKENS, Place, missing_events, missing_permissions};

use std::fmt;

/// How far a permission reaches; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Everything.
    Admin,
}

impl Level {
    /// GitHub's word in its API.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// GitHub's word in its API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// GitHub's words in its settings.
    fn title(self) -> &'static str {
        match self {
            Self::Read => "read-only",
            Self::Write => "read and write",
            Self::Admin => "admin",
        }
    }
}

/// A permission and how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// GitHub's name in its API, such as `pull_requests`.
    pub permission: String,
    /// How far.
    pub level: Level,
}

impl Grant {
    /// A permission and how far it reaches.
    pub fn new(permission: &str, level: Level) -> Self {
        Self {
            permission: permission.to_owned(),
            level,
        }
    }
}

/// As GitHub's settings show it: `'Commit statuses: read and write'`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}: {}'", title(&self.permission), self.level.title())
    }
}

/// The name of a permission in GitHub's settings.
fn title(permission: &str) -> String {
    let known = match permission {
        "actions" => "Actions",
        "administration" => "Administration",
        "checks" => "Checks",
        "contents" => "Contents",
        "deployments" => "Deployments",
        "issues" => "Issues",
        "members" => "Members",
        "metadata" => "Metadata",
        "pull_requests" => "Pull requests",
        "repository_hooks" => "Webhooks",
        "statuses" => "Commit statuses",
        "workflows" => "Workflows",
        other => {
            let safe = other.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_');
            return safe.take(60).collect();
        }
    };
    known.to_owned()
}
