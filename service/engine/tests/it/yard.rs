//! A whole Trainyard for tests: the real engine and store, a simulated GitHub with real git, a
//! scripted executor and a small model server. Everything goes when it is dropped.

use crate::door::Door;
use crate::model_server::ModelServer;
use crate::tiny;
use crate::workspace::Workspace;
use secrecy::SecretString;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};
use trainyard_core::ids::{CommitSha, Micros, RunId, StepName};
use trainyard_core::registry::Promotion;
use trainyard_core::run::{Run, RunEvent};
use trainyard_engine::{
    Engine, EngineConfig, ExecutorKind, GitHubAuth, GitHubConfig, Intake, IntakeError, Layout, TargetConfig, TargetKind,
};
use trainyard_executors::fake::{FakeExecutor, FakeImages, Script};
use trainyard_executors::{AnyExecutor, AnyImageBuilder, AttemptKey, Program};
use trainyard_github::simulator::{SimulatedApp, Simulator, SimulatorConfig, StatusRecord};
use trainyard_store::{DatabaseUrl, DeliveryView, RunFilter, RunRow, Store};

/// The App of the tests.
pub const APP: u64 = 4711;
pub const REPO: &str = "acme/tiny";
pub const TOKEN: &str = "ghp_token-of-the-tests-that-must-not-leak";
pub const SECRET: &str = "webhook-secret-of-the-tests";
/// Nothing a test waits for takes longer.
/// Less than a lease lasts: a test that waits for one to run out fails.
const PATIENCE: Duration = Duration::from_secs(60);

type Behaviour = Arc<dyn Fn(&AttemptKey, &Program) -> Script + Send + Sync>;

pub struct Yard {
    pub github: Simulator,
    pub work: Workspace,
    pub server: ModelServer,
    pub executor: FakeExecutor,
    pub images: FakeImages,
    pub config: EngineConfig,
    pub engine: Engine,
    behaviours: Arc<Mutex<HashMap<String, Behaviour>>>,
    loops: JoinSet<()>,
    door: Door,
    listening: JoinHandle<()>,
    folder: TempDir,
}

impl Drop for Yard {
    fn drop(&mut self) {
        self.listening.abort();
        // Artifacts are read-only folders, which a temporary folder cannot remove by itself.
        let _ = trainyard_engine::artifacts::remove_tree(self.folder.path());
    }
}

impl Yard {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    pub async fn with(change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::at(|_| {}, change).await
    }

    /// As a GitHub App, which may write checks.
    pub async fn as_app() -> Self {
        let app = SimulatedApp {
            app_id: 4711,
            slug: "trainyard".to_owned(),
            public_key: include_str!("../../../github/tests/it/keys/public.pem").to_owned(),
            installation_id: 99,
            token_lifetime: Duration::from_secs(3600),
        };
        let private_key = SecretString::from(include_str!("../../../github/tests/it/keys/private.pem"));
        let auth = GitHubAuth::App {
            app_id: app.app_id,
            private_key,
        };
        let change = |config: &mut EngineConfig| config.github.as_mut().unwrap().auth = auth;
        Self::at(|simulated| simulated.app = Some(app), change).await
    }

