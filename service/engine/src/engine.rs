//! The engine: its parts, made once, and its loops.

use crate::content::artifacts::{ArtifactError, ArtifactFolder};
use crate::content::retention;
use crate::house::config::{EngineConfig, ExecutorKind, GitHubConfig};
use crate::house::context::{Context, Signals, now};
use crate::house::folders::Folders;
use crate::house::locks::{Collecting, Exclusive, Owner};
use crate::inbound::ingest;
use crate::inbound::schedule;
use crate::run::admission;
use crate::run::leftovers;
use crate::tell::report;
use futures_util::FutureExt;
use secrecy::ExposeSecret;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use trainyard_core::ids::RunId;
use trainyard_executors::{AnyExecutor, AnyImageBuilder, BuildError, Executor, ExecutorError, ImageBuilder};
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{DatabaseUrl, Store, StoreError};

/// Containers of a service that is root run as this user and group.
const CONTAINER_USER: (u32, u32) = (10001, 10001);

/// A loop that met a defect waits for this long.
const AFTER_A_DEFECT: Duration = Duration::from_secs(1);

/// Why there is no engine; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be written: {source}; correct data_dir or its permissions")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The artifact folder cannot be used.
    #[error("the artifact folder cannot be used: {0}")]
    Artifacts(#[from] ArtifactError),
    /// The database address makes no sense.
    #[error("{0}")]
    DatabaseUrl(String),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// GitHub's configuration makes no sense.
    #[error("GitHub cannot be used: {0}")]
    GitHub(#[from] GitHubError),
    /// The executor cannot be used.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
}

/// A Trainyard instance.
#[derive(Clone)]
pub struct Engine {
    context: Arc<Context>,
}

impl Engine {
    /// Opens everything the engine works with. Docker need not answer yet.
    pub async fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let folders = Self::folders(&config)?;
        let owner = instance(&folders)?;
        let root = rustix::process::geteuid().is_root();
        let user = if root {
            CONTAINER_USER
        } else {
            (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
        };
        let (executor, builder) = match config.executor {
            ExecutorKind::Docker => AnyExecutor::docker(&owner, user),
            ExecutorKind::Process => AnyExecutor::process(folders.processes())?,
            ExecutorKind::Fake => AnyExecutor::fake(),
        };
        Self::with_executor(config, executor, builder).await
    }

    /// The same with given parts, for tests.
    pub async fn with_executor(
        config: EngineConfig,
        executor: AnyExecutor,
        builder: AnyImageBuilder,
    ) -> Result<Self, EngineError> {
        trainyard_github::install_tls();
        let folders = Self::folders(&config)?;
        let store = Self::open_store(&config).await?;
        let github = config.github.as_ref().map(github).transpose()?;
        // Calls are few, and a model server that closed a connection after an error must not fail the next one.
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap_or_default();
        let isolated = matches!(config.executor, ExecutorKind::Docker) && rustix::process::geteuid().is_root();
        let owner = Owner::new(folders.owners(), &instance(&folders)?).map_err(|source| EngineError::DataDir {
            path: folders.owners(),
            source,
        })?;
        let context = Context {
            artifacts: ArtifactFolder::open(folders.artifacts())?,
            container_user: isolated.then_some(CONTAINER_USER),
            signals: Signals::default(),
            building: tokio::sync::Mutex::new(()),
            collecting: Collecting::new(folders.collect_lock()),
            pushing: Exclusive::new(folders.push_lock()),
            config,
            folders,
            store,
            executor,
            builder,
            github,
            http,
            owner,
        };
        Ok(Self {
            context: Arc::new(context),
        })
    }

    fn folders(config: &EngineConfig) -> Result<Folders, EngineError> {
        let path = &config.data_dir;
        let made = std::fs::create_dir_all(path).and_then(|()| std::fs::canonicalize(path));
        let root = made.map_err(|source| EngineError::DataDir {
            path: path.clone(),
            source,
        })?;
        // The default folder lies in a repository, where it must not be committed.
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            let _ = std::fs::write(ignore, "*\n");
        }
        Ok(Folders::new(root))
    }

    /// Only the database, for commands that read.
    pub async fn open_store(config: &EngineConfig) -> Result<Store, EngineError> {
        let url = match &config.database_url {
            Some(url) => {
                DatabaseUrl::parse(url.expose_secret()).map_err(|e| EngineError::DatabaseUrl(e.to_string()))?
            }
            None => DatabaseUrl::Sqlite(Self::folders(config)?.database()),
        };
        Ok(Store::open(&url).await?)
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.context.store
    }

    /// Where things are.
    pub fn folders_of(&self) -> &Folders {
        &self.context.folders
    }

    /// The configuration.
    pub fn config(&self) -> &EngineConfig {
        &self.context.config
    }

    /// The name of the instance that owns this data folder; made on first use.
    pub fn instance_of(config: &EngineConfig) -> Result<String, EngineError> {
        instance(&Self::folders(config)?)
    }

    /// Whether steps could start now.
    pub async fn probe_executor(&self) -> Result<(), ExecutorError> {
        self.context.executor.probe().await
    }

    /// What would start steps now, in words; the error says why nothing could.
    pub async fn describe_executor(&self) -> Result<String, ExecutorError> {
        self.context.executor.describe().await
    }

    /// The account GitHub knows the service by; `None` without GitHub in the configuration.
    pub async fn github_account(&self) -> Option<Result<String, GitHubError>> {
        match &self.context.github {
            Some(github) => Some(github.account().await),
            None => None,
        }
    }

    /// The id of the standard components' image, brought here if it is not.
    pub async fn probe_components(&self) -> Result<String, BuildError> {
        self.context
            .builder
            .resolve(&self.context.config.components_image)
            .await
    }

    /// Asks a run to end. False when it is over already.
    pub async fn cancel(&self, id: &RunId, by: &str) -> Result<bool, StoreError> {
        let asked = self.context.store.request_cancel(id, by, now()).await?;
        self.context.signals.run(id).notify_one();
        self.context.signals.admission.notify_one();
        Ok(asked)
    }

    /// Runs the loops until the returned set is dropped or shut down. Programs go on meanwhile and
    /// are found again at the next start.
    pub fn start(&self) -> JoinSet<()> {
        let mut loops = JoinSet::new();
        let context = Arc::clone(&self.context);
        loops.spawn(async move { leftovers::collect(&context).await });
        loops.spawn(forever("ingest", Arc::clone(&self.context), ingest::run));
        loops.spawn(forever("admission", Arc::clone(&self.context), admission::run));
        loops.spawn(forever("schedule", Arc::clone(&self.context), schedule::run));
        loops.spawn(forever("retention", Arc::clone(&self.context), retention::run));
        loops.spawn(forever("report", Arc::clone(&self.context), report::run));
        loops
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

/// Starts a loop again that met a defect: one poisonous record must not stop the service.
async fn forever<L: Future<Output = ()>>(name: &str, context: Arc<Context>, run: impl Fn(Arc<Context>) -> L) {
    while AssertUnwindSafe(run(Arc::clone(&context)))
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!("the {name} loop met a defect of Trainyard and starts again: report it");
        tokio::time::sleep(AFTER_A_DEFECT).await;
    }
}

fn github(config: &GitHubConfig) -> Result<GitHub, GitHubError> {
    GitHub::new(&config.api_url, &config.git_url, config.auth.clone())
}

/// The name of this instance: containers carry it, and only its own are touched.
fn instance(folders: &Folders) -> Result<String, EngineError> {
    let path = folders.root().join("instance");
    let unusable = |source| EngineError::DataDir {
        path: path.clone(),
        source,
    };
    if let Ok(name) = std::fs::read_to_string(&path)
        && !name.trim().is_empty()
    {
        return Ok(name.trim().to_owned());
    }
    let name = uuid::Uuid::now_v7().simple().to_string();
    let name = name.get(20..).unwrap_or(&name).to_owned();
    std::fs::write(&path, &name).map_err(unusable)?;
    Ok(name)
}
