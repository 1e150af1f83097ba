//! [`Pipeline`] to [`Plan`].

use super::Pipeline;
use super::graph;
use super::lint;
use super::parse::{self, Misshapen};
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
    let plan = compile(pipeline, overrides, &mut problems);
    if problems.is_empty() {
        Ok(plan)
    } else {
        Err(problems.into_sorted())
    }
}

/// The plan as far as it goes; it is only one if there is no problem.
fn compile(pipeline: &Pipeline, overrides: &Map<String, Value>, problems: &mut Problems) -> Plan {
    let (triggers, push) = lint::sections(pipeline, problems);
    let parameters = parameters(pipeline, overrides, problems);
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
            problems,
        };
        let planned = compiler.compile(&parameters, &mut images);
        steps.insert(StepName::new(name.as_str()), planned);
    }
    let gate = super::judged::gate(pipeline, &mut steps, problems);
    let ordered = graph::ordered(steps, problems);
    Plan {
        pipeline: pipeline.name.clone(),
        parameters,
        triggers,
        concurrency: pipeline.concurrency.clone(),
        data: pipeline.data.clone(),
        images,
        steps: ordered,
        gate,
        push,
        notify: pipeline.notify.clone(),
    }
}

/// [`super::parse`] and [`plan`] in one: everything that is wrong with the shape and with what it says.
pub fn load(file: &str, text: &str, overrides: &Map<String, Value>) -> Result<Plan, Vec<Problem>> {
    check(file, text, overrides).finished()
}

/// What a file says, beside everything that is wrong with it.
pub struct Checked {
    /// The plan; beside problems only what of it can be read, to look for more of them.
    pub plan: Option<Plan>,
    /// What is wrong, in the file's order.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// Adds what a look around the file has found; of one place the first word counts.
    pub fn and(mut self, found: impl IntoIterator<Item = Problem>) -> Self {
        for problem in found {
            let place = |problem: &Problem| (problem.line, problem.column);
            if self.problems.iter().all(|known| place(known) != place(&problem)) {
                self.problems.push(problem);
            }
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self
    }

    /// The plan, if nothing is wrong.
    pub fn finished(self) -> Result<Plan, Vec<Problem>> {
        self.plan.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }
}

/// As [`load`], with what can be read of a file that has problems.
pub fn check(file: &str, text: &str, overrides: &Map<String, Value>) -> Checked {
    let (pipeline, problems, unread) = match parse::pipeline(file, text) {
        Ok(pipeline) => (Some(Box::new(pipeline)), Vec::new(), Vec::new()),
        Err(Misshapen { problems, unread, rest }) => (rest, problems, unread),
    };
    let checked = Checked { plan: None, problems };
    let Some(pipeline) = pipeline else { return checked };
    let mut found = Problems::beside(file, text, unread);
    let plan = compile(&pipeline, overrides, &mut found);
    Checked {
        plan: Some(plan),
        ..checked.and(found.into_sorted())
    }
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
