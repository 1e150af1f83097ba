//! What the service says to GitHub and asks of it, with a token or as a GitHub App.

mod app;
mod changed_files;
mod checks;
mod error;
mod governor;
mod hook_deliveries;
mod manifest;
mod pages;
mod people;
mod sign_in;
mod sweep;
mod token;
mod transport;

pub use app::{Account, AppHook, AppInfo, InstallationInfo};
pub use checks::CheckRunFound;
pub use error::GitHubError;
pub use governor::Allowance;
pub use hook_deliveries::{HookDelivery, HookOf};
pub use manifest::{NewApp, convert_manifest};
pub use people::Standing;
pub use sign_in::SignIn;
pub use sweep::{Label, Numbered, PullFields, PullNow, PullSide, RepositoryNow};
pub use token::{Hook, HookConfig, LastResponse, RepositoryRights, TokenInfo};

use error::shortened;
use governor::Governor;
use http::Method;
use octocrab::Octocrab;
use octocrab::models::{AppId, InstallationId};
use octocrab::service::middleware::retry::RetryConfig;
use pages::Pages;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::permission::Who;
use trainyard_core::report::{Status, Urgency};
use transport::Identity;

/// GitHub's limit of a status description, in characters.
const MAX_DESCRIPTION: usize = 140;
/// GitHub's largest page.
const PER_PAGE: usize = 100;
/// A pull request with more comments than this gets a new one rather than an endless search.
const MAX_PAGES: usize = 100;
/// A token for git must last for a long clone.
const CLONE_TOKEN_LASTS: Duration = Duration::from_secs(600);
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who the service is to GitHub.
#[derive(Clone, Debug)]
pub enum GitHubAuth {
    /// A personal access token.
    Token(SecretString),
    /// A GitHub App, acting through its installations.
    App {
        /// The App's id.
        app_id: u64,
        /// Its RSA private key, PEM.
        private_key: SecretString,
    },
}

/// A pull request as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestState {
    /// Whether it is open.
    pub open: bool,
    /// Whether it is marked as a draft.
    pub draft: bool,
    /// Its newest commit.
    pub head_sha: CommitSha,
    /// The branch it would be merged into.
    pub base_branch: String,
}

/// A client of one GitHub. Calls are made once: who repeats them knows what a repetition means.
pub struct GitHub {
    git_url: String,
    app_id: Option<u64>,
    token: Option<SecretString>,
    root: Identity,
    patience: Option<Duration>,
    allowance: Option<Allowance>,
    installations: Mutex<HashMap<u64, Arc<Identity>>>,
    by_repo: Mutex<HashMap<RepoName, u64>>,
    login: tokio::sync::OnceCell<Option<String>>,
    pages: Pages,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("git_url", &self.git_url)
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

impl GitHub {
    /// A client; no call is made yet. `api_url` is `https://api.github.com` or an Enterprise
    /// server's `…/api/v3`; `git_url` is `https://github.com` or its like. Needs a tokio
    /// runtime.
    pub fn new(api_url: &str, git_url: &str, auth: GitHubAuth) -> Result<Self, GitHubError> {
        let api_url = plain_url(api_url, "api_url")?;
        let git_url = plain_url(git_url, "git_url")?;
        let octocrab = Octocrab::builder()
            .base_uri(api_url.as_str())
            .map_err(|_| GitHubError::rejected(format!("'{api_url}' is no address")))?
            // octocrab's own retries repeat POSTs at once, which makes duplicates.
            .add_retry_config(RetryConfig::None);
        let who = match &auth {
            GitHubAuth::Token(token) => Who::of_token(token.expose_secret()),
            GitHubAuth::App { .. } => Who::App,
        };
        let (octocrab, app_id, token) = match auth {
            GitHubAuth::Token(token) if token.expose_secret().trim().is_empty() => {
                return Err(GitHubError::unauthorized("the token is empty"));
            }
            GitHubAuth::Token(token) => (octocrab.personal_token(token.clone()), None, Some(token)),
            GitHubAuth::App { app_id, private_key } => {
                let app = octocrab.app_from_rsa_pem(AppId(app_id), private_key.expose_secret());
                let hint = "the App's private key is not an RSA key in PEM: use the file that GitHub made for the App";
                (app.map_err(|_| GitHubError::unauthorized(hint))?, Some(app_id), None)
            }
        };
        let http = http_client(&api_url)?;
        let octocrab = octocrab
            .build_with_reqwest(http)
            .map_err(|e| GitHubError::rejected(e.to_string()))?;
        let html_url = Arc::from(git_url.as_str());
        let allowance = Some(Allowance::GITHUB);
        Ok(Self {
            git_url,
            app_id,
            token,
            root: Identity::new(octocrab, who, html_url, Arc::new(Governor::new(allowance))),
            patience: None,
            allowance,
            installations: Mutex::default(),
            by_repo: Mutex::default(),
            login: tokio::sync::OnceCell::new(),
            pages: Pages::default(),
        })
    }

