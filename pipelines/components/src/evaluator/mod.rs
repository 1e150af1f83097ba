//! evaluator: predictions of candidate and baseline in, `evaluation.json` out.
//!
//! It measures and does not judge: thresholds belong to the gate of the service, which reads the file.

mod absent;
pub mod command;
mod evaluation;
mod guess;
mod names;
mod parameters;
pub(crate) mod predictions;
mod slice_text;
pub(crate) mod slices;
mod source;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod type_tests;
#[cfg(test)]
mod uncertainty_tests;
mod values;
#[cfg(test)]
mod weight_tests;

use anyhow::Result;
use std::num::NonZero;
use std::path::Path;

use crate::task::{ExecutorOutput, Task, data_properties, write_json};
use evaluation::{Evaluation, evaluate};
use parameters::Parameters;
use predictions::{Columns, Predictions, Role, agree};
use source::Source;

/// Measures a candidate, and a baseline where there is one, pairing rows by order or key.
fn measured(
    parameters: &Parameters,
    candidate: &Source,
    baseline: Option<&Source>,
    key: Option<&str>,
) -> Result<Evaluation> {
    parameters.check()?;
    let columns = parameters.columns(key);
    // Rows weigh the same for both, and are sliced alike: the candidate's file says how.
    let of_baseline = Columns {
        weight: None,
        ..parameters.columns(key)
    };
    let mut candidate = Predictions::read(candidate, Role::Candidate, &columns, &parameters.groupings())?;
    let baseline = baseline
        .map(|source| Predictions::read(source, Role::Baseline, &of_baseline, &[]))
        .transpose()?;
    // No row at all is how a step says that there was no model to predict with.
    let mut baseline = baseline.filter(|baseline| !baseline.labels.is_empty());
    agree(&mut candidate, baseline.as_mut(), key.is_some())?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    evaluate(parameters, &candidate, baseline.as_ref(), threads)
}

/// Reads the inputs `candidate` and, where there is one, `baseline`; writes the output `evaluation`.
///
/// # Errors
/// When predictions are unreadable, illegal or of different rows, when a column is missing, or when the
/// output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let (input, output) = (task.input("candidate")?, task.output("evaluation")?);
    let open = |folder: &Path| Source::parquet(&folder.join("predictions.parquet"), &[]);
    let candidate = open(&input.path)?;
    let baseline = task
        .optional_input("baseline")
        .map(|input| open(&input.path))
        .transpose()?;
    let evaluation = measured(&parameters, &candidate, baseline.as_ref(), None)?;
    let compared = if evaluation.baseline {
        "candidate and baseline"
    } else {
        "candidate alone"
    };
    let num_examples = evaluation.overall().map_or(0, |overall| overall.num_examples);
    println!(
        "{compared}: {num_examples} examples, {} slices",
        evaluation.slices.len()
    );
    evaluation.notes.iter().for_each(|note| println!("{note}"));
    write_json(&output.join("evaluation.json"), &evaluation)?;

    let mut properties = data_properties(input);
    properties.insert("num_examples".to_owned(), num_examples.into());
    properties.insert("baseline".to_owned(), evaluation.baseline.into());
    let mut said = ExecutorOutput::of("evaluation", properties);
    for (name, measured) in evaluation.overall().into_iter().flat_map(|overall| &overall.metrics) {
        said.metrics
            .extend(measured.candidate.map(|value| (name.clone(), value)));
        said.metrics
            .extend(measured.baseline.map(|value| (format!("baseline_{name}"), value)));
    }
    task.report(&said)
}
