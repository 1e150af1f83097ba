//! What a crash left behind: programs and folders of attempts that are settled.

use crate::content::artifacts::remove_tree;
use crate::content::remove_folders;
use crate::run::Runs;
use std::fs;
use std::path::Path;
use std::time::Duration;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeKind;
use trainyard_core::run::{Run, StepState};
use trainyard_executors::{AttemptKey, Executor};
use trainyard_store::StoreError;

/// Nobody works on a hidden folder for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Removes leftovers once, at the start. A failure is only logged: nothing depends on it.
pub(crate) async fn clear(runs: &Runs) {
    match runs.programs.executor.list().await {
        Ok(keys) => {
            for key in keys {
                if let Err(error) = clear_program(runs, &key).await {
                    tracing::warn!(%key, %error, "a leftover program was not removed");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "leftover programs cannot be listed"),
    }
    for folder in ["work", "checkouts"] {
        if let Err(error) = clear_folders(runs, &runs.folders.root().join(folder)).await {
            tracing::warn!(%error, folder, "leftover folders were not removed");
        }
    }
}

/// Removes what is left of a run that is over: an attempt whose end was stored without the service hearing that it
/// was, or that could not be removed then. The next start does what this cannot.
pub(crate) async fn clear_run(runs: &Runs, run: &RunId) {
    let keys = match runs.programs.executor.list().await {
        Ok(keys) => keys,
        Err(error) => return tracing::debug!(%run, %error, "leftover programs cannot be listed"),
    };
    for key in keys.iter().filter(|key| key.run == *run) {
        if let Err(error) = clear_program(runs, key).await {
            tracing::warn!(%key, %error, "a leftover program was not removed");
        }
    }
}

async fn clear_program(runs: &Runs, key: &AttemptKey) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let wanted = match runs.store.load_run(&key.run).await {
        Ok(run) => still_wanted(&run, key),
        Err(StoreError::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    if !wanted {
        runs.programs.stop(key, Duration::ZERO).await?;
        runs.programs.remove(key).await?;
        tracing::info!(%key, "removed a leftover program");
    }
    Ok(())
}

fn still_wanted(run: &Run, key: &AttemptKey) -> bool {
    // A run that is not over removes its throw-away server itself.
    if key.node.kind() == NodeKind::InfraValidation {
        return !run.state.is_final();
    }
    !run.state.is_final()
        && key
            .node
            .as_step()
            .and_then(|step| run.steps.get(&step))
            .is_some_and(|record| match &record.state {
                StepState::Running { attempt, .. } | StepState::Ended { attempt, .. } => *attempt == key.attempt,
                _ => false,
            })
}

async fn clear_folders(runs: &Runs, folder: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
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
        let over = match runs.store.run_row(id.as_str()).await? {
            Some(row) => row.state.is_final(),
            None => true,
        };
        if over {
            remove_folders(vec![entry.path()]).await?;
        }
    }
    Ok(())
}
