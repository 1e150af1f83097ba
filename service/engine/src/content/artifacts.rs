//! The content-addressed artifact folder: `artifacts/sha256/<2 hex>/<62 hex>`.
//!
//! A tree is written under a work folder by a component, hashed, synced and renamed in. The same
//! content is never stored twice, and what is stored never changes.

use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::machine;
use trainyard_executors::Trees;
pub use trainyard_executors::{Abandoned, remove_tree};

/// Bytes of a path inside an artifact; the system takes 4096 with everything above it.
const LONGEST_PATH: usize = 1024;
/// Up to so many files are synced one by one; more with everything on their disk, at once.
const FEW: u64 = 32;

/// Why an output cannot become an artifact.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The output itself is neither a file nor a folder.
    #[error("it is a link or a device: write a plain file or folder")]
    NotPlain,
    /// The tree has an entry that is neither a file nor a folder.
    #[error("it contains '{0}', which is a link or a device: write plain files and folders")]
    HasNotPlain(String),
    /// The tree has a name that is no text.
    #[error("it contains a file whose name is not UTF-8, about '{0}': rename it, for example in ASCII letters")]
    NotUtf8(String),
    /// The tree has a path that not every system can open.
    #[error("it has paths of more than {LONGEST_PATH} bytes: use fewer or shorter folder names")]
    TooDeep,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// Nobody waits for it any more.
    #[error("it was stopped")]
    Abandoned,
    /// The disk said no.
    #[error("{path} cannot be read or written: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ArtifactError {
    /// Whether it is the machine's trouble, and nothing is wrong with the content.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Io { source, .. } if machine::is_trouble(source))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ArtifactError + '_ {
    move |source| ArtifactError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The folder with all artifacts of one service.
#[derive(Clone, Debug)]
pub struct ArtifactFolder {
    root: PathBuf,
}

/// Where content is, or would be, below the folder of artifacts.
pub fn place(root: &Path, digest: &Digest) -> PathBuf {
    let (shard, rest) = digest.hex().split_at(2);
    root.join("sha256").join(shard).join(rest)
}

impl ArtifactFolder {
    /// Opens, and makes, the folder.
    pub fn open(root: PathBuf) -> Result<Self, ArtifactError> {
        fs::create_dir_all(root.join("sha256")).map_err(at(&root))?;
        Ok(Self { root })
    }

    /// Where content with this digest is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        place(&self.root, digest)
    }

    /// Whether the bytes are there.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).symlink_metadata().is_ok()
    }

    /// Removes content; missing content is fine. Blocks. It is out of its place before its first byte
    /// goes, so that a crash leaves all of it there or none.
    pub fn discard(&self, digest: &Digest) -> io::Result<()> {
        let leaving = self.root.join("leaving");
        remove_tree(&leaving)?;
        let place = self.path(digest);
        let Ok(metadata) = place.symlink_metadata() else {
            return Ok(());
        };
        fs::create_dir_all(&leaving)?;
        if metadata.is_dir() {
            fs::set_permissions(&place, Permissions::from_mode(0o755))?;
        }
        fs::rename(&place, leaving.join(digest.hex()))?;
        remove_tree(&leaving)
    }

    /// Seals the file or folder and moves it in. Blocks; the source is gone afterwards.
    pub fn store(&self, source: &Path) -> Result<(Digest, PathBuf), ArtifactError> {
        let digest = seal(source, &Abandoned::default())?;
        let place = self.adopt(source, &digest)?;
        Ok((digest, place))
    }

    /// Moves sealed content to its place. Safe to repeat: content that is there is left alone.
    pub fn adopt(&self, source: &Path, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        let place = self.path(digest);
        if self.contains(digest) {
            return Ok(place);
        }
        let shard = place.parent().unwrap_or(&self.root);
        fs::create_dir_all(shard).map_err(at(shard))?;
        // A folder without write permission cannot be renamed by an ordinary user.
        let folder = source.is_dir();
        if folder {
            fs::set_permissions(source, Permissions::from_mode(0o755)).map_err(at(source))?;
        }
        match fs::rename(source, &place) {
            Ok(()) => {}
            // Another step stored the same content first.
            Err(_) if self.contains(digest) => return Ok(place),
            Err(error) => return Err(at(&place)(error)),
        }
        if folder {
            fs::set_permissions(&place, Permissions::from_mode(0o555)).map_err(at(&place))?;
        }
        sync(shard)?;
        sync(&self.root.join("sha256"))?;
        Ok(place)
    }
}

