//! Containers' output, streamed into files that outlive the containers.

use super::connection::{Connection, status};
use crate::contract::ExecutorError;
use crate::log_file::LogFile;
use bollard::errors::Error as DockerError;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// A stream that broke off is taken up again after this time.
const TAKE_UP_AGAIN: Duration = Duration::from_millis(500);

/// How long the end of a log is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One stream for each container, however often it is asked for.
#[derive(Clone, Default)]
pub(super) struct LogStreams(Arc<Mutex<HashMap<String, Stream>>>);

struct Stream {
    follower: AbortHandle,
    /// Held by whoever reads the output.
    output: Arc<tokio::sync::Mutex<Output>>,
}

/// A container's output and how far it is written.
struct Output {
    connection: Connection,
    container: String,
    file: PathBuf,
    log: Option<LogFile>,
    position: Position,
    complete: bool,
}

/// A place in an output, in the terms in which Docker can be asked for what comes after it. Entries of
/// the two streams may be a little out of order, so the second before the latest counts as well.
#[derive(Clone, Copy, Default)]
struct Position {
    /// The latest second of an entry, since 1970.
    latest: i64,
    /// Entries read of the second before.
    before: usize,
    /// Entries read of the latest second.
    within: usize,
}

impl Position {
    /// An entry was read.
    fn pass(&mut self, second: i64) {
        match second - self.latest {
            0 => self.within += 1,
            -1 => self.before += 1,
            ..-1 => {}
            1.. => {
                let follows = second == self.latest + 1;
                *self = Self {
                    latest: second,
                    before: if follows { self.within } else { 0 },
                    within: 1,
                };
            }
        }
    }

    /// Since when to ask, and how many of these entries were read.
    fn after(&self) -> (i64, usize) {
        ((self.latest - 1).max(0), self.before + self.within)
    }
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
        let output = Arc::new(tokio::sync::Mutex::new(Output {
            connection: connection.clone(),
            container: container.to_owned(),
            file,
            log: None,
            position: Position::default(),
            complete: false,
        }));
        let followed = Arc::clone(&output);
        let follower = tokio::spawn(async move { followed.lock().await.read_to_the_end(true).await });
        let follower = follower.abort_handle();
        streams.insert(container.to_owned(), Stream { follower, output });
    }

    /// Completes the file of an ended container. Docker may end a stream that follows a container
    /// before the container's last words, so what comes after is asked for once more.
    pub(super) async fn complete(&self, container: &str) -> Result<(), ExecutorError> {
        let output = self.lock().get(container).map(|stream| {
            stream.follower.abort();
            Arc::clone(&stream.output)
        });
        let Some(output) = output else { return Ok(()) };
        let read = async {
            let mut output = output.lock().await;
            if !output.complete {
                output.read_to_the_end(false).await;
                output.complete = true;
            }
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

enum Broken {
    /// There is no such container.
    Gone,
    /// The output cannot be read for now.
    Off(Box<dyn std::error::Error + Send + Sync>),
    /// The file cannot be written for now.
    Disk(io::Error),
}

impl Output {
    /// Goes on until the output has ended, whatever happens to Docker or the disk meanwhile.
    async fn read_to_the_end(&mut self, follow: bool) {
        let mut told = false;
        loop {
            let error = match self.read(follow).await {
                Ok(()) | Err(Broken::Gone) => return,
                Err(Broken::Off(error)) => error,
                Err(Broken::Disk(error)) => {
                    // How much of an entry was written is not known: the file is compared again.
                    self.log = None;
                    self.position = Position::default();
                    error.into()
                }
            };
            if !told {
                tracing::warn!(container = self.container, file = %self.file.display(), %error, "a log broke off and is taken up again");
            }
            told = true;
            tokio::time::sleep(TAKE_UP_AGAIN).await;
        }
    }

    /// Reads on from the position. The first reader compares the whole output with the file, since
    /// an earlier process of the service may have written it.
    async fn read(&mut self, follow: bool) -> Result<(), Broken> {
        let (since, mut known) = self.position.after();
        let options = LogsOptionsBuilder::new()
            .follow(follow)
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .since(i32::try_from(since).unwrap_or_default())
            .tail("all")
            .build();
        let api = self.connection.api().map_err(|error| Broken::Off(error.into()))?;
        let mut entries = std::pin::pin!(api.logs(&self.container, Some(options)));
        if self.log.is_none() {
            self.log = Some(LogFile::resumed(&self.file).map_err(Broken::Disk)?);
        }
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(broken)?.into_bytes();
            if known > 0 {
                known -= 1;
                continue;
            }
            let (second, text) = timed(&entry);
            if let Some(log) = &mut self.log {
                log.write(text).map_err(Broken::Disk)?;
            }
            self.position.pass(second.unwrap_or(self.position.latest));
        }
        Ok(())
    }
}

/// `2026-11-24T06:15:49.123456789Z text`: the second since 1970, and the text.
fn timed(entry: &[u8]) -> (Option<i64>, &[u8]) {
    let Some(space) = entry.iter().position(|byte| *byte == b' ') else {
        return (None, entry);
    };
    let time = std::str::from_utf8(&entry[..space]).ok();
    match time.and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok()) {
        Some(time) => (Some(time.timestamp()), &entry[space + 1..]),
        None => (None, entry),
    }
}

fn broken(error: DockerError) -> Broken {
    match status(&error) {
        Some(404) => Broken::Gone,
        _ => Broken::Off(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_begin_with_their_time() {
        let seconds = |entry: &'static str| {
            let (second, text) = timed(entry.as_bytes());
            (second, std::str::from_utf8(text).unwrap())
        };
        assert_eq!(seconds("1970-01-02T00:00:01.999999999Z a b\n"), (Some(86401), "a b\n"));
        assert_eq!(seconds("1970-01-01T00:00:01.000000000Z \n"), (Some(1), "\n"));
        assert_eq!(seconds("no time"), (None, "no time"));
        assert_eq!(seconds("word"), (None, "word"));
    }

    proptest! {
        /// Wherever the reading breaks off, what Docker is asked for next goes on from there.
        #[test]
        fn nothing_is_read_twice_or_not_at_all(steps in proptest::collection::vec((0i64..3, any::<bool>()), 0..40), at in 0usize..40) {
            let mut now = 10;
            let output: Vec<i64> = steps.iter().map(|(step, late)| { now += step; now - i64::from(*late) }).collect();
            let read = &output[..at.min(output.len())];
            let mut position = Position::default();
            read.iter().for_each(|second| position.pass(*second));
            let (since, known) = position.after();
            let answer: Vec<_> = output.iter().filter(|second| **second >= since).skip(known).collect();
            prop_assert_eq!(answer, output[read.len()..].iter().collect::<Vec<_>>());
        }
    }
}
