//! The engine: its rooms, furnished once, and the doors that others come in by.

use crate::content::Content;
use crate::content::artifacts::{ArtifactError, ArtifactFolder};
use crate::content::backup::{self, BackedUp, BackupError, Restored};
use crate::content::external::External;
use crate::content::judged_data::JudgedData;
use crate::content::retention::{Collected, Retention, RetentionError};
use crate::house::clock::{not_before, now};
use crate::house::config::{EngineConfig, ExecutorKind, GitHubConfig, TargetConfig};
use crate::house::error::EffectError;
use crate::house::exclusive::Exclusive;
use crate::house::folders::Folders;
use crate::house::leases::Leases;
use crate::house::locks::Owner;
use crate::house::programs::Programs;
use crate::house::secrets::WebhookSecrets;
use crate::house::service::{NotTheService, OneService};
use crate::house::signals::Signals;
use crate::house::step_secrets::{SecretError, StepSecrets};
use crate::house::targets::Targets;
use crate::house::traces::Traces;
use crate::inbound::Inbound;
use crate::inbound::intake::{Intake, IntakeError};
use crate::inbound::local::LocalError;
use crate::inbound::manual::RunAsked;
use crate::inbound::sweep::WebhookHealth;
use crate::loops;
use crate::registry::Registry;
use crate::registry::promote::{Meant, PromotionError};
use crate::registry::replay::{EvaluationError, Past, curves_of, judged_by, replay};
use crate::registry::settle::{Found, LookError};
use crate::run::Runs;
use crate::run::effects::imagine;
use crate::run::hands::Hands;
use crate::run::images::Images;
use crate::run::moved::Moves;
use crate::run::reconcile::{ReconcileError, reconcile};
use crate::run::silence::Silences;
use crate::source::Source;
use crate::tell::Teller;
use crate::tell::channel::Channels;
use crate::tell::channel_error::ChannelError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use trainyard_core::evaluation::Curves;
use trainyard_core::gate::{Replayed, Verdict};
use trainyard_core::gpu::Gpu;
use trainyard_core::ids::RunId;
use trainyard_core::notify::Notice;
use trainyard_core::plan::Gate;
use trainyard_core::report::Audience;
use trainyard_core::run::Run;
use trainyard_executors::{AnyExecutor, AnyImageBuilder, BuildError, Executor, ExecutorError, Staging};
use trainyard_github::{Allowance, GitHub, GitHubError};
use trainyard_sources::Objects;
use trainyard_store::{Changes, Check, DatabaseUrl, Reads, Store, StoreError};

/// Containers of a service that is root run as this user and group.
const CONTAINER_USER: (u32, u32) = (10001, 10001);

/// Runs that are read at once when workers take them up.
const TAKEN_UP_AT_ONCE: usize = 32;

/// Where every Linux has a file system in memory, which lasts as long as the machine is on.
const IN_MEMORY: &str = "/dev/shm";

/// The database has this long to close.
const CLOSING: Duration = Duration::from_secs(1);

