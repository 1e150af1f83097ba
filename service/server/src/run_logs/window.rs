//! A part of a log: found by its offset or by a text, as whole lines, however long the log is.

use super::LogFile;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Lines are looked for this far back; a longer one is cut.
const LONGEST_LINE: u64 = 64 * 1024;
/// Read at once while a text is looked for.
const CHUNK: usize = 1024 * 1024;

/// Whole lines of a log. Offsets count its bytes from the beginning of what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where they begin.
    pub from: u64,
    /// The lines.
    pub bytes: Vec<u8>,
    /// The bytes of the whole log.
    pub length: u64,
}

impl Window {
    /// Where they end.
    pub fn to(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

impl LogFile {
    /// The bytes of the log, the rotated part included.
    pub fn length(&self) -> io::Result<u64> {
        Ok(length(&self.rotated())? + length(&self.path)?)
    }

    /// About so many bytes of lines, the one that an offset is in first.
    pub fn from(&self, offset: u64, bytes: u64) -> io::Result<Window> {
        let length = self.length()?;
        let from = self.line_at(offset.min(length))?;
        let mut read = self.read(from, bytes)?;
        let more = from + (read.len() as u64) < length;
        if more && let Some(end) = read.iter().rposition(|byte| *byte == b'\n') {
            read.truncate(end + 1);
        }
        Ok(Window {
            from,
            bytes: read,
            length,
        })
    }

    /// What was written behind the end of another window: whole lines, and at the last of what is written the rest.
    pub fn after(&self, to: u64, bytes: u64, is_over: bool) -> io::Result<Window> {
        let length = self.length()?;
        let from = to.min(length);
        let mut read = self.read(from, bytes)?;
        let full = read.len() as u64 == bytes;
        match read.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if full || !is_over => read.truncate(end + 1),
            None if !full && !is_over => read.clear(),
            _ => {}
        }
        Ok(Window {
            from,
            bytes: read,
            length,
        })
    }

    /// The last lines, about so many bytes.
    pub fn last(&self, bytes: u64) -> io::Result<Window> {
        let length = self.length()?;
        let begin = length.saturating_sub(bytes);
        // A line that begins before is left out, if there is another one.
        let mut read = self.read(begin, bytes)?;
        let mut from = begin;
        if begin > 0
            && let Some(end) = read
                .iter()
                .position(|byte| *byte == b'\n')
                .filter(|at| at + 1 < read.len())
        {
            read.drain(..=end);
            from += end as u64 + 1;
        }
        Ok(Window {
            from,
            bytes: read,
            length,
        })
    }

    /// The beginning of the first line at or behind an offset that has this text.
    pub fn find(&self, text: &str, from: u64) -> io::Result<Option<u64>> {
        let finder = memchr::memmem::Finder::new(text.as_bytes());
        let overlap = text.len().saturating_sub(1);
        let (mut at, mut chunk) = (from, Vec::new());
        loop {
            // What was there stays as far as the text could have begun in it.
            let kept = chunk.len().min(overlap);
            chunk.drain(..chunk.len() - kept);
            let begin = at - kept as u64;
            let read = self.read(at, CHUNK as u64)?;
            if read.is_empty() {
                return Ok(None);
            }
            at += read.len() as u64;
            chunk.extend(read);
            if let Some(found) = finder.find(&chunk) {
                return self.line_at(begin + found as u64).map(|line| Some(line.max(from)));
            }
        }
    }

    /// The beginning of the line that an offset is in.
    fn line_at(&self, offset: u64) -> io::Result<u64> {
        let begin = offset.saturating_sub(LONGEST_LINE);
        let before = self.read(begin, offset - begin)?;
        Ok(match before.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => begin + end as u64 + 1,
            None => begin,
        })
    }

    pub(super) fn read(&self, from: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let rotated = length(&self.rotated())?;
        let mut read = Vec::new();
        if from < rotated {
            part(&self.rotated(), from, bytes, &mut read)?;
        }
        let left = bytes.saturating_sub(read.len() as u64);
        if left > 0 {
            part(&self.path, from.saturating_sub(rotated), left, &mut read)?;
        }
        Ok(read)
    }

