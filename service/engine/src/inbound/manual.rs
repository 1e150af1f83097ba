//! A run that a person asks for, of a pipeline on a default branch.

use super::Inbound;
use crate::house::clock::{new_run_id, now};
use crate::house::crash::{Effect, passing};
use crate::source::checkout::{self, SourceError};
use crate::source::project::{self, PIPELINE_FILE};
use serde_json::{Map, Value};
use trainyard_core::event::Manual;
use trainyard_core::ids::{CommitSha, RepoName, RunId};
use trainyard_core::inbound::{self as decide, KnownPipeline, SpanRefusal, asked_spans};
use trainyard_core::plan::Plan;
use trainyard_core::problem::Problem;
use trainyard_core::trigger::NotStarted;
use trainyard_store::StoreError;

/// What a person asks of a run.
#[derive(Clone, Debug, Default)]
pub struct RunAsked {
    /// Replace the file's parameters.
    pub parameters: Map<String, Value>,
    /// The spans to run as of, `2014-06` or `flights=2014-06`: the run sees no newer ones.
    pub spans: Vec<String>,
    /// Whether an approved model is judged only.
    pub no_push: bool,
    /// Who.
    pub actor: String,
}

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
    /// The pipeline is not started by people.
    #[error("{}", .0.sentence())]
    NotStarted(Box<NotStarted>),
    /// Its file is not where it was.
    #[error("{path} is not in commit {commit}")]
    NoFile {
        /// The file.
        path: String,
        /// The commit.
        commit: CommitSha,
    },
    /// A span that was named is none.
    #[error("{}", .0.sentence())]
    Span(SpanRefusal),
    /// The parameters do not fit the pipeline.
    #[error("{}", first(path, problems))]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong with it now.
        problems: Vec<Problem>,
    },
    /// The commit cannot be had, in the words of git or of the settings.
    #[error("{0}")]
    NoSource(String),
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
            SourceError::Again(reason) | SourceError::Stuck(reason) => Self::Again(reason),
            SourceError::Missing(reason) | SourceError::Refused(reason) | SourceError::Broken(reason) => {
                Self::NoSource(reason)
            }
        }
    }
}

fn first(path: &str, problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string);
    first.unwrap_or_else(|| format!("{path} cannot be run"))
}

impl Inbound {
    /// Makes a run of a known pipeline at the head of its default branch, as far as a push told us.
    /// The run is queued like any other.
    pub(crate) async fn request_known(
        &self,
        repo: &RepoName,
        pipeline: &str,
        asked: &RunAsked,
    ) -> Result<RunId, ManualError> {
        // People remember earlier names.
        let repo = &self.store.name_today(repo).await?;
        let known = self.known(repo, pipeline).await?;
        let plan = self.plan_with(&known, &asked.parameters).await?;
        let manual = Manual {
            repo: Some(repo.clone()),
            pipeline: pipeline.to_owned(),
            git_ref: None,
            actor: asked.actor.clone(),
            parameters: asked.parameters.clone(),
            spans: asked_spans(&plan, &asked.spans).map_err(ManualError::Span)?,
            no_push: asked.no_push,
        };
        let run = new_run_id();
        let meaning = decide::manual(&manual, &known, &plan, self.given_with(&run)).map_err(ManualError::NotStarted)?;
        let event = meaning.into();
        passing(Effect::RecordEvent, self.store.record_event(&event, None, now())).await?;
        self.signals.report.notify_one();
        Ok(run)
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
            let commit = known.commit.clone();
            return Err(ManualError::NoFile { path, commit });
        };
        let text = String::from_utf8_lossy(&text);
        let plan = project::load(&mirror, &known.commit, &path, &text, parameters).await?;
        plan.map_err(|problems| ManualError::Invalid { path, problems })
    }
}
