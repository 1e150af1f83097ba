//! A candidate shows what it can do on a throw-away server before anything that serves is touched.

use crate::model_server::ModelServer;
use crate::yard::{Yard, until};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use trainyard_core::run::RunState;
use trainyard_engine::{PromoteRequest, ServingImage, TargetKind};
use trainyard_executors::fake::Script;
use trainyard_executors::{Executor, Network, Program};

pub const STEP: &str = "InfraValidator";

/// A yard whose serving image is a small model server.
pub struct Trials {
    pub yard: Yard,
    throw_away: Arc<ModelServer>,
    /// What was started, and where it saw its models.
    programs: Arc<Mutex<Vec<(Program, PathBuf)>>>,
    _empty: tempfile::TempDir,
}

impl Trials {
    pub async fn new() -> Self {
        let empty = tempfile::tempdir().unwrap();
        let throw_away = Arc::new(ModelServer::start(empty.path()));
        let port = throw_away.port();
        let yard = Yard::with(|config| {
            let kind = &mut config.targets.get_mut("tiny").unwrap().kind;
            let TargetKind::OpenInference { serving, .. } = kind else {
                panic!("{kind:?}");
            };
            *serving = Some(ServingImage {
                image: "serving".to_owned(),
                command: Vec::new(),
                port,
            });
        })
        .await;
        let trials = Self {
            yard,
            throw_away,
            programs: Arc::default(),
            _empty: empty,
        };
        trials.start_well();
        trials
    }

    fn start_well(&self) {
        let (server, programs) = (Arc::clone(&self.throw_away), Arc::clone(&self.programs));
        let executor = self.yard.executor.clone();
        self.yard.script(STEP, move |key, program| {
            let models = executor.input_path(key, &program.inputs[0]);
            server.serve(&models);
            programs.lock().unwrap().push((program.clone(), models));
            Script {
                hangs: true,
                address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                ..Script::default()
            }
        });
    }

    /// Why the run of this change failed; what served before serves, and its server heard nothing.
    async fn refused(&self, changes: &[(&str, &str)], runs: usize) -> String {
        let calls = self.yard.server.calls().len();
        let commit = self.yard.push(changes).await;
        let (row, _) = self.yard.last(runs).await;
        assert_eq!(row.state, RunState::Failed);
        assert_eq!(self.yard.server.predict(), Some(("000001".to_owned(), 0.7)));
        assert_eq!(self.yard.server.calls().len(), calls, "the real server was left alone");
        assert_eq!(self.yard.on_disk(), ["000001"]);
        assert_eq!(self.yard.ledger().await, ["push 000001"]);
        self.yard.status(&commit, "error").await;
        self.nothing_left().await;
        row.summary.unwrap()
    }

    /// Neither a program nor a file of a trial, as soon as the run's own are gone.
    async fn nothing_left(&self) {
        let remaining = self.yard.executor.remaining();
        assert!(remaining.iter().all(|key| key.node.as_str() != STEP), "{remaining:?}");
        self.yard.swept().await;
    }
}

#[tokio::test]
async fn a_candidate_is_tried_on_a_server_of_its_own() {
    let trials = Trials::new().await;
    let yard = &trials.yard;
    yard.push(&[("push: { target: tiny }", "push: { target: tiny, max_latency: 20s }")])
        .await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    let programs = trials.programs.lock().unwrap().clone();
    let [(program, seen)] = programs.as_slice() else {
        panic!("{programs:?}");
    };
    assert_eq!(program.network, Network::Bridge);
    assert!(program.command.is_empty(), "the image's own");
    let [models] = program.inputs.as_slice() else {
        panic!("{:?}", program.inputs);
    };
    assert!(program.outputs.is_none() && models.target.ends_with("models"));
    assert!(
        seen.starts_with(yard.config.data_dir.join("work")),
        "not the real repository"
    );
    assert_eq!(trials.throw_away.ever_loaded(), ["000001"]);
    trials.nothing_left().await;

    let lineage = yard.engine.reads();
    let pushed = format!("{}/push/pushed_model", row.id);
    let graph = lineage
        .lineage(&pushed, trainyard_store::Direction::Upstream, 100)
        .await
        .unwrap();
    let graph = serde_json::to_value(&graph).unwrap();
    let nodes = graph["nodes"].as_array().unwrap();
    let find = |kind: &str| nodes.iter().find(|node| node["type_name"] == kind).unwrap().clone();
    assert_eq!(find("InfraValidator")["state"], "COMPLETE");
    let blessing = find("InfraBlessing");
    let uri = PathBuf::from(blessing["uri"].as_str().unwrap());
    assert!(uri.join("INFRA_BLESSED").exists(), "{blessing}");
}

