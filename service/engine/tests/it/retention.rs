//! Retention: what goes, what stays, and what a crash leaves for the next time.

use crate::yard::Yard;
use std::path::Path;
use std::time::Duration;
use trainyard_core::retention::Policy;
use trainyard_core::run::RunState;
use trainyard_store::{Direction, Fate, LineageNode, RunRow};

/// Keeps the newest run of each pipeline and, for a rollback, what serves.
async fn strict_yard() -> Yard {
    Yard::with(|config| {
        config.retention = Policy {
            max_age: None,
            keep_runs: Some(1),
            keep_versions: 1,
            ..Policy::default()
        };
    })
    .await
}

async fn trained(yard: &Yard, models: &[&str]) -> Vec<RunRow> {
    let before = yard.runs().await.len();
    for (count, auc) in models.iter().enumerate() {
        yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
        let (row, _) = yard.last(before + count + 1).await;
        assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    }
    yard.runs().await
}

/// Whether the model's bytes are there, and its state in ML Metadata.
async fn model(yard: &Yard, run: &RunRow) -> (bool, String) {
    let name = format!("{}/train/model", run.id);
    let lineage = yard
        .engine
        .reads()
        .lineage(&name, Direction::Upstream, 1)
        .await
        .unwrap();
    let artifact = yard.engine.reads().artifact(&name).await.unwrap().unwrap();
    let state = lineage.nodes.iter().find_map(|node| match node {
        LineageNode::Artifact { name: found, state, .. } if *found == name => Some(state.clone()),
        _ => None,
    });
    assert!(lineage.nodes.len() > 1, "its lineage is whole");
    (Path::new(&artifact.uri).exists(), state.unwrap())
}

fn live() -> (bool, String) {
    (true, "LIVE".to_owned())
}

fn deleted() -> (bool, String) {
    (false, "DELETED".to_owned())
}

#[tokio::test]
async fn old_models_go_and_what_serves_or_bears_a_name_stays() {
    let yard = strict_yard().await;
    let runs = trained(&yard, &["0.7", "0.72", "0.74", "0.76", "0.61"]).await;
    yard.engine
        .set_alias("tiny", "challenger", "000002", "ada", None)
        .await
        .unwrap();
    let would = yard.engine.collect_garbage(true).await.unwrap();
    assert!(would.dry_run && would.bytes > 0 && !would.content.is_empty());
    assert_eq!(model(&yard, &runs[0]).await, live(), "only asked");
    let went = yard.engine.collect_garbage(false).await.unwrap();
    assert_eq!((&went.content, went.bytes), (&would.content, would.bytes));
    assert_eq!(
        went.runs,
        runs[..4].iter().map(|run| run.id.clone()).collect::<Vec<_>>()
    );
    let mut seen = Vec::new();
    for run in &runs {
        seen.push(model(&yard, run).await);
    }
    // 000001, its name, 000003, what serves, and what the kept run made.
    assert_eq!(seen, [deleted(), live(), deleted(), live(), live()]);
    for run in &runs[..4] {
        assert!(!yard.config.data_dir.join("logs").join(run.id.as_str()).exists());
    }
    let again = yard.engine.collect_garbage(false).await.unwrap();
    assert!(again.content.is_empty() && again.runs.is_empty(), "{again:?}");
    assert_eq!(yard.server.predict(), Some(("000004".to_owned(), 0.76)));

    // What a kept run reused from a collected run is there: only the model is made anew.
    let started = yard.executor.starts().len();
    trained(&yard, &["0.7"]).await;
    let steps: Vec<_> = yard.executor.starts()[started..]
        .iter()
        .map(|key| key.node.to_string())
        .collect();
    assert_eq!(steps, ["train", "evaluate"], "a deleted artifact is no cache hit");
    assert_eq!(model(&yard, &yard.runs().await[5]).await, live(), "made anew");
}

#[tokio::test]
async fn a_crash_between_leaves_something_that_the_next_time_finishes() {
    let yard = strict_yard().await;
    let runs = trained(&yard, &["0.7", "0.72", "0.74", "0.76"]).await;
    let store = yard.other_store().await;
    let store = &store;
    let content = |run: &RunRow| {
        let name = format!("{}/train/model", run.id);
        async move { store.artifact(&name).await.unwrap().unwrap() }
    };
    let at = trainyard_core::ids::Micros(1);
    let mut keys = Vec::new();
    // Cut off after the mark; and after the bytes.
    for run in &runs[..2] {
        let artifact = content(run).await;
        keys.push(artifact.digest.clone());
        store
            .settle_content(&[artifact.digest], Fate::Marked, at)
            .await
            .unwrap();
    }
    trainyard_engine::artifacts::remove_tree(Path::new(&content(&runs[1]).await.uri)).unwrap();
    // Marked, but by now it serves.
    store
        .settle_content(&[content(&runs[3]).await.digest], Fate::Marked, at)
        .await
        .unwrap();
    assert_eq!(model(&yard, &runs[0]).await, (true, "MARKED_FOR_DELETION".to_owned()));
    yard.engine.collect_garbage(false).await.unwrap();
    let mut seen = Vec::new();
    for run in &runs {
        seen.push(model(&yard, run).await);
    }
    // The third is what the kept run was compared with.
    assert_eq!(seen, [deleted(), deleted(), live(), live()]);
    assert!(store.stored_content().await.unwrap().values().all(|marked| !marked));
    assert!(!yard.config.data_dir.join("artifacts/leaving").exists());
}

#[tokio::test]
async fn the_input_of_a_running_step_stays() {
    let yard = Yard::with(|config| {
        config.retention = Policy {
            max_age: Some(Duration::ZERO),
            keep_runs: None,
            keep_versions: 1,
            ..Policy::default()
        };
    })
    .await;
    let runs = trained(&yard, &["0.7", "0.72"]).await;
    yard.hold("evaluate");
    yard.push(&[("auc: 0.7", "auc: 0.74")]).await;
    yard.started("evaluate", 1).await;
    let went = yard.engine.collect_garbage(false).await.unwrap();
    assert!(!went.content.is_empty());
    assert_eq!(model(&yard, &runs[0]).await, deleted());
    yard.release("evaluate");
    let (row, run) = yard.last(3).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    for artifact in run.steps.values().flat_map(|step| step.outputs.values()) {
        assert!(Path::new(&artifact.uri).exists(), "{}", artifact.name);
    }
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.74)));
}

#[tokio::test]
async fn a_rollback_finds_as_many_versions_as_the_policy_says_and_without_one_all() {
    let mut yard = Yard::new().await;
    trained(&yard, &["0.7", "0.72", "0.74", "0.76"]).await;
    let everything = yard.engine.collect_garbage(false).await.unwrap();
    assert!(!everything.policy && everything.content.is_empty());
    yard.config.retention = Policy {
        max_age: Some(Duration::ZERO),
        ..Policy::default()
    };
    yard.restart().await;
    yard.engine.collect_garbage(false).await.unwrap();
    for version in ["000003", "000002"] {
        assert_eq!(yard.engine.roll_back("tiny", "ada", None).await.unwrap().to, version);
    }
    let gone = yard.not_rolled_back().await;
    assert!(
        gone.starts_with("the files of version 000001 of target 'tiny' are not in the artifact folder any more"),
        "{gone}"
    );
}
