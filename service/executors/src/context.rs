//! The files of a build context: filtered by `.dockerignore`, in a fixed order, the same bytes for
//! the same content whenever and wherever it is packed.

use crate::dockerfile::without_mark;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use trainyard_core::glob;
use trainyard_core::left_out::{self, LeftOut};

/// The rules of what is left out of a context, at its top.
pub(crate) const IGNORE_FILE: &str = ".dockerignore";

/// One file or link of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextFile {
    /// Relative to the context, with `/`.
    pub(crate) path: String,
    /// Where it is.
    source: PathBuf,
    /// 0o644 or 0o755.
    mode: u32,
    /// Where a symbolic link points to.
    link: Option<PathBuf>,
}

/// The rules of a `.dockerignore`: relative to the context, the last one that matches decides, and
/// one that matches a folder matches what is in it.
#[derive(Debug, Default)]
struct Ignore(Vec<(bool, String)>);

impl Ignore {
    fn parse(text: &str) -> Self {
        let lines = without_mark(text)
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rules = lines.map(|line| {
            let (keep, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let clean = pattern.trim_start_matches("./").trim_matches('/');
            (keep, clean.to_owned())
        });
        Self(rules.filter(|(_, pattern)| !pattern.is_empty()).collect())
    }

    fn leaves_out(&self, path: &str) -> bool {
        let mut out = false;
        for (keep, pattern) in &self.0 {
            let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            if folders.chain([path]).any(|part| glob::matches(pattern, part)) {
                out = !keep;
            }
        }
        out
    }

    /// Whether something below a folder that is left out may come back.
    fn may_come_back(&self) -> bool {
        self.0.iter().any(|(keep, _)| *keep)
    }
}

/// The text of the context's `.dockerignore`, if there is one.
pub(crate) fn ignore_file(context: &Path) -> io::Result<Option<String>> {
    let path = context.join(IGNORE_FILE);
    match path.symlink_metadata() {
        // A link could lead to any file of this machine, or to one without an end.
        Ok(metadata) if !metadata.is_file() => {
            let problem = format!("{} is not a plain file", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidData, problem))
        }
        Ok(_) => fs::read_to_string(&path).map(Some).map_err(at(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(&path)(error)),
    }
}

/// Every file of the context, sorted by path. Links are taken as links and never followed. `submodules` are folders of
/// the tree whose files are not there: an image made without them would be another one.
pub(crate) fn files(context: &Path, submodules: &[PathBuf]) -> io::Result<Vec<ContextFile>> {
    let mut found = Vec::new();
    let ignore = ignore_file(context)?.map_or_else(Ignore::default, |text| Ignore::parse(&text));
    walk(context, "", (&ignore, submodules), &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn walk(
    folder: &Path,
    relative: &str,
    (ignore, submodules): (&Ignore, &[PathBuf]),
    found: &mut Vec<ContextFile>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let source = entry.path();
        let name = entry.file_name().into_string().map_err(|_| {
            let problem = format!("the name {} is not UTF-8", source.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
        let path = if relative.is_empty() {
            name
        } else {
            format!("{relative}/{name}")
        };
        let left_out = ignore.leaves_out(&path);
        let metadata = source.symlink_metadata().map_err(at(&source))?;
        if metadata.is_dir() {
            if !left_out && submodules.contains(&source) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    LeftOut::Submodule.sentence(&path),
                ));
            }
            if !left_out || ignore.may_come_back() {
                walk(&source, &path, (ignore, submodules), found)?;
            }
        } else if !left_out && (metadata.is_file() || metadata.is_symlink()) {
            let executable = metadata.permissions().mode() & 0o111 != 0;
            let link = metadata.is_symlink().then(|| fs::read_link(&source)).transpose();
            found.push(ContextFile {
                path,
                mode: if executable { 0o755 } else { 0o644 },
                link: link.map_err(at(&source))?,
                source,
            });
        }
    }
    Ok(())
}

/// SHA-256 over the sorted (path, mode, content) of the files.
pub(crate) fn digest(files: &[ContextFile]) -> io::Result<[u8; 32]> {
    let mut all = Sha256::new();
    for file in files {
        let mut one = Sha256::new();
        match &file.link {
            Some(target) => one.update(target.as_os_str().as_encoded_bytes()),
            None => {
                let mut source = File::open(&file.source).map_err(at(&file.source))?;
                let mut beginning = Vec::with_capacity(left_out::BEGINNING);
                let first = (&mut source).take(left_out::BEGINNING as u64);
                { first }.read_to_end(&mut beginning).map_err(at(&file.source))?;
                // Built from it, the image would have a few lines in place of the content.
                if left_out::is_pointer(&beginning) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        LeftOut::LfsPointer.sentence(&file.path),
                    ));
                }
                one.update(&beginning);
                io::copy(&mut source, &mut HashWriter(&mut one)).map_err(at(&file.source))?;
            }
        }
        let kind = if file.link.is_some() { "link" } else { "file" };
        all.update(format!("{kind}\0{}\0{:o}\0", file.path, file.mode));
        all.update(one.finalize());
    }
    Ok(all.finalize().into())
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A small file that is sent beside those of the context, or instead of one.
pub(crate) struct Beside {
    /// Relative to the context, with `/`.
    pub(crate) path: String,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

/// Writes the files as a tar with no times and no owners, in `folder` if there is one, with what is `beside` them
/// at the end.
pub(crate) fn pack(files: &[ContextFile], folder: Option<&str>, beside: &[Beside], to: impl Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(to);
    let placed = |path: &str| folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"));
    for file in files {
        let path = placed(&file.path);
        if beside.iter().any(|beside| beside.path == path) {
            continue;
        }
        let mut header = header(file.mode);
        match &file.link {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, &path, target)?;
            }
            None => {
                let source = File::open(&file.source).map_err(at(&file.source))?;
                let length = source.metadata()?.len();
                header.set_size(length);
                // A file that grows meanwhile must not shift what follows it.
                tar.append_data(&mut header, &path, source.take(length))?;
            }
        }
    }
    for Beside { path, bytes } in beside {
        let mut header = header(0o644);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, path, &bytes[..])?;
    }
    tar.into_inner()?.flush()
}

