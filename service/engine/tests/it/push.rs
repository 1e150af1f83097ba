//! The main job: a push becomes a served model.

use crate::tiny;
use crate::yard::{Yard, until};
use serde_json::Value;
use std::time::Duration;
use trainyard_core::gate::Blessing;
use trainyard_core::run::{ImageState, RunState, StepState};
use trainyard_engine::IntakeError;
use trainyard_store::Direction;

#[tokio::test]
async fn a_push_becomes_a_served_model() {
    let yard = Yard::new().await;
    yard.hold("train");
    let commit = yard.push(&[]).await;
    let pending = yard.status(&commit, "pending").await;
    assert_eq!(pending.context, "trainyard/tiny");
    yard.started("train", 1).await;
    yard.release("train");
    let (row, _run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let status = yard.status(&commit, "success").await;
    insta::assert_snapshot!(status.description.unwrap(), @"approved, and serving as version 000001");
    assert_eq!(
        status.target_url,
        Some(format!("http://trainyard.test/runs/{}", row.id))
    );
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001"]);
    assert_eq!(yard.images.built().len(), 1);
    assert!(yard.images.built()[0].ends_with(tiny::DOCKERFILE));
    yard.all_told().await;
    yard.tidy().await;
}

#[tokio::test]
async fn a_rejection_is_a_success_of_the_system() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    let worse = yard.push(&[("auc: 0.7", "auc: 0.65")]).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(
        (row.state, row.blessing),
        (RunState::Succeeded, Some(Blessing::NotBlessed))
    );
    insta::assert_snapshot!(yard.status(&worse, "failure").await.description.unwrap(), @"not approved: auc overall fell from 0.7000 to 0.6500 (-0.0500), more than the allowed -0.0050");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001"]);
}

#[tokio::test]
async fn without_a_push_target_the_last_approved_model_is_the_bar() {
    let yard = Yard::new().await;
    let no_push = ("push: { target: tiny }\n", "");
    for (runs, auc, blessing) in [
        (1, "auc: 0.7", Blessing::Blessed),
        (2, "auc: 0.65", Blessing::NotBlessed),
        (3, "auc: 0.698", Blessing::Blessed),
    ] {
        yard.push(&[no_push, ("auc: 0.7", auc)]).await;
        let (row, _) = yard.last(runs).await;
        assert_eq!(row.blessing, Some(blessing), "{auc}: {:?}", row.summary);
    }
    insta::assert_snapshot!(yard.runs().await[0].summary.clone().unwrap(), @"approved; the pipeline names no push target");
    assert!(yard.server.calls().is_empty());
}

