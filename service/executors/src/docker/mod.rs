//! Containers of a Docker engine, by deterministic name and label.

mod build;
mod isolation;
mod logs;

pub use build::DockerImageBuilder;

use crate::contract::*;
use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;
use logs::LogStreams;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::ids::{RunId, StepName};

/// Labels of our containers.
pub(crate) mod label {
    pub(crate) const OWNER: &str = "io.trainyard.owner";
    pub(crate) const RUN: &str = "io.trainyard.run";
    pub(crate) const STEP: &str = "io.trainyard.step";
    pub(crate) const ATTEMPT: &str = "io.trainyard.attempt";
    pub(crate) const LOG_FILE: &str = "io.trainyard.log_file";
}

/// How long the end of a log is waited for.
const LOG_END: Duration = Duration::from_secs(10);
/// `settled` looks again this soon when Docker's own wait fails.
const WAIT_FAILED: Duration = Duration::from_millis(500);

/// Runs programs as containers. Cheap to clone.
#[derive(Clone)]
pub struct DockerExecutor {
    docker: Docker,
    owner: String,
    user: (u32, u32),
    logs: LogStreams,
}

impl DockerExecutor {
    /// The engine at `DOCKER_HOST` or its usual socket, which need not answer yet.
    pub fn connect(owner: &str, user: (u32, u32)) -> Result<Self, ExecutorError> {
        let docker = Docker::connect_with_defaults().map_err(|error| unreachable(error.into()))?;
        Ok(Self {
            docker,
            owner: owner.to_owned(),
            user,
            logs: LogStreams::default(),
        })
    }

    /// Builds images on the same engine.
    pub fn image_builder(&self) -> DockerImageBuilder {
        DockerImageBuilder::new(self.docker.clone())
    }

    /// `trainyard-<owner>-<run>-<step>-<attempt>`: the same key always has the same container.
    fn name(&self, key: &AttemptKey) -> String {
        format!("trainyard-{}-{}-{}-{}", self.owner, key.run, key.step, key.attempt)
    }

