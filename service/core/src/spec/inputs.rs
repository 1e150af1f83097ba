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

/// Whether nobody can know what a step makes before another mistake in it is mended, which is said at its place.
pub(super) fn is_unclear(step: &Step) -> bool {
    let mistyped = step.uses.as_deref().is_some_and(|uses| standard(uses).is_none());
    mistyped || !step.outputs.values().all(|type_name| is_type(type_name))
}

/// Whether a text is an artifact type: CamelCase.
pub(super) fn is_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Why a reference leads nowhere.
pub(super) enum Unresolved {
    /// What is wrong, and a hint.
    Wrong(String, String),
    /// The step it names has a mistake of its own, which is said there.
    Unclear,
}

/// `step` or `step.output` to the step, the output and its type; or what is wrong.
pub(super) fn resolve(pipeline: &Pipeline, reference: &str) -> Result<(StepName, String, String), Unresolved> {
    let (step_name, output) = match reference.split_once('.') {
        Some((step, output)) => (step, Some(output)),
        None => (reference, None),
    };
    let Some(step) = pipeline.steps.get(step_name) else {
        let hint = suggest::hint(step_name, pipeline.steps.keys().map(String::as_str));
        return Err(Unresolved::Wrong(format!("there is no step '{step_name}'"), hint));
    };
    if is_unclear(step) {
        return Err(Unresolved::Unclear);
    }
    let outputs = declared_outputs(step);
    let found = match output {
        Some(output) => outputs.get_key_value(output).ok_or_else(|| {
            let hint = suggest::hint(output, outputs.keys().map(String::as_str));
            Unresolved::Wrong(format!("step '{step_name}' has no output '{output}'"), hint)
        })?,
        None => match outputs.iter().collect::<Vec<_>>().as_slice() {
            [only] => *only,
            [] => {
                return Err(Unresolved::Wrong(
                    format!("step '{step_name}' has no outputs"),
                    "declare them under outputs: NAME: TYPE".to_owned(),
                ));
            }
            several => {
                let choices: Vec<String> = several.iter().map(|(name, _)| format!("{step_name}.{name}")).collect();
                return Err(Unresolved::Wrong(
                    format!("step '{step_name}' has several outputs"),
                    format!("write {}", choices.join(" or ")),
                ));
            }
        },
    };
    Ok((StepName::new(step_name), found.0.clone(), found.1.clone()))
}
