//! Why a delivery of GitHub starts nothing.

/// What it says, and why that is none of our business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The webhook was made.
    Ping,
    /// A kind of event that we do not look at.
    Kind(String),
    /// Something else than a branch was pushed, by its whole name.
    NoBranch(String),
    /// A branch is gone.
    Deleted(String),
    /// A branch or tag was made or is gone: pushes tell of branches.
    Reference {
        /// `branch` or `tag`.
        what: String,
        /// Its name.
        name: String,
        /// Whether it was made.
        made: bool,
    },
    /// The App was installed, or its repositories or permissions changed.
    Installation {
        /// GitHub's word.
        action: String,
        /// Whose account.
        account: String,
        /// Repositories that came, as far as they are told.
        added: Vec<String>,
        /// Repositories that went.
        removed: Vec<String>,
    },
    /// Something happened to a pull request that changes neither its commits nor whether it is open.
    Action {
        /// The pull request.
        number: u64,
        /// GitHub's word.
        action: String,
    },
    /// Something happened to a repository that changes neither its name nor whether it is there.
    Repository(String),
    /// A comment that is not new.
    Comment {
        /// GitHub's word.
        action: String,
    },
    /// A comment of an issue.
    NoPullRequest(u64),
    /// A comment without a command, of a pull request.
    NoCommand(u64),
    /// A comment of our own.
    Ours,
    /// A bot asks, of this name.
    Bot(String),
    /// Nobody is named who asks.
    Nobody,
    /// Something happened to a check that nobody asked for.
    Check {
        /// `check_run` or `check_suite`.
        kind: String,
        /// GitHub's word.
        action: String,
    },
    /// A button that is none of ours, by its identifier.
    NoButton(String),
    /// A pull request without head or base.
    NoCommits(u64),
}

impl Ignored {
    /// What stands in the delivery's outcome.
    pub fn sentence(&self) -> String {
        match self {
            Self::Ping => "GitHub's ping arrived and was verified: the webhook works".to_owned(),
            Self::Kind(kind) => format!("{kind} events start nothing"),
            Self::NoBranch(reference) => format!("{reference} was pushed, and only branches start runs"),
            Self::Deleted(branch) => format!("branch {branch} was deleted"),
            Self::Reference { what, name, made: true } => {
                format!("{what} {name} was made, which starts nothing by itself")
            }
            Self::Reference {
                what,
                name,
                made: false,
            } => format!("{what} {name} was deleted, which starts nothing"),
            Self::Installation {
                action,
                account,
                added,
                removed,
            } => {
                let listed = |word: &str, names: &[String]| match names {
                    [] => String::new(),
                    names => format!(", {word} {}", names.join(", ")),
                };
                format!(
                    "the installation of the App for {account}: {action}{}{}",
                    listed("with", added),
                    listed("without", removed)
                )
            }
            Self::Action { number, action } => format!("pull request {number} was {action}, which starts nothing"),
            Self::Repository(action) => format!("the repository was {action}, which starts nothing"),
            Self::Comment { action } => format!("a comment was {action}: only new comments are looked at"),
            Self::NoPullRequest(number) => {
                format!("issue {number} is no pull request, and commands are for pull requests")
            }
            Self::NoCommand(number) => format!("the comment on pull request {number} has no command"),
            Self::Ours => "the comment is one of Trainyard's own".to_owned(),
            Self::Bot(login) => format!("{login} is a bot, and only people ask"),
            Self::Nobody => "nobody is named who asks: the account may be gone".to_owned(),
            Self::Check { kind, action } => format!("{kind} events that say '{action}' start nothing"),
            Self::NoButton(identifier) => {
                format!("'{identifier}' is no button of Trainyard: known are rerun, approve, reject")
            }
            Self::NoCommits(number) => format!("pull request {number} has no commits"),
        }
    }
}
