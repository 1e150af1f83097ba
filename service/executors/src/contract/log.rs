//! What a program says, as a stream that can be taken up again.

use super::error::ExecutorError;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Chunks read ahead of whoever takes them.
const AHEAD: usize = 16;

/// A place in a program's output, in the terms in which its executor can be asked for what comes after
/// it. It means the same to another process of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogMark {
    /// The beginning.
    #[default]
    Start,
    /// After so many bytes.
    Bytes(u64),
    /// After so many entries of the latest second there was one of, and of the second before: Docker
    /// answers by time, and its entries may be a little out of order.
    Entries {
        /// Since 1970.
        latest: i64,
        /// Entries of the second before.
        before: u64,
        /// Entries of the latest second.
        within: u64,
    },
}

/// A piece of a program's output, both of its streams together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// What it said.
    pub bytes: Bytes,
    /// The place after it. Without one the executor cannot be asked for what comes after it alone: the stream goes on,
    /// and one that is taken up again begins at the last place that was told.
    pub mark: Option<LogMark>,
}

/// A program's output from a mark on, secrets hidden. After an error nothing more comes: ask again from the last mark.
pub type LogStream = BoxStream<'static, Result<LogChunk, ExecutorError>>;

/// Where a reader puts what it found; it learns that nobody listens any more.
pub(crate) type Listener = mpsc::Sender<Result<LogChunk, ExecutorError>>;

/// The stream of what `read` finds. Dropping it ends the reading.
pub(crate) fn stream_of<R>(read: impl FnOnce(Listener) -> R) -> LogStream
where
    R: Future<Output = Result<(), ExecutorError>> + Send + 'static,
{
    let (listener, found) = mpsc::channel(AHEAD);
    let read = read(listener.clone());
    let reading = async move {
        if let Err(error) = read.await {
            let _ = listener.send(Err(error)).await;
        }
    };
    let reading = stream::once(reading).filter_map(|()| async { None });
    let found = stream::unfold(found, |mut found| async move { Some((found.recv().await?, found)) });
    stream::select(reading, found).boxed()
}
