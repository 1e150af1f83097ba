//! A GitHub for tests and the demo: real git over smart HTTP, the part of the REST API that the
//! service uses, and webhooks that follow from what happened to its repositories.
//!
//! State is in memory, except the repositories, which are bare git folders.

mod api;
mod api_error;
mod apps;
mod asked;
mod auth;
mod check_records;
mod checks;
mod clock;
mod delivery;
mod events;
mod fault;
mod git_http;
mod installed;
mod limits;
mod names;
mod payload;
mod people;
mod repository;
mod rights;
mod staff;
mod state;

pub use asked::Click;
pub use check_records::CheckRunRecord;
pub use delivery::DeliveryRecord;
pub use fault::Fault;
pub use limits::Limits;
pub use state::{CommentRecord, StatusRecord};

use anyhow::{Context as _, Result};
use delivery::Outbound;
use state::State;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use trainyard_core::ids::RepoName;

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Where to listen; loopback and a free port unless said otherwise.
    pub listen: SocketAddr,
    /// Where webhooks go; `None` sends none until [`Simulator::set_webhook_url`].
    pub webhook_url: Option<String>,
    /// Signs webhooks.
    pub webhook_secret: String,
    /// The personal access token that opens everything.
    pub token: String,
    /// The account of that token.
    pub login: String,
    /// A GitHub App that is installed in every repository.
    pub app: Option<SimulatedApp>,
    /// Where the repositories are; `None` is a folder that goes with the simulator.
    pub data: Option<PathBuf>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            webhook_url: None,
            webhook_secret: "simulated-webhook-secret".to_owned(),
            token: "simulated-token".to_owned(),
            login: "octocat".to_owned(),
            app: None,
            data: None,
        }
    }
}

/// A GitHub App of the simulator.
#[derive(Clone, Debug)]
pub struct SimulatedApp {
    /// Its id, the `iss` of its JWTs.
    pub app_id: u64,
    /// Its name in addresses; its comments are by `<slug>[bot]`.
    pub slug: String,
    /// The PEM that verifies its JWTs.
    pub public_key: String,
    /// The id of its one installation.
    pub installation_id: u64,
    /// How long an installation token is valid.
    pub token_lifetime: Duration,
}

/// One call of the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
}

