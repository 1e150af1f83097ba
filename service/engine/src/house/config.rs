//! What the engine needs to know; the server reads it from `trainyard.toml` and the environment.

use super::step_secrets::SecretConfig;
use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::notify::Channel;
use trainyard_core::plan::Push;
use trainyard_core::retention::Policy;
use trainyard_core::run::patience;
use trainyard_executors::{BuildLimits, KubernetesSettings};
use trainyard_github::GitHubAuth;
use trainyard_sources::ObjectSettings;

/// Settings of one Trainyard instance.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Everything the service writes: database, artifacts, logs, mirrors, work folders.
    pub data_dir: PathBuf,
    /// Where external data lies; `data.<name>.uri` is below it.
    pub data_root: PathBuf,
    /// Object stores with external data.
    pub objects: ObjectSettings,
    /// `sqlite://…` or `postgres://…`; SQLite in `data_dir` if absent.
    pub database_url: Option<SecretString>,
    /// Where people reach the service, for links in statuses.
    pub public_url: Option<String>,
    /// GitHub, if the service listens to it.
    pub github: Option<GitHubConfig>,
    /// What runs the steps.
    pub executor: ExecutorKind,
    /// The image of the standard components.
    pub components_image: String,
    /// Steps of one run at work at once.
    pub max_parallel_steps: usize,
    /// Runs at work at once, over all pipelines.
    pub max_parallel_runs: usize,
    /// What programs may use.
    pub limits: ProgramLimits,
    /// Secrets that steps may ask for, by name.
    pub secrets: BTreeMap<String, SecretConfig>,
    /// The folder in memory in which steps find them; one of this instance in `/dev/shm` if absent.
    pub secrets_dir: Option<PathBuf>,
    /// The GPUs that steps may have, by UUID or index; all that the driver tells of if absent.
    pub gpus: Option<Vec<String>>,
    /// Push targets by name.
    pub targets: BTreeMap<String, TargetConfig>,
    /// Which old runs and artifacts go.
    pub retention: Policy,
    /// Who is told of runs beside GitHub.
    pub notify: Vec<ChannelConfig>,
    /// Where traces of runs go.
    pub traces: Option<TracesConfig>,
}

/// A collector of OpenTelemetry, spoken to by OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// Its address; `/v1/traces` is added.
    pub endpoint: String,
    /// What opens it: a header's name and value.
    pub header: Option<(String, SecretString)>,
}

/// A channel that is told of runs.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// Its name, and what it hears of.
    pub channel: Channel,
    /// How it is reached.
    pub kind: ChannelKind,
}

/// The kinds of channels: a closed set.
#[derive(Clone, Debug)]
pub enum ChannelKind {
    /// An incoming webhook of Slack, or of what takes the same.
    Slack {
        /// Where messages go; who knows it may write.
        url: SecretString,
    },
    /// Mail by SMTP.
    Email(MailSettings),
    /// A signed POST in the form of Prometheus's Alertmanager.
    Webhook {
        /// Where requests go.
        url: SecretString,
        /// Signs them.
        secret: SecretString,
    },
    /// CloudEvents in structured JSON.
    CloudEvents {
        /// Where events go.
        url: SecretString,
        /// Opens the receiver: `Authorization: Bearer …`.
        token: Option<SecretString>,
        /// Signs them.
        secret: Option<SecretString>,
    },
}

impl ChannelKind {
    /// Where requests go, of the kinds that are reached by HTTP.
    pub fn url(&self) -> Option<&SecretString> {
        match self {
            Self::Slack { url } | Self::Webhook { url, .. } | Self::CloudEvents { url, .. } => Some(url),
            Self::Email(_) => None,
        }
    }
}

/// How mails are sent, by whom and to whom.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: MailTls,
    /// Name and password.
    pub login: Option<(String, SecretString)>,
    /// Who writes.
    pub from: Mailbox,
    /// Who reads.
    pub to: Vec<Mailbox>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the greeting on, or not at all: nothing goes out in the clear.
    #[default]
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// What steps and builds may use of the machine; `None` is no limit.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramLimits {
    /// Bytes of memory of a step that does not say itself.
    pub step_memory: Option<u64>,
    /// Bytes of the disk that the outputs of one attempt of a step may take.
    pub max_output: Option<u64>,
    /// Of each build.
    pub build: BuildLimits,
    /// Builds at once.
    pub max_parallel_builds: usize,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        Self {
            step_memory: None,
            max_output: None,
            build: BuildLimits::default(),
            max_parallel_builds: 2,
        }
    }
}

