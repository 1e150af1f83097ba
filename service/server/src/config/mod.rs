//! The settings: `trainyard.toml`, and the environment over it.

mod environment;
mod file;
mod kubernetes;
mod notify;
mod object_store;
mod resolve;
mod secret;
mod sign_in;
mod target;
mod traces;
mod values;

pub use kubernetes::Kubernetes;
pub use notify::Notify;
pub use object_store::ObjectStore;
pub use secret::Secret;
pub use sign_in::{Oidc, WaysIn};
pub use target::Target;
pub use traces::Traces;
pub use values::Memory;
pub(crate) use values::names_this_machine;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::retention::Policy;
use trainyard_core::secret::is_name;
use trainyard_engine::TargetKind;

/// The commented default, as `trainyard serve --default-config` prints it.
pub const DEFAULT: &str = include_str!("../trainyard.default.toml");
/// Where a file is looked for when none is named.
const PLACES: [&str; 2] = ["trainyard.toml", "/etc/trainyard/trainyard.toml"];

/// Why there are no settings; one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

/// Everything that can be set. Secrets print as `[REDACTED]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Everything the service writes.
    pub data_dir: PathBuf,
    /// Where external data lies.
    pub data_root: PathBuf,
    /// `sqlite://…` or `postgres://…`; SQLite in `data_dir` if absent.
    pub database_url: Option<SecretString>,
    /// Where the service listens.
    #[serde(deserialize_with = "values::address")]
    pub listen: SocketAddr,
    /// Where people reach the service.
    #[serde(deserialize_with = "values::optional_url")]
    pub public_url: Option<String>,
    /// What opens the API.
    pub api_token: Option<SecretString>,
    /// Data arrivals.
    pub events: Events,
    /// GitHub.
    pub github: GitHub,
    /// An OpenID Connect provider by which people sign in.
    pub oidc: Option<Oidc>,
    /// What runs the steps.
    pub executor: Executor,
    /// Secrets that steps may ask for, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Push targets by name.
    pub targets: BTreeMap<String, Target>,
    /// Which old runs and artifacts go.
    pub retention: Retention,
    /// Who is told of runs beside GitHub, by name.
    pub notify: BTreeMap<String, Notify>,
    /// Where traces of runs go.
    pub traces: Traces,
    /// Buckets that data sources may be in, by name.
    pub object_stores: BTreeMap<String, ObjectStore>,
    /// Room on the disk for copies of objects; `None` is no limit.
    #[serde(deserialize_with = "values::optional_size")]
    pub object_room: Option<u64>,
}

/// `[retention]`. A run is kept if either rule keeps it; without a rule everything is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Younger runs are kept.
    #[serde(deserialize_with = "values::optional_duration")]
    pub max_age: Option<Duration>,
    /// So many newest runs of each pipeline are kept.
    pub keep_runs: Option<usize>,
    /// So many versions of each target that served last stay ready for a rollback.
    pub keep_versions: usize,
    /// Records of runs that are over go when they are older; `None` keeps them.
    #[serde(deserialize_with = "values::duration_or_none")]
    pub max_record_age: Option<Duration>,
    /// Deliveries and what came of them go when they are older; `None` keeps them.
    #[serde(deserialize_with = "values::duration_or_none")]
    pub max_delivery_age: Option<Duration>,
}

/// What was seen before this time may come again: at least as long GitHub and people send deliveries again.
const SEEN_AGAIN: Duration = Duration::from_secs(7 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: None,
            keep_runs: None,
            keep_versions: Policy::default().keep_versions,
            max_record_age: Some(365 * DAY),
            max_delivery_age: Some(90 * DAY),
        }
    }
}

/// `[events]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// What opens `POST /events`.
    pub token: Option<SecretString>,
}

/// `[github]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GitHub {
    /// The API's address.
    #[serde(deserialize_with = "values::url")]
    pub api_url: String,
    /// Where repositories are cloned from.
    #[serde(deserialize_with = "values::url")]
    pub git_url: String,
    /// A personal access token.
    pub token: Option<SecretString>,
    /// A file with that token alone in it.
    pub token_file: Option<PathBuf>,
    /// A GitHub App's id.
    pub app_id: Option<u64>,
    /// The App's private key, PEM.
    pub private_key_file: Option<PathBuf>,
    /// The App's client id: with it people sign in to the pages.
    pub client_id: Option<String>,
    /// The App's client secret.
    pub client_secret: Option<SecretString>,
    /// A file with that secret alone in it.
    pub client_secret_file: Option<PathBuf>,
    /// Signs webhooks.
    pub webhook_secret: Option<SecretString>,
    /// A file with that secret alone in it.
    pub webhook_secret_file: Option<PathBuf>,
    /// Signed them before.
    pub webhook_secret_previous: Option<SecretString>,
    /// How often webhooks are looked for that never came; `None` never.
    #[serde(deserialize_with = "values::duration_or_none")]
    pub sweep_every: Option<Duration>,
    /// How many writes the server takes a minute; `None` is no limit.
    #[serde(deserialize_with = "values::writes")]
    pub writes_per_minute: Option<u32>,
}

