//! A scripted executor and image builder for tests of everything above them. They keep the same
//! contract as the real ones, and the conformance suite checks that.

use crate::contract::*;
use crate::log_file::LogFile;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

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

/// Runs scripts. Clones share everything, so a clone is what a restarted service finds.
#[derive(Clone, Default)]
pub struct FakeExecutor {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
}

impl FakeExecutor {
    /// Attempts do what `choose` says.
    pub fn scripted(choose: impl Fn(&AttemptKey, &Program) -> Script + Send + 'static) -> Self {
        let fake = Self::default();
        fake.lock().choose = Some(Box::new(choose));
        fake
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
        let outputs = self
            .program
            .mounts
            .iter()
            .find(|mount| mount.writable)
            .map(|mount| mount.source.clone());
        for (path, content) in &self.script.writes {
            let Some(target) = outputs.as_ref().map(|folder| folder.join(path)) else {
                continue;
            };
            let written = target
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&target, content));
            if written.is_err() {
                self.state = Observation::Ended(Exit::Code(74));
                return;
            }
        }
        self.state = Observation::Ended(match (self.script.out_of_memory, self.script.code) {
            (true, _) => Exit::OutOfMemory,
            (false, code) => Exit::from_code(code),
        });
    }
}

impl Executor for FakeExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        self.reach().map(drop)
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let mut inner = self.reach()?;
        if inner.programs.contains_key(key) {
            return Ok(());
        }
        let script = inner
            .choose
            .as_ref()
            .map(|choose| choose(key, program))
            .unwrap_or_default();
        if let Some(message) = script.refused.clone() {
            return Err(ExecutorError::Refused { message });
        }
        let written = LogFile::anew(&program.log_file).and_then(|mut log| log.write(script.log.as_bytes()));
        if let Err(error) = written {
            return Err(ExecutorError::Failed {
                message: format!("{} cannot be written: {error}", program.log_file.display()),
                source: Some(error.into()),
            });
        }
        let hangs = script.hangs;
        let mut started = Started {
            program: program.clone(),
            script,
            state: Observation::Running,
        };
        if !hangs {
            started.end();
        }
        inner.programs.insert(key.clone(), started);
        inner.starts.push(key.clone());
        Ok(())
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        Ok(self
            .reach()?
            .programs
            .get(key)
            .map_or(Observation::Unknown, |started| started.state.clone()))
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let deadline = tokio::time::Instant::now() + at_most;
        loop {
            let changed = self.changed.notified();
            let running = self
                .lock()
                .programs
                .get(key)
                .is_some_and(|s| s.state == Observation::Running);
            if !running || tokio::time::timeout_at(deadline, changed).await.is_err() {
                return;
            }
        }
    }

    async fn flush_logs(&self, _key: &AttemptKey) -> Result<(), ExecutorError> {
        Ok(())
    }

    async fn stop(&self, key: &AttemptKey, _grace: Duration) -> Result<(), ExecutorError> {
        if let Some(started) = self
            .reach()?
            .programs
            .get_mut(key)
            .filter(|s| s.state == Observation::Running)
        {
            let signal = if started.script.ignores_sigterm { 9 } else { 15 };
            started.state = Observation::Ended(Exit::Signal(signal));
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.reach()?.programs.remove(key);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn address(&self, key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        let inner = self.reach()?;
        let running = inner.programs.get(key).filter(|s| s.state == Observation::Running);
        Ok(running.and_then(|started| started.script.address))
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        Ok(self.reach()?.programs.keys().cloned().collect())
    }
}

/// Builds nothing and remembers what was asked for. Clones share everything.
#[derive(Clone, Default)]
pub struct FakeImages {
    inner: Arc<Mutex<Images>>,
}

#[derive(Default)]
struct Images {
    built: Vec<PathBuf>,
    keys: HashSet<String>,
    failure: Option<(String, Vec<String>)>,
    unreachable: u32,
}

impl FakeImages {
    /// From now on every build fails with this sentence and these last lines.
    pub fn fail(&self, message: &str, last_lines: &[&str]) {
        let lines = last_lines.iter().map(|line| (*line).to_owned()).collect();
        self.lock().failure = Some((message.to_owned(), lines));
    }

    /// The next builds answer that nobody is there.
    pub fn unreachable(&self, calls: u32) {
        self.lock().unreachable = calls;
    }

    /// Dockerfiles that were really built, in order; the same content is built once.
    pub fn built(&self) -> Vec<PathBuf> {
        self.lock().built.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Images> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ImageBuilder for FakeImages {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let mut images = self.lock();
        if images.unreachable > 0 {
            images.unreachable -= 1;
            return Err(BuildError::Unreachable {
                what: "the fake image builder".to_owned(),
                hint: "the test says so".to_owned(),
                source: None,
            });
        }
        if let Some((message, last_lines)) = images.failure.clone() {
            return Err(BuildError::Failed { message, last_lines });
        }
        if !request.dockerfile.exists() {
            let shown = request.dockerfile.display();
            let message = format!("the Dockerfile {shown} cannot be read: correct build.dockerfile or add the file");
            return Err(BuildError::Refused { message });
        }
        let mut content = Sha256::new();
        add_content(&mut content, &request.dockerfile);
        add_content(&mut content, &request.context);
        let key = hex::encode(content.finalize());
        let reused = !images.keys.insert(key.clone());
        if !reused {
            images.built.push(request.dockerfile.clone());
        }
        let image_id = format!("fake:{key}");
        Ok(BuiltImage { key, image_id, reused })
    }

    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        Ok(format!("fake:{reference}"))
    }
}

/// A file, or every file below a folder in a fixed order.
fn add_content(hash: &mut Sha256, path: &Path) {
    if let Ok(content) = fs::read(path) {
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    let mut entries: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        hash.update(entry.file_name().as_encoded_bytes());
        add_content(hash, &entry.path());
    }
}
