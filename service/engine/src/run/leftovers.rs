//! What a crash left behind: programs and folders of attempts that are settled, half a push.

use crate::content::artifacts::remove_tree;
use crate::house::context::Context;
use crate::registry::infra_validation::STEP;
use crate::registry::rollback;
use crate::serving::{Target, kept, served};
use std::fs;
use std::path::Path;
use std::time::Duration;
use trainyard_core::ids::RunId;
use trainyard_core::run::{Run, StepState};
use trainyard_executors::{AttemptKey, Executor};
use trainyard_store::StoreError;

/// Nobody works on a hidden folder for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Removes leftovers once, at the start. A failure is only logged: nothing depends on it.
pub(crate) async fn collect(context: &Context) {
    match context.executor.list().await {
        Ok(keys) => {
            for key in keys {
                if let Err(error) = collect_program(context, &key).await {
                    tracing::warn!(%key, %error, "a leftover program was not removed");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "leftover programs cannot be listed"),
    }
    for name in context.config.targets.keys() {
        if let Err(error) = settle_target(context, name).await {
            tracing::warn!(target = name, %error, "a push target may not serve what the ledger says");
        }
    }
    for folder in ["work", "checkouts"] {
        if let Err(error) = collect_folders(context, &context.folders.root().join(folder)).await {
            tracing::warn!(%error, folder, "leftover folders were not removed");
        }
    }
}

async fn collect_program(context: &Context, key: &AttemptKey) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let wanted = match context.store.load_run(&key.run).await {
        Ok(run) => still_wanted(&run, key),
        Err(StoreError::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    if !wanted {
        context.executor.stop(key, Duration::ZERO).await?;
        context.executor.remove(key).await?;
        tracing::info!(%key, "removed a leftover program");
    }
    Ok(())
}

/// A push or rollback that was cut off leaves the server with something the ledger does not know.
async fn settle_target(context: &Context, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(config) = context.config.targets.get(name) else {
        return Ok(());
    };
    let _alone = context.pushing.hold().await?;
    let ledger = rollback::ledger(context, name).await?;
    let stack = served(&ledger);
    let current = stack.last().map(|entry| (&entry.model, entry.version.as_str()));
    let target = Target::new(&context.http, name, config);
    if target.settle(&kept(&stack), current).await? {
        tracing::info!(target = name, "the push target serves what the ledger says again");
    }
    Ok(())
}

fn still_wanted(run: &Run, key: &AttemptKey) -> bool {
    // A run that is not over removes its throw-away server itself.
    if key.step.as_str() == STEP {
        return !run.state.is_final();
    }
    !run.state.is_final()
        && run.steps.get(&key.step).is_some_and(|record| match &record.state {
            StepState::Running { attempt, .. } | StepState::Ended { attempt, .. } => *attempt == key.attempt,
            _ => false,
        })
}

async fn collect_folders(context: &Context, folder: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What is hidden is being made, here or by another process, unless it is very old.
        if name.starts_with('.') {
            if entry.metadata()?.modified()?.elapsed().unwrap_or_default() > ABANDONED {
                remove_tree(&entry.path())?;
            }
            continue;
        }
        let id = RunId::new(name);
        let over = match context.store.run_row(id.as_str()).await? {
            Some(row) => row.state.is_final(),
            None => true,
        };
        if over {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
