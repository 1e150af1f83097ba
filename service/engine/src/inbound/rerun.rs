//! A run again, and a run of a pull request that a person asks for.

use super::interpret::reviewed;
use super::{Inbound, InterpretError};
use crate::house::clock::{new_run_id, now};
use crate::house::crash::{Effect, passing};
use crate::source::checkout::{self, SourceError};
use crate::source::project::{self, PIPELINE_FILE};
use serde_json::{Map, Value};
use trainyard_core::event::PullRequest;
use trainyard_core::ids::RunId;
use trainyard_core::inbound::{self as decide, FoundPipeline, Interpretation, NotRerun, NotRun, PullRun, Repeated};
use trainyard_core::run::Which;
use trainyard_store::StoreError;

/// Runs of a commit that are looked through for one that repeats another.
const MOST: u32 = 100;

/// Why a run is not repeated; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// It may not be, or not now.
    #[error("{}", .0.sentence())]
    Refused(NotRerun),
    /// The store does not work, or there is no such run.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a pull request is not run; one sentence each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullRunError {
    #[error("{}", .0.sentence())]
    Refused(NotRun),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InterpretError> for PullRunError {
    fn from(error: InterpretError) -> Self {
        match error {
            InterpretError::Store(error) => Self::Store(error),
            InterpretError::Source(error) => Self::Source(error),
        }
    }
}

impl Inbound {
    /// Makes a run that repeats another one. It is queued like any other.
    pub(crate) async fn request_rerun(&self, of: &RunId, which: Which, actor: &str) -> Result<RunId, RerunError> {
        let (run, meaning) = self.rerun(of, which, actor).await?;
        let event = meaning.into();
        passing(Effect::RecordEvent, self.store.record_event(&event, None, now())).await?;
        self.signals.report.notify_one();
        Ok(run)
    }

    /// The run that repeats another one, with all that follows; nothing is stored.
    pub(crate) async fn rerun(
        &self,
        of: &RunId,
        which: Which,
        actor: &str,
    ) -> Result<(RunId, Interpretation), RerunError> {
        let row = self.store.run_row(of.as_str()).await?;
        let row = row.ok_or_else(|| StoreError::NotFound(format!("there is no run '{of}'")))?;
        let request = self.store.run_request(&row.id).await?;
        let mut repeats = Vec::new();
        if let (Some(repo), Some(commit)) = (&request.repo, &request.commit) {
            let like = self.store.runs_of_commit(repo, commit, MOST).await?;
            let at_work = like.into_iter().filter(|run| !run.state.is_final());
            let ids: Vec<RunId> = at_work.map(|run| run.id).collect();
            repeats = self.store.run_requests(&ids).await?;
        }
        let by = repeats
            .iter()
            .find(|run| run.rerun.as_ref().is_some_and(|rerun| rerun.of == row.id));
        let pull = match (&request.repo, request.pull_request) {
            (Some(repo), Some(number)) => self.store.pull_request(repo, number).await?,
            _ => None,
        };
        decide::may_rerun(Repeated {
            request: &request,
            state: row.state,
            by: by.map(|run| &run.id),
            pull: pull.as_ref(),
        })
        .map_err(RerunError::Refused)?;
        let head = match (&request.repo, &request.branch) {
            (Some(repo), Some(branch)) => self.store.branch_head(repo, branch).await?,
            _ => None,
        };
        let may_push = decide::may_push_again(&request, &self.store.pipelines().await?, head.as_ref());
        let id = new_run_id();
        let meaning = decide::rerun(&request, which, actor, may_push, self.given_with(&id));
        Ok((id, meaning))
    }

    /// The runs of a pull request that a person asks for, with all that follows; nothing is stored.
    pub(crate) async fn run_of_pull(
        &self,
        pull: &PullRequest,
        actor: &str,
        pipeline: Option<&str>,
        parameters: &Map<String, Value>,
    ) -> Result<Interpretation, PullRunError> {
        let asked = PullRun {
            pull,
            actor,
            pipeline,
            parameters,
        };
        if pull.is_fork() {
            let refused = NotRun::Fork { number: pull.number };
            return Err(PullRunError::Refused(refused));
        }
        let (source, repo, installation) = (&self.source, &pull.repo, pull.installation_id);
        let base = project::pipelines(source, repo, installation, &pull.base_sha).await?;
        let at = (pull.default_branch.as_deref(), pull.base_branch.as_str());
        let default = reviewed(self, repo, installation, at).await?;
        let mut head = project::pipelines(source, repo, installation, &pull.head_sha).await?;
        let only = decide::parameters_for(&asked, &head).map_err(PullRunError::Refused)?;
        if let Some(place) = only.and_then(|name| head.iter().position(|found| found.name() == name)) {
            head[place] = self.with_parameters(pull, &head[place], parameters).await?;
        }
        decide::pull_run(&asked, &base, default.as_deref(), &head, self.given()).map_err(PullRunError::Refused)
    }

    /// A pipeline of a pull request's head with other parameters than its file's.
    async fn with_parameters(
        &self,
        pull: &PullRequest,
        found: &FoundPipeline,
        parameters: &Map<String, Value>,
    ) -> Result<FoundPipeline, PullRunError> {
        let (commit, folder) = (&pull.head_sha, found.folder.clone());
        let mirror = checkout::fetch(&self.source, &pull.repo, pull.installation_id, commit).await?;
        let path = format!("{folder}/{PIPELINE_FILE}");
        let text = mirror.show(commit, &path).await.map_err(SourceError::from)?;
        let text = text.unwrap_or_default();
        let plan = project::load(&mirror, commit, &path, &String::from_utf8_lossy(&text), parameters).await?;
        Ok(FoundPipeline { folder, plan })
    }
}
