//! Check runs and check suites, as GitHub keeps them: an App's suite for each commit, and runs in it.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

/// A check run that is not over for so long is stale.
const STALE_AFTER: Duration = Duration::days(14);

/// A check run that the App made.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRunRecord {
    /// Its id.
    pub id: u64,
    /// Its suite.
    pub suite: u64,
    /// The commit.
    pub sha: String,
    /// Which check it is.
    pub name: String,
    /// The App's own name for it.
    pub external_id: Option<String>,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// How it ended.
    pub conclusion: Option<String>,
    /// What is above its summary.
    pub title: Option<String>,
    /// Markdown.
    pub summary: Option<String>,
    /// Markdown, below the summary.
    pub text: Option<String>,
    /// As they were sent, of all requests.
    pub annotations: Vec<Value>,
    /// Buttons, as they were sent.
    pub actions: Vec<Value>,
    /// Where details are.
    pub details_url: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was over.
    pub completed_at: Option<DateTime<Utc>>,
    /// Every status and conclusion that it had, oldest first, as `queued` or `completed success`.
    pub history: Vec<String>,
}

/// The check runs of the App at a commit.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) branch: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
}

/// What of a repository belongs to checks.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) runs: Vec<CheckRunRecord>,
    pub(crate) suites: Vec<Suite>,
}

impl CheckRunRecord {
    /// What GitHub shows: one that is not over for too long is stale.
    pub(crate) fn seen(&self) -> Self {
        let mut seen = self.clone();
        if seen.status != "completed" && seen.started_at + STALE_AFTER < Utc::now() {
            (seen.status, seen.conclusion) = ("completed".to_owned(), Some("stale".to_owned()));
        }
        seen
    }

    /// Notes where it is.
    pub(crate) fn note(&mut self) {
        let now = match &self.conclusion {
            Some(conclusion) => format!("{} {conclusion}", self.status),
            None => self.status.clone(),
        };
        if self.history.last() != Some(&now) {
            self.history.push(now);
        }
    }
}

impl Checks {
    /// The newest check run of each name.
    pub(crate) fn latest<'a>(runs: impl Iterator<Item = &'a CheckRunRecord>) -> Vec<CheckRunRecord> {
        let mut latest: Vec<CheckRunRecord> = Vec::new();
        for run in runs {
            latest.retain(|older| older.name != run.name);
            latest.push(run.seen());
        }
        latest
    }

    /// The App's suite for a commit, made with this id on first use.
    pub(crate) fn suite(&mut self, id: u64, sha: &str, branch: Option<String>) -> u64 {
        if let Some(suite) = self.suites.iter().find(|suite| suite.sha == sha) {
            return suite.id;
        }
        self.suites.push(Suite {
            id,
            sha: sha.to_owned(),
            branch,
            created_at: Utc::now(),
        });
        id
    }

    /// Where a suite is: as long as one of its newest runs is not over, neither is it.
    pub(crate) fn state_of(&self, suite: u64) -> (&'static str, Option<String>) {
        let latest = Self::latest(self.runs.iter().filter(|run| run.suite == suite));
        if latest.is_empty() {
            return ("queued", None);
        }
        if let Some(open) = latest.iter().find(|run| run.status != "completed") {
            return (
                if open.status == "queued" {
                    "queued"
                } else {
                    "in_progress"
                },
                None,
            );
        }
        const WORST_FIRST: [&str; 8] = [
            "failure",
            "timed_out",
            "cancelled",
            "action_required",
            "stale",
            "success",
            "neutral",
            "skipped",
        ];
        let has = |word: &&&str| latest.iter().any(|run| run.conclusion.as_deref() == Some(word));
        ("completed", WORST_FIRST.iter().find(has).map(|word| (*word).to_owned()))
    }
}
