//! A run that a person asks for, of a pipeline on a default branch.

use super::Inbound;
use crate::house::clock::{new_event_id, now};
use crate::inbound::request::{self, Origin};
use crate::source::checkout::{self, SourceError};
use crate::source::project::{self, PIPELINE_FILE};
use crate::tell::outbox;
use serde_json::{Map, Value};
use trainyard_core::event::{Event, Manual};
use trainyard_core::ids::{RepoName, RunId};
use trainyard_core::plan::Plan;
use trainyard_core::run::RunRequest;
use trainyard_core::trigger::{Match, matches};
use trainyard_store::{KnownPipeline, NewEvent, StoreError};

/// Why no run was made; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ManualError {
    /// No such pipeline.
    #[error(
        "{repo} has no pipeline '{pipeline}' on its default branch (known: {known}): push its pipeline file there first"
    )]
    Unknown {
        /// The repository.
        repo: RepoName,
        /// What was asked for.
        pipeline: String,
        /// What there is.
        known: String,
    },
    /// The parameters do not fit the pipeline.
    #[error("{0}")]
    Refused(String),
    /// The source cannot be had now.
    #[error("{0}")]
    Again(String),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SourceError> for ManualError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Again(reason) => Self::Again(reason),
            SourceError::Broken(reason) => Self::Refused(reason),
        }
    }
}

impl Inbound {
    /// Makes a run of a known pipeline at the head of its default branch, as far as a push told us.
    /// `parameters` replace the file's. The run is queued like any other.
    pub(crate) async fn request_known(
        &self,
        repo: &RepoName,
        pipeline: &str,
        parameters: &Map<String, Value>,
        actor: &str,
    ) -> Result<RunId, ManualError> {
        let known = self.known(repo, pipeline).await?;
        let plan = self.plan_with(&known, parameters).await?;
        let event = Event::Manual(Manual {
            repo: Some(repo.clone()),
            pipeline: pipeline.to_owned(),
            git_ref: None,
            actor: actor.to_owned(),
            parameters: parameters.clone(),
        });
        let (cause, may_push) = match matches(&plan, &event, None) {
            Match::Start { cause, may_push } => (cause, may_push),
            Match::Hold { cause, .. } => (cause, true),
            Match::No { reason } => return Err(ManualError::Refused(reason)),
        };
        let (id, at) = (new_event_id(), now());
        let run = request::new(
            &Origin::at_head("manual", &known),
            &known.folder,
            plan,
            cause,
            may_push,
            at,
        );
        let run = RunRequest {
            event: Some(id.clone()),
            ..run
        };
        let event = NewEvent {
            outbox: outbox::first_status(&self.audience, &run),
            runs: vec![run.clone()],
            ..NewEvent::new(id, event, "")
        };
        self.store.record_event(&event, None, at).await?;
        self.signals.report.notify_one();
        Ok(run.id)
    }

    async fn known(&self, repo: &RepoName, pipeline: &str) -> Result<KnownPipeline, ManualError> {
        let all = self.store.pipelines().await?;
        let (of_repo, _): (Vec<_>, Vec<_>) = all.into_iter().partition(|known| known.repo == *repo);
        let names: Vec<&str> = of_repo.iter().map(|known| known.name.as_str()).collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        of_repo
            .into_iter()
            .find(|known| known.name == pipeline)
            .ok_or_else(|| ManualError::Unknown {
                repo: repo.clone(),
                pipeline: pipeline.to_owned(),
                known: names,
            })
    }

    /// The stored plan; with replaced parameters it is compiled anew from the file at that commit.
    async fn plan_with(&self, known: &KnownPipeline, parameters: &Map<String, Value>) -> Result<Plan, ManualError> {
        if parameters.is_empty() {
            return Ok(known.plan.clone());
        }
        let mirror = checkout::fetch(&self.source, &known.repo, known.installation_id, &known.commit).await?;
        let path = format!("{}/{PIPELINE_FILE}", known.folder);
        let text = mirror.show(&known.commit, &path).await.map_err(SourceError::from)?;
        let Some(text) = text else {
            return Err(ManualError::Refused(format!(
                "{path} is not in commit {}",
                known.commit
            )));
        };
        let text = String::from_utf8_lossy(&text);
        let plan = project::load(&mirror, &known.commit, &path, &text, parameters).await?;
        plan.map_err(|problems| {
            let first = problems.first().map(ToString::to_string);
            ManualError::Refused(first.unwrap_or_else(|| format!("{path} cannot be run")))
        })
    }
}
