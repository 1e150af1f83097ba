//! What others end costs the step none of its attempts: engines that are restarted, containers that a person removes,
//! builds that are interrupted.

use crate::yard::{Yard, until};
use trainyard_core::run::{RunState, StepState};

/// No step of this pipeline has a retry policy.
#[tokio::test]
async fn what_others_end_is_run_again_and_published_once() {
    let yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    let first = yard.started("train", 1).await;
    yard.executor.interrupt(&first, Some(9));
    let second = yard.started("train", 2).await;
    yard.executor.interrupt(&second, None);
    let third = yard.started("train", 3).await;
    let row = yard.runs().await.remove(0);
    let waiting = yard.engine.reads().load_run(&row.id).await.unwrap();
    assert_eq!(waiting.steps["train"].infrastructure_failures, 2);
    yard.executor.lose(&third);
    yard.started("train", 4).await;
    yard.release("train");
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["train"].state, StepState::Succeeded { attempt: 4 });
    assert_eq!((run.steps["train"].interruptions, yard.ledger().await.len()), (3, 1));
    yard.tidy().await;
}

/// It waits, says why, and is built when the trouble is over.
#[tokio::test]
async fn a_build_that_is_interrupted_is_built_again() {
    let yard = Yard::new().await;
    yard.images.interrupt(Some(
        "the build of Dockerfile was interrupted: the engine's disk is full: make room there",
    ));
    yard.push(&[]).await;
    let waits = until("reason to wait", async || {
        yard.runs().await.into_iter().next()?.waits_for
    })
    .await;
    insta::assert_snapshot!(waits, @"it will be tried again: the build of Dockerfile was interrupted: the engine's disk is full: make room there");
    yard.images.interrupt(None);
    let (row, _) = yard.last(1).await;
    assert_eq!(
        (row.state, row.waits_for),
        (RunState::Succeeded, None),
        "{:?}",
        row.summary
    );
}
