//! A service as people run it: the real binary, a GitHub with real git, data that arrive, and three endpoints.

use super::endpoint::Endpoint;
use super::model_server::ModelServer;
use super::pipelines;
use super::workspace::Workspace;
use crate::binary::{Place, Running};
use crate::yard::{API_TOKEN, EVENTS_TOKEN, GITHUB_TOKEN, WEBHOOK_SECRET};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use trainyard_github::simulator::{Simulator, SimulatorConfig};
use trainyard_store::{DatabaseUrl, Reads, Store};

pub const REPO: &str = "acme/models";
/// Nothing that a calm service does takes longer; a run that was set aside waits for minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Each pipeline has the name of its target.
pub const TARGETS: [&str; 3] = ["server", "folder", "hook"];

pub struct World {
    pub github: Simulator,
    pub work: Workspace,
    pub server: ModelServer,
    pub endpoint: Arc<Endpoint>,
    pub place: Place,
    pub url: String,
    pub service: Option<Running>,
    pub client: reqwest::Client,
    /// What is said of a fault: how to see it again.
    pub replay: String,
    /// Makes every model another one.
    serial: u64,
    /// Whether programs run in containers, and candidates are tried in one.
    docker: bool,
    /// Spans that were announced, each under the number of its place.
    announced: Vec<String>,
    /// Numbers of those that the service has taken.
    taken: Arc<Mutex<BTreeSet<usize>>>,
    /// Never dropped in an asynchronous task.
    pub runtime: Runtime,
}

impl Drop for World {
    fn drop(&mut self) {
        self.service = None;
        // Artifacts are read-only folders.
        let _ = trainyard_engine::artifacts::remove_tree(&self.place.path().join("yard"));
    }
}

impl World {
    pub fn new(replay: String, docker: bool) -> Self {
        trainyard_github::install_tls();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let (github, endpoint, hook, work) = runtime.block_on(async {
            let github = Simulator::start(SimulatorConfig {
                webhook_url: Some(format!("{url}/webhooks/github")),
                webhook_secret: WEBHOOK_SECRET.to_owned(),
                token: GITHUB_TOKEN.to_owned(),
                ..SimulatorConfig::default()
            })
            .await
            .unwrap();
            github.create_private_repo(REPO).await.unwrap();
            let (endpoint, hook) = Endpoint::start().await;
            let work = Workspace::new(&github.push_url(REPO)).await;
            (github, endpoint, hook, work)
        });
        let place = Place::new("");
        let folder = place.path().display().to_string();
        let server = ModelServer::start(&place.path().join("models"));
        let (model_server, github_url) = (server.url(), github.base_url());
        let (kind, tried) = match docker {
            true => ("docker", pipelines::tried()),
            false => ("process", String::new()),
        };
        place.write(
            "trainyard.toml",
            &format!(
                r#"data_dir = "{folder}/yard"
listen = "127.0.0.1:{port}"
api_token = "{API_TOKEN}"
data_root = "{folder}/data"
[events]
token = "{EVENTS_TOKEN}"
[executor]
kind = "{kind}"
max_parallel_steps = 2
[github]
api_url = "{github_url}"
git_url = "{github_url}"
token = "{GITHUB_TOKEN}"
webhook_secret = "{WEBHOOK_SECRET}"
[targets.server]
url = "{model_server}"
repository = "{folder}/models"
max_loading_time = "5s"
{tried}
[targets.folder]
kind = "tensorflow_serving"
repository = "{folder}/watched"
max_loading_time = "5s"
[targets.hook]
kind = "webhook"
url = "{hook}/hook"
status_url = "{hook}/status"
secret = "secret-of-the-endpoint"
max_loading_time = "5s"
"#
            ),
        );
        let world = Self {
            github,
            work,
            server,
            endpoint,
            place,
            url,
            service: None,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            replay,
            serial: 0,
            docker,
            announced: Vec::new(),
            taken: Arc::default(),
            runtime,
        };
        for target in TARGETS {
            let code = |name: &str| format!("pipelines/{target}/code/{name}");
            world.work.write(&code("train.sh"), pipelines::TRAIN);
            world.work.write(&code("Dockerfile"), pipelines::DOCKERFILE);
        }
        world.write_data("2000-01");
        world
    }

    /// Pushes a commit that trains another model for each of these targets.
    pub fn push(&mut self, targets: &[&str], auc: &str) -> String {
        self.serial += 1;
        for target in targets {
            let text = pipelines::text(target, auc, self.serial);
            self.work.write(&format!("pipelines/{target}/pipeline.yaml"), &text);
        }
        let message = format!("Train {}", self.serial);
        self.runtime.block_on(self.work.push(&message)).as_str().to_owned()
    }

    /// How many pushes there were.
    pub fn pushed(&self) -> usize {
        usize::try_from(self.serial).unwrap()
    }

    /// How many of them GitHub sent.
    pub fn delivered(&self) -> usize {
        let deliveries = self.github.deliveries().into_iter();
        let pushes = deliveries.filter(|delivery| delivery.event == "push");
        pushes.map(|delivery| delivery.guid).collect::<BTreeSet<_>>().len()
    }

    /// Starts the service; it dies at this point, if one is named.
    pub fn start(&mut self, crash_at: Option<&str>) {
        let mut command = self.place.command(&["serve"]);
        command.env("TRAINYARD_LOG", "info");
        if let Some(point) = crash_at {
            command.env("TRAINYARD_CRASH_AT", point);
        }
        self.service = Some(Running::start(&mut command));
    }

    /// Waits until the service answers.
    pub fn ready(&self) {
        self.until("the service answers", || {
            self.get("/healthz").map(drop).ok_or_else(|| "no answer".to_owned())
        });
    }

