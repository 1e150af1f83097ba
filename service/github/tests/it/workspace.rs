//! A developer's clone, worked on with the real git.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use trainyard_core::ids::CommitSha;
use trainyard_github::simulator::Simulator;

pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub fn new(simulator: &Simulator, repo: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Self { folder };
        workspace.git(&["init", "--quiet", "--initial-branch", "main"]);
        workspace.git(&["remote", "add", "origin", &simulator.push_url(repo)]);
        workspace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn git(&self, args: &[&str]) -> String {
        let (success, stdout, stderr) = self.try_git(args);
        assert!(success, "git {args:?}: {stderr}");
        stdout
    }

    pub fn try_git(&self, args: &[&str]) -> (bool, String, String) {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args)
            .current_dir(self.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn commit(&self, message: &str) -> CommitSha {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub fn head(&self) -> CommitSha {
        CommitSha::new(self.git(&["rev-parse", "HEAD"]).trim())
    }

    /// Writes one file, commits and pushes the current branch.
    pub fn push_file(&self, name: &str, content: &str) -> CommitSha {
        self.write(name, content);
        let sha = self.commit(&format!("Change {name}"));
        self.git(&["push", "--quiet", "origin", "HEAD"]);
        sha
    }
}

/// Every file below a folder with its content, for searching.
pub fn bytes_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_below(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}
