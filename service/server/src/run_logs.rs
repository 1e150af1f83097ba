//! The logs of a run's steps and images. File names come from the run's plan, never from a request.

mod event_files;
mod reported;
mod window;

pub use reported::{Reported, StepReport};
pub use window::Window;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use trainyard_core::node::NodeId;
use trainyard_core::run::{Run, StepState};
use trainyard_engine::Folders;

/// Why there is no log; one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoLog(String);

/// A log: the file, and before it the part that was rotated away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    path: PathBuf,
}

/// Finds the log of a step (its newest attempt, or `attempt`), or of an image as `build-<image>`.
pub fn find(folders: &Folders, run: &Run, name: &str, attempt: Option<u32>) -> Result<LogFile, NoLog> {
    let id = &run.request.id;
    if let Some((step, record)) = run.steps.get_key_value(name) {
        let newest = newest_attempt(&record.state);
        let Some(attempt) = attempt.or(newest) else {
            return Err(NoLog(not_started(name, &record.state)));
        };
        return existing(
            folders.attempt_log(id, &NodeId::step(step), attempt),
            &format!("attempt {attempt} of step '{name}'"),
        );
    }
    if let Some((image, _)) = name
        .strip_prefix("build-")
        .and_then(|image| run.images.get_key_value(image))
    {
        return existing(folders.build_log(id, image), &format!("the build of image '{image}'"));
    }
    let steps = run.steps.keys().map(ToString::to_string);
    let images = run.images.keys().map(|image| format!("build-{image}"));
    let known: Vec<String> = steps.chain(images).collect();
    Err(NoLog(format!(
        "run {id} has no step '{name}': it has logs of {}",
        known.join(", ")
    )))
}

fn existing(path: PathBuf, what: &str) -> Result<LogFile, NoLog> {
    if path.exists() {
        Ok(LogFile { path })
    } else {
        Err(NoLog(format!(
            "{what} has no log: nothing was written, or the log was removed"
        )))
    }
}

/// The attempt a step is at, from 1; none before it starts.
pub fn newest_attempt(state: &StepState) -> Option<u32> {
    match state {
        StepState::Running { attempt, .. }
        | StepState::Ended { attempt, .. }
        | StepState::Waiting { attempt, .. }
        | StepState::Succeeded { attempt }
        | StepState::Failed { attempt, .. }
        | StepState::Cancelled { attempt, .. } => (*attempt > 0).then_some(*attempt),
        StepState::Pending | StepState::Cached | StepState::Skipped { .. } => None,
    }
}

fn not_started(name: &str, state: &StepState) -> String {
    let never = |why: &str| format!("step '{name}' has no log, because it never started: {why}");
    match state {
        StepState::Cached => format!("step '{name}' has no log: an earlier execution stood in, see `trainyard why`"),
        StepState::Skipped { cause } => never(&cause.sentence()),
        StepState::Failed { reason, .. } | StepState::Cancelled { reason, .. } => never(reason),
        _ => format!("step '{name}' has no log yet: it has not started"),
    }
}

impl LogFile {
    /// The file that grows.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The part before it, which is there once the file grew too large.
    pub fn rotated(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".1");
        name.into()
    }

    /// The last `bytes` of it, the rotated part included; cut at a line where possible.
    pub fn tail(&self, bytes: u64) -> io::Result<Vec<u8>> {
        let length = std::fs::metadata(&self.path)?.len();
        let end = tail_of(&self.path, bytes)?;
        let rotated = self.rotated();
        if length >= bytes || !rotated.exists() {
            return Ok(end);
        }
        let mut whole = tail_of(&rotated, bytes - length)?;
        whole.extend(end);
        Ok(whole)
    }
}

fn tail_of(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(bytes);
    file.seek(SeekFrom::Start(start))?;
    let mut read = Vec::new();
    file.take(bytes).read_to_end(&mut read)?;
    if start > 0
        && let Some(line_end) = read
            .iter()
            .position(|byte| *byte == b'\n')
            .filter(|at| at + 1 < read.len())
    {
        read.drain(..=line_end);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_whole_lines_across_the_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.1.log");
        std::fs::write(&path, "four\nfive\n").unwrap();
        std::fs::write(folder.path().join("train.1.log.1"), "one\ntwo\nthree\n").unwrap();
        let log = LogFile { path };
        let tail = |bytes| String::from_utf8(log.tail(bytes).unwrap()).unwrap();
        assert_eq!(tail(1000), "one\ntwo\nthree\nfour\nfive\n");
        assert_eq!(tail(18), "three\nfour\nfive\n");
        assert_eq!(tail(7), "five\n");
        assert_eq!(tail(0), "");
    }
}
