//! What to do next, from the present state alone.

use super::{
    Answer, Exit, ImageState, PushState, Run, RunEvent, RunState, SkipCause, StepRecord, StepState, Withheld, Word,
    sentence,
};
use crate::gate::Blessing;
use crate::ids::{Micros, StepName};
use crate::plan::{ImageSource, PlannedStep, RetryPolicy};
use serde_json::{Map, Value};

/// One thing to do. Commands with the same content are the same work: the engine never performs
/// one twice at once, and every one of them may be repeated after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Resolve the baseline; ends in `Started`.
    Start,
    /// Find or build an image; ends in `ImageBuilt` or `ImageFailed`.
    BuildImage {
        /// Its name in the plan.
        image: String,
    },
    /// Resolve inputs, compute the cache key, look for an earlier execution; ends in `StepCached`,
    /// `StepStarting` or `StepFailed`.
    Drive {
        /// The step.
        step: StepName,
        /// The attempt that would start.
        attempt: u32,
    },
    /// Start the program unless it was started, and wait for its end; ends in `StepEnded`.
    Execute {
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
    },
    /// Make the program end; its `Execute` then sees the end.
    Stop {
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
    },
    /// Store and record the outputs; ends in `StepPublished` or `StepFailed`.
    Publish {
        /// The step.
        step: StepName,
        /// The attempt.
        attempt: u32,
    },
    /// Read the evaluation and judge; ends in `GateJudged` or `Finished`.
    Judge,
    /// Hand the approved model to its target; ends in `ModelPushed` or `PushFailed`.
    Push,
}

/// A command, an event that needs no effect, or a time to look again.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful live for a moment")]
pub enum Decision {
    /// To be performed.
    Perform(Command),
    /// To be appended as it is.
    Record(RunEvent),
    /// Nothing before this moment.
    WakeAt(Micros),
}

/// Limits of the machine, from the service's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of one run at work at once.
    pub max_parallel_steps: usize,
}

/// A full disk is nobody's mistake in the pipeline: without a retry policy too there is time to make room.
const FULL_DISK: RetryPolicy = RetryPolicy {
    max_retry_count: 3,
    backoff_seconds: 60.0,
    backoff_factor: 2.0,
    backoff_max_seconds: 3600.0,
};

/// An image that is gone is built or pulled again at once; whoever removes it each time is told of it.
const IMAGE_GONE: RetryPolicy = RetryPolicy {
    max_retry_count: 3,
    backoff_seconds: 0.0,
    backoff_factor: 1.0,
    backoff_max_seconds: 0.0,
};

/// An engine that is restarted, a container that is removed: the program is started again soon, and whoever ends it
/// again and again is told of it.
const INTERRUPTED: RetryPolicy = RetryPolicy {
    max_retry_count: 20,
    backoff_seconds: 1.0,
    backoff_factor: 2.0,
    backoff_max_seconds: 60.0,
};

/// What to do next.
pub fn decide(run: &Run, limits: &Limits, now: Micros) -> Vec<Decision> {
    match run.state {
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => Vec::new(),
        RunState::WaitingForApproval => decide_waiting(run),
        RunState::Queued => match &run.cancel_requested {
            Some(by) => vec![Decision::Record(finished(
                run,
                RunState::Cancelled,
                sentence::run_cancelled(by),
            ))],
            None => vec![Decision::Perform(Command::Start)],
        },
        RunState::Running => decide_running(run, limits, now),
    }
}

/// Only a person's word, or the end of the wait, takes it further; a no is the end.
fn decide_waiting(run: &Run) -> Vec<Decision> {
    let end = |word| finished(run, RunState::Cancelled, sentence::fork_rejected(word));
    run.rejected.iter().map(|word| Decision::Record(end(word))).collect()
}

fn decide_running(run: &Run, limits: &Limits, now: Micros) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut free = limits.max_parallel_steps.saturating_sub(at_work(run));
    for (name, record) in &run.steps {
        decide_step(run, name, record, now, &mut free, &mut decisions);
    }
    if run.steps.values().all(|s| s.state.is_final()) {
        decisions.push(decide_end(run));
    } else if run.cancel_requested.is_none() {
        for (image, state) in &run.images {
            if *state == ImageState::Pending {
                decisions.push(Decision::Perform(Command::BuildImage { image: image.clone() }));
            }
        }
    }
    decisions
}

fn at_work(run: &Run) -> usize {
    run.steps
        .values()
        .filter(|s| matches!(s.state, StepState::Running { .. } | StepState::Ended { .. }))
        .count()
}

