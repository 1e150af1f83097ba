//! Push targets beside model servers of the Open Inference Protocol: a folder that TensorFlow Serving
//! watches, and a signed webhook.

use crate::yard::{Yard, until};
use axum::extract::{Path as Segment, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trainyard_core::run::RunState;
use trainyard_engine::{Keep, TargetConfig, TargetKind};
use trainyard_github::signature::sign;

const SECRET: &str = "secret-of-the-webhook";

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn yard(kind: TargetKind) -> Yard {
    Yard::with(|config| {
        let target = TargetConfig {
            kind,
            model: None,
            max_loading_time: Duration::from_secs(1),
            approval: None,
        };
        config.targets.insert("tiny".to_owned(), target);
    })
    .await
}

/// A run of a model this good that serves in this way; its state and sentence.
async fn run(yard: &Yard, auc: &str, serve: &str, runs: usize) -> (RunState, String) {
    let (auc, serve) = (format!("auc: {auc}"), format!("serve: {serve}"));
    yard.push(&[("auc: 0.7", &auc), ("serve: well", &serve)]).await;
    let (row, _) = yard.last(runs).await;
    (row.state, row.summary.unwrap_or_default())
}

/// Answers as TensorFlow Serving does: the highest version that can be loaded is available.
struct Watcher {
    folder: PathBuf,
    stuck: Mutex<bool>,
}

impl Watcher {
    fn versions(&self) -> Vec<u64> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let mut versions: Vec<u64> = names.collect();
        versions.sort();
        versions
    }

    fn status(&self) -> Value {
        let mut versions = self.versions();
        if *self.stuck.lock().unwrap() {
            versions.truncate(1);
        }
        let broken = |version: &u64| {
            let model = std::fs::read_to_string(self.folder.join(format!("{version}/model.onnx")));
            model.is_ok_and(|model| model.contains("broken"))
        };
        let serving = versions.iter().rfind(|version| !broken(version)).copied();
        let shown = versions.iter().map(|version| {
            let (state, error) = match (Some(*version) == serving, broken(version)) {
                (true, _) => ("AVAILABLE", ""),
                (_, true) => ("END", "there is no graph in it"),
                _ => ("END", ""),
            };
            json!({"version": version.to_string(), "state": state, "status": {"error_code": "OK", "error_message": error}})
        });
        json!({"model_version_status": shown.collect::<Vec<_>>()})
    }
}

#[tokio::test]
async fn a_version_directory_is_written_read_back_and_rolled_back() {
    let models = tempfile::tempdir().unwrap();
    let watcher = Arc::new(Watcher {
        folder: models.path().join("tiny"),
        stuck: Mutex::default(),
    });
    let status =
        |State(watcher): State<Arc<Watcher>>, Segment(_): Segment<String>| async move { Json(watcher.status()) };
    let router = Router::new().route("/v1/models/{model}", get(status));
    let yard = yard(TargetKind::TensorFlowServing {
        repository: models.path().to_owned(),
        url: Some(listen(router.with_state(Arc::clone(&watcher))).await),
    })
    .await;
    for (count, auc) in ["0.7", "0.75", "0.8"].into_iter().enumerate() {
        let (state, summary) = run(&yard, auc, "well", count + 1).await;
        assert_eq!(state, RunState::Succeeded, "{summary}");
    }
    assert_eq!(watcher.versions(), [2, 3], "integers, and one way back");
    let (state, summary) = run(&yard, "0.85", "broken", 4).await;
    assert_eq!((state, watcher.versions()), (RunState::Failed, vec![2, 3]));
    insta::assert_snapshot!(summary, @"the approved model was not pushed: the model server cannot load version 4 of model 'tiny': there is no graph in it");

    let done = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!((done.to.as_str(), watcher.versions()), ("000002", vec![2]));
    *watcher.stuck.lock().unwrap() = true;
    let (state, summary) = run(&yard, "0.85", "well", 5).await;
    assert_eq!((state, watcher.versions()), (RunState::Failed, vec![2]));
    let TargetKind::TensorFlowServing { url: Some(url), .. } = &yard.config.targets["tiny"].kind else {
        panic!("no url");
    };
    insta::assert_snapshot!(summary.replace(url, "URL"), @"the approved model was not pushed: the model server at URL serves version 2 of model 'tiny' after 1s, not version 5: does it watch this folder?");
    let done = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!(
        (done.to.as_str(), watcher.versions()),
        ("000001", vec![1]),
        "from the artifact"
    );
    let ledger = [
        "push 000001",
        "push 000002",
        "push 000003",
        "rollback 000002",
        "rollback 000001",
    ];
    assert_eq!(yard.ledger().await, ledger);
    assert!(yard.server.calls().is_empty());
}

