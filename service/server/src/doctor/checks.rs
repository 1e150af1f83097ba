//! What was looked at, and how it is.

use serde::Serialize;
use utoipa::ToSchema;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// As it should be.
    Ok,
    /// It may be as somebody wants it.
    Warning,
    /// Something does not work.
    Problem,
}

impl Health {
    /// In a word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    /// What.
    pub(crate) check: String,
    /// How it is.
    pub(crate) health: Health,
    /// What was found, and what to do about it.
    pub(crate) finding: String,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Examined {
    /// In the order in which things need each other.
    pub(crate) checks: Vec<Check>,
}

/// What was looked at so far.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, check: impl Into<String>, health: Health, finding: impl Into<String>) {
        self.0.push(Check {
            check: check.into(),
            health,
            finding: finding.into(),
        });
    }

    pub(crate) fn ok(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Ok, finding);
    }

    pub(crate) fn warn(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Warning, finding);
    }

    pub(crate) fn problem(&mut self, check: impl Into<String>, finding: impl ToString) {
        self.add(check, Health::Problem, finding.to_string());
    }

    /// All of it.
    pub(crate) fn examined(self) -> Examined {
        Examined { checks: self.0 }
    }
}