fn decide_step(
    run: &Run,
    name: &StepName,
    record: &StepRecord,
    now: Micros,
    free: &mut usize,
    decisions: &mut Vec<Decision>,
) {
    let Some(planned) = run.request.plan.steps.get(name) else {
        return;
    };
    let cancelled = run.cancel_requested.as_deref();
    match &record.state {
        StepState::Succeeded { .. }
        | StepState::Cached
        | StepState::Failed { .. }
        | StepState::Cancelled { .. }
        | StepState::Skipped { .. } => {}
        StepState::Running { attempt, deadline } => {
            let (step, attempt) = (name.clone(), *attempt);
            decisions.push(Decision::Perform(Command::Execute {
                step: step.clone(),
                attempt,
            }));
            if cancelled.is_some() || now >= *deadline {
                decisions.push(Decision::Perform(Command::Stop { step, attempt }));
            } else {
                decisions.push(Decision::WakeAt(*deadline));
            }
        }
        StepState::Ended {
            attempt,
            exit: Exit::Success,
            ..
        } if cancelled.is_none() => {
            decisions.push(Decision::Perform(Command::Publish {
                step: name.clone(),
                attempt: *attempt,
            }));
        }
        StepState::Ended {
            attempt,
            exit,
            at,
            deadline,
        } => {
            let failed = failure(name, planned, (*attempt, record), exit, *at, *deadline, cancelled, now);
            decisions.push(Decision::Record(failed));
        }
        StepState::Pending | StepState::Waiting { .. } => {
            decide_next_attempt(run, name, record, planned, now, free, decisions);
        }
    }
}

fn decide_next_attempt(
    run: &Run,
    name: &StepName,
    record: &StepRecord,
    planned: &PlannedStep,
    now: Micros,
    free: &mut usize,
    decisions: &mut Vec<Decision>,
) {
    let skip = |cause: SkipCause| {
        Decision::Record(RunEvent::StepSkipped {
            step: name.clone(),
            cause,
        })
    };
    if let Some(by) = &run.cancel_requested {
        return decisions.push(skip(SkipCause::Cancelled { by: by.clone() }));
    }
    if let StepState::Waiting { until, .. } = record.state
        && now < until
    {
        return decisions.push(Decision::WakeAt(until));
    }
    let upstream = || {
        planned
            .upstream()
            .filter_map(|step| run.steps.get(step).map(|record| (step, record)))
    };
    let done_or_absent =
        |step: &StepName, record: &StepRecord| record.state.is_done() || is_absent(run, planned, step, record);
    if let Some((broken, _)) = upstream().find(|(step, r)| r.state.is_final() && !done_or_absent(step, r)) {
        let step = broken.clone();
        return decisions.push(skip(SkipCause::UpstreamDidNotFinish { step }));
    }
    if let ImageSource::Build(image) = &planned.image {
        match run.images.get(image) {
            Some(ImageState::Built { .. }) => {}
            Some(ImageState::Failed { reason, .. }) => {
                return decisions.push(Decision::Record(RunEvent::StepFailed {
                    step: name.clone(),
                    attempt: record.last_attempt(),
                    reason: reason.clone(),
                    retry_at: None,
                }));
            }
            Some(ImageState::Pending) | None => return,
        }
    }
    if upstream().all(|(step, r)| done_or_absent(step, r)) && *free > 0 {
        *free -= 1;
        let attempt = record.last_attempt() + 1;
        decisions.push(Decision::Perform(Command::Drive {
            step: name.clone(),
            attempt,
        }));
    }
}

/// Whether a step goes on without what an upstream one would have made: that one was skipped, and this
/// one can do without. When something failed the run is lost, and nothing goes on.
fn is_absent(run: &Run, planned: &PlannedStep, upstream: &StepName, record: &StepRecord) -> bool {
    let failed = || run.steps.values().any(|r| matches!(r.state, StepState::Failed { .. }));
    matches!(record.state, StepState::Skipped { .. }) && planned.can_do_without(upstream) && !failed()
}

#[expect(clippy::too_many_arguments, reason = "the whole of one attempt's end, used once")]
fn failure(
    name: &StepName,
    planned: &PlannedStep,
    (attempt, record): (u32, &StepRecord),
    exit: &Exit,
    at: Micros,
    deadline: Micros,
    cancelled: Option<&str>,
    now: Micros,
) -> RunEvent {
    let timed_out = exit.is_timeout(at, deadline);
    let (reason, permanent) = match cancelled {
        Some(by) => (sentence::run_cancelled(by), true),
        None if timed_out => (sentence::step_timed_out(name, planned.timeout_seconds), false),
        None => sentence::step_ended(name, exit, planned.memory_bytes),
    };
    let interruptions = record.interruptions + 1;
    // Each trouble has a budget of its own: many interruptions leave no full disk without patience.
    let earlier = record.infrastructure_failures.saturating_sub(record.interruptions);
    let wait = if permanent {
        None
    } else {
        match exit {
            // A step's own attempts are none of these, and the other way round.
            Exit::ImageGone { .. } => IMAGE_GONE.wait_after(earlier + 1),
            _ if exit.is_full_disk() => {
                let patience = FULL_DISK.wait_after(earlier + 1);
                planned.retry.wait_after(earlier + 1).or(patience)
            }
            _ if exit.is_interruption() => INTERRUPTED.wait_after(interruptions),
            _ => planned
                .retry
                .wait_after(attempt.saturating_sub(record.infrastructure_failures)),
        }
    };
    let given_up = wait.is_none() && !permanent && exit.is_interruption();
    let reason = match given_up {
        true => sentence::interrupted_too_often(&reason, interruptions),
        false => reason,
    };
    let retry_at = wait.map(|seconds| Micros(now.0.saturating_add((seconds * 1e6) as i64)));
    RunEvent::StepFailed {
        step: name.clone(),
        attempt,
        reason,
        retry_at,
    }
}

