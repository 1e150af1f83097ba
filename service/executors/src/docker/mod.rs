//! Containers of a Docker engine, by deterministic name and label.

mod build;
mod connection;
mod end;
mod isolation;
mod logs;
mod state;
mod wall;

pub use build::DockerImageBuilder;

use crate::contract::*;
use crate::gpus::GpuPool;
use crate::staging::{BEGAN, STOPPED, Staging, User};
use bollard::errors::Error as DockerError;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use connection::{Connection, status, text};
use futures_util::StreamExt;
use state::{label, never_ran, observation};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::gpu::{Gpu, Gpus};

/// `settled` looks again this soon when Docker's own wait fails.
const WAIT_FAILED: Duration = Duration::from_millis(500);
/// How long a ping may take.
const PING: Duration = Duration::from_secs(5);
/// A killed container ends within this time, or something is wrong with the machine.
const KILLED: Duration = Duration::from_secs(30);

/// Containers in these states have their GPUs.
const HOLDING: [&str; 4] = ["created", "running", "paused", "restarting"];
const NO_DRIVER: &str =
    "the Docker engine gives no GPUs to containers: install NVIDIA's container toolkit on its machine, and restart it";

/// Runs programs as containers. Cheap to clone.
#[derive(Clone)]
pub struct DockerExecutor {
    connection: Connection,
    owner: String,
    user: User,
    staging: Staging,
    gpus: GpuPool,
}

impl DockerExecutor {
    /// The engine at `host`, for example `unix:///var/run/docker.sock`; without one at `DOCKER_HOST`
    /// or its usual socket. It need not answer yet, and sees the folders of `staging`.
    pub fn connect(host: Option<&str>, owner: &str, user: User, staging: Staging) -> Self {
        Self {
            connection: Connection::to(host),
            owner: owner.to_owned(),
            user,
            staging,
            gpus: GpuPool::default(),
        }
    }

    /// Programs get GPUs of these, by UUID or index; without names of all that the driver tells of.
    #[must_use]
    pub fn with_gpus(self, named: Option<&[String]>) -> Self {
        Self {
            gpus: GpuPool::of_this_machine(named),
            ..self
        }
    }

    /// The GPUs that programs may have.
    pub fn gpus(&self) -> &[Gpu] {
        self.gpus.there()
    }

    /// The GPUs of a program: those of its container, if there is one, or chosen now. Who uses which is what the engine
    /// says, of other instances too, so that a restart of ours forgets nothing.
    async fn gpus_of(&self, key: &AttemptKey, asked: &Gpus) -> Result<Vec<String>, ExecutorError> {
        let _turn = self.gpus.turn().await;
        let filters = HashMap::from([
            ("label".to_owned(), vec![label::GPUS.to_owned()]),
            ("status".to_owned(), HOLDING.map(str::to_owned).to_vec()),
        ]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.connection.api()?.list_containers(Some(options)).await;
        let found = found.map_err(|error| self.connection.unanswered("list containers", error))?;
        let mut used = BTreeSet::new();
        for labels in found.into_iter().filter_map(|container| container.labels) {
            let ids = state::gpus(&labels);
            if labels.get(label::OWNER) == Some(&self.owner)
                && let Some(theirs) = state::key(&labels)
            {
                self.gpus.forget(&theirs);
                if theirs == *key {
                    return Ok(ids);
                }
            }
            used.extend(ids);
        }
        self.gpus.keep(key, asked, used)
    }

    /// Builds images on the same engine.
    pub fn image_builder(&self) -> DockerImageBuilder {
        DockerImageBuilder::new(self.connection.clone())
    }

    /// `Docker 20.10.24, API 1.41`, if the engine answers.
    pub async fn describe(&self) -> Result<String, ExecutorError> {
        let Ok(asked) = tokio::time::timeout(PING, self.connection.api()?.version()).await else {
            return Err(self.connection.silent());
        };
        let found = asked.map_err(|error| self.connection.unanswered("tell its version", error))?;
        let or_unknown = |version: Option<String>| version.unwrap_or_else(|| "unknown".to_owned());
        Ok(format!(
            "Docker {}, API {}",
            or_unknown(found.version),
            or_unknown(found.api_version)
        ))
    }

    /// `trainyard-<owner>-<run>-<step>-<attempt>`: the same key always has the same container.
    fn name(&self, key: &AttemptKey) -> String {
        format!("trainyard-{}-{}-{}-{}", self.owner, key.run, key.node, key.attempt)
    }

    /// Our container of this name. A foreign one is none of our business, whatever it is called.
    async fn inspect(&self, name: &str) -> Result<Option<ContainerInspectResponse>, ExecutorError> {
        let found = self
            .connection
            .api()?
            .inspect_container(name, None::<InspectContainerOptions>);
        match found.await {
            Ok(found) => Ok(Some(found).filter(|found| state::owner(found) == Some(self.owner.as_str()))),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.connection.unanswered("inspect a container", error)),
        }
    }

