//! What holds for every plan, every executor and every moment.

use super::*;
use crate::gate::Blessing;
use crate::plan::{ImageSource, InputSource, PlannedStep};
use crate::run::{
    Answer, Applied, Command, Decision, Limits, PushState, Run, RunState, StepState, decide, decide::give_up,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const LIMITS: Limits = Limits { max_parallel_steps: 2 };

/// More turns than any run of these sizes needs.
const MOST_TURNS: usize = 5_000;

/// Steps that need some of those before them, and can do without others, with some retries, in one of two images or none.
fn plans() -> impl Strategy<Value = Plan> {
    let choices = || prop::collection::vec(any::<bool>(), 6);
    let step = (choices(), choices(), 0..3_u32, 0..3_usize);
    (prop::collection::vec(step, 1..6), any::<bool>(), any::<bool>()).prop_map(|(steps, gate, push)| {
        let mut made = plan();
        let template: PlannedStep = made.steps["train"].clone();
        let image = made.images["train"].clone();
        made.images = ["a", "b"]
            .map(|name| (name.to_owned(), image.clone()))
            .into_iter()
            .collect();
        made.steps.clear();
        for (index, (needs, optional, retries, image)) in steps.into_iter().enumerate() {
            let mut step = template.clone();
            step.retry.max_retry_count = retries;
            let optional = (0..index).filter(|before| optional[*before]);
            step.optional = optional.map(|before| format!("i{before}")).collect();
            step.image = match image {
                0 => ImageSource::Components,
                1 => ImageSource::Build("a".to_owned()),
                _ => ImageSource::Build("b".to_owned()),
            };
            step.inputs = (0..index)
                .filter(|before| needs[*before])
                .map(|before| {
                    (
                        format!("i{before}"),
                        InputSource::Output {
                            step: StepName::new(format!("s{before}")),
                            output: "model".to_owned(),
                        },
                    )
                })
                .collect();
            made.steps.insert(StepName::new(format!("s{index}")), step);
        }
        if !gate {
            made.gate = None;
        }
        if !push {
            made.push = None;
        }
        made
    })
}

/// Plays the engine: performs one decision at a time, as its choices say.
struct World {
    run: Run,
    now: Micros,
    events: Vec<(Micros, RunEvent)>,
    choices: Vec<u8>,
    turn: usize,
}

impl World {
    fn new(plan: Plan, may_push: bool, choices: Vec<u8>) -> Self {
        let run = Run::new(RunRequest {
            may_push,
            ..request(plan)
        });
        Self {
            run,
            now: Micros(0),
            events: Vec::new(),
            choices,
            turn: 0,
        }
    }

    /// A number below `count`; when the choices are used up, always 0, which is the good outcome.
    fn choose(&mut self, count: usize) -> usize {
        self.turn += 1;
        self.choices
            .get(self.turn)
            .map_or(0, |choice| usize::from(*choice) % count)
    }

    fn append(&mut self, event: RunEvent) -> Applied {
        self.events.push((self.now, event.clone()));
        self.now = Micros(self.now.0 + 1);
        self.run.apply(&event, self.now)
    }

    /// Performs one thing; false when there is nothing left to do.
    fn step(&mut self) -> bool {
        if self.run.awaits().is_some() {
            assert!(
                decide(&self.run, &LIMITS, self.now).is_empty(),
                "who waits has nothing to do"
            );
            let events = match self.choose(3) {
                2 => vec![cancel()],
                1 => decide::answered(&self.run, Answer::Reject, &word(), self.now),
                _ => decide::answered(&self.run, Answer::Approve, &word(), self.now),
            };
            for event in events {
                assert_eq!(self.append(event.clone()), Applied::Applied, "{event:?}");
            }
            return true;
        }
        let decisions = decide(&self.run, &LIMITS, self.now);
        let mut wake: Option<Micros> = None;
        let mut doable = Vec::new();
        let stopping: BTreeSet<Command> = decisions
            .iter()
            .filter_map(|d| match d {
                Decision::Perform(c @ Command::Stop { .. }) => Some(c.clone()),
                _ => None,
            })
            .collect();
        for decision in decisions {
            match decision {
                Decision::WakeAt(at) => wake = Some(wake.map_or(at, |w| w.min(at))),
                Decision::Perform(Command::Stop { .. }) => {}
                other => doable.push(other),
            }
        }
        if doable.is_empty() {
            let Some(at) = wake else { return false };
            assert!(at > self.now, "nothing to do now, and yet it is time");
            self.now = at;
            return true;
        }
        let chosen = doable.swap_remove(self.choose(doable.len()));
        match chosen {
            Decision::Record(event) => {
                assert_eq!(self.append(event.clone()), Applied::Applied, "{event:?}");
            }
            Decision::Perform(command) => {
                if let Some(event) = self.perform(&command, &stopping, wake) {
                    self.append(event.clone());
                    // A crash may lose the memory of what was appended.
                    if self.choose(4) == 3 {
                        self.append(event);
                    }
                }
            }
            Decision::WakeAt(_) => {}
        }
        true
    }

    fn perform(&mut self, command: &Command, stopping: &BTreeSet<Command>, wake: Option<Micros>) -> Option<RunEvent> {
        let plan = self.run.request.plan.clone();
        Some(match command {
            Command::Start => RunEvent::Started { baseline: None },
            Command::BuildImage { image } => match self.choose(8) {
                7 => image_failed(image),
                _ => built(image),
            },
            Command::Drive { step, attempt } => match self.choose(6) {
                5 => RunEvent::StepSkipped {
                    step: step.clone(),
                    cause: SkipCause::Recorded("its window has too few spans".to_owned()),
                },
                4 => failed(step, self.run.steps[step].last_attempt(), None),
                3 => cached(step),
                _ => starting(step, *attempt, Micros(self.now.0 + 1_000)),
            },
            Command::Execute { step, attempt } => {
                if stopping.contains(&Command::Stop {
                    step: step.clone(),
                    attempt: *attempt,
                }) {
                    return Some(ended(
                        step,
                        *attempt,
                        Exit::Signal {
                            signal: 15,
                            last_line: None,
                        },
                    ));
                }
                match self.choose(10) {
                    9 => ended(
                        step,
                        *attempt,
                        Exit::ImageGone {
                            image_id: "sha256:1".to_owned(),
                        },
                    ),
                    8 => ended(step, *attempt, Exit::DiskFull { last_line: None }),
                    7 => {
                        // It runs on until something else is due, at the latest its deadline.
                        self.now = wake.unwrap_or(self.now).max(self.now);
                        return None;
                    }
                    6 => ended(step, *attempt, Exit::OutOfMemory { limit: None }),
                    5 => ended(step, *attempt, Exit::Lost { reason: None }),
                    4 => ended(
                        step,
                        *attempt,
                        Exit::NotStarted {
                            reason: "no image".to_owned(),
                            permanent: true,
                        },
                    ),
                    3 => ended(
                        step,
                        *attempt,
                        Exit::Code {
                            code: 1,
                            last_line: None,
                        },
                    ),
                    _ => ended(step, *attempt, Exit::Success),
                }
            }
            Command::Stop { .. } => return None,
            Command::Publish { step, attempt } => match self.choose(6) {
                5 => {
                    let wait = plan.steps[step].retry.wait_after(*attempt);
                    failed(
                        step,
                        *attempt,
                        wait.map(|seconds| Micros(self.now.0 + (seconds * 1e6) as i64)),
                    )
                }
                _ => published(step, *attempt),
            },
            Command::Judge => match self.choose(4) {
                3 => RunEvent::Finished {
                    state: RunState::Failed,
                    summary: "no evaluation".to_owned(),
                    metrics: Map::new(),
                },
                2 => RunEvent::GateJudged {
                    verdict: verdict(0.5),
                    model: None,
                    blessing: None,
                },
                _ => RunEvent::GateJudged {
                    verdict: verdict(0.7),
                    model: None,
                    blessing: None,
                },
            },
            // Nothing had begun.
            Command::Push if self.run.cancel_requested.is_some() => {
                decide::finished(&self.run, RunState::Cancelled, "cancelled by ada".to_owned())
            }
            Command::Push => {
                let blessed = self
                    .run
                    .verdict
                    .as_ref()
                    .is_some_and(|v| v.blessing() == Blessing::Blessed);
                assert!(
                    blessed && self.run.request.may_push && plan.push.is_some(),
                    "pushed without approval"
                );
                match self.choose(5) {
                    4 if self.run.approval_seconds.is_none() => RunEvent::ApprovalRequested { seconds: 60 },
                    3 => push_failed(),
                    2 => push_withheld(),
                    _ => pushed(),
                }
            }
        })
    }

    fn check(&self) {
        let plan = &self.run.request.plan;
        let at_work = self
            .run
            .steps
            .values()
            .filter(|s| matches!(s.state, StepState::Running { .. } | StepState::Ended { .. }));
        assert!(at_work.count() <= LIMITS.max_parallel_steps, "too many steps at once");
        for (name, record) in &self.run.steps {
            if !matches!(
                record.state,
                StepState::Pending | StepState::Skipped { .. } | StepState::Failed { .. }
            ) {
                let absent = |up: &StepName| {
                    let skipped = matches!(self.run.steps[up].state, StepState::Skipped { .. });
                    skipped && plan.steps[name].can_do_without(up)
                };
                let done = |up: &StepName| self.run.steps[up].state.is_done() || absent(up);
                let ready = plan.steps[name].upstream().all(done);
                assert!(ready, "{name} before what it needs");
            }
            assert!(
                record.last_attempt() <= plan.steps[name].retry.max_retry_count + 1 + record.infrastructure_failures,
                "{name} was tried too often"
            );
            assert!(
                record.infrastructure_failures - record.interruptions <= 4 && record.interruptions <= 21,
                "{name} troubled the service too often"
            );
        }
    }

    fn finish(&mut self) {
        for _ in 0..MOST_TURNS {
            if !self.step() {
                break;
            }
            self.check();
        }
        assert!(
            self.run.state.is_final(),
            "stuck in {:?}: {:?}",
            self.run.state,
            self.run.steps
        );
        let at_work = self
            .run
            .steps
            .values()
            .any(|s| matches!(s.state, StepState::Running { .. } | StepState::Ended { .. }));
        assert!(!at_work, "a step is at work after the end");
        assert!(decide(&self.run, &LIMITS, self.now).is_empty());
    }
}

/// How often events with this effect really counted.
fn counted(world: &World, is: impl Fn(&RunEvent) -> bool) -> usize {
    let mut run = Run::new(world.run.request.clone());
    world
        .events
        .iter()
        .filter(|(at, event)| run.apply(event, *at) == Applied::Applied && is(event))
        .count()
}

/// Any event at all, sensible or not.
fn events() -> impl Strategy<Value = RunEvent> {
    let step = prop::sample::select(vec!["train", "evaluate", "other"]).prop_map(StepName::from);
    (0..17_usize, step, 0..4_u32, any::<bool>()).prop_map(|(kind, step, attempt, flag)| match kind {
        0 => RunEvent::Started { baseline: None },
        1 => built("train"),
        2 => image_failed("train"),
        3 => cached(&step),
        4 => starting(&step, attempt, Micros(100)),
        5 => ended(
            &step,
            attempt,
            if flag {
                Exit::Success
            } else {
                Exit::Lost { reason: None }
            },
        ),
        6 => published(&step, attempt),
        7 => failed(&step, attempt, flag.then_some(Micros(99))),
        8 => RunEvent::StepSkipped {
            step,
            cause: SkipCause::Recorded("no use".to_owned()),
        },
        9 => RunEvent::GateJudged {
            verdict: verdict(if flag { 0.7 } else { 0.5 }),
            model: None,
            blessing: None,
        },
        10 => pushed(),
        11 => push_failed(),
        12 => cancel(),
        13 => RunEvent::ApprovalRequested { seconds: 60 },
        14 => approved(),
        15 => RunEvent::Rejected { word: word() },
        _ => RunEvent::Finished {
            state: if flag { RunState::Succeeded } else { RunState::Running },
            summary: String::new(),
            metrics: Map::new(),
        },
    })
}

proptest! {
    #[test]
    fn a_run_given_up_at_any_moment_is_over(plan in plans(), choices in prop::collection::vec(any::<u8>(), 0..300), turns in 0..20_usize) {
        let mut world = World::new(plan, true, choices);
        for _ in 0..turns {
            if !world.step() {
                break;
            }
        }
        if world.run.state.is_final() {
            return Ok(());
        }
        for event in give_up(&world.run, "a defect") {
            prop_assert_eq!(world.append(event.clone()), Applied::Applied, "{:?}", event);
        }
        prop_assert_eq!(world.run.state, RunState::Failed);
        prop_assert_eq!(world.run.summary.as_deref(), Some("a defect"));
    }

    #[test]
    fn every_run_comes_to_its_end(plan in plans(), may_push in any::<bool>(), choices in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut world = World::new(plan, may_push, choices);
        world.finish();
        for (step, record) in &world.run.steps {
            let starts = counted(&world, |e| matches!(e, RunEvent::StepStarting { step: s, .. } if s == step));
            let own = world.run.request.plan.steps[step].retry.max_retry_count + 1;
            prop_assert!(starts <= (own + record.infrastructure_failures) as usize);
            let publications = counted(&world, |e| matches!(e, RunEvent::StepPublished { step: s, .. } | RunEvent::StepCached { step: s, .. } if s == step));
            prop_assert!(publications <= 1);
        }
        let pushes = counted(&world, |e| matches!(e, RunEvent::ModelPushed { .. }));
        prop_assert!(pushes <= 1);
        prop_assert_eq!(pushes == 1, matches!(world.run.push, PushState::Pushed { .. }));
        if world.run.state == RunState::Succeeded {
            let steps = &world.run.steps;
            let skipped = steps.iter().any(|(name, s)| matches!(s.state, StepState::Skipped { .. }) && !world.run.spares(name));
            prop_assert!(skipped || steps.iter().all(|(name, s)| s.state.is_done() || world.run.spares(name)));
            prop_assert_eq!(world.run.verdict.is_some(), !skipped && world.run.request.plan.gate.is_some());
            let summary = world.run.summary.as_deref().unwrap_or_default();
            prop_assert_eq!(skipped, summary == "skipped: its window has too few spans");
        }
    }

    /// The stored events are the run.
    #[test]
    fn replay_is_the_same_run(plan in plans(), choices in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut world = World::new(plan, true, choices);
        world.finish();
        let replayed = || Run::replay(world.run.request.clone(), world.events.iter().map(|(at, event)| (Micros(at.0 + 1), event)));
        prop_assert_eq!(&replayed(), &world.run);
        let stored = serde_json::to_string(&world.events.iter().map(|(_, e)| e).collect::<Vec<_>>()).unwrap();
        let read: Vec<RunEvent> = serde_json::from_str(&stored).unwrap();
        prop_assert!(read.iter().eq(world.events.iter().map(|(_, e)| e)));
    }

    #[test]
    fn a_cancelled_run_ends_cancelled(plan in plans(), choices in prop::collection::vec(any::<u8>(), 0..300), at in 0..60_usize) {
        let mut world = World::new(plan, true, choices);
        for _ in 0..at {
            world.step();
        }
        let over = world.run.state.is_final();
        let served = matches!(world.run.push, PushState::Pushed { .. });
        let before = world.events.len();
        world.append(cancel());
        world.finish();
        if served {
            prop_assert_eq!(world.run.state, RunState::Succeeded, "what serves cannot be cancelled");
        } else if !over {
            let judged_broken = matches!(world.run.state, RunState::Failed) && world.events[before..].iter().any(|(_, e)| matches!(e, RunEvent::Finished { state: RunState::Failed, .. }));
            prop_assert!(world.run.state == RunState::Cancelled || judged_broken, "{:?}", world.run.state);
            let starts = world.events[before..].iter().filter(|(_, e)| matches!(e, RunEvent::StepStarting { .. } | RunEvent::ModelPushed { .. }));
            prop_assert_eq!(starts.count(), 0, "nothing starts after a cancel");
        }
    }

    #[test]
    fn an_event_counts_once(events in prop::collection::vec(events(), 0..40)) {
        let mut run = Run::new(request(plan()));
        for (index, event) in events.iter().enumerate() {
            let at = Micros(index as i64);
            run.apply(event, at);
            let mut again = run.clone();
            again.apply(event, Micros(at.0 + 7));
            prop_assert_eq!(again.version, run.version + 1);
            again.version = run.version;
            prop_assert_eq!(&again, &run, "{:?}", event);
        }
    }

    /// However late an event of an attempt comes again, it changes nothing once a newer one began.
    #[test]
    fn attempts_never_go_back(events in prop::collection::vec(events(), 0..60)) {
        let mut run = Run::new(request(plan()));
        for (index, event) in events.iter().enumerate() {
            let before: Vec<u32> = run.steps.values().map(|s| s.last_attempt()).collect();
            let done: Vec<bool> = run.steps.values().map(|s| s.state.is_final()).collect();
            run.apply(event, Micros(index as i64));
            for ((record, attempt), was_final) in run.steps.values().zip(before).zip(done) {
                let ended_without = matches!(record.state, StepState::Cached | StepState::Skipped { .. });
                prop_assert!(ended_without || record.last_attempt() >= attempt, "{:?}", event);
                prop_assert!(!was_final || record.state.is_final());
            }
        }
    }
}

/// The shortest good run, cancelled after each of its events.
#[test]
fn cancel_at_every_point() {
    let whole = {
        let mut world = World::new(plan(), true, Vec::new());
        world.finish();
        assert_eq!(world.run.state, RunState::Succeeded);
        assert_eq!(world.run.summary.as_deref(), Some("approved, and serving as version 1"));
        world.events
    };
    for length in 0..whole.len() {
        let mut world = World::new(plan(), true, Vec::new());
        for (_, event) in &whole[..length] {
            world.append(event.clone());
        }
        let served = matches!(world.run.push, PushState::Pushed { .. });
        world.append(cancel());
        world.finish();
        let (state, summary) = match served {
            false => (RunState::Cancelled, "cancelled by ada"),
            // What serves cannot be cancelled; it can be rolled back.
            true => (RunState::Succeeded, "approved, and serving as version 1"),
        };
        assert_eq!(world.run.state, state, "after {length} events");
        assert_eq!(world.run.summary.as_deref(), Some(summary));
    }
}

#[test]
fn a_step_that_always_fails_is_tried_as_often_as_allowed() {
    let train = StepName::from("train");
    let mut world = World::new(plan(), true, Vec::new());
    let mut waits = Vec::new();
    while !world.run.state.is_final() {
        if let StepState::Running { attempt, .. } = world.run.steps[&train].state {
            world.append(ended(
                &train,
                attempt,
                Exit::Code {
                    code: 1,
                    last_line: Some("ValueError: no rows".to_owned()),
                },
            ));
        }
        if let StepState::Waiting { until, .. } = world.run.steps[&train].state {
            waits.push((until.0 - world.now.0) / 1_000_000);
            world.now = until;
        }
        world.step();
    }
    assert_eq!(world.run.steps[&train].last_attempt(), 3);
    assert_eq!(waits, [9, 19], "10 s and 20 s, less the turn that was taken");
    assert_eq!(world.run.state, RunState::Failed);
    insta::assert_snapshot!(world.run.summary.unwrap(), @"step 'train' exited with code 1: ValueError: no rows");
    let evaluate = &world.run.steps["evaluate"].state;
    assert_eq!(evaluate.as_str(), "skipped");
}

#[test]
fn a_step_that_takes_too_long_is_stopped_and_told_so() {
    let train = StepName::from("train");
    let mut world = World::new(plan(), true, Vec::new());
    while world.run.steps[&train].last_attempt() == 0 {
        world.step();
    }
    let StepState::Running { attempt, deadline } = world.run.steps[&train].state else {
        panic!("not running")
    };
    let stop = Decision::Perform(Command::Stop {
        step: train.clone(),
        attempt,
    });
    assert!(!decide(&world.run, &LIMITS, Micros(deadline.0 - 1)).contains(&stop));
    assert!(decide(&world.run, &LIMITS, deadline).contains(&stop));
    world.now = deadline;
    world.append(ended(
        &train,
        attempt,
        Exit::Code {
            code: 137,
            last_line: None,
        },
    ));
    world.step();
    let StepState::Waiting { reason, .. } = &world.run.steps[&train].state else {
        panic!("not waiting")
    };
    insta::assert_snapshot!(reason, @"step 'train' was stopped after 1h: raise its timeout or make it faster");
}
