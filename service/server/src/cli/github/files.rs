//! What setup leaves behind: files with secrets for nobody else's eyes, and never over one that is there.

use crate::config::{Config, GitHub};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How many names are tried for a file that must not be lost.
const NAMES: u32 = 100;

/// Where things are written.
#[derive(Clone)]
pub(super) struct Place {
    /// The folder of keys and secrets.
    pub(super) folder: PathBuf,
    /// The settings.
    pub(super) file: PathBuf,
}

impl Place {
    /// Writes the settings where there are none, and shows them where there are.
    pub(super) fn tell(&self, lines: &str) {
        let text = format!(
            "# Written by `trainyard github setup`; `trainyard serve --default-config` shows every other setting.\n{lines}"
        );
        match write_new(&self.file, &text) {
            Ok(()) => println!("{} is written.", self.file.display()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => println!(
                "{} is there and stays as it is. Let its [github] say:\n\n{lines}",
                self.file.display()
            ),
            Err(error) => println!(
                "{} cannot be written ({error}). Let it say:\n\n{lines}",
                self.file.display()
            ),
        }
    }
}

/// Writes a file that was not there, readable by its owner alone, and waits until it is on the disk.
pub(super) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // The name of a file is on the disk when its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The same beside whatever has the name already; the path it was given.
pub(super) fn write_beside(path: &Path, text: &str) -> io::Result<PathBuf> {
    for number in 0..NAMES {
        let tried = match number {
            0 => path.to_owned(),
            _ => PathBuf::from(format!("{}.{number}", path.display())),
        };
        match write_new(&tried, text) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| tried),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether files can be written to a folder.
pub(super) fn check_folder(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".trainyard-{}", std::process::id()));
    write_new(&probe, "")?;
    std::fs::remove_file(probe)
}

/// Settings for `[github]`, without a secret in them.
pub(super) fn lines(config: &Config, settings: &[(&str, String)]) -> String {
    let usual = GitHub::default();
    let mut lines = "[github]\n".to_owned();
    let mut put = |name: &str, value: &str| {
        let value = if name == "app_id" {
            value.to_owned()
        } else {
            toml::Value::from(value).to_string()
        };
        lines.push_str(&format!("{name} = {value}\n"));
    };
    if config.github.api_url != usual.api_url {
        put("api_url", &config.github.api_url);
    }
    if config.github.git_url != usual.git_url {
        put("git_url", &config.github.git_url);
    }
    for (name, value) in settings {
        put(name, value);
    }
    lines
}

/// An App of an earlier setup whose key lies in a folder: its id and the key's path.
pub(super) fn left_behind(folder: &Path) -> Option<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut found: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_prefix(KEY)?.strip_suffix(".pem")?.parse().ok()?;
            Some((id, entry.path()))
        })
        .collect();
    found.sort();
    found.pop()
}

/// The beginning of the names of an App's files, before its id.
pub(super) const KEY: &str = "github-app-";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_for_its_owner_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        write_new(&path, "first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            write_new(&path, "second").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        let beside = write_beside(&path, "second").unwrap();
        assert_eq!(beside, folder.path().join("key.pem.1"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        // A link to a file elsewhere is a name that is taken.
        std::os::unix::fs::symlink("/nowhere", folder.path().join("link")).unwrap();
        assert!(write_new(&folder.path().join("link"), "x").is_err());
    }

    #[test]
    fn an_app_of_before_is_known_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(left_behind(folder.path()), None);
        for name in ["github-app-7.pem", "github-app-x.pem", "github-app-9.webhook-secret"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(
            left_behind(folder.path()),
            Some((7, folder.path().join("github-app-7.pem")))
        );
    }
}
