//! `Publish`: what the program wrote becomes artifacts, recorded in one transaction.

use super::drive::planned;
use crate::content::Content;
use crate::content::artifacts::{ArtifactError, read_plain, seal};
use crate::content::external::{ChangedData, External};
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
use trainyard_core::log;
use trainyard_core::machine;
use trainyard_core::node::NodeId;
use trainyard_core::plan::PlannedStep;
use trainyard_core::run::{Run, RunEvent};
use trainyard_executors::{Abandoned, AttemptKey, Executor, ExecutorError, Hidden};
use trainyard_store::{ExecutionIdentity, MetadataWrite, PublishExecution};

/// Bytes of an `executor_output.json`: a component's word is short.
const LONGEST_EXECUTOR_OUTPUT: u64 = 4 * 1024 * 1024;

pub(super) async fn publish(
    programs: &Programs,
    content: &Content,
    external: &External,
    run: &Run,
    step: &StepName,
    attempt: u32,
    now: Micros,
) -> Result<Outcome, EffectError> {
    let planned = planned(run, step)?.clone();
    // What a stranger's code made stands in for nothing.
    let key = run.steps.get(step).and_then(|record| record.key.clone());
    let key = key.filter(|_| run.request.fork.is_none());
    let outputs = outputs(programs, run, step, attempt).await?;
    let data = run
        .steps
        .get(step)
        .and_then(|record| record.inputs.get(SOURCE_INPUT))
        .cloned();
    let external = external.clone();
    let (folder, plan, name) = (outputs.clone(), planned.clone(), step.clone());
    let hidden = programs
        .executor
        .hidden(&AttemptKey::new(&run.request.id, NodeId::step(step), attempt));
    let seal = Abandoned::run(move |abandoned| {
        if let Some(data) = data {
            external.unchanged(&data, abandoned)?;
        }
        seal_outputs(&folder, &plan, &name, &hidden, abandoned)
    });
    let seal = async {
        let sealed = seal.await;
        let sealed = sealed.ok_or_else(|| EffectError::again("a publication met a defect: see the service's log"))?;
        sealed.map_err(|error| error.of(step))
    };
    let (digests, said) = passing(Effect::SealOutputs, seal).await?;
    let name = |output: &str| NodeId::step(step).artifact(&run.request.id, output);
    let metrics = said.metrics.clone();
    let outputs = take_outputs(content, &outputs, &planned, digests, &said, name).await;
    let outputs = outputs.map_err(|error| error.of(step))?;

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

/// How the data drift, as a program said it that ended badly; what cannot be read says nothing.
pub(super) async fn drifted(programs: &Programs, key: &AttemptKey, step: &StepName) -> Option<Vec<String>> {
    let path = programs.executor.outputs(key).await.ok()?.join(EXECUTOR_OUTPUT);
    let (step, hidden) = (step.clone(), programs.executor.hidden(key));
    let read = move || executor_output(&path, &step, &hidden);
    let said = tokio::task::spawn_blocking(read).await.ok()?.ok()?;
    // It goes out to others.
    Some(said.drifted()?.iter().map(|sentence| log::masked(sentence)).collect())
}

/// Why outputs are not published; a sentence.
#[derive(Debug)]
enum NotTaken {
    /// They are not what the step promised.
    Wrong(String),
    /// The machine has a trouble of its own, and they are there.
    Trouble(String),
}

impl From<ChangedData> for NotTaken {
    fn from(error: ChangedData) -> Self {
        match error {
            ChangedData::Trouble(sentence) => Self::Trouble(sentence),
            error => Self::Wrong(error.to_string()),
        }
    }
}

impl NotTaken {
    /// Of a file that the program wrote.
    fn of_theirs(error: &io::Error, sentence: String) -> Self {
        match machine::is_trouble(error) {
            true => Self::Trouble(sentence),
            false => Self::Wrong(sentence),
        }
    }

    /// What was made is kept, and its program is not run again.
    fn of(self, step: &StepName) -> EffectError {
        match self {
            Self::Wrong(sentence) => EffectError::Broken(sentence),
            Self::Trouble(sentence) => EffectError::later(format!(
                "step '{step}' is done, and its outputs wait to be published: {sentence}"
            )),
        }
    }
}

/// Gives sealed outputs their places. They are in our own folders: whatever fails here passes.
async fn take_outputs(
    content: &Content,
    folder: &Path,
    planned: &PlannedStep,
    digests: BTreeMap<String, Digest>,
    said: &ExecutorOutput,
    artifact_name: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, ArtifactRef>, NotTaken> {
    let mut outputs = BTreeMap::new();
    for (output, digest) in digests {
        let place = content
            .adopt(&folder.join(&output), &digest)
            .await
            .map_err(|error| NotTaken::Trouble(format!("output '{output}' cannot be kept: {error}")))?;
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

/// Checks what is in the outputs folder and seals it, with what the component said.
fn seal_outputs(
    folder: &Path,
    planned: &PlannedStep,
    step: &StepName,
    hidden: &Hidden,
    abandoned: &Abandoned,
) -> Result<Sealed, NotTaken> {
    let unreadable = |error: io::Error| {
        let told = format!("step '{step}': its outputs folder cannot be read: {error}");
        NotTaken::of_theirs(&error, told)
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name != EXECUTOR_OUTPUT && !planned.outputs.contains_key(&name) {
            return Err(NotTaken::Wrong(format!(
                "step '{step}' wrote '{name}' beside its outputs: declare it under outputs, or write it to /tmp"
            )));
        }
    }
    let said = executor_output(&folder.join(EXECUTOR_OUTPUT), step, hidden)?;
    Ok((digests(folder, planned, step, abandoned)?, said))
}

/// Digests of all outputs, written down before the first of them is moved: a publication that is
/// cut off and repeated finds them there.
fn digests(
    folder: &Path,
    planned: &PlannedStep,
    step: &StepName,
    abandoned: &Abandoned,
) -> Result<BTreeMap<String, Digest>, NotTaken> {
    let sealed = folder.with_file_name("sealed.json");
    if let Ok(text) = fs::read(&sealed)
        && let Ok(digests) = serde_json::from_slice(&text)
    {
        return Ok(digests);
    }
    let mut digests = BTreeMap::new();
    for output in planned.outputs.keys() {
        let digest = seal(&folder.join(output), abandoned).map_err(|error| match error {
            ArtifactError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => NotTaken::Wrong(format!(
                "step '{step}' ended well but wrote no output '{output}': write it to {{{{outputs.{output}}}}}"
            )),
            error => {
                let told = format!("step '{step}': output '{output}' cannot be kept: {error}");
                let told = without_path(&told, folder);
                match error.is_trouble() {
                    true => NotTaken::Trouble(told),
                    false => NotTaken::Wrong(told),
                }
            }
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
        write().map_err(|error| NotTaken::Trouble(format!("{} cannot be written: {error}", sealed.display())))?;
    }
    Ok(digests)
}

/// What the program said of itself, without its secrets: it goes into the metadata, and out to others.
fn executor_output(path: &Path, step: &StepName, hidden: &Hidden) -> Result<ExecutorOutput, NotTaken> {
    match read_plain(path, LONGEST_EXECUTOR_OUTPUT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ExecutorOutput::default()),
        Err(error) => {
            let told = format!("step '{step}': {EXECUTOR_OUTPUT} cannot be read: {error}");
            Err(NotTaken::of_theirs(&error, told))
        }
        Ok(text) => hidden
            .text(&String::from_utf8_lossy(&text))
            .map_or_else(|| Ok(ExecutorOutput::default()), |text| ExecutorOutput::parse(&text))
            .map_err(|reason| NotTaken::Wrong(format!("step '{step}': {EXECUTOR_OUTPUT}: {reason}"))),
    }
}
