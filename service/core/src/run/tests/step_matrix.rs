//! Every state of a step and every event of one: the other half of the living table.

use super::matrix::{DEADLINE, outcome};
use super::*;
use crate::run::StepState;

fn step_events() -> Vec<(&'static str, RunEvent)> {
    let step = StepName::from("train");
    let step = &step;
    vec![
        ("cached", cached(step)),
        ("starting the next attempt", starting(step, 3, DEADLINE)),
        ("starting the first attempt", starting(step, 1, DEADLINE)),
        ("ended well", ended(step, 2, Exit::Success)),
        (
            "ended badly",
            ended(
                step,
                2,
                Exit::Code {
                    code: 1,
                    last_line: None,
                },
            ),
        ),
        ("ended, an older attempt", ended(step, 1, Exit::Success)),
        ("published", published(step, 2)),
        ("published, an older attempt", published(step, 1)),
        ("failed for good", failed(step, 2, None)),
        ("failed, to be tried again", failed(step, 2, Some(Micros(99)))),
        ("failed, an older attempt", failed(step, 1, None)),
        (
            "failed, an older attempt, to be tried again",
            failed(step, 1, Some(Micros(99))),
        ),
        ("failed, an attempt that cannot be yet", failed(step, 9, None)),
        (
            "skipped",
            RunEvent::StepSkipped {
                step: step.clone(),
                cause: SkipCause::Recorded("no use".to_owned()),
            },
        ),
    ]
}

/// Steps in every state; where there are attempts, it is the second.
fn step_states() -> Vec<StepState> {
    let ended = |exit| StepState::Ended {
        attempt: 2,
        exit,
        at: Micros(40),
        deadline: DEADLINE,
    };
    vec![
        StepState::Pending,
        StepState::Running {
            attempt: 2,
            deadline: DEADLINE,
        },
        ended(Exit::Success),
        ended(Exit::Lost { reason: None }),
        StepState::Waiting {
            attempt: 2,
            until: Micros(60),
            reason: "it broke".to_owned(),
        },
        StepState::Succeeded { attempt: 2 },
        StepState::Cached,
        StepState::Failed {
            attempt: 2,
            reason: "it broke".to_owned(),
        },
        StepState::Skipped {
            cause: SkipCause::Recorded("no use".to_owned()),
        },
    ]
}

