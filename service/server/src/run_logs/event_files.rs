//! The event files that a step writes into its outputs, found without following a link: while it runs these are a
//! stranger's folders.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, open, openat, statat};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use trainyard_core::log::{EventFile, FRAME, LONGEST_RECORD};

/// What TensorBoard calls its files, with anything before and behind it.
const CALLED: &str = "tfevents";
/// Files of a step that are read.
const MOST_FILES: usize = 64;
/// Entries of its outputs that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Folders below each other.
const DEEPEST: usize = 8;
/// Bytes of a file that are read.
pub(super) const MOST_BYTES: u64 = 128 * 1024 * 1024;
/// Read at once: a record and more.
const CHUNK: usize = 2 * (LONGEST_RECORD + FRAME);

/// An event file.
pub(super) struct Found {
    /// Its path.
    pub(super) path: PathBuf,
    /// The folder it is in, below the output.
    pub(super) folder: String,
    /// Its name.
    pub(super) name: String,
    file: File,
}

/// The event files below a folder, by path.
pub(super) fn below(root: &Path) -> io::Result<Vec<Found>> {
    let mut search = Search {
        found: Vec::new(),
        entries: 0,
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match open(root, flags, Mode::empty()) {
        Ok(folder) => search.folder(&folder, root, "", 0)?,
        // It is a file, or not there yet.
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {}
        Err(error) => return Err(error.into()),
    }
    search.found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(search.found)
}

struct Search {
    found: Vec<Found>,
    entries: usize,
}

impl Search {
    fn folder(&mut self, folder: &OwnedFd, path: &Path, below: &str, depth: usize) -> io::Result<()> {
        let mut names: Vec<CString> = Vec::new();
        for entry in Dir::read_from(folder)? {
            let name = entry?.file_name().to_owned();
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                break;
            }
            names.push(name);
        }
        names.sort();
        for raw in names {
            let Ok(name) = raw.to_str() else { continue };
            // What is gone meanwhile is no event file.
            let Ok(kind) = statat(folder, raw.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            match FileType::from_raw_mode(kind.st_mode) {
                FileType::Directory if depth < DEEPEST => {
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    if let Ok(inner) = openat(folder, raw.as_c_str(), flags, Mode::empty()) {
                        let deeper = match below {
                            "" => name.to_owned(),
                            below => format!("{below}/{name}"),
                        };
                        self.folder(&inner, &path.join(name), &deeper, depth + 1)?;
                    }
                }
                FileType::RegularFile if name.contains(CALLED) && self.found.len() < MOST_FILES => {
                    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    let Ok(file) = openat(folder, raw.as_c_str(), flags, Mode::empty()) else {
                        continue;
                    };
                    // Between the look and this a pipe may have taken its place.
                    if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile {
                        self.found.push(Found {
                            path: path.join(name),
                            folder: below.to_owned(),
                            name: name.to_owned(),
                            file: file.into(),
                        });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An event file as far as it was read, and how long it was then.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    pub(super) read: EventFile,
    length: u64,
}

impl Events {
    /// What is wrong with it, if something is; of one that nobody writes any more also where it breaks off.
    pub(super) fn problem(&self, is_whole: bool) -> Option<String> {
        if let Some(damage) = self.read.damage {
            return Some(damage.sentence());
        }
        if self.length > MOST_BYTES {
            return Some(format!("only its first {} MiB are read", MOST_BYTES >> 20));
        }
        let broken = is_whole && self.read.to != self.length;
        broken.then(|| "it breaks off within a record, as where its program was killed".to_owned())
    }
}

impl Found {
    /// Reads on.
    pub(super) fn read(&self, events: &mut Events) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        // A shorter one is another one.
        if length < events.length {
            *events = Events::default();
        }
        events.length = length;
        let mut chunk = Vec::new();
        while events.read.to < length.min(MOST_BYTES) {
            chunk.resize(CHUNK, 0);
            let some = self.file.read_at(&mut chunk, events.read.to)?;
            if !events.read.take(&chunk[..some]) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const SAMPLE: &[u8] = include_bytes!("../../../core/tests/event_files/events.out.tfevents.tensorboardX");

    fn names(root: &Path) -> Vec<(String, String)> {
        let found = below(root).unwrap().into_iter();
        found.map(|one| (one.folder, one.name)).collect()
    }

    #[test]
    fn files_are_found_below_and_never_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (outputs, elsewhere) = (folder.path().join("outputs"), folder.path().join("elsewhere"));
        for place in [outputs.join("logs/train"), elsewhere.clone()] {
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("events.out.tfevents.1.host"), SAMPLE).unwrap();
        }
        std::fs::write(outputs.join("logs/notes.txt"), "x").unwrap();
        symlink(&elsewhere, outputs.join("logs/all")).unwrap();
        symlink(
            elsewhere.join("events.out.tfevents.1.host"),
            outputs.join("events.out.tfevents.2"),
        )
        .unwrap();
        let pipe = outputs.join("events.out.tfevents.3");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let found = names(&outputs);
        assert_eq!(
            found,
            [("logs/train".to_owned(), "events.out.tfevents.1.host".to_owned())]
        );
        symlink(&outputs, folder.path().join("link")).unwrap();
        for nothing in ["link", "nowhere", "elsewhere/events.out.tfevents.1.host"] {
            assert!(names(&folder.path().join(nothing)).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn deep_and_many_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..12).fold(folder.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("tfevents"), "").unwrap();
        assert!(names(folder.path()).is_empty());
        for number in 0..MOST_FILES + 9 {
            std::fs::write(folder.path().join(format!("{number:04}.tfevents")), "").unwrap();
        }
        assert_eq!(names(folder.path()).len(), MOST_FILES);
    }

    #[test]
    fn a_file_is_read_on_where_it_grew_and_says_where_it_breaks_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tfevents");
        std::fs::write(&path, &SAMPLE[..SAMPLE.len() - 20]).unwrap();
        let mut events = Events::default();
        let read = |events: &mut Events| below(folder.path()).unwrap()[0].read(events).unwrap();
        read(&mut events);
        let (before, half) = (events.read.reports, events.problem(true));
        assert_eq!(events.problem(false), None);
        std::fs::write(&path, SAMPLE).unwrap();
        read(&mut events);
        assert!(events.read.reports >= before && events.problem(true).is_none());
        std::fs::write(&path, b"this was written over it").unwrap();
        read(&mut events);
        insta::assert_snapshot!([half, events.problem(false)].map(Option::unwrap).join("\n"), @"
        it breaks off within a record, as where its program was killed
        it is no event file: its first record has a wrong checksum
        ");
    }
}
