//! Typed identifiers. They are made at the edges; core only carries them.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an identifier that was made at an edge.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Maps keyed by it can be asked by plain text.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// GitHub's `X-GitHub-Delivery`, or `source#id` of a CloudEvent.
    DeliveryId
);
text_id!(
    /// One stored event (UUIDv7).
    EventId
);
text_id!(
    /// One run of a pipeline (UUIDv7).
    RunId
);

impl RunId {
    /// Where people read about it, at the service that they reach at `base`.
    pub fn page(&self, base: &str) -> String {
        format!("{}/runs/{self}", base.trim_end_matches('/'))
    }
}
text_id!(
    /// The name of a step in its pipeline, `[a-z][a-z0-9_-]*`.
    StepName
);
text_id!(
    /// A full commit hash, 40 or 64 lowercase hex digits.
    CommitSha
);

/// Microseconds since 1970-01-01 UTC, the only time format of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// The moment `seconds` later.
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)),
        )
    }

    /// As RFC 3339 has it, in UTC; empty of a moment that no calendar has.
    pub fn rfc3339(self) -> String {
        let at = DateTime::from_timestamp_micros(self.0);
        at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .unwrap_or_default()
    }
}

/// A repository as `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName {
    owner: String,
    name: String,
}

impl RepoName {
    /// Parses `owner/name`; both parts are GitHub's alphabet, so that neither can be a path.
    pub fn parse(text: &str) -> Result<Self, InvalidRepoName> {
        let fine = |part: &str| {
            !part.is_empty()
                && part.len() <= 100
                && !part.starts_with('.')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if fine(owner) && fine(name) => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(InvalidRepoName(text.to_owned())),
        }
    }

    /// The account or organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A repository name that is not `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a repository name: write it as owner/name")]
pub struct InvalidRepoName(pub String);

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl TryFrom<String> for RepoName {
    type Error = InvalidRepoName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RepoName> for String {
    fn from(name: RepoName) -> Self {
        name.to_string()
    }
}
