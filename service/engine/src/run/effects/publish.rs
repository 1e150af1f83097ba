//! `Publish`: what the program wrote becomes artifacts, recorded in one transaction.

use super::drive::planned;
use crate::content::Content;
use crate::content::artifacts::{ArtifactError, read_plain, seal};
use crate::content::external;
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::house::programs::Programs;
use crate::run::outcome::Outcome;
use crate::run::task::{EXECUTOR_OUTPUT, SOURCE_INPUT};
use crate::source::checkout::without_path;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::executor_output::ExecutorOutput;
use trainyard_core::ids::{Micros, StepName};
use trainyard_core::node::NodeId;
use trainyard_core::plan::PlannedStep;
use trainyard_core::run::{Run, RunEvent};
use trainyard_executors::{AttemptKey, Executor, ExecutorError};
use trainyard_store::{ExecutionIdentity, MetadataWrite, PublishExecution};

/// Bytes of an `executor_output.json`: a component's word is short.
const LONGEST_EXECUTOR_OUTPUT: u64 = 4 * 1024 * 1024;

pub(super) async fn publish(
    programs: &Programs,
    content: &Content,
    data_root: &Path,
    run: &Run,
    step: &StepName,
    attempt: u32,
    now: Micros,
) -> Result<Outcome, EffectError> {
    let planned = planned(run, step)?.clone();
    let key = run.steps.get(step).and_then(|record| record.key.clone());
    let outputs = outputs(programs, run, step, attempt).await?;
    let data = run
        .steps
        .get(step)
        .and_then(|record| record.inputs.get(SOURCE_INPUT))
        .cloned();
    let data_root = data_root.to_owned();
    let (folder, plan, name) = (outputs.clone(), planned.clone(), step.clone());
    let seal = trainyard_executors::apart(move || {
        if let Some(data) = data {
            external::unchanged(&data_root, &data).map_err(|error| error.to_string())?;
        }
        seal_outputs(&folder, &plan, &name)
    });
    let seal = async { seal.await.map_err(EffectError::again)?.map_err(EffectError::Broken) };
    let (digests, said) = passing(Effect::SealOutputs, seal).await?;
    let name = |output: &str| NodeId::step(step).artifact(&run.request.id, output);
    let metrics = said.metrics.clone();
    let outputs = take_outputs(content, &outputs, &planned, digests, &said, name).await;
    let outputs = outputs.map_err(|reason| EffectError::Broken(format!("step '{step}': {reason}")))?;

    let properties = metrics
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(*value)))
        .collect();
    let publish = PublishExecution {
        identity: ExecutionIdentity::of(run, NodeId::step(step)),
        cache_key: key,
        outputs: outputs.clone(),
        properties,
        at: now,
    };
    let event = RunEvent::StepPublished {
        step: step.clone(),
        attempt,
        outputs,
        metrics,
    };
    Ok(Outcome {
        metadata: vec![MetadataWrite::Publish(publish)],
        ..Outcome::event(event)
    })
}

/// The folder with what the program made.
async fn outputs(programs: &Programs, run: &Run, step: &StepName, attempt: u32) -> Result<PathBuf, EffectError> {
    let key = AttemptKey::new(&run.request.id, NodeId::step(step), attempt);
    match programs.executor.outputs(&key).await {
        Ok(folder) => Ok(folder),
        Err(error @ ExecutorError::Unreachable { .. }) => Err(EffectError::again(error)),
        Err(error) => Err(EffectError::Broken(format!(
            "step '{step}': its outputs cannot be had: {error}"
        ))),
    }
}

/// Gives sealed outputs their places. The error is a sentence.
async fn take_outputs(
    content: &Content,
    folder: &Path,
    planned: &PlannedStep,
    digests: BTreeMap<String, Digest>,
    said: &ExecutorOutput,
    artifact_name: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, ArtifactRef>, String> {
    let mut outputs = BTreeMap::new();
    for (output, digest) in digests {
        let place = content
            .adopt(&folder.join(&output), &digest)
            .await
            .map_err(|error| format!("output '{output}' cannot be kept: {error}"))?;
        let artifact = ArtifactRef {
            name: artifact_name(&output),
            type_name: planned.outputs.get(&output).cloned().unwrap_or_default(),
            digest,
            uri: place.display().to_string(),
            properties: said.properties.get(&output).cloned().unwrap_or_default(),
        };
        outputs.insert(output, artifact);
    }
    Ok(outputs)
}

type Sealed = (BTreeMap<String, Digest>, ExecutorOutput);

/// Checks what is in the outputs folder and seals it, with what the component said. The error is a sentence.
fn seal_outputs(folder: &Path, planned: &PlannedStep, step: &StepName) -> Result<Sealed, String> {
    let unreadable = |error: io::Error| format!("step '{step}': its outputs folder cannot be read: {error}");
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name != EXECUTOR_OUTPUT && !planned.outputs.contains_key(&name) {
            return Err(format!(
                "step '{step}' wrote '{name}' beside its outputs: declare it under outputs, or write it to /tmp"
            ));
        }
    }
    let said = executor_output(&folder.join(EXECUTOR_OUTPUT)).map_err(|reason| format!("step '{step}': {reason}"))?;
    Ok((digests(folder, planned, step)?, said))
}

/// Digests of all outputs, written down before the first of them is moved: a publication that is
/// cut off and repeated finds them there.
fn digests(folder: &Path, planned: &PlannedStep, step: &StepName) -> Result<BTreeMap<String, Digest>, String> {
    let sealed = folder.with_file_name("sealed.json");
    if let Ok(text) = fs::read(&sealed)
        && let Ok(digests) = serde_json::from_slice(&text)
    {
        return Ok(digests);
    }
    let mut digests = BTreeMap::new();
    for output in planned.outputs.keys() {
        let digest = seal(&folder.join(output)).map_err(|error| match error {
            ArtifactError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                format!("step '{step}' ended well but wrote no output '{output}': write it to {{{{outputs.{output}}}}}")
            }
            error => without_path(
                &format!("step '{step}': output '{output}' cannot be kept: {error}"),
                folder,
            ),
        })?;
        digests.insert(output.clone(), digest);
    }
    let write = || {
        let temporary = sealed.with_extension("tmp");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(&digests)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &sealed)
    };
    if !digests.is_empty() {
        write().map_err(|error| format!("step '{step}': {} cannot be written: {error}", sealed.display()))?;
    }
    Ok(digests)
}

fn executor_output(path: &Path) -> Result<ExecutorOutput, String> {
    match read_plain(path, LONGEST_EXECUTOR_OUTPUT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ExecutorOutput::default()),
        Err(error) => Err(format!("{EXECUTOR_OUTPUT} cannot be read: {error}")),
        Ok(text) => ExecutorOutput::parse(&String::from_utf8_lossy(&text))
            .map_err(|reason| format!("{EXECUTOR_OUTPUT}: {reason}")),
    }
}