    /// Whether the service is dead.
    pub fn is_dead(&self) -> bool {
        let id = self.service.as_ref().map(Running::id);
        let alive = |id: u32| processes().iter().any(|process| process.id == id);
        id.is_none_or(|id| !alive(id))
    }

    /// Waits until the service is dead, for so long.
    pub fn died(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline && !self.is_dead() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As a power cut does it, seen from the service.
    pub fn kill(&mut self) {
        self.service = None;
    }

    fn write_data(&self, span: &str) {
        let rows = format!("span,rows\n{span},1\n");
        self.place.write(&format!("data/rows/{span}.csv"), &rows);
    }

    /// The next month's data are there, and announced.
    pub fn data_arrive(&mut self) {
        let month = self.announced.len() + 1;
        let span = format!("{}-{:02}", 2000 + month / 12, 1 + month % 12);
        self.write_data(&span);
        self.announced.push(span);
        self.announce();
    }

    /// What was announced, with its number in the place of the event's id, and taken.
    pub fn taken(&self) -> Vec<(String, String)> {
        let taken = self.taken.lock().unwrap();
        let of = |number: &usize| (format!("/lake#{number}"), self.announced[*number].clone());
        taken.iter().map(of).collect()
    }

    /// Sends what was not taken; whether there is some.
    fn announce(&self) -> bool {
        let taken = self.taken.lock().unwrap().clone();
        let left = (0..self.announced.len()).filter(|number| !taken.contains(number));
        let mut some = false;
        for number in left {
            some = true;
            let body = json!({
                "specversion": "1.0", "type": "io.trainyard.data.arrived", "source": "/lake", "id": number.to_string(),
                "data": {"source": "rows", "span": self.announced[number]},
            });
            let request = self
                .client
                .post(format!("{}/events", self.url))
                .bearer_auth(EVENTS_TOKEN);
            let request = request.header("content-type", "application/cloudevents+json");
            let request = request.timeout(Duration::from_secs(20)).body(body.to_string());
            let taken = Arc::clone(&self.taken);
            self.runtime.spawn(async move {
                if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
                    taken.lock().unwrap().insert(number);
                }
            });
        }
        some
    }

    /// Who sent what was not taken sends it again; whether there is some.
    pub fn redeliver(&self) -> bool {
        let deliveries = self.github.deliveries();
        let taken = |guid: &str| {
            let mut attempts = deliveries.iter().filter(|attempt| attempt.guid == guid);
            attempts.any(|attempt| attempt.status_code.is_some_and(|code| (200..300).contains(&code)))
        };
        let mut again: Vec<_> = deliveries.iter().map(|attempt| attempt.guid.clone()).collect();
        again.sort();
        again.dedup();
        again.retain(|guid| !taken(guid));
        for guid in &again {
            self.github.redeliver(guid).unwrap();
        }
        self.announce() || !again.is_empty()
    }

    /// A person's request, whose answer nobody waits for; it may meet a dead service.
    pub fn call(&self, path: &str, body: Value) {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .bearer_auth(API_TOKEN)
            .json(&body);
        let request = request.timeout(Duration::from_secs(20));
        self.runtime.spawn(async move { request.send().await.map(drop).ok() });
    }

    pub fn get(&self, path: &str) -> Option<(u16, Value)> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(API_TOKEN);
        self.runtime.block_on(async move {
            let answer = request.timeout(Duration::from_secs(20)).send().await.ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.json().await.unwrap_or_default()))
        })
    }

    /// The git programs of the service, and those that they started.
    pub fn gits(&self) -> Vec<u32> {
        let Some(service) = &self.service else {
            return Vec::new();
        };
        let (all, mut family) = (processes(), BTreeSet::from([service.id()]));
        let mut gits = Vec::new();
        // A child's number is not always above its parent's.
        loop {
            let child = |found: &&Process| family.contains(&found.parent) && !family.contains(&found.id);
            let Some(found) = all.iter().filter(|found| found.name.starts_with("git")).find(child) else {
                return gits;
            };
            family.insert(found.id);
            gits.push(found.id);
        }
    }

    /// The names of all containers, if programs run in some.
    pub fn containers(&self) -> String {
        if !self.docker {
            return String::new();
        }
        let listed = Command::new("docker")
            .args(["ps", "--all", "--format", "{{.Names}}"])
            .output();
        String::from_utf8(listed.unwrap().stdout).unwrap()
    }

    fn database(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.data().join("trainyard.db"))
    }

    pub fn data(&self) -> PathBuf {
        self.place.path().join("yard")
    }

    pub fn reads(&self) -> Reads {
        self.block_on(async { Store::open_reads(&self.database()).await.unwrap() })
    }

    pub fn store(&self) -> Store {
        self.block_on(async { Store::open(&self.database()).await.unwrap() })
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Waits for a condition, and says how to see it again where it never holds.
    pub fn until(&self, what: &str, mut holds: impl FnMut() -> Result<(), String>) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Err(why) = holds() else { return };
            if Instant::now() >= deadline {
                let log = self.service.as_ref().map(Running::log).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(60).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                panic!("{what}: {why}\n{}\nsee it again: {}", tail.join("\n"), self.replay);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A process of this machine.
pub struct Process {
    pub id: u32,
    pub parent: u32,
    pub name: String,
}

pub fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let found = ids.filter_map(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // Its name may have blanks and brackets.
        let (begin, rest) = stat.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        let mut rest = rest.split_whitespace();
        let (state, parent) = (rest.next()?, rest.next()?.parse().ok()?);
        let dead = state == "Z" || begin.is_empty();
        (!dead).then(|| Process {
            id,
            parent,
            name: name.to_owned(),
        })
    });
    found.collect()
}