fn decide_end(run: &Run) -> Decision {
    // A cancel that comes after the push comes too late: the model serves.
    let served = matches!(run.push, PushState::Pushed { .. });
    if let Some(by) = run.cancel_requested.as_ref().filter(|_| !served) {
        // It may have begun before a crash: then it is looked whether it serves, and nothing new is begun.
        if run.wants_push() && matches!(run.push, PushState::Pending) {
            return Decision::Perform(Command::Push);
        }
        return Decision::Record(finished(run, RunState::Cancelled, sentence::run_cancelled(by)));
    }
    let failed = run.steps.iter().find_map(|(name, record)| match &record.state {
        StepState::Failed { reason, .. } => Some((name, reason)),
        _ => None,
    });
    if let Some((step, reason)) = failed {
        return Decision::Record(finished(run, RunState::Failed, sentence::step_failed(step, reason)));
    }
    // Steps are in the plan's order: the first one skipped is why the others were.
    let skipped = run.steps.iter().find_map(|(name, record)| match &record.state {
        StepState::Skipped { cause } if !run.spares(name) => Some(cause),
        _ => None,
    });
    if let Some(cause) = skipped {
        return Decision::Record(finished(run, RunState::Succeeded, sentence::run_skipped(cause)));
    }
    if run.request.plan.gate.is_some() && run.verdict.is_none() {
        return Decision::Perform(Command::Judge);
    }
    if run.wants_push() {
        match &run.push {
            PushState::Pending => return Decision::Perform(Command::Push),
            PushState::Failed { reason } => {
                return Decision::Record(finished(run, RunState::Failed, reason.clone()));
            }
            PushState::Pushed { .. } | PushState::Withheld { .. } => {}
        }
    }
    Decision::Record(finished(run, RunState::Succeeded, sentence::run_succeeded(run)))
}

/// What follows from a person's word on a run that waits: everything that is stored with it.
pub fn answered(run: &Run, answer: Answer, word: &Word, at: Micros) -> Vec<RunEvent> {
    match (answer, run.approval_seconds) {
        (Answer::Approve, _) => vec![RunEvent::Approved { word: word.clone() }],
        (Answer::Reject, None) => {
            let end = finished(run, RunState::Cancelled, sentence::fork_rejected(word));
            vec![RunEvent::Rejected { word: word.clone() }, end]
        }
        (Answer::Reject, Some(_)) => kept_back(
            run,
            Withheld::Rejected {
                by: word.by.clone(),
                account: word.account,
                at,
                reason: word.reason.clone(),
            },
        ),
    }
}

/// The end of a run whose approved model waited for a person, and is not pushed.
pub fn kept_back(run: &Run, because: Withheld) -> Vec<RunEvent> {
    let withheld = RunEvent::PushWithheld { because };
    let mut next = run.clone();
    next.apply(&withheld, run.request.created_at);
    let end = finished(&next, RunState::Succeeded, sentence::run_succeeded(&next));
    vec![withheld, end]
}

/// What ends a run to which something happened that cannot: every step at work is given up, then the run
/// fails for `reason`. All of these events apply to a run that is not over.
pub fn give_up(run: &Run, reason: &str) -> Vec<RunEvent> {
    let mut events = Vec::new();
    for (step, record) in &run.steps {
        let (StepState::Running { attempt, .. } | StepState::Ended { attempt, .. }) = record.state else {
            continue;
        };
        if matches!(record.state, StepState::Running { .. }) {
            events.push(RunEvent::StepEnded {
                step: step.clone(),
                attempt,
                exit: Exit::Lost { reason: None },
                last_lines: Vec::new(),
                drifted: None,
            });
        }
        events.push(RunEvent::StepFailed {
            step: step.clone(),
            attempt,
            reason: reason.to_owned(),
            retry_at: None,
        });
    }
    events.push(finished(run, RunState::Failed, reason.to_owned()));
    events
}

/// The end of a run, with the numbers that listings show.
pub fn finished(run: &Run, state: RunState, summary: String) -> RunEvent {
    let mut metrics = Map::new();
    if let Some(verdict) = &run.verdict {
        for row in verdict.comparisons().iter().filter(|row| row.is_overall()) {
            metrics.insert(
                row.metric.clone(),
                serde_json::json!({"candidate": row.candidate, "baseline": row.baseline}),
            );
        }
        let blessed = verdict.blessing() == Blessing::Blessed;
        metrics.insert("blessed".to_owned(), Value::Bool(blessed));
        if let Some(because) = run.kept_back() {
            metrics.insert("not_pushed".to_owned(), Value::from(because.word()));
        }
    }
    RunEvent::Finished {
        state,
        summary,
        metrics,
    }
}
