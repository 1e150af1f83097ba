//! A program's output: one file to which both of its streams are appended.

use super::end::Ends;
use super::place::{POLL, RARELY};
use crate::contract::{ExecutorError, Listener, LogChunk, LogMark};
use crate::logs::LOG_FILE_BYTES;
use bytes::Bytes;
use rustix::fs::FallocateFlags;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use tokio::time::sleep;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// What was read is given back to the disk, except so much of its end.
const KEPT: u64 = 2 * LOG_FILE_BYTES;

fn file(place: &Path) -> PathBuf {
    place.join("output")
}

/// Handles for both of the program's streams.
pub(super) fn open(place: &Path) -> io::Result<(File, File)> {
    let said = File::options().create(true).append(true).open(file(place))?;
    let errors = said.try_clone()?;
    Ok((said, errors))
}

/// Reads the output on from the mark; what was never started says nothing.
pub(super) async fn read(
    place: PathBuf,
    ends: Ends,
    from: LogMark,
    follow: bool,
    listener: Listener,
) -> Result<(), ExecutorError> {
    let Ok(said) = File::options().read(true).write(true).open(file(&place)) else {
        return Ok(());
    };
    let unread = |error| ExecutorError::unwritten(&file(&place), error);
    let mut offset = match from {
        LogMark::Bytes(offset) if offset <= said.metadata().map_err(unread)?.len() => offset,
        _ => 0,
    };
    let (mut freed, mut pause) = (0, POLL);
    let mut is_over = !follow;
    let mut end = pin!(ends.wait(&place));
    loop {
        let there = said.metadata().map_err(unread)?.len().saturating_sub(offset);
        if there == 0 && is_over {
            return Ok(());
        }
        if there == 0 {
            tokio::select! {
                // Its last words are read after it.
                () = &mut end => is_over = true,
                () = sleep(pause) => pause = (pause * 2).min(RARELY),
            }
            continue;
        }
        pause = POLL;
        // Room only for what is there: most programs are silent most of the time.
        let mut piece = vec![0; usize::try_from(there).unwrap_or(PIECE).min(PIECE)];
        let length = said.read_at(&mut piece, offset).map_err(unread)?;
        piece.truncate(length);
        offset += length as u64;
        let chunk = LogChunk {
            bytes: Bytes::from(piece),
            mark: Some(LogMark::Bytes(offset)),
        };
        if listener.send(Ok(chunk)).await.is_err() {
            return Ok(());
        }
        if offset > freed + KEPT + LOG_FILE_BYTES {
            freed = offset - KEPT;
            free(&said, freed);
        }
    }
}

/// Gives the file's beginning back to the disk; the program writes on where it is.
fn free(said: &File, length: u64) {
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    if let Err(error) = rustix::fs::fallocate(said, punch, 0, length) {
        tracing::debug!(%error, "what was read of an output stays on the disk");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_was_read_is_freed_under_the_writer() {
        let place = tempfile::tempdir().unwrap();
        let (mut writer, _) = open(place.path()).unwrap();
        writer.write_all(&vec![b'x'; 1 << 20]).unwrap();
        writer.sync_all().unwrap();
        let said = File::options().read(true).write(true).open(file(place.path())).unwrap();
        let before = said.metadata().unwrap().blocks();
        free(&said, 1 << 19);
        writer.write_all(b"end").unwrap();
        let after = said.metadata().unwrap();
        assert!(after.blocks() < before, "{} of {before} blocks", after.blocks());
        assert_eq!(after.len(), (1 << 20) + 3, "places in it are the same");
        let mut end = [0; 4];
        said.read_exact_at(&mut end, (1 << 20) - 1).unwrap();
        assert_eq!(&end, b"xend");
    }
}