#[test]
fn every_step_state_and_event() {
    let describe = |run: &Run| {
        let record = &run.steps["train"];
        let number = match record.last_attempt() {
            0 => String::new(),
            n => format!(" {n}"),
        };
        format!("{}{number}", record.state.as_str())
    };
    let mut table = String::new();
    for state in step_states() {
        let mut run = Run::replay(request(plan()), [(Micros(1), &RunEvent::Started { baseline: None })]);
        run.steps.get_mut("train").unwrap().state = state;
        let how = match &run.steps["train"].state {
            StepState::Ended {
                exit: Exit::Success, ..
            } => " (ended well)",
            StepState::Ended { .. } => " (ended badly)",
            _ => "",
        };
        table.push_str(&format!("{}{how}\n", describe(&run)));
        for (event_name, event) in step_events() {
            table.push_str(&format!("  {event_name:44} {}\n", outcome(&run, &event, describe)));
        }
    }
    insta::assert_snapshot!(table, @r#"
    pending
      cached                                       → cached
      starting the next attempt                    · not the next attempt
      starting the first attempt                   → running 1
      ended well                                   · an attempt that no longer counts
      ended badly                                  · an attempt that no longer counts
      ended, an older attempt                      · an attempt that no longer counts
      published                                    ✗ the step has not ended well
      published, an older attempt                  ✗ the step has not ended well
      failed for good                              · an attempt that no longer counts
      failed, to be tried again                    · an attempt that no longer counts
      failed, an older attempt                     → failed 1
      failed, an older attempt, to be tried again  → waiting 1
      failed, an attempt that cannot be yet        · an attempt that no longer counts
      skipped                                      → skipped
    running 2
      cached                                       · already started
      starting the next attempt                    · already started
      starting the first attempt                   · already started
      ended well                                   → publishing 2
      ended badly                                  → publishing 2
      ended, an older attempt                      · an attempt that no longer counts
      published                                    ✗ the step has not ended well
      published, an older attempt                  ✗ the step has not ended well
      failed for good                              ✗ the step's program has not ended
      failed, to be tried again                    ✗ the step's program has not ended
      failed, an older attempt                     ✗ the step's program has not ended
      failed, an older attempt, to be tried again  ✗ the step's program has not ended
      failed, an attempt that cannot be yet        ✗ the step's program has not ended
      skipped                                      ✗ the step is at work
    publishing 2 (ended well)
      cached                                       · already started
      starting the next attempt                    · already started
      starting the first attempt                   · already started
      ended well                                   · already ended
      ended badly                                  · already ended
      ended, an older attempt                      · already ended
      published                                    → succeeded 2
      published, an older attempt                  · an attempt that no longer counts
      failed for good                              → failed 2
      failed, to be tried again                    → waiting 2
      failed, an older attempt                     · an attempt that no longer counts
      failed, an older attempt, to be tried again  · an attempt that no longer counts
      failed, an attempt that cannot be yet        · an attempt that no longer counts
      skipped                                      ✗ the step is at work
    publishing 2 (ended badly)
      cached                                       · already started
      starting the next attempt                    · already started
      starting the first attempt                   · already started
      ended well                                   · already ended
      ended badly                                  · already ended
      ended, an older attempt                      · already ended
      published                                    ✗ the step has not ended well
      published, an older attempt                  ✗ the step has not ended well
      failed for good                              → failed 2
      failed, to be tried again                    → waiting 2
      failed, an older attempt                     · an attempt that no longer counts
      failed, an older attempt, to be tried again  · an attempt that no longer counts
      failed, an attempt that cannot be yet        · an attempt that no longer counts
      skipped                                      ✗ the step is at work
    waiting 2
      cached                                       → cached
      starting the next attempt                    → running 3
      starting the first attempt                   · not the next attempt
      ended well                                   · an attempt that no longer counts
      ended badly                                  · an attempt that no longer counts
      ended, an older attempt                      · an attempt that no longer counts
      published                                    ✗ the step has not ended well
      published, an older attempt                  ✗ the step has not ended well
      failed for good                              → failed 2
      failed, to be tried again                    → waiting 2
      failed, an older attempt                     · an attempt that no longer counts
      failed, an older attempt, to be tried again  · an attempt that no longer counts
      failed, an attempt that cannot be yet        · an attempt that no longer counts
      skipped                                      → skipped
    succeeded 2
      cached                                       · the step is over
      starting the next attempt                    · the step is over
      starting the first attempt                   · the step is over
      ended well                                   · the step is over
      ended badly                                  · the step is over
      ended, an older attempt                      · the step is over
      published                                    · the step is over
      published, an older attempt                  · the step is over
      failed for good                              · the step is over
      failed, to be tried again                    · the step is over
      failed, an older attempt                     · the step is over
      failed, an older attempt, to be tried again  · the step is over
      failed, an attempt that cannot be yet        · the step is over
      skipped                                      · the step is over
    cached
      cached                                       · the step is over
      starting the next attempt                    · the step is over
      starting the first attempt                   · the step is over
      ended well                                   · the step is over
      ended badly                                  · the step is over
      ended, an older attempt                      · the step is over
      published                                    · the step is over
      published, an older attempt                  · the step is over
      failed for good                              · the step is over
      failed, to be tried again                    · the step is over
      failed, an older attempt                     · the step is over
      failed, an older attempt, to be tried again  · the step is over
      failed, an attempt that cannot be yet        · the step is over
      skipped                                      · the step is over
    failed 2
      cached                                       · the step is over
      starting the next attempt                    · the step is over
      starting the first attempt                   · the step is over
      ended well                                   · the step is over
      ended badly                                  · the step is over
      ended, an older attempt                      · the step is over
      published                                    · the step is over
      published, an older attempt                  · the step is over
      failed for good                              · the step is over
      failed, to be tried again                    · the step is over
      failed, an older attempt                     · the step is over
      failed, an older attempt, to be tried again  · the step is over
      failed, an attempt that cannot be yet        · the step is over
      skipped                                      · the step is over
    skipped
      cached                                       · the step is over
      starting the next attempt                    · the step is over
      starting the first attempt                   · the step is over
      ended well                                   · the step is over
      ended badly                                  · the step is over
      ended, an older attempt                      · the step is over
      published                                    · the step is over
      published, an older attempt                  · the step is over
      failed for good                              · the step is over
      failed, to be tried again                    · the step is over
      failed, an older attempt                     · the step is over
      failed, an older attempt, to be tried again  · the step is over
      failed, an attempt that cannot be yet        · the step is over
      skipped                                      · the step is over
    "#);
}
