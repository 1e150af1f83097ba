//! A program's output without its secrets.

use crate::contract::{ExecutorError, Hidden, LogChunk, LogStream};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use trainyard_core::secret::Masking;

/// What stands in a log of which nobody knows any more what must not be shown.
const LEFT_OUT: &str = "[trainyard] the rest of this log is left out: the secrets in it are not known any more, since the machine was restarted\n";

/// What is shown of an output. Of one that is `follow`ed the end is kept back until it is asked for as a whole: more may
/// come.
pub(super) fn masked(said: LogStream, hidden: Hidden, follow: bool) -> LogStream {
    match hidden {
        Hidden::Nothing => said,
        Hidden::Secrets(mask) => {
            let state = Passing {
                said,
                masking: mask.masking(),
                last: (!follow).then_some(()),
            };
            stream::unfold(Some(state), |state| async move { state?.next().await }).boxed()
        }
        Hidden::Forgotten => left_out(said).boxed(),
    }
}

struct Passing {
    said: LogStream,
    masking: Masking,
    /// Until the end was shown.
    last: Option<()>,
}

type Next = (Result<LogChunk, ExecutorError>, Option<Passing>);

impl Passing {
    async fn next(mut self) -> Option<Next> {
        loop {
            match self.said.next().await {
                Some(Ok(chunk)) => {
                    let bytes = Bytes::from(self.masking.pass(&chunk.bytes));
                    let mark = chunk.mark.filter(|_| self.masking.is_clean());
                    if !bytes.is_empty() || mark.is_some() {
                        return Some((Ok(LogChunk { bytes, mark }), Some(self)));
                    }
                }
                Some(Err(error)) => return Some((Err(error), None)),
                None => {
                    self.last.take()?;
                    let bytes = Bytes::from(self.masking.finish());
                    return (!bytes.is_empty()).then_some((Ok(LogChunk { bytes, mark: None }), Some(self)));
                }
            }
        }
    }
}

/// One line in place of everything.
fn left_out(said: LogStream) -> BoxStream<'static, Result<LogChunk, ExecutorError>> {
    let mut told = false;
    said.map(move |chunk| {
        let chunk = chunk?;
        let line = if told || chunk.bytes.is_empty() { "" } else { LEFT_OUT };
        told |= !line.is_empty();
        Ok(LogChunk {
            bytes: Bytes::from_static(line.as_bytes()),
            mark: chunk.mark,
        })
    })
    .boxed()
}