    /// How many lines end before an offset, if that is not too far to count.
    pub fn lines_before(&self, offset: u64, most: u64) -> io::Result<Option<u64>> {
        if offset > most {
            return Ok(None);
        }
        let (mut at, mut lines) = (0, 0);
        while at < offset {
            let chunk = self.read(at, (offset - at).min(CHUNK as u64))?;
            if chunk.is_empty() {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &chunk).count() as u64;
            at += chunk.len() as u64;
        }
        Ok(Some(lines))
    }
}

fn length(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn part(path: &Path, from: u64, bytes: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(from))?;
    file.take(bytes).read_to_end(into).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log(rotated: &str, rest: &str) -> (tempfile::TempDir, LogFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.1.log");
        std::fs::write(&path, rest).unwrap();
        if !rotated.is_empty() {
            std::fs::write(folder.path().join("train.1.log.1"), rotated).unwrap();
        }
        (folder, LogFile { path })
    }

    fn text(window: &Window) -> &str {
        std::str::from_utf8(&window.bytes).unwrap()
    }

    #[test]
    fn windows_are_whole_lines_across_the_rotation() {
        let (_folder, log) = log("one\ntwo\nthree\n", "four\nfive\nsix");
        let all = log.from(0, 1000).unwrap();
        assert_eq!(
            (text(&all), all.from, all.length),
            ("one\ntwo\nthree\nfour\nfive\nsix", 0, 27)
        );
        // In the middle of a line is its beginning.
        let some = log.from(6, 12).unwrap();
        assert_eq!((text(&some), some.from, some.to()), ("two\nthree\n", 4, 14));
        assert_eq!(text(&log.from(14, 1000).unwrap()), "four\nfive\nsix");
        let end = log.last(9).unwrap();
        assert_eq!((text(&end), end.from), ("five\nsix", 19));
        let behind = log.from(1000, 10).unwrap();
        assert_eq!((text(&behind), behind.from), ("six", 24));
        assert_eq!(log.lines_before(14, 100).unwrap(), Some(3));
        assert_eq!(log.lines_before(14, 10).unwrap(), None);
    }

    #[test]
    fn a_text_is_found_in_its_line() {
        let (_folder, log) = log("one\ntwo\n", "three four\nfour\n");
        let found = |text: &str, from: u64| log.find(text, from).unwrap();
        assert_eq!(
            (found("two", 0), found("our", 0), found("our", 19)),
            (Some(4), Some(8), Some(19))
        );
        // Across the files, and nowhere.
        assert_eq!(
            (found("two\nthree", 0), found("five", 0), found("one", 4)),
            (Some(4), None, None)
        );
    }

    #[test]
    fn a_long_log_is_found_in_as_well() {
        let long = format!("{}\nneedle here\n", "x\n".repeat(CHUNK));
        let (_folder, log) = log("", &long);
        let at = log.find("needle", 0).unwrap().unwrap();
        assert_eq!(text(&log.from(at, 100).unwrap()), "needle here\n");
    }

    #[test]
    fn what_is_still_written_waits_for_its_line_to_end() {
        let (_folder, log) = log("", "one\ntw");
        let (now, over) = (log.after(0, 100, false).unwrap(), log.after(4, 100, true).unwrap());
        assert_eq!((text(&now), text(&over)), ("one\n", "tw"));
        assert_eq!(text(&log.after(4, 100, false).unwrap()), "");
        // A line that is longer than what is read at once comes in pieces.
        assert_eq!(text(&log.after(0, 2, false).unwrap()), "on");
    }

    proptest! {
        /// Whoever reads on from where a window ended reads everything once.
        #[test]
        fn windows_follow_each_other(rotated in "([a-c\n]{0,40}\n)?", rest in "[a-c\n]{0,40}", bytes in 1_u64..60) {
            let (_folder, log) = log(&rotated, &rest);
            let mut read = String::new();
            loop {
                let window = log.after(read.len() as u64, bytes, true).unwrap();
                if window.bytes.is_empty() { break; }
                read.push_str(text(&window));
            }
            prop_assert_eq!(read, rotated + &rest);
        }
    }
}
