//! Where the unmodified ml-metadata client is found; other crates' tests include this file too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "1.17.1";

/// A Python with ml-metadata, made once in the user's cache folder.
pub fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let folder = cache.unwrap_or_else(home).join("trainyard");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("ml-metadata.lock")).unwrap();
    lock.lock().unwrap();
    let venv = folder.join(format!("ml-metadata-{VERSION}"));
    let python = venv.join("bin/python");
    if works(&python) {
        return python;
    }
    let mut problems = String::new();
    for base in ["python3.11", "python3"] {
        // What an interrupted installation left.
        if venv.exists() {
            fs::remove_dir_all(&venv).unwrap();
        }
        let made = Command::new(base).args(["-m", "venv"]).arg(&venv).output();
        let package = format!("ml-metadata=={VERSION}");
        let installed = made.and_then(|_| {
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", &package])
                .output()
        });
        match installed {
            Ok(_) if works(&python) => return python,
            Ok(output) => problems += &format!("{base}: {}\n", String::from_utf8_lossy(&output.stderr)),
            Err(error) => problems += &format!("{base}: {error}\n"),
        }
    }
    panic!(
        "this test needs Python 3.11 with venv and the package ml-metadata {VERSION}, which has no build for other \
         versions of Python: install Python 3.11 as python3.11 and run the test again\n{problems}"
    );
}

fn works(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", "import ml_metadata"])
        .output()
        .is_ok_and(|output| output.status.success())
}
