//! A personal access token as GitHub knows it, and webhooks of repositories.

use super::pages::More;
use super::{GitHub, GitHubError, PER_PAGE, User, WithId};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trainyard_core::ids::RepoName;
use trainyard_core::permission::Who;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Whose it is.
    pub login: String,
    /// What it is.
    pub who: Who,
    /// The scopes of a classic token; `None` for others.
    pub scopes: Option<Vec<String>>,
    /// When it expires, in GitHub's words.
    pub expires: Option<String>,
}

/// What a token's account may do with a repository.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct RepositoryRights {
    /// Change its settings, webhooks included.
    #[serde(default)]
    pub admin: bool,
    /// Push, and so set statuses.
    #[serde(default)]
    pub push: bool,
}

/// A webhook of a repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hook {
    /// Its id.
    pub id: u64,
    /// Whether it sends.
    #[serde(default)]
    pub active: bool,
    /// What it sends.
    #[serde(default)]
    pub events: Vec<String>,
    /// Where to.
    #[serde(default)]
    pub config: HookConfig,
    /// How the last delivery went.
    #[serde(default)]
    pub last_response: LastResponse,
}

/// Where a webhook sends to, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HookConfig {
    /// Where deliveries go.
    #[serde(default)]
    pub url: Option<String>,
    /// `json` or `form`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Stars where there is a secret.
    #[serde(default)]
    pub secret: Option<String>,
}

/// How the last delivery went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LastResponse {
    /// The status code of the answer.
    #[serde(default)]
    pub code: Option<u16>,
    /// What went wrong.
    #[serde(default)]
    pub message: Option<String>,
}

#[derive(Deserialize)]
struct Rights {
    #[serde(default)]
    permissions: Option<RepositoryRights>,
}

impl GitHub {
    /// The token's owner and scopes; an error for an App.
    pub async fn token_info(&self) -> Result<TokenInfo, GitHubError> {
        let what = "account of this token";
        let (headers, text) = self.root.call_whole(Method::GET, "/user", None, what).await?;
        let user: User = serde_json::from_str(&text)
            .map_err(|error| GitHubError::unreachable(format!("its answer about the {what} is unreadable: {error}")))?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let scopes = header("x-oauth-scopes").map(|text| {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        });
        Ok(TokenInfo {
            login: user.login,
            who: self
                .token
                .as_ref()
                .map_or(Who::Token, |token| Who::of_token(token.expose_secret())),
            scopes,
            expires: header("github-authentication-token-expiration").map(str::to_owned),
        })
    }

    /// What the caller may do with a repository; `None` where GitHub does not say, as to an App.
    pub async fn repository_rights(&self, repo: &RepoName) -> Result<Option<RepositoryRights>, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let found: Rights = caller
            .as_ref()
            .get(&format!("/repos/{repo}"), &format!("repository {repo}"))
            .await?;
        Ok(found.permissions)
    }

    /// Whether statuses may be set: one of a commit that cannot exist is asked for, so that nothing is written.
    pub async fn try_status(&self, repo: &RepoName) -> Result<(), GitHubError> {
        let body = json!({"state": "pending", "context": "trainyard"});
        let path = format!("/repos/{repo}/statuses/{}", "0".repeat(40));
        let caller = self.caller(repo, None).await?;
        let what = format!("repository {repo}");
        match caller
            .as_ref()
            .call_whole(Method::POST, &path, Some(&body), &what)
            .await
        {
            // Only who may set one is told that there is no such commit.
            Err(GitHubError::Rejected { .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Whether pull requests may be read.
    pub async fn try_pull_requests(&self, repo: &RepoName) -> Result<(), GitHubError> {
        let caller = self.caller(repo, None).await?;
        let path = format!("/repos/{repo}/pulls?per_page=1");
        caller
            .as_ref()
            .get::<Value>(&path, &format!("repository {repo}"))
            .await
            .map(drop)
    }

    /// The webhooks of a repository.
    pub async fn hooks(&self, repo: &RepoName) -> Result<Vec<Hook>, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let path = format!("/repos/{repo}/hooks?per_page={PER_PAGE}");
        let what = format!("webhooks of {repo}");
        caller.as_ref().list(&self.pages, &path, &what, |_| More::Yes).await
    }

    /// Makes a webhook and answers its id; GitHub pings it at once.
    pub async fn create_hook(
        &self,
        repo: &RepoName,
        url: &str,
        secret: &SecretString,
        events: &[&str],
    ) -> Result<u64, GitHubError> {
        let body = json!({
            "name": "web",
            "active": true,
            "events": events,
            "config": {
                "url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret.expose_secret(),
            },
        });
        let caller = self.caller(repo, None).await?;
        let (path, what) = (format!("/repos/{repo}/hooks"), format!("webhooks of {repo}"));
        let made: WithId = caller.as_ref().call(Method::POST, &path, Some(&body), &what).await?;
        Ok(made.id)
    }

    /// Has GitHub send a ping to a webhook.
    pub async fn ping_hook(&self, repo: &RepoName, hook: u64) -> Result<(), GitHubError> {
        let caller = self.caller(repo, None).await?;
        let (path, what) = (
            format!("/repos/{repo}/hooks/{hook}/pings"),
            format!("webhook {hook} of {repo}"),
        );
        caller
            .as_ref()
            .call_whole(Method::POST, &path, None, &what)
            .await
            .map(drop)
    }
}
