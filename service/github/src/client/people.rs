//! What people may do, and pull requests as they are now.

use super::sweep::Label;
use super::transport::Identity;
use super::{GitHub, GitHubError, path_of};
use http::Method;
use serde::Deserialize;
use trainyard_core::access::Role;
use trainyard_core::command::Person;
use trainyard_core::event::{PullRequest, PullRequestAction};
use trainyard_core::ids::{CommitSha, RepoName};

/// What a person may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Write, at least.
    Writes,
    /// Less.
    Less {
        /// GitHub's word: `read`, `triage`, `none`, or a role of the organisation.
        role: String,
    },
    /// There is no such account any more.
    Gone,
}

impl GitHub {
    /// What a person may do now, by `GET /repos/{owner}/{repo}/collaborators/{username}/permission`. GitHub asks for a
    /// name there; that it is still the same person's is seen by the number.
    pub async fn standing(
        &self,
        repo: &RepoName,
        person: &Person,
        installation: Option<i64>,
    ) -> Result<Standing, GitHubError> {
        let found = self.permission_of(repo, person, installation).await?;
        // `maintain` is told as write, and `triage` as read.
        Ok(match found {
            None => Standing::Gone,
            Some(found) if matches!(found.permission.as_str(), "admin" | "write") => Standing::Writes,
            Some(found) => Standing::Less {
                role: found.role_name.unwrap_or(found.permission),
            },
        })
    }

    /// The role that GitHub's permission gives a person here; `None` where it gives none. Of a public repository GitHub
    /// says `read` of everybody: there only collaborators are viewers.
    pub async fn role(
        &self,
        repo: &RepoName,
        person: &Person,
        installation: Option<i64>,
    ) -> Result<Option<Role>, GitHubError> {
        let found = self.permission_of(repo, person, installation).await?;
        let Some(found) = found else { return Ok(None) };
        let role = Role::of_github(&found.permission, found.role_name.as_deref());
        let was_given = found.role_name.as_deref().is_some_and(|name| name != "read");
        if role != Some(Role::Viewer) || was_given {
            return Ok(role);
        }
        let login = found.user.map_or_else(|| person.login.clone(), |user| user.login);
        let is_let_in = self.let_in(repo, &login, installation).await?;
        Ok(role.filter(|_| is_let_in))
    }

    /// Whether somebody who may read a repository was let in: everybody who reads a private one, and of a public one who
    /// is a collaborator, by `GET /repos/{owner}/{repo}/collaborators/{username}`.
    async fn let_in(&self, repo: &RepoName, login: &str, installation: Option<i64>) -> Result<bool, GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let caller = caller.as_ref();
        let about: Visibility = caller
            .get(&format!("/repos/{repo}"), &format!("repository {repo}"))
            .await?;
        if about.private {
            return Ok(true);
        }
        let path = format!("/repos/{repo}/collaborators/{}", path_of(login));
        let what = format!("whether {login} is a collaborator of {repo}");
        match caller.call_whole(Method::GET, &path, None, &what).await {
            Ok(_) => Ok(true),
            Err(GitHubError::NotFound { .. } | GitHubError::Forbidden { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn permission_of(
        &self,
        repo: &RepoName,
        person: &Person,
        installation: Option<i64>,
    ) -> Result<Option<Permission>, GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let caller = caller.as_ref();
        if let Some(found) = permission_as(caller, repo, person, &person.login).await? {
            return Ok(Some(found));
        }
        // The name is somebody else's by now, or nobody's: what is the person called today?
        let path = format!("/user/{}", person.id);
        let what = format!("account with the number {}", person.id);
        let account: Account = match caller.get(&path, &what).await {
            Ok(account) => account,
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        permission_as(caller, repo, person, &account.login).await
    }

    /// A pull request as it is now, as an event would tell it, and whether it is open.
    pub async fn pull_request_now(
        &self,
        repo: &RepoName,
        number: u64,
        installation: Option<i64>,
    ) -> Result<(PullRequest, bool), GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let what = format!("pull request {number} in {repo}");
        let pull: Pull = caller
            .as_ref()
            .get(&format!("/repos/{repo}/pulls/{number}"), &what)
            .await?;
        let gone = || GitHubError::rejected(format!("{what} has no repository any more"));
        let base = pull.base.repo.ok_or_else(gone)?;
        let open = pull.state == "open";
        let updated = pull.updated_at.as_deref();
        let updated = updated.and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
        Ok((
            PullRequest {
                repo: repo.clone(),
                repo_id: base.id,
                head_repo_id: pull.head.repo.map(|repo| repo.id),
                installation_id: installation,
                action: if open {
                    PullRequestAction::Synchronize
                } else {
                    PullRequestAction::Closed
                },
                number,
                base_branch: pull.base.branch,
                base_sha: pull.base.sha,
                head_branch: pull.head.branch,
                head_sha: pull.head.sha,
                before_sha: None,
                author: pull.user.map_or_else(|| "ghost".to_owned(), |user| user.login),
                updated_at: updated.map(|at| trainyard_core::ids::Micros(at.timestamp_micros())),
                default_branch: base.default_branch,
                label: None,
                labels: pull.labels.into_iter().flatten().map(|label| label.name).collect(),
            },
            open,
        ))
    }

    /// The id of the App that we are; `None` with a token.
    pub fn app(&self) -> Option<i64> {
        self.app_id.and_then(|id| i64::try_from(id).ok())
    }
}

/// Under a name; `None` when that is nobody's, or another person's.
async fn permission_as(
    caller: &Identity,
    repo: &RepoName,
    person: &Person,
    login: &str,
) -> Result<Option<Permission>, GitHubError> {
    let path = format!("/repos/{repo}/collaborators/{}/permission", path_of(login));
    let what = format!("permission of {login} in {repo}");
    let answer: Permission = match caller.get(&path, &what).await {
        Ok(answer) => answer,
        Err(GitHubError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let same = answer.user.as_ref().is_some_and(|user| user.id == person.id);
    Ok(same.then_some(answer))
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
    #[serde(default)]
    role_name: Option<String>,
    #[serde(default)]
    user: Option<Account>,
}

#[derive(Deserialize)]
struct Visibility {
    private: bool,
}

#[derive(Deserialize)]
struct Account {
    id: i64,
    login: String,
}

#[derive(Deserialize)]
struct Pull {
    state: String,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    labels: Option<Vec<Label>>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitSha,
    /// Null when the fork was deleted.
    #[serde(default)]
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: i64,
    #[serde(default)]
    default_branch: Option<String>,
}
