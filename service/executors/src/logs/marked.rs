//! A log file with a note beside it: how much of the output it holds, so that another process of the
//! service asks only for the rest. Without the note, or with one that does not fit the file, the output is
//! read from its beginning and compared.

use super::file::LogFile;
use crate::contract::{LogChunk, LogMark};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes after which a new note is worth its write; as many are compared after a crash.
const NOTE_AFTER: u64 = 1024 * 1024;

/// Takes chunks of one output.
pub(super) struct MarkedLog {
    file: LogFile,
    note: PathBuf,
    /// Where the chunk begins that comes next or is being written.
    mark: LogMark,
    /// Bytes after the mark that the files hold already.
    ahead: u64,
    /// Bytes after the mark that came in the stream that is read.
    seen: u64,
    /// Bytes written since the last note.
    unnoted: u64,
}

#[derive(Serialize, Deserialize)]
struct Note {
    mark: LogMark,
    ahead: u64,
    /// Bytes in the file that is written to. One that is full was set aside, or is about to be.
    length: u64,
}

impl MarkedLog {
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let note = note_of(path);
        let noted: Option<Note> = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let there = fs::metadata(path).map_or(0, |file| file.len());
        let was_set_aside = noted
            .as_ref()
            .is_some_and(|noted| noted.length >= limit && there < limit);
        let fitting = noted.filter(|noted| was_set_aside || noted.length <= there);
        let (mark, ahead) = fitting
            .as_ref()
            .map_or((LogMark::Start, 0), |noted| (noted.mark, noted.ahead));
        let file = match &fitting {
            Some(_) if was_set_aside => LogFile::open(path, limit, 0)?,
            Some(noted) => LogFile::open(path, limit, noted.length)?,
            None => LogFile::resumed(path, limit)?,
        };
        let mut log = Self {
            file,
            note,
            mark,
            ahead,
            seen: 0,
            unnoted: 0,
        };
        if was_set_aside {
            log.note()?;
        }
        Ok(log)
    }

    /// Where the output is to be read on from.
    pub(super) fn mark(&self) -> LogMark {
        self.mark
    }

    /// The output is read anew from [`MarkedLog::mark`].
    pub(super) fn begin(&mut self) {
        self.seen = 0;
    }

    /// The chunk that comes next in the stream.
    pub(super) fn write(&mut self, chunk: &LogChunk) -> io::Result<()> {
        let length = chunk.bytes.len() as u64;
        while self.ahead < self.seen + length {
            if self.file.is_full() {
                // Noted before and after, so that it is known on which side a crash was.
                self.note()?;
                self.file.rotate()?;
                self.note()?;
            }
            let written = usize::try_from(self.ahead.saturating_sub(self.seen)).unwrap_or(usize::MAX);
            let taken = self.file.append(&chunk.bytes[written..])?;
            self.ahead += taken as u64;
        }
        self.seen += length;
        if let Some(mark) = chunk.mark {
            self.ahead -= self.seen;
            self.seen = 0;
            self.mark = mark;
        }
        self.unnoted += length;
        if self.unnoted >= NOTE_AFTER {
            self.note()?;
        }
        Ok(())
    }

    /// Writes down how far it is.
    pub(super) fn note(&mut self) -> io::Result<()> {
        let note = Note {
            mark: self.mark,
            ahead: self.ahead,
            length: self.file.length(),
        };
        let temporary = self.note.with_extension("tmp");
        fs::write(&temporary, serde_json::to_vec(&note)?)?;
        fs::rename(&temporary, &self.note)?;
        self.unnoted = 0;
        Ok(())
    }
}

