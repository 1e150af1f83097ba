//! A run of a pipeline folder on this machine, by the same engine.

use super::Inbound;
use super::manual::RunAsked;
use crate::house::clock::{new_run_id, now};
use crate::house::crash::{Effect, passing};
use crate::source::project::PIPELINE_FILE;
use crate::source::repository_file::missing_locally;
use std::path::{Path, PathBuf};
use trainyard_core::event::Manual;
use trainyard_core::ids::RunId;
use trainyard_core::inbound::{self as decide, Consequence, Interpretation, SpanRefusal, asked_spans};
use trainyard_core::problem::Problem;
use trainyard_core::run::{Run, WorkTree};
use trainyard_core::spec;
use trainyard_store::StoreError;

/// Why a folder cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// There is no pipeline file.
    #[error("{0} cannot be read: a pipeline folder has a file pipeline.yaml")]
    NoFile(PathBuf, #[source] std::io::Error),
    /// The file is wrong.
    #[error("{} has {} problem(s)", file.display(), problems.len())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Its text, to show the lines.
        text: String,
        /// Everything that is wrong.
        problems: Vec<Problem>,
    },
    /// A span that was named is none.
    #[error("{}", .0.sentence())]
    Span(SpanRefusal),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a run would do cannot be told.
    #[error("{0}")]
    Unknown(String),
    /// Another process drives this run.
    #[error("another process has taken the run: see `trainyard runs`")]
    Taken,
}

impl Inbound {
    /// Makes a run of `<folder>/pipeline.yaml`. What is asked replaces the file's.
    pub(crate) async fn request_local(&self, folder: &Path, asked: &RunAsked) -> Result<RunId, LocalError> {
        let run = new_run_id();
        let event = self.meant_locally(folder, asked, &run).await?.into();
        passing(Effect::RecordEvent, self.store.record_event(&event, None, now())).await?;
        Ok(run)
    }

    /// The run that would be made.
    pub(crate) async fn imagine_local(&self, folder: &Path, asked: &RunAsked) -> Result<Option<Run>, LocalError> {
        let meaning = self.meant_locally(folder, asked, &new_run_id()).await?;
        let mut requests = meaning
            .consequences
            .into_iter()
            .filter_map(|consequence| match consequence {
                Consequence::Start(request) => Some(*request),
                _ => None,
            });
        Ok(requests.next().map(Run::new))
    }

    async fn meant_locally(&self, folder: &Path, asked: &RunAsked, run: &RunId) -> Result<Interpretation, LocalError> {
        let RunAsked {
            parameters,
            spans,
            no_push,
            actor,
        } = asked;
        let file = folder.join(PIPELINE_FILE);
        let text = std::fs::read_to_string(&file).map_err(|error| LocalError::NoFile(file.clone(), error))?;
        let shown = file.display().to_string();
        let checked = spec::check(&shown, &text, parameters);
        let missing = checked.plan.iter().flat_map(|plan| missing_locally(&file, plan, &text));
        let missing: Vec<_> = missing.collect();
        let plan = match checked.and(missing).finished() {
            Ok(plan) => plan,
            Err(problems) => return Err(LocalError::Invalid { file, text, problems }),
        };
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let manual = Manual {
            repo: None,
            pipeline: plan.pipeline.clone(),
            git_ref: None,
            actor: actor.clone(),
            parameters: parameters.clone(),
            spans: asked_spans(&plan, spans).map_err(LocalError::Span)?,
            no_push: *no_push,
        };
        let checked_out = trainyard_github::git::work_tree(&folder).await;
        let work_tree = WorkTree {
            actor: actor.clone(),
            dirty: checked_out.as_ref().is_none_or(|tree| tree.dirty),
            commit: checked_out.and_then(|tree| tree.commit),
        };
        let folder = folder.display().to_string();
        Ok(decide::local(&manual, &folder, plan, work_tree, self.given_with(run)))
    }
}