#[tokio::test]
async fn a_version_directory_without_a_server_is_read_back_from_the_disk() {
    let models = tempfile::tempdir().unwrap();
    let kind = TargetKind::TensorFlowServing {
        repository: models.path().to_owned(),
        url: None,
    };
    let mut yard = yard(kind).await;
    let (state, summary) = run(&yard, "0.7", "well", 1).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");
    let folder = models.path().join("tiny");
    assert!(folder.join("1/model.onnx").exists());
    // A start changes nothing that no intent explains; it says so.
    std::fs::remove_dir_all(folder.join("1")).unwrap();
    yard.restart().await;
    let found = until("the finding", async || {
        yard.engine.reads().finding("tiny").await.unwrap()
    })
    .await;
    let found = found.of_target("tiny").replace(&folder.display().to_string(), "FOLDER");
    insta::assert_snapshot!(found, @"target 'tiny' does not serve what its ledger says: FOLDER/1 is gone; it is left so until the next push goes above it, or a person asks for `trainyard targets reconcile tiny --restore-ledger --reason WHY`");
    assert!(!folder.join("1").exists());
    let done = yard
        .engine
        .reconcile_target("tiny", Keep::Ledger, "ada", "removed by mistake")
        .await;
    assert_eq!(done.unwrap().version.as_deref(), Some("000002"));
    assert!(folder.join("2/model.onnx").exists());
    assert_eq!(yard.engine.reads().finding("tiny").await.unwrap(), None);
}