    /// The same with another limit on the time that one call may take.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.root = self.root.with_patience(patience);
        self.patience = Some(patience);
        self
    }

    /// The same with as many writes as another server allows; `None` for as many as there are.
    #[must_use]
    pub fn with_allowance(mut self, allowance: Option<Allowance>) -> Self {
        self.root = self.root.with_governor(Arc::new(Governor::new(allowance)));
        self.allowance = allowance;
        self
    }

    /// How long a write about this repository has to wait for the limits of who makes it; `None` if it may be made now,
    /// or if who makes it is not known yet.
    pub fn wait(&self, repo: &RepoName, installation: Option<i64>, urgency: Urgency) -> Option<Duration> {
        self.governor(repo, installation)?.wait(urgency)
    }

    /// Whether there are calls enough for what nobody waits for.
    pub fn can_spare(&self, repo: &RepoName, installation: Option<i64>) -> bool {
        self.governor(repo, installation)
            .is_none_or(|governor| governor.can_spare())
    }

    /// The calls that are left of how many an hour, by installation where an App makes them, as GitHub said last.
    pub fn calls_left(&self) -> Vec<(Option<u64>, u64, u64)> {
        let known = self.installations.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |id, identity: &Identity| identity.governor().left().map(|(calls, of)| (id, calls, of));
        let installed = known.iter().filter_map(|(id, identity)| of(Some(*id), identity));
        of(None, &self.root).into_iter().chain(installed).collect()
    }

    fn governor(&self, repo: &RepoName, installation: Option<i64>) -> Option<Arc<Governor>> {
        if self.app_id.is_none() {
            return Some(Arc::clone(self.root.governor()));
        }
        let of_repo = || {
            let known = self.by_repo.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(repo).copied()
        };
        let id = installation.and_then(|id| u64::try_from(id).ok()).or_else(of_repo)?;
        let known = self.installations.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map(|identity| Arc::clone(identity.governor()))
    }

    /// Where git finds the repository. No token is in it.
    pub fn clone_url(&self, repo: &RepoName) -> String {
        format!("{}/{repo}.git", self.git_url)
    }

    /// A token for git over HTTPS; `None` for an App without an installation, which sees only
    /// public repositories.
    pub async fn clone_token(&self, installation: Option<i64>) -> Result<Option<SecretString>, GitHubError> {
        match (&self.token, installation) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(id)) => self
                .installation(installation_id(id)?)?
                .token(CLONE_TOKEN_LASTS)
                .await
                .map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Adds a status to a commit; the newest of a context counts. A longer description is cut.
    pub async fn create_status(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
        status: &Status,
        target_url: Option<&str>,
        installation: Option<i64>,
    ) -> Result<(), GitHubError> {
        let mut body = json!({
            "state": status.state,
            "context": status.context,
            "description": shortened(&status.description, MAX_DESCRIPTION),
        });
        if let Some(url) = target_url {
            body["target_url"] = url.into();
        }
        let what = format!("commit {sha} in {repo}");
        let caller = self.caller(repo, installation).await?;
        let path = format!("/repos/{repo}/statuses/{sha}");
        caller
            .as_ref()
            .call::<WithId>(Method::POST, &path, Some(&body), &what)
            .await
            .map(drop)
    }