impl Trees for ArtifactFolder {
    fn open(&self, digest: &Digest) -> Option<PathBuf> {
        self.contains(digest).then(|| self.path(digest))
    }
}

/// Digest of a tree: SHA-256 over its entries sorted by path, each as
/// `kind NUL path NUL (executable NUL sha256-of-content)`. A single file is an entry with an empty
/// path. Owner, times and other permissions do not count.
pub fn digest(path: &Path, abandoned: &Abandoned) -> Result<Digest, ArtifactError> {
    let mut tree = Sha256::new();
    walk(path, &mut |entry| hash_entry(&mut tree, entry, abandoned))?;
    Ok(Digest::from_sha256(&tree.finalize()))
}

/// SHA-256 of one file's bytes.
pub fn file_digest(path: &Path, abandoned: &Abandoned) -> Result<Digest, ArtifactError> {
    Ok(Digest::from_sha256(&hash_file(path, abandoned)?))
}

struct Entry<'a> {
    relative: &'a str,
    path: &'a Path,
    is_dir: bool,
    executable: bool,
}

fn hash_entry(tree: &mut Sha256, entry: &Entry<'_>, abandoned: &Abandoned) -> Result<(), ArtifactError> {
    tree.update(if entry.is_dir { b"d\0" } else { b"f\0" });
    tree.update(entry.relative.as_bytes());
    tree.update([0]);
    if !entry.is_dir {
        tree.update([u8::from(entry.executable), 0]);
        tree.update(hash_file(entry.path, abandoned)?);
    }
    Ok(())
}

fn hash_file(path: &Path, abandoned: &Abandoned) -> Result<[u8; 32], ArtifactError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        if abandoned.is_so() {
            return Err(ArtifactError::Abandoned);
        }
        let count = file.read(&mut buffer).map_err(at(path))?;
        if count == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..count]);
    }
}

/// Hashes a tree while making it read-only, ours, and durable.
pub fn seal(root: &Path, abandoned: &Abandoned) -> Result<Digest, ArtifactError> {
    let mut tree = Sha256::new();
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let mut count = 0_u64;
    walk(root, &mut |entry| {
        hash_entry(&mut tree, entry, abandoned)?;
        own(entry.path)?;
        if entry.is_dir {
            folders.push(entry.path.to_owned());
            return Ok(());
        }
        let mode = if entry.executable { 0o555 } else { 0o444 };
        fs::set_permissions(entry.path, Permissions::from_mode(mode)).map_err(at(entry.path))?;
        count += 1;
        if count <= FEW {
            files.push(entry.path.to_owned());
        }
        Ok(())
    })?;
    if count == 0 {
        return Err(ArtifactError::Empty);
    }
    let few = count <= FEW && folders.len() as u64 <= FEW;
    if few {
        files.iter().try_for_each(|file| sync(file))?;
    }
    for folder in folders.iter().rev() {
        if few {
            sync(folder)?;
        }
        fs::set_permissions(folder, Permissions::from_mode(0o555)).map_err(at(folder))?;
    }
    if !few {
        sync_disk(root)?;
    }
    Ok(Digest::from_sha256(&tree.finalize()))
}

/// Everything on the disk of this path: data, names and permissions in one go, where a sync of each file would wait for
/// the disk each time. Since Linux 5.8 it tells of every write that failed.
fn sync_disk(path: &Path) -> Result<(), ArtifactError> {
    let synced = File::open(path).and_then(|file| Ok(rustix::fs::syncfs(file)?));
    synced.map_err(at(path))
}

