//! Source at the exact commit: a bare mirror of each repository, and a work tree for each run.

use super::Source;
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::house::folders::Folders;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::run::RunRequest;
use trainyard_github::GitHubError;
use trainyard_github::git::{GitError, Mirror};

/// The folder that holds the pipeline folders.
pub(crate) const PIPELINES: &str = "pipelines";

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The host does not answer, or this machine has no room: worth another try, and so is everything else.
    #[error("{0}")]
    Again(String),
    /// Git could not do it with this repository: worth another try, while others go on.
    #[error("{0}")]
    Stuck(String),
    /// The host does not have the commit, or not yet: webhooks are quicker than its git.
    #[error("{0}")]
    Missing(String),
    /// The host does not let us in, or not yet: a person has to do something there.
    #[error("{0}")]
    Refused(String),
    /// It will not get better by itself.
    #[error("{0}")]
    Broken(String),
}

/// A commit that is not there for so long was taken away.
const MISSING: Duration = Duration::from_secs(600);
/// So long there is for whoever may open a door: the installing of an App, new permissions, a token.
const REFUSED: Duration = Duration::from_secs(24 * 3600);

impl SourceError {
    /// How long another try is worth it; `None` as long as it takes.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Again(_) | Self::Stuck(_) => None,
            Self::Missing(_) => Some(MISSING),
            Self::Refused(_) => Some(REFUSED),
            Self::Broken(_) => Some(Duration::ZERO),
        }
    }
}

impl From<GitHubError> for SourceError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::RateLimited { .. } | GitHubError::Unreachable { .. } => Self::Again(error.to_string()),
            GitHubError::Unauthorized { .. }
            | GitHubError::Forbidden { .. }
            | GitHubError::NotFound { .. }
            | GitHubError::Rejected { .. } => Self::Refused(error.to_string()),
        }
    }
}

impl From<GitError> for SourceError {
    fn from(error: GitError) -> Self {
        match error {
            // A full disk is made room on: what was accepted must not be lost to it.
            GitError::Unreachable { .. }
            | GitError::TimedOut { .. }
            | GitError::Disk { .. }
            | GitError::Machine { .. }
            | GitError::NoGit(_) => Self::Again(error.to_string()),
            // It may be the repository's, too.
            GitError::Damaged { .. } | GitError::Failed { .. } => Self::Stuck(error.to_string()),
            GitError::CommitNotFound { .. } => Self::Missing(error.to_string()),
            GitError::NoAccess { .. } => Self::Refused(error.to_string()),
            GitError::BranchNotFound { .. }
            | GitError::BadName { .. }
            | GitError::EscapingLink { .. }
            | GitError::TooLarge { .. } => Self::Broken(error.to_string()),
        }
    }
}

impl From<SourceError> for EffectError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Again(reason) | SourceError::Stuck(reason) => Self::Again {
                reason,
                after: Duration::from_secs(5),
            },
            SourceError::Missing(reason) | SourceError::Refused(reason) | SourceError::Broken(reason) => {
                Self::Broken(reason)
            }
        }
    }
}

/// The repository's mirror, with this commit in it.
pub(crate) async fn fetch(
    at: &Source,
    repo: &RepoName,
    installation: Option<i64>,
    commit: &CommitSha,
) -> Result<Mirror, SourceError> {
    let mirror = mirror(at, repo, installation).await?;
    passing(Effect::Fetch, mirror.fetch(commit)).await?;
    Ok(mirror)
}

/// The mirror with a run's commit in it: a fork's is in one of its own.
pub(crate) async fn fetch_of(
    at: &Source,
    repo: &RepoName,
    request: &RunRequest,
    commit: &CommitSha,
) -> Result<Mirror, SourceError> {
    let Some(_) = &request.fork else {
        return fetch(at, repo, request.installation_id, commit).await;
    };
    let mirror = mirror_in(at, at.folders.fork_mirror(repo), repo, request.installation_id).await?;
    passing(Effect::Fetch, mirror.fetch(commit)).await?;
    Ok(mirror)
}

