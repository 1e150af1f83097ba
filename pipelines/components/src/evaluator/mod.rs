//! evaluator: predictions of candidate and baseline in, `evaluation.json` out.
//!
//! It measures and does not judge: thresholds belong to the gate of the service, which reads the file.

mod metrics;
mod predictions;
mod slices;
#[cfg(test)]
mod tests;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::task::{ExecutorOutput, Task, data_properties, write_json};
use metrics::ModelType;
use predictions::{Columns, Predictions, Role};
use slices::{SliceKey, SlicingSpec, slices};

#[derive(Deserialize)]
struct Parameters {
    model_type: ModelType,
    label: String,
    prediction: String,
    #[serde(default)]
    slicing_specs: Vec<SlicingSpec>,
}

/// The version of the file's shape.
const SCHEMA_VERSION: u32 = 1;

/// The file `evaluation.json`.
#[derive(Debug, Serialize)]
struct Evaluation {
    schema_version: u32,
    model_type: ModelType,
    label: String,
    prediction: String,
    /// Whether there was a model to compare with.
    baseline: bool,
    /// The overall slice first.
    slices: Vec<Slice>,
}

#[derive(Debug, Serialize)]
struct Slice {
    slice_key: SliceKey,
    num_examples: usize,
    metrics: BTreeMap<&'static str, Measured>,
}

/// `null` where undefined or without a baseline.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Measured {
    candidate: Option<f64>,
    baseline: Option<f64>,
}

/// Reads the inputs `candidate` and, where there is one, `baseline`; writes the output `evaluation`.
///
/// # Errors
/// When predictions are unreadable, illegal or of different rows, when a column is missing, or when the
/// output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let (input, output) = (task.input("candidate")?, task.output("evaluation")?);
    let columns = Columns {
        model_type: parameters.model_type,
        label: &parameters.label,
        prediction: &parameters.prediction,
    };
    let slice_by: BTreeSet<&String> = parameters.slicing_specs.iter().flat_map(SlicingSpec::columns).collect();
    let candidate = Predictions::read(&input.path, Role::Candidate, &columns, &slice_by)?;
    let baseline = task.optional_input("baseline");
    let baseline = baseline
        .map(|input| Predictions::read(&input.path, Role::Baseline, &columns, &BTreeSet::new()))
        .transpose()?
        // No row at all is how a step says that there was no model to predict with.
        .filter(|baseline| !baseline.labels.is_empty());
    if let Some(baseline) = &baseline {
        candidate.same_rows(baseline)?;
    }
    let evaluation = evaluate(&parameters, &candidate, baseline.as_ref())?;
    let compared = if evaluation.baseline {
        "candidate and baseline"
    } else {
        "candidate alone"
    };
    println!(
        "{compared}: {} examples, {} slices",
        candidate.labels.len(),
        evaluation.slices.len()
    );
    write_json(&output.join("evaluation.json"), &evaluation)?;

    let mut properties = data_properties(input);
    properties.insert("num_examples".to_owned(), candidate.labels.len().into());
    properties.insert("baseline".to_owned(), evaluation.baseline.into());
    let mut said = ExecutorOutput::of("evaluation", properties);
    for (name, measured) in evaluation.slices.iter().take(1).flat_map(|overall| &overall.metrics) {
        said.metrics
            .extend(measured.candidate.map(|value| (name.to_string(), value)));
        said.metrics
            .extend(measured.baseline.map(|value| (format!("baseline_{name}"), value)));
    }
    task.report(&said)
}

/// Measures every slice.
fn evaluate(parameters: &Parameters, candidate: &Predictions, baseline: Option<&Predictions>) -> Result<Evaluation> {
    let measure = |labels: &[f64], predictions: &[f64], rows: &[u32]| {
        let row = |row: &u32| (labels[*row as usize], predictions[*row as usize]);
        parameters.model_type.measure(rows.iter().map(row))
    };
    let slice = |(slice_key, rows): (SliceKey, Vec<u32>)| {
        let mut metrics: BTreeMap<&'static str, Measured> = BTreeMap::new();
        for (name, value) in measure(&candidate.labels, &candidate.predictions, &rows) {
            metrics.entry(name).or_default().candidate = value;
        }
        for (name, value) in baseline
            .into_iter()
            .flat_map(|b| measure(&b.labels, &b.predictions, &rows))
        {
            metrics.entry(name).or_default().baseline = value;
        }
        Slice {
            slice_key,
            num_examples: rows.len(),
            metrics,
        }
    };
    let slices = slices(&parameters.slicing_specs, &candidate.categories, candidate.labels.len())?;
    Ok(Evaluation {
        schema_version: SCHEMA_VERSION,
        model_type: parameters.model_type,
        label: parameters.label.clone(),
        prediction: parameters.prediction.clone(),
        baseline: baseline.is_some(),
        // By key, and the empty key of the overall slice is the smallest.
        slices: slices.into_iter().map(slice).collect(),
    })
}
