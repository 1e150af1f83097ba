//! What people ask for on GitHub: by commands in comments of pull requests, and by the buttons of checks.

mod ask;
mod lines;
mod parse;
#[cfg(test)]
mod tests;

pub use ask::Ask;
pub use lines::commands;
pub use parse::{Command, KNOWN, Unclear, parse};

use crate::ids::{CommitSha, Micros, RepoName};
use serde::{Deserialize, Serialize};

/// Commands of one comment that are looked at.
pub const MOST_COMMANDS: usize = 10;

/// How our comments begin, by which they are known again: nothing in them is a command.
pub const OURS: &str = "<!-- trainyard:";

/// Something that a person asked for on GitHub. Whether the person may is looked up when it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Where.
    pub repo: RepoName,
    /// Its numeric id.
    pub repo_id: i64,
    /// The App installation that sent it.
    pub installation_id: Option<i64>,
    /// Who.
    pub person: Person,
    /// By what.
    pub through: Through,
}

/// An account of GitHub: its name can be changed and taken by somebody else, its number cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The number.
    pub id: i64,
    /// The name that it had then.
    pub login: String,
}

/// What a person asked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Through {
    /// A comment of a pull request.
    Comment {
        /// Its id.
        comment: u64,
        /// The pull request.
        pull_request: u64,
        /// When it was written, where GitHub says it.
        at: Option<Micros>,
        /// Its commands, as they stand there: at most [`MOST_COMMANDS`].
        commands: Vec<String>,
        /// How many more there were.
        left_out: usize,
    },
    /// A button of a check run, or GitHub's own button to run it again.
    CheckRun {
        /// Its id.
        check_run: u64,
        /// The App whose check run it is.
        app: Option<i64>,
        /// What the check run says that its run is.
        run: Option<String>,
        /// The commit.
        commit: CommitSha,
        /// What is asked.
        button: Button,
    },
    /// GitHub's own button to run all checks of a commit again.
    CheckSuite {
        /// Its id.
        check_suite: u64,
        /// The App whose check suite it is.
        app: Option<i64>,
        /// The commit.
        commit: CommitSha,
        /// When GitHub changed the suite, as it says it: asked again it is another time.
        at: Option<String>,
    },
}

/// A button of a check run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    /// Run it again.
    Rerun,
    /// Let it go on.
    Approve,
    /// Do not.
    Reject,
}

impl Button {
    /// The identifier by which GitHub names it in `check_run.requested_action`.
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// The button with this identifier.
    pub fn of(identifier: &str) -> Option<Self> {
        [Self::Rerun, Self::Approve, Self::Reject]
            .into_iter()
            .find(|button| button.identifier() == identifier)
    }
}

impl Asked {
    /// What it is, however often and under whatever delivery id it is sent.
    pub fn key(&self) -> String {
        let (repo, person) = (self.repo_id, self.person.id);
        match &self.through {
            Through::Comment { comment, .. } => format!("comment:{repo}:{comment}"),
            Through::CheckRun {
                check_run, run, button, ..
            } => {
                let run = run.as_deref().unwrap_or_default();
                format!("button:{repo}:{check_run}:{run}:{}:{person}", button.identifier())
            }
            Through::CheckSuite { check_suite, at, .. } => {
                let at = at.as_deref().unwrap_or_default();
                format!("suite:{repo}:{check_suite}:{at}:{person}")
            }
        }
    }

    /// Who asks for what, in words.
    pub fn sentence(&self) -> String {
        let who = &self.person.login;
        match &self.through {
            Through::Comment {
                comment,
                pull_request,
                commands,
                ..
            } => format!(
                "{who} asks for {} in comment {comment} on pull request #{pull_request}",
                commands.join(", ")
            ),
            Through::CheckRun { button, run, .. } => {
                let run = run.as_deref().unwrap_or("that is not named");
                format!("{who} asks by button: {} of run {run}", button.identifier())
            }
            Through::CheckSuite { commit, .. } => format!("{who} asks by button: rerun of all runs of {commit}"),
        }
    }

    /// The App whose check was clicked; `None` for a comment.
    pub fn app(&self) -> Option<Option<i64>> {
        match &self.through {
            Through::Comment { .. } => None,
            Through::CheckRun { app, .. } | Through::CheckSuite { app, .. } => Some(*app),
        }
    }
}
