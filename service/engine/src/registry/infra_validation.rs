//! Infra validation: the candidate in a throw-away copy of the serving container, which sees nothing
//! but the candidate, before anything that serves is touched.

use super::Registry;
use crate::content::Content;
use crate::content::artifacts::remove_tree;
use crate::house::config::{Layout, ServingImage, TargetConfig, TargetKind};
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::serving::{Checks, ModelServer, ServingError, try_out, wait_live, write_repository};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::RunId;
use trainyard_core::log;
use trainyard_core::node::NodeId;
use trainyard_core::plan::Push;
use trainyard_core::registry::Ledger;
use trainyard_core::sentence::bytes;
use trainyard_executors::{
    AttemptKey, BuildError, Executor, ExecutorError, ImageBuilder, Input, InputContent, Network, Observation, Program,
    ProgramExit,
};

/// Where the serving image finds its models.
const MODELS: &str = "/models";
/// Between two looks at a container that starts.
const POLL: Duration = Duration::from_millis(50);
/// A container whose server went away is seen to have ended within this time.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// The container is looked at anew at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What came of it.
pub(crate) struct Validated {
    /// Why the model must not be pushed; a sentence.
    pub(crate) refusal: Option<String>,
    /// TFX's InfraBlessing.
    pub(crate) blessing: ArtifactRef,
    image: String,
}

impl Validated {
    /// What MLMD knows of the execution.
    pub(crate) fn properties(&self) -> Map<String, Value> {
        let image = ("serving_image".to_owned(), Value::from(self.image.as_str()));
        let reason = self.refusal.as_deref();
        let reason = reason.map(|refusal| ("reason".to_owned(), Value::from(refusal)));
        [image].into_iter().chain(reason).collect()
    }
}

/// The throw-away container of a run or promotion.
fn key(id: &RunId) -> AttemptKey {
    AttemptKey::new(id, NodeId::infra_validation(), 1)
}

impl Registry {
    /// `None` where no serving image is configured or containers cannot be run: then the new version is
    /// tried on the target's own server. The container is gone afterwards, whatever happened.
    pub(crate) async fn validate(
        &self,
        id: &RunId,
        model: &ArtifactRef,
        plan: &Push,
        config: &TargetConfig,
    ) -> Result<Option<Validated>, EffectError> {
        let TargetKind::OpenInference {
            serving: Some(serving),
            layout,
            ..
        } = &config.kind
        else {
            return Ok(None);
        };
        if !self.programs.executor.has_images() {
            tracing::warn!(
                target = plan.target,
                "programs run without images: the model is tried on its target's own server"
            );
            return Ok(None);
        }
        let key = key(id);
        let folder = self.folders.node(&key.run, &NodeId::infra_validation());
        let trial = Trial {
            registry: self,
            key: &key,
            folder: &folder,
            serving,
            layout: *layout,
            model: config.model.as_ref().unwrap_or(&plan.target),
            max_loading_time: config.max_loading_time,
        };
        let refusal = match trial.run(model, plan).await {
            Ok(()) => Ok(None),
            Err(Failure::Model(reason)) => Ok(Some(format!(
                "infra validation refused the model: {reason}{}",
                trial.last_error(&reason).await
            ))),
            Err(Failure::Effect(error)) => Err(error),
        };
        // What is left after a crash, or because the executor did not answer, goes with the next start.
        if let Err(error) = self.programs.remove(&key).await {
            tracing::warn!(%key, %error, "a throw-away model server was not removed");
        }
        let refusal = refusal?;
        let blessing = bless(&self.content, &key, &folder, model, refusal.as_deref())
            .await
            .map_err(|error| EffectError::later(format!("the infra validation cannot be written down: {error}")))?;
        Ok(Some(Validated {
            refusal,
            blessing,
            image: serving.image.clone(),
        }))
    }
}

/// Whose fault it is.
enum Failure {
    /// The model is not fit to serve: a sentence.
    Model(String),
    /// Nothing is known about the model.
    Effect(EffectError),
}

impl From<ServingError> for Failure {
    fn from(error: ServingError) -> Self {
        Self::Model(match error {
            ServingError::Unreachable { problem, .. } => format!("its serving container does not answer ({problem})"),
            error => error.to_string(),
        })
    }
}

