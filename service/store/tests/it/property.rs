//! Whatever happens to a run, what is stored and replayed equals the fold in memory.

use crate::databases;
use crate::samples::{artifact, at, forward, named, start_run};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use trainyard_core::ids::StepName;
use trainyard_core::run::{Exit, RunEvent, RunState, SkipCause};

fn events() -> impl Strategy<Value = RunEvent> {
    let step = prop_oneof![Just("examples"), Just("train"), Just("unknown")].prop_map(StepName::new);
    let exit = prop_oneof![
        Just(Exit::Success),
        (any::<i32>(), proptest::option::of(".*")).prop_map(|(code, last_line)| Exit::Code { code, last_line }),
        Just(Exit::Lost { reason: None }),
    ];
    prop_oneof![
        2 => Just(RunEvent::Started { baseline: None }),
        4 => (step.clone(), 1..3_u32).prop_map(|(step, attempt)| RunEvent::StepStarting {
            step, attempt, key: "k".to_owned(), image_id: None, inputs: named([("in", artifact("a", "Examples", 1))]), deadline: at(99),
        }),
        4 => (step.clone(), 1..3_u32, exit, proptest::collection::vec("\\PC*", 0..3), proptest::option::of(proptest::collection::vec("\\PC*", 0..2)))
            .prop_map(|(step, attempt, exit, last_lines, drifted)| RunEvent::StepEnded { step, attempt, exit, last_lines, drifted }),
        4 => (step.clone(), 1..3_u32, proptest::num::f64::NORMAL).prop_map(|(step, attempt, auc)| RunEvent::StepPublished {
            step, attempt, outputs: named([("model", artifact("m", "Model", 2))]), metrics: [("auc".to_owned(), auc)].into(),
        }),
        1 => (step.clone(), 1..3_u32, "\\PC*", proptest::option::of(1..99_u64)).prop_map(|(step, attempt, reason, retry)| {
            RunEvent::StepFailed { step, attempt, reason, retry_at: retry.map(at) }
        }),
        1 => step.prop_map(|step| RunEvent::StepSkipped { step, cause: SkipCause::Recorded("'; --".to_owned()) }),
        1 => "[a-z]{0,9}".prop_map(|by| RunEvent::CancelRequested { by }),
        1 => Just(RunEvent::Finished { state: RunState::Failed, summary: "over".to_owned(), metrics: serde_json::Map::new() }),
    ]
}

#[test]
fn what_is_stored_and_replayed_equals_the_fold_in_memory() {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stores = runtime.block_on(async { [databases::sqlite().await, databases::postgres().await] });
    proptest!(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }, |(
        batches in proptest::collection::vec(proptest::collection::vec(events(), 1..4), 0..10)
    )| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("r{number}");
        runtime.block_on(async {
            for fresh in &stores {
                let store = &fresh.store;
                let mut run = start_run(store, &id, number.into()).await;
                for (number, batch) in batches.iter().enumerate() {
                    let version = store.append(forward(&mut run, batch.clone(), at(number as u64))).await.unwrap();
                    assert_eq!(version, run.version);
                }
                assert_eq!(store.load_run(&run.request.id).await.unwrap(), run);
                let row = store.run_row(&id).await.unwrap().unwrap();
                assert_eq!((row.state, row.version, row.ended_at), (run.state, run.version, run.ended_at));
            }
        });
    });
}
