//! Containers' output as Docker gives it: entries with their times.

use super::connection::{Connection, status};
use crate::contract::{ExecutorError, Listener, LogChunk, LogMark};
use bollard::query_parameters::LogsOptionsBuilder;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// Entries, and bytes of them, that are handed on together where there are so many: one by one they would cost more
/// than they say.
const ENTRIES: usize = 4096;
const BYTES: usize = 256 * 1024;

/// A place in an output, in the terms in which Docker can be asked for what comes after it. Entries of
/// the two streams may be a little out of order, so the second before the latest counts as well.
#[derive(Clone, Copy, Default)]
struct Position {
    /// The latest second of an entry, since 1970.
    latest: i64,
    /// Entries read of the second before.
    before: u64,
    /// Entries read of the latest second.
    within: u64,
}

impl Position {
    fn at(mark: LogMark) -> Self {
        match mark {
            LogMark::Entries { latest, before, within } => Self { latest, before, within },
            LogMark::Start | LogMark::Bytes(_) => Self::default(),
        }
    }

    fn mark(self) -> LogMark {
        let Self { latest, before, within } = self;
        LogMark::Entries { latest, before, within }
    }

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
    fn after(&self) -> (i64, u64) {
        ((self.latest - 1).max(0), self.before + self.within)
    }
}

/// Reads a container's output on from the mark. One that is not there says nothing.
pub(super) async fn read(
    connection: Connection,
    container: String,
    from: LogMark,
    follow: bool,
    listener: Listener,
) -> Result<(), ExecutorError> {
    let mut position = Position::at(from);
    let start = position.latest;
    let (since, mut known) = position.after();
    let options = LogsOptionsBuilder::new()
        .follow(follow)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .since(i32::try_from(since).unwrap_or_default())
        .tail("all")
        .build();
    let mut entries = std::pin::pin!(connection.api()?.logs(&container, Some(options)).ready_chunks(ENTRIES));
    let mut clock = Clock::default();
    let mut batch = BytesMut::new();
    while let Some(ready) = entries.next().await {
        let mut ended = None;
        for entry in ready {
            let entry = match entry {
                Ok(entry) => entry.into_bytes(),
                Err(error) => {
                    ended = Some(error);
                    break;
                }
            };
            let (second, text) = clock.timed(&entry);
            let second = second.unwrap_or(position.latest);
            // What is younger was not read, even if fewer entries are left than there were.
            if known > 0 && second <= start {
                known -= 1;
                continue;
            }
            position.pass(second);
            batch.extend_from_slice(text);
            if batch.len() >= BYTES && hand_on(&listener, &mut batch, position).await.is_none() {
                return Ok(());
            }
        }
        if hand_on(&listener, &mut batch, position).await.is_none() {
            return Ok(());
        }
        match ended {
            None => {}
            Some(error) if status(&error) == Some(404) => return Ok(()),
            Some(error) => return Err(connection.unanswered("read a container's output", error)),
        }
    }
    Ok(())
}

/// Hands on what was read up to this place; `None` if nobody listens any more.
async fn hand_on(listener: &Listener, batch: &mut BytesMut, position: Position) -> Option<()> {
    if batch.is_empty() {
        return Some(());
    }
    let chunk = LogChunk {
        bytes: Bytes::from(batch.split()),
        mark: Some(position.mark()),
    };
    listener.send(Ok(chunk)).await.ok()
}

/// Reads the times of entries, of which many are of the same second.
#[derive(Default)]
struct Clock {
    /// The newest time up to its second's point, and the second.
    known: Option<([u8; 20], i64)>,
}

impl Clock {
    /// `2026-11-24T06:15:49.123456789Z text`: the second since 1970, and the text.
    fn timed<'a>(&mut self, entry: &'a [u8]) -> (Option<i64>, &'a [u8]) {
        let Some(space) = entry.iter().take(40).position(|byte| *byte == b' ') else {
            return (None, entry);
        };
        let (time, text) = (&entry[..space], &entry[space + 1..]);
        let head = time
            .first_chunk::<20>()
            .filter(|head| head[19] == b'.' && time.ends_with(b"Z"));
        if let (Some(head), Some((known, second))) = (head, &self.known)
            && head == known
        {
            return (Some(*second), text);
        }
        let parsed = std::str::from_utf8(time).ok();
        let parsed = parsed.and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok());
        let Some(second) = parsed.map(|time| time.timestamp()) else {
            return (None, entry);
        };
        self.known = head.map(|head| (*head, second));
        (Some(second), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_begin_with_their_time() {
        let mut clock = Clock::default();
        let mut seconds = |entry: &'static str| {
            let (second, text) = clock.timed(entry.as_bytes());
            (second, std::str::from_utf8(text).unwrap())
        };
        assert_eq!(seconds("1970-01-02T00:00:01.999999999Z a b\n"), (Some(86401), "a b\n"));
        assert_eq!(seconds("1970-01-02T00:00:01.1Z c\n"), (Some(86401), "c\n"));
        assert_eq!(seconds("1970-01-02T00:00:02.1Z c\n"), (Some(86402), "c\n"));
        assert_eq!(
            seconds("1970-01-02T00:00:02.1+01:00 c\n"),
            (Some(82802), "c\n"),
            "another zone"
        );
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
            let answer: Vec<_> = output.iter().filter(|second| **second >= since).skip(usize::try_from(known).unwrap()).collect();
            prop_assert_eq!(answer, output[read.len()..].iter().collect::<Vec<_>>());
        }
    }
}