    /// With another GitHub and another configuration.
    async fn at(simulated: impl FnOnce(&mut SimulatorConfig), change: impl FnOnce(&mut EngineConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::default();
        let (url, listening) = door.listen().await;
        let mut simulator = SimulatorConfig {
            webhook_url: Some(format!("{url}/webhooks/github")),
            webhook_secret: SECRET.to_owned(),
            token: TOKEN.to_owned(),
            ..SimulatorConfig::default()
        };
        simulated(&mut simulator);
        let github = Simulator::start(simulator).await.unwrap();
        github.create_private_repo(REPO).await.unwrap();
        let server = ModelServer::start(&folder.path().join("models"));
        let mut config = configuration(folder.path(), github.base_url(), &server);
        change(&mut config);

        let behaviours: Arc<Mutex<HashMap<String, Behaviour>>> = Arc::default();
        let chosen = Arc::clone(&behaviours);
        let staging = Engine::staging(&config).unwrap();
        let executor = FakeExecutor::scripted(staging, move |key, program| {
            let behaviour = chosen.lock().unwrap().get(key.node.as_str()).cloned();
            behaviour.map_or_else(|| tiny::usual(program), |behaviour| behaviour(key, program))
        });
        let executor = executor.with_gpus(config.gpus.as_deref().unwrap_or_default());
        let images = FakeImages::default();
        let engine = open(&config, &executor, &images).await;
        let work = Workspace::new(&github.push_url(REPO)).await;
        work.write(tiny::FILE, tiny::TINY);
        work.write(tiny::DOCKERFILE, "FROM base\n");
        let yard = Self {
            loops: engine.start(),
            github,
            work,
            server,
            executor,
            images,
            config,
            engine,
            behaviours,
            door,
            listening,
            folder,
        };
        yard.data("2013-01", "1,2\n");
        yard.door.open(&yard.engine);
        yard
    }

    /// Writes a span of the data source.
    pub fn data(&self, span: &str, content: &str) {
        let path = self.config.data_root.join(format!("rows/{span}.csv"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// From now on a step does this instead of the usual.
    pub fn script(&self, step: &str, behaviour: impl Fn(&AttemptKey, &Program) -> Script + Send + Sync + 'static) {
        self.behaviours
            .lock()
            .unwrap()
            .insert(step.to_owned(), Arc::new(behaviour));
    }

    /// From now on a step's program waits for [`FakeExecutor::finish`] before it does the usual.
    pub fn hold(&self, step: &str) {
        self.script(step, |_, program| tiny::usual(program).hanging());
    }

    /// Lets every held program of a step end.
    pub fn release(&self, step: &str) {
        self.behaviours.lock().unwrap().remove(step);
        for key in self.executor.remaining().iter().filter(|key| key.node.as_str() == step) {
            self.executor.finish(key);
        }
    }

    /// Programs that start from now on are not held; those that were go on waiting.
    pub fn release_later(&self, step: &str) {
        self.behaviours.lock().unwrap().remove(step);
    }

    /// Pushes the pipeline with pieces of its text replaced.
    pub async fn push(&self, changes: &[(&str, &str)]) -> CommitSha {
        self.work.write(tiny::FILE, &tiny::tiny(changes));
        self.work.push("Change the pipeline").await
    }

    /// Sends a CloudEvent in binary mode.
    pub async fn arrive(&self, id: &str, source: &str, span: &str) -> Result<Intake, IntakeError> {
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", id),
            ("ce-source", "/lake"),
            ("ce-type", "io.trainyard.data.arrived"),
            ("content-type", "application/json"),
        ];
        let body = format!(r#"{{"source": "{source}", "span": "{span}"}}"#);
        let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        self.engine.accept_cloud_event(header, body.into()).await
    }

    /// Ends the service as a crash does: nothing is tidied up. Programs go on.
    pub async fn crash(&mut self) {
        self.door.close();
        self.stop_loops().await;
    }

    /// Ends the work of the service, while deliveries are still taken.
    pub async fn stop_loops(&mut self) {
        self.loops.shutdown().await;
    }

    /// Starts it again on the same folder with the same executor.
    pub async fn restart(&mut self) {
        self.crash().await;
        self.engine = open(&self.config, &self.executor, &self.images).await;
        self.loops = self.engine.start();
        self.door.open(&self.engine);
    }

    pub async fn runs(&self) -> Vec<RunRow> {
        let mut runs = self.engine.reads().runs(&RunFilter::default()).await.unwrap();
        runs.reverse();
        runs
    }

    /// Waits until so many runs are over and none is active; oldest first.
    pub async fn finished(&self, count: usize) -> Vec<RunRow> {
        until(&format!("end of {count} runs"), async || {
            let runs = self.runs().await;
            let over = runs.iter().filter(|run| run.state.is_final()).count();
            (over >= count && over == runs.len()).then_some(runs)
        })
        .await
    }

    /// The newest run when it is over.
    pub async fn last(&self, count: usize) -> (RunRow, Run) {
        let row = self.finished(count).await.pop().unwrap();
        let run = self.engine.reads().load_run(&row.id).await.unwrap();
        (row, run)
    }

    pub async fn events(&self, run: &RunId) -> Vec<RunEvent> {
        let events = self.engine.reads().run_events(run, 0).await.unwrap();
        events.into_iter().map(|(_, _, event)| event).collect()
    }

    /// Waits until so many deliveries are settled; newest first.
    pub async fn settled(&self, count: usize) -> Vec<DeliveryView> {
        until(&format!("{count} settled deliveries"), async || {
            let views = self.engine.reads().deliveries(1000).await.unwrap();
            let settled = views.iter().filter(|view| view.processed_at.is_some()).count();
            (settled >= count && settled == views.len()).then_some(views)
        })
        .await
    }

    /// Waits until the newest status of a commit is in this state.
    pub async fn status(&self, commit: &CommitSha, state: &str) -> StatusRecord {
        until(&format!("status '{state}' of {commit}"), async || {
            self.statuses(commit).pop().filter(|status| status.state == state)
        })
        .await
    }

    pub fn statuses(&self, commit: &CommitSha) -> Vec<StatusRecord> {
        self.github.statuses(REPO, commit.as_str())
    }

    /// Waits until everybody was told everything.
    pub async fn all_told(&self) {
        until("empty outbox", async || {
            let reads = self.engine.reads();
            let routed = reads.news_to_route(1).await.unwrap().is_empty();
            let next = reads.next_outbox(Micros(i64::MIN)).await.unwrap();
            (routed && next.is_none()).then_some(())
        })
        .await;
    }

    /// Waits until a held program of a step is there, and says which.
    pub async fn started(&self, step: &str, attempt: u32) -> AttemptKey {
        until(&format!("attempt {attempt} of step {step}"), async || {
            let programs = self.executor.remaining();
            programs
                .into_iter()
                .rfind(|key| key.node.as_str() == step && key.attempt == attempt)
        })
        .await
    }

    /// Waits until no program is left.
    pub async fn tidy(&self) {
        until("end of every program", async || {
            self.executor.remaining().is_empty().then_some(())
        })
        .await;
    }

    /// The step names of every program that was really started, in order.
    pub fn programs(&self) -> Vec<StepName> {
        self.executor
            .starts()
            .into_iter()
            .filter_map(|key| key.node.as_step())
            .collect()
    }

    /// Waits until the engine has removed what runs that are over worked with: until then it changes the folder.
    pub async fn swept(&self) {
        let names = |folder: &str| {
            let entries = std::fs::read_dir(self.config.data_dir.join(folder))
                .into_iter()
                .flatten();
            entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
        };
        until("removal of work folders and checkouts", async || {
            (names("work").is_empty() && names("checkouts").is_empty()).then_some(())
        })
        .await;
    }

    /// The versions on the disk of the model server.
    pub fn on_disk(&self) -> Vec<String> {
        names_in(&self.folder.path().join("models/tiny"))
    }

    /// Who the service says it is in the folders of its versions.
    pub fn instance(&self) -> String {
        let text = std::fs::read(self.config.data_dir.join("identity.json")).unwrap();
        let identity: serde_json::Value = serde_json::from_slice(&text).unwrap();
        identity["id"].as_str().unwrap().to_owned()
    }

    /// The same database opened anew, as another process does.
    pub async fn other_store(&self) -> Store {
        let database = DatabaseUrl::Sqlite(self.engine.folders_of().database());
        Store::open(&database).await.unwrap()
    }

    /// The entry that made what target `tiny` serves serve.
    pub async fn serving(&self) -> Promotion {
        let ledger = self.engine.reads().ledger("tiny").await.unwrap();
        ledger.serving().unwrap().pushed.clone()
    }

    /// Why target `tiny` cannot be rolled back.
    pub async fn not_rolled_back(&self) -> String {
        let refused = self.engine.roll_back("tiny", "ada", None).await;
        refused.unwrap_err().to_string()
    }

    /// Action and version of every entry in the ledger, oldest first.
    pub async fn ledger(&self) -> Vec<String> {
        let ledger = self.engine.reads().promotions(None, 100).await.unwrap();
        let shown = ledger
            .iter()
            .rev()
            .map(|entry| format!("{} {}", entry.action.as_str(), entry.version));
        shown.collect()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn configuration(folder: &Path, github: &str, server: &ModelServer) -> EngineConfig {
    let target = TargetConfig {
        kind: TargetKind::OpenInference {
            url: server.url(),
            repository: folder.join("models"),
            layout: Layout::MlServer,
            serving: None,
        },
        model: None,
        max_loading_time: Duration::from_secs(1),
        approval: None,
    };
    EngineConfig {
        data_dir: folder.join("trainyard"),
        data_root: folder.join("data"),
        objects: Default::default(),
        database_url: None,
        public_url: Some("http://trainyard.test".to_owned()),
        github: Some(GitHubConfig {
            api_url: github.to_owned(),
            git_url: github.to_owned(),
            auth: GitHubAuth::Token(SecretString::from(TOKEN)),
            webhook_secrets: vec![SecretString::from(SECRET)],
            sweep_every: None,
            writes_per_minute: None,
        }),
        executor: ExecutorKind::Fake,
        components_image: "components".to_owned(),
        max_parallel_steps: 2,
        max_parallel_runs: 4,
        limits: Default::default(),
        secrets: Default::default(),
        secrets_dir: None,
        gpus: None,
        targets: BTreeMap::from([("tiny".to_owned(), target)]),
        retention: Default::default(),
        notify: Vec::new(),
        traces: None,
    }
}

/// An engine on these parts, not started.
pub async fn open(config: &EngineConfig, executor: &FakeExecutor, images: &FakeImages) -> Engine {
    // The data folder may have been moved.
    let executor = executor.at(Engine::staging(config).unwrap());
    Engine::with_executor(
        config.clone(),
        AnyExecutor::Fake(executor),
        AnyImageBuilder::Fake(images.clone()),
    )
    .await
    .unwrap()
}

/// Looks again and again until there is an answer; fails by name when there is none in time.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("no {what} within {PATIENCE:?}"))
}

/// What is in a model's folder beside the notes of services for one another.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let notes = [".trainyard.lock", ".trainyard-config.json"];
    let mut names: Vec<_> = names.filter(|name| !notes.contains(&name.as_str())).collect();
    names.sort();
    names
}

/// Every file below a folder that nobody changes, with its content, for searching.
pub fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.is_file() {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}
