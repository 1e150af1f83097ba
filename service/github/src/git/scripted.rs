//! A repository that a simulation has in memory, in place of git's mirrors. A release knows none.

use super::error::GitError;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::rc::Rc;
use trainyard_core::ids::CommitSha;

/// Commits of one repository, and what happens when its host is asked.
pub trait Scripted {
    /// A commit's parent and files; `None` where there is no such commit.
    fn commit(&self, sha: &CommitSha) -> Option<ScriptedCommit>;
    /// The host is asked for a commit that is not in the mirror yet; `true` if it answers.
    fn asked(&self, sha: &CommitSha) -> bool;
}

/// One commit.
#[derive(Clone, Debug, Default)]
pub struct ScriptedCommit {
    /// The commit before it.
    pub parent: Option<CommitSha>,
    /// Content by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

thread_local! {
    static REPOSITORY: RefCell<Option<Rc<dyn Scripted>>> = const { RefCell::new(None) };
}

/// From now on every mirror of this thread is one of this repository, or with `None` one of git.
pub fn simulate(repository: Option<Rc<dyn Scripted>>) {
    REPOSITORY.with(|place| *place.borrow_mut() = repository);
}

fn with<T>(ask: impl FnOnce(&dyn Scripted) -> T) -> Option<T> {
    let repository = REPOSITORY.with(|place| place.borrow().clone());
    repository.map(|repository| ask(&*repository))
}

pub(super) fn is_on() -> bool {
    with(|_| ()).is_some()
}

fn missing(sha: &CommitSha) -> GitError {
    GitError::CommitNotFound {
        url: "the simulation".to_owned(),
        sha: sha.clone(),
    }
}

fn commit(sha: &CommitSha) -> Option<Result<ScriptedCommit, GitError>> {
    with(|repository| repository.commit(sha).ok_or_else(|| missing(sha)))
}

pub(super) fn fetch(sha: &CommitSha) -> Option<Result<(), GitError>> {
    with(|repository| {
        if !repository.asked(sha) {
            return Err(GitError::Unreachable {
                url: "the simulation".to_owned(),
                reason: "it says so".to_owned(),
            });
        }
        repository.commit(sha).map(drop).ok_or_else(|| missing(sha))
    })
}

pub(super) fn show(sha: &CommitSha, path: &str) -> Option<Result<Option<Vec<u8>>, GitError>> {
    Some(commit(sha)?.map(|mut commit| commit.files.remove(path)))
}

pub(super) fn message(sha: &CommitSha) -> Option<Result<String, GitError>> {
    // Commits of a simulation say nothing.
    Some(commit(sha)?.map(|_| String::new()))
}

pub(super) fn list(sha: &CommitSha, prefix: &str) -> Option<Result<Vec<String>, GitError>> {
    let below = |path: &String| {
        let rest = path.strip_prefix(prefix.trim_end_matches('/'));
        prefix.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    Some(commit(sha)?.map(|commit| commit.files.into_keys().filter(below).collect()))
}

pub(super) type Files = Vec<(String, Vec<u8>)>;

pub(super) fn read_all(
    sha: &CommitSha,
    prefix: &str,
    is_chosen: impl Fn(&str) -> bool,
) -> Option<Result<Files, GitError>> {
    let listed = list(sha, prefix)?;
    let mut commit = match commit(sha)? {
        Ok(commit) => commit,
        Err(error) => return Some(Err(error)),
    };
    let mut content = |path: String| Some((path.clone(), commit.files.remove(&path)?));
    Some(listed.map(|paths| {
        paths
            .into_iter()
            .filter(|path| is_chosen(path))
            .filter_map(&mut content)
            .collect()
    }))
}

pub(super) fn changed_paths(before: &CommitSha, after: &CommitSha) -> Option<Result<Vec<String>, GitError>> {
    let (before, after) = (commit(before)?, commit(after)?);
    let compare = |before: ScriptedCommit, after: ScriptedCommit| {
        let paths: BTreeSet<String> = before.files.keys().chain(after.files.keys()).cloned().collect();
        let differs = |path: &String| before.files.get(path) != after.files.get(path);
        paths.into_iter().filter(differs).collect()
    };
    Some(before.and_then(|before| Ok(compare(before, after?))))
}

pub(super) fn merge_base(one: &CommitSha, other: &CommitSha) -> Option<Result<Option<CommitSha>, GitError>> {
    let history = |sha: &CommitSha| {
        with(|repository| {
            let mut found = vec![sha.clone()];
            while let Some(parent) = found
                .last()
                .and_then(|sha| repository.commit(sha))
                .and_then(|c| c.parent)
            {
                found.push(parent);
            }
            found
        })
    };
    let (one, other) = (history(one)?, history(other)?);
    Some(Ok(one.into_iter().find(|sha| other.contains(sha))))
}

pub(super) fn checkout(sha: &CommitSha, into: &Path) -> Option<Result<(), GitError>> {
    let write = |commit: ScriptedCommit| {
        for (path, content) in commit.files {
            let place = into.join(path);
            let written = fs::create_dir_all(place.parent().unwrap_or(into)).and_then(|()| fs::write(&place, content));
            written.map_err(|source| GitError::Disk {
                path: place.display().to_string(),
                source,
            })?;
        }
        Ok(())
    };
    Some(commit(sha)?.and_then(write))
}
