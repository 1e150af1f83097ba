//! What every executor promises.

use super::error::ExecutorError;
use super::hidden::Hidden;
use super::log::{LogMark, LogStream};
use super::program::{AttemptKey, Input, Program};
use std::future::Future;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::gpu::Gpus;

/// Why a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramExit {
    /// With this code: its own, or 128 and a signal's number as its parent wrote it. Nobody can tell these apart.
    Code(i32),
    /// Killed for using more memory than allowed.
    OutOfMemory,
    /// Ended by a signal that did not come from us, where the engine says so.
    Signal(i32),
    /// Nobody saw how: its engine, or its machine, was restarted meanwhile.
    Unseen,
    /// By what runs it, for reasons of its own; a sentence without a subject.
    Interrupted(String),
}

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The executor knows nothing under this key: never started, or removed.
    Unknown,
    /// Created and perhaps running.
    Running,
    /// Ended; stays so until [`Executor::remove`].
    Ended(ProgramExit),
}

/// Runs programs by key.
///
/// Every method may be called concurrently for different keys, and again after any crash.
pub trait Executor: Send + Sync {
    /// Whether programs can be started now; the error says what to do.
    fn probe(&self) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Where the program of this attempt sees an input: at its target, unless it runs on this machine itself.
    fn input_path(&self, key: &AttemptKey, input: &Input) -> PathBuf;

    /// Where the program makes its outputs: at [`Program::outputs`], unless it runs on this machine itself.
    fn output_path(&self, key: &AttemptKey, outputs: &Path) -> PathBuf;

    /// Keeps GPUs for a program that is about to be started, or [`ExecutorError::NoGpu`]. Who does not start it needs to
    /// do nothing. Executors whose engine has a queue of its own keep none.
    fn reserve(&self, _key: &AttemptKey, _gpus: &Gpus) -> impl Future<Output = Result<(), ExecutorError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Brings the inputs to the program and starts it, unless one with this key exists already, in whatever
    /// state: then nothing happens. Safe to repeat after a crash between any two of its own steps (a
    /// container that was created but not started gets started). [`ExecutorError::Refused`] if an input's
    /// content is not there.
    fn start(&self, key: &AttemptKey, program: &Program) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Moves a file or folder of this machine into a [`InputContent::Later`](super::InputContent::Later) input of a program that was started:
    /// `/models/line` is then in `/models`, at once and whole.
    fn show(
        &self,
        key: &AttemptKey,
        source: &Path,
        target: &Path,
    ) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// What became of the program; [`ExecutorError::Refused`] if it turned out that its command cannot
    /// be executed.
    fn observe(&self, key: &AttemptKey) -> impl Future<Output = Result<Observation, ExecutorError>> + Send;

    /// Returns when [`Executor::observe`] may have something new to say, at the latest after
    /// `at_most`. A hint only: it may return early, and an error is treated as "look again".
    fn settled(&self, key: &AttemptKey, at_most: Duration) -> impl Future<Output = ()> + Send;

    /// What must not be shown of what the program writes about itself. Its [log](Executor::logs) is without it already.
    fn hidden(&self, key: &AttemptKey) -> Hidden;

    /// What the program said after `from`, without its secrets. Without `follow` that is all there is now: everything, of a
    /// program that has ended. With it the stream goes on with what the program says, mostly until its end.
    /// Nobody has said anything under an unknown key.
    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream;

    /// The folder on this machine with what the ended program made, brought here if need be. Its content may
    /// be moved away. It is there until [`Executor::remove`], and so is the folder around it, in which the
    /// caller may keep notes of its own.
    fn outputs(&self, key: &AttemptKey) -> impl Future<Output = Result<PathBuf, ExecutorError>> + Send;

    /// Asks the program to end (SIGTERM), and kills it after `grace`. Returns once it has ended.
    /// Stopping an ended or unknown program is not an error, and one that was made and never ran
    /// never will.
    fn stop(&self, key: &AttemptKey, grace: Duration) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Forgets a program and frees what it holds, inputs, secrets, outputs and output; one that still runs is killed.
    /// Unknown keys are not an error.
    fn remove(&self, key: &AttemptKey) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Where a running program is reached through [`Network::Bridge`](super::Network::Bridge), for example a model server;
    /// `None` if it has no address of its own: it has ended, has no network, or is not isolated.
    fn address(&self, key: &AttemptKey) -> impl Future<Output = Result<Option<IpAddr>, ExecutorError>> + Send;

    /// Every program of this owner (one Trainyard instance), in whatever state, and what was laid out with secrets for
    /// one that is not there.
    fn list(&self) -> impl Future<Output = Result<Vec<AttemptKey>, ExecutorError>> + Send;
}