/// `[executor]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Executor {
    /// Containers or programs.
    pub kind: Kind,
    /// The image of the standard components.
    pub components_image: String,
    /// Steps of one run at work at once; the number of CPUs if absent.
    pub max_parallel_steps: Option<usize>,
    /// Runs at work at once.
    pub max_parallel_runs: usize,
    /// Memory of a step without `resources.memory`.
    pub step_memory: Memory,
    /// Room on the disk for the outputs of one attempt of a step; `None` is no limit.
    #[serde(deserialize_with = "values::optional_size")]
    pub max_output: Option<u64>,
    /// Memory of each program of a build.
    pub build_memory: Memory,
    /// CPUs of each program of a build; all if absent.
    pub build_cpus: Option<f64>,
    /// How long a build may take.
    #[serde(deserialize_with = "values::duration")]
    pub build_timeout: Duration,
    /// Builds at once.
    pub max_parallel_builds: usize,
    /// The folder in memory in which steps find their secrets; one in `/dev/shm` if absent.
    pub secrets_dir: Option<PathBuf>,
    /// The GPUs that steps may have, by UUID or index; all that the driver tells of if absent.
    pub gpus: Option<Vec<String>>,
    /// The cluster, where steps are jobs of one.
    pub kubernetes: Option<Kubernetes>,
}

/// What runs the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Containers.
    Docker,
    /// Jobs of a cluster.
    Kubernetes,
    /// Programs on this machine, without isolation.
    Process,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: ".trainyard".into(),
            data_root: "data".into(),
            database_url: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
            public_url: None,
            api_token: None,
            events: Events::default(),
            github: GitHub::default(),
            oidc: None,
            executor: Executor::default(),
            secrets: BTreeMap::new(),
            targets: BTreeMap::new(),
            retention: Retention::default(),
            notify: BTreeMap::new(),
            traces: Traces::default(),
            object_stores: BTreeMap::new(),
            object_room: Some(50 << 30),
        }
    }
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            api_url: "https://api.github.com".to_owned(),
            git_url: "https://github.com".to_owned(),
            token: None,
            token_file: None,
            app_id: None,
            private_key_file: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            webhook_secret: None,
            webhook_secret_file: None,
            webhook_secret_previous: None,
            sweep_every: Some(Duration::from_secs(120)),
            writes_per_minute: Some(80),
        }
    }
}

impl Default for Executor {
    fn default() -> Self {
        Self {
            kind: Kind::Docker,
            components_image: "trainyard/components:latest".to_owned(),
            max_parallel_steps: None,
            max_parallel_runs: 2,
            step_memory: Memory::Share(0.75),
            max_output: Some(100 << 30),
            build_memory: Memory::Share(0.75),
            build_cpus: None,
            build_timeout: Duration::from_secs(2 * 60 * 60),
            max_parallel_builds: 2,
            secrets_dir: None,
            gpus: None,
            kubernetes: None,
        }
    }
}

impl Config {
    /// Where GitHub sends deliveries: as somebody says it, else below the public address.
    pub(crate) fn webhook_url(&self, given: Option<&str>) -> Option<String> {
        let known = self.public_url.as_ref().map(|url| format!("{url}/webhooks/github"));
        given.map(str::to_owned).or(known)
    }

    /// The file that is read: `path`, or the first there is.
    pub fn place(path: Option<&Path>) -> Option<&Path> {
        path.or_else(|| PLACES.iter().map(Path::new).find(|path| path.exists()))
    }

    /// Reads `path`, or the first file there is, or the defaults; then `variable` looks up the
    /// environment.
    pub fn load(path: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let found = match Self::place(path) {
            Some(path) => Some((path.to_owned(), read(path)?)),
            None => None,
        };
        let config = match &found {
            Some((path, text)) => file::parse(path, text)?,
            None => Self::default(),
        };
        config.finish(variable)
    }

    /// The defaults with the environment over them, for a file that is yet to be written.
    pub fn without_file(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::default().finish(variable)
    }

    fn finish(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        environment::apply(&mut self, variable)?;
        self.read_secrets()?;
        self.check()?;
        Ok(self)
    }

