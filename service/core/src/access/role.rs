//! The four roles.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How much somebody may do; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Starts, repeats and cancels runs.
    Operator,
    /// Decides what serves.
    Approver,
    /// Gives others their tokens, and settles what no rule does.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What GitHub's answer to `GET /repos/{owner}/{repo}/collaborators/{username}/permission` makes of somebody:
    /// `permission` says `write` of who maintains, too, which only `role_name` tells.
    pub fn of_github(permission: &str, role_name: Option<&str>) -> Option<Self> {
        match (permission, role_name) {
            ("admin", _) => Some(Self::Admin),
            ("write", Some("maintain")) | ("maintain", _) => Some(Self::Approver),
            ("write", _) => Some(Self::Operator),
            ("read" | "triage", _) => Some(Self::Viewer),
            _ => None,
        }
    }

    /// What GitHub's settings call who has it.
    pub fn at_github(self) -> &'static str {
        match self {
            Self::Viewer => "read",
            Self::Operator => "write",
            Self::Approver => "maintain",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
