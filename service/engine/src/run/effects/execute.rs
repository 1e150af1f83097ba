//! `Execute` and `Stop`: one attempt of a step's program, started once and watched to its end.

use super::drive::planned;
use super::publish;
use super::room::Room;
use crate::content::external::External;
use crate::house::config::ProgramLimits;
use crate::house::error::EffectError;
use crate::house::folders::Folders;
use crate::house::programs::Programs;
use crate::house::step_secrets::{SecretError, StepSecrets};
use crate::run::hands::Hands;
use crate::run::outcome::Outcome;
use crate::run::task::{self, SOURCE_INPUT, TaskPaths};
use crate::source::checkout;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::ids::StepName;
use trainyard_core::log;
use trainyard_core::node::NodeId;
use trainyard_core::plan::{ImageSource, NetworkAccess, PlannedStep};
use trainyard_core::run::{Exit, Run, RunEvent};
use trainyard_core::secret::SecretUse;
use trainyard_executors::{
    AttemptKey, Executor, ExecutorError, Network, Observation, Program, ProgramExit, ProgramSecret,
};

/// A program is looked at anew at least this often, whatever the executor's hints say.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The signal of who writes to a mapped file for which the disk has no room.
const SIGBUS: i32 = 7;
/// Lines of its log that a failed attempt is told with.
const LAST_LINES: usize = 20;
/// Time between SIGTERM and SIGKILL.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What it takes to execute a step.
pub(super) struct Executing<'a> {
    pub(super) programs: &'a Programs,
    pub(super) secrets: &'a StepSecrets,
    pub(super) folders: &'a Folders,
    pub(super) external: &'a External,
    pub(super) limits: &'a ProgramLimits,
    pub(super) hands: &'a Hands,
}

impl Executing<'_> {
    pub(super) async fn execute(&self, run: &Run, step: &StepName, attempt: u32) -> Result<Outcome, EffectError> {
        let Self { programs, .. } = self;
        let key = AttemptKey::new(&run.request.id, NodeId::step(step), attempt);
        let not_started = |reason: String, permanent: bool| (Exit::NotStarted { reason, permanent }, Vec::new());
        let data = run.steps.get(step).and_then(|record| record.inputs.get(SOURCE_INPUT));
        let brought = match data {
            Some(data) => self.external.ensure(data).await,
            None => Ok(()),
        };
        let ended = match brought {
            Ok(()) => self.run_to_end(run, step, &key).await,
            Err(error) if error.passes() => return Err(EffectError::later(error)),
            Err(error) => Ok(not_started(error.to_string(), true)),
        };
        let (exit, last_lines) = match ended {
            Ok(ended) => ended,
            Err(ExecutorError::NoImage { image }) => (Exit::ImageGone { image_id: image }, Vec::new()),
            Err(error @ ExecutorError::NoRoomForLog { .. }) => return Err(EffectError::later(error)),
            Err(ExecutorError::NoGpu(shortage)) if shortage.passes() => {
                return Err(EffectError::later(shortage.sentence()));
            }
            Err(ExecutorError::NoGpu(shortage)) => not_started(shortage.sentence(), true),
            Err(error) if error.is_machine() => return Err(EffectError::later(error)),
            Err(error) if error.is_full_disk() => {
                let last_line = Some(error.to_string());
                (Exit::DiskFull { last_line }, Vec::new())
            }
            Err(ExecutorError::Refused { message }) => not_started(message, true),
            Err(ExecutorError::Failed { message, .. }) => not_started(message, false),
            Err(error @ ExecutorError::Unreachable { .. }) => return Err(EffectError::again(error)),
        };
        // What ended well says it with its outputs.
        let drifted = match exit {
            Exit::Code { .. } => publish::drifted(programs, &key, step).await,
            _ => None,
        };
        Ok(Outcome::event(RunEvent::StepEnded {
            step: step.clone(),
            attempt,
            exit,
            last_lines,
            drifted,
        }))
    }

    /// How the program ended, with the last lines of its log unless it ended well.
    async fn run_to_end(
        &self,
        run: &Run,
        step: &StepName,
        key: &AttemptKey,
    ) -> Result<(Exit, Vec<String>), ExecutorError> {
        let Self { programs, limits, .. } = self;
        let executor = &programs.executor;
        let secrets = self.secrets(run, step, key).await?;
        // A program that is only watched is in nobody's hands.
        let starting = self.hands.take(&run.request.id);
        let program = Program {
            secrets,
            ..program(self, run, step, key)?
        };
        programs.start(key, &program).await?;
        drop(starting);
        let mut room = Room::new(executor.outputs(key).await?, limits.max_output);
        loop {
            match executor.observe(key).await? {
                Observation::Running => {
                    if room.exceeded().await.is_some() {
                        programs.stop(key, Duration::ZERO).await?;
                    } else {
                        executor.settled(key, room.pause(LOOK_AGAIN)).await;
                    }
                }
                Observation::Unknown => return Ok((Exit::Lost { reason: None }, Vec::new())),
                Observation::Ended(ended) => {
                    match programs.complete_log(key).await {
                        // The program has ended, and is here until its log is kept, too.
                        Err(error @ ExecutorError::NoRoomForLog { .. }) => return Err(error),
                        Err(error) => tracing::warn!(%key, %error, "the end of a log is missing"),
                        Ok(()) => {}
                    }
                    let exceeded = room.exceeded().await;
                    if exceeded.is_none() && ended == ProgramExit::Code(0) {
                        return Ok((Exit::Success, Vec::new()));
                    }
                    let said = programs.said(key).await;
                    // What is told of a program goes out to GitHub.
                    let last_line = log::fault(&said).map(|line| log::masked(&line));
                    let exit = match (exceeded, ended) {
                        (Some((bytes, limit)), _) => Exit::OutputsTooLarge { bytes, limit },
                        // Whatever it says of its end, there was no room to go on; a write into a mapped file ends so, too.
                        (_, ProgramExit::Code(_) | ProgramExit::Signal(SIGBUS)) if room.is_full() => {
                            Exit::DiskFull { last_line }
                        }
                        (_, ProgramExit::Code(code)) => Exit::Code { code, last_line },
                        (_, ProgramExit::OutOfMemory) => Exit::OutOfMemory {
                            limit: program.memory_bytes,
                        },
                        (_, ProgramExit::Signal(signal)) => Exit::Signal { signal, last_line },
                        (_, ProgramExit::Unseen) => Exit::Lost { reason: None },
                        (_, ProgramExit::Interrupted(reason)) => Exit::Lost { reason: Some(reason) },
                    };
                    let last_lines = log::last_lines(&said, LAST_LINES);
                    return Ok((exit, last_lines.iter().map(|line| log::masked(line)).collect()));
                }
            }
        }
    }

    /// What the step is given of secrets, as they are now. A program that is there has them.
    async fn secrets(&self, run: &Run, step: &StepName, key: &AttemptKey) -> Result<Vec<ProgramSecret>, ExecutorError> {
        let asked = run.request.plan.steps.get(step).map(|planned| &planned.secrets);
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            return Ok(Vec::new());
        };
        if self.programs.executor.observe(key).await? != Observation::Unknown {
            return Ok(Vec::new());
        }
        let request = &run.request;
        let mut secrets = Vec::new();
        for (place, secret) in asked {
            let asked = SecretUse {
                repo: request.repo.as_ref(),
                pipeline: &request.plan.pipeline,
                branch: request.base.as_deref().or(request.branch.as_deref()),
                pull_request: request.pull_request.is_some(),
                fork: request.fork.is_some(),
                reviewed: !secret.unreviewed,
            };
            let value = self.secrets.read(&secret.name, &asked).await.map_err(not_given)?;
            if secret.environment
                && let Err(why) = value.text()
            {
                let name = secret.name.clone();
                return Err(not_given(SecretError::Unusable { name, why }));
            }
            secrets.push(ProgramSecret {
                place: place.clone(),
                value,
                environment: secret.environment,
            });
        }
        Ok(secrets)
    }
}

