//! The bare repositories, by the git program.

use super::Shared;
use super::state::{Repo, RepoInfo};
use crate::git::program;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;
use trainyard_core::ids::RepoName;

/// What a new branch is compared with, and a deleted one becomes.
pub(crate) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A commit as a push payload tells it.
pub(crate) struct CommitInfo {
    pub(crate) id: String,
    pub(crate) tree: String,
    pub(crate) timestamp: String,
    pub(crate) author: (String, String),
    pub(crate) committer: (String, String),
    pub(crate) message: String,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) modified: Vec<String>,
}

/// What git is told on its command's environment.
pub(crate) const SETTINGS: [(&str, &str); 3] = [
    ("safe.directory", "*"),
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
];

/// git with no configuration but ours.
pub(crate) fn git_command(action: &str) -> Command {
    let mut command = Command::new(program());
    command
        .arg(action)
        .env_clear()
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for (at, (key, value)) in SETTINGS.iter().enumerate() {
        command
            .env(format!("GIT_CONFIG_KEY_{at}"), key)
            .env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    command
        .env("GIT_CONFIG_COUNT", SETTINGS.len().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What git prints in this repository.
pub(crate) async fn git(path: &Path, action: &str, args: &[&str]) -> Result<Vec<u8>> {
    let mut command = git_command(action);
    let output = command
        .args(args)
        .env("GIT_DIR", path)
        .output()
        .await
        .context("git cannot be started: install git")?;
    if !output.status.success() {
        bail!("git {action}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

async fn line(path: &Path, action: &str, args: &[&str]) -> Option<String> {
    let stdout = git(path, action, args).await.ok()?;
    Some(String::from_utf8_lossy(&stdout).trim().to_owned()).filter(|text| !text.is_empty())
}

/// Branches and tags with what they point to.
pub(crate) async fn refs(path: &Path) -> Result<BTreeMap<String, String>> {
    let stdout = git(
        path,
        "for-each-ref",
        &["--format=%(objectname) %(refname)", "refs/heads", "refs/tags"],
    )
    .await?;
    let text = String::from_utf8_lossy(&stdout).into_owned();
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(sha, name)| (name.to_owned(), sha.to_owned()))
        .collect())
}

/// The commit that a branch, tag or hash names.
pub(crate) async fn commit(path: &Path, name: &str) -> Option<String> {
    line(
        path,
        "rev-parse",
        &["--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")],
    )
    .await
}

/// Whether there is a commit of this hash. That of a branch's head is known without a process, as most are that are
/// told of.
pub(crate) async fn has_commit(path: &Path, sha: &str) -> bool {
    let heads = std::fs::read_dir(path.join("refs/heads"));
    let is_head = heads.into_iter().flatten().flatten().any(|head| {
        let points_to = std::fs::read_to_string(head.path());
        points_to.is_ok_and(|head| head.trim() == sha)
    });
    is_head || commit(path, sha).await.as_deref() == Some(sha)
}

/// The newest commit of a branch.
pub(crate) async fn branch_head(path: &Path, branch: &str) -> Option<String> {
    commit(path, &format!("refs/heads/{branch}")).await
}

/// Whether `before` is an ancestor of `after`.
pub(crate) async fn is_ancestor(path: &Path, before: &str, after: &str) -> bool {
    git(path, "merge-base", &["--is-ancestor", before, after]).await.is_ok()
}

/// The content of a file, or `None`.
pub(crate) async fn file(path: &Path, commit: &str, file: &str) -> Option<(String, Vec<u8>)> {
    let object = line(
        path,
        "rev-parse",
        &["--verify", "--quiet", "--end-of-options", &format!("{commit}:{file}")],
    )
    .await?;
    git(path, "cat-file", &["blob", &object])
        .await
        .ok()
        .map(|content| (object, content))
}

/// The newest commits that `after` has and `before` has not, oldest first, at most twenty.
pub(crate) async fn commits(path: &Path, before: Option<&str>, after: &str) -> Result<Vec<CommitInfo>> {
    let range = before.map_or_else(|| after.to_owned(), |before| format!("{before}..{after}"));
    let listed = git(path, "rev-list", &["--max-count=20", "--reverse", &range]).await?;
    let mut commits = Vec::new();
    for id in String::from_utf8_lossy(&listed).lines() {
        commits.push(commit_info(path, id).await?);
    }
    Ok(commits)
}

/// One commit.
pub(crate) async fn commit_info(path: &Path, id: &str) -> Result<CommitInfo> {
    let format = "--format=%H%x00%T%x00%cI%x00%an%x00%ae%x00%cn%x00%ce%x00%B";
    let shown = git(path, "show", &["--no-patch", format, id]).await?;
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let mut parts = shown.splitn(8, '\0').map(|part| part.trim_end_matches('\n').to_owned());
    let mut next = || parts.next().unwrap_or_default();
    let mut info = CommitInfo {
        id: next(),
        tree: next(),
        timestamp: next(),
        author: (next(), next()),
        committer: (next(), next()),
        message: next(),
        added: Vec::new(),
        removed: Vec::new(),
        modified: Vec::new(),
    };
    let args = [
        "--root",
        "--no-commit-id",
        "-r",
        "-z",
        "--no-renames",
        "--name-status",
        id,
    ];
    let changed = git(path, "diff-tree", &args).await?;
    let changed = String::from_utf8_lossy(&changed).into_owned();
    let mut fields = changed.split('\0');
    while let (Some(kind), Some(file)) = (fields.next(), fields.next()) {
        match kind {
            "A" => info.added.push(file.to_owned()),
            "D" => info.removed.push(file.to_owned()),
            _ => info.modified.push(file.to_owned()),
        }
    }
    Ok(info)
}

impl Shared {
    pub(crate) async fn create_repo(&self, name: RepoName, private: bool) -> Result<()> {
        if self.state().repo(&name).is_some() {
            bail!("{name} exists already");
        }
        let path = self.data.join(format!("{name}.git"));
        std::fs::create_dir_all(&path)?;
        git(&path, "init", &["--quiet", "--bare", "--initial-branch=main"]).await?;
        for (key, value) in [
            ("http.receivepack", "true"),
            ("http.getanyfile", "false"),
            // GitHub answers any commit it has by its hash.
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("receive.denyDeleteCurrent", "refuse"),
        ] {
            git(&path, "config", &["--local", key, value]).await?;
        }
        let mut state = self.state();
        let id = state.next_id();
        state.repos.push(Repo {
            id,
            name,
            private,
            default_branch: "main".to_owned(),
            path,
            pulls: Vec::new(),
            statuses: Vec::new(),
            comments: Vec::new(),
            checks: Default::default(),
            pushing: Arc::default(),
        });
        Ok(())
    }
}

/// Makes the head of a pull request known to its base repository, as `refs/pull/<number>/head`.
pub(crate) async fn keep_pull_head(base: &RepoInfo, head: &RepoInfo, number: u64, sha: &str) -> Result<()> {
    let name = format!("refs/pull/{number}/head");
    if base.path == head.path {
        return git(&base.path, "update-ref", &[&name, sha]).await.map(drop);
    }
    let source = head.path.display().to_string();
    git(
        &base.path,
        "fetch",
        &["--quiet", "--no-tags", &source, &format!("+{sha}:{name}")],
    )
    .await
    .map(drop)
}
