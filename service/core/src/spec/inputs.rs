//! What a step can take from another: outputs and references to them.

use super::components::{Standard, standard};
use super::{Pipeline, Step};
use crate::ids::StepName;
use crate::suggest;
use indexmap::IndexMap;

/// The outputs of a standard component.
pub(super) fn own_outputs(standard: &Standard) -> IndexMap<String, String> {
    standard
        .outputs
        .iter()
        .map(|(name, type_name)| ((*name).to_owned(), (*type_name).to_owned()))
        .collect()
}

/// The outputs of a step as the file declares them.
pub(super) fn declared_outputs(step: &Step) -> IndexMap<String, String> {
    step.uses
        .as_deref()
        .and_then(standard)
        .map_or_else(|| step.outputs.clone(), own_outputs)
}

/// `step` or `step.output` to the step, the output and its type; or what is wrong and a hint.
pub(super) fn resolve(pipeline: &Pipeline, reference: &str) -> Result<(StepName, String, String), (String, String)> {
    let (step_name, output) = match reference.split_once('.') {
        Some((step, output)) => (step, Some(output)),
        None => (reference, None),
    };
    let Some(step) = pipeline.steps.get(step_name) else {
        let hint = suggest::hint(step_name, pipeline.steps.keys().map(String::as_str));
        return Err((format!("there is no step '{step_name}'"), hint));
    };
    let outputs = declared_outputs(step);
    let found = match output {
        Some(output) => outputs.get_key_value(output).ok_or_else(|| {
            let hint = suggest::hint(output, outputs.keys().map(String::as_str));
            (format!("step '{step_name}' has no output '{output}'"), hint)
        })?,
        None => match outputs.iter().collect::<Vec<_>>().as_slice() {
            [only] => *only,
            [] => {
                return Err((
                    format!("step '{step_name}' has no outputs"),
                    "declare them under outputs: NAME: TYPE".to_owned(),
                ));
            }
            several => {
                let choices: Vec<String> = several.iter().map(|(name, _)| format!("{step_name}.{name}")).collect();
                return Err((
                    format!("step '{step_name}' has several outputs"),
                    format!("write {}", choices.join(" or ")),
                ));
            }
        },
    };
    Ok((StepName::new(step_name), found.0.clone(), found.1.clone()))
}
