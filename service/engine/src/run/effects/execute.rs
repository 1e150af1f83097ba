//! `Execute` and `Stop`: one attempt of a step's program, started once and watched to its end.

use super::drive::{SOURCE_INPUT, planned};
use crate::content::external;
use crate::house::error::EffectError;
use crate::house::last_line::last_line;
use crate::run::outcome::Outcome;
use crate::run::programs::Programs;
use crate::run::task::{self, TaskPaths};
use crate::source::checkout;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::StepName;
use trainyard_core::node::NodeId;
use trainyard_core::plan::NetworkAccess;
use trainyard_core::plan::{ImageSource, PlannedStep};
use trainyard_core::run::{Exit, Run, RunEvent, StepRecord};
use trainyard_executors::{
    AttemptKey, Executor, ExecutorError, Exit as ProgramExit, Mount, Network, Observation, Program,
};

/// A program is looked at anew at least this often, whatever the executor's hints say.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL.
const STOP_GRACE: Duration = Duration::from_secs(10);

pub(super) async fn execute(
    programs: &Programs,
    run: &Run,
    step: &StepName,
    attempt: u32,
) -> Result<Outcome, EffectError> {
    let key = AttemptKey {
        run: run.request.id.clone(),
        step: step.clone(),
        attempt,
    };
    let exit = match run_to_end(programs, run, &key).await {
        Ok(exit) => exit,
        Err(ExecutorError::Refused { message }) => Exit::NotStarted {
            reason: message,
            permanent: true,
        },
        Err(ExecutorError::Failed { message, .. }) => Exit::NotStarted {
            reason: message,
            permanent: false,
        },
        Err(error @ ExecutorError::Unreachable { .. }) => return Err(EffectError::again(error)),
    };
    Ok(Outcome::event(RunEvent::StepEnded {
        step: step.clone(),
        attempt,
        exit,
    }))
}

async fn run_to_end(programs: &Programs, run: &Run, key: &AttemptKey) -> Result<Exit, ExecutorError> {
    let executor = &programs.executor;
    let program = prepare(programs, run, key).await?;
    executor.start(key, &program).await?;
    loop {
        match executor.observe(key).await? {
            Observation::Running => executor.settled(key, LOOK_AGAIN).await,
            Observation::Unknown => return Ok(Exit::Lost),
            Observation::Ended(ended) => {
                if let Err(error) = executor.flush_logs(key).await {
                    tracing::warn!(%key, %error, "the end of a log is missing");
                }
                return Ok(match ended {
                    ProgramExit::Code(0) => Exit::Success,
                    ProgramExit::Code(code) => Exit::Code {
                        code,
                        last_line: last_line(&program.log_file, |_| true),
                    },
                    ProgramExit::OutOfMemory => Exit::OutOfMemory,
                    ProgramExit::Signal(signal) => Exit::Signal { signal },
                });
            }
        }
    }
}

pub(super) async fn stop(
    programs: &Programs,
    run: &Run,
    step: &StepName,
    attempt: u32,
) -> Result<Outcome, EffectError> {
    let key = AttemptKey {
        run: run.request.id.clone(),
        step: step.clone(),
        attempt,
    };
    programs
        .executor
        .stop(&key, STOP_GRACE)
        .await
        .map_err(EffectError::again)?;
    Ok(Outcome::default())
}

