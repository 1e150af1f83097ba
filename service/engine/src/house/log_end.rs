//! The end of a log.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a log that are looked at: an exception's message may be long, and its first line says what it is.
const MOST: u64 = 1024 * 1024;

/// The last mebibyte of a log, with the part that was rotated away if it has less. It begins with a whole line, and
/// bytes that are no UTF-8 are replaced.
pub(crate) fn log_end(log: &Path) -> String {
    let mut rotated = log.as_os_str().to_owned();
    rotated.push(".1");
    let newest = tail(log, MOST).unwrap_or_default();
    let room = MOST - newest.bytes.len() as u64;
    let before = match newest.cut {
        true => Tail::default(),
        false => tail(&PathBuf::from(rotated), room).unwrap_or_default(),
    };
    let cut = newest.cut || before.cut;
    let bytes = [before.bytes, newest.bytes].concat();
    let start = match bytes.iter().position(|byte| *byte == b'\n').filter(|_| cut) {
        Some(end) if end + 1 < bytes.len() => end + 1,
        _ => 0,
    };
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Whether the file has more before them.
    cut: bool,
}

fn tail(path: &Path, most: u64) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Tail {
        bytes,
        cut: length > most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_end_is_whole_lines_across_the_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("train.1.log");
        assert_eq!(log_end(&log), "");
        fs::write(&log, "three\nfour ÿ\n").unwrap();
        fs::write(folder.path().join("train.1.log.1"), "one\ntwo\n").unwrap();
        assert_eq!(log_end(&log), "one\ntwo\nthree\nfour ÿ\n");
        let long = "a".repeat(MOST as usize);
        fs::write(&log, format!("{long}\nlast\n")).unwrap();
        assert_eq!(log_end(&log), "last\n");
        fs::write(&log, b"cut \xff\n").unwrap();
        assert!(log_end(&log).ends_with("cut \u{fffd}\n"));
    }
}
