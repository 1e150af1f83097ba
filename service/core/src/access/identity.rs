//! Who is signed in, as a session keeps it.

use super::Role;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// Somebody with a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Identity {
    /// Who knows the service's own token.
    Service,
    /// An account of GitHub. Its roles are looked up by its number, since names can be taken over.
    Account {
        /// The number.
        id: i64,
        /// The name, for people.
        login: String,
    },
    /// Whom an OpenID Connect provider named.
    Claimed {
        /// The provider.
        issuer: String,
        /// Its number or word for the person, which no other one gets.
        subject: String,
        /// The name, for people.
        name: String,
        /// What the claims made of the person as the session began.
        role: Role,
    },
}

impl Stored for Identity {
    const WHAT: &'static str = "session's identity";
    const VERSION: u32 = 1;
}

impl Identity {
    /// Whether it is the same one, whatever it is called by now. Who has the service's token may be anybody.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account { id, .. }, Self::Account { id: of_other, .. }) => id == of_other,
            (
                Self::Claimed { issuer, subject, .. },
                Self::Claimed {
                    issuer: of_issuer,
                    subject: of_subject,
                    ..
                },
            ) => (issuer, subject) == (of_issuer, of_subject),
            _ => false,
        }
    }

    /// The name for the record.
    pub fn name(&self) -> &str {
        match self {
            Self::Service => "api_token",
            Self::Account { login, .. } => login,
            Self::Claimed { name, .. } => name,
        }
    }
}