    async fn inspect(&self, name: &str) -> Result<Option<ContainerInspectResponse>, ExecutorError> {
        match self
            .docker
            .inspect_container(name, None::<InspectContainerOptions>)
            .await
        {
            Ok(found) => Ok(Some(found)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(failed("inspect a container", error)),
        }
    }

    async fn launch(&self, name: &str, program: &Program) -> Result<(), ExecutorError> {
        match self.docker.start_container(name, None).await {
            Ok(()) => Ok(()),
            // It runs already.
            Err(error) if status(&error) == Some(304) => Ok(()),
            Err(error) if not_executable(&error) => Err(ExecutorError::Refused {
                message: format!(
                    "its image has no program '{}': correct the step's command",
                    program.command.first().map(String::as_str).unwrap_or_default()
                ),
            }),
            Err(error) => Err(failed("start a container", error)),
        }
    }
}

impl Executor for DockerExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        self.docker
            .ping()
            .await
            .map(drop)
            .map_err(|error| failed("ping", error))
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let name = self.name(key);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let body = isolation::container(program, self.user, self.labels(key, program));
        match self.docker.create_container(Some(options), body).await {
            Ok(_) => self.launch(&name, program).await?,
            Err(error) if status(&error) == Some(409) => {
                // Somebody, most likely we before a crash, made it: only a container that never ran is started.
                let found = self.inspect(&name).await?.and_then(|c| c.state).and_then(|s| s.status);
                if found == Some(ContainerStateStatusEnum::CREATED) {
                    self.launch(&name, program).await?;
                }
            }
            Err(error) if status(&error) == Some(404) => {
                let image = program.image.as_deref().unwrap_or("(none)");
                return Err(ExecutorError::Refused {
                    message: format!("the Docker engine has no image {image}: build or pull it again"),
                });
            }
            Err(error) if status(&error) == Some(400) => {
                return Err(ExecutorError::Refused {
                    message: format!("Docker refuses the step's settings: {}", text(&error)),
                });
            }
            Err(error) => return Err(failed("create a container", error)),
        }
        self.logs.follow(&self.docker, &name, program.log_file.clone());
        Ok(())
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        let name = self.name(key);
        let Some(found) = self.inspect(&name).await? else {
            return Ok(Observation::Unknown);
        };
        if let Some(file) = found
            .config
            .as_ref()
            .and_then(|c| c.labels.as_ref())
            .and_then(|l| l.get(label::LOG_FILE))
        {
            self.logs.follow(&self.docker, &name, PathBuf::from(file));
        }
        Ok(observation(&found))
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let name = self.name(key);
        let mut wait = std::pin::pin!(self.docker.wait_container(&name, Some(options)));
        match tokio::time::timeout(at_most, wait.next()).await {
            // A code other than 0 arrives as an error, and is an end all the same.
            Ok(Some(Ok(_) | Err(DockerError::DockerContainerWaitError { .. }))) | Err(_) => {}
            Ok(_) => tokio::time::sleep(WAIT_FAILED.min(at_most)).await,
        }
    }

    async fn flush_logs(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.logs.end(&self.name(key), LOG_END).await
    }

    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        let name = self.name(key);
        for (signal, patience) in [("SIGTERM", grace), ("SIGKILL", Duration::from_secs(30))] {
            if !matches!(self.observe(key).await?, Observation::Running) {
                return Ok(());
            }
            if patience.is_zero() {
                continue;
            }
            let options = KillContainerOptionsBuilder::new().signal(signal).build();
            match self.docker.kill_container(&name, Some(options)).await {
                Ok(()) => {}
                // Not running any more, or gone.
                Err(error) if matches!(status(&error), Some(404 | 409)) => return Ok(()),
                Err(error) => return Err(failed("stop a container", error)),
            }
            self.settled(key, patience).await;
        }
        match self.observe(key).await? {
            Observation::Running => Err(ExecutorError::Failed {
                message: "the container does not end, not even by SIGKILL".to_owned(),
                source: None,
            }),
            _ => Ok(()),
        }
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        let name = self.name(key);
        self.logs.forget(&name);
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.docker.remove_container(&name, Some(options)).await {
            Ok(()) => Ok(()),
            // Gone, or on its way.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(failed("remove a container", error)),
        }
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let ours = HashMap::from([("label".to_owned(), vec![format!("{}={}", label::OWNER, self.owner)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&ours).build();
        let found = self
            .docker
            .list_containers(Some(options))
            .await
            .map_err(|error| failed("list containers", error))?;
        Ok(found
            .into_iter()
            .filter_map(|container| key(&container.labels?))
            .collect())
    }
}

impl DockerExecutor {
    fn labels(&self, key: &AttemptKey, program: &Program) -> HashMap<String, String> {
        HashMap::from([
            (label::OWNER.to_owned(), self.owner.clone()),
            (label::RUN.to_owned(), key.run.to_string()),
            (label::STEP.to_owned(), key.step.to_string()),
            (label::ATTEMPT.to_owned(), key.attempt.to_string()),
            (label::LOG_FILE.to_owned(), program.log_file.display().to_string()),
        ])
    }
}

fn key(labels: &HashMap<String, String>) -> Option<AttemptKey> {
    Some(AttemptKey {
        run: RunId::new(labels.get(label::RUN)?.as_str()),
        step: StepName::new(labels.get(label::STEP)?.as_str()),
        attempt: labels.get(label::ATTEMPT)?.parse().ok()?,
    })
}

fn observation(container: &ContainerInspectResponse) -> Observation {
    let Some(state) = &container.state else {
        return Observation::Running;
    };
    match state.status {
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) => {}
        _ => return Observation::Running,
    }
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    Observation::Ended(match code {
        _ if state.oom_killed == Some(true) => Exit::OutOfMemory,
        137 => Exit::Signal(9),
        143 => Exit::Signal(15),
        code => Exit::Code(code),
    })
}

/// The HTTP status of Docker's answer, if there was one.
fn status(error: &DockerError) -> Option<u16> {
    match error {
        DockerError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn text(error: &DockerError) -> String {
    match error {
        DockerError::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    }
}

/// Docker has no code of its own for this: the runtime's message is all there is.
fn not_executable(error: &DockerError) -> bool {
    let message = text(error);
    status(error).is_some()
        && [
            "executable file not found",
            "no such file or directory",
            "permission denied: unknown",
        ]
        .iter()
        .any(|known| message.contains(known))
}

fn unreachable(source: Box<dyn std::error::Error + Send + Sync>) -> ExecutorError {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "/var/run/docker.sock".to_owned());
    ExecutorError::Unreachable {
        what: format!("Docker at {host}"),
        hint: "start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST".to_owned(),
        source: Some(source),
    }
}

fn failed(what: &str, error: DockerError) -> ExecutorError {
    match status(&error) {
        Some(code) => ExecutorError::Failed {
            message: format!("Docker could not {what} (status {code}): {}", text(&error)),
            source: Some(error.into()),
        },
        None => unreachable(error.into()),
    }
}
