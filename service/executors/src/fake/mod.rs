//! A scripted executor and image builder for tests of everything above them. They keep the same
//! contract as the real ones, and the conformance suite checks that.

mod images;

pub use images::FakeImages;

use crate::contract::*;
use crate::gpus::GpuPool;
use crate::staging::Staging;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use trainyard_core::gpu::Gpus;

/// What one attempt does.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Files written below the outputs folder at the end, by relative path.
    pub writes: BTreeMap<String, Vec<u8>>,
    /// The exit code; 0 if absent, 128 and more for a signal.
    pub code: i32,
    /// What it writes to its log.
    pub log: String,
    /// It runs until [`FakeExecutor::finish`] or a stop.
    pub hangs: bool,
    /// It does not end by SIGTERM.
    pub ignores_sigterm: bool,
    /// It is killed for its memory.
    pub out_of_memory: bool,
    /// It cannot be started, for this reason.
    pub refused: Option<String>,
    /// Its image is gone.
    pub image_gone: bool,
    /// Where it is reached while it runs.
    pub address: Option<IpAddr>,
}

impl Script {
    /// Writes one file and ends well.
    pub fn writes(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            writes: BTreeMap::from([(path.to_owned(), content.into())]),
            ..Self::default()
        }
    }

    /// Another file.
    pub fn and(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.writes.insert(path.to_owned(), content.into());
        self
    }

    /// Ends with a code after a line of log.
    pub fn exits(code: i32, log: &str) -> Self {
        Self {
            code,
            log: format!("{log}\n"),
            ..Self::default()
        }
    }

    /// Runs until it is told to end.
    pub fn hanging(mut self) -> Self {
        self.hangs = true;
        self
    }
}

struct Started {
    program: Program,
    script: Script,
    outputs: PathBuf,
    gpus: Vec<String>,
    state: Observation,
}

type Choose = Box<dyn Fn(&AttemptKey, &Program) -> Script + Send>;

#[derive(Default)]
struct Inner {
    choose: Option<Choose>,
    programs: HashMap<AttemptKey, Started>,
    starts: Vec<AttemptKey>,
    unreachable: u32,
}

/// Runs scripts, which see this machine's paths. Clones share everything, so a clone is what a
/// restarted service finds.
#[derive(Clone)]
pub struct FakeExecutor {
    staging: Staging,
    gpus: GpuPool,
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
}

impl FakeExecutor {
    /// Attempts end well and do nothing.
    pub fn new(staging: Staging) -> Self {
        Self {
            staging,
            gpus: GpuPool::default(),
            inner: Arc::default(),
            changed: Arc::default(),
        }
    }

    /// Attempts do what `choose` says; their inputs are there when it is asked.
    pub fn scripted(staging: Staging, choose: impl Fn(&AttemptKey, &Program) -> Script + Send + 'static) -> Self {
        let fake = Self::new(staging);
        fake.lock().choose = Some(Box::new(choose));
        fake
    }

    /// A machine with these GPUs.
    #[must_use]
    pub fn with_gpus(self, named: &[String]) -> Self {
        let gpus = GpuPool::of_this_machine(Some(named));
        Self { gpus, ..self }
    }

    /// The same programs, for a service that keeps things elsewhere.
    pub fn at(&self, staging: Staging) -> Self {
        Self {
            staging,
            ..self.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every program that was really started, in order.
    pub fn starts(&self) -> Vec<AttemptKey> {
        self.lock().starts.clone()
    }

    /// The program as it was started.
    pub fn program(&self, key: &AttemptKey) -> Option<Program> {
        self.lock().programs.get(key).map(|started| started.program.clone())
    }

    /// Programs that were not removed.
    pub fn remaining(&self) -> Vec<AttemptKey> {
        self.lock().programs.keys().cloned().collect()
    }

    /// A hanging program ends as its script says.
    pub fn finish(&self, key: &AttemptKey) {
        if let Some(started) = self
            .lock()
            .programs
            .get_mut(key)
            .filter(|s| s.state == Observation::Running)
        {
            started.end();
        }
        self.changed.notify_waiters();
    }

    /// A program disappears as if somebody had removed it.
    pub fn lose(&self, key: &AttemptKey) {
        self.lock().programs.remove(key);
        self.changed.notify_waiters();
    }

    /// A program is ended from outside, by a signal or, without one, by a restart of its engine that nobody saw.
    pub fn interrupt(&self, key: &AttemptKey, signal: Option<i32>) {
        if let Some(started) = self.lock().programs.get_mut(key) {
            started.state = Observation::Ended(signal.map_or(ProgramExit::Unseen, ProgramExit::Signal));
        }
        self.changed.notify_waiters();
    }

    /// Returns when the program has ended or is not there.
    async fn over(&self, key: &AttemptKey) {
        loop {
            let changed = self.changed.notified();
            let running = self
                .lock()
                .programs
                .get(key)
                .is_some_and(|started| started.state == Observation::Running);
            if !running {
                return;
            }
            changed.await;
        }
    }

    /// Says what the script says, line by line, and ends with the program.
    async fn say(self, key: AttemptKey, from: LogMark, follow: bool, listener: Listener) {
        let Some(log) = self.lock().programs.get(&key).map(|started| started.script.log.clone()) else {
            return;
        };
        let said = match from {
            LogMark::Bytes(offset) => offset,
            LogMark::Start | LogMark::Entries { .. } => 0,
        };
        let mut end = 0;
        for line in log.split_inclusive('\n') {
            end += line.len() as u64;
            let chunk = LogChunk {
                bytes: Bytes::copy_from_slice(line.as_bytes()),
                mark: Some(LogMark::Bytes(end)),
            };
            if end > said && listener.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        if follow {
            self.over(&key).await;
        }
    }

    /// The next calls answer that nobody is there.
    pub fn unreachable(&self, calls: u32) {
        self.lock().unreachable = calls;
    }

    fn reach(&self) -> Result<MutexGuard<'_, Inner>, ExecutorError> {
        let mut inner = self.lock();
        if inner.unreachable > 0 {
            inner.unreachable -= 1;
            return Err(ExecutorError::Unreachable {
                what: "the fake executor".to_owned(),
                hint: "the test says so".to_owned(),
                source: None,
            });
        }
        Ok(inner)
    }
}

impl Started {
    fn end(&mut self) {
        for (path, content) in &self.script.writes {
            if self.program.outputs.is_none() {
                continue;
            }
            let target = self.outputs.join(path);
            let written = target
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&target, content));
            if written.is_err() {
                self.state = Observation::Ended(ProgramExit::Code(74));
                return;
            }
        }
        self.state = Observation::Ended(match (self.script.out_of_memory, self.script.code) {
            (true, _) => ProgramExit::OutOfMemory,
            (false, code) => ProgramExit::Code(code),
        });
    }
}

