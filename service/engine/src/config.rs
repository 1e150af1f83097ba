//! What the engine needs to know; the server reads it from `trainyard.toml` and the environment.

use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_github::GitHubAuth;

/// Settings of one Trainyard instance.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Everything the service writes: database, artifacts, logs, mirrors, work folders.
    pub data_dir: PathBuf,
    /// Where external data lies; `data.<name>.uri` is below it.
    pub data_root: PathBuf,
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
    /// Push targets by name.
    pub targets: BTreeMap<String, TargetConfig>,
}

impl EngineConfig {
    /// The names of the push targets, for sentences about one that is not among them.
    pub(crate) fn known_targets(&self) -> String {
        if self.targets.is_empty() {
            return "none".to_owned();
        }
        let names: Vec<_> = self.targets.keys().map(String::as_str).collect();
        names.join(", ")
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
}

/// What runs the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutorKind {
    /// Containers.
    Docker,
    /// Programs on this machine, without isolation: for development.
    Process,
    /// A script, for tests.
    Fake,
}

/// A model server that speaks the Open Inference Protocol's repository calls.
#[derive(Clone, Debug)]
pub struct TargetConfig {
    /// For example `http://127.0.0.1:8080`.
    pub url: String,
    /// The folder of its models as this service sees it; versions go to `<repository>/<model>/<version>`.
    pub repository: PathBuf,
    /// The model's name on the server; the target's name if absent.
    pub model: Option<String>,
    /// How long a version may take to load.
    pub max_loading_time: Duration,
    /// What a throw-away copy of the server is made of; without it a new version is tried on the server itself.
    pub serving: Option<ServingImage>,
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
