//! Attempts, and runs that wait for each other.

use crate::tiny::{self, Task};
use crate::yard::{Yard, until};
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::node::NodeId;
use trainyard_core::run::{RunEvent, RunState, StepState};
use trainyard_executors::fake::Script;

const TRAIN: &str = "    command: [train,";

fn with_retries(count: u32) -> (&'static str, String) {
    let retry = format!("max_retry_count: {count}, backoff_duration: 1s, backoff_factor: 2");
    (TRAIN, format!("    retry: {{ {retry} }}\n{TRAIN}"))
}

#[tokio::test]
async fn a_failing_step_is_tried_again_later_and_later() {
    let yard = Yard::new().await;
    yard.script("train", |key, _| {
        Script::exits(1, &format!("attempt {} fails", key.attempt))
    });
    let (from, to) = with_retries(2);
    let commit = yard.push(&[(from, &to)]).await;
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(yard.status(&commit, "error").await.description.unwrap(), @"step 'train' exited with code 1: attempt 3 fails");
    let attempts: Vec<u32> = yard
        .executor
        .starts()
        .iter()
        .filter(|key| key.node.as_str() == "train")
        .map(|key| key.attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    let events = yard.engine.reads().run_events(&row.id, 0).await.unwrap();
    let at = |wanted: &dyn Fn(&RunEvent) -> bool| -> Vec<Micros> {
        events
            .iter()
            .filter(|(_, _, event)| wanted(event))
            .map(|(_, at, _)| *at)
            .collect()
    };
    let train = StepName::from("train");
    let failed = at(&|event| matches!(event, RunEvent::StepFailed { step, .. } if *step == train));
    let started = at(&|event| matches!(event, RunEvent::StepStarting { step, .. } if *step == train));
    for (attempt, least) in [(0, 1), (1, 2)] {
        let waited = started[attempt + 1].0 - failed[attempt].0;
        assert!(
            waited >= least * 1_000_000,
            "waited {waited} µs before attempt {}",
            attempt + 2
        );
    }
    assert!(matches!(run.steps["evaluate"].state, StepState::Skipped { .. }));
    // Each attempt keeps its own log.
    for attempt in 1..=3 {
        let log = yard
            .engine
            .folders_of()
            .attempt_log(&row.id, &NodeId::step(&train), attempt);
        assert_eq!(
            std::fs::read_to_string(log).unwrap(),
            format!("attempt {attempt} fails\n")
        );
    }
    yard.tidy().await;
}

#[tokio::test]
async fn a_program_that_disappears_is_tried_again() {
    let yard = Yard::new().await;
    yard.hold("train");
    let (from, to) = with_retries(1);
    yard.push(&[(from, &to)]).await;
    let key = yard.started("train", 1).await;
    yard.executor.lose(&key);
    yard.started("train", 2).await;
    yard.release("train");
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["train"].state, StepState::Succeeded { attempt: 2 });
}

/// `docker image prune` came between the build and the step, whose policy has no retry.
#[tokio::test]
async fn an_image_that_is_gone_is_built_again() {
    let yard = Yard::new().await;
    let images = yard.images.clone();
    yard.script("train", move |key, program| {
        if key.attempt > 1 {
            return tiny::usual(program);
        }
        images.prune();
        Script {
            image_gone: true,
            ..Script::default()
        }
    });
    yard.push(&[]).await;
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["train"].state, StepState::Succeeded { attempt: 2 });
    assert_eq!(yard.images.built().len(), 2);
    yard.script("train", |_, _| Script {
        image_gone: true,
        ..Script::default()
    });
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let (row, run) = yard.last(2).await;
    assert!(matches!(run.steps["train"].state, StepState::Failed { attempt: 4, .. }));
    let summary = row.summary.unwrap();
    assert!(summary.contains("is gone from the engine"), "{summary}");
}

/// What an output may take is measured while it grows, and a program that goes on is ended.
#[tokio::test]
async fn outputs_that_grow_too_large_end_their_step() {
    let yard = Yard::with(|config| config.limits.max_output = Some(1 << 20)).await;
    yard.script("train", |_, program| {
        let folder = Task::of(program).outputs().join("model");
        std::fs::create_dir_all(&folder).unwrap();
        let sparse = std::fs::File::create(folder.join("sparse")).unwrap();
        sparse.set_len(64 << 20).unwrap();
        tiny::usual(program)
    });
    yard.push(&[]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "holes are no bytes: {:?}", row.summary);
    yard.script("train", |_, program| {
        let folder = Task::of(program).outputs().join("model");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("large"), vec![1; 2 << 20]).unwrap();
        Script::default().hanging()
    });
    let (from, to) = with_retries(2);
    // A retry policy alone is no other step.
    yard.push(&[(from, &to), ("auc: 0.7", "auc: 0.8")]).await;
    let (row, run) = yard.last(2).await;
    assert!(matches!(run.steps["train"].state, StepState::Failed { attempt: 1, .. }));
    let summary = row.summary.unwrap();
    assert!(
        summary.starts_with("step 'train' was stopped, since its outputs take 2"),
        "{summary}"
    );
    yard.tidy().await;
}

