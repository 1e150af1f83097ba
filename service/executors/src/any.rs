//! The closed sets of executors and image builders.

use crate::contract::*;
use crate::docker::{DockerExecutor, DockerImageBuilder};
use crate::fake::{FakeExecutor, FakeImages};
use crate::kubernetes::{KubernetesExecutor, KubernetesSettings};
use crate::process::{ProcessExecutor, ProcessImages};
use crate::staging::Staging;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::gpu::{Gpu, Gpus};

/// One of the executors.
#[derive(Clone)]
pub enum AnyExecutor {
    /// Containers.
    Docker(DockerExecutor),
    /// Jobs of a cluster.
    Kubernetes(KubernetesExecutor),
    /// Programs on this machine.
    Process(ProcessExecutor),
    /// A script.
    Fake(FakeExecutor),
}

/// One of the image builders.
#[derive(Clone)]
pub enum AnyImageBuilder {
    /// Docker's.
    Docker(DockerImageBuilder),
    /// None: an image is only the identity of its source.
    Process(ProcessImages),
    /// A script.
    Fake(FakeImages),
}

impl AnyExecutor {
    /// Docker at `DOCKER_HOST` or its usual socket. `owner` marks what is ours; `user` is who
    /// containers run as. Docker need not answer yet, and sees the folders of `staging`.
    /// Steps get GPUs of `gpus`, by UUID or index, or without it of all that the driver tells of.
    pub fn docker(
        owner: &str,
        user: (u32, u32),
        staging: Staging,
        builds: BuildLimits,
        gpus: Option<&[String]>,
    ) -> (Self, AnyImageBuilder) {
        let executor = DockerExecutor::connect(None, owner, user, staging).with_gpus(gpus);
        let builder = AnyImageBuilder::Docker(executor.image_builder().with_limits(builds));
        (Self::Docker(executor), builder)
    }

    /// Jobs of a cluster, with images that the engine at `DOCKER_HOST` builds. Neither need answer yet.
    pub fn kubernetes(
        settings: KubernetesSettings,
        owner: &str,
        staging: Staging,
        builds: BuildLimits,
    ) -> (Self, AnyImageBuilder) {
        let images = DockerExecutor::connect(None, owner, (0, 0), staging.clone()).image_builder();
        let images = images.with_limits(builds);
        let executor = KubernetesExecutor::new(settings, owner, images.clone(), staging);
        (Self::Kubernetes(executor), AnyImageBuilder::Docker(images))
    }

    /// Programs on this machine; `folder` keeps what a restart of the service must find again.
    pub fn process(folder: PathBuf, staging: Staging) -> Result<(Self, AnyImageBuilder), ExecutorError> {
        Ok((
            Self::Process(ProcessExecutor::open(folder, staging)?),
            AnyImageBuilder::Process(ProcessImages),
        ))
    }

    /// A script, for tests.
    pub fn fake(staging: Staging) -> (Self, AnyImageBuilder) {
        (
            Self::Fake(FakeExecutor::new(staging)),
            AnyImageBuilder::Fake(FakeImages::default()),
        )
    }

    /// What answers, for people: the Docker engine with its versions, or this machine.
    pub async fn describe(&self) -> Result<String, ExecutorError> {
        match self {
            Self::Docker(docker) => docker.describe().await,
            Self::Kubernetes(kubernetes) => kubernetes.describe().await,
            Self::Process(process) => process
                .probe()
                .await
                .map(|()| "programs on this machine, not isolated".to_owned()),
            Self::Fake(fake) => fake.probe().await.map(|()| "a script".to_owned()),
        }
    }

    /// The GPUs that steps may have.
    pub fn gpus(&self) -> &[Gpu] {
        match self {
            Self::Docker(docker) => docker.gpus(),
            // A cluster has a queue of its own.
            Self::Kubernetes(_) | Self::Process(_) | Self::Fake(_) => &[],
        }
    }

    /// Whether programs run in images, with networks of their own.
    pub fn has_images(&self) -> bool {
        !matches!(self, Self::Process(_))
    }
}

macro_rules! each {
    ($self:ident, $inner:ident => $call:expr $(, $also:ident)?) => {
        match $self {
            $(Self::$also($inner) => $call,)?
            Self::Docker($inner) => $call,
            Self::Process($inner) => $call,
            Self::Fake($inner) => $call,
        }
    };
}

impl Executor for AnyExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        each!(self, inner => inner.probe().await, Kubernetes)
    }
    fn input_path(&self, key: &AttemptKey, input: &Input) -> PathBuf {
        each!(self, inner => inner.input_path(key, input), Kubernetes)
    }
    fn output_path(&self, key: &AttemptKey, outputs: &Path) -> PathBuf {
        each!(self, inner => inner.output_path(key, outputs), Kubernetes)
    }
    async fn reserve(&self, key: &AttemptKey, gpus: &Gpus) -> Result<(), ExecutorError> {
        each!(self, inner => inner.reserve(key, gpus).await, Kubernetes)
    }
    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        each!(self, inner => inner.start(key, program).await, Kubernetes)
    }
    async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        each!(self, inner => inner.show(key, source, target).await, Kubernetes)
    }
    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        each!(self, inner => inner.observe(key).await, Kubernetes)
    }
    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        each!(self, inner => inner.settled(key, at_most).await, Kubernetes)
    }
    fn hidden(&self, key: &AttemptKey) -> Hidden {
        each!(self, inner => inner.hidden(key), Kubernetes)
    }
    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream {
        each!(self, inner => inner.logs(key, from, follow), Kubernetes)
    }
    async fn outputs(&self, key: &AttemptKey) -> Result<PathBuf, ExecutorError> {
        each!(self, inner => inner.outputs(key).await, Kubernetes)
    }
    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        each!(self, inner => inner.stop(key, grace).await, Kubernetes)
    }
    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        each!(self, inner => inner.remove(key).await, Kubernetes)
    }
    async fn address(&self, key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        each!(self, inner => inner.address(key).await, Kubernetes)
    }
    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        each!(self, inner => inner.list().await, Kubernetes)
    }
}

impl ImageBuilder for AnyImageBuilder {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        each!(self, inner => inner.build(request).await)
    }
    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        each!(self, inner => inner.resolve(reference).await)
    }
    async fn find(&self, request: &BuildRequest) -> Result<Option<String>, BuildError> {
        each!(self, inner => inner.find(request).await)
    }
    async fn present(&self, reference: &str) -> Result<Option<String>, BuildError> {
        each!(self, inner => inner.present(reference).await)
    }
}
