//! A log file of bounded size that can be resumed: it always holds the end of one output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A log file is rotated once at this size, so a step keeps at most twice as much.
pub const LOG_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Takes an output from its beginning, keeps at most two files of the limit's size.
pub(crate) struct LogFile {
    path: PathBuf,
    limit: u64,
    file: File,
    /// Bytes of this output that are in the file, known to be right.
    length: u64,
    /// The rest of what an earlier writer left, still to be compared with the output.
    earlier: Option<File>,
}

impl LogFile {
    /// Forgets what is there.
    pub(crate) fn anew(path: &Path) -> io::Result<Self> {
        for old in [path, &rotated(path)] {
            match fs::remove_file(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Self::open(path, LOG_FILE_BYTES, 0)
    }

    /// Goes on where an earlier writer of the same output was cut off: what is written from the
    /// output's beginning is compared with the file, and appended from the first difference on.
    pub(super) fn resumed(path: &Path, limit: u64) -> io::Result<Self> {
        let rotated = rotated(path);
        // After a rotation the beginning is gone, so there is nothing to compare: all is written anew.
        if rotated.exists() {
            fs::remove_file(&rotated)?;
            fs::write(path, b"")?;
        }
        Self::open(path, limit, 0)
    }

    /// Goes on after the first `length` bytes of the file, which are known to be right: what comes after
    /// them is compared with what is written next.
    pub(super) fn open(path: &Path, limit: u64, length: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // Most often there is no more in it, and no handle is kept.
        let has_more = file.metadata()?.len() > length;
        let earlier = has_more.then(|| {
            let mut earlier = File::open(path)?;
            earlier.seek(SeekFrom::Start(length))?;
            io::Result::Ok(earlier)
        });
        Ok(Self {
            path: path.to_owned(),
            limit,
            file,
            length,
            earlier: earlier.transpose()?,
        })
    }

    /// Bytes of the output in the file that is written to.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the next byte of the output belongs into another file.
    pub(super) fn is_full(&self) -> bool {
        self.earlier.is_none() && self.length >= self.limit
    }

    /// Sets the file aside and begins another one.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, rotated(&self.path))?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.length = 0;
        Ok(())
    }

    /// The next bytes of the output.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.is_full() {
                self.rotate()?;
            }
            let taken = self.append(bytes)?;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// As many of these bytes as belong into this file; says how many.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let known = self.known(bytes)?;
        if known > 0 {
            return Ok(known);
        }
        let room = usize::try_from(self.limit.saturating_sub(self.length)).unwrap_or(usize::MAX);
        let fits = &bytes[..bytes.len().min(room)];
        self.file.write_all(fits)?;
        self.length += fits.len() as u64;
        Ok(fits.len())
    }

    /// How many of these bytes the file holds already.
    fn known(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(earlier) = &mut self.earlier else { return Ok(0) };
        let mut there = Vec::with_capacity(bytes.len());
        earlier.take(bytes.len() as u64).read_to_end(&mut there)?;
        let same = there.iter().zip(bytes).take_while(|(old, new)| old == new).count();
        self.length += same as u64;
        if same < there.len() {
            // Torn by a crash, or the output has lost its beginning: what was there is set aside.
            fs::copy(&self.path, rotated(&self.path))?;
        }
        if same < bytes.len() {
            self.file.set_len(self.length)?;
            self.earlier = None;
        }
        Ok(same)
    }
}

/// Where the older half of a log is.
pub(super) fn rotated(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contents(path: &Path) -> Vec<u8> {
        let mut all = fs::read(rotated(path)).unwrap_or_default();
        all.extend(fs::read(path).unwrap());
        all
    }

    fn write(path: &Path, limit: u64, pieces: &[Vec<u8>]) {
        let mut log = LogFile::resumed(path, limit).unwrap();
        pieces.iter().for_each(|piece| log.write(piece).unwrap());
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..12)
    }

    proptest! {
        /// However the output comes in pieces and wherever writers were cut off, the files hold its end.
        #[test]
        fn the_end_of_the_output_is_kept(output in pieces(), limit in 1u64..40, cuts in proptest::collection::vec(0usize..12, 0..3)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("logs/step.log");
            for cut in cuts {
                write(&path, limit, &output[..cut.min(output.len())]);
            }
            write(&path, limit, &output);
            let (whole, kept) = (output.concat(), contents(&path));
            prop_assert!(whole.ends_with(&kept));
            prop_assert!(kept.len() as u64 >= limit.min(whole.len() as u64));
            prop_assert!(fs::metadata(&path).unwrap().len() <= limit);
        }

        /// A torn or foreign file is set aside: the output is right.
        #[test]
        fn what_differs_is_replaced(output in pieces(), found in proptest::collection::vec(any::<u8>(), 0..30)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("step.log");
            fs::write(&path, &found).unwrap();
            write(&path, 1000, &output);
            let whole = output.concat();
            let expected = if found.starts_with(&whole) { &found } else { &whole };
            prop_assert_eq!(&fs::read(&path).unwrap(), expected, "an output that is shorter so far deletes nothing");
            let aside = fs::read(rotated(&path)).ok();
            let differs = !found.starts_with(&whole) && !whole.starts_with(&found);
            prop_assert_eq!(aside, differs.then_some(found));
        }
    }

    #[test]
    fn pieces_need_not_be_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step.log");
        write(&path, 100, &[b"one\ntw".to_vec()]);
        write(
            &path,
            100,
            &[b"o".to_vec(), b"ne\nt".to_vec(), b"wo\nth".to_vec(), b"ree\n".to_vec()],
        );
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\n");
    }
}
