//! The files of a new pipeline: written all or none, and over nothing that is there.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of a new pipeline, below the top of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl NewFile {
    /// Its path for people.
    pub(crate) fn shown(&self, top: &Path) -> String {
        let path = top.join(&self.path);
        path.strip_prefix(".").unwrap_or(&path).display().to_string()
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("{} there already, and nothing is overwritten: choose another --name or --dir, or move it away", are(.0))]
    There(Vec<String>),
    #[error("{} cannot be written: {error}", path.display())]
    Unwritten {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
}

fn are(paths: &[String]) -> String {
    let is = if paths.len() == 1 { "is" } else { "are" };
    format!("{} {is}", paths.join(", "))
}

/// Writes all of them or none; what is there stays as it is.
///
/// # Errors
/// When one is there, or cannot be written.
pub(crate) fn write(top: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    let there = files
        .iter()
        .filter(|file| top.join(&file.path).symlink_metadata().is_ok());
    let there: Vec<String> = there.map(|file| file.shown(top)).collect();
    if !there.is_empty() {
        return Err(WriteError::There(there));
    }
    for (done, file) in files.iter().enumerate() {
        let path = top.join(&file.path);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let new = folder.and_then(|()| std::fs::File::create_new(&path));
        let Err(error) = new.and_then(|mut new| new.write_all(file.text.as_bytes())) else {
            continue;
        };
        // Those are ours, and half a pipeline is none.
        for file in &files[..done] {
            let _ = std::fs::remove_file(top.join(&file.path));
        }
        return Err(WriteError::Unwritten { path, error });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> NewFile {
        let text = "new".to_owned();
        NewFile {
            path: path.to_owned(),
            text,
        }
    }

    #[test]
    fn what_is_there_is_named_and_stays_as_it_is() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("a")).unwrap();
        std::fs::write(top.path().join("a/b.py"), "old").unwrap();
        let refused = write(top.path(), &[file("a/a.py"), file("a/b.py")])
            .unwrap_err()
            .to_string();
        let refused = refused.replace(&top.path().display().to_string(), "TOP");
        insta::assert_snapshot!(refused, @"TOP/a/b.py is there already, and nothing is overwritten: choose another --name or --dir, or move it away");
        assert_eq!(std::fs::read_to_string(top.path().join("a/b.py")).unwrap(), "old");
        assert!(!top.path().join("a/a.py").exists());
    }

    #[test]
    fn half_a_pipeline_is_taken_back() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("file"), "").unwrap();
        let refused = write(top.path(), &[file("a.py"), file("file/b.py")]);
        assert!(matches!(refused, Err(WriteError::Unwritten { .. })), "{refused:?}");
        assert!(!top.path().join("a.py").exists());
    }
}