/// Makes the attempt's folder and says what to run. Safe to repeat while the program runs.
async fn prepare(programs: &Programs, run: &Run, key: &AttemptKey) -> Result<Program, ExecutorError> {
    let refused = |reason: String| ExecutorError::Refused { message: reason };
    let failed = |reason: String| ExecutorError::Failed {
        message: reason,
        source: None,
    };
    let planned = planned(run, &key.step).map_err(|_| refused("the plan has no such step".to_owned()))?;
    let Some(record) = run.steps.get(&key.step) else {
        return Err(refused("the run has no such step".to_owned()));
    };
    let folder = programs
        .folders
        .attempt(&key.run, &NodeId::step(&key.step), key.attempt);
    let inputs = input_paths(programs, planned, record, &folder);
    let on_host = TaskPaths {
        task: folder.join("task.json"),
        inputs: inputs.clone(),
        outputs: folder.join("outputs"),
    };
    let seen = if programs.executor.sees_host_paths() {
        on_host.clone()
    } else {
        TaskPaths::in_container(&inputs)
    };

    if !folder.join("ready").exists() {
        let task = task::task_json(&run.request.plan.pipeline, &key.step, planned, record, &seen);
        let layout = AttemptFolder {
            folder: folder.clone(),
            task,
            data_root: programs.data_root.clone(),
            data: record.inputs.get(SOURCE_INPUT).cloned(),
            owner: programs.container_user,
        };
        // Data that cannot be linked is copied, which takes its time.
        let laid_out = tokio::task::spawn_blocking(move || layout.write()).await;
        laid_out
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(failed)?;
    }
    let mut environment: BTreeMap<_, _> = planned.environment.clone().into_iter().collect();
    environment.insert("TRAINYARD_TASK".to_owned(), seen.task.display().to_string());
    Ok(Program {
        image: record.image_id.clone(),
        command: task::command(planned, &seen).map_err(refused)?,
        environment,
        mounts: mounts(&on_host, &seen),
        working_directory: working_directory(programs, run, planned),
        cpus: planned.cpus,
        memory_bytes: planned.memory_bytes,
        network: match planned.network {
            NetworkAccess::None => Network::None,
            NetworkAccess::Bridge => Network::Bridge,
        },
        log_file: programs
            .folders
            .attempt_log(&key.run, &NodeId::step(&key.step), key.attempt),
    })
}

/// Where each input is on this machine; an absent one is an empty folder.
fn input_paths(
    programs: &Programs,
    planned: &PlannedStep,
    record: &StepRecord,
    folder: &Path,
) -> BTreeMap<String, PathBuf> {
    let place = |name: &String| match record.inputs.get(name) {
        Some(artifact) => (name.clone(), programs.content.place(&artifact.digest)),
        None => (name.clone(), folder.join("absent")),
    };
    let declared = planned.inputs.keys().map(place);
    let memo = planned.memo.as_ref().map(|memo| place(&memo.input));
    let external = planned
        .source
        .as_ref()
        .map(|_| (SOURCE_INPUT.to_owned(), folder.join(SOURCE_INPUT)));
    declared.chain(memo).chain(external).collect()
}

/// An attempt's folder, to be made.
struct AttemptFolder {
    folder: PathBuf,
    task: Vec<u8>,
    data_root: PathBuf,
    data: Option<ArtifactRef>,
    /// Who may write the outputs, if not the service.
    owner: Option<(u32, u32)>,
}

impl AttemptFolder {
    /// The file `ready` is the last: without it everything is made anew. Blocks.
    fn write(&self) -> Result<(), String> {
        let folder = &self.folder;
        let at_folder = |error: std::io::Error| format!("{} cannot be written: {error}", folder.display());
        let written = || {
            crate::content::artifacts::remove_tree(folder)?;
            for name in ["absent", "outputs", SOURCE_INPUT] {
                fs::create_dir_all(folder.join(name))?;
            }
            if let Some((uid, gid)) = self.owner {
                std::os::unix::fs::chown(folder.join("outputs"), Some(uid), Some(gid))?;
            }
            fs::write(folder.join("task.json"), &self.task)
        };
        written().map_err(at_folder)?;
        if let Some(data) = self.data.as_ref().filter(|data| data.type_name == "ExternalData") {
            external::stage(&self.data_root, data, &folder.join(SOURCE_INPUT))?;
        }
        fs::write(folder.join("ready"), b"").map_err(at_folder)
    }
}

fn mounts(host: &TaskPaths, seen: &TaskPaths) -> Vec<Mount> {
    let read = |source: &Path, target: &Path| Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        writable: false,
    };
    let inputs = host
        .inputs
        .iter()
        .filter_map(|(name, source)| Some(read(source, seen.inputs.get(name)?)));
    let outputs = Mount {
        source: host.outputs.clone(),
        target: seen.outputs.clone(),
        writable: true,
    };
    inputs.chain([read(&host.task, &seen.task), outputs]).collect()
}

/// Where the process executor finds the code that an image would hold.
fn working_directory(programs: &Programs, run: &Run, planned: &PlannedStep) -> Option<PathBuf> {
    let ImageSource::Build(image) = &planned.image else {
        return None;
    };
    let build = run.request.plan.images.get(image)?;
    Some(checkout::folder(&programs.folders, &run.request).join(&build.context))
}
