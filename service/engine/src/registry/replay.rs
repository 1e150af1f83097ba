//! Gate replay: recorded runs judged anew by another gate, without training.

use crate::content::Content;
use crate::content::artifacts::read_plain;
use std::io;
use std::sync::Arc;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::evaluation::{self, Curves, Evaluation, InvalidEvaluation};
use trainyard_core::gate::{Replayed, Verdict, judge as judge_evaluation};
use trainyard_core::ids::RepoName;
use trainyard_core::machine;
use trainyard_core::plan::Gate;
use trainyard_core::run::Run;
use trainyard_store::{Reads, RunFilter, RunRow, StoreError};

/// Rows read at once.
const PAGE: u32 = 200;
/// Rows looked at: most runs that are not judged came to a bad end or have no gate.
const MOST_ROWS: u32 = 5_000;

/// Bytes of an `evaluation.json`: some hundred thousand slices.
const LONGEST_EVALUATION: u64 = 64 * 1024 * 1024;

/// Which recorded runs a gate is tried on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Only of this pipeline.
    pub pipeline: Option<String>,
    /// Only of this repository.
    pub repo: Option<RepoName>,
    /// So many of the newest judged ones.
    pub limit: usize,
}

/// Recorded runs under another gate, newest first. A run or evaluation that cannot be read any more is
/// named with the reason.
pub(crate) async fn replay(
    store: &Reads,
    content: &Content,
    gate: &Gate,
    past: &Past,
) -> Result<Vec<Replayed>, StoreError> {
    let gate = Arc::new(gate.clone());
    let mut replayed = Vec::new();
    for row in judged(store, past).await? {
        let run = match store.load_run(&row.id).await {
            Ok(run) => run,
            Err(error) => {
                tracing::warn!(run = %row.id, %error, "a run cannot be replayed");
                continue;
            }
        };
        // What a stranger's code measured says nothing of a gate.
        if run.request.fork.is_some() {
            continue;
        }
        let (gate, content) = (Arc::clone(&gate), content.clone());
        // Reading a large evaluation takes a moment.
        let one = trainyard_executors::apart(move || anew(&gate, &content, run)).await;
        replayed.extend(one.ok().flatten());
    }
    Ok(replayed)
}

/// The newest rows that have a verdict.
async fn judged(store: &Reads, past: &Past) -> Result<Vec<RunRow>, StoreError> {
    let mut filter = RunFilter {
        pipeline: past.pipeline.clone(),
        limit: PAGE,
        ..RunFilter::default()
    };
    let mut found = Vec::new();
    for _ in 0..MOST_ROWS / PAGE {
        let page = store.runs(&filter).await?;
        filter.before = page.last().map(|row| row.id.clone());
        let last = page.len() < PAGE as usize;
        let of_repo = |row: &RunRow| past.repo.is_none() || row.repo == past.repo;
        found.extend(page.into_iter().filter(|row| row.blessing.is_some() && of_repo(row)));
        if last || found.len() >= past.limit {
            break;
        }
    }
    found.truncate(past.limit);
    Ok(found)
}

fn anew(gate: &Gate, content: &Content, run: Run) -> Option<Replayed> {
    let (then, planned) = (run.verdict.as_ref()?, run.request.plan.gate.as_ref()?);
    let evaluation = match run.output(&planned.evaluation) {
        Some(artifact) => recorded_evaluation(content, artifact),
        None => Err(EvaluationError::Absent),
    };
    let now = evaluation.map(|evaluation| judge_evaluation(gate, &evaluation));
    let request = &run.request;
    let pipeline = request.plan.pipeline.clone();
    Some(Replayed::new(
        request.id.clone(),
        pipeline,
        request.created_at,
        then,
        now,
    ))
}

/// Why an evaluation cannot be judged; half a sentence.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// Its file cannot be read.
    #[error("its evaluation.json cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The run did not come to it.
    #[error("the run has no evaluation")]
    Absent,
    /// It is no evaluation.
    #[error(transparent)]
    Invalid(#[from] InvalidEvaluation),
}

impl EvaluationError {
    /// Whether it is the machine's trouble, and the evaluation may be whole.
    pub(crate) fn is_trouble(&self) -> bool {
        matches!(self, Self::Io(error) if machine::is_trouble(error))
    }
}

/// What a gate says of the model of one run, whatever its own gate said.
pub(crate) async fn judged_by(content: &Content, gate: &Gate, run: Run) -> Result<Verdict, EvaluationError> {
    let (content, gate) = (content.clone(), gate.clone());
    let judged = trainyard_executors::apart(move || {
        let artifact = evaluation_of(&run).ok_or(EvaluationError::Absent)?;
        let evaluation = recorded_evaluation(&content, artifact)?;
        Ok(judge_evaluation(&gate, &evaluation))
    });
    judged.await.map_err(io::Error::other)?
}

/// The curves of the models that a run compared; none where its evaluation has no plots.
pub(crate) async fn curves_of(content: &Content, run: Run) -> Result<Option<Curves>, EvaluationError> {
    let content = content.clone();
    let read = trainyard_executors::apart(move || {
        let artifact = evaluation_of(&run).ok_or(EvaluationError::Absent)?;
        Ok(evaluation::curves(&text(&content, artifact)?))
    });
    read.await.map_err(io::Error::other)?
}

/// What the gate of a run judges; of a run without a gate the evaluation that a step made.
fn evaluation_of(run: &Run) -> Option<&ArtifactRef> {
    match &run.request.plan.gate {
        Some(planned) => run.output(&planned.evaluation),
        None => {
            let made = run.steps.values().flat_map(|step| step.outputs.values());
            made.into_iter().find(|made| made.type_name == "ModelEvaluation")
        }
    }
}

/// The evaluation of a ModelEvaluation artifact.
pub(crate) fn recorded_evaluation(content: &Content, artifact: &ArtifactRef) -> Result<Evaluation, EvaluationError> {
    Ok(evaluation::parse(&text(content, artifact)?)?)
}

fn text(content: &Content, artifact: &ArtifactRef) -> Result<String, EvaluationError> {
    let place = content.place(&artifact.digest);
    let file = if place.is_dir() {
        place.join("evaluation.json")
    } else {
        place
    };
    let text = read_plain(&file, LONGEST_EVALUATION)?;
    Ok(String::from_utf8(text).map_err(io::Error::other)?)
}