    /// Secrets that are in files of their own.
    fn read_secrets(&mut self) -> Result<(), ConfigError> {
        let github = &mut self.github;
        for (name, file, value) in [
            ("github.token", &github.token_file, &mut github.token),
            (
                "github.webhook_secret",
                &github.webhook_secret_file,
                &mut github.webhook_secret,
            ),
            (
                "github.client_secret",
                &github.client_secret_file,
                &mut github.client_secret,
            ),
        ] {
            values::read_secret(name, file.as_deref(), value)?;
        }
        if let Some(oidc) = &mut self.oidc {
            oidc.read_secret()?;
        }
        for (name, channel) in &mut self.notify {
            channel.read_secrets(name)?;
        }
        for (name, store) in &mut self.object_stores {
            store.read_secret(name)?;
        }
        self.traces.read_secret()
    }

    /// What no single value can tell.
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError(text.to_owned()));
        let github = &self.github;
        if github.token.is_some() && github.app_id.is_some() {
            return wrong(
                "github.token and github.app_id are both set: the service is one of the two, remove the other",
            );
        }
        if github.app_id.is_some() != github.private_key_file.is_some() {
            return wrong("a GitHub App needs github.app_id and github.private_key_file: set both or neither");
        }
        if github.client_id.is_some() != github.client_secret.is_some() {
            return wrong("people sign in with github.client_id and github.client_secret: set both or neither");
        }
        if github.client_id.is_some() && github.token.is_none() && github.app_id.is_none() {
            return wrong(
                "github.client_id is set, but nobody can look up what people may do: set github.app_id and github.private_key_file",
            );
        }
        if let Some(oidc) = &self.oidc {
            oidc.check()?;
        }
        if github.webhook_secret.is_some() && github.token.is_none() && github.app_id.is_none() {
            return wrong(
                "github.webhook_secret is set, but not who the service is: set github.token, or github.app_id and github.private_key_file",
            );
        }
        if self.executor.max_parallel_steps == Some(0) || self.executor.max_parallel_runs == 0 {
            return wrong("executor.max_parallel_steps and executor.max_parallel_runs are at least 1");
        }
        if self.executor.max_parallel_builds == 0 {
            return wrong("executor.max_parallel_builds is at least 1");
        }
        if self
            .executor
            .build_cpus
            .is_some_and(|cpus| !(0.01..=1e6).contains(&cpus))
        {
            return wrong("executor.build_cpus is a number of CPUs from 0.01 on: for all of them leave it out");
        }
        if self.executor.build_timeout.is_zero() {
            return wrong("executor.build_timeout is longer than 0s");
        }
        let ages = [
            ("max_record_age", self.retention.max_record_age),
            ("max_delivery_age", self.retention.max_delivery_age),
        ];
        for (name, age) in ages {
            if age.is_some_and(|age| age < SEEN_AGAIN) {
                return wrong(&format!(
                    "retention.{name} is at least 7d: what comes again within that time is known by its record"
                ));
            }
        }
        if self.retention.keep_versions < 2 {
            return wrong("retention.keep_versions is at least 2: what serves and what a rollback goes to always stay");
        }
        let fine = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        if let Some(bad) = self.secrets.keys().find(|name| !is_name(name)) {
            return wrong(&format!(
                "[secrets.{bad}]: '{bad}' cannot be the name of a secret: use letters, digits, '-', '_' and '.'"
            ));
        }
        for (name, target) in &self.targets {
            if let Some(bad) = [name, target.0.model.as_ref().unwrap_or(name)]
                .into_iter()
                .find(|name| !fine(name))
            {
                return wrong(&format!(
                    "[targets.{name}]: '{bad}' cannot be the name of a folder: use letters, digits, '-', '_' and '.'"
                ));
            }
            if let TargetKind::Webhook { secret, .. } = &target.0.kind
                && secret.expose_secret().is_empty()
            {
                return wrong(&format!(
                    "[targets.{name}]: a webhook is signed: set its secret, or {}",
                    target::secret_variable(name)
                ));
            }
        }
        self.objects()?;
        self.executor_kind()?;
        self.channels().map(drop)
    }

    /// Whether the API is open to nobody but this machine, or needs a token; the error says what to set.
    pub fn check_reach(&self) -> Result<(), ConfigError> {
        if self.api_token.is_some() {
            return Ok(());
        }
        if self.ways_in().any() {
            return Err(ConfigError(
                "people sign in, but the API would be open to every program of this machine: set api_token".to_owned(),
            ));
        }
        if !self.listen.ip().is_loopback() {
            return Err(ConfigError(format!(
                "listen = \"{}\" would open the API to the network without authentication: set api_token, or listen on 127.0.0.1",
                self.listen
            )));
        }
        match &self.public_url {
            Some(url) if !names_this_machine(url) => Err(ConfigError(format!(
                "public_url = \"{url}\" says that others reach the service, and the API would be open to them: set api_token"
            ))),
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("the configuration {} cannot be read: {error}", path.display())))
}

#[cfg(test)]
mod tests;
