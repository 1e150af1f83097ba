//! What a commit shows: a check run where GitHub lets us write checks, else a commit status. Told again after a crash
//! it is the same check run, and one that is over is never opened again.

use super::channel_error::ChannelError;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::ids::RepoName;
use trainyard_core::report::{Call, CheckRun, CheckTold, CommitStatus, call};
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{Store, StoreError, ToldAs};

/// A repository whose App may not write checks is asked again after this time: somebody may have given it the
/// permission.
const ASK_AGAIN: Duration = Duration::from_secs(3600);

/// Why somebody did not hear.
#[derive(Debug, thiserror::Error)]
pub(super) enum TellError {
    /// GitHub's answer, or none.
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    /// What it was told could not be read or stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A channel's answer, or none.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// It waits until there is GitHub in the settings again.
    #[error("there is no GitHub in the settings")]
    NoGitHub,
}

/// Repositories that do not let us write checks, and since when.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<Mutex<HashMap<RepoName, Instant>>>);

impl Refused {
    fn is(&self, repo: &RepoName) -> bool {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(repo).is_some_and(|since| since.elapsed() < ASK_AGAIN)
    }

    /// Says so once, and again when it is asked again and refused.
    fn put(&self, repo: &RepoName, hint: &str) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(repo.clone(), Instant::now());
        tracing::warn!(
            %repo,
            hint,
            "the GitHub App may not write checks, so that commit statuses are written instead, without tables and buttons: \
             give it 'Checks: Read and write' in its settings (Permissions & events), and accept that where it is installed"
        );
    }
}

/// Tells of commits.
pub(super) struct CheckTeller<'a> {
    pub(super) store: &'a Store,
    pub(super) github: &'a GitHub,
    pub(super) refused: &'a Refused,
}

impl CheckTeller<'_> {
    /// Brings a commit's check or status to GitHub.
    pub(super) async fn tell(
        &self,
        repo: &RepoName,
        installation: Option<i64>,
        status: &CommitStatus,
    ) -> Result<(), TellError> {
        let Some(check) = status.check.as_deref().filter(|_| self.github.is_app()) else {
            return self.status(repo, installation, status).await;
        };
        let name = &status.status.context;
        let told = match self.store.check_told(repo, &status.sha, name).await? {
            Some(ToldAs::Status) => return self.status(repo, installation, status).await,
            Some(ToldAs::CheckRun(told)) => Some(told),
            None => None,
        };
        let begun = told.as_ref().is_some_and(|told| told.id.is_some());
        if !self.refused.is(repo) {
            match self.check(repo, installation, (status, check), told).await {
                Err(TellError::GitHub(GitHubError::Forbidden { hint })) => self.refused.put(repo, &hint),
                other => return other,
            }
        }
        // A commit that shows a check run already keeps it, for the day on which it may be finished.
        if !begun {
            let put = self
                .store
                .put_check_told(repo, &status.sha, name, &ToldAs::Status, now());
            passing(Effect::BeginCheck, put).await?;
        }
        self.status(repo, installation, status).await
    }

    async fn check(
        &self,
        repo: &RepoName,
        installation: Option<i64>,
        (status, check): (&CommitStatus, &CheckRun),
        told: Option<CheckTold>,
    ) -> Result<(), TellError> {
        let (sha, name) = (&status.sha, status.status.context.as_str());
        let mut next = call(told.as_ref(), check, now());
        let mut told = told;
        if let Call::Find { after } = next {
            let found = self
                .github
                .find_check_run(repo, (sha, name), after, installation)
                .await?;
            next = Call::Create { after };
            if let Some(found) = found {
                let made_at = told.as_ref().map_or_else(now, |told| told.made_at);
                let found = CheckTold {
                    id: Some(found.id),
                    after,
                    external_id: found.external_id,
                    conclusion: found.conclusion,
                    made_at,
                };
                next = call(Some(&found), check, now());
                told = Some(found);
            }
        }
        if let Call::Update { id } = next {
            match self
                .github
                .update_check_run(repo, id, status, check, installation)
                .await
            {
                // It is gone: another one takes its place.
                Err(GitHubError::NotFound { .. }) => next = Call::Create { after: id },
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    let is = CheckTold {
                        id: Some(id),
                        after: told.as_ref().map_or(0, |told| told.after),
                        external_id: check.external_id.clone(),
                        conclusion: check.progress.conclusion(),
                        made_at: told.as_ref().map_or_else(now, |told| told.made_at),
                    };
                    let is = ToldAs::CheckRun(is);
                    passing(
                        Effect::NoteCheck,
                        self.store.put_check_told(repo, sha, name, &is, now()),
                    )
                    .await?;
                }
            }
        }
        if let Call::Create { after } = next {
            let begun = CheckTold {
                id: None,
                after,
                external_id: check.external_id.clone(),
                conclusion: None,
                made_at: now(),
            };
            let about = ToldAs::CheckRun(begun.clone());
            passing(
                Effect::BeginCheck,
                self.store.put_check_told(repo, sha, name, &about, now()),
            )
            .await?;
            let id = self.github.create_check_run(repo, status, check, installation).await?;
            let is = ToldAs::CheckRun(CheckTold {
                id: Some(id),
                conclusion: check.progress.conclusion(),
                ..begun
            });
            passing(
                Effect::NoteCheck,
                self.store.put_check_told(repo, sha, name, &is, now()),
            )
            .await?;
        }
        Ok(())
    }

    async fn status(&self, repo: &RepoName, installation: Option<i64>, told: &CommitStatus) -> Result<(), TellError> {
        let target = told.target_url.as_deref();
        let set = self
            .github
            .create_status(repo, &told.sha, &told.status, target, installation);
        Ok(set.await?)
    }
}