#[tokio::test]
async fn a_step_that_says_nothing_of_memory_has_a_limit() {
    let yard = Yard::with(|config| config.limits.step_memory = Some(1 << 30)).await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeMap::new()));
    for step in ["left", "right"] {
        let seen = seen.clone();
        yard.script(step, move |_, program| {
            seen.lock().unwrap().insert(step, program.memory_bytes);
            tiny::usual(program)
        });
    }
    yard.push(&[("command: [left],", "command: [left], resources: { memory: 64Mi },")])
        .await;
    yard.last(1).await;
    let expected = [("left", Some(64 << 20)), ("right", Some(1 << 30))];
    assert_eq!(*seen.lock().unwrap(), expected.into());
}

#[tokio::test]
async fn a_start_that_can_never_work_is_not_tried_again() {
    let yard = Yard::new().await;
    let refused = || Script {
        refused: Some("no such image".to_owned()),
        ..Script::default()
    };
    yard.script("train", move |_, _| refused());
    let (from, to) = with_retries(2);
    yard.push(&[(from, &to)]).await;
    let (_, run) = yard.last(1).await;
    assert!(matches!(run.steps["train"].state, StepState::Failed { attempt: 1, .. }));
}

#[tokio::test]
async fn runs_of_a_pipeline_wait_for_their_turn() {
    let yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    yard.started("train", 1).await;
    for auc in ["auc: 0.71", "auc: 0.72"] {
        yard.push(&[("auc: 0.7", auc)]).await;
    }
    let waiting = until("three runs", async || {
        Some(yard.runs().await).filter(|runs| runs.len() == 3)
    })
    .await;
    assert!(
        waiting[1..]
            .iter()
            .all(|run| run.state == RunState::Queued && run.started_at.is_none())
    );
    yard.release("train");
    let over = yard.finished(3).await;
    for pair in over.windows(2) {
        assert!(
            pair[0].ended_at <= pair[1].started_at,
            "one after the other, oldest first"
        );
    }
    assert_eq!(yard.ledger().await.len(), 3);
}

#[tokio::test]
async fn a_newer_commit_overtakes_an_older_one() {
    let yard = Yard::new().await;
    let overtaking = (
        "steps:",
        "concurrency: { max_active_runs: 1, on_conflict: cancel_previous }\nsteps:",
    );
    yard.hold("train");
    let old = yard.push(&[overtaking]).await;
    yard.started("train", 1).await;
    yard.release_later("train");
    yard.push(&[overtaking, ("auc: 0.7", "auc: 0.8")]).await;
    let over = yard.finished(2).await;
    assert_eq!(
        (over[0].state, over[1].state),
        (RunState::Cancelled, RunState::Succeeded)
    );
    insta::assert_snapshot!(yard.status(&old, "error").await.description.unwrap(), @"cancelled by a newer run that asks for the same");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.8)));
    yard.tidy().await;
}

#[tokio::test]
async fn steps_run_side_by_side_up_to_the_limit() {
    for (limit, together) in [(2, true), (1, false)] {
        let yard = Yard::with(|config| config.max_parallel_steps = limit).await;
        yard.push(&[]).await;
        let (row, _) = yard.last(1).await;
        let events = yard.events(&row.id).await;
        let place = |wanted: &dyn Fn(&RunEvent) -> bool| events.iter().position(wanted).unwrap();
        let (left, right) = (StepName::from("left"), StepName::from("right"));
        let right_starts = place(&|event| matches!(event, RunEvent::StepStarting { step, .. } if *step == right));
        let left_ends = place(&|event| matches!(event, RunEvent::StepPublished { step, .. } if *step == left));
        assert_eq!(right_starts < left_ends, together, "limit {limit}");
        let first = yard.programs().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (first[0].as_str(), first[3].as_str(), first[4].as_str()),
            ("examples", "train", "evaluate")
        );
    }
}

#[tokio::test]
async fn two_runs_at_once_do_not_both_push() {
    let yard = Yard::with(|config| config.max_parallel_runs = 2).await;
    let two = ("steps:", "concurrency: { max_active_runs: 2 }\nsteps:");
    yard.hold("train");
    yard.push(&[two]).await;
    yard.started("train", 1).await;
    yard.release_later("train");
    yard.push(&[two, ("auc: 0.7", "auc: 0.8")]).await;
    let second = until("end of the second run", async || {
        yard.runs().await.into_iter().nth(1).filter(|run| run.state.is_final())
    })
    .await;
    assert_eq!(second.state, RunState::Succeeded);
    yard.release("train");
    // It was compared with nothing, and something serves by now.
    let first = yard.finished(2).await.remove(0);
    assert_eq!(first.state, RunState::Failed);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.8)));
}