impl Executor for FakeExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        self.reach().map(drop)
    }

    fn input_path(&self, key: &AttemptKey, input: &Input) -> PathBuf {
        self.staging.input(key, input)
    }

    fn output_path(&self, key: &AttemptKey, _outputs: &Path) -> PathBuf {
        self.staging.outputs(key)
    }

    async fn reserve(&self, key: &AttemptKey, gpus: &Gpus) -> Result<(), ExecutorError> {
        let used = {
            let inner = self.reach()?;
            let running = inner
                .programs
                .values()
                .filter(|started| started.state == Observation::Running);
            running.flat_map(|started| started.gpus.clone()).collect()
        };
        self.gpus.keep(key, gpus, used).map(drop)
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        if self.reach()?.programs.contains_key(key) {
            return Ok(());
        }
        let gpus = match &program.gpus {
            Some(gpus) => self.reserve(key, gpus).await.map(|()| self.gpus.take(key))?,
            None => Vec::new(),
        };
        self.staging.lay_out(key, program, None).await?;
        let mut inner = self.lock();
        let script = inner
            .choose
            .as_ref()
            .map(|choose| choose(key, program))
            .unwrap_or_default();
        if let Some(message) = script.refused.clone() {
            return Err(ExecutorError::Refused { message });
        }
        if script.image_gone {
            let image = program.image.clone().unwrap_or_default();
            return Err(ExecutorError::NoImage { image });
        }
        let hangs = script.hangs;
        let mut started = Started {
            program: program.clone(),
            script,
            outputs: self.staging.outputs(key),
            gpus,
            state: Observation::Running,
        };
        if !hangs {
            started.end();
        }
        inner.programs.insert(key.clone(), started);
        inner.starts.push(key.clone());
        Ok(())
    }

    async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        self.staging.show(key, source, target)
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        Ok(self
            .reach()?
            .programs
            .get(key)
            .map_or(Observation::Unknown, |started| started.state.clone()))
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.over(key)).await;
    }

    fn hidden(&self, key: &AttemptKey) -> Hidden {
        self.staging.hidden(key)
    }

    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream {
        let (fake, of) = (self.clone(), key.clone());
        let said = stream_of(move |listener| async move {
            fake.say(of, from, follow, listener).await;
            Ok(())
        });
        self.staging.without_secrets(key, said, follow)
    }

    async fn outputs(&self, key: &AttemptKey) -> Result<PathBuf, ExecutorError> {
        Ok(self.staging.outputs(key))
    }

    async fn stop(&self, key: &AttemptKey, _grace: Duration) -> Result<(), ExecutorError> {
        self.staging.abandon(key);
        if let Some(started) = self
            .reach()?
            .programs
            .get_mut(key)
            .filter(|s| s.state == Observation::Running)
        {
            let signal = if started.script.ignores_sigterm { 9 } else { 15 };
            started.state = Observation::Ended(ProgramExit::Code(128 + signal));
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.reach()?.programs.remove(key);
        self.changed.notify_waiters();
        self.staging.remove(key).await
    }

    async fn address(&self, key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        let inner = self.reach()?;
        let running = inner.programs.get(key).filter(|s| s.state == Observation::Running);
        Ok(running.and_then(|started| started.script.address))
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let there: Vec<_> = self.reach()?.programs.keys().cloned().collect();
        Ok(self.staging.and_with_secrets(there))
    }
}
