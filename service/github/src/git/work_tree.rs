//! What a folder on this machine has checked out.

use super::command::program;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;
use trainyard_core::ids::CommitSha;

/// What a work tree has checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedOut {
    /// The commit; `None` before the first one.
    pub commit: Option<CommitSha>,
    /// Whether any file of the repository is not what the commit says; new files count, ignored ones do not.
    pub dirty: bool,
}

/// What the repository around a folder has checked out; `None` where there is no repository, or no git to ask.
pub async fn work_tree(folder: &Path) -> Option<CheckedOut> {
    let status = said(
        folder,
        &[
            "status",
            "--porcelain=v1",
            "--untracked-files=normal",
            "--ignore-submodules=none",
        ],
    )
    .await?;
    let commit = said(folder, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await;
    let commit = commit.map(|sha| CommitSha::new(sha.trim()));
    Some(CheckedOut {
        dirty: commit.is_none() || !status.is_empty(),
        commit,
    })
}

/// What git says of the folder; nothing where it fails. It reads only: no hook, no prompt, no lock.
async fn said(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program())
        .args([
            "--no-optional-locks",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(["-c", "safe.directory=*"])
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // A hook that runs `trainyard` has another repository in these.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    async fn git(folder: &Path, arguments: &[&str]) {
        let who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"];
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(who).args(arguments);
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[tokio::test]
    async fn a_work_tree_is_clean_or_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("pipelines/x");
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(work_tree(&folder).await, None, "no repository");
        git(root.path(), &["init", "--quiet"]).await;
        fs::write(root.path().join(".gitignore"), "*.log\n").unwrap();
        fs::write(folder.join("pipeline.yaml"), "name: x\n").unwrap();
        let found = work_tree(&folder).await.unwrap();
        assert_eq!((found.commit, found.dirty), (None, true), "nothing is committed");
        git(root.path(), &["add", "--all"]).await;
        git(root.path(), &["commit", "--quiet", "--message", "First"]).await;
        fs::write(root.path().join("out.log"), "").unwrap();
        let found = work_tree(&folder).await.unwrap();
        assert_eq!((found.commit.is_some(), found.dirty), (true, false));
        // Beside the pipeline's folder, where its Dockerfile may look.
        fs::write(root.path().join("trainer.py"), "").unwrap();
        assert!(work_tree(&folder).await.unwrap().dirty, "a new file");
        git(root.path(), &["add", "--all"]).await;
        assert!(work_tree(&folder).await.unwrap().dirty, "staged");
        git(root.path(), &["commit", "--quiet", "--message", "Second"]).await;
        assert!(!work_tree(&folder).await.unwrap().dirty);
        fs::write(folder.join("pipeline.yaml"), "name: y\n").unwrap();
        assert!(work_tree(&folder).await.unwrap().dirty, "changed");
    }
}
