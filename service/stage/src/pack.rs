//! Trees as streams of bytes. The same tree is always the same stream: names in order, no times, no owners.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tar::{Archive, Builder, EntryType, Header};

/// The name of the tree in its stream: a file or a folder.
const ROOT: &str = "content";

/// Bytes that were written down, and their SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The hash.
    pub sha256: String,
    /// How many.
    pub bytes: u64,
}

/// Writes a file or folder as a tar stream. What is no file, folder or link is left out. Blocks.
pub fn pack(root: &Path, to: impl Write) -> io::Result<()> {
    let mut builder = Builder::new(to);
    let mut left = vec![(root.to_owned(), PathBuf::from(ROOT))];
    while let Some((path, name)) = left.pop() {
        let metadata = path.symlink_metadata()?;
        let mut header = Header::new_gnu();
        header.set_mode(metadata.permissions().mode() & 0o777);
        if metadata.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, &name, fs::read_link(&path)?)?;
        } else if metadata.is_dir() {
            header.set_entry_type(EntryType::Directory);
            header.set_size(0);
            builder.append_data(&mut header, &name, io::empty())?;
            let mut names = fs::read_dir(&path)?
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()?;
            names.sort();
            // The last one is taken first.
            left.extend(
                names
                    .into_iter()
                    .rev()
                    .map(|entry| (path.join(&entry), name.join(&entry))),
            );
        } else if metadata.is_file() {
            let file = File::open(&path)?;
            header.set_entry_type(EntryType::Regular);
            header.set_size(metadata.len());
            builder.append_data(&mut header, &name, Exactly::new(file, metadata.len()))?;
        }
    }
    builder.into_inner()?.flush()
}

/// As many bytes as a header promised, or an error.
struct Exactly {
    file: File,
    left: u64,
}

impl Exactly {
    fn new(file: File, left: u64) -> Self {
        Self { file, left }
    }
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.file.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::other("a file became shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Lays out what [`pack`] wrote at a path that does not exist yet. All of the stream is read. Blocks.
pub fn unpack(from: impl Read, to: &Path) -> io::Result<()> {
    let parent = to.parent().unwrap_or(Path::new("/"));
    let beside = tempfile::Builder::new().prefix(".unpacking").tempdir_in(parent)?;
    let mut archive = Archive::new(from);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(false);
    archive.set_overwrite(false);
    archive.unpack(beside.path())?;
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    let root = beside.path().join(ROOT);
    // A folder that nobody may write to cannot be moved.
    let mode = root.symlink_metadata()?.permissions().mode();
    let is_folder = root.symlink_metadata()?.is_dir();
    if is_folder {
        fs::set_permissions(&root, fs::Permissions::from_mode(mode | 0o700))?;
    }
    fs::rename(&root, to)?;
    if is_folder {
        fs::set_permissions(to, fs::Permissions::from_mode(mode & 0o7777))?;
    }
    Ok(())
}

/// Cuts what is written into files of at most so many bytes, each handed on before the next one begins.
pub struct Parts<F> {
    most: u64,
    scratch: PathBuf,
    current: Option<(File, Sha256, u64)>,
    done: F,
}

impl<F: FnMut(&Path, Packed) -> io::Result<()>> Parts<F> {
    /// Parts lie in this folder, one at a time.
    pub fn new(most: u64, scratch: &Path, done: F) -> Self {
        Self {
            most,
            scratch: scratch.join("part"),
            current: None,
            done,
        }
    }

    /// Hands on the last one.
    pub fn finish(mut self) -> io::Result<()> {
        self.hand_on()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let Some((file, hash, bytes)) = self.current.take() else {
            return Ok(());
        };
        drop(file);
        let sha256 = hex::encode(hash.finalize());
        (self.done)(&self.scratch, Packed { sha256, bytes })?;
        fs::remove_file(&self.scratch)
    }
}

impl<F: FnMut(&Path, Packed) -> io::Result<()>> Write for Parts<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self
            .current
            .as_ref()
            .is_some_and(|(_, _, written)| *written >= self.most)
        {
            self.hand_on()?;
        }
        let (file, hash, written) = match &mut self.current {
            Some(current) => current,
            none => none.insert((File::create(&self.scratch)?, Sha256::new(), 0)),
        };
        let room = usize::try_from(self.most - *written).unwrap_or(usize::MAX);
        let taken = file.write(&bytes[..bytes.len().min(room)])?;
        hash.update(&bytes[..taken]);
        *written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn tree(root: &Path) {
        fs::create_dir_all(root.join("deep/er")).unwrap();
        fs::create_dir(root.join("empty")).unwrap();
        fs::write(root.join("deep/er").join("n".repeat(200)), vec![7; 100_000]).unwrap();
        fs::write(root.join("run.sh"), "#!/bin/sh").unwrap();
        fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run.sh", root.join("link")).unwrap();
        fs::set_permissions(root.join("deep"), fs::Permissions::from_mode(0o555)).unwrap();
    }

    fn packed(root: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(root, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_tree_comes_out_as_it_went_in_and_is_the_same_stream_again() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        tree(&from);
        let bytes = packed(&from);
        unpack(bytes.as_slice(), &to).unwrap();
        assert!(packed(&to) == bytes, "the same tree");
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("run.sh"));
        assert!(unpack(bytes.as_slice(), &to).is_err(), "nothing is overwritten");
        let file = folder.path().join("file");
        unpack(packed(&from.join("run.sh")).as_slice(), &file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "#!/bin/sh");
        assert!(unpack(&bytes[..bytes.len() / 2], &folder.path().join("half")).is_err());
        assert!(!folder.path().join("half").exists());
    }

    #[test]
    fn parts_are_the_stream_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let whole: Vec<u8> = (0..=255).collect();
        for most in [1, 7, 64, 256, 1000] {
            let mut found = Vec::new();
            let mut sizes = Vec::new();
            let mut parts = Parts::new(most, folder.path(), |path, packed| {
                let bytes = fs::read(path)?;
                assert_eq!(packed.sha256, hex::encode(Sha256::digest(&bytes)));
                sizes.push(packed.bytes);
                found.extend(bytes);
                Ok(())
            });
            parts.write_all(&whole).unwrap();
            parts.finish().unwrap();
            assert_eq!(found, whole);
            assert!(sizes.iter().all(|size| *size <= most) && sizes.len() as u64 == 256_u64.div_ceil(most));
        }
    }
}
