//! A model that cannot serve never replaces one that does.

use crate::moment::{Moment, Trap};
use crate::yard::{Yard, until};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trainyard_core::run::RunState;

/// A better model that serves in this way is trained after a good one; returns the commit's sentence.
async fn refused(yard: &Yard, serve: &str, runs: usize) -> String {
    let commit = yard
        .push(&[("auc: 0.7", "auc: 0.8"), ("serve: well", &format!("serve: {serve}"))])
        .await;
    let (row, _) = yard.last(runs).await;
    assert_eq!(row.state, RunState::Failed);
    assert_eq!(
        yard.server.predict(),
        Some(("000001".to_owned(), 0.7)),
        "the old version serves"
    );
    assert_eq!(yard.on_disk(), ["000001"], "the new folder is gone");
    assert_eq!(yard.ledger().await, ["push 000001"]);
    yard.status(&commit, "error").await;
    row.summary.unwrap()
}

#[tokio::test]
async fn a_bad_model_never_replaces_a_good_one() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    insta::assert_snapshot!(refused(&yard, "broken", 2).await, @"the approved model was not pushed: the model server refused to load model 'tiny' (500 Internal Server Error): see its log");
    insta::assert_snapshot!(refused(&yard, "never_ready", 3).await, @"the approved model was not pushed: version 000003 of model 'tiny' did not become ready within 1s: see the model server's log");
    insta::assert_snapshot!(refused(&yard, "nan", 4).await, @"the approved model was not pushed: the served model answers NaN or an infinity (null) for row 1 of 'score', where a finite number was expected");
    insta::assert_snapshot!(refused(&yard, "wrong", 5).await, @"the approved model was not pushed: the served model answers 0.123 for 'score' where 0.8 was expected (tolerance 0.0001)");
    insta::assert_snapshot!(refused(&yard, "mute", 6).await, @"the approved model was not pushed: the served model answers no output 'score'");
    // A good one afterwards is none the worse for it.
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let (row, _) = yard.last(7).await;
    assert_eq!(row.state, RunState::Succeeded);
    assert_eq!(
        yard.server.predict(),
        Some(("000007".to_owned(), 0.8)),
        "a number is never used again"
    );
}

#[tokio::test]
async fn a_rejected_version_is_withdrawn_though_the_server_refuses_for_a_while() {
    let mut yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.server.refuse_after(1, 2);
    refused(&yard, "wrong", 2).await;
    // Refused for so long that the run is over before it can be put right.
    yard.server.refuse_after(1, 5);
    yard.push(&[("auc: 0.7", "auc: 0.85"), ("serve: well", "serve: wrong")])
        .await;
    let (row, _) = yard.last(3).await;
    assert_eq!(row.state, RunState::Failed);
    // The target is looked at until it serves what the ledger says, whether or not the service goes on.
    yard.restart().await;
    until("the old version answers", async || {
        yard.server.predict().filter(|(version, _)| version == "000001")
    })
    .await;
    until("an end of every intent", async || {
        let open = yard.engine.reads().open_intents().await.unwrap();
        open.is_empty().then_some(())
    })
    .await;
    assert_eq!(yard.ledger().await, ["push 000001"]);
}

