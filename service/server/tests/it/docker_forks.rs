//! A fork's code with the real Docker: built and run only after a person's word, without a network, and into nobody
//! else's cache.

use crate::binary::Running;
use crate::docker::{GITHUB_TOKEN, api, docker, git, github};
use crate::yard::{WEBHOOK_SECRET, eventually};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;

const REPO: &str = "acme/guarded";
const FORK: &str = "mallory/guarded";
/// Its steps and its build may use the network where the branch is trusted.
const PIPELINE: &str = r#"name: guarded
on: { push: { branches: [main] }, pull_request: {} }
steps:
  train:
    build: { dockerfile: pipelines/guarded/Dockerfile, context: pipelines/guarded, network: bridge }
    command: [sh, /train.sh, "{{outputs.model}}"]
    network: bridge
    outputs: { model: Model }
"#;
/// The build notes what it could reach; the same line is in the reviewed file.
const DOCKERFILE: &str =
    "FROM trainyard/base:bookworm\nRUN grep -c eth0 /proc/net/dev > /interfaces || true\nCOPY train.sh /train.sh\n";
const TRAIN: &str = "mkdir $1; cp /interfaces $1/built; grep -c eth0 /proc/net/dev > $1/ran; env > $1/env\n";

/// Removes what the test made in Docker, also when it fails.
struct Images;

impl Drop for Images {
    fn drop(&mut self) {
        let filter = "label=io.trainyard.image=guarded/train";
        for image in docker(&["images", "--quiet", "--filter", filter]).lines() {
            _ = Command::new("docker").args(["rmi", "--force", image]).output();
        }
    }
}

/// The newest run.
async fn newest(address: SocketAddr) -> Value {
    api(address, "/api/v1/runs").await["runs"][0].clone()
}

/// What a run's only step left in a file of its model.
async fn left(address: SocketAddr, run: &Value, file: &str) -> String {
    let detail = api(address, &format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).await;
    let steps = detail["steps"].as_array().unwrap();
    let model = &steps[0]["outputs"]["model"];
    let path = model["uri"].as_str().unwrap_or_else(|| panic!("no model: {detail}"));
    let path = path.strip_prefix("file://").unwrap_or(path);
    std::fs::read_to_string(format!("{path}/{file}")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_is_built_and_run_without_a_network_and_into_no_cache() {
    let (github, place) = github().await;
    github.create_repo(REPO).await.unwrap();
    github.create_repo(FORK).await.unwrap();
    let folder = "team/pipelines/guarded";
    place.write(&format!("{folder}/pipeline.yaml"), PIPELINE);
    place.write(&format!("{folder}/Dockerfile"), DOCKERFILE);
    place.write(&format!("{folder}/train.sh"), "exit 1\n");
    git(&place, &["init", "--quiet", "--initial-branch", "main"]);
    git(&place, &["add", "--all"]);
    git(&place, &["commit", "--quiet", "--message", "A pipeline"]);
    git(&place, &["push", "--quiet", &github.push_url(REPO), "main"]);
    place.write(&format!("{folder}/train.sh"), TRAIN);
    git(&place, &["checkout", "--quiet", "-b", "better"]);
    git(&place, &["commit", "--quiet", "--all", "--message", "Trust me"]);
    git(&place, &["push", "--quiet", &github.push_url(FORK), "main", "better"]);
    let (service, address) = Running::serve(&place);
    let _images = Images;
    github.set_webhook_url(format!("http://{address}/webhooks/github"));
    let title = "Trust me";
    github
        .open_pull_request(REPO, title, "mallory:better", "main")
        .await
        .unwrap();

    eventually("the fork's run waits", async || {
        newest(address).await["state"] == "waiting_for_approval"
    })
    .await;
    let built = docker(&[
        "images",
        "--quiet",
        "--filter",
        "label=io.trainyard.image=guarded/train",
    ]);
    assert_eq!(built, "", "nothing of a fork is built unasked");
    let run = newest(address).await;
    let id = run["id"].as_str().unwrap();
    let approved = place.run(&["approve", id, "--reason", "read the diff"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    eventually("the fork's run is over", async || {
        newest(address).await["state"] == "succeeded"
    })
    .await;
    assert_eq!(
        left(address, &run, "built").await,
        "0\n",
        "its build saw more than itself"
    );
    assert_eq!(left(address, &run, "ran").await, "0\n", "its step saw more than itself");
    let environment = left(address, &run, "env").await;
    assert!(
        !environment.contains(GITHUB_TOKEN) && !environment.contains(WEBHOOK_SECRET),
        "{environment}"
    );

    // The same file on the reviewed branch: the layer that the fork's build made without a network is not taken.
    git(&place, &["push", "--quiet", &github.push_url(REPO), "better:main"]);
    eventually("the reviewed run is over", async || {
        let newest = newest(address).await;
        newest["id"] != run["id"] && newest["state"] == "succeeded"
    })
    .await;
    let trusted = newest(address).await;
    assert_eq!(
        left(address, &trusted, "built").await,
        "1\n",
        "its build took a fork's layer"
    );
    assert_eq!(left(address, &trusted, "ran").await, "1\n");
    service.signal("TERM");
    assert_eq!(service.end().0, Some(0));
}
