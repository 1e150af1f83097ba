//! Killed at every point, the service ends where it would have ended: every step published once,
//! every program started once for each attempt, one version pushed.

use crate::moment::{Moment, Trap};
use crate::tiny;
use crate::yard::{Yard, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use trainyard_core::artifact::Digest;
use trainyard_core::registry::{IntentAction, NewIntent, NewPromotion, PromotionAction};
use trainyard_core::run::RunState;
use trainyard_executors::fake::Script;
use trainyard_store::Direction;

/// Everything that must be the same whatever happened on the way.
async fn end(yard: &Yard) -> String {
    let (row, run) = yard.last(1).await;
    yard.all_told().await;
    yard.tidy().await;
    let work = yard.folder().join("trainyard/work").join(row.id.as_str());
    until("removal of the work folder", async || (!work.exists()).then_some(())).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);

    let mut events: Vec<String> = yard.events(&row.id).await.iter().map(label).collect();
    events.sort();
    let mut programs: Vec<String> = yard
        .executor
        .starts()
        .iter()
        .map(|key| format!("{}.{}", key.node, key.attempt))
        .collect();
    programs.sort();
    let digests: BTreeMap<_, _> = run
        .steps
        .iter()
        .map(|(name, step)| {
            (
                name.to_string(),
                step.outputs
                    .values()
                    .map(|o| o.digest.short().to_owned())
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let pushed = format!("{}/push/pushed_model", row.id);
    let lineage = yard
        .engine
        .reads()
        .lineage(&pushed, Direction::Upstream, 100)
        .await
        .unwrap();
    let lineage = serde_json::to_value(&lineage).unwrap();
    // Edges are in the order of their making, which differs where steps run side by side.
    let parts = lineage
        .as_object()
        .unwrap()
        .values()
        .flat_map(|part| part.as_array().unwrap());
    let mut lineage: Vec<String> = parts.map(Value::to_string).collect();
    lineage.sort();
    let lineage = lineage.join("\n").replace(row.id.as_str(), "RUN");
    let lineage = lineage.replace(&yard.folder().display().to_string(), "");
    // Each yard has a commit of its own second.
    let commit = run.request.commit.clone().unwrap();
    let lineage = lineage.replace(commit.as_str(), "COMMIT");
    let status = yard.statuses(&commit).pop().unwrap();
    let served = (
        yard.server.ever_loaded(),
        yard.server.predict(),
        yard.on_disk(),
        yard.ledger().await,
    );
    format!(
        "{:?}\n{events:#?}\n{programs:?}\n{digests:?}\n{served:?}\n{} {:?}\n{lineage}",
        row.summary, status.state, status.description
    )
}

fn label(event: &trainyard_core::run::RunEvent) -> String {
    let json = serde_json::to_value(event).unwrap();
    format!("{} {} {}", json["event"], json["step"], json["attempt"])
}

/// A run whose step `left` needs a second attempt, killed at a point; `None` kills nothing.
fn run_killed_at(point: Option<Moment>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut yard = Yard::new().await;
        yard.script("left", |key, program| match key.attempt {
            1 => Script::exits(1, "the first attempt fails"),
            _ => tiny::usual(program),
        });
        let reached = Arc::new(Notify::new());
        let guard = point.map(|point| {
            let reached = Arc::clone(&reached);
            Trap::set(point, move || {
                reached.notify_one();
                panic!("the crash of the test");
            })
        });
        let retry = "inputs: { examples: examples }, outputs: { half: Half }, retry: { max_retry_count: 1, backoff_duration: 1s } }\n  right:";
        yard.push(&[("inputs: { examples: examples }, outputs: { half: Half } }\n  right:", retry)]).await;
        if point.is_some() {
            let patience = Duration::from_secs(40);
            let died = tokio::time::timeout(patience, reached.notified()).await;
            died.unwrap_or_else(|_| panic!("the worker never reached {point:?}"));
            yard.restart().await;
        }
        let end = end(&yard).await;
        drop(guard);
        end
    })
}

#[test]
fn a_run_ends_the_same_wherever_it_was_killed() {
    let expected = run_killed_at(None);
    let events = expected.lines().take_while(|line| *line != "]").count() - 2;
    // What was read and what is planned is stored with what follows from it.
    assert_eq!(events, WRITES + 2, "{expected}");
    let points: Vec<Moment> = (1..=WRITES)
        .flat_map(|n| [Moment::Before(n), Moment::After(n)])
        .collect();
    let queue = Mutex::new(points.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(point) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let end = run_killed_at(Some(point));
                    let differs = end.lines().zip(expected.lines()).find(|(one, other)| one != other);
                    assert!(end == expected, "killed {point:?}: {differs:?}");
                }
            });
        }
    });
}

