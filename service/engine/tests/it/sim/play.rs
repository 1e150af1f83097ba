//! A history: the real engine in a world of which the seed decides, over its crashes until all is calm.

use super::check;
use super::endpoint;
use super::story;
use super::time;
use super::world::{Happens, Kind, Repository, Shared, World, programs, statements};
use crate::yard::{SECRET, TOKEN};
use secrecy::SecretString;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use trainyard_engine::{
    Engine, EngineConfig, ExecutorKind, GitHubAuth, GitHubConfig, Intake, TargetConfig, TargetKind,
};
use trainyard_executors::fake::{FakeExecutor, FakeImages};
use trainyard_executors::{AnyExecutor, AnyImageBuilder};
use trainyard_github::git::scripted;
use trainyard_github::signature::sign;
use trainyard_store::{RunFilter, Store};

/// Nothing is waited for longer, in seconds of the simulation.
const PATIENCE: i64 = 3 * 3600;
const SECOND: i64 = 1_000_000;

/// One history.
pub struct History {
    pub world: Shared,
    pub executor: FakeExecutor,
    pub config: EngineConfig,
    images: FakeImages,
    listener: TcpListener,
    folder: TempDir,
    lives: Cell<u64>,
    /// The executor was away.
    away: Cell<bool>,
    restarted: Cell<bool>,
}

/// Why a service ended.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Crashed,
    /// It could not start.
    NotStarted(String),
    Over(Result<(), String>),
}

/// Plays a seed; what the outer world saw, and what was wrong.
pub fn play(seed: u64) -> (Vec<String>, Result<(), String>) {
    time::begin();
    let world = World::new(seed);
    let history = History::new(&world);
    let repository = Rc::new(Repository::new(&world));
    story::tell(&repository);
    scripted::simulate(Some(repository));
    trainyard_executors::at_once(true);
    let played = history.live();
    trainyard_engine::simulate(None, 0);
    trainyard_executors::at_once(false);
    trainyard_store::simulate(None);
    scripted::simulate(None);
    let mut trace = std::mem::take(&mut world.lock().unwrap().trace);
    trace.push(format!(
        "the order of statements: {:x}",
        world.lock().unwrap().order.finish()
    ));
    // Names that the machine gave.
    let folder = history.folder.path().display().to_string();
    let address = history.listener.local_addr().unwrap().to_string();
    let same = |text: &String| text.replace(&folder, "FOLDER").replace(&address, "ADDRESS");
    (trace.iter().map(same).collect(), played)
}

/// A disk that takes no time, where there is one.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("trainyard-sim-").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

/// An empty database, made once.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let made = std::thread::spawn(|| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("trainyard.db");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let store = Store::open(&trainyard_store::DatabaseUrl::Sqlite(path.clone()))
                    .await
                    .unwrap();
                store.close().await;
            });
            fs::read(path).unwrap()
        });
        made.join().unwrap()
    })
}

impl Drop for History {
    fn drop(&mut self) {
        // Artifacts are read-only folders.
        let _ = trainyard_engine::artifacts::remove_tree(self.folder.path());
    }
}

impl History {
    fn new(world: &Shared) -> Self {
        let folder = folder();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = configuration(folder.path(), &url, world.lock().unwrap().kind);
        fs::create_dir_all(&config.data_dir).unwrap();
        fs::create_dir_all(config.data_root.join("rows")).unwrap();
        fs::write(config.data_root.join("rows/2013-01.csv"), "1,2\n").unwrap();
        fs::write(config.data_dir.join("trainyard.db"), template()).unwrap();
        let executor = FakeExecutor::scripted(Engine::staging(&config).unwrap(), programs(world));
        Self {
            world: world.clone(),
            executor,
            config,
            images: FakeImages::default(),
            listener,
            folder,
            lives: Cell::new(0),
            away: Cell::new(false),
            restarted: Cell::new(false),
        }
    }

    pub fn models(&self) -> PathBuf {
        self.folder.path().join("models/tiny")
    }

    /// From the first start of the service to the end of everything.
    fn live(&self) -> Result<(), String> {
        loop {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .max_blocking_threads(1)
                .build()
                .unwrap();
            let mut end = None;
            let hands = runtime.block_on(async {
                let crash = self.world.lock().unwrap().crash.clone();
                let mut life = Box::pin(self.life());
                end = Some(tokio::select! {
                    biased;
                    () = crash.notified() => End::Crashed,
                    end = &mut life => end,
                });
                let mut rolls = self.world.lock().unwrap().ask("away");
                time::stop(Duration::from_millis(rolls.pick(&[0, 100, 2_000, 20_000])));
                // A process that dies leaves what it has in hand.
                self.hands()
            });
            drop(runtime);
            self.world.lock().unwrap().died();
            match end.unwrap() {
                End::Over(found) => return found,
                End::Crashed => hands.iter().for_each(|hand| drop(fs::write(hand, b""))),
                End::NotStarted(why) => self.world.lock().unwrap().say(format!("not started: {why}")),
            }
            if self.lives.get() > 60 {
                return Err("the service starts again and again".to_owned());
            }
        }
    }

