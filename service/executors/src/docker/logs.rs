//! Containers' output, streamed into files that outlive the containers.

use crate::contract::{ExecutorError, LOG_FILE_BYTES};
use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// One stream for each container, however often it is asked for.
#[derive(Clone, Default)]
pub(super) struct LogStreams(Arc<Mutex<HashMap<String, JoinHandle<()>>>>);

impl LogStreams {
    /// Streams the container's output into the file, unless that is being done or was done.
    pub(super) fn follow(&self, docker: &Docker, container: &str, file: PathBuf) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.contains_key(container) {
            return;
        }
        let (docker, name) = (docker.clone(), container.to_owned());
        let task = tokio::spawn(async move {
            if let Err(error) = stream(&docker, &name, &file).await {
                tracing::warn!(container = name, file = %file.display(), %error, "a log is incomplete");
            }
        });
        streams.insert(container.to_owned(), task);
    }

    /// Returns when the stream is at its end.
    pub(super) async fn end(&self, container: &str, patience: Duration) -> Result<(), ExecutorError> {
        // The place stays taken by a finished task, so that no second stream begins.
        let done = || tokio::spawn(async {});
        let task = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(container)
            .map(|t| std::mem::replace(t, done()));
        let Some(mut task) = task else { return Ok(()) };
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            task.abort();
            let message = format!("the log of {container} did not end within {}s", patience.as_secs());
            return Err(ExecutorError::Failed { message, source: None });
        }
        Ok(())
    }

    /// The container is gone.
    pub(super) fn forget(&self, container: &str) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(container) {
            task.abort();
        }
    }
}

/// Docker repeats the whole output in the same order, so what is in the file already is skipped: a
/// stream that was cut off by a restart goes on without a gap and without a repeated line.
async fn stream(docker: &Docker, container: &str, path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut log = LogFile::open(path)?;
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .tail("all")
        .build();
    let mut output = std::pin::pin!(docker.logs(container, Some(options)));
    while let Some(piece) = output.next().await {
        log.write(&piece?.into_bytes())?;
    }
    Ok(())
}

/// A log file that is rotated once it is large.
struct LogFile {
    path: PathBuf,
    file: File,
    length: u64,
    skip: u64,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let rotated = rotated(path);
        // After a rotation the beginning is gone, so nothing can be skipped: the log is written anew.
        let anew = rotated.exists();
        if anew {
            fs::remove_file(&rotated)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(anew)
            .append(!anew)
            .open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            skip: length,
        })
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let known = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= known as u64;
        bytes = &bytes[known..];
        if bytes.is_empty() {
            return Ok(());
        }
        if self.length >= LOG_FILE_BYTES {
            fs::rename(&self.path, rotated(&self.path))?;
            self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            self.length = 0;
        }
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn rotated(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_skipped_whatever_the_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/step.log");
        LogFile::open(&path).unwrap().write(b"one\ntw").unwrap();
        let mut resumed = LogFile::open(&path).unwrap();
        for piece in [&b"o"[..], b"ne\nt", b"wo\nth", b"ree\n"] {
            resumed.write(piece).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\n");
    }

    #[test]
    fn a_large_log_keeps_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step.log");
        let mut log = LogFile::open(&path).unwrap();
        let block = vec![b'x'; LOG_FILE_BYTES as usize];
        log.write(&block).unwrap();
        log.write(b"the end").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"the end");
        assert_eq!(fs::metadata(rotated(&path)).unwrap().len(), LOG_FILE_BYTES);
    }
}
