//! Programs as process groups, by the places they are kept in.

use super::end::Ends;
use super::place::{BEGIN, begun, has_begun, note_stop, observation, running};
use super::{output, wrapper};
use crate::contract::*;
use crate::staging::Staging;
use rustix::process::{Signal, kill_process_group};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// A killed program ends within this time.
const KILLED: Duration = Duration::from_secs(10);

/// Runs programs as process groups of their own. Cheap to clone.
#[derive(Clone)]
pub struct ProcessExecutor {
    folder: PathBuf,
    staging: Staging,
    ends: Ends,
}

impl ProcessExecutor {
    /// `folder` keeps one small folder for each program until it is removed.
    pub fn open(folder: PathBuf, staging: Staging) -> Result<Self, ExecutorError> {
        fs::create_dir_all(&folder).map_err(|error| ExecutorError::unwritten(&folder, error))?;
        Ok(Self {
            folder,
            staging,
            ends: Ends::default(),
        })
    }

    fn place(&self, key: &AttemptKey) -> PathBuf {
        self.folder.join(key.folder())
    }
}

impl Executor for ProcessExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        let file = self.folder.join("probe");
        fs::write(&file, b"")
            .and_then(|()| fs::remove_file(&file))
            .map_err(|error| ExecutorError::unwritten(&file, error))
    }

    fn input_path(&self, key: &AttemptKey, input: &Input) -> PathBuf {
        self.staging.input(key, input)
    }

    fn output_path(&self, key: &AttemptKey, _outputs: &Path) -> PathBuf {
        self.staging.outputs(key)
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let place = self.place(key);
        if has_begun(&place) {
            return Ok(());
        }
        self.staging.lay_out(key, program, None).await?;
        fs::create_dir_all(&place).map_err(|error| ExecutorError::unwritten(&place, error))?;
        wrapper::spawn(&place, program, &self.staging.secrets(key))?;
        if begun(&place).await {
            return Ok(());
        }
        let message = format!("'{}' did not begin within {}s", program.command[0], BEGIN.as_secs());
        Err(ExecutorError::Failed { message, source: None })
    }

    async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        self.staging.show(key, source, target)
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        Ok(observation(&self.place(key)))
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let place = self.place(key);
        let _ = timeout(at_most, self.ends.wait(&place)).await;
    }

    fn hidden(&self, key: &AttemptKey) -> Hidden {
        self.staging.hidden(key)
    }

    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream {
        let (place, ends) = (self.place(key), self.ends.clone());
        let said = stream_of(move |listener| output::read(place, ends, from, follow, listener));
        self.staging.without_secrets(key, said, follow)
    }

    async fn outputs(&self, key: &AttemptKey) -> Result<PathBuf, ExecutorError> {
        Ok(self.staging.outputs(key))
    }

    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        self.staging.abandon(key);
        let place = self.place(key);
        if place.join("claim").exists() {
            begun(&place).await;
        }
        for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, KILLED)] {
            if observation(&place) != Observation::Running {
                return Ok(());
            }
            note_stop(&place);
            // The whole group: the wrapper and whatever the program started.
            if let Some(group) = running(&place) {
                let _ = kill_process_group(group, signal);
            }
            self.settled(key, patience).await;
        }
        match observation(&place) {
            Observation::Running => Err(ExecutorError::Failed {
                message: format!(
                    "'{}' does not end, not even by SIGKILL: look for it with `ps`",
                    key.node
                ),
                source: None,
            }),
            _ => Ok(()),
        }
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.stop(key, Duration::ZERO).await?;
        match fs::remove_dir_all(self.place(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ExecutorError::unwritten(&self.place(key), error));
            }
            _ => {}
        }
        self.staging.remove(key).await
    }

    async fn address(&self, _key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| ExecutorError::unwritten(&self.folder, error))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let there = names.filter_map(|name| AttemptKey::of_folder(&name));
        Ok(self.staging.and_with_secrets(there))
    }
}
