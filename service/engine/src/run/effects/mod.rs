//! What a command does: one file for each, small, and safe to repeat after a crash.

mod build;
mod drive;
mod execute;
mod forecast;
mod judge;
mod publish;
pub(in crate::run) mod push;
mod room;
mod start;

use crate::content::artifacts::remove_tree;
use crate::house::error::EffectError;
use crate::run::Runs;
use crate::run::first_byte::FirstByte;
use crate::run::outcome::{Outcome, failed_execution};
use drive::Driver;
use execute::Executing;
use forecast::Forecaster;
use trainyard_core::ids::Micros;
use trainyard_core::run::{Command, Run, RunEvent, RunState, decide::finished};

/// Performs one command on the run as it was when the command was decided.
pub(crate) async fn perform(
    runs: &Runs,
    run: &Run,
    command: &Command,
    now: Micros,
    first_byte: &FirstByte,
) -> Result<Outcome, EffectError> {
    let in_use = match command {
        Command::Start | Command::Drive { .. } | Command::Publish { .. } | Command::Judge => {
            Some(runs.content.hold_off().await.map_err(EffectError::again)?)
        }
        // What these use belongs to a run that is not over.
        Command::BuildImage { .. } | Command::Execute { .. } | Command::Stop { .. } | Command::Push => None,
    };
    let _hand = match command {
        Command::Execute { .. } | Command::Stop { .. } => None,
        _ => Some(runs.hands.take(&run.request.id)),
    };
    let outcome = attempt(runs, run, command, now, first_byte).await?;
    Ok(Outcome { in_use, ..outcome })
}

async fn attempt(
    runs: &Runs,
    run: &Run,
    command: &Command,
    now: Micros,
    first_byte: &FirstByte,
) -> Result<Outcome, EffectError> {
    let Runs {
        store,
        source,
        content,
        images,
        programs,
        secrets,
        registry,
        folders,
        external,
        limits,
        hands,
        ..
    } = runs;
    // Each on the heap by itself: while a program runs, its task is no larger than what watches it.
    match command {
        Command::Start => {
            let driver = Driver {
                store,
                source,
                content,
                images,
                external,
                executor: &programs.executor,
            };
            // Only where somebody is told of it.
            let told = runs.audience.github && run.request.repo.is_some();
            let forecaster = Forecaster {
                driver,
                folders,
                at_once: runs.max_parallel_steps,
                imagined: false,
            };
            Box::pin(start::start(registry, told.then_some(&forecaster), run)).await
        }
        Command::BuildImage { image } => Box::pin(build::build_image(source, images, folders, run, image)).await,
        Command::Drive { step, attempt } => {
            let driver = Driver {
                store,
                source,
                content,
                images,
                external,
                executor: &programs.executor,
            };
            Box::pin(driver.drive(run, step, *attempt, now)).await
        }
        Command::Execute { step, attempt } => {
            let executing = Executing {
                programs,
                secrets,
                folders,
                external,
                limits,
                hands,
            };
            Box::pin(executing.execute(run, step, *attempt)).await
        }
        Command::Stop { step, attempt } => Box::pin(execute::stop(programs, run, step, *attempt)).await,
        Command::Publish { step, attempt } => {
            Box::pin(publish::publish(programs, content, external, run, step, *attempt, now)).await
        }
        Command::Judge => Box::pin(judge::judge(store, content, folders, run, now)).await,
        Command::Push => Box::pin(push::push(registry, run, now, first_byte)).await,
    }
}

/// What a run would do that nobody asked for yet, all of it looked up; nothing is stored but files that steps read.
pub(crate) async fn imagine(runs: &Runs, mut run: Run) -> Result<Run, EffectError> {
    let _in_use = runs.content.hold_off().await.map_err(EffectError::again)?;
    run.baseline = Some(start::baseline(&runs.registry, &run).await?);
    let forecaster = Forecaster {
        driver: Driver {
            store: &runs.store,
            source: &runs.source,
            content: &runs.content,
            images: &runs.images,
            external: &runs.external,
            executor: &runs.programs.executor,
        },
        folders: &runs.folders,
        at_once: runs.max_parallel_steps,
        imagined: true,
    };
    run.forecast = Some(forecaster.forecast(&run).await);
    // Where files of the work tree were laid out on their way into the content.
    let _ = remove_tree(&runs.folders.work(&run.request.id));
    Ok(run)
}

/// What a broken command leads to.
pub(crate) fn broken(run: &Run, command: &Command, reason: String, now: Micros) -> Outcome {
    let metadata = match command {
        Command::Judge => failed_execution(judge::identity(run), judge::inputs(run), &reason, now),
        Command::Push => failed_execution(push::identity(run), push::inputs(run, None), &reason, now),
        _ => Vec::new(),
    };
    let event = match command {
        Command::Start | Command::Judge => finished(run, RunState::Failed, reason),
        Command::BuildImage { image } => RunEvent::ImageFailed {
            image: image.clone(),
            reason,
            last_lines: Vec::new(),
            line: None,
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
            last_lines: Vec::new(),
            drifted: None,
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