fn header(mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn paths(folder: &tempfile::TempDir) -> Vec<String> {
        files(folder.path(), &[])
            .unwrap()
            .into_iter()
            .map(|file| file.path)
            .collect()
    }

    #[test]
    fn a_pointer_of_git_lfs_is_no_file_of_a_context() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n";
        let folder = context(&[("Dockerfile", "FROM base"), ("weights/big.bin", pointer)]);
        let refused = digest(&files(folder.path(), &[]).unwrap()).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("'weights/big.bin' is a pointer of Git LFS"),
            "{refused}"
        );
    }

    #[test]
    fn a_submodule_is_missed_unless_it_is_left_out() {
        let folder = context(&[("Dockerfile", "FROM base")]);
        let module = folder.path().join("vendored/lib");
        fs::create_dir_all(&module).unwrap();
        let refused = files(folder.path(), std::slice::from_ref(&module)).unwrap_err();
        assert!(
            refused.to_string().starts_with("'vendored/lib' is a git submodule"),
            "{refused}"
        );
        fs::write(folder.path().join(IGNORE_FILE), "vendored\n").unwrap();
        assert_eq!(files(folder.path(), &[module]).unwrap().len(), 2);
    }

    #[test]
    fn the_last_rule_that_matches_decides() {
        let files = [
            ("a.py", ""),
            ("data/x.csv", ""),
            ("data/keep.csv", ""),
            ("deep/data/y.csv", ""),
            ("b.pyc", ""),
        ];
        let folder = context(&files);
        let with = |rules: &str| {
            fs::write(folder.path().join(".dockerignore"), rules).unwrap();
            paths(&folder)
                .into_iter()
                .filter(|path| path != ".dockerignore")
                .collect::<Vec<_>>()
        };
        assert_eq!(
            with("data"),
            ["a.py", "b.pyc", "deep/data/y.csv"],
            "rules begin at the context"
        );
        assert_eq!(with("**/data"), ["a.py", "b.pyc"]);
        assert_eq!(
            with("data\n!data/keep.csv"),
            ["a.py", "b.pyc", "data/keep.csv", "deep/data/y.csv"]
        );
        assert_eq!(
            with("!data/keep.csv\ndata"),
            ["a.py", "b.pyc", "deep/data/y.csv"],
            "order counts"
        );
        assert_eq!(with("# a comment\n*.pyc\n/data/\n"), ["a.py", "deep/data/y.csv"]);
        assert_eq!(with("\u{feff}data\r\n*.pyc\r\n"), ["a.py", "deep/data/y.csv"]);
        assert_eq!(with("\u{feff}# a comment\n*.pyc\n**/data"), ["a.py"]);
        assert_eq!(
            with("\u{feff}!a.py\n*"),
            [""; 0],
            "the mark is no part of the first rule, whatever that is"
        );
    }

    #[test]
    fn times_do_not_count_and_bytes_do() {
        let (one, two) = (
            context(&[("a", "1"), ("b/c", "2")]),
            context(&[("b/c", "2"), ("a", "1")]),
        );
        let digest_of = |folder: &tempfile::TempDir| digest(&files(folder.path(), &[]).unwrap()).unwrap();
        let pack_of = |folder: &tempfile::TempDir| {
            let mut tar = Vec::new();
            let beside = Beside {
                path: "Dockerfile".into(),
                bytes: b"FROM x".to_vec(),
            };
            pack(&files(folder.path(), &[]).unwrap(), None, &[beside], &mut tar).unwrap();
            tar
        };
        assert_eq!(digest_of(&one), digest_of(&two));
        assert_eq!(pack_of(&one), pack_of(&two));
        fs::write(two.path().join("a"), "3").unwrap();
        assert_ne!(digest_of(&one), digest_of(&two));
        fs::write(two.path().join("a"), "1").unwrap();
        fs::set_permissions(two.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(digest_of(&one), digest_of(&two), "an executable is another file");
    }
}