/// A component's container writes as another user; what is stored belongs to the service.
fn own(path: &Path) -> Result<(), ArtifactError> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let owner = path.symlink_metadata().map_err(at(path))?.uid();
    if uid.is_root() && owner != uid.as_raw() {
        std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw())).map_err(at(path))?;
    }
    Ok(())
}

fn sync(path: &Path) -> Result<(), ArtifactError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// Calls `visit` for every entry, parents before children, siblings by name.
fn walk(root: &Path, visit: &mut impl FnMut(&Entry<'_>) -> Result<(), ArtifactError>) -> Result<(), ArtifactError> {
    walk_from(root, "", visit)
}

fn walk_from(
    path: &Path,
    relative: &str,
    visit: &mut impl FnMut(&Entry<'_>) -> Result<(), ArtifactError>,
) -> Result<(), ArtifactError> {
    let metadata = path.symlink_metadata().map_err(at(path))?;
    let is_dir = metadata.is_dir();
    if !is_dir && !metadata.is_file() {
        return Err(match relative {
            "" => ArtifactError::NotPlain,
            relative => ArtifactError::HasNotPlain(relative.to_owned()),
        });
    }
    if relative.len() > LONGEST_PATH {
        return Err(ArtifactError::TooDeep);
    }
    let executable = !is_dir && metadata.mode() & 0o111 != 0;
    visit(&Entry {
        relative,
        path,
        is_dir,
        executable,
    })?;
    if is_dir {
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(at(path))? {
            let name = entry.map_err(at(path))?.file_name();
            match name.into_string() {
                Ok(name) => names.push(name),
                Err(name) => {
                    let shown = Path::new(relative).join(name.to_string_lossy().into_owned());
                    return Err(ArtifactError::NotUtf8(shown.display().to_string()));
                }
            }
        }
        names.sort();
        for name in names {
            let below = if relative.is_empty() {
                name.clone()
            } else {
                format!("{relative}/{name}")
            };
            walk_from(&path.join(&name), &below, visit)?;
        }
    }
    Ok(())
}

/// The bytes of a file that a component wrote, at most `limit` of them: never through a link, never
/// waiting for a pipe.
pub(crate) fn read_plain(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path);
    let file = file.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => io::Error::other("it is a link"),
        _ => error,
    })?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it has more than {} MiB",
            limit / (1024 * 1024)
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(root: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    #[test]
    fn the_digest_sees_names_and_content_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[(&str, &str)]| {
            let root = dir.path().join(name);
            tree(&root, files);
            digest(&root, &Abandoned::default()).unwrap()
        };
        let base = make("a", &[("x/1", "one"), ("y", "two")]);
        assert_eq!(base, make("b", &[("y", "two"), ("x/1", "one")]), "order of writing");
        assert_ne!(base, make("c", &[("x/1", "one"), ("y", "twO")]), "content");
        assert_ne!(base, make("d", &[("x/2", "one"), ("y", "two")]), "name");
        assert_ne!(
            base,
            make("e", &[("x/1", "one"), ("y", "two"), ("z", "")]),
            "an empty file"
        );
    }

    #[test]
    fn the_same_content_is_stored_once_and_read_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = ArtifactFolder::open(dir.path().join("artifacts")).unwrap();
        let mut places = Vec::new();
        for name in ["a", "b"] {
            let source = dir.path().join(name);
            tree(&source, &[("model.onnx", "bytes"), ("deep/er/file", "more")]);
            let (stored, place) = folder.store(&source).unwrap();
            assert_eq!(stored, digest(&place, &Abandoned::default()).unwrap());
            assert!(folder.contains(&stored));
            places.push(place);
        }
        assert_eq!(places[0], places[1]);
        let mode = fs::metadata(places[0].join("model.onnx")).unwrap().mode();
        assert_eq!(mode & 0o222, 0, "nobody may write to it");
    }

    /// However many files there are, the digest is the same, and all of them are read-only.
    #[test]
    fn many_files_are_sealed_like_few() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("many");
        let names: Vec<_> = (0..300).map(|number| format!("{}/{number}", number % 7)).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        tree(&root, &files);
        let before = digest(&root, &Abandoned::default()).unwrap();
        assert_eq!(seal(&root, &Abandoned::default()).unwrap(), before);
        for name in names {
            assert_eq!(fs::metadata(root.join(name)).unwrap().mode() & 0o222, 0);
        }
        assert_eq!(fs::metadata(root.join("3")).unwrap().mode() & 0o777, 0o555);
        remove_tree(&root).unwrap();
    }

    #[test]
    fn nobody_hashes_on_what_was_abandoned() {
        let dir = tempfile::tempdir().unwrap();
        let sparse = dir.path().join("sparse");
        // Hours of hashing.
        File::create(&sparse).unwrap().set_len(1 << 43).unwrap();
        let abandoned = Abandoned::default();
        let teller = abandoned.clone();
        let hashing = std::thread::spawn(move || seal(&sparse, &abandoned));
        teller.abandon();
        assert!(matches!(hashing.join().unwrap(), Err(ArtifactError::Abandoned)));
    }

    #[test]
    fn links_and_empty_outputs_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = ArtifactFolder::open(dir.path().join("artifacts")).unwrap();
        let linked = dir.path().join("linked");
        tree(&linked, &[("a", "1")]);
        std::os::unix::fs::symlink("/etc/passwd", linked.join("b")).unwrap();
        assert_eq!(
            folder.store(&linked).unwrap_err().to_string(),
            "it contains 'b', which is a link or a device: write plain files and folders"
        );
        assert_eq!(
            folder.store(&linked.join("b")).unwrap_err().to_string(),
            "it is a link or a device: write a plain file or folder"
        );
        let named = dir.path().join("named");
        tree(&named, &[("in/a", "1")]);
        let latin1 = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9.txt");
        fs::write(named.join("in").join(latin1), "1").unwrap();
        assert_eq!(
            folder.store(&named).unwrap_err().to_string(),
            "it contains a file whose name is not UTF-8, about 'in/caf\u{fffd}.txt': rename it, for example in ASCII letters"
        );
        let empty = dir.path().join("empty");
        fs::create_dir_all(empty.join("inner")).unwrap();
        assert_eq!(folder.store(&empty).unwrap_err().to_string(), "it is empty");
    }

    #[test]
    fn only_plain_files_are_read_and_only_so_much() {
        let dir = tempfile::tempdir().unwrap();
        let said = |path: &Path| read_plain(path, 4).unwrap_err().to_string();
        let file = dir.path().join("file");
        fs::write(&file, "1234").unwrap();
        assert_eq!(read_plain(&file, 4).unwrap(), b"1234");
        fs::write(&file, "12345").unwrap();
        assert_eq!(said(&file), "it has more than 0 MiB");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(said(&link), "it is a link");
        let pipe = dir.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(said(&pipe), "it is not a plain file");
        assert_eq!(said(dir.path()), "it is not a plain file");
        assert_eq!(said(Path::new("/dev/zero")), "it is not a plain file");
    }

    #[test]
    fn a_tree_deeper_than_the_system_s_paths_is_refused_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep");
        fs::create_dir(&root).unwrap();
        let name = "n".repeat(200);
        // From the inside out, since no path reaches the bottom.
        for _ in 0..60 {
            let outer = dir.path().join("outer");
            fs::create_dir(&outer).unwrap();
            fs::write(outer.join("file"), "1").unwrap();
            fs::rename(&root, outer.join(&name)).unwrap();
            fs::set_permissions(&outer, Permissions::from_mode(0o755)).unwrap();
            fs::rename(&outer, &root).unwrap();
        }
        assert!(matches!(
            digest(&root, &Abandoned::default()),
            Err(ArtifactError::TooDeep)
        ));
        remove_tree(&root).unwrap();
        assert!(!root.exists());
    }
}
