//! The settings as the engine takes them: paths absolute, key file read.

use super::{Config, ConfigError, Kind};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use trainyard_core::retention::Policy;
use trainyard_engine::{
    BuildLimits, ChannelConfig, EngineConfig, ExecutorKind, GitHubAuth, GitHubConfig, ObjectSettings, ProgramLimits,
};

impl Config {
    /// What the engine needs to know. Reads the App's private key.
    pub fn engine(&self) -> Result<EngineConfig, ConfigError> {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let machine = machine_memory();
        let targets = self.targets.iter();
        let targets = targets.map(|(name, target)| (name.clone(), target.0.clone()));
        Ok(EngineConfig {
            data_dir: absolute(&self.data_dir),
            data_root: absolute(&self.data_root),
            objects: self.objects()?,
            database_url: self.database_url.clone(),
            public_url: self.public_url.clone(),
            github: self.github_config()?,
            executor: self.executor_kind()?,
            components_image: self.executor.components_image.clone(),
            max_parallel_steps: self.executor.max_parallel_steps.unwrap_or(cpus),
            max_parallel_runs: self.executor.max_parallel_runs,
            limits: ProgramLimits {
                step_memory: self.executor.step_memory.of(match self.executor.kind {
                    // A share of this machine says nothing of a cluster's nodes.
                    Kind::Kubernetes => None,
                    Kind::Docker | Kind::Process => machine,
                }),
                max_output: self.executor.max_output,
                build: BuildLimits {
                    memory_bytes: self.executor.build_memory.of(machine),
                    cpus: self.executor.build_cpus,
                    largest_file: self.executor.max_output,
                    timeout: self.executor.build_timeout,
                },
                max_parallel_builds: self.executor.max_parallel_builds,
            },
            secrets: self
                .secrets
                .iter()
                .map(|(name, secret)| (name.clone(), secret.0.clone()))
                .collect(),
            secrets_dir: self.executor.secrets_dir.as_deref().map(absolute),
            gpus: self.executor.gpus.clone(),
            targets: targets.collect(),
            notify: self.channels()?,
            traces: self.traces.engine()?,
            retention: Policy {
                max_age: self.retention.max_age,
                keep_runs: self.retention.keep_runs,
                keep_versions: self.retention.keep_versions,
                max_record_age: self.retention.max_record_age,
                max_delivery_age: self.retention.max_delivery_age,
            },
        })
    }

    /// What runs the steps.
    pub(super) fn executor_kind(&self) -> Result<ExecutorKind, ConfigError> {
        Ok(match self.executor.kind {
            Kind::Docker => ExecutorKind::Docker,
            Kind::Process => ExecutorKind::Process,
            Kind::Kubernetes => {
                let missing = || {
                    ConfigError(
                        "executor.kind is \"kubernetes\": say in [executor.kubernetes] by which registry and object_store images and data get there".to_owned(),
                    )
                };
                let settings = self.executor.kubernetes.as_ref().ok_or_else(missing)?;
                ExecutorKind::Kubernetes(Box::new(settings.engine(&self.object_stores)?))
            }
        })
    }

    /// The object stores that data sources may be in.
    pub(super) fn objects(&self) -> Result<ObjectSettings, ConfigError> {
        let stores = self.object_stores.iter().map(|(name, store)| store.engine(name));
        Ok(ObjectSettings {
            stores: stores.collect::<Result<_, _>>()?,
            room: self.object_room,
        })
    }

    /// Who is told of runs beside GitHub.
    pub(super) fn channels(&self) -> Result<Vec<ChannelConfig>, ConfigError> {
        let channels = self.notify.iter();
        channels.map(|(name, channel)| channel.channel(name)).collect()
    }

    /// The secrets that sign webhooks, the one of today first.
    pub fn webhook_secrets(&self) -> Vec<SecretString> {
        let secrets = [&self.github.webhook_secret, &self.github.webhook_secret_previous];
        secrets.into_iter().flatten().cloned().collect()
    }

    fn github_config(&self) -> Result<Option<GitHubConfig>, ConfigError> {
        let github = &self.github;
        let auth = match (&github.token, github.app_id, &github.private_key_file) {
            (Some(token), _, _) => GitHubAuth::Token(token.clone()),
            (None, Some(app_id), Some(file)) => {
                let key = std::fs::read_to_string(file).map_err(|error| {
                    ConfigError(format!(
                        "github.private_key_file {} cannot be read: {error}",
                        file.display()
                    ))
                })?;
                GitHubAuth::App {
                    app_id,
                    private_key: key.into(),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(GitHubConfig {
            api_url: github.api_url.clone(),
            git_url: github.git_url.clone(),
            auth,
            webhook_secrets: self.webhook_secrets(),
            sweep_every: github.sweep_every,
            writes_per_minute: github.writes_per_minute,
        }))
    }
}

/// Bytes of memory that this machine has, where its system says so.
fn machine_memory() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
