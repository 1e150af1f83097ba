//! The component contract: what a program is given, `task.json` and the placeholders of a command line.

use crate::content::external::External;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trainyard_core::ids::StepName;
use trainyard_core::placeholder::{self, Placeholder, PlaceholderError};
use trainyard_core::plan::PlannedStep;
use trainyard_core::run::StepRecord;
use trainyard_executors::{AnyExecutor, AttemptKey, Executor, Input, InputContent};

/// The name under which an example-gen finds its external data.
pub const SOURCE_INPUT: &str = "source";

/// Where a container's program finds everything.
const ROOT: &str = "/trainyard";

/// Where a container's program makes its outputs.
pub const OUTPUTS: &str = "/trainyard/outputs";

/// `task.json`.
pub fn task_input(text: Vec<u8>) -> Input {
    Input {
        target: Path::new(ROOT).join("task.json"),
        content: InputContent::Bytes(text),
    }
}

/// What a step reads, by name; what is not there is an empty folder.
pub fn inputs(external: &External, planned: &PlannedStep, record: &StepRecord) -> BTreeMap<String, Input> {
    let input = |name: &str, content: InputContent| {
        let target = Path::new(ROOT).join("inputs").join(name);
        (name.to_owned(), Input { target, content })
    };
    let kept = |name: &String| match record.inputs.get(name) {
        Some(artifact) => input(name, InputContent::Tree(artifact.digest.clone())),
        None => input(name, InputContent::Empty),
    };
    let declared = planned.inputs.keys().map(kept);
    let memo = planned.memo.as_ref().map(|memo| kept(&memo.input));
    let source = planned.source.as_ref().map(|_| {
        let data = record.inputs.get(SOURCE_INPUT);
        input(
            SOURCE_INPUT,
            InputContent::Files(data.map(|data| external.files(data)).unwrap_or_default()),
        )
    });
    declared.chain(memo).chain(source).collect()
}

/// Paths as the program sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPaths {
    /// `task.json`.
    pub task: PathBuf,
    /// Each input's file or folder.
    pub inputs: BTreeMap<String, PathBuf>,
    /// The folder below which outputs are made.
    pub outputs: PathBuf,
}

impl TaskPaths {
    /// As the executor shows them to the program of this attempt.
    pub fn seen(executor: &AnyExecutor, key: &AttemptKey, inputs: &BTreeMap<String, Input>) -> Self {
        let path = |(name, input): (&String, &Input)| (name.clone(), executor.input_path(key, input));
        Self {
            // Its place does not depend on what is in it.
            task: executor.input_path(key, &task_input(Vec::new())),
            inputs: inputs.iter().map(path).collect(),
            outputs: executor.output_path(key, Path::new(OUTPUTS)),
        }
    }
}

/// The name of the optional file with metrics and properties, beside the outputs.
pub const EXECUTOR_OUTPUT: &str = "executor_output.json";

/// What a component reads: parameters, and where its inputs and outputs are.
pub fn task_json(
    pipeline: &str,
    step: &StepName,
    planned: &PlannedStep,
    record: &StepRecord,
    paths: &TaskPaths,
) -> Vec<u8> {
    let inputs: Map<String, Value> = paths
        .inputs
        .iter()
        .map(|(name, path)| {
            let artifact = record.inputs.get(name);
            let entry = json!({
                "path": path,
                "type": artifact.map(|a| a.type_name.as_str()),
                "digest": artifact.map(|a| a.digest.as_str()),
                "properties": artifact.map(|a| a.properties.clone()).unwrap_or_default(),
            });
            (name.clone(), entry)
        })
        .collect();
    let outputs: Map<String, Value> = planned
        .outputs
        .iter()
        .map(|(name, type_name)| {
            (
                name.clone(),
                json!({"path": paths.outputs.join(name), "type": type_name}),
            )
        })
        .collect();
    let task = json!({
        "pipeline": pipeline,
        "step": step,
        "parameters": planned.parameters,
        "inputs": inputs,
        "outputs": outputs,
        "executor_output": paths.outputs.join(EXECUTOR_OUTPUT),
    });
    task.to_string().into_bytes()
}

/// The command line with its placeholders replaced.
pub fn command(planned: &PlannedStep, paths: &TaskPaths) -> Result<Vec<String>, PlaceholderError> {
    placeholder::fill(&planned.command, |name| match name {
        Placeholder::Task => Some(paths.task.display().to_string()),
        Placeholder::Input(input) => paths.inputs.get(input).map(|path| path.display().to_string()),
        Placeholder::Output(output) => Some(paths.outputs.join(output).display().to_string()),
        Placeholder::Parameter(parameter) => planned.parameters.get(parameter).map(placeholder::parameter_text),
    })
}
