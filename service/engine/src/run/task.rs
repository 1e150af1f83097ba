//! The component contract: `task.json` and the placeholders of a command line.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trainyard_core::ids::StepName;
use trainyard_core::placeholder::{self, Placeholder};
use trainyard_core::plan::PlannedStep;
use trainyard_core::run::StepRecord;

/// Paths as one side sees them: this machine, or the container.
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
    /// The paths every container sees.
    pub fn in_container(inputs: &BTreeMap<String, PathBuf>) -> Self {
        let root = Path::new("/trainyard");
        Self {
            task: root.join("task.json"),
            inputs: inputs
                .keys()
                .map(|name| (name.clone(), root.join("inputs").join(name)))
                .collect(),
            outputs: root.join("outputs"),
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

/// The command line with its placeholders replaced. The error is a sentence.
pub fn command(planned: &PlannedStep, paths: &TaskPaths) -> Result<Vec<String>, String> {
    placeholder::fill(&planned.command, |name| match name {
        Placeholder::Task => Some(paths.task.display().to_string()),
        Placeholder::Input(input) => paths.inputs.get(input).map(|path| path.display().to_string()),
        Placeholder::Output(output) => Some(paths.outputs.join(output).display().to_string()),
        Placeholder::Parameter(parameter) => planned.parameters.get(parameter).map(placeholder::parameter_text),
    })
}