    fn hands(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.config.data_dir.join("hands")).into_iter().flatten();
        entries.flatten().map(|entry| entry.path()).collect()
    }

    /// One life of the service.
    async fn life(&self) -> End {
        time::start();
        self.lives.set(self.lives.get() + 1);
        type Clock = Box<dyn Fn() -> i64>;
        let clocks: (Clock, Clock) = (Box::new(time::now), Box::new(time::wall));
        trainyard_engine::simulate(Some(clocks), self.lives.get() << 32);
        trainyard_store::simulate(Some(statements(&self.world)));
        let mut around = JoinSet::new();
        around.spawn(endpoint::serve(self.listener.try_clone().unwrap(), self.world.clone()));
        self.world.lock().unwrap().say("the service starts");
        let engine = Engine::with_executor(
            self.config.clone(),
            AnyExecutor::Fake(self.executor.clone()),
            AnyImageBuilder::Fake(self.images.clone()),
        )
        .await;
        let engine = match engine {
            Ok(engine) => engine,
            Err(error) => return End::NotStarted(error.to_string()),
        };
        let _loops = engine.start();
        let mut acts = JoinSet::new();
        loop {
            let (due, next, told, changed) = {
                let mut world = self.world.lock().unwrap();
                (world.due(), world.next_at(), world.is_told(), world.changed.clone())
            };
            match due {
                Some(Happens::Crash) => return End::Crashed,
                Some(what) => self.happen(&engine, &mut acts, what),
                None if told => break,
                None => tokio::select! {
                    () = sleep_until(time::moment(next.unwrap_or(i64::MAX / 4))) => {}
                    () = changed.notified() => {}
                },
            }
        }
        match self.end(&engine, &mut acts).await {
            Ok(false) => End::Crashed,
            Ok(true) => End::Over(Ok(())),
            Err(found) => End::Over(Err(found)),
        }
    }

    /// Waits until nothing is left to do, and looks at what came of all; false if the service has to start once more.
    async fn end(&self, engine: &Engine, acts: &mut JoinSet<()>) -> Result<bool, String> {
        {
            let mut world = self.world.lock().unwrap();
            world.calm_down();
            world.say("all is well");
        }
        self.executor.unreachable(0);
        if self.held(engine).await {
            let _ = engine.release_target("tiny", "ada", None).await;
        }
        let until = time::now() + PATIENCE * SECOND;
        let mut calm = 0;
        let mut wait = Duration::from_millis(500);
        loop {
            let (due, next) = {
                let mut world = self.world.lock().unwrap();
                (world.due(), world.next_at())
            };
            if let Some(what) = due {
                self.happen(engine, acts, what);
                continue;
            }
            let busy = check::busy(engine)
                .await
                .or_else(|| next.map(|_| "something is planned".to_owned()));
            match busy {
                None if calm > 1 => break,
                None => calm += 1,
                Some(what) if time::now() > until => return Err(format!("it never ends: {what}")),
                Some(_) => calm = 0,
            }
            let later = tokio::time::Instant::now() + wait;
            wait = (wait * 5 / 4).min(Duration::from_secs(60));
            let changed = self.world.lock().unwrap().changed.clone();
            tokio::select! {
                () = sleep_until(next.map_or(later, |at| time::moment(at).min(later))) => {}
                () = changed.notified() => {}
            }
        }
        // What could not be removed while the executor was away goes at the next start.
        if !self.executor.remaining().is_empty() && self.away.get() && !self.restarted.replace(true) {
            return Ok(false);
        }
        check::all(self, engine).await?;
        Ok(true)
    }

    async fn held(&self, engine: &Engine) -> bool {
        matches!(engine.reads().target_hold("tiny").await, Ok(Some(_)))
    }

    fn happen(&self, engine: &Engine, acts: &mut JoinSet<()>, what: Happens) {
        while acts.try_join_next().is_some() {}
        let (engine, world) = (engine.clone(), self.world.clone());
        match what {
            Happens::Delivery(nth) => {
                let delivery = world.lock().unwrap().deliveries[nth].clone();
                acts.spawn(async move {
                    let signature = sign(SECRET, delivery.body.as_bytes());
                    let header = |name: &str| match name {
                        "x-hub-signature-256" => Some(signature.as_str()),
                        "x-github-delivery" => Some(delivery.id.as_str()),
                        "x-github-event" => Some("push"),
                        _ => None,
                    };
                    let answer = engine.accept_webhook(header, delivery.body.clone().into()).await;
                    accepted(&world, &delivery.id, answer.map_err(|error| error.to_string()));
                });
            }
            Happens::Data { id, span } => {
                let place = self.config.data_root.join(format!("rows/{span}.csv"));
                fs::write(place, format!("{id},{span}\n")).unwrap();
                acts.spawn(async move {
                    let id = format!("data-{id}");
                    let header = |name: &str| match name {
                        "ce-specversion" => Some("1.0"),
                        "ce-id" => Some(id.as_str()),
                        "ce-source" => Some("/lake"),
                        "ce-type" => Some("io.trainyard.data.arrived"),
                        "content-type" => Some("application/json"),
                        _ => None,
                    };
                    let body = format!(r#"{{"source": "rows", "span": "{span}"}}"#);
                    let answer = engine.accept_cloud_event(header, body.into()).await;
                    accepted(&world, &id, answer.map_err(|error| error.to_string()));
                });
            }
            Happens::Cancel => {
                acts.spawn(async move {
                    let filter = RunFilter::default();
                    let Ok(runs) = engine.reads().runs(&filter).await else {
                        return;
                    };
                    let at_work: Vec<_> = runs.iter().filter(|run| !run.state.is_final()).collect();
                    if at_work.is_empty() {
                        return;
                    }
                    let which = world.lock().unwrap().ask("cancel").below(at_work.len() as u64);
                    let run = &at_work[usize::try_from(which).unwrap()].id;
                    let answer = engine.cancel(run, "ada").await;
                    world.lock().unwrap().say(format!("cancel of {run}: {answer:?}"));
                });
            }
            Happens::RollBack => {
                acts.spawn(async move {
                    let answer = engine.roll_back("tiny", "ada", Some("it is slow")).await;
                    let answer = answer.map(|done| done.to).map_err(|error| error.to_string());
                    world.lock().unwrap().say(format!("rollback: {answer:?}"));
                });
            }
            Happens::Hold(yes) => {
                acts.spawn(async move {
                    let done = match yes {
                        true => engine.hold_target("tiny", "ada", "a holiday").await.map(drop),
                        false => engine.release_target("tiny", "ada", None).await.map(drop),
                    };
                    let done = done.map_err(|error| error.to_string());
                    world.lock().unwrap().say(format!("hold {yes}: {done:?}"));
                });
            }
            Happens::Clock(ahead) => {
                time::set_ahead(ahead);
                world.lock().unwrap().say(format!("the clock is set to {ahead} s"));
            }
            Happens::Unreachable(calls) => {
                self.away.set(true);
                self.executor.unreachable(calls);
            }
            Happens::Finish(key) => self.executor.finish(&key),
            Happens::Lose(key) => {
                world.lock().unwrap().say(format!("{key} is lost"));
                self.executor.lose(&key);
            }
            Happens::Crash => {}
            other => world.lock().unwrap().apply(&other),
        }
    }
}

fn accepted(world: &Shared, id: &str, answer: Result<Intake, String>) {
    let mut world = world.lock().unwrap();
    world.say(format!("delivery {id}: {answer:?}"));
    if let Ok(Intake::Accepted(id) | Intake::Duplicate(id)) = answer {
        world.accepted.insert(id.as_str().to_owned());
    }
}

fn configuration(folder: &Path, url: &str, kind: Kind) -> EngineConfig {
    let kind = match kind {
        Kind::Folder => TargetKind::TensorFlowServing {
            repository: folder.join("models"),
            url: None,
        },
        Kind::Status | Kind::NoStatus => TargetKind::Webhook {
            url: format!("{url}/hook"),
            status_url: (kind == Kind::Status).then(|| format!("{url}/status")),
            secret: SecretString::from("secret"),
        },
    };
    let target = TargetConfig {
        kind,
        model: None,
        max_loading_time: Duration::from_secs(1),
        approval: None,
    };
    EngineConfig {
        data_dir: folder.join("trainyard"),
        data_root: folder.join("data"),
        objects: Default::default(),
        database_url: None,
        public_url: None,
        github: Some(GitHubConfig {
            api_url: url.to_owned(),
            git_url: url.to_owned(),
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
