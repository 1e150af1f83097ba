//! GPUs are slots of a pool: steps wait for them, and their time does not run meanwhile.

use crate::yard::{Yard, until};
use trainyard_core::ids::StepName;
use trainyard_core::run::{RunState, StepState};

const HALVES: [&str; 2] = ["left", "right"];

async fn with_gpus(named: &[&str]) -> Yard {
    let named = named.iter().map(|id| (*id).to_owned()).collect();
    Yard::with(|config| config.gpus = Some(named)).await
}

/// Both steps that run side by side ask for one.
async fn push(yard: &Yard, asked: &str) {
    let [left, right] = HALVES.map(|step| format!("command: [{step}]"));
    let [one, other] = HALVES.map(|step| format!("command: [{step}], resources: {{ {asked} }}"));
    yard.push(&[(&left, &one), (&right, &other)]).await;
}

#[tokio::test]
async fn two_steps_never_share_one() {
    let mut yard = with_gpus(&["GPU-a"]).await;
    HALVES.iter().for_each(|step| yard.hold(step));
    push(&yard, "gpus: 1").await;
    let first = until("the first half", async || {
        let programs = yard.executor.remaining();
        programs.into_iter().find(|key| HALVES.contains(&key.node.as_str()))
    })
    .await;
    let waits = until("reason to wait", async || {
        yard.runs().await.into_iter().next()?.waits_for
    })
    .await;
    insta::assert_snapshot!(waits, @"it will be tried again: the step waits for 1 GPU: 0 of 1 on this machine are free");
    let other = HALVES.into_iter().find(|step| *step != first.node.as_str()).unwrap();
    // A service that begins anew does not give it away either.
    yard.restart().await;
    let row = yard.runs().await.remove(0);
    let run = yard.engine.reads().load_run(&row.id).await.unwrap();
    assert_eq!(
        run.steps[&StepName::new(other)].state,
        StepState::Pending,
        "its time does not run"
    );
    yard.executor.finish(&first);
    let second = yard.started(other, 1).await;
    yard.executor.finish(&second);
    let (row, _) = yard.last(1).await;
    assert_eq!(
        (row.state, row.waits_for),
        (RunState::Succeeded, None),
        "{:?}",
        row.summary
    );
}

#[tokio::test]
async fn both_run_where_there_are_two() {
    let yard = with_gpus(&["GPU-a", "GPU-b"]).await;
    HALVES.iter().for_each(|step| yard.hold(step));
    push(&yard, "gpus: 1").await;
    for step in HALVES {
        yard.started(step, 1).await;
    }
    HALVES.iter().for_each(|step| yard.release(step));
    assert_eq!(yard.last(1).await.0.state, RunState::Succeeded);
}

#[tokio::test]
async fn a_machine_without_them_says_so() {
    let yard = with_gpus(&[]).await;
    push(&yard, "gpus: 2, gpu_type: A100").await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap_or_default(), @"step 'left': the step asks for 2 GPUs of type A100, and this machine has none that Trainyard sees: name them in executor.gpus, or ask for none");
}