/// What handlers share.
pub(crate) struct Shared {
    config: SimulatorConfig,
    base_url: String,
    data: PathBuf,
    state: Mutex<State>,
    faults: Mutex<fault::Faults>,
    calls: Mutex<Vec<ApiCall>>,
    meter: Mutex<limits::Meter>,
    people: Mutex<people::People>,
    outgoing: Outbound,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, fault::Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meter(&self) -> MutexGuard<'_, limits::Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn people(&self) -> MutexGuard<'_, people::People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, Vec<ApiCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulator; dropping it stops it.
pub struct Simulator {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Simulator {
    /// Listens from the moment this returns.
    pub async fn start(config: SimulatorConfig) -> Result<Self> {
        let folder = config
            .data
            .is_none()
            .then(|| tempfile::Builder::new().prefix("github-simulator-").tempdir())
            .transpose()?;
        let data = match (&config.data, &folder) {
            (Some(path), _) => path.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => PathBuf::from("."),
        };
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let data = data.canonicalize()?;
        let listener = TcpListener::bind(config.listen).await;
        let listener =
            listener.with_context(|| format!("cannot listen on {}: choose another --listen", config.listen))?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let (outgoing, queue) = Outbound::new();
        let mut state = State::new(config.webhook_url.clone());
        if let Some(app) = &config.app {
            state.seed(app, &config.login);
        }
        let state = Mutex::new(state);
        let (faults, calls) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared {
            config,
            base_url,
            data,
            state,
            faults,
            calls,
            meter: Mutex::default(),
            people: Mutex::default(),
            outgoing,
        });
        let router = api::router(Arc::clone(&shared));
        let serve = async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the simulator stopped");
            }
        };
        let tasks = vec![
            tokio::spawn(serve),
            tokio::spawn(delivery::run(Arc::downgrade(&shared), queue)),
        ];
        Ok(Self {
            shared,
            tasks,
            _folder: folder,
        })
    }

    /// The address of the REST API and of git, without a last slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Makes a public, empty repository whose default branch is `main`.
    pub async fn create_repo(&self, name: &str) -> Result<()> {
        self.shared.create_repo(RepoName::parse(name)?, false).await
    }

    /// Makes a private one: fetching it needs a token.
    pub async fn create_private_repo(&self, name: &str) -> Result<()> {
        self.shared.create_repo(RepoName::parse(name)?, true).await
    }

    /// Gives a repository another name, and perhaps another owner. Its old name leads to it until another takes it.
    pub async fn rename_repo(&self, old: &str, new: &str) -> Result<()> {
        self.shared
            .rename_repo(&RepoName::parse(old)?, RepoName::parse(new)?)
            .await
    }

    /// Deletes a repository.
    pub fn delete_repo(&self, name: &str) -> Result<()> {
        self.shared.delete_repo(&RepoName::parse(name)?)
    }

    /// The address for git, without a token.
    pub fn clone_url(&self, repo: &str) -> String {
        format!("{}/{repo}.git", self.shared.base_url)
    }

    /// The address for git with the personal access token in it, for a test's own pushes.
    pub fn push_url(&self, repo: &str) -> String {
        let token = &self.shared.config.token;
        self.clone_url(repo)
            .replacen("://", &format!("://x-access-token:{token}@"), 1)
    }

    /// The bare repository.
    pub fn repo_path(&self, repo: &str) -> PathBuf {
        self.shared.data.join(format!("{repo}.git"))
    }

    /// Opens a pull request as `POST …/pulls` does and answers its number. `head` is a branch, or
    /// `owner:branch` of a repository of the same name.
    pub async fn open_pull_request(&self, repo: &str, title: &str, head: &str, base: &str) -> Result<u64> {
        let pull = api::pulls::open(&self.shared, &RepoName::parse(repo)?, title, None, head, base, false).await;
        pull.map(|pull| pull.number).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Closes or reopens a pull request.
    pub async fn set_pull_request_open(&self, repo: &str, number: u64, open: bool) -> Result<()> {
        let changed = api::pulls::set_open(&self.shared, &RepoName::parse(repo)?, number, open).await;
        changed.map(drop).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Has a pull request merged into another branch.
    pub async fn retarget_pull_request(&self, repo: &str, number: u64, base: &str) -> Result<()> {
        let changed = api::pulls::retarget(&self.shared, &RepoName::parse(repo)?, number, base).await;
        changed.map(drop).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// The statuses of a commit, oldest first.
    pub fn statuses(&self, repo: &str, sha: &str) -> Vec<StatusRecord> {
        let state = self.shared.state();
        let all = state
            .repos
            .iter()
            .find(|r| r.name.to_string() == repo)
            .map(|r| r.statuses.as_slice());
        all.unwrap_or_default()
            .iter()
            .filter(|status| status.sha == sha)
            .cloned()
            .collect()
    }

    /// The check runs of a commit, oldest first.
    pub fn check_runs(&self, repo: &str, sha: &str) -> Vec<CheckRunRecord> {
        let state = self.shared.state();
        let found = state.repos.iter().find(|r| r.name.to_string() == repo);
        let all = found.map(|repo| repo.checks.runs.as_slice()).unwrap_or_default();
        all.iter()
            .filter(|run| run.sha == sha)
            .map(CheckRunRecord::seen)
            .collect()
    }

    /// Somebody clicks on a button of a check run: `check_run` with `requested_action` is sent.
    pub fn click(&self, login: &str, repo: &str, check_run: u64, button: &str) -> Result<()> {
        let asked = api::checks::run_asked(&self.shared, &RepoName::parse(repo)?, check_run, login, Some(button));
        asked.map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Somebody clicks on "Re-run" of a check run: `check_run` with `rerequested` is sent.
    pub fn rerequest_check_run(&self, login: &str, repo: &str, check_run: u64) -> Result<()> {
        let asked = api::checks::run_asked(&self.shared, &RepoName::parse(repo)?, check_run, login, None);
        asked.map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Somebody clicks on "Re-run all checks": `check_suite` with `rerequested` is sent.
    pub async fn rerequest_check_suite(&self, login: &str, repo: &str, suite: u64) -> Result<()> {
        let asked = api::checks::suite_asked(&self.shared, &RepoName::parse(repo)?, suite, login).await;
        asked.map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Gives every account other limits.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.meter().limits = limits;
    }

    /// Calls that were refused because they were too many.
    pub fn refused_by_limits(&self) -> usize {
        self.shared.meter().refused
    }

    /// Takes from the App the permission to write checks, or gives it back.
    pub fn forbid_checks(&self, forbidden: bool) {
        self.shared.state().no_checks = forbidden;
    }

    /// Lets check runs be so many days older.
    pub fn age_check_runs(&self, repo: &str, days: i64) {
        let mut state = self.shared.state();
        let found = state.repos.iter_mut().find(|r| r.name.to_string() == repo);
        for run in found.into_iter().flat_map(|repo| &mut repo.checks.runs) {
            run.started_at -= chrono::Duration::days(days);
        }
    }

    /// The comments of a pull request, oldest first.
    pub fn comments(&self, repo: &str, number: u64) -> Vec<CommentRecord> {
        let state = self.shared.state();
        let all = state
            .repos
            .iter()
            .find(|r| r.name.to_string() == repo)
            .map(|r| r.comments.as_slice());
        all.unwrap_or_default()
            .iter()
            .filter(|comment| comment.number == number)
            .cloned()
            .collect()
    }

    /// Adds a comment by somebody else.
    pub fn comment_by(&self, login: &str, repo: &str, number: u64, body: &str) -> Result<u64> {
        let made = self
            .shared
            .state()
            .comment(&RepoName::parse(repo)?, number, login, body);
        let made = made.context("no such repository")?;
        self.shared.tell_comment(&self.info(repo)?, &made, "created", None);
        Ok(made.id)
    }

    /// Where webhooks go.
    pub fn webhook_url(&self) -> String {
        self.shared.state().webhook_url.clone().unwrap_or_default()
    }

    /// Sends webhooks elsewhere from now on.
    pub fn set_webhook_url(&self, url: impl Into<String>) {
        self.shared.state().webhook_url = Some(url.into());
    }

    /// Switches the webhook off or on, as a person does in its settings.
    pub fn set_webhook_active(&self, active: bool) {
        self.shared.state().webhook_active = active;
    }

    /// Loses webhooks without a trace from now on, or no more.
    pub fn lose_webhooks(&self, lost: bool) {
        self.shared.state().webhooks_lost = lost;
    }

    /// Has git give nothing of what is asked for from now on, as its servers lag behind the webhooks, or no more.
    pub fn lag_git(&self, lags: bool) {
        self.shared.state().git_lags = lags;
    }

    /// Every attempt to deliver a webhook, oldest first.
    pub fn deliveries(&self) -> Vec<DeliveryRecord> {
        self.shared.state().deliveries.clone()
    }

    /// Sends a delivery again, with the same GUID and the same bytes.
    pub fn redeliver(&self, guid: &str) -> Result<()> {
        let found = self
            .shared
            .state()
            .deliveries
            .iter()
            .find(|d| d.guid == guid)
            .map(DeliveryRecord::again);
        self.shared.outgoing.send(found.context("no such delivery")?);
        Ok(())
    }

    /// How many webhooks are not answered yet.
    pub fn on_the_way(&self) -> usize {
        self.shared.outgoing.on_the_way()
    }

    /// What the next calls of the API meet, one fault each, in order.
    pub fn inject(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults().add(faults);
    }

    /// What the first call meets of this method whose path has this part.
    pub fn inject_at(&self, method: &str, part: &str, fault: Fault) {
        self.shared.faults().aim(method, part, fault);
    }

    /// Faults that no call has met yet.
    pub fn faults_left(&self) -> usize {
        self.shared.faults().left()
    }

    /// Every call of the API so far, also those that met a fault.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.shared.calls().clone()
    }

    /// Makes every installation token invalid, as GitHub does when an App is suspended.
    pub fn revoke_installation_tokens(&self) {
        let by_app = |rights: &rights::Rights| {
            matches!(
                rights,
                rights::Rights::Permissions {
                    installation: Some(_),
                    ..
                }
            )
        };
        self.shared.state().tokens.retain(|_, token| !by_app(&token.rights));
    }
}
