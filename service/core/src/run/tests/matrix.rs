//! Every state and every event: the living table of transitions.

use super::*;
use crate::run::{Applied, Fork, Run, RunState};

const AT: Micros = Micros(50);
pub(super) const DEADLINE: Micros = Micros(100);

fn run_events() -> Vec<(&'static str, RunEvent)> {
    let train = StepName::from("train");
    let finished = |state| RunEvent::Finished {
        state,
        summary: "over".to_owned(),
        metrics: Map::new(),
    };
    vec![
        ("started", RunEvent::Started { baseline: None }),
        ("image built", built("train")),
        ("image failed", image_failed("train")),
        ("image built, of another pipeline", built("other")),
        ("step starting", starting(&train, 1, DEADLINE)),
        (
            "step starting, of another pipeline",
            starting(&"other".into(), 1, DEADLINE),
        ),
        (
            "gate judged: blessed",
            RunEvent::GateJudged {
                verdict: verdict(0.7),
                model: None,
                blessing: None,
            },
        ),
        (
            "gate judged: not blessed",
            RunEvent::GateJudged {
                verdict: verdict(0.5),
                model: None,
                blessing: None,
            },
        ),
        ("model pushed", pushed()),
        ("push failed", push_failed()),
        ("push withheld", push_withheld()),
        ("approval requested", RunEvent::ApprovalRequested { seconds: 60 }),
        ("approved", approved()),
        ("rejected", RunEvent::Rejected { word: word() }),
        ("cancel requested", cancel()),
        ("finished: succeeded", finished(RunState::Succeeded)),
        ("finished: failed", finished(RunState::Failed)),
        ("finished: cancelled", finished(RunState::Cancelled)),
        ("finished: running", finished(RunState::Running)),
    ]
}

/// Runs in every state, by the events that lead there.
fn runs() -> Vec<(&'static str, Run)> {
    let train = StepName::from("train");
    let evaluate = StepName::from("evaluate");
    let started = RunEvent::Started { baseline: None };
    let done = vec![started.clone(), built("train"), cached(&train), cached(&evaluate)];
    let blessed = [
        done.clone(),
        vec![RunEvent::GateJudged {
            verdict: verdict(0.7),
            model: None,
            blessing: None,
        }],
    ]
    .concat();
    let rejected = [
        done.clone(),
        vec![RunEvent::GateJudged {
            verdict: verdict(0.5),
            model: None,
            blessing: None,
        }],
    ]
    .concat();
    let finished = |state| RunEvent::Finished {
        state,
        summary: "over".to_owned(),
        metrics: Map::new(),
    };
    let asked = vec![RunEvent::ApprovalRequested { seconds: 60 }];
    let of_fork = |events: &[RunEvent]| {
        let request = RunRequest {
            fork: Some(Fork {
                repo_id: Some(2),
                base_sha: "b".into(),
            }),
            may_push: false,
            ..request(plan())
        };
        Run::replay(request, events.iter().map(|event| (Micros(1), event)))
    };
    let after = |events: &[RunEvent]| Run::replay(request(plan()), events.iter().map(|event| (Micros(1), event)));
    vec![
        ("queued", after(&[])),
        ("queued, cancel requested", after(&[cancel()])),
        ("running, nothing done", after(std::slice::from_ref(&started))),
        (
            "running, image failed",
            after(&[started.clone(), image_failed("train")]),
        ),
        (
            "running, a step at work",
            after(&[started.clone(), built("train"), starting(&train, 1, DEADLINE)]),
        ),
        ("running, cancel requested", after(&[started.clone(), cancel()])),
        ("running, all steps done", after(&done)),
        ("running, blessed", after(&blessed)),
        ("running, not blessed", after(&rejected)),
        ("running, pushed", after(&[blessed.clone(), vec![pushed()]].concat())),
        (
            "running, push withheld",
            after(&[blessed.clone(), vec![push_withheld()]].concat()),
        ),
        (
            "running, push failed",
            after(&[blessed.clone(), vec![push_failed()]].concat()),
        ),
        ("a model that waits", after(&[blessed.clone(), asked.clone()].concat())),
        (
            "a model that waited, approved",
            after(&[blessed.clone(), asked.clone(), vec![approved()]].concat()),
        ),
        (
            "a model that waited, cancel requested",
            after(&[blessed, asked, vec![cancel()]].concat()),
        ),
        ("a fork's, waiting", of_fork(&[])),
        ("a fork's, approved", of_fork(&[approved()])),
        ("a fork's, rejected", of_fork(&[RunEvent::Rejected { word: word() }])),
        ("a fork's, cancel requested", of_fork(&[cancel()])),
        (
            "succeeded",
            after(&[done, vec![finished(RunState::Succeeded)]].concat()),
        ),
        ("failed", after(&[started.clone(), finished(RunState::Failed)])),
        ("cancelled", after(&[started, finished(RunState::Cancelled)])),
    ]
}

