//! What a command does: one file for each, small, and safe to repeat after a crash.

mod build;
mod drive;
pub(crate) mod execute;
pub(crate) mod judge;
mod publish;
pub(crate) mod push;
mod start;

use crate::house::context::Context;
use crate::house::error::EffectError;
use crate::run::outcome::Outcome;
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::run::{Command, Run, RunEvent, RunState, decide::finished};
use trainyard_store::{EndState, ExecutionIdentity, MetadataWrite, StartExecution};

/// Performs one command on the run as it was when the command was decided.
pub(crate) async fn perform(
    context: &Context,
    run: &Run,
    command: &Command,
    now: Micros,
) -> Result<Outcome, EffectError> {
    let in_use = match command {
        Command::Start | Command::Drive { .. } | Command::Publish { .. } | Command::Judge => {
            Some(context.collecting.hold_off().await.map_err(EffectError::again)?)
        }
        // What these use belongs to a run that is not over.
        Command::BuildImage { .. } | Command::Execute { .. } | Command::Stop { .. } | Command::Push => None,
    };
    let outcome = attempt(context, run, command, now).await?;
    Ok(Outcome { in_use, ..outcome })
}

async fn attempt(context: &Context, run: &Run, command: &Command, now: Micros) -> Result<Outcome, EffectError> {
    match command {
        Command::Start => start::start(context, run).await,
        Command::BuildImage { image } => build::build_image(context, run, image).await,
        Command::Drive { step, attempt } => drive::drive(context, run, step, *attempt, now).await,
        Command::Execute { step, attempt } => execute::execute(context, run, step, *attempt).await,
        Command::Stop { step, attempt } => execute::stop(context, run, step, *attempt).await,
        Command::Publish { step, attempt } => publish::publish(context, run, step, *attempt, now).await,
        Command::Judge => judge::judge(context, run, now).await,
        Command::Push => push::push(context, run, now).await,
    }
}

/// MLMD's execution of a step, or of the gate or the push.
pub(crate) fn execution(run: &Run, step: &StepName, component: &str) -> ExecutionIdentity {
    ExecutionIdentity {
        run: run.request.id.clone(),
        pipeline: run.request.plan.pipeline.clone(),
        step: step.clone(),
        component: component.to_owned(),
    }
}

/// A FAILED execution with what it read.
pub(crate) fn failed(
    identity: ExecutionIdentity,
    inputs: BTreeMap<String, ArtifactRef>,
    reason: &str,
    at: Micros,
) -> Vec<MetadataWrite> {
    let start = StartExecution {
        identity: identity.clone(),
        inputs,
        properties: serde_json::Map::new(),
        at,
    };
    let end = MetadataWrite::End {
        identity,
        state: EndState::Failed,
        reason: reason.to_owned(),
        at,
    };
    vec![MetadataWrite::StartExecution(start), end]
}

/// What a broken command leads to.
pub(crate) fn broken(run: &Run, command: &Command, reason: String, now: Micros) -> Outcome {
    let metadata = match command {
        Command::Judge => failed(judge::identity(run), judge::inputs(run), &reason, now),
        Command::Push => failed(push::identity(run), push::inputs(run, None), &reason, now),
        _ => Vec::new(),
    };
    let event = match command {
        Command::Start | Command::Judge => finished(run, RunState::Failed, reason),
        Command::BuildImage { image } => RunEvent::ImageFailed {
            image: image.clone(),
            reason,
            last_lines: Vec::new(),
        },
        Command::Drive { step, attempt } => RunEvent::StepFailed {
            step: step.clone(),
            attempt: attempt - 1,
            reason,
            retry_at: None,
        },
        Command::Execute { step, attempt } | Command::Stop { step, attempt } => RunEvent::StepEnded {
            step: step.clone(),
            attempt: *attempt,
            exit: trainyard_core::run::Exit::NotStarted {
                reason,
                permanent: true,
            },
        },
        Command::Publish { step, attempt } => RunEvent::StepFailed {
            step: step.clone(),
            attempt: *attempt,
            reason,
            retry_at: None,
        },
        Command::Push => RunEvent::PushFailed { reason },
    };
    Outcome {
        metadata,
        ..Outcome::event(event)
    }
}
