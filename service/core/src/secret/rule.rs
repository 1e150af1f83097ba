//! Who may have a secret: the operator's word, and never that of the commit that is judged.

use crate::glob::list_matches;
use crate::ids::RepoName;

/// Who may have a secret, as the settings say it. What they do not name gets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretRule {
    /// Globs of repositories. A folder on this machine is run by a person who can read the settings, and needs none.
    pub repositories: Vec<String>,
    /// Globs of pipelines; all if absent.
    pub pipelines: Option<Vec<String>>,
    /// Globs of branches, for a pull request of the one it would be merged into; all if absent.
    pub branches: Option<Vec<String>>,
    /// Whether runs of pull requests may have it. Those of forks never do.
    pub pull_requests: bool,
}

/// A step that asks for a secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretUse<'a> {
    /// The run's repository; `None` for a folder on this machine.
    pub repo: Option<&'a RepoName>,
    /// Its pipeline.
    pub pipeline: &'a str,
    /// Its branch, for a pull request the one it would be merged into.
    pub branch: Option<&'a str>,
    /// Whether it is of a pull request.
    pub pull_request: bool,
    /// Whether it is of a fork.
    pub fork: bool,
    /// Whether the reviewed file gives the secret to this step.
    pub reviewed: bool,
}

/// Why a step does not get a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is a stranger's code.
    Fork,
    /// Only the commit that is judged asks for it.
    Unreviewed,
    /// Runs of pull requests may not have it.
    PullRequest,
    /// The rule does not name the repository.
    Repository(RepoName),
    /// Nor the pipeline.
    Pipeline(String),
    /// Nor the branch.
    Branch(String),
}

impl SecretRule {
    /// Whether a step may have the secret.
    pub fn permits(&self, asked: &SecretUse<'_>) -> Result<(), Refusal> {
        if asked.fork {
            return Err(Refusal::Fork);
        }
        if !asked.reviewed {
            return Err(Refusal::Unreviewed);
        }
        if asked.pull_request && !self.pull_requests {
            return Err(Refusal::PullRequest);
        }
        let names =
            |globs: &Option<Vec<String>>, text: &str| globs.as_ref().is_none_or(|globs| list_matches(globs, text));
        if !names(&self.pipelines, asked.pipeline) {
            return Err(Refusal::Pipeline(asked.pipeline.to_owned()));
        }
        let Some(repo) = asked.repo else {
            return Ok(());
        };
        // A list without globs lets everything through, and here it is nobody's word.
        if self.repositories.is_empty() || !list_matches(&self.repositories, &repo.to_string()) {
            return Err(Refusal::Repository(repo.clone()));
        }
        let branch = asked.branch.unwrap_or_default();
        match names(&self.branches, branch) {
            true => Ok(()),
            false => Err(Refusal::Branch(branch.to_owned())),
        }
    }
}

impl Refusal {
    /// Who must do what so that the step gets the secret.
    pub fn sentence(&self, secret: &str) -> String {
        match self {
            Self::Fork => format!(
                "the secret '{secret}' is given to no fork: a step without it can run for one, or a person pushes the commit to a branch of the repository"
            ),
            Self::Unreviewed => format!(
                "the secret '{secret}' is asked for by this commit alone: merge the step with its secrets into the default branch first"
            ),
            Self::PullRequest => format!(
                "the secret '{secret}' is not for pull requests: who runs the service can set pull_requests = true in [secrets.{secret}]"
            ),
            Self::Repository(repo) => format!(
                "the secret '{secret}' is not for {repo}: who runs the service can name it in repositories of [secrets.{secret}]"
            ),
            Self::Pipeline(pipeline) => format!(
                "the secret '{secret}' is not for pipeline '{pipeline}': who runs the service can name it in pipelines of [secrets.{secret}]"
            ),
            Self::Branch(branch) => format!(
                "the secret '{secret}' is not for branch '{branch}': who runs the service can name it in branches of [secrets.{secret}]"
            ),
        }
    }
}
