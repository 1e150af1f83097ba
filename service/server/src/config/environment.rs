//! The environment over the file. Other variables are left alone: container platforms make up
//! names such as TRAINYARD_PORT by themselves.

use super::target::secret_variable;
use super::{Config, ConfigError, Kind, values};
use trainyard_engine::TargetKind;

type Set = fn(&mut Config, String) -> Result<(), String>;

/// Every variable and what it sets.
pub(super) const VARIABLES: [(&str, Set); 36] = [
    ("TRAINYARD_DATA_DIR", |c, v| put(&mut c.data_dir, v.into())),
    ("TRAINYARD_SECRETS_DIR", |c, v| {
        put(&mut c.executor.secrets_dir, Some(v.into()))
    }),
    ("TRAINYARD_DATA_ROOT", |c, v| put(&mut c.data_root, v.into())),
    ("TRAINYARD_OBJECT_ROOM", |c, v| {
        put(&mut c.object_room, values::parse_optional_size(&v)?)
    }),
    ("DATABASE_URL", |c, v| put(&mut c.database_url, Some(v.into()))),
    ("TRAINYARD_LISTEN", |c, v| {
        put(&mut c.listen, values::parse_address(&v)?)
    }),
    ("TRAINYARD_PUBLIC_URL", |c, v| {
        put(&mut c.public_url, Some(values::parse_url(&v)?))
    }),
    ("TRAINYARD_API_TOKEN", |c, v| put(&mut c.api_token, Some(v.into()))),
    ("TRAINYARD_EVENTS_TOKEN", |c, v| {
        put(&mut c.events.token, Some(v.into()))
    }),
    ("TRAINYARD_GITHUB_API_URL", |c, v| {
        put(&mut c.github.api_url, values::parse_url(&v)?)
    }),
    ("TRAINYARD_GITHUB_GIT_URL", |c, v| {
        put(&mut c.github.git_url, values::parse_url(&v)?)
    }),
    ("TRAINYARD_GITHUB_TOKEN", |c, v| {
        put(&mut c.github.token, Some(v.into()))
    }),
    ("TRAINYARD_GITHUB_TOKEN_FILE", |c, v| {
        put(&mut c.github.token_file, Some(v.into()))
    }),
    ("TRAINYARD_GITHUB_APP_ID", |c, v| {
        put(&mut c.github.app_id, Some(number(&v)?))
    }),
    ("TRAINYARD_GITHUB_PRIVATE_KEY_FILE", |c, v| {
        put(&mut c.github.private_key_file, Some(v.into()))
    }),
    ("TRAINYARD_GITHUB_CLIENT_ID", |c, v| {
        put(&mut c.github.client_id, Some(v))
    }),
    ("TRAINYARD_GITHUB_CLIENT_SECRET", |c, v| {
        put(&mut c.github.client_secret, Some(v.into()))
    }),
    ("TRAINYARD_GITHUB_CLIENT_SECRET_FILE", |c, v| {
        put(&mut c.github.client_secret_file, Some(v.into()))
    }),
    ("TRAINYARD_WEBHOOK_SECRET", |c, v| {
        put(&mut c.github.webhook_secret, Some(v.into()))
    }),
    ("TRAINYARD_WEBHOOK_SECRET_FILE", |c, v| {
        put(&mut c.github.webhook_secret_file, Some(v.into()))
    }),
    ("TRAINYARD_WEBHOOK_SECRET_PREVIOUS", |c, v| {
        put(&mut c.github.webhook_secret_previous, Some(v.into()))
    }),
    ("TRAINYARD_SWEEP_EVERY", |c, v| {
        let every = match v.as_str() {
            "none" => None,
            text => Some(values::parse_duration(text)?),
        };
        put(&mut c.github.sweep_every, every)
    }),
    ("TRAINYARD_WRITES_PER_MINUTE", |c, v| {
        put(&mut c.github.writes_per_minute, values::parse_writes(&v)?)
    }),
    ("TRAINYARD_EXECUTOR", |c, v| put(&mut c.executor.kind, kind(&v)?)),
    ("TRAINYARD_COMPONENTS_IMAGE", |c, v| {
        put(&mut c.executor.components_image, v)
    }),
    ("TRAINYARD_MAX_PARALLEL_STEPS", |c, v| {
        put(&mut c.executor.max_parallel_steps, Some(number(&v)?))
    }),
    ("TRAINYARD_MAX_PARALLEL_RUNS", |c, v| {
        put(&mut c.executor.max_parallel_runs, number(&v)?)
    }),
    ("TRAINYARD_STEP_MEMORY", |c, v| {
        put(&mut c.executor.step_memory, values::parse_memory(&v)?)
    }),
    ("TRAINYARD_MAX_OUTPUT", |c, v| {
        put(&mut c.executor.max_output, values::parse_optional_size(&v)?)
    }),
    ("TRAINYARD_BUILD_MEMORY", |c, v| {
        put(&mut c.executor.build_memory, values::parse_memory(&v)?)
    }),
    ("TRAINYARD_BUILD_CPUS", |c, v| {
        put(&mut c.executor.build_cpus, Some(cpus(&v)?))
    }),
    ("TRAINYARD_BUILD_TIMEOUT", |c, v| {
        put(&mut c.executor.build_timeout, values::parse_duration(&v)?)
    }),
    ("TRAINYARD_MAX_PARALLEL_BUILDS", |c, v| {
        put(&mut c.executor.max_parallel_builds, number(&v)?)
    }),
    ("TRAINYARD_GPUS", |c, v| {
        let named = v.split(',').map(|id| id.trim().to_owned());
        put(&mut c.executor.gpus, Some(named.filter(|id| !id.is_empty()).collect()))
    }),
    ("TRAINYARD_TRACES_ENDPOINT", |c, v| {
        put(&mut c.traces.endpoint, Some(values::parse_url(&v)?))
    }),
    ("TRAINYARD_TRACES_HEADER", |c, v| {
        put(&mut c.traces.header, Some(v.into()))
    }),
];

/// Applies every variable that is set and not empty.
pub(super) fn apply(config: &mut Config, variable: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    for (name, set) in VARIABLES {
        if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
            set(config, value).map_err(|problem| ConfigError(format!("environment variable {name}: {problem}")))?;
        }
    }
    let secret = variable("TRAINYARD_OIDC_CLIENT_SECRET").filter(|value| !value.is_empty());
    if let (Some(oidc), Some(secret)) = (&mut config.oidc, secret) {
        oidc.client_secret = Some(secret.into());
    }
    for (name, target) in &mut config.targets {
        if let TargetKind::Webhook { secret, .. } = &mut target.0.kind
            && let Some(value) = variable(&secret_variable(name)).filter(|value| !value.is_empty())
        {
            *secret = value.into();
        }
    }
    for (name, channel) in &mut config.notify {
        channel.take_secrets(name, &variable);
    }
    for (name, store) in &mut config.object_stores {
        store.take_secrets(name, &variable);
    }
    Ok(())
}

fn put<T>(place: &mut T, value: T) -> Result<(), String> {
    *place = value;
    Ok(())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is not a whole number"))
}

fn cpus(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number of CPUs"))
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "docker" => Ok(Kind::Docker),
        "kubernetes" => Ok(Kind::Kubernetes),
        "process" => Ok(Kind::Process),
        other => Err(format!(
            "'{other}' is not an executor: write docker, kubernetes or process"
        )),
    }
}
