//! Copies of objects on this machine, by content, and which object of which ETag they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;
use trainyard_core::artifact::Digest;

/// What was used within this time stays, whatever the room: somebody is about to hand it to a step.
const IN_USE: Duration = Duration::from_secs(600);
/// What a process that died left of a download.
const LEFT: Duration = Duration::from_secs(86_400);

/// The folder of copies: `content/` by digest, `known/` by address, `partial/` for what is on its way.
#[derive(Debug)]
pub(crate) struct Copies {
    folder: PathBuf,
    room: Option<u64>,
}

/// Which content an object had at an ETag.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    address: String,
    e_tag: String,
    size: u64,
    digest: Digest,
}

impl Copies {
    pub(crate) fn new(folder: PathBuf, room: Option<u64>) -> Self {
        Self { folder, room }
    }

    /// Where a copy with this content is, or would be.
    pub(crate) fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.join("content").join(digest.hex())
    }

    fn note(&self, address: &str) -> PathBuf {
        let name = Digest::from_sha256(&Sha256::digest(address.as_bytes()));
        self.folder.join("known").join(format!("{}.json", name.hex()))
    }

    /// The content that an object has at this ETag, if its copy is here and whole: the copy is hashed again.
    pub(crate) fn find(&self, address: &str, e_tag: &str, size: u64) -> io::Result<Option<Digest>> {
        let Some(known) = read_note(&self.note(address)) else {
            return Ok(None);
        };
        if known.address != address || known.e_tag != e_tag || known.size != size {
            return Ok(None);
        }
        let place = self.place(&known.digest);
        let found = match hashed(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        if found != known.digest {
            tracing::warn!(copy = %place.display(), "the copy of an object changed: it is read again");
            fs::remove_file(&place)?;
            return Ok(None);
        }
        self.used(&known.digest);
        Ok(Some(known.digest))
    }

    /// Whether content is here; what is in it is believed.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        let there = self.place(digest).is_file();
        if there {
            self.used(digest);
        }
        there
    }

    fn used(&self, digest: &Digest) {
        let touched = File::open(self.place(digest)).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = touched {
            tracing::debug!(%digest, %error, "the use of a copy is not noted");
        }
    }

    /// A file for what is on its way.
    pub(crate) fn begin(&self) -> io::Result<NamedTempFile> {
        for name in ["content", "known", "partial"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        NamedTempFile::new_in(self.folder.join("partial"))
    }

    /// Gives a whole copy its place. It need not be on the disk: what a power cut leaves of it is found by its hash.
    pub(crate) fn keep(&self, file: NamedTempFile, digest: &Digest) -> io::Result<()> {
        file.as_file().set_permissions(Permissions::from_mode(0o444))?;
        file.persist(self.place(digest)).map_err(|error| error.error)?;
        self.make_room()
    }

    /// Notes which content an object has at this ETag.
    pub(crate) fn remember(&self, address: &str, e_tag: &str, size: u64, digest: &Digest) -> io::Result<()> {
        let known = Known {
            address: address.to_owned(),
            e_tag: e_tag.to_owned(),
            size,
            digest: digest.clone(),
        };
        let mut file = self.begin()?;
        file.write_all(&serde_json::to_vec(&known)?)?;
        file.persist(self.note(address)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes what was not used for longest until the rest has room.
    fn make_room(&self) -> io::Result<()> {
        remove_older(&self.folder.join("partial"), LEFT)?;
        let Some(room) = self.room else {
            return Ok(());
        };
        let mut copies = Vec::new();
        for entry in fs::read_dir(self.folder.join("content"))? {
            let entry = entry?;
            // Another engine of this folder may have been quicker.
            if let Ok(told) = entry.metadata() {
                copies.push((told.modified()?, told.len(), entry.path()));
            }
        }
        let mut taken: u64 = copies.iter().map(|(_, size, _)| size).sum();
        copies.sort();
        for (used, size, path) in copies {
            if taken <= room || used.elapsed().is_ok_and(|age| age < IN_USE) {
                break;
            }
            remove(&path)?;
            taken = taken.saturating_sub(size);
        }
        Ok(())
    }
}

fn read_note(path: &Path) -> Option<Known> {
    // A note that cannot be read says nothing: the object is read again.
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn hashed(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest::from_sha256(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn remove_older(folder: &Path, than: Duration) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let old = |told: fs::Metadata| told.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > than));
        if entry.metadata().is_ok_and(old) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(copies: &Copies, content: &str, age: Duration) -> Digest {
        let mut file = copies.begin().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let digest = hashed(file.path()).unwrap();
        copies.keep(file, &digest).unwrap();
        let file = File::open(copies.place(&digest)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        digest
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::new(folder.path().to_owned(), Some(13));
        let old = kept(&copies, "oldest", IN_USE * 3);
        let touched = kept(&copies, "touched", IN_USE * 4);
        assert!(copies.contains(&touched), "which is a use of it");
        let there = |digest: &Digest| copies.place(digest).exists();
        assert!(there(&old), "both have room");
        let new = kept(&copies, "new", Duration::ZERO);
        assert!(!there(&old));
        assert!(there(&touched) && there(&new));
        let more = kept(&copies, "more than there is room for", Duration::ZERO);
        assert!(there(&touched) && there(&new) && there(&more), "all of them are in use");
    }

    #[test]
    fn a_copy_that_changed_or_went_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let copies = Copies::new(folder.path().to_owned(), None);
        let digest = kept(&copies, "1,2\n", Duration::ZERO);
        copies.remember("s3://lake/1.csv", "\"tag\"", 4, &digest).unwrap();
        let find = |address, e_tag, size| copies.find(address, e_tag, size).unwrap();
        assert_eq!(find("s3://lake/1.csv", "\"tag\"", 4), Some(digest.clone()));
        assert_eq!(find("s3://lake/2.csv", "\"tag\"", 4), None);
        assert_eq!(find("s3://lake/1.csv", "\"new\"", 4), None);
        assert_eq!(find("s3://lake/1.csv", "\"tag\"", 5), None);
        fs::remove_file(copies.place(&digest)).unwrap();
        fs::write(copies.place(&digest), "2,1\n").unwrap();
        assert_eq!(find("s3://lake/1.csv", "\"tag\"", 4), None);
        assert!(!copies.contains(&digest), "what changed is nobody's content");
        assert_eq!(find("s3://lake/1.csv", "\"tag\"", 4), None);
    }
}
