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
    /// Something happened to a pull request that changes neither its commits nor whether it is open.
    Action {
        /// The pull request.
        number: u64,
        /// GitHub's word.
        action: String,
    },
    /// Something happened to a repository that changes neither its name nor whether it is there.
    Repository(String),
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
            Self::Action { number, action } => format!("pull request {number} was {action}, which starts nothing"),
            Self::Repository(action) => format!("the repository was {action}, which starts nothing"),
            Self::NoCommits(number) => format!("pull request {number} has no commits"),
        }
    }
}
