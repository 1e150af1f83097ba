//! A full disk under a step's program is the service's trouble, not the pipeline's.

use super::*;
use crate::run::{Decision, Limits, Run, decide};

/// Seconds to the next attempt after `train` met a full disk on this one; and what is said.
fn wait(max_retry_count: u32, attempt: u32, last_line: &str) -> (Option<i64>, String) {
    let mut plan = plan();
    plan.steps["train"].retry.max_retry_count = max_retry_count;
    let mut run = Run::new(request(plan));
    let train = StepName::from("train");
    let exit = Exit::Code {
        code: 1,
        last_line: Some(last_line.to_owned()),
    };
    run.apply(&RunEvent::Started { baseline: None }, Micros(0));
    run.apply(&built("train"), Micros(0));
    for earlier in 1..attempt {
        run.apply(&starting(&train, earlier, Micros(100)), Micros(0));
        run.apply(&ended(&train, earlier, Exit::Lost), Micros(0));
        run.apply(&failed(&train, earlier, Some(Micros(0))), Micros(0));
    }
    run.apply(&starting(&train, attempt, Micros(100)), Micros(0));
    run.apply(&ended(&train, attempt, exit), Micros(0));
    let decisions = decide(&run, &Limits { max_parallel_steps: 1 }, Micros(0));
    match decisions.as_slice() {
        [Decision::Record(RunEvent::StepFailed { retry_at, reason, .. })] => {
            (retry_at.map(|at| at.0 / 1_000_000), reason.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_disk_is_waited_for_also_without_a_retry_policy() {
    let full = "OSError: [Errno 28] No space left on device: '/trainyard/outputs/model'";
    // max_retry_count, attempt, seconds; the step's own policy waits 10 s, 20 s, …
    let table = [
        (0, 1, Some(60)),
        (0, 2, Some(120)),
        (0, 3, Some(240)),
        (0, 4, None),
        (2, 1, Some(10)),
        (2, 2, Some(20)),
        (2, 3, Some(240)),
        (2, 4, None),
    ];
    for (retries, attempt, expected) in table {
        assert_eq!(wait(retries, attempt, full).0, expected, "{retries} {attempt}");
    }
    assert_eq!(wait(0, 1, "ValueError: no rows").0, None);
    insta::assert_snapshot!(wait(0, 1, full).1, @"step 'train' found the disk full: make room below the service's data_dir (OSError: [Errno 28] No space left on device: '/trainyard/outputs/model')");
}