    /// The folders for which a program's image asks the host for room. An image that starts its programs where they
    /// could leave the container is refused.
    async fn volumes(&self, program: &Program) -> Result<Vec<String>, ExecutorError> {
        let Some(image) = &program.image else {
            return Ok(Vec::new());
        };
        let found = match self.connection.api()?.inspect_image(image).await {
            Ok(found) => found.config.unwrap_or_default(),
            // Whether there is one, and it can run, is said by the start.
            Err(error) if matches!(status(&error), Some(400..500)) => return Ok(Vec::new()),
            Err(error) => return Err(self.connection.unanswered("inspect an image", error)),
        };
        match wall::starts_in_the_kernel(found.working_dir.as_deref()) {
            true => Err(ExecutorError::Refused {
                message: wall::in_the_kernel(image),
            }),
            false => Ok(found.volumes.unwrap_or_default()),
        }
    }

    /// Somebody, most likely we before a crash, made it: only a container that never ran is started.
    async fn adopt(&self, name: &str) -> Result<(), ExecutorError> {
        match self.inspect(name).await? {
            Some(found) if never_ran(&found) => self.launch(name).await,
            Some(_) => Ok(()),
            None => Err(ExecutorError::Failed {
                message: format!("a container {name} is there that is not ours: remove it with `docker rm {name}`"),
                source: None,
            }),
        }
    }

    /// Starting a container that runs already is not an error for Docker.
    async fn launch(&self, name: &str) -> Result<(), ExecutorError> {
        match self.connection.api()?.start_container(name, None).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(400) => Err(refused_settings(&error)),
            // Its only word for it.
            Err(error) if text(&error).contains("could not select device driver") => Err(ExecutorError::Refused {
                message: NO_DRIVER.to_owned(),
            }),
            Err(error) => Err(self.connection.failed("start a container", error)),
        }
    }

    /// A command that is not in the image ends like a program with such an exit code; only the
    /// container's init process says which it was.
    async fn was_executed(&self, name: &str) -> Result<bool, ExecutorError> {
        let options = LogsOptionsBuilder::new().stderr(true).tail("1").build();
        let mut last = std::pin::pin!(self.connection.api()?.logs(name, Some(options)));
        let mut said = String::new();
        let read = async {
            while let Some(Ok(piece)) = last.next().await {
                said.push_str(&piece.to_string());
            }
        };
        let read = tokio::time::timeout(PING, read).await;
        read.map_err(|_| self.connection.silent())?;
        Ok(!(said.starts_with("[FATAL tini (") && said.contains(" exec ")))
    }

    async fn discard(&self, name: &str) -> Result<(), ExecutorError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.connection.api()?.remove_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            // Gone, or on its way.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(self.connection.unanswered("remove a container", error)),
        }
    }

    async fn kill(&self, name: &str, signal: &str) -> Result<(), ExecutorError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        match self.connection.api()?.kill_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            // Gone, or not running any more.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(self.connection.unanswered("stop a container", error)),
        }
    }
}

