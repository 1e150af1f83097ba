//! What runs programs, and what they said.

use super::crash::{Effect, passing};
use super::folders::Folders;
use super::log_end::log_end;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::node::NodeKind;
use trainyard_executors::{AnyExecutor, AttemptKey, Executor, ExecutorError, LogSink, Program};

/// An executor whose programs leave their logs in the data folder.
#[derive(Clone)]
pub(crate) struct Programs {
    pub(crate) executor: AnyExecutor,
    logs: LogSink,
    folders: Folders,
}

impl Programs {
    pub(crate) fn new(executor: AnyExecutor, folders: Folders) -> Self {
        Self {
            logs: LogSink::new(executor.clone()),
            executor,
            folders,
        }
    }

    fn log(&self, key: &AttemptKey) -> PathBuf {
        self.folders.attempt_log(&key.run, &key.node, key.attempt)
    }

    /// Starts a program, or finds it again, and goes on with its log.
    pub(crate) async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let effect = of(key, Effect::StartProgram, Effect::StartTrial);
        passing(effect, self.executor.start(key, program)).await?;
        self.logs.follow(key, &self.log(key));
        Ok(())
    }

    /// Makes a program end.
    pub(crate) async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        let effect = of(key, Effect::StopProgram, Effect::StopTrial);
        passing(effect, self.executor.stop(key, grace)).await
    }

    /// Moves a folder into the sight of a program that was started without it.
    pub(crate) async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        passing(Effect::ShowTrial, self.executor.show(key, source, target)).await
    }

    /// Makes sure that the log of an ended program is complete.
    pub(crate) async fn complete_log(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.logs.complete(key, &self.log(key)).await
    }

    /// The end of its log; empty if it has none.
    pub(crate) async fn said(&self, key: &AttemptKey) -> String {
        let log = self.log(key);
        let read = trainyard_executors::apart(move || log_end(&log)).await;
        read.unwrap_or_default()
    }

    /// Frees everything of a program but its log.
    pub(crate) async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        let effect = of(key, Effect::RemoveProgram, Effect::RemoveTrial);
        passing(effect, self.executor.remove(key)).await?;
        self.logs.forget(key, &self.log(key)).await;
        Ok(())
    }
}

/// What is done to a step's program, or to a throw-away server.
fn of(key: &AttemptKey, program: Effect, trial: Effect) -> Effect {
    match key.node.kind() {
        NodeKind::InfraValidation => trial,
        _ => program,
    }
}
