//! Where the branches and pull requests of a repository are, for the sweep for missed webhooks.

use super::error::GitHubError;
use super::pages::More;
use super::{GitHub, PER_PAGE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_core::ids::{CommitSha, RepoName};

/// A repository as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryNow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub full_name: RepoName,
    /// Its default branch.
    pub default_branch: String,
}

#[derive(Serialize, Deserialize)]
struct Branch {
    name: String,
    commit: Commit,
}

#[derive(Serialize, Deserialize)]
struct Commit {
    /// Gitea calls it its id.
    #[serde(alias = "id")]
    sha: CommitSha,
}

/// An open pull request, with what a webhook would tell of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullNow {
    /// Its number.
    pub number: u64,
    /// Everything else that is read of a webhook's `pull_request`, as GitHub writes it.
    #[serde(flatten)]
    pub rest: PullFields,
}

/// The fields of a pull request that are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullFields {
    /// The commits.
    pub head: PullSide,
    /// Where they would go.
    pub base: PullSide,
    /// Who opened it.
    #[serde(default)]
    pub user: Option<Value>,
    /// When it changed.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: bool,
    /// What it is marked with.
    #[serde(default)]
    pub labels: Option<Vec<Label>>,
}

/// A label of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: String,
}

/// One side of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullSide {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Its commit.
    pub sha: CommitSha,
    /// The repository; null where a fork was deleted.
    #[serde(default)]
    pub repo: Option<Numbered>,
}

/// Something with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The number.
    pub id: i64,
}

impl GitHub {
    /// A repository as it is now.
    pub async fn repository(&self, repo: &RepoName) -> Result<RepositoryNow, GitHubError> {
        let caller = self.caller(repo, None).await?;
        caller
            .as_ref()
            .get(&format!("/repos/{repo}"), &format!("repository {repo}"))
            .await
    }

    /// The head of every branch.
    pub async fn branches(&self, repo: &RepoName) -> Result<Vec<(String, CommitSha)>, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let path = format!("/repos/{repo}/branches?per_page={PER_PAGE}");
        let what = format!("branches of {repo}");
        let listed: Vec<Branch> = caller.as_ref().list(&self.pages, &path, &what, |_| More::Yes).await?;
        Ok(listed
            .into_iter()
            .map(|branch| (branch.name, branch.commit.sha))
            .collect())
    }

    /// Every open pull request.
    pub async fn open_pulls(&self, repo: &RepoName) -> Result<Vec<PullNow>, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let path = format!("/repos/{repo}/pulls?state=open&per_page={PER_PAGE}");
        let what = format!("pull requests of {repo}");
        caller.as_ref().list(&self.pages, &path, &what, |_| More::Yes).await
    }
}