/// How GitHub is reached.
#[derive(Clone, Debug)]
pub struct GitHubConfig {
    /// `https://api.github.com`, or an Enterprise server's `…/api/v3`.
    pub api_url: String,
    /// `https://github.com`; repositories are cloned from `<git_url>/<owner>/<name>.git`.
    pub git_url: String,
    /// Who the service is.
    pub auth: GitHubAuth,
    /// Secrets that sign webhooks; two during a rotation. Empty refuses every webhook.
    pub webhook_secrets: Vec<SecretString>,
    /// How often webhooks are looked for that never came; `None` never.
    pub sweep_every: Option<Duration>,
    /// How many writes the server takes a minute; `None` is no limit.
    pub writes_per_minute: Option<u32>,
}

/// What runs the steps.
#[derive(Clone, Debug)]
pub enum ExecutorKind {
    /// Containers.
    Docker,
    /// Jobs of a cluster.
    Kubernetes(Box<KubernetesSettings>),
    /// Programs on this machine, without isolation: for development.
    Process,
    /// A script, for tests.
    Fake,
}

/// A push target.
#[derive(Clone, Debug)]
pub struct TargetConfig {
    /// What it is, and how it is reached.
    pub kind: TargetKind,
    /// The model's name there; the target's name if absent.
    pub model: Option<String>,
    /// How long a version may take until it serves.
    pub max_loading_time: Duration,
    /// Whether a person must approve what is pushed there, beside the gate.
    pub approval: Option<ApprovalRule>,
}

/// A target's own demand of a person's approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApprovalRule {
    /// How long an approved model waits for it; 7 days, or as the pipeline says, if absent.
    pub expires: Option<Duration>,
}

impl TargetConfig {
    /// How long a model of this plan waits for a person before it is pushed there, in seconds; `None` where the gate's
    /// word is enough.
    pub fn patience(&self, push: &Push) -> Option<u64> {
        patience(push, self.approval.map(|rule| rule.expires.map(|time| time.as_secs())))
    }

    /// Where people find it, if it has an address.
    pub fn url(&self) -> Option<&str> {
        match &self.kind {
            TargetKind::OpenInference { url, .. } | TargetKind::Webhook { url, .. } => Some(url),
            TargetKind::TensorFlowServing { url, .. } => url.as_deref(),
        }
    }

    /// Where people look for it: its address, or else its folder.
    pub fn place(&self) -> String {
        let folder = || self.repository().map(|folder| folder.display().to_string());
        self.url().map(str::to_owned).or_else(folder).unwrap_or_default()
    }

    /// Whether somebody can look what it serves without changing it.
    pub fn can_be_asked(&self) -> bool {
        !matches!(&self.kind, TargetKind::Webhook { status_url: None, .. })
    }

    /// The folder that versions are written to, if it is this service that writes them.
    pub fn repository(&self) -> Option<&Path> {
        match &self.kind {
            TargetKind::OpenInference { repository, .. } | TargetKind::TensorFlowServing { repository, .. } => {
                Some(repository)
            }
            TargetKind::Webhook { .. } => None,
        }
    }
}

/// The kinds of push targets: a closed set.
#[derive(Clone, Debug)]
pub enum TargetKind {
    /// A model server that speaks the Open Inference Protocol's repository calls.
    OpenInference {
        /// For example `http://127.0.0.1:8080`.
        url: String,
        /// The folder of its models as this service sees it; versions go to `<repository>/<model>/<version>`.
        repository: PathBuf,
        /// How the server wants that folder.
        layout: Layout,
        /// What a throw-away copy of the server is made of; without it a new version is tried on the server itself.
        serving: Option<ServingImage>,
    },
    /// A folder of versions as TensorFlow Serving watches it: `<repository>/<model>/<integer>`.
    TensorFlowServing {
        /// The folder of models as this service sees it.
        repository: PathBuf,
        /// The server's REST address; without it only the folder is read back.
        url: Option<String>,
    },
    /// Whoever answers a signed request.
    Webhook {
        /// Where requests go.
        url: String,
        /// Says which version serves; without it the answer to the request does.
        status_url: Option<String>,
        /// Signs requests.
        secret: SecretString,
    },
}

/// How a model server wants its folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// MLServer: versions are text, each with its own settings.
    #[default]
    MlServer,
    /// Triton: versions are integers, with one `config.pbtxt` for all.
    Triton,
}

/// The image of a model server that reads its models from `/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServingImage {
    /// For example `trainyard/serving`.
    pub image: String,
    /// The command line; empty is the image's own.
    pub command: Vec<String>,
    /// The port of its Open Inference Protocol in the container.
    pub port: u16,
}