#[tokio::test]
async fn a_first_model_that_cannot_serve_leaves_nothing() {
    let yard = Yard::new().await;
    yard.push(&[("serve: well", "serve: broken")]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    assert!(yard.on_disk().is_empty());
    assert_eq!(yard.server.calls().last().map(String::as_str), Some("unload tiny"));
}

#[tokio::test]
async fn a_slow_or_restarted_server_is_waited_for() {
    let mut yard = Yard::with(|config| {
        let target = config.targets.get_mut("tiny").unwrap();
        target.max_loading_time = Duration::from_secs(20);
    })
    .await;
    yard.server.be_slow(5);
    yard.hold("evaluate");
    yard.push(&[]).await;
    yard.started("evaluate", 1).await;
    yard.server.die();
    yard.release("evaluate");
    // The push meets nobody at least once.
    let (row, _) = {
        crate::yard::until("approved candidate", async || {
            yard.runs().await.pop().filter(|run| run.blessing.is_some())
        })
        .await;
        yard.server.live_again();
        yard.last(1).await
    };
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

#[tokio::test]
async fn versions_that_are_not_ours_stay() {
    let yard = Yard::new().await;
    let theirs = yard.folder().join("models/tiny/0-by-hand");
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(theirs.join("model.onnx"), r#"{"auc": 0.5, "serve": "well"}"#).unwrap();
    yard.push(&[]).await;
    yard.last(1).await;
    assert_eq!(yard.on_disk(), ["0-by-hand", "000001"]);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

#[tokio::test]
async fn a_target_is_locked_until_the_ledger_knows_the_version() {
    let yard = Yard::new().await;
    let lock = yard.config.data_dir.join("push.lock");
    let seen = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&seen);
    // The last but one of an undisturbed run's writes.
    let _guard = Trap::set(Moment::Before(19), move || {
        let free = File::open(&lock).unwrap().try_lock().is_ok();
        tell.store(!free, Ordering::SeqCst);
    });
    yard.push(&[]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(
        row.version, 22,
        "twenty writes of one event each; the window and the plan come with others"
    );
    assert!(
        seen.load(Ordering::SeqCst),
        "another push or a rollback could have come between"
    );
}

#[tokio::test]
async fn another_model_that_began_to_serve_voids_the_verdict() {
    let yard = Yard::new().await;
    for (count, auc) in ["0.7", "0.75"].into_iter().enumerate() {
        yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
        yard.last(count + 1).await;
    }
    yard.tidy().await;
    yard.hold("evaluate");
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let key = yard.started("evaluate", 1).await;
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    yard.executor.finish(&key);
    let (row, _) = yard.last(3).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"another model began to serve while this one was judged: start the run again to compare with it");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

#[tokio::test]
async fn a_run_that_was_held_up_does_not_replace_a_newer_model() {
    let yard = Yard::new().await;
    // Neither is compared with what serves, so that neither voids the other's verdict.
    let apart = "concurrency: { max_active_runs: 2 }\ngate:\n  baseline: latest_blessed\n";
    yard.hold("evaluate");
    yard.push(&[("gate:\n", apart)]).await;
    let held_up = yard.started("evaluate", 1).await;
    yard.release_later("evaluate");
    yard.push(&[("gate:\n", apart), ("auc: 0.7", "auc: 0.8")]).await;
    until("the newer model serves", async || {
        yard.server.predict().filter(|(_, auc)| *auc == 0.8)
    })
    .await;
    yard.executor.finish(&held_up);
    let rows = yard.finished(2).await;
    let (older, newer) = (rows.first().unwrap(), rows.last().unwrap());
    let summary = older.summary.as_deref().unwrap_or_default();
    insta::assert_snapshot!(summary.replace(newer.id.as_str(), "RUN"), @"the model of the newer run RUN began to serve while this run was held up: start it again to have its model judged anew");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.8)));
}

#[tokio::test]
async fn a_server_that_is_gone_is_not_waited_for_for_ever() {
    let mut yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.hold("evaluate");
    yard.tidy().await;
    let commit = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    yard.started("evaluate", 1).await;
    yard.server.die();
    yard.release("evaluate");
    let (row, _) = yard.last(2).await;
    let summary = row.summary.unwrap().replace(&yard.server.url(), "URL");
    insta::assert_snapshot!(summary, @"the approved model was not pushed: the model server at URL does not answer: connection refused or broken; start it, or correct its url in [targets]");
    yard.status(&commit, "error").await;
    assert_eq!(yard.on_disk(), ["000001"]);
    yard.server.live_again();
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}