    /// Makes the comment that contains `marker`, or replaces its text; answers its id. Only a
    /// comment of our own is ever touched. Sent again after a lost answer, it makes no second one.
    pub async fn upsert_comment(
        &self,
        repo: &RepoName,
        number: u64,
        marker: &str,
        body: &str,
        installation: Option<i64>,
    ) -> Result<u64, GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let caller = caller.as_ref();
        let what = format!("pull request {number} in {repo}");
        let text = if body.contains(marker) {
            body.to_owned()
        } else {
            format!("{marker}\n{body}")
        };
        let text = json!({"body": text});
        if let Some(found) = self.find_comment(caller, repo, number, marker).await? {
            if found.body.as_deref() == text["body"].as_str() {
                return Ok(found.id);
            }
            let path = format!("/repos/{repo}/issues/comments/{}", found.id);
            match caller.call::<WithId>(Method::PATCH, &path, Some(&text), &what).await {
                // Somebody deleted it just now.
                Err(GitHubError::NotFound { .. }) => {}
                answer => return answer.map(|comment| comment.id),
            }
        }
        let path = format!("/repos/{repo}/issues/{number}/comments");
        caller
            .call::<WithId>(Method::POST, &path, Some(&text), &what)
            .await
            .map(|comment| comment.id)
    }

    async fn find_comment(
        &self,
        caller: &Identity,
        repo: &RepoName,
        number: u64,
        marker: &str,
    ) -> Result<Option<Comment>, GitHubError> {
        let login = self.login().await?;
        for page in 1..=MAX_PAGES {
            // Our own page numbers: octocrab sends no authorization to the absolute `Link`.
            let path = format!("/repos/{repo}/issues/{number}/comments?per_page={PER_PAGE}&page={page}");
            let comments: Vec<Comment> = caller.get(&path, &format!("pull request {number} in {repo}")).await?;
            let last = comments.len() < PER_PAGE;
            let ours = |comment: &Comment| {
                let author = comment.user.as_ref().map(|user| user.login.as_str());
                comment.body.as_ref().is_some_and(|body| body.contains(marker))
                    && login.as_deref().is_none_or(|login| author == Some(login))
            };
            if let Some(found) = comments.into_iter().find(ours) {
                return Ok(Some(found));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    /// The account our comments carry. `None` when the token may not ask, as those of GitHub
    /// Actions: then the marker alone must do.
    async fn login(&self) -> Result<Option<String>, GitHubError> {
        let ask = || async {
            match self.account().await {
                Ok(login) => Ok(Some(login)),
                Err(
                    GitHubError::Unauthorized { .. } | GitHubError::Forbidden { .. } | GitHubError::NotFound { .. },
                ) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.login.get_or_try_init(ask).await.cloned()
    }

    /// The account that GitHub knows us by; asked anew each time.
    pub async fn account(&self) -> Result<String, GitHubError> {
        match self.app_id {
            None => self
                .root
                .get::<User>("/user", "account of this token")
                .await
                .map(|user| user.login),
            Some(_) => self
                .root
                .get::<App>("/app", "such App")
                .await
                .map(|app| format!("{}[bot]", app.slug)),
        }
    }

    /// The name of the default branch.
    pub async fn default_branch(&self, repo: &RepoName) -> Result<String, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let answer: Repository = caller
            .as_ref()
            .get(&format!("/repos/{repo}"), &format!("repository {repo}"))
            .await?;
        Ok(answer.default_branch)
    }

    /// What the repository with this number is called today. An App asks through one of its installations.
    pub async fn repository_name(&self, id: i64, installation: Option<i64>) -> Result<RepoName, GitHubError> {
        let caller = match (self.app_id, installation) {
            (Some(_), Some(installation)) => Caller::Installation(self.installation(installation_id(installation)?)?),
            _ => Caller::Token(&self.root),
        };
        let answer: Named = caller
            .as_ref()
            .get(&format!("/repositories/{id}"), &format!("repository with number {id}"))
            .await?;
        Ok(answer.full_name)
    }

    /// A repository has another name, or another owner: who speaks for it there is asked anew.
    pub fn forget_installation(&self, repo: &RepoName) {
        let mut known = self.by_repo.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(repo);
    }

    /// The newest commit of a branch.
    pub async fn branch_head(&self, repo: &RepoName, branch: &str) -> Result<CommitSha, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let path = format!("/repos/{repo}/branches/{}", path_of(branch));
        let answer: Branch = caller
            .as_ref()
            .get(&path, &format!("branch '{branch}' of {repo}"))
            .await?;
        Ok(answer.commit.sha)
    }

    /// A pull request as it is now.
    pub async fn pull_request(&self, repo: &RepoName, number: u64) -> Result<PullRequestState, GitHubError> {
        let caller = self.caller(repo, None).await?;
        let what = format!("pull request {number} in {repo}");
        let pull: Pull = caller
            .as_ref()
            .get(&format!("/repos/{repo}/pulls/{number}"), &what)
            .await?;
        Ok(PullRequestState {
            open: pull.state == "open",
            draft: pull.draft,
            head_sha: pull.head.sha,
            base_branch: pull.base.branch,
        })
    }

    /// Who calls about this repository: the token, or the App's installation there.
    async fn caller(&self, repo: &RepoName, installation: Option<i64>) -> Result<Caller<'_>, GitHubError> {
        if self.app_id.is_none() {
            return Ok(Caller::Token(&self.root));
        }
        let id = match installation {
            Some(id) => installation_id(id)?,
            None => self.installation_of(repo).await?,
        };
        self.installation(id).map(Caller::Installation)
    }

    /// One client for each installation: a second one would mint a second token.
    fn installation(&self, id: u64) -> Result<Arc<Identity>, GitHubError> {
        let mut known = self.installations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = known.get(&id) {
            return Ok(Arc::clone(identity));
        }
        let octocrab = self.root.octocrab().installation(InstallationId(id));
        let octocrab = octocrab.map_err(|_| GitHubError::unauthorized("installations need a GitHub App"))?;
        let html_url = Arc::from(self.git_url.as_str());
        let identity = Identity::new(
            octocrab,
            Who::Installation(Some(id)),
            html_url,
            Arc::new(Governor::new(self.allowance)),
        );
        let identity = Arc::new(match self.patience {
            Some(patience) => identity.with_patience(patience),
            None => identity,
        });
        known.insert(id, Arc::clone(&identity));
        Ok(identity)
    }

    async fn installation_of(&self, repo: &RepoName) -> Result<u64, GitHubError> {
        if let Some(id) = self.by_repo.lock().unwrap_or_else(PoisonError::into_inner).get(repo) {
            return Ok(*id);
        }
        let what = format!("installation of the App in {repo}");
        let found: WithId = self.root.get(&format!("/repos/{repo}/installation"), &what).await?;
        self.by_repo
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(repo.clone(), found.id);
        Ok(found.id)
    }
}

enum Caller<'a> {
    Token(&'a Identity),
    Installation(Arc<Identity>),
}

impl AsRef<Identity> for Caller<'_> {
    fn as_ref(&self) -> &Identity {
        match self {
            Self::Token(identity) => identity,
            Self::Installation(identity) => identity,
        }
    }
}