/// Why there is no engine; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The data folder cannot be used.
    #[error(
        "the data folder {path} cannot be written: {source}; {}",
        if source.kind() == std::io::ErrorKind::StorageFull {
            "free some space on its disk"
        } else {
            "correct data_dir or its permissions"
        }
    )]
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
    /// There is no backup, or it was not restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Another service is at work here.
    #[error(transparent)]
    Another(#[from] NotTheService),
    /// GitHub's configuration makes no sense.
    #[error("GitHub cannot be used: {0}")]
    GitHub(#[from] GitHubError),
    /// The executor cannot be used.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
}

impl EngineError {
    /// Whether it passes by itself, or by what somebody does elsewhere: it is worth to wait and open again.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::DataDir { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// A Trainyard instance.
#[derive(Clone)]
pub struct Engine {
    config: Arc<EngineConfig>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) inbound: Arc<Inbound>,
    channels: Channels,
}

/// Where the statistics are that the validators of a run judged.
pub fn judged_statistics(config: &EngineConfig, run: &Run) -> Result<Vec<PathBuf>, EngineError> {
    let content = Content::open_folder(&Engine::folders(config)?)?;
    Ok(content.judged_statistics(run))
}

/// The data of a run as its validators met them, for who has no engine; see [`Engine::judged_data`].
pub async fn judged_data(config: &EngineConfig, run: Run) -> Result<Vec<JudgedData>, EngineError> {
    let content = Content::open_folder(&Engine::folders(config)?)?;
    Ok(read_apart(content, run).await)
}

/// Reading large statistics takes a moment.
async fn read_apart(content: Content, run: Run) -> Vec<JudgedData> {
    let read = trainyard_executors::apart(move || content.judged_data(&run)).await;
    read.unwrap_or_default()
}

/// Tells a channel of these settings something that did not happen; `Unknown` if there is none of that name.
pub async fn try_channel(config: &EngineConfig, name: &str) -> Result<(), ChannelError> {
    trainyard_github::install_tls();
    let channels = Channels::new(&config.notify, config.public_url.as_deref());
    channels.tell(&Notice::trial(name, now())).await
}

/// What another gate says of the model of a run, for who has no engine; see [`Engine::judged_with`].
pub async fn judged_with(
    config: &EngineConfig,
    gate: &Gate,
    run: Run,
) -> Result<Result<Verdict, EvaluationError>, EngineError> {
    let content = Content::open_folder(&Engine::folders(config)?)?;
    Ok(judged_by(&content, gate, run).await)
}

/// The curves of the models that a run compared, for who has no engine; see [`Engine::curves`].
pub async fn curves(config: &EngineConfig, run: Run) -> Result<Result<Option<Curves>, EvaluationError>, EngineError> {
    let content = Content::open_folder(&Engine::folders(config)?)?;
    Ok(curves_of(&content, run).await)
}

/// Reads a secret of these settings as a step would get it, and says how many bytes it has.
pub async fn try_secret(config: &EngineConfig, name: &str) -> Result<usize, SecretError> {
    let secrets = StepSecrets::new(config.secrets.clone());
    Ok(secrets.try_out(name).await?.bytes().len())
}

/// Recorded runs under another gate, for who has no engine; see [`Engine::replay`].
pub async fn replay_recorded(
    config: &EngineConfig,
    store: &Reads,
    gate: &Gate,
    past: &Past,
) -> Result<Vec<Replayed>, EngineError> {
    let content = Content::open_folder(&Engine::folders(config)?)?;
    Ok(replay(store, &content, gate, past).await?)
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
        let staging = Self::staging(&config)?;
        let (executor, builder) = match &config.executor {
            ExecutorKind::Docker => {
                let gpus = config.gpus.as_deref();
                AnyExecutor::docker(&owner, user, staging, config.limits.build.clone(), gpus)
            }
            ExecutorKind::Kubernetes(settings) => {
                AnyExecutor::kubernetes((**settings).clone(), &owner, staging, config.limits.build.clone())
            }
            ExecutorKind::Process => AnyExecutor::process(folders.processes(), staging)?,
            ExecutorKind::Fake => AnyExecutor::fake(staging),
        };
        Self::with_executor(config, executor, builder).await
    }

    /// Where executors of this machine find what programs read, and lay it out.
    pub fn staging(config: &EngineConfig) -> Result<Staging, EngineError> {
        let folders = Self::folders(config)?;
        let trees = ArtifactFolder::open(folders.artifacts())?;
        let staging = Staging::new(folders.works(), config.data_root.clone(), trees);
        let secrets = match &config.secrets_dir {
            Some(folder) => folder.clone(),
            None => Path::new(IN_MEMORY).join(format!("trainyard-{}", instance(&folders)?)),
        };
        Ok(staging.with_secrets(secrets))
    }

    /// Where data of sources are, for who has no engine; see [`Engine::external`].
    pub fn external_of(config: &EngineConfig) -> Result<External, EngineError> {
        let objects = Objects::new(&config.objects, Self::folders(config)?.objects());
        Ok(External::new(config.data_root.clone(), objects))
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
        if let Some(stored) = store.newest_time().await? {
            not_before(stored);
        }
        let github = config.github.as_ref().map(github).transpose()?.map(Arc::new);
        // Calls are few, and a model server that closed a connection after an error must not fail the next one.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let mut urls = config.targets.values().filter_map(TargetConfig::url);
        // Reading the machine's certificates takes its time.
        let http = match urls.all(trainyard_github::is_plain_loopback) {
            true => http.tls_certs_only([]),
            false => http,
        };
        let http = http.build().unwrap_or_default();
        let owner = Owner::new(folders.owners(), &instance(&folders)?).map_err(|source| EngineError::DataDir {
            path: folders.owners(),
            source,
        })?;
        let owner = Arc::new(owner);
        let content = Content::open_folder(&folders)?;
        let programs = Programs::new(executor, folders.clone());
        let signals = Arc::new(Signals::default());
        let audience = Audience {
            github: github.is_some(),
            public_url: config.public_url.clone(),
        };
        let source = Source {
            github,
            folders: folders.clone(),
            places: Default::default(),
        };
        let registry = Registry {
            store: store.clone(),
            content: content.clone(),
            targets: Targets::new(config.targets.clone()),
            http,
            changing: Arc::new(if store.is_shared() {
                Exclusive::leased(Leases::new(store.clone(), Arc::clone(&owner)), "push")
            } else {
                Exclusive::new(folders.push_lock())
            }),
            programs: programs.clone(),
            builder: builder.clone(),
            folders: folders.clone(),
            looks: Default::default(),
            memory: config.limits.step_memory,
        };
        let inbound = Inbound {
            store: store.clone(),
            source: source.clone(),
            audience: audience.clone(),
            signals: Arc::clone(&signals),
            webhook_secrets: WebhookSecrets::new(
                config
                    .github
                    .as_ref()
                    .map(|github| github.webhook_secrets.clone())
                    .unwrap_or_default(),
            ),
            found: Default::default(),
            large_body: Default::default(),
        };
        let runs = Runs {
            images: Images::new(
                builder,
                config.components_image.clone(),
                config.limits.max_parallel_builds,
            ),
            limits: config.limits.clone(),
            secrets: StepSecrets::new(config.secrets.clone()),
            programs,
            external: External::new(
                config.data_root.clone(),
                Objects::new(&config.objects, folders.objects()),
            ),
            max_parallel_steps: config.max_parallel_steps,
            max_parallel_runs: config.max_parallel_runs,
            moves: Moves::new(store.reads()),
            store,
            source,
            content,
            registry,
            audience,
            signals,
            traces: Traces::start(config.traces.as_ref(), owner.instance(), config.public_url.as_deref()),
            hands: Hands::new(folders.hands(), &owner),
            silences: Silences::default(),
            taking_up: Semaphore::new(TAKEN_UP_AT_ONCE),
            folders,
            owner,
        };
        Ok(Self {
            channels: Channels::new(&config.notify, config.public_url.as_deref()),
            config: Arc::new(config),
            runs: Arc::new(runs),
            inbound: Arc::new(inbound),
        })
    }

    fn folders(config: &EngineConfig) -> Result<Folders, EngineError> {
        let path = &config.data_dir;
        let made = private_folder(path).and_then(|()| std::fs::canonicalize(path));
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

    /// Only the database, for who reads and changes nothing, beside a service or without one.
    pub async fn open_reads(config: &EngineConfig) -> Result<Reads, EngineError> {
        Ok(Store::open_reads(&Self::database(config)?).await?)
    }

    /// The right to be the service of this data folder, and of its database where that is a file; it goes with
    /// the process. Services that share a PostgreSQL keep apart by its leases.
    pub async fn one_service(config: &EngineConfig) -> Result<OneService, EngineError> {
        let DatabaseUrl::Sqlite(database) = Self::database(config)? else {
            return Ok(OneService::take(&[]).await?);
        };
        let folders = Self::folders(config)?;
        let mut locks = vec![(folders.service_lock(), folders.root().to_owned())];
        if database != folders.database() {
            let mut path = database.clone().into_os_string();
            path.push(".service");
            locks.push((path.into(), database));
        }
        Ok(OneService::take(&locks).await?)
    }

    /// Copies the database into one file, whatever writes to it, and the artifacts that it needs into a folder.
    pub async fn back_up(
        config: &EngineConfig,
        file: &Path,
        artifacts: Option<&Path>,
        replace: bool,
    ) -> Result<BackedUp, EngineError> {
        let (url, folders) = (Self::database(config)?, Self::folders(config)?);
        Ok(backup::back_up(&url, &folders, file, artifacts, replace).await?)
    }

    /// Makes a backup the database of this data folder, while no service works on it.
    pub async fn restore(
        config: &EngineConfig,
        file: &Path,
        artifacts: Option<&Path>,
        replace: bool,
    ) -> Result<Restored, EngineError> {
        let (url, folders) = (Self::database(config)?, Self::folders(config)?);
        let _alone = Self::one_service(config).await?;
        Ok(backup::restore(&url, &folders, file, artifacts, replace).await?)
    }

    /// Looks whether the database is whole and takes writes.
    pub async fn check_database(config: &EngineConfig) -> Result<Check, EngineError> {
        let store = Self::open_store(config).await?;
        let checked = store.check().await;
        store.close().await;
        Ok(checked?)
    }

    async fn open_store(config: &EngineConfig) -> Result<Store, EngineError> {
        Ok(Store::open(&Self::database(config)?).await?)
    }

    fn database(config: &EngineConfig) -> Result<DatabaseUrl, EngineError> {
        match &config.database_url {
            Some(url) => DatabaseUrl::parse(url.expose_secret()).map_err(|e| EngineError::DatabaseUrl(e.to_string())),
            None => Ok(DatabaseUrl::Sqlite(Self::folders(config)?.database())),
        }
    }

    /// Where data of sources are.
    pub fn external(&self) -> &External {
        &self.runs.external
    }

    /// What is stored, for who cannot change it.
    pub fn reads(&self) -> &Reads {
        &self.runs.store
    }

    /// A stream of the store's change number: what was read before it moved may be out of date. Moves of other
    /// processes are in it.
    pub fn changes(&self) -> Changes {
        self.reads().changes()
    }

    /// Why writes do not go through now, as the last of them found it.
    pub fn write_trouble(&self) -> Option<StoreError> {
        self.runs.store.trouble()
    }

    /// How long ago it was last seen whether writes go through.
    pub fn writes_seen(&self) -> Option<Duration> {
        self.runs.store.seen()
    }

    /// Whether the database takes writes.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.runs.store.check_writable().await
    }

    /// Waits for what is being written, and closes the database; not for long, if somebody still reads.
    pub async fn close(&self) {
        if timeout(CLOSING, self.runs.store.close()).await.is_err() {
            tracing::warn!("the database was still busy");
        }
    }

    /// Where things are.
    pub fn folders_of(&self) -> &Folders {
        &self.runs.folders
    }

    /// The configuration.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The name of the instance that owns this data folder; made on first use.
    pub fn instance_of(config: &EngineConfig) -> Result<String, EngineError> {
        instance(&Self::folders(config)?)
    }

    /// Whether steps could start now.
    pub async fn probe_executor(&self) -> Result<(), ExecutorError> {
        self.runs.programs.executor.probe().await
    }

    /// What would start steps now, in words; the error says why nothing could.
    pub async fn describe_executor(&self) -> Result<String, ExecutorError> {
        self.runs.programs.executor.describe().await
    }

    /// The GPUs that steps may have here; an engine that places programs itself tells of none.
    pub fn gpus(&self) -> &[Gpu] {
        self.runs.programs.executor.gpus()
    }

    /// The client of GitHub; `None` without GitHub in the configuration.
    pub fn github(&self) -> Option<&GitHub> {
        self.inbound.source.github.as_deref()
    }

    /// The account GitHub knows the service by; `None` without GitHub in the configuration.
    pub async fn github_account(&self) -> Option<Result<String, GitHubError>> {
        match &self.inbound.source.github {
            Some(github) => Some(github.account().await),
            None => None,
        }
    }

    /// The id of the standard components' image, brought here if it is not.
    pub async fn probe_components(&self) -> Result<String, BuildError> {
        self.runs.images.components().await
    }

    /// Takes a webhook of GitHub. `header` looks a header up by its lowercase name.
    pub async fn accept_webhook<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: bytes::Bytes,
    ) -> Result<Intake, IntakeError> {
        self.inbound.accept_webhook(header, body).await
    }

    /// The secrets that sign webhooks, from the next one on.
    pub fn replace_webhook_secrets(&self, secrets: Vec<SecretString>) {
        self.inbound.webhook_secrets.replace(secrets);
    }

    /// What sweeps for missed webhooks have found.
    pub fn webhooks(&self) -> WebhookHealth {
        self.inbound.found.load()
    }

    /// Takes a CloudEvent; the caller has checked the sender's token.
    pub async fn accept_cloud_event<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: bytes::Bytes,
    ) -> Result<Intake, IntakeError> {
        self.inbound.accept_cloud_event(header, body).await
    }

    /// Makes a run of `<folder>/pipeline.yaml`. `parameters` replace the file's.
    pub async fn request_local(
        &self,
        folder: &Path,
        parameters: &Map<String, Value>,
        may_push: bool,
        actor: &str,
    ) -> Result<RunId, LocalError> {
        let asked = RunAsked {
            parameters: parameters.clone(),
            no_push: !may_push,
            actor: actor.to_owned(),
            ..RunAsked::default()
        };
        self.request_local_so(folder, &asked).await
    }

    /// The same, as of spans.
    pub async fn request_local_so(&self, folder: &Path, asked: &RunAsked) -> Result<RunId, LocalError> {
        self.inbound.request_local(folder, asked).await
    }

    /// The run that `request_local_so` would make, with what it would do: nothing is recorded, and no program starts.
    pub async fn plan_local(&self, folder: &Path, asked: &RunAsked) -> Result<Run, LocalError> {
        let unknown = || LocalError::Unknown("there would be no run".to_owned());
        let run = self.inbound.imagine_local(folder, asked).await?.ok_or_else(unknown)?;
        imagine(&self.runs, run).await.map_err(|error| match error {
            EffectError::Again { reason, .. } | EffectError::Broken(reason) => LocalError::Unknown(reason),
        })
    }

    /// Drives one run to its end in this task, whatever the limits of the service.
    pub async fn drive(&self, id: &RunId) -> Result<Run, LocalError> {
        match reconcile(Arc::clone(&self.runs), id.clone()).await {
            Ok(()) => Ok(self.runs.store.load_run(id).await?),
            Err(ReconcileError::NotOurs) => Err(LocalError::Taken),
            Err(ReconcileError::Store(error)) => Err(error.into()),
        }
    }

    /// What a push target is found to be, compared with its ledger; nothing is changed.
    pub async fn look_at_target(&self, target: &str) -> Result<Found, LookError> {
        self.runs.registry.look_at(target).await
    }

    /// Recorded runs under another gate, newest first. A run or evaluation that cannot be read any more is
    /// named with the reason.
    pub async fn replay(&self, gate: &Gate, past: &Past) -> Result<Vec<Replayed>, StoreError> {
        replay(&self.runs.store, &self.runs.content, gate, past).await
    }

    /// What somebody means by a model: a version of the target, or of the only one, before a run whose id begins like it.
    pub async fn meant(&self, model: &str, target: Option<&str>) -> Result<Meant, PromotionError> {
        self.runs.registry.meant(model, target).await
    }

    /// The data of a run as its validators met them; empty where it measured none.
    pub async fn judged_data(&self, run: Run) -> Vec<JudgedData> {
        read_apart(self.runs.content.clone(), run).await
    }

    /// What another gate says of the model of a run; its verdict stays what it is.
    pub async fn judged_with(&self, gate: &Gate, run: Run) -> Result<Verdict, EvaluationError> {
        judged_by(&self.runs.content, gate, run).await
    }

    /// Reliability, ROC and precision against recall of the models that a run compared, where its evaluation has plots.
    pub async fn curves(&self, run: Run) -> Result<Option<Curves>, EvaluationError> {
        curves_of(&self.runs.content, run).await
    }

    /// Removes what the policy no longer keeps, or with `dry_run` only says what that is.
    pub async fn collect_garbage(&self, dry_run: bool) -> Result<Collected, RetentionError> {
        self.retention().expire(dry_run).await
    }

    /// Runs the loops until the returned set is dropped or shut down. Programs go on meanwhile and
    /// are found again at the next start.
    pub fn start(&self) -> JoinSet<()> {
        let sweep = self.config.github.as_ref().and_then(|github| github.sweep_every);
        let teller = Teller {
            store: self.runs.store.clone(),
            github: self.inbound.source.github.clone(),
            channels: self.channels.clone(),
            signals: Arc::clone(&self.runs.signals),
        };
        loops::start(&self.runs, &self.inbound, self.retention(), teller, sweep)
    }

    fn retention(&self) -> Retention {
        Retention {
            store: self.runs.store.clone(),
            content: self.runs.content.clone(),
            folders: self.runs.folders.clone(),
            targets: self.runs.registry.targets.clone(),
            policy: self.config.retention.clone(),
            leases: Leases::new(self.runs.store.clone(), Arc::clone(&self.runs.owner)),
        }
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> Arc<Runs> {
        Arc::clone(&self.runs)
    }
}

/// Makes the data folder, and takes it from everybody else: webhooks, logs and models are in there. A folder that
/// is somebody else's, or holds other things than ours, stays as it is.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let empty = |path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    std::fs::create_dir_all(path)?;
    let found = std::fs::metadata(path)?;
    let ours = path.join("instance").exists() || empty(path);
    let closed = found.permissions().mode() & 0o077 == 0;
    if !closed && ours && found.uid() == rustix::process::geteuid().as_raw() {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn github(config: &GitHubConfig) -> Result<GitHub, GitHubError> {
    let github = GitHub::new(&config.api_url, &config.git_url, config.auth.clone())?;
    Ok(github.with_allowance(config.writes_per_minute.map(Allowance::per_minute)))
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