async fn mirror(at: &Source, repo: &RepoName, installation: Option<i64>) -> Result<Mirror, SourceError> {
    mirror_in(at, at.folders.mirror(repo), repo, installation).await
}

async fn mirror_in(
    at: &Source,
    folder: PathBuf,
    repo: &RepoName,
    installation: Option<i64>,
) -> Result<Mirror, SourceError> {
    let Some(github) = &at.github else {
        return Err(SourceError::Broken(format!(
            "{repo} cannot be fetched, because GitHub is not configured: add [github] to trainyard.toml"
        )));
    };
    let token = github.clone_token(installation).await?;
    Ok(Mirror::new(folder, github.clone_url(repo), token))
}

/// The run's source tree; made on first use. A local run works in its folder as it is.
pub(crate) async fn source(at: &Source, request: &RunRequest) -> Result<PathBuf, SourceError> {
    let folder = folder(&at.folders, request);
    let (Some(repo), Some(commit)) = (&request.repo, &request.commit) else {
        return Ok(folder);
    };
    if folder.exists() {
        return Ok(folder);
    }
    let mirror = fetch_of(at, repo, request, commit).await?;
    passing(Effect::CheckOut, mirror.checkout(commit, &folder)).await?;
    Ok(folder)
}

/// Folders of that tree whose files another repository has; none of a folder on this machine, which is as it is.
pub(crate) async fn submodules(at: &Source, request: &RunRequest) -> Result<Vec<String>, SourceError> {
    let (Some(repo), Some(commit)) = (&request.repo, &request.commit) else {
        return Ok(Vec::new());
    };
    let mirror = fetch_of(at, repo, request, commit).await?;
    Ok(mirror.submodules(commit).await?)
}

/// Where that tree is, or will be.
pub(crate) fn folder(folders: &Folders, request: &RunRequest) -> PathBuf {
    match &request.repo {
        Some(_) => folders.checkout(&request.id),
        None => local_root(Path::new(&request.folder)),
    }
}

/// The repository of a pipeline folder on this machine: `pipelines/<name>` is two levels below it.
pub(crate) fn local_root(pipeline: &Path) -> PathBuf {
    match pipeline.parent() {
        Some(parent) if parent.file_name().is_some_and(|name| name == PIPELINES) => {
            parent.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
        }
        _ => pipeline.to_path_buf(),
    }
}

/// What git answers, `None` where it has none to give; what is the host's or the machine's trouble is asked again.
fn told<T>(answer: Result<T, GitError>) -> Result<Option<T>, SourceError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(
            error @ (GitError::Unreachable { .. }
            | GitError::TimedOut { .. }
            | GitError::Disk { .. }
            | GitError::Machine { .. }
            | GitError::NoGit(_)),
        ) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// The message of a commit that is in the mirror.
pub(crate) async fn message(
    at: &Source,
    repo: &RepoName,
    installation: Option<i64>,
    commit: &CommitSha,
) -> Result<String, SourceError> {
    let mirror = mirror(at, repo, installation).await?;
    Ok(told(mirror.message(commit).await)?.unwrap_or_default())
}

/// Paths that a push changed; `None` when it cannot be told, for example after a forced push.
pub(crate) async fn changed(
    at: &Source,
    repo: &RepoName,
    installation: Option<i64>,
    before: &CommitSha,
    after: &CommitSha,
) -> Result<Option<Vec<String>>, SourceError> {
    let mirror = mirror(at, repo, installation).await?;
    told(mirror.changed_paths(before, after).await)
}

/// Paths that a branch changed since it left its base.
pub(crate) async fn changed_since_fork(
    at: &Source,
    repo: &RepoName,
    installation: Option<i64>,
    base: &CommitSha,
    head: &CommitSha,
) -> Result<Option<Vec<String>>, SourceError> {
    let mirror = mirror(at, repo, installation).await?;
    let Some(fork) = told(mirror.merge_base(base, head).await)?.flatten() else {
        return Ok(None);
    };
    told(mirror.changed_paths(&fork, head).await)
}

/// A message without the path of a throw-away folder in it.
pub(crate) fn without_path(message: &str, folder: &Path) -> String {
    message.replace(&format!("{}/", folder.display()), "")
}