impl From<ExecutorError> for Failure {
    fn from(error: ExecutorError) -> Self {
        Self::Effect(match error {
            error @ ExecutorError::Unreachable { .. } => EffectError::again(error),
            // The engine's or the machine's trouble; what is wrong with the image or the command stays so.
            error @ ExecutorError::Failed { .. } => EffectError::later(error),
            error => broken(&error),
        })
    }
}

fn broken(error: &dyn std::fmt::Display) -> EffectError {
    EffectError::Broken(format!(
        "the approved model was not pushed, since infra validation could not start: {error}"
    ))
}

struct Trial<'a> {
    registry: &'a Registry,
    key: &'a AttemptKey,
    folder: &'a Path,
    serving: &'a ServingImage,
    layout: Layout,
    model: &'a str,
    max_loading_time: Duration,
}

impl Trial<'_> {
    async fn run(&self, model: &ArtifactRef, plan: &Push) -> Result<(), Failure> {
        let source = self.registry.content.place(&model.digest);
        let checks = Checks::read(&source, plan.infra_validation, plan.max_latency())?;
        let resolved = passing(Effect::ResolveImage, self.registry.builder.resolve(&self.serving.image));
        let image = match resolved.await {
            Ok(image) => image,
            Err(error @ (BuildError::Unreachable { .. } | BuildError::Interrupted { .. })) => {
                return Err(Failure::Effect(EffectError::again(error)));
            }
            Err(error) => return Err(Failure::Effect(broken(&error))),
        };
        let programs = &self.registry.programs;
        // One that a push before a crash left behind has another folder open.
        programs.remove(self.key).await?;
        let version = self.lay_out(&source, &model.digest).await?;
        programs.start(self.key, &self.program(image)).await?;
        let tried = async {
            let server = self.server().await?;
            wait_live(&server).await?;
            // Only now, since some servers end without a word when they meet a bad model at their start.
            self.show().await?;
            try_out(&server, &version, &checks).await.map_err(Failure::from)
        };
        let tried = tokio::select! {
            biased;
            tried = tried => tried,
            reason = self.end() => Err(Failure::Model(reason?)),
        };
        match tried {
            // A server that somebody ended under it says nothing about the model.
            Err(Failure::Model(reason)) => {
                Err(self.interrupted().await.map_or(Failure::Model(reason), Failure::Effect))
            }
            tried => tried,
        }
    }

    /// Whether something outside ended or stopped the server, whose end may be seen a little later.
    async fn interrupted(&self) -> Option<EffectError> {
        let executor = &self.registry.programs.executor;
        executor.settled(self.key, ENDS_WITHIN).await;
        let why = match executor.observe(self.key).await {
            Ok(Observation::Unknown) => "it was removed".to_owned(),
            Ok(Observation::Ended(ProgramExit::Signal(signal))) => format!("signal {signal} ended it from outside"),
            Ok(Observation::Ended(ProgramExit::Interrupted(why))) => why,
            Ok(Observation::Ended(ProgramExit::Unseen)) => "its engine was restarted".to_owned(),
            Ok(Observation::Ended(_) | Observation::Running) => return None,
            Err(error) => error.to_string(),
        };
        Some(EffectError::later(format!(
            "the throw-away model server was interrupted, and is started again: {why}"
        )))
    }

    /// Returns what the server will call the version.
    async fn lay_out(&self, source: &Path, digest: &Digest) -> Result<String, Failure> {
        let (folder, source) = (self.folder.to_owned(), source.to_owned());
        let (model, layout, digest) = (self.model.to_owned(), self.layout, digest.clone());
        let write = move || {
            remove_tree(&folder).map_err(|error| ServingError::Folder(error.to_string()))?;
            let version = Ledger::default().next_version();
            write_repository(&folder.join("candidate"), layout, &model, &version, (&source, &digest))
        };
        let written = trainyard_executors::apart(write).await;
        let written = written.unwrap_or_else(|error| Err(ServingError::Folder(error.to_string())));
        written.map_err(|error| {
            Failure::Effect(match error {
                // A folder of ours.
                error @ (ServingError::Folder(_) | ServingError::Trouble(_)) => EffectError::later(error),
                error => broken(&error),
            })
        })
    }

    /// Moves the candidate into the server's sight.
    async fn show(&self) -> Result<(), ExecutorError> {
        let candidate = self.folder.join("candidate").join(self.model);
        let target = Path::new(MODELS).join(self.model);
        self.registry.programs.show(self.key, &candidate, &target).await
    }

    fn program(&self, image: String) -> Program {
        let models = Input {
            target: PathBuf::from(MODELS),
            content: InputContent::Later,
        };
        Program {
            image: Some(image),
            command: self.serving.command.clone(),
            environment: BTreeMap::new(),
            secrets: Vec::new(),
            inputs: vec![models],
            outputs: None,
            working_directory: None,
            cpus: None,
            // What serves may need as much as what trains, and no more.
            memory_bytes: self.registry.memory,
            shm_bytes: None,
            largest_file: None,
            gpus: None,
            network: Network::Bridge,
        }
    }

    /// The server, once its container has an address.
    async fn server(&self) -> Result<ModelServer, Failure> {
        let deadline = Instant::now() + self.max_loading_time;
        let address: IpAddr = loop {
            if let Some(address) = self.registry.programs.executor.address(self.key).await? {
                break address;
            }
            if Instant::now() >= deadline {
                return Err(Failure::Effect(broken(
                    &"its container has no address in the bridge network",
                )));
            }
            sleep(POLL).await;
        };
        let url = format!("http://{}", SocketAddr::new(address, self.serving.port));
        let http = self.registry.http.clone();
        Ok(ModelServer::new(http, &url, self.model, self.max_loading_time))
    }

    /// What the server wrote about an error, if it did and its answer did not say so.
    async fn last_error(&self, reason: &str) -> String {
        let programs = &self.registry.programs;
        let stopped = programs.stop(self.key, Duration::ZERO).await;
        if stopped.is_err() || programs.complete_log(self.key).await.is_err() {
            return String::new();
        }
        let said = log::last_lines(&programs.said(self.key).await, usize::MAX);
        let line = said.into_iter().rfind(|line| line.contains("Error"));
        let line = line.filter(|line| !reason.contains(line.trim_end_matches('.')));
        line.map(|line| format!("; its log says: {line}")).unwrap_or_default()
    }

    /// Returns when the container ended by itself, and says how.
    async fn end(&self) -> Result<String, Failure> {
        let executor = &self.registry.programs.executor;
        let ended = loop {
            match executor.observe(self.key).await? {
                Observation::Running => executor.settled(self.key, LOOK_AGAIN).await,
                Observation::Unknown => {
                    return Err(Failure::Effect(EffectError::again(
                        "the throw-away model server is gone",
                    )));
                }
                Observation::Ended(exit) => break exit,
            }
        };
        Ok(match ended {
            ProgramExit::Code(code) => format!("its serving container ended by itself (exit code {code})"),
            ProgramExit::Signal(signal) => format!("its serving container ended by signal {signal}"),
            ProgramExit::Unseen => "its serving container ended, and nobody saw how".to_owned(),
            ProgramExit::Interrupted(why) => format!("its serving container was ended: {why}"),
            ProgramExit::OutOfMemory => match self.registry.memory {
                Some(limit) => format!(
                    "its serving container needed more memory than {}, which programs without a limit of their own may use: raise executor.step_memory",
                    bytes(limit)
                ),
                None => "its serving container needed more memory than there is".to_owned(),
            },
        })
    }
}

