//! Containers' output, streamed into files that outlive the containers.

use super::connection::{Connection, status};
use crate::contract::ExecutorError;
use crate::log_file::LogFile;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::LogsOptionsBuilder;
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
const PATIENCE: Duration = Duration::from_secs(10);

/// One stream for each container, however often it is asked for.
#[derive(Clone, Default)]
pub(super) struct LogStreams(Arc<Mutex<HashMap<String, Stream>>>);

struct Stream {
    file: PathBuf,
    follower: AbortHandle,
    /// Held by whoever writes the file; whether it is complete.
    complete: Arc<tokio::sync::Mutex<bool>>,
}

impl LogStreams {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Streams the container's output into the file, unless that is being done or was done.
    pub(super) fn follow(&self, connection: &Connection, container: &str, file: PathBuf) {
        let mut streams = self.lock();
        if streams.contains_key(container) {
            return;
        }
        let complete = Arc::new(tokio::sync::Mutex::new(false));
        let follower = {
            let (connection, name, file) = (connection.clone(), container.to_owned(), file.clone());
            let writing = Arc::clone(&complete);
            tokio::spawn(async move {
                let _writing = writing.lock().await;
                to_the_end(&connection, &name, &file, true).await;
            })
        };
        let follower = follower.abort_handle();
        let stream = Stream {
            file,
            follower,
            complete,
        };
        streams.insert(container.to_owned(), stream);
    }

    /// Completes the file of an ended container. Docker may end a stream that follows a container
    /// before the container's last words, so the output is read once more.
    pub(super) async fn complete(&self, connection: &Connection, container: &str) -> Result<(), ExecutorError> {
        let Some((file, complete)) = self.lock().get(container).map(|stream| {
            stream.follower.abort();
            (stream.file.clone(), Arc::clone(&stream.complete))
        }) else {
            return Ok(());
        };
        let read = async {
            let mut complete = complete.lock().await;
            if !*complete {
                to_the_end(connection, container, &file, false).await;
            }
            *complete = true;
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.map_err(|_| ExecutorError::Failed {
            message: format!("the log of {container} was not read within {}s", PATIENCE.as_secs()),
            source: None,
        })
    }

    /// The container is gone.
    pub(super) fn forget(&self, container: &str) {
        if let Some(stream) = self.lock().remove(container) {
            stream.follower.abort();
        }
    }
}

/// Goes on until the container's output has ended, whatever happens to Docker or the disk meanwhile.
async fn to_the_end(connection: &Connection, container: &str, file: &Path, follow: bool) {
    let mut told = false;
    loop {
        match stream(connection, container, file, follow).await {
            Ok(()) | Err(Broken::Gone) => return,
            Err(Broken::Off(error)) => {
                if !told {
                    tracing::warn!(container, file = %file.display(), %error, "a log broke off and is taken up again");
                }
                told = true;
                tokio::time::sleep(TAKE_UP_AGAIN).await;
            }
        }
    }
}

enum Broken {
    Gone,
    Off(Box<dyn std::error::Error + Send + Sync>),
}

/// Docker repeats the whole output in the same order, so the file is resumed by comparison.
async fn stream(connection: &Connection, container: &str, file: &Path, follow: bool) -> Result<(), Broken> {
    let off = |error: io::Error| Broken::Off(error.into());
    let options = LogsOptionsBuilder::new()
        .follow(follow)
        .stdout(true)
        .stderr(true)
        .tail("all")
        .build();
    let api = connection.api().map_err(|error| Broken::Off(error.into()))?;
    let mut output = std::pin::pin!(api.logs(container, Some(options)));
    let mut log = LogFile::resumed(file).map_err(off)?;
    while let Some(piece) = output.next().await {
        log.write(&piece.map_err(broken)?.into_bytes()).map_err(off)?;
    }
    Ok(())
}

fn broken(error: DockerError) -> Broken {
    match status(&error) {
        Some(404) => Broken::Gone,
        _ => Broken::Off(error.into()),
    }
}