/// A step that is not started for it. What the operator alone should see stands in the service's log.
fn not_given(error: SecretError) -> ExecutorError {
    let message = error.sentence();
    if !error.detail().is_empty() {
        tracing::warn!(detail = error.detail(), "{message}");
    }
    match error.is_permanent() {
        true => ExecutorError::Refused { message },
        false => ExecutorError::Failed { message, source: None },
    }
}

pub(super) async fn stop(
    programs: &Programs,
    run: &Run,
    step: &StepName,
    attempt: u32,
) -> Result<Outcome, EffectError> {
    let key = AttemptKey::new(&run.request.id, NodeId::step(step), attempt);
    programs.stop(&key, STOP_GRACE).await.map_err(EffectError::again)?;
    Ok(Outcome::default())
}

/// What to run; the same whenever it is asked.
fn program(executing: &Executing<'_>, run: &Run, step: &StepName, key: &AttemptKey) -> Result<Program, ExecutorError> {
    let Executing {
        programs,
        folders,
        external,
        limits,
        ..
    } = executing;
    let refused = |reason: String| ExecutorError::Refused { message: reason };
    let planned = planned(run, step).map_err(|_| refused("the plan has no such step".to_owned()))?;
    let Some(record) = run.steps.get(step) else {
        return Err(refused("the run has no such step".to_owned()));
    };
    let inputs = task::inputs(external, planned, record);
    let seen = TaskPaths::seen(&programs.executor, key, &inputs);
    let task = task::task_json(&run.request.plan.pipeline, step, planned, record, &seen);
    let mut environment: BTreeMap<_, _> = planned.environment.clone().into_iter().collect();
    environment.insert("TRAINYARD_TASK".to_owned(), seen.task.display().to_string());
    Ok(Program {
        image: record.image_id.clone(),
        command: task::command(planned, &seen).map_err(|error| refused(error.to_string()))?,
        environment,
        secrets: Vec::new(),
        inputs: inputs.into_values().chain([task::task_input(task)]).collect(),
        outputs: Some(PathBuf::from(task::OUTPUTS)),
        working_directory: working_directory(folders, run, planned),
        cpus: planned.cpus,
        memory_bytes: planned.memory_bytes.or(limits.step_memory),
        shm_bytes: planned.shm_bytes,
        largest_file: limits.max_output,
        gpus: planned.gpus.clone(),
        network: match planned.network {
            NetworkAccess::None => Network::None,
            NetworkAccess::Bridge => Network::Bridge,
        },
    })
}

/// Where the process executor finds the code that an image would hold.
fn working_directory(folders: &Folders, run: &Run, planned: &PlannedStep) -> Option<PathBuf> {
    let ImageSource::Build(image) = &planned.image else {
        return None;
    };
    let build = run.request.plan.images.get(image)?;
    Some(checkout::folder(folders, &run.request).join(&build.context))
}