/// A service behind a webhook.
#[derive(Default)]
struct Hook {
    requests: Mutex<Vec<Value>>,
    serving: Mutex<Option<String>>,
    manner: Mutex<Manner>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Manner {
    #[default]
    Well,
    /// Takes a push and does nothing.
    Deaf,
    /// Says no to a push.
    Refusing,
    /// Makes it serve and does not say so.
    Silent,
}

impl Hook {
    fn serving(&self) -> String {
        self.serving.lock().unwrap().clone().unwrap_or_default()
    }

    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Action and version of every request so far.
    fn heard(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let word = |request: &Value, key: &str| request[key].as_str().unwrap().to_owned();
        requests
            .iter()
            .map(|request| word(request, "action") + " " + &word(request, "version"))
            .collect()
    }
}

async fn hook(State(hook): State<Arc<Hook>>, headers: HeaderMap, body: String) -> Response {
    let signature = headers
        .get("x-trainyard-signature-256")
        .and_then(|value| value.to_str().ok());
    if signature != Some(sign(SECRET, body.as_bytes()).as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let request: Value = serde_json::from_str(&body).unwrap();
    let manner = *hook.manner.lock().unwrap();
    let push = request["action"] == "push";
    let version = request["version"].as_str().unwrap().to_owned();
    hook.requests.lock().unwrap().push(request);
    match manner {
        Manner::Refusing if push => return (StatusCode::CONFLICT, "no room").into_response(),
        Manner::Deaf if push => {}
        _ => *hook.serving.lock().unwrap() = Some(version),
    }
    match manner {
        Manner::Silent if push => StatusCode::NO_CONTENT.into_response(),
        _ => status(State(hook)).await.into_response(),
    }
}

async fn status(State(hook): State<Arc<Hook>>) -> Json<Value> {
    Json(json!({"version": *hook.serving.lock().unwrap()}))
}

async fn hooked(with_status: bool, secret: &str) -> (Yard, Arc<Hook>) {
    let service = Arc::new(Hook::default());
    let router = Router::new().route("/hook", post(hook)).route("/status", get(status));
    let url = listen(router.with_state(Arc::clone(&service))).await;
    let kind = TargetKind::Webhook {
        url: format!("{url}/hook"),
        status_url: with_status.then(|| format!("{url}/status")),
        secret: SecretString::from(secret),
    };
    (yard(kind).await, service)
}

fn without_port(text: &str) -> String {
    let start = text.find("http://127.0.0.1:").unwrap();
    let end = start + text[start..].find("/hook").unwrap();
    format!("{}URL{}", &text[..start], &text[end..])
}

#[tokio::test]
async fn a_webhook_is_told_read_back_and_rolled_back() {
    let (yard, hook) = hooked(false, SECRET).await;
    for (count, auc) in ["0.7", "0.75"].into_iter().enumerate() {
        let (state, summary) = run(&yard, auc, "well", count + 1).await;
        assert_eq!(state, RunState::Succeeded, "{summary}");
    }
    let told = hook.requests.lock().unwrap()[1].clone();
    let serving = yard.serving().await;
    assert_eq!(
        (&told["target"], &told["version"], &told["digest"], &told["uri"]),
        (
            &json!("tiny"),
            &json!("000002"),
            &json!(serving.model.digest),
            &json!(serving.model.uri)
        )
    );
    assert!(
        told["evidence"]["verdict"].is_object() && Path::new(&serving.model.uri).exists(),
        "{told}"
    );

    for (runs, manner) in [(3, Manner::Deaf), (4, Manner::Silent), (5, Manner::Refusing)] {
        hook.behave(manner);
        let (state, summary) = run(&yard, &format!("0.8{runs}"), "well", runs).await;
        assert_eq!(state, RunState::Failed);
        match manner {
            Manner::Deaf => {
                insta::assert_snapshot!(without_port(&summary), @"the approved model was not pushed: the webhook at URL/hook says that version 000002 serves, not 000003")
            }
            Manner::Silent => {
                insta::assert_snapshot!(without_port(&summary), @r#"the approved model was not pushed: the webhook at URL/hook does not say which version serves: let it, or its status_url, answer {"version": "000004"}"#)
            }
            _ => {
                insta::assert_snapshot!(without_port(&summary), @"the approved model was not pushed: the webhook at URL/hook refused to push version 000005 (409 Conflict): no room")
            }
        }
        assert_eq!(hook.serving(), "000002", "what served before serves");
    }
    hook.behave(Manner::Well);
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!(hook.serving(), "000001");
    assert_eq!(yard.ledger().await, ["push 000001", "push 000002", "rollback 000001"]);
    let heard = [
        "push 000001",
        "push 000002",
        "push 000003",
        "rollback 000002",
        "push 000004",
        "rollback 000002",
        "push 000005",
        "rollback 000002",
        "rollback 000001",
    ];
    assert_eq!(hook.heard(), heard, "a number is never used again");
}

#[tokio::test]
async fn what_a_status_says_and_no_intent_explains_is_left_to_a_person() {
    let (mut yard, hook) = hooked(true, SECRET).await;
    for (count, auc) in ["0.7", "0.75"].into_iter().enumerate() {
        let (state, summary) = run(&yard, auc, "well", count + 1).await;
        assert_eq!(state, RunState::Succeeded, "{summary}");
    }
    // Somebody went back by hand, or restored the receiver.
    *hook.serving.lock().unwrap() = Some("000001".to_owned());
    yard.restart().await;
    let found = until("the finding", async || {
        yard.engine.reads().finding("tiny").await.unwrap()
    })
    .await;
    insta::assert_snapshot!(found.of_target("tiny"), @"target 'tiny' and its ledger disagree: it serves version 000001, which nobody went back to: the ledger says that version 000002 serves; nothing is changed and nothing is pushed there until a person decides with `trainyard targets reconcile tiny --keep-served --reason WHY`, or `--restore-ledger` in place of `--keep-served`");
    let (state, summary) = run(&yard, "0.8", "well", 3).await;
    assert_eq!(state, RunState::Succeeded);
    assert!(
        summary.starts_with("approved, not pushed: target 'tiny' and its ledger disagree"),
        "{summary}"
    );
    assert_eq!(hook.heard(), ["push 000001", "push 000002"], "nothing was said");
    let done = yard
        .engine
        .reconcile_target("tiny", Keep::Served, "ada", "it was too slow")
        .await;
    assert_eq!(done.unwrap().version.as_deref(), Some("000001"));
    assert_eq!(yard.ledger().await, ["push 000001", "push 000002", "rollback 000001"]);
    assert_eq!(hook.heard(), ["push 000001", "push 000002"]);
}

#[tokio::test]
async fn what_somebody_else_made_a_webhook_serve_stays() {
    let (mut yard, hook) = hooked(true, SECRET).await;
    let others = |version: &str| *hook.serving.lock().unwrap() = Some(version.to_owned());
    others("1697040000");
    let (state, summary) = run(&yard, "0.7", "well", 1).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");
    assert_eq!(hook.heard(), ["push 1697040001"], "a number above what serves");
    let (state, summary) = run(&yard, "0.75", "well", 2).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");

    others("blue");
    yard.restart().await;
    let refused = yard.not_rolled_back().await;
    insta::assert_snapshot!(refused.replace(&status_address(&refused), "URL"), @"target 'tiny' was not rolled back: URL/status says that version blue serves, which this instance never pushed: it is left alone; promote version 1697040001 again if it is to serve");
    hook.behave(Manner::Refusing);
    let (state, _) = run(&yard, "0.8", "well", 3).await;
    assert_eq!((state, hook.serving().as_str()), (RunState::Failed, "blue"));
    let again = ["push 1697040001", "push 1697040002", "push 1697040003", "rollback blue"];
    assert_eq!(hook.heard(), again, "neither the start nor the rollback said a word");
}

/// The address of the status in a sentence.
fn status_address(text: &str) -> String {
    let start = text.find("http://127.0.0.1:").unwrap();
    let end = start + text[start..].find("/status").unwrap();
    text[start..end].to_owned()
}

#[tokio::test]
async fn a_webhook_with_another_secret_refuses() {
    let (yard, hook) = hooked(false, "another").await;
    let (state, summary) = run(&yard, "0.7", "well", 1).await;
    assert_eq!(state, RunState::Failed);
    insta::assert_snapshot!(without_port(&summary), @"the approved model was not pushed: the webhook at URL/hook refused to push version 000001 (401 Unauthorized)");
    assert!(hook.heard().is_empty() && yard.ledger().await.is_empty());
}
