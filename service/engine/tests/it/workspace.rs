//! A developer's clone, worked on with the real git.

use tempfile::TempDir;
use tokio::process::Command;
use trainyard_core::ids::CommitSha;

pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub async fn new(push_url: &str) -> Self {
        let workspace = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        workspace.git(&["init", "--quiet", "--initial-branch", "main"]).await;
        workspace.git(&["remote", "add", "origin", push_url]).await;
        workspace
    }

    /// Without blocking the simulator it may talk to.
    pub async fn git(&self, args: &[&str]) -> String {
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
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// Commits everything and pushes the branch that is checked out.
    pub async fn push(&self, message: &str) -> CommitSha {
        self.git(&["add", "--all"]).await;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])
            .await;
        self.git(&["push", "--quiet", "--force", "origin", "HEAD"]).await;
        CommitSha::new(self.git(&["rev-parse", "HEAD"]).await.trim())
    }

    /// Begins a branch where `main` is.
    pub async fn branch(&self, name: &str) {
        self.git(&["checkout", "--quiet", "-B", name, "main"]).await;
    }
}