#[tokio::test]
async fn a_push_that_starts_nothing_says_why() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.work.write("README.md", "words");
    yard.work.push("Write words").await;
    yard.work.branch("aside").await;
    yard.push(&[("auc: 0.7", "auc: 0.9")]).await;
    let settled = yard.settled(3).await;
    let reasons: Vec<_> = settled
        .iter()
        .rev()
        .map(|view| view.events[0].outcome.as_str())
        .collect();
    let reasons = reasons.join("\n").replace(settled[2].events[0].runs[0].as_str(), "RUN");
    assert!(
        settled[2]
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.ends_with("of pipeline 'tiny' starts"))
    );
    insta::assert_snapshot!(reasons, @r"
    run RUN of pipeline 'tiny' starts
    push to 'main' of acme/tiny starts nothing: pipeline 'tiny' listens to paths [pipelines/tiny/**], and no changed file is one of them
    push to 'aside' of acme/tiny starts nothing: pipeline 'tiny' listens to branches [main]
    ");
    assert_eq!(yard.runs().await.len(), 1);
    assert_eq!(settled[2].events[0].runs.len(), 1);
}

#[tokio::test]
async fn what_did_not_change_is_not_done_again() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    // The second run has a baseline to measure, the third has nothing new.
    for (runs, comment) in [(2, "# one\nsteps:"), (3, "# two\nsteps:")] {
        yard.push(&[("steps:", comment)]).await;
        yard.last(runs).await;
        yard.tidy().await;
    }
    let (row, run) = yard.last(3).await;
    assert!(
        run.steps.values().all(|step| step.state == StepState::Cached),
        "{:?}",
        row.steps
    );
    let again: Vec<String> = yard.programs().iter().skip(5).map(ToString::to_string).collect();
    assert_eq!(again, ["evaluate"], "only the measuring of the new baseline");
    assert_eq!(yard.images.built().len(), 1);
    assert!(
        run.images
            .values()
            .all(|image| matches!(image, ImageState::Built { reused: true, .. }))
    );
}

#[tokio::test]
async fn a_model_knows_what_it_was_made_of() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    let (row, run) = yard.last(1).await;
    let pushed = format!("{}/push/pushed_model", row.id);
    let graph = yard
        .engine
        .reads()
        .lineage(&pushed, Direction::Upstream, 100)
        .await
        .unwrap();
    let graph = serde_json::to_value(&graph).unwrap();
    let shown = |node: &Value| format!("{} {} {}", node["type_name"], node["name"], node["state"]);
    let mut nodes: Vec<String> = graph["nodes"].as_array().unwrap().iter().map(shown).collect();
    nodes.sort();
    let nodes = nodes.join("\n").replace(row.id.as_str(), "RUN").replace('"', "");
    let data = &run.steps["examples"].inputs["source"].name;
    insta::assert_snapshot!(nodes.replace(data, "DATA"), @r"
    Evaluate RUN/evaluate COMPLETE
    ExampleGen RUN/examples COMPLETE
    Examples RUN/examples/examples LIVE
    ExternalData DATA LIVE
    Gate RUN/gate COMPLETE
    Half RUN/left/half LIVE
    Half RUN/right/half LIVE
    Left RUN/left COMPLETE
    Model RUN/train/model LIVE
    ModelBlessing RUN/gate/blessing LIVE
    ModelEvaluation RUN/evaluate/evaluation LIVE
    PushedModel RUN/push/pushed_model LIVE
    Pusher RUN/push COMPLETE
    Right RUN/right COMPLETE
    Trainer RUN/train COMPLETE
    ");
    assert_eq!(run.steps["train"].metrics["trees"], 7.0);
    let serving = yard.serving().await;
    assert_eq!(serving.model.digest, run.steps["train"].outputs["model"].digest);
    assert_eq!(serving.run, Some(row.id));
}

#[tokio::test]
async fn a_forged_webhook_is_refused_before_anything_is_stored() {
    let yard = Yard::new().await;
    let body = r#"{"ref": "refs/heads/main"}"#;
    let headers = [
        ("x-github-event", "push"),
        ("x-github-delivery", "1"),
        ("x-hub-signature-256", "sha256=00"),
    ];
    let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let refused = yard.engine.accept_webhook(header, body.into()).await.unwrap_err();
    assert!(matches!(refused, IntakeError::Unsigned(_)), "{refused}");
    assert!(yard.engine.reads().deliveries(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_idle_service_leaves_its_database_alone() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    yard.tidy().await;
    let calls = (yard.github.calls().len(), yard.server.calls().len());
    let log = yard.config.data_dir.join("trainyard.db-wal");
    let written = || std::fs::metadata(&log).unwrap().modified().unwrap();
    // The lease of the run that is just over is given back after its last event.
    let before = until("a quiet database", async || {
        let before = written();
        before
            .elapsed()
            .is_ok_and(|quiet| quiet > Duration::from_millis(500))
            .then_some(before)
    })
    .await;
    let touched = tokio::time::timeout(
        Duration::from_secs(3),
        until("a write", async || (written() != before).then_some(())),
    );
    assert!(touched.await.is_err(), "an idle service wrote to its database");
    assert_eq!((yard.github.calls().len(), yard.server.calls().len()), calls);
}