impl Executor for DockerExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        match tokio::time::timeout(PING, self.connection.api()?.ping()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.connection.unanswered("answer a ping", error)),
            Err(_) => Err(self.connection.silent()),
        }
    }

    fn input_path(&self, _key: &AttemptKey, input: &Input) -> PathBuf {
        input.target.clone()
    }

    fn output_path(&self, _key: &AttemptKey, outputs: &Path) -> PathBuf {
        outputs.to_owned()
    }

    async fn reserve(&self, key: &AttemptKey, gpus: &Gpus) -> Result<(), ExecutorError> {
        self.gpus_of(key, gpus).await.map(drop)
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let mounts = self.staging.lay_out(key, program, Some(self.user)).await?;
        wall::check(&mounts)?;
        let volumes = self.volumes(program).await?;
        let name = self.name(key);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let gpus = match &program.gpus {
            Some(asked) => self.gpus_of(key, asked).await?,
            None => Vec::new(),
        };
        let labels = state::labels(&self.owner, key, &gpus);
        let body = isolation::container(program, &mounts, &volumes, &gpus, self.user, labels);
        // One that was made and is gone is not made again over what it left: it is lost.
        if self.staging.is_noted(key, BEGAN) && self.inspect(&name).await?.is_none() {
            return Ok(());
        }
        match self.connection.api()?.create_container(Some(options), body).await {
            Ok(_) => {
                self.staging.note(key, BEGAN);
                self.launch(&name).await
            }
            Err(error) if status(&error) == Some(409) => self.adopt(&name).await,
            Err(error) if status(&error) == Some(404) => {
                let image = program.image.clone().unwrap_or_else(|| "(none)".to_owned());
                Err(ExecutorError::NoImage { image })
            }
            Err(error) if status(&error) == Some(400) => Err(refused_settings(&error)),
            Err(error) => Err(self.connection.failed("create a container", error)),
        }
    }

    async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        self.staging.show(key, source, target)
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        let name = self.name(key);
        let Some(found) = self.inspect(&name).await? else {
            return Ok(Observation::Unknown);
        };
        let seen = observation(&found);
        if matches!(seen, Observation::Ended(ProgramExit::Code(1 | 126 | 127))) && !self.was_executed(&name).await? {
            let program = found.config.and_then(|config| config.entrypoint?.into_iter().next());
            let program = program.unwrap_or_default();
            let message =
                format!("its image has no program '{program}' that can be executed: correct the step's command");
            return Err(ExecutorError::Refused { message });
        }
        Ok(match seen {
            Observation::Ended(ProgramExit::Code(code)) if code != 0 && !self.staging.is_noted(key, STOPPED) => {
                Observation::Ended(end::of(&self.connection, &found, code).await?)
            }
            seen => seen,
        })
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let name = self.name(key);
        let Ok(api) = self.connection.api() else {
            return tokio::time::sleep(WAIT_FAILED.min(at_most)).await;
        };
        let mut wait = std::pin::pin!(api.wait_container(&name, Some(options)));
        match tokio::time::timeout(at_most, wait.next()).await {
            // A code other than 0 arrives as an error, and is an end all the same.
            Ok(Some(Ok(_) | Err(DockerError::DockerContainerWaitError { .. }))) | Err(_) => {}
            Ok(_) => tokio::time::sleep(WAIT_FAILED.min(at_most)).await,
        }
    }

    fn hidden(&self, key: &AttemptKey) -> Hidden {
        self.staging.hidden(key)
    }

    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream {
        let (connection, name) = (self.connection.clone(), self.name(key));
        let said = stream_of(move |listener| logs::read(connection, name, from, follow, listener));
        self.staging.without_secrets(key, said, follow)
    }

    async fn outputs(&self, key: &AttemptKey) -> Result<PathBuf, ExecutorError> {
        Ok(self.staging.outputs(key))
    }

    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        self.staging.abandon(key);
        self.gpus.forget(key);
        let name = self.name(key);
        for (signal, patience) in [("SIGTERM", grace), ("SIGKILL", KILLED)] {
            match self.inspect(&name).await? {
                // Without this, a start that was cut off could go on after the stop.
                Some(found) if never_ran(&found) => return self.discard(&name).await,
                Some(found) if observation(&found) == Observation::Running => {}
                _ => return Ok(()),
            }
            if !patience.is_zero() {
                // Its end is ours, and nobody looks for somebody else.
                self.staging.note(key, STOPPED);
                self.kill(&name, signal).await?;
                self.settled(key, patience).await;
            }
        }
        match self.inspect(&name).await? {
            Some(found) if observation(&found) == Observation::Running => Err(ExecutorError::Failed {
                message: format!(
                    "the container {name} does not end, not even by SIGKILL: look at `docker inspect` and the machine's disks"
                ),
                source: None,
            }),
            _ => Ok(()),
        }
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.discard(&self.name(key)).await?;
        self.gpus.forget(key);
        self.staging.remove(key).await
    }

    async fn address(&self, key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        let found = self.inspect(&self.name(key)).await?;
        Ok(found.as_ref().and_then(state::address))
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let ours = HashMap::from([("label".to_owned(), vec![format!("{}={}", label::OWNER, self.owner)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&ours).build();
        let found = self.connection.api()?.list_containers(Some(options)).await;
        let found = found.map_err(|error| self.connection.unanswered("list containers", error))?;
        let there = found.into_iter().filter_map(|container| state::key(&container.labels?));
        Ok(self.staging.and_with_secrets(there))
    }
}

fn refused_settings(error: &DockerError) -> ExecutorError {
    ExecutorError::Refused {
        message: format!("Docker refuses the step's settings: {}", text(error)),
    }
}