#[tokio::test]
async fn a_model_that_cannot_serve_never_meets_the_real_server() {
    let trials = Trials::new().await;
    trials.yard.push(&[]).await;
    trials.yard.last(1).await;
    let better = ("auc: 0.7", "auc: 0.8");
    let mut runs = 1;
    let mut said = Vec::new();
    for serve in [
        "broken",
        "never_ready",
        "error",
        "garbage",
        "nan",
        "bare_nan",
        "wrong",
        "mute",
    ] {
        runs += 1;
        let changed = format!("serve: {serve}");
        said.push(trials.refused(&[better, ("serve: well", &changed)], runs).await);
    }
    insta::assert_snapshot!(said.join("\n"), @"
    infra validation refused the model: the model server refused to load model 'tiny' (500 Internal Server Error): see its log
    infra validation refused the model: version 000001 of model 'tiny' did not become ready within 1s: see the model server's log
    infra validation refused the model: the model server refused to answer a sample request (500 Internal Server Error: the weights are gone): see its log
    infra validation refused the model: the model server's answer is not JSON: expected value at line 1 column 1
    infra validation refused the model: the served model answers NaN or an infinity (null) for row 1 of 'score', where a finite number was expected
    infra validation refused the model: the served model answers NaN, where a finite number was expected
    infra validation refused the model: the served model answers 0.123 for 'score' where 0.8 was expected (tolerance 0.0001)
    infra validation refused the model: the served model answers no output 'score'
    ");
    let slow = ("push: { target: tiny }", "push: { target: tiny, max_latency: 1us }");
    let slow = trials.refused(&[better, slow], runs + 1).await;
    assert!(
        slow.starts_with("infra validation refused the model: the served model takes "),
        "{slow}"
    );
    assert!(slow.ends_with("more than max_latency 0.0ms"), "{slow}");
    // A good one afterwards is none the worse for it.
    trials.yard.push(&[better]).await;
    let (row, _) = trials.yard.last(runs + 2).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(trials.yard.server.predict(), Some(("000002".to_owned(), 0.8)));
}

#[tokio::test]
async fn a_container_that_ends_or_cannot_start_says_why() {
    let trials = Trials::new().await;
    trials.yard.push(&[]).await;
    trials.yard.last(1).await;
    // Nobody answers at the port, as when the server died.
    trials
        .yard
        .script(STEP, |_, _| Script::exits(1, "INVALID_PROTOBUF: model.onnx"));
    let better = ("auc: 0.7", "auc: 0.8");
    insta::assert_snapshot!(trials.refused(&[better], 2).await, @"infra validation refused the model: its serving container ended by itself (exit code 1)");
    trials.yard.script(STEP, |_, _| Script {
        refused: Some("the Docker engine has no image serving".to_owned()),
        ..Script::default()
    });
    insta::assert_snapshot!(trials.refused(&[("auc: 0.7", "auc: 0.85")], 3).await, @"the approved model was not pushed, since infra validation could not start: the Docker engine has no image serving");
}

#[tokio::test]
async fn a_throw_away_server_does_not_outlive_a_crash() {
    let mut trials = Trials::new().await;
    // It never gets an address, so that the crash finds it at work.
    trials.yard.script(STEP, |_, _| Script::default().hanging());
    trials.yard.push(&[]).await;
    trials.yard.started(STEP, 1).await;
    trials.yard.crash().await;
    trials.start_well();
    trials.yard.restart().await;
    let (row, _) = trials.yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    until("end of the throw-away server", async || {
        let remaining = trials.yard.executor.remaining();
        remaining.iter().all(|key| key.node.as_str() != STEP).then_some(())
    })
    .await;
    trials.nothing_left().await;
}

#[tokio::test]
async fn a_promotion_is_tried_aside_too_and_a_refusal_is_recorded() {
    let trials = Trials::new().await;
    let yard = &trials.yard;
    yard.push(&[]).await;
    yard.last(1).await;
    // Rejected by the gate, so that only the promotion tries it.
    yard.push(&[("auc: 0.7", "auc: 0.5"), ("serve: well", "serve: nan")])
        .await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.state, RunState::Succeeded);
    let calls = yard.server.calls().len();
    let request = PromoteRequest {
        model: row.id.to_string(),
        reason: Some("the holdout was mislabelled".to_owned()),
        actor: "ada".to_owned(),
        ..PromoteRequest::default()
    };
    let refused = yard.engine.promote(&request).await.unwrap_err();
    insta::assert_snapshot!(refused, @"the model was not promoted: infra validation refused the model: the served model answers NaN or an infinity (null) for row 1 of 'score', where a finite number was expected");
    assert_eq!(yard.server.calls().len(), calls, "the real server was left alone");
    assert_eq!(yard.ledger().await, ["push 000001"]);
    trials.nothing_left().await;

    let model = format!("{}/train/model", row.id);
    assert!(infra_blessing(yard, &model).await.join("INFRA_NOT_BLESSED").exists());

    // One that is fit: its blessing is what the push went by.
    yard.push(&[("auc: 0.7", "auc: 0.55")]).await;
    let (row, _) = yard.last(3).await;
    let request = PromoteRequest {
        model: row.id.to_string(),
        ..request
    };
    yard.engine.promote(&request).await.unwrap();
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.55)));
    let model = format!("{}/train/model", row.id);
    assert!(infra_blessing(yard, &model).await.join("INFRA_BLESSED").exists());
    trials.nothing_left().await;
}

/// The one InfraBlessing that came of a model.
async fn infra_blessing(yard: &Yard, model: &str) -> PathBuf {
    let store = yard.engine.reads();
    let graph = store
        .lineage(model, trainyard_store::Direction::Downstream, 100)
        .await
        .unwrap();
    let graph = serde_json::to_value(&graph).unwrap();
    let nodes = graph["nodes"].as_array().unwrap().iter();
    let mut blessings = nodes.filter(|node| node["type_name"] == "InfraBlessing");
    let blessing = blessings
        .next()
        .unwrap_or_else(|| panic!("no blessing: {graph}"))
        .clone();
    assert_eq!(blessings.count(), 0);
    PathBuf::from(blessing["uri"].as_str().unwrap())
}
