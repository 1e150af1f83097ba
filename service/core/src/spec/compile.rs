//! [`Pipeline`] to [`Plan`].

use super::Pipeline;
use super::graph;
use super::lint;
use super::source_map::Problems;
use super::step::StepCompiler;
use crate::ids::StepName;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::suggest;
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Makes a pipeline ready to run, or says everything that is wrong with it, in the file's order.
///
/// `file` and `text` give the problems their positions; `overrides` replace parameters of the file.
pub fn plan(pipeline: &Pipeline, file: &str, text: &str, overrides: &Map<String, Value>) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::new(file, text);
    let (triggers, push) = lint::sections(pipeline, &mut problems);
    let parameters = parameters(pipeline, overrides, &mut problems);
    if pipeline.steps.is_empty() {
        problems.add(&["steps"], "the pipeline has no steps");
    }
    let mut images = IndexMap::new();
    let mut steps = IndexMap::new();
    for (name, step) in &pipeline.steps {
        let mut compiler = StepCompiler {
            pipeline,
            name,
            step,
            problems: &mut problems,
        };
        let planned = compiler.compile(&parameters, &mut images);
        steps.insert(StepName::new(name.as_str()), planned);
    }
    let gate = super::judged::gate(pipeline, &mut steps, &mut problems);
    let ordered = graph::ordered(steps, &mut problems);
    if !problems.is_empty() {
        return Err(problems.into_sorted());
    }
    Ok(Plan {
        pipeline: pipeline.name.clone(),
        parameters,
        triggers,
        concurrency: pipeline.concurrency.clone(),
        data: pipeline.data.clone(),
        images,
        steps: ordered,
        gate,
        push,
    })
}

/// [`super::parse`] and [`plan`] in one.
pub fn load(file: &str, text: &str, overrides: &Map<String, Value>) -> Result<Plan, Vec<Problem>> {
    let pipeline = super::parse(file, text)?;
    plan(&pipeline, file, text, overrides)
}

fn parameters(pipeline: &Pipeline, overrides: &Map<String, Value>, problems: &mut Problems) -> Map<String, Value> {
    let mut parameters = pipeline.parameters.clone();
    for (name, value) in overrides {
        match parameters.get_mut(name) {
            Some(default) => *default = value.clone(),
            None => {
                let hint = suggest::hint(name, pipeline.parameters.keys().map(String::as_str));
                problems.add_with_hint(
                    &["parameters"],
                    format!("there is no parameter '{name}' to replace"),
                    hint,
                );
            }
        }
    }
    parameters
}
