//! Programs' output, from an executor's stream into files.

use super::file::LOG_FILE_BYTES;
use super::marked::{self, MarkedLog};
use crate::any::AnyExecutor;
use crate::contract::{AttemptKey, Executor, ExecutorError};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// A stream that broke off is taken up again after this time.
const TAKE_UP_AGAIN: Duration = Duration::from_millis(500);
/// How long the end of a log is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes what programs say into files, each rotated to `<file>.1` when it reaches [`LOG_FILE_BYTES`].
/// A file goes on where an earlier process of the service was cut off, without a gap and without a
/// repeated line. Cheap to clone.
#[derive(Clone)]
pub struct LogSink {
    executor: AnyExecutor,
    logs: Arc<Mutex<HashMap<AttemptKey, Followed>>>,
}

/// One log for each program, however often it is asked for.
struct Followed {
    follower: Option<AbortHandle>,
    /// Held by whoever reads the output.
    log: Arc<tokio::sync::Mutex<Log>>,
}

impl Followed {
    fn stop(&mut self) {
        if let Some(follower) = self.follower.take() {
            follower.abort();
        }
    }
}

impl Drop for Followed {
    /// The next service in this process reads on alone.
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program's output and how far it is written.
struct Log {
    executor: AnyExecutor,
    key: AttemptKey,
    path: PathBuf,
    file: Option<MarkedLog>,
    complete: bool,
}

impl LogSink {
    /// For programs of this executor.
    pub fn new(executor: AnyExecutor) -> Self {
        Self {
            executor,
            logs: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptKey, Followed>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, key: &AttemptKey, path: &Path) -> Arc<tokio::sync::Mutex<Log>> {
        Arc::new(tokio::sync::Mutex::new(Log {
            executor: self.executor.clone(),
            key: key.clone(),
            path: path.to_owned(),
            file: None,
            complete: false,
        }))
    }

    /// Writes what the program says into the file, unless that is being done or was done.
    pub fn follow(&self, key: &AttemptKey, path: &Path) {
        let mut logs = self.lock();
        if logs.contains_key(key) {
            return;
        }
        let log = self.log(key, path);
        let followed = Arc::clone(&log);
        let follower = tokio::spawn(async move { followed.lock().await.follow_to_the_end().await });
        let follower = Some(follower.abort_handle());
        logs.insert(key.clone(), Followed { follower, log });
    }

    /// Completes the file of a program that has ended, waiting at most a minute. A stream that follows a
    /// program may end before its last words, so what comes after is asked for once more.
    pub async fn complete(&self, key: &AttemptKey, path: &Path) -> Result<(), ExecutorError> {
        let log = {
            let mut logs = self.lock();
            let followed = logs.entry(key.clone()).or_insert_with(|| Followed {
                follower: None,
                log: self.log(key, path),
            });
            followed.stop();
            Arc::clone(&followed.log)
        };
        let read = async {
            let mut log = log.lock().await;
            while !log.complete {
                match log.read(false).await {
                    Ok(()) => log.complete = true,
                    Err(Broken::Disk(source)) => {
                        log.file = None;
                        let file = path.display().to_string();
                        return Err(ExecutorError::NoRoomForLog { file, source });
                    }
                    Err(Broken::Off(error)) => {
                        tracing::debug!(%key, %error, "the end of a log is asked for again");
                        tokio::time::sleep(TAKE_UP_AGAIN).await;
                    }
                }
            }
            Ok(())
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.unwrap_or_else(|_| {
            Err(ExecutorError::Failed {
                message: format!("the log of {key} was not read within {}s", PATIENCE.as_secs()),
                source: None,
            })
        })
    }

    /// The program is gone. Its file stays, and another program under its key begins it anew.
    pub async fn forget(&self, key: &AttemptKey, path: &Path) {
        let log = self.lock().remove(key).map(|followed| Arc::clone(&followed.log));
        // Who reads the output may be about to note how far it is: it ends first, so that nothing notes it again.
        let _ended = match &log {
            Some(log) => Some(log.lock().await),
            None => None,
        };
        if let Err(error) = marked::forget(path) {
            tracing::warn!(%key, %error, "what is known of a log was not removed");
        }
    }
}

enum Broken {
    /// The output cannot be read for now.
    Off(ExecutorError),
    /// The file cannot be written for now.
    Disk(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Log {
    /// Goes on until the output has ended, whatever happens to the executor or the disk meanwhile.
    async fn follow_to_the_end(&mut self) {
        let mut told = false;
        while let Err(broken) = self.read(true).await {
            let error: Box<dyn std::error::Error + Send + Sync> = match broken {
                Broken::Off(error) => error.into(),
                Broken::Disk(error) => {
                    // How much of a chunk was written is not known: the file is compared again.
                    self.file = None;
                    error.into()
                }
            };
            if !told {
                tracing::warn!(key = %self.key, file = %self.path.display(), %error, "a log broke off and is taken up again");
            }
            told = true;
            tokio::time::sleep(TAKE_UP_AGAIN).await;
        }
    }

    /// Reads on from where the file is.
    async fn read(&mut self, follow: bool) -> Result<(), Broken> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(MarkedLog::open(&self.path, LOG_FILE_BYTES)?),
        };
        file.begin();
        let mut chunks = self.executor.logs(&self.key, file.mark(), follow);
        while let Some(chunk) = chunks.next().await {
            file.write(&chunk.map_err(Broken::Off)?)?;
        }
        Ok(file.note()?)
    }
}
