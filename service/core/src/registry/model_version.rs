//! A model that could serve, whether or not it ever did.

use super::{Judged, Promotion};
use crate::artifact::ArtifactRef;
use crate::ids::RunId;
use crate::run::Run;

/// A model that could serve: a run published it, or it served before.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelVersion {
    /// The model.
    pub model: ArtifactRef,
    /// The pipeline that owns it.
    pub pipeline: String,
    /// The run that made it, as far as the store still has it.
    pub run: Option<Run>,
    /// The version it served as, if it was named by one.
    pub version: Option<String>,
    /// Whether a person approved it for that version, and not the gate.
    pub forced_before: bool,
}

/// Why a run has no model to serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// Its verdict may still come.
    #[error("run {0} is not over yet: wait for its verdict, or cancel it first")]
    NotOver(RunId),
    /// No step of it made a model, or not yet.
    #[error("run {0} made no model: see `trainyard runs {0}`")]
    None(RunId),
    /// It is unclear which is meant.
    #[error("run {0} made several models and its pipeline has no gate that names one of them")]
    Several(RunId),
}

impl ModelVersion {
    /// The model of a run that is over: the one its gate judges, or the only one it made.
    pub fn of_run(run: Run) -> Result<Self, NoModel> {
        let id = run.request.id.clone();
        if !run.state.is_final() {
            return Err(NoModel::NotOver(id));
        }
        let models: Vec<ArtifactRef> = match &run.request.plan.gate {
            Some(_) => run.candidate().cloned().into_iter().collect(),
            None => {
                let outputs = run.steps.values().flat_map(|step| step.outputs.values());
                outputs.filter(|output| output.type_name == "Model").cloned().collect()
            }
        };
        match <[ArtifactRef; 1]>::try_from(models) {
            Ok([model]) => Ok(Self {
                model,
                pipeline: run.request.plan.pipeline.clone(),
                version: None,
                forced_before: false,
                run: Some(run),
            }),
            Err(none) if none.is_empty() => Err(NoModel::None(id)),
            Err(_) => Err(NoModel::Several(id)),
        }
    }

    /// A version that served, with the run that made it if that is still there.
    pub fn of_version(entry: &Promotion, run: Option<Run>) -> Self {
        Self {
            model: entry.model.clone(),
            pipeline: entry.pipeline.clone(),
            run,
            version: Some(entry.version.clone()),
            forced_before: entry.evidence.forced().is_some(),
        }
    }

    /// As the person named it: the version, or else the run.
    pub fn named(&self) -> String {
        let run = || self.run.as_ref().map(|run| run.request.id.to_string());
        self.version.clone().or_else(run).unwrap_or_default()
    }

    /// What its run knew of it.
    pub fn judged(&self) -> Judged {
        self.run.as_ref().map(Judged::of).unwrap_or_default()
    }
}