/// Appends of one undisturbed run, one event each; but the window that a step read comes with its start.
const WRITES: usize = 23;

#[tokio::test]
async fn a_program_that_ends_while_the_service_is_down_is_adopted() {
    let mut yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    let key = yard.started("train", 1).await;
    yard.crash().await;
    yard.executor.finish(&key);
    yard.restart().await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let trained = yard
        .programs()
        .into_iter()
        .filter(|step| step.as_str() == "train")
        .count();
    assert_eq!(trained, 1, "started once");
}

#[tokio::test]
async fn an_accepted_delivery_survives_a_crash() {
    let mut yard = Yard::new().await;
    yard.stop_loops().await;
    yard.push(&[]).await;
    until("accepted webhook", async || {
        let deliveries = yard.github.deliveries();
        deliveries
            .iter()
            .any(|delivery| delivery.status_code == Some(202))
            .then_some(())
    })
    .await;
    assert!(yard.runs().await.is_empty());
    yard.restart().await;
    assert_eq!(yard.last(1).await.0.state, RunState::Succeeded);
    // The sender sends it again: nothing more happens.
    let guid = yard.github.deliveries()[0].guid.clone();
    yard.github.redeliver(&guid).unwrap();
    until("second delivery", async || {
        (yard.github.deliveries().len() == 2).then_some(())
    })
    .await;
    assert_eq!(yard.github.deliveries()[1].status_code, Some(200));
    assert_eq!(yard.settled(1).await.len(), 1);
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed() {
    let mut yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.crash().await;
    let data = yard.config.data_dir.clone();
    let (young, old) = (data.join("checkouts/.checkout-1"), data.join("checkouts/.checkout-2"));
    for leftover in [&data.join("work/no-such-run/train/1/outputs"), &young, &old] {
        std::fs::create_dir_all(leftover).unwrap();
    }
    let days_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
    File::open(&old).unwrap().set_modified(days_ago).unwrap();
    // A push that was cut off: its version is on the disk, and the ledger knows nothing of it.
    let models = yard.folder().join("models/tiny");
    let (instance, model) = (yard.instance(), format!("sha256:{}", "0".repeat(64)));
    let marker = json!({"instance": instance, "target": "tiny", "version": "000002", "model": model});
    std::fs::create_dir_all(models.join("000002")).unwrap();
    std::fs::write(models.join("000002/model.onnx"), r#"{"auc": 0.1, "serve": "well"}"#).unwrap();
    std::fs::write(models.join("000002/.trainyard.json"), marker.to_string()).unwrap();
    let begun = json!({"attempts": [{"version": "000002", "model": model}]});
    std::fs::write(data.join("pushing/tiny.json"), begun.to_string()).unwrap();
    let serving = yard.serving().await;
    let mut entry = NewPromotion {
        target: serving.target,
        pipeline: serving.pipeline,
        action: PromotionAction::Push,
        version: "000002".to_owned(),
        model: serving.model,
        run: None,
        actor: "gate".to_owned(),
        evidence: serving.evidence,
        at: serving.at,
    };
    entry.model.digest = Digest::parse(&model).unwrap();
    let intent = NewIntent {
        action: IntentAction::Push,
        entry,
        fresh: true,
    };
    let store = yard.other_store().await;
    store.begin_intent(&intent, Some(serving.id)).await.unwrap();
    store.close().await;
    // A rollback that was cut off: what the ledger calls current is out of sight.
    let aside = models.join(format!(".trainyard-{instance}-000001.old"));
    std::fs::rename(models.join("000001"), &aside).unwrap();
    yard.server.live_again();
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.1)));
    yard.restart().await;
    until("the right version", async || {
        (yard.server.predict() == Some(("000001".to_owned(), 0.7))).then_some(())
    })
    .await;
    until("removed folders", async || {
        let gone = |name: &str| !yard.config.data_dir.join(name).exists();
        (gone("work/no-such-run") && gone("checkouts/.checkout-2")).then_some(())
    })
    .await;
    assert!(young.exists(), "another process may be at work there");
    until("the hidden folders are gone", async || {
        (yard.on_disk() == ["000001"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_met_a_defect_is_started_again() {
    let yard = Yard::new().await;
    let _guard = Trap::set(Moment::After(5), || panic!("the defect of the test"));
    yard.push(&[]).await;
    assert_eq!(yard.last(1).await.0.state, RunState::Succeeded);
}