fn without_version(run: &Run) -> Run {
    Run {
        version: 0,
        ..run.clone()
    }
}

/// What an event did, and that refusing it changed nothing.
pub(super) fn outcome(before: &Run, event: &RunEvent, describe: impl Fn(&Run) -> String) -> String {
    let mut after = before.clone();
    let applied = after.apply(event, AT);
    assert_eq!(
        after.version,
        before.version + 1,
        "every event that was looked at counts"
    );
    if applied != Applied::Applied {
        assert_eq!(
            without_version(&after),
            without_version(before),
            "{event:?} was refused"
        );
    }
    match applied {
        Applied::Applied => format!("→ {}", describe(&after)),
        Applied::Ignored(why) => format!("· {why}"),
        Applied::Illegal(why) => format!("✗ {why}"),
    }
}

#[test]
fn every_run_state_and_event() {
    let describe = |run: &Run| {
        let verdict = run
            .verdict
            .as_ref()
            .map(|v| format!(", {}", v.blessing().as_str()))
            .unwrap_or_default();
        let image = format!("{:?}", run.images["train"])
            .split_whitespace()
            .next()
            .unwrap()
            .to_lowercase();
        let push = format!("{:?}", run.push)
            .split_whitespace()
            .next()
            .unwrap()
            .to_lowercase();
        let cancel = if run.cancel_requested.is_some() {
            ", cancel requested"
        } else {
            ""
        };
        let word = match (&run.approved, &run.rejected) {
            (Some(_), _) => ", approved",
            (_, Some(_)) => ", rejected",
            _ => "",
        };
        format!(
            "{}, image {image}, train {}{verdict}, push {push}{word}{cancel}",
            run.state.as_str(),
            run.steps["train"].state.as_str()
        )
    };
    let mut table = String::new();
    for (name, run) in runs() {
        table.push_str(&format!("{name}\n"));
        for (event_name, event) in run_events() {
            table.push_str(&format!("  {event_name:36} {}\n", outcome(&run, &event, describe)));
        }
    }
    insta::assert_snapshot!(table, @"
    queued
      started                              → running, image pending, train pending, push pending
      image built                          ✗ the run has not started
      image failed                         ✗ the run has not started
      image built, of another pipeline     ✗ the run has not started
      step starting                        ✗ the run has not started
      step starting, of another pipeline   ✗ the run has not started
      gate judged: blessed                 ✗ the run has not started
      gate judged: not blessed             ✗ the run has not started
      model pushed                         ✗ the run has not started
      push failed                          ✗ the run has not started
      push withheld                        ✗ the run has not started
      approval requested                   ✗ the run has not started
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → queued, image pending, train pending, push pending, cancel requested
      finished: succeeded                  ✗ the run has not started
      finished: failed                     → failed, image pending, train pending, push pending
      finished: cancelled                  → cancelled, image pending, train pending, push pending
      finished: running                    ✗ not an end
    queued, cancel requested
      started                              → running, image pending, train pending, push pending, cancel requested
      image built                          ✗ the run has not started
      image failed                         ✗ the run has not started
      image built, of another pipeline     ✗ the run has not started
      step starting                        ✗ the run has not started
      step starting, of another pipeline   ✗ the run has not started
      gate judged: blessed                 ✗ the run has not started
      gate judged: not blessed             ✗ the run has not started
      model pushed                         ✗ the run has not started
      push failed                          ✗ the run has not started
      push withheld                        ✗ the run has not started
      approval requested                   ✗ the run has not started
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     · already asked
      finished: succeeded                  ✗ the run has not started
      finished: failed                     → failed, image pending, train pending, push pending, cancel requested
      finished: cancelled                  → cancelled, image pending, train pending, push pending, cancel requested
      finished: running                    ✗ not an end
    running, nothing done
      started                              · already started
      image built                          → running, image built, train pending, push pending
      image failed                         → running, image failed, train pending, push pending
      image built, of another pipeline     ✗ no such image
      step starting                        → running, image pending, train running, push pending
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 ✗ a step is not done
      gate judged: not blessed             ✗ a step is not done
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image pending, train pending, push pending, cancel requested
      finished: succeeded                  → succeeded, image pending, train pending, push pending
      finished: failed                     → failed, image pending, train pending, push pending
      finished: cancelled                  → cancelled, image pending, train pending, push pending
      finished: running                    ✗ not an end
    running, image failed
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        → running, image failed, train running, push pending
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 ✗ a step is not done
      gate judged: not blessed             ✗ a step is not done
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image failed, train pending, push pending, cancel requested
      finished: succeeded                  → succeeded, image failed, train pending, push pending
      finished: failed                     → failed, image failed, train pending, push pending
      finished: cancelled                  → cancelled, image failed, train pending, push pending
      finished: running                    ✗ not an end
    running, a step at work
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · already started
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 ✗ a step is not done
      gate judged: not blessed             ✗ a step is not done
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train running, push pending, cancel requested
      finished: succeeded                  ✗ a step is still at work
      finished: failed                     ✗ a step is still at work
      finished: cancelled                  ✗ a step is still at work
      finished: running                    ✗ not an end
    running, cancel requested
      started                              · already started
      image built                          → running, image built, train pending, push pending, cancel requested
      image failed                         → running, image failed, train pending, push pending, cancel requested
      image built, of another pipeline     ✗ no such image
      step starting                        → running, image pending, train running, push pending, cancel requested
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 ✗ a step is not done
      gate judged: not blessed             ✗ a step is not done
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     · already asked
      finished: succeeded                  → succeeded, image pending, train pending, push pending, cancel requested
      finished: failed                     → failed, image pending, train pending, push pending, cancel requested
      finished: cancelled                  → cancelled, image pending, train pending, push pending, cancel requested
      finished: running                    ✗ not an end
    running, all steps done
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 → running, image built, train cached, blessed, push pending
      gate judged: not blessed             → running, image built, train cached, not_blessed, push pending
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, push pending, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, push pending
      finished: failed                     → failed, image built, train cached, push pending
      finished: cancelled                  → cancelled, image built, train cached, push pending
      finished: running                    ✗ not an end
    running, blessed
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         → running, image built, train cached, blessed, push pushed
      push failed                          → running, image built, train cached, blessed, push failed
      push withheld                        → running, image built, train cached, blessed, push withheld
      approval requested                   → waiting_for_approval, image built, train cached, blessed, push pending
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, blessed, push pending, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, blessed, push pending
      finished: failed                     → failed, image built, train cached, blessed, push pending
      finished: cancelled                  → cancelled, image built, train cached, blessed, push pending
      finished: running                    ✗ not an end
    running, not blessed
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         ✗ the model was not approved for a push
      push failed                          ✗ the model was not approved for a push
      push withheld                        ✗ the model was not approved for a push
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, not_blessed, push pending, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, not_blessed, push pending
      finished: failed                     → failed, image built, train cached, not_blessed, push pending
      finished: cancelled                  → cancelled, image built, train cached, not_blessed, push pending
      finished: running                    ✗ not an end
    running, pushed
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         · already pushed
      push failed                          · already pushed
      push withheld                        · already pushed
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, blessed, push pushed, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, blessed, push pushed
      finished: failed                     → failed, image built, train cached, blessed, push pushed
      finished: cancelled                  → cancelled, image built, train cached, blessed, push pushed
      finished: running                    ✗ not an end
    running, push withheld
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         · already pushed
      push failed                          · already pushed
      push withheld                        · already pushed
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, blessed, push withheld, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, blessed, push withheld
      finished: failed                     → failed, image built, train cached, blessed, push withheld
      finished: cancelled                  → cancelled, image built, train cached, blessed, push withheld
      finished: running                    ✗ not an end
    running, push failed
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         · already pushed
      push failed                          · already pushed
      push withheld                        · already pushed
      approval requested                   ✗ there is no approved model to push
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, blessed, push failed, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, blessed, push failed
      finished: failed                     → failed, image built, train cached, blessed, push failed
      finished: cancelled                  → cancelled, image built, train cached, blessed, push failed
      finished: running                    ✗ not an end
    a model that waits
      started                              ✗ the run waits for a person
      image built                          ✗ the run waits for a person
      image failed                         ✗ the run waits for a person
      image built, of another pipeline     ✗ the run waits for a person
      step starting                        ✗ the run waits for a person
      step starting, of another pipeline   ✗ the run waits for a person
      gate judged: blessed                 ✗ the run waits for a person
      gate judged: not blessed             ✗ the run waits for a person
      model pushed                         ✗ the run waits for a person
      push failed                          ✗ the run waits for a person
      push withheld                        → running, image built, train cached, blessed, push withheld
      approval requested                   · already asked for
      approved                             → running, image built, train cached, blessed, push pending, approved
      rejected                             ✗ a model is withheld, not rejected
      cancel requested                     → running, image built, train cached, blessed, push pending, cancel requested
      finished: succeeded                  ✗ the run waits for a person
      finished: failed                     → failed, image built, train cached, blessed, push pending
      finished: cancelled                  → cancelled, image built, train cached, blessed, push pending
      finished: running                    ✗ not an end
    a model that waited, approved
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         → running, image built, train cached, blessed, push pushed, approved
      push failed                          → running, image built, train cached, blessed, push failed, approved
      push withheld                        → running, image built, train cached, blessed, push withheld, approved
      approval requested                   · already asked for
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → running, image built, train cached, blessed, push pending, approved, cancel requested
      finished: succeeded                  → succeeded, image built, train cached, blessed, push pending, approved
      finished: failed                     → failed, image built, train cached, blessed, push pending, approved
      finished: cancelled                  → cancelled, image built, train cached, blessed, push pending, approved
      finished: running                    ✗ not an end
    a model that waited, cancel requested
      started                              · already started
      image built                          · already settled
      image failed                         · already settled
      image built, of another pipeline     ✗ no such image
      step starting                        · the step is over
      step starting, of another pipeline   ✗ no such step
      gate judged: blessed                 · already judged
      gate judged: not blessed             · already judged
      model pushed                         → running, image built, train cached, blessed, push pushed, cancel requested
      push failed                          → running, image built, train cached, blessed, push failed, cancel requested
      push withheld                        → running, image built, train cached, blessed, push withheld, cancel requested
      approval requested                   · already asked for
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     · already asked
      finished: succeeded                  → succeeded, image built, train cached, blessed, push pending, cancel requested
      finished: failed                     → failed, image built, train cached, blessed, push pending, cancel requested
      finished: cancelled                  → cancelled, image built, train cached, blessed, push pending, cancel requested
      finished: running                    ✗ not an end
    a fork's, waiting
      started                              ✗ the run waits for a person
      image built                          ✗ the run waits for a person
      image failed                         ✗ the run waits for a person
      image built, of another pipeline     ✗ the run waits for a person
      step starting                        ✗ the run waits for a person
      step starting, of another pipeline   ✗ the run waits for a person
      gate judged: blessed                 ✗ the run waits for a person
      gate judged: not blessed             ✗ the run waits for a person
      model pushed                         ✗ the run waits for a person
      push failed                          ✗ the run waits for a person
      push withheld                        ✗ the model was not approved for a push
      approval requested                   · already asked for
      approved                             → queued, image pending, train pending, push pending, approved
      rejected                             → waiting_for_approval, image pending, train pending, push pending, rejected
      cancel requested                     → queued, image pending, train pending, push pending, cancel requested
      finished: succeeded                  ✗ the run waits for a person
      finished: failed                     → failed, image pending, train pending, push pending
      finished: cancelled                  → cancelled, image pending, train pending, push pending
      finished: running                    ✗ not an end
    a fork's, approved
      started                              → running, image pending, train pending, push pending, approved
      image built                          ✗ the run has not started
      image failed                         ✗ the run has not started
      image built, of another pipeline     ✗ the run has not started
      step starting                        ✗ the run has not started
      step starting, of another pipeline   ✗ the run has not started
      gate judged: blessed                 ✗ the run has not started
      gate judged: not blessed             ✗ the run has not started
      model pushed                         ✗ the run has not started
      push failed                          ✗ the run has not started
      push withheld                        ✗ the run has not started
      approval requested                   ✗ the run has not started
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     → queued, image pending, train pending, push pending, approved, cancel requested
      finished: succeeded                  ✗ the run has not started
      finished: failed                     → failed, image pending, train pending, push pending, approved
      finished: cancelled                  → cancelled, image pending, train pending, push pending, approved
      finished: running                    ✗ not an end
    a fork's, rejected
      started                              ✗ the run waits for a person
      image built                          ✗ the run waits for a person
      image failed                         ✗ the run waits for a person
      image built, of another pipeline     ✗ the run waits for a person
      step starting                        ✗ the run waits for a person
      step starting, of another pipeline   ✗ the run waits for a person
      gate judged: blessed                 ✗ the run waits for a person
      gate judged: not blessed             ✗ the run waits for a person
      model pushed                         ✗ the run waits for a person
      push failed                          ✗ the run waits for a person
      push withheld                        ✗ the model was not approved for a push
      approval requested                   · already asked for
      approved                             ✗ it was rejected
      rejected                             → waiting_for_approval, image pending, train pending, push pending, rejected
      cancel requested                     → queued, image pending, train pending, push pending, rejected, cancel requested
      finished: succeeded                  ✗ the run waits for a person
      finished: failed                     → failed, image pending, train pending, push pending, rejected
      finished: cancelled                  → cancelled, image pending, train pending, push pending, rejected
      finished: running                    ✗ not an end
    a fork's, cancel requested
      started                              → running, image pending, train pending, push pending, cancel requested
      image built                          ✗ the run has not started
      image failed                         ✗ the run has not started
      image built, of another pipeline     ✗ the run has not started
      step starting                        ✗ the run has not started
      step starting, of another pipeline   ✗ the run has not started
      gate judged: blessed                 ✗ the run has not started
      gate judged: not blessed             ✗ the run has not started
      model pushed                         ✗ the run has not started
      push failed                          ✗ the run has not started
      push withheld                        ✗ the run has not started
      approval requested                   ✗ the run has not started
      approved                             · it does not wait for a person
      rejected                             · it does not wait for a person
      cancel requested                     · already asked
      finished: succeeded                  ✗ the run has not started
      finished: failed                     → failed, image pending, train pending, push pending, cancel requested
      finished: cancelled                  → cancelled, image pending, train pending, push pending, cancel requested
      finished: running                    ✗ not an end
    succeeded
      started                              · the run is over
      image built                          · the run is over
      image failed                         · the run is over
      image built, of another pipeline     · the run is over
      step starting                        · the run is over
      step starting, of another pipeline   · the run is over
      gate judged: blessed                 · the run is over
      gate judged: not blessed             · the run is over
      model pushed                         · the run is over
      push failed                          · the run is over
      push withheld                        · the run is over
      approval requested                   · the run is over
      approved                             · the run is over
      rejected                             · the run is over
      cancel requested                     · the run is over
      finished: succeeded                  · the run is over
      finished: failed                     · the run is over
      finished: cancelled                  · the run is over
      finished: running                    · the run is over
    failed
      started                              · the run is over
      image built                          · the run is over
      image failed                         · the run is over
      image built, of another pipeline     · the run is over
      step starting                        · the run is over
      step starting, of another pipeline   · the run is over
      gate judged: blessed                 · the run is over
      gate judged: not blessed             · the run is over
      model pushed                         · the run is over
      push failed                          · the run is over
      push withheld                        · the run is over
      approval requested                   · the run is over
      approved                             · the run is over
      rejected                             · the run is over
      cancel requested                     · the run is over
      finished: succeeded                  · the run is over
      finished: failed                     · the run is over
      finished: cancelled                  · the run is over
      finished: running                    · the run is over
    cancelled
      started                              · the run is over
      image built                          · the run is over
      image failed                         · the run is over
      image built, of another pipeline     · the run is over
      step starting                        · the run is over
      step starting, of another pipeline   · the run is over
      gate judged: blessed                 · the run is over
      gate judged: not blessed             · the run is over
      model pushed                         · the run is over
      push failed                          · the run is over
      push withheld                        · the run is over
      approval requested                   · the run is over
      approved                             · the run is over
      rejected                             · the run is over
      cancel requested                     · the run is over
      finished: succeeded                  · the run is over
      finished: failed                     · the run is over
      finished: cancelled                  · the run is over
      finished: running                    · the run is over
    ");
}