fn installation_id(id: i64) -> Result<u64, GitHubError> {
    u64::try_from(id).map_err(|_| GitHubError::rejected(format!("{id} is not the id of an App installation")))
}

/// An address without a secret in it and without the last slash.
fn plain_url(text: &str, setting: &str) -> Result<String, GitHubError> {
    let wrong = |why: &str| GitHubError::rejected(format!("{setting} {why}"));
    let url = reqwest::Url::parse(text).map_err(|_| wrong(&format!("'{text}' is no address")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with https:// (or http:// on this machine)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user or token: set the token by itself"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Proxies and certificates are the machine's; loopback is never asked through a proxy.
fn http_client(api_url: &str) -> Result<reqwest::Client, GitHubError> {
    crate::install_tls();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent("trainyard");
    let builder = match (is_loopback(api_url), is_plain_loopback(api_url)) {
        // Reading the machine's certificates takes its time.
        (true, true) => builder.no_proxy().tls_certs_only([]),
        (true, false) => builder.no_proxy(),
        _ => builder,
    };
    builder
        .build()
        .map_err(|error| GitHubError::rejected(format!("no HTTP client can be made: {error}")))
}

/// Whether the host of an address is this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether an address leads to this machine without TLS, so that nobody's certificate is needed.
pub fn is_plain_loopback(url: &str) -> bool {
    url.starts_with("http://") && is_loopback(url)
}

/// A branch name as part of a path: all but letters, digits and a few signs as `%XX`.
fn path_of(branch: &str) -> String {
    let mut path = String::with_capacity(branch.len());
    for byte in branch.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'/' => path.push(char::from(byte)),
            b'.' if !branch.contains("..") => path.push('.'),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[derive(Deserialize)]
struct WithId {
    id: u64,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct App {
    slug: String,
}

#[derive(Deserialize)]
struct Named {
    full_name: RepoName,
}

#[derive(Deserialize)]
struct Repository {
    default_branch: String,
}

#[derive(Deserialize)]
struct Branch {
    commit: Side,
}

#[derive(Deserialize)]
struct Pull {
    state: String,
    #[serde(default)]
    draft: bool,
    head: Side,
    base: Base,
}

#[derive(Deserialize)]
struct Side {
    /// Gitea calls that of a branch its id.
    #[serde(alias = "id")]
    sha: CommitSha,
}

#[derive(Deserialize)]
struct Base {
    #[serde(rename = "ref")]
    branch: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_cannot_leave_its_place_in_the_path() {
        for (branch, path) in [
            ("main", "main"),
            ("feature/x-1.2", "feature/x-1.2"),
            ("a b?c#d%e", "a%20b%3Fc%23d%25e"),
            ("../../orgs", "%2E%2E/%2E%2E/orgs"),
            ("größe", "gr%C3%B6%C3%9Fe"),
        ] {
            assert_eq!(path_of(branch), path);
        }
    }

    #[test]
    fn loopback_is_known_by_its_address() {
        for url in ["http://127.0.0.1:80", "http://localhost/x", "http://[::1]:8080/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://api.github.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "nonsense",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn addresses_with_secrets_or_other_schemes_are_refused() {
        for url in [
            "https://user:secret@github.com",
            "https://secret@github.com",
            "ssh://github.com",
            "github.com",
            "",
        ] {
            let said = plain_url(url, "git_url").unwrap_err().to_string();
            assert!(!said.contains("secret@"), "{said}");
        }
        assert_eq!(
            plain_url("https://ghe.example.com/api/v3/", "api_url").unwrap(),
            "https://ghe.example.com/api/v3"
        );
    }
}
