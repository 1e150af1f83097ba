//! A mirror made anew: beside the old one, of which it takes what can be read, and put in its place by a rename.
//! What a killed git left in a mirror (locks, half a pack, an empty object) stops nobody for longer.

use super::command::Git;
use super::error::GitError;
use super::{FETCH_LIMIT, LOCAL_LIMIT, Mirror, disk};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use trainyard_core::ids::CommitSha;

/// What another process makes beside is not taken for a leftover before this age.
const LEFT_OVER: Duration = Duration::from_secs(3600);

impl Mirror {
    /// Another mirror in the place of one that failed so. The caller holds the mirror's lock.
    pub(super) async fn rebuild(&self, failed: &GitError, wanted: &[&CommitSha]) -> Result<(), GitError> {
        let folder = self.folder.display();
        tracing::warn!(%folder, error = %failed, "a mirror is made anew");
        self.make_anew(Some(&self.folder), wanted).await
    }

    /// A mirror with the commits that `old` has, where that can be read, and the wanted ones.
    pub(super) async fn make_anew(&self, old: Option<&Path>, wanted: &[&CommitSha]) -> Result<(), GitError> {
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let failed = |source| disk(parent, source);
        tokio::fs::create_dir_all(parent).await.map_err(failed)?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let prefixes = [format!(".{name}.new-"), format!(".{name}.old-")];
        clear(parent, &prefixes);
        let made = tempfile::Builder::new().prefix(&prefixes[0]).tempdir_in(parent);
        let made = made.map_err(failed)?;
        let init = Git::new(made.path(), "init").args(["--quiet", "--bare", "--template="]);
        init.output(LOCAL_LIMIT).await?.stdout_of("init")?;
        if let Some(old) = old {
            self.salvage(old, made.path()).await;
        }
        for sha in wanted {
            Box::pin(self.bring(made.path(), sha))
                .await
                .map_err(|error| match error {
                    // Nothing is damaged here yet: it is the host that has not all of it.
                    GitError::Damaged { .. } => GitError::CommitNotFound {
                        url: self.url.clone(),
                        sha: (*sha).clone(),
                    },
                    error => error,
                })?;
        }
        let aside = tempfile::Builder::new().prefix(&prefixes[1]).tempdir_in(parent);
        let aside = aside.map_err(failed)?;
        match tokio::fs::rename(&self.folder, aside.path().join("mirror")).await {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
        tokio::fs::rename(made.keep(), &self.folder).await.map_err(failed)?;
        // Removing a large one takes its time, and nobody waits for it.
        tokio::task::spawn_blocking(move || drop(aside));
        Ok(())
    }

    /// Whatever is whole in the old mirror: commits that the host may not have any more, and the rest needs no network.
    async fn salvage(&self, old: &Path, into: &Path) {
        let fetch = Git::new(into, "fetch")
            .args(["--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options"])
            .args([old.as_os_str(), "+refs/*:refs/*".as_ref()])
            .local();
        match fetch
            .output(FETCH_LIMIT)
            .await
            .and_then(|output| output.stdout_of("fetch"))
        {
            Ok(_) => {}
            Err(error) => tracing::debug!(folder = %old.display(), %error, "nothing is taken over from a mirror"),
        }
    }
}

/// Removes what earlier attempts left, where no other process can be at it any more.
fn clear(parent: &Path, prefixes: &[String]) {
    let left_over = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let changed = std::fs::metadata(path).and_then(|found| found.modified());
        let age = changed.map(|changed| SystemTime::now().duration_since(changed).unwrap_or_default());
        prefixes.iter().any(|prefix| name.starts_with(prefix)) && age.is_ok_and(|age| age > LEFT_OVER)
    };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(left_over) {
        if let Err(error) = std::fs::remove_dir_all(&path) {
            tracing::debug!(folder = %path.display(), %error, "a leftover stays");
        }
    }
}
