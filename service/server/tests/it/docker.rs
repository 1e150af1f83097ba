//! The real binary with the real Docker: a push starts containers, and killing the service in the
//! middle of a step costs nothing.

use crate::binary::{Place, Running};
use crate::yard::{WEBHOOK_SECRET, eventually};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;
use trainyard_github::simulator::{Simulator, SimulatorConfig};

const REPO: &str = "acme/patient";
/// Trains until it is told to end, so that the test decides when.
const PIPELINE: &str = r#"name: patient
on: { push: { branches: [main] } }
steps:
  train:
    build: { dockerfile: pipelines/patient/Dockerfile, context: pipelines/patient }
    command: [sh, /train.sh, "{{outputs.model}}"]
    outputs: { model: Model }
  report:
    image: trainyard/base:bookworm
    command: [cp, "{{inputs.model}}/weights", "{{outputs.report}}"]
    inputs: { model: train.model }
    outputs: { report: Report }
"#;
const DOCKERFILE: &str = "FROM trainyard/base:bookworm\nCOPY train.sh /train.sh\n";
const TRAIN: &str = "trap 'mkdir $1; echo 42 > $1/weights; echo ended; exit 0' USR1\n\
                     echo begun\nwhile :; do sleep 0.05; done\n";
pub const GITHUB_TOKEN: &str = "github-token-of-the-tests";

/// What a docker command prints.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "docker {arguments:?}: {error}; is it running? see `make setup`"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Removes what the test made in Docker, also when it fails.
pub struct Leftovers(pub String);

impl Leftovers {
    pub fn containers(&self) -> String {
        self.with(&format!("label=io.trainyard.owner={}", self.0))
    }

    /// Those of one step.
    pub fn of_step(&self, step: &str) -> String {
        let ours = self.containers();
        let all = self.with(&format!("label=io.trainyard.step={step}"));
        all.lines().filter(|id| ours.contains(id)).collect()
    }

    fn with(&self, filter: &str) -> String {
        docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", filter])
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for container in self.containers().lines() {
            docker(&["rm", "--force", container]);
        }
        let images = docker(&[
            "images",
            "--quiet",
            "--filter",
            "label=io.trainyard.image=patient/train",
        ]);
        for image in images.lines() {
            docker(&["rmi", "--force", image]);
        }
    }
}

pub async fn api(address: SocketAddr, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
    answer.error_for_status().unwrap().json().await.unwrap()
}

/// A simulated GitHub, and the settings of a service that works with it.
pub async fn github() -> (Simulator, Place) {
    trainyard_github::install_tls();
    let config = SimulatorConfig {
        webhook_secret: WEBHOOK_SECRET.to_owned(),
        token: GITHUB_TOKEN.to_owned(),
        ..SimulatorConfig::default()
    };
    let github = Simulator::start(config).await.unwrap();
    let place = Place::new(&format!(
        "data_dir = \"{{folder}}/yard\"\nlisten = \"127.0.0.1:0\"\n[github]\napi_url = \"{url}\"\ngit_url = \"{url}\"\n\
         token = \"{GITHUB_TOKEN}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n",
        url = github.base_url()
    ));
    (github, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_outlives_the_killed_service_and_is_adopted() {
    let (github, place) = github().await;
    github.create_private_repo(REPO).await.unwrap();
    let (service, address) = Running::serve(&place);
    let leftovers = Leftovers(std::fs::read_to_string(place.path().join("yard/instance")).unwrap());
    github.set_webhook_url(format!("http://{address}/webhooks/github"));
    let sha = push(&place, &github.push_url(REPO));

    eventually("the container runs", async || {
        leftovers.containers().lines().count() == 1
    })
    .await;
    let container = leftovers.containers();
    let started = || {
        docker(&[
            "inspect",
            "--format",
            "{{.State.StartedAt}} {{.State.Running}}",
            &container,
        ])
    };
    eventually("its program has begun", async || {
        docker(&["logs", &container]).contains("begun")
    })
    .await;
    let before = started();

    service.signal("KILL");
    service.end();
    assert_eq!(started(), before, "the container does not mind");

    let (service, address) = Running::serve(&place);
    let run = async || api(address, "/api/v1/runs").await["runs"][0].clone();
    eventually("the run goes on", async || {
        run().await["steps"][0]["state"] == "running"
    })
    .await;
    assert_eq!((leftovers.containers(), started()), (container.clone(), before));
    docker(&["kill", "--signal", "USR1", &container]);
    eventually("the run is over", async || run().await["state"] == "succeeded").await;
    let id = run().await["id"].as_str().unwrap().to_owned();
    let detail = api(address, &format!("/api/v1/runs/{id}")).await;
    let starts = detail["events"].as_array().unwrap().iter();
    let starts = starts.filter(|entry| entry["what"]["event"] == "step_starting").count();
    assert_eq!(starts, 2, "each step started once: {detail}");
    assert_eq!(place.run(&["logs", &id, "train"]).out, "begun\nended\n");

    eventually("GitHub has heard it", async || {
        let statuses = github.statuses(REPO, &sha);
        statuses.last().is_some_and(|status| status.state == "success")
    })
    .await;
    eventually("containers are gone", async || leftovers.containers().is_empty()).await;
    service.signal("TERM");
    assert_eq!(service.end().0, Some(0));
}

/// What git prints in the folder `team` of a place.
pub fn git(place: &Place, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(place.path().join("team"))
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(arguments);
    let output = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit of the pipeline, pushed with the real git.
fn push(place: &Place, url: &str) -> String {
    let folder = "team/pipelines/patient";
    place.write(&format!("{folder}/pipeline.yaml"), PIPELINE);
    place.write(&format!("{folder}/Dockerfile"), DOCKERFILE);
    place.write(&format!("{folder}/train.sh"), TRAIN);
    let git = |arguments: &[&str]| git(place, arguments);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "Train patiently"]);
    git(&["push", "--quiet", url, "main"]);
    git(&["rev-parse", "HEAD"])
}