/// Forgets how much of an output a log holds: the next output under its name is another one.
pub(super) fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(note_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn note_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".mark");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::super::file::rotated;
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    /// What a writer does next, or what becomes of it.
    #[derive(Clone, Debug)]
    enum Act {
        /// Takes so many bytes more.
        Take(usize),
        /// Takes so many bytes more, with no place after them.
        Part(usize),
        /// Has another stream of the same output.
        Again,
        /// Writes a note.
        Note,
        /// Is cut off, and another one goes on.
        Crash,
        /// Is cut off within a chunk, after so many of its bytes.
        Torn(usize),
        /// Is cut off at the next rotation, after so many of its three writes.
        AtRotation(usize),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            3 => (1usize..12).prop_map(Act::Take),
            2 => (1usize..12).prop_map(Act::Part),
            1 => Just(Act::Again),
            1 => Just(Act::Note),
            1 => Just(Act::Crash),
            1 => (1usize..12).prop_map(Act::Torn),
            3 => (0usize..4).prop_map(Act::AtRotation),
        ];
        proptest::collection::vec(act, 1..12)
    }

    fn chunk(output: &[u8], from: u64, length: usize) -> LogChunk {
        let from = usize::try_from(from).unwrap();
        let end = output.len().min(from + length);
        LogChunk {
            bytes: Bytes::copy_from_slice(&output[from..end]),
            mark: Some(LogMark::Bytes(end as u64)),
        }
    }

    /// A piece of the stream with no place after it.
    fn part(output: &[u8], from: u64, length: usize) -> LogChunk {
        LogChunk {
            mark: None,
            ..chunk(output, from, length)
        }
    }

    fn offset(mark: LogMark) -> u64 {
        match mark {
            LogMark::Start => 0,
            LogMark::Bytes(offset) => offset,
            LogMark::Entries { .. } => unreachable!("{mark:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// Wherever writers were cut off, the files hold the end of the output, each byte once.
        #[test]
        fn nothing_is_lost_or_written_twice(limit in 1u64..30, acts in acts(), more in 0u64..8) {
            let output: Vec<u8> = (0..=255).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("logs/step.log");
            let mut log = MarkedLog::open(&path, limit).unwrap();
            let mut reached = 0;
            for act in acts {
                let at = offset(log.mark) + log.ahead;
                match act {
                    Act::Take(length) => log.write(&chunk(&output, offset(log.mark) + log.seen, length)).unwrap(),
                    Act::Part(length) => log.write(&part(&output, offset(log.mark) + log.seen, length)).unwrap(),
                    Act::Again => log.begin(),
                    Act::Note => log.note().unwrap(),
                    Act::Crash => {}
                    Act::Torn(_) if log.file.is_full() => {}
                    Act::Torn(length) => log.ahead += log.file.append(&chunk(&output, at, length).bytes).unwrap() as u64,
                    Act::AtRotation(done) => cut_off_at_rotation(&mut log, &output, done),
                }
                reached = reached.max(offset(log.mark) + log.ahead);
                if !matches!(act, Act::Take(_) | Act::Part(_) | Act::Again | Act::Note) {
                    log = MarkedLog::open(&path, limit).unwrap();
                }
            }
            // Soon after what was reached, so that what went wrong is not rotated away.
            let whole = &output[..usize::try_from(reached + more).unwrap().min(256)];
            log.begin();
            while offset(log.mark) < whole.len() as u64 {
                log.write(&chunk(whole, offset(log.mark), 7)).unwrap();
            }
            let mut kept = fs::read(rotated(&path)).unwrap_or_default();
            kept.extend(fs::read(&path).unwrap());
            prop_assert!(whole.ends_with(&kept), "{kept:?} of {}", whole.len());
            prop_assert!(kept.len() as u64 >= limit.min(whole.len() as u64));
            prop_assert!(fs::metadata(&path).unwrap().len() <= limit);
        }
    }

    /// Fills the file to its last byte and does so many of the three writes of a rotation.
    fn cut_off_at_rotation(log: &mut MarkedLog, output: &[u8], done: usize) {
        loop {
            let rest = chunk(output, offset(log.mark) + log.ahead, 5).bytes;
            if log.file.is_full() || rest.is_empty() {
                break;
            }
            log.ahead += log.file.append(&rest).unwrap() as u64;
        }
        let rotation: [fn(&mut MarkedLog) -> io::Result<()>; 3] =
            [MarkedLog::note, |log| log.file.rotate(), MarkedLog::note];
        if log.file.is_full() {
            rotation.iter().take(done).for_each(|write| write(log).unwrap());
        }
    }

    #[test]
    fn a_note_that_does_not_fit_its_file_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step.log");
        let whole = chunk(b"one\ntwo\n", 0, 8);
        let written = |there: &str, note: &str| {
            fs::write(&path, there).unwrap();
            fs::write(note_of(&path), note).unwrap();
            let mut log = MarkedLog::open(&path, 100).unwrap();
            assert_eq!(log.mark(), LogMark::Start, "{note}");
            log.write(&whole).unwrap();
            fs::read_to_string(&path).unwrap()
        };
        for note in ["", "{", r#"{"mark":{"bytes":8},"ahead":0,"length":8}"#] {
            assert_eq!(written("one\n", note), "one\ntwo\n", "{note}");
        }
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert!(!note_of(&path).exists());
    }
}