/// TFX's blessing: a folder with an empty file `INFRA_BLESSED` or `INFRA_NOT_BLESSED`, and the reason beside it.
async fn bless(
    content: &Content,
    key: &AttemptKey,
    folder: &Path,
    model: &ArtifactRef,
    refusal: Option<&str>,
) -> io::Result<ArtifactRef> {
    let blessing = folder.join("blessing");
    remove_tree(folder)?;
    fs::create_dir_all(&blessing)?;
    let marker = if refusal.is_none() {
        "INFRA_BLESSED"
    } else {
        "INFRA_NOT_BLESSED"
    };
    fs::write(blessing.join(marker), b"")?;
    let said = json!({"model": model.digest, "refusal": refusal});
    fs::write(
        blessing.join("infra_validation.json"),
        serde_json::to_vec_pretty(&said)?,
    )?;
    let (digest, place) = content.publish(&blessing).await.map_err(io::Error::other)?;
    remove_tree(folder)?;
    let properties = json!({"blessed": i64::from(refusal.is_none()), "current_model": model.uri});
    Ok(ArtifactRef {
        name: NodeId::infra_validation().artifact(&key.run, "blessing"),
        type_name: "InfraBlessing".to_owned(),
        digest,
        uri: place.display().to_string(),
        properties: properties.as_object().cloned().unwrap_or_default(),
    })
}
