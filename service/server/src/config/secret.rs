//! `[secrets.NAME]`: where a secret of steps is, and who may have it.

use super::resolve::absolute;
use super::values;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::secret::SecretRule;
use trainyard_engine::{SecretConfig, SecretSource};

/// `[secrets.NAME]`, as the engine takes it. The value itself is in no settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Keys")]
pub struct Secret(pub SecretConfig);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    #[serde(deserialize_with = "values::optional_duration")]
    timeout: Option<Duration>,
    repositories: Vec<String>,
    pipelines: Option<Vec<String>>,
    branches: Option<Vec<String>>,
    pull_requests: bool,
}

/// A command has this long.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// And at most this long: the step waits for it.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

impl TryFrom<Keys> for Secret {
    type Error = String;

    /// The errors are serde's sentences, which the file's reader turns into ours.
    fn try_from(keys: Keys) -> Result<Self, String> {
        let timeout = keys.timeout;
        let source = match (keys.env, keys.file, keys.command) {
            (Some(variable), None, None) if !variable.is_empty() && !variable.contains(['=', '\0']) => {
                SecretSource::Environment(variable)
            }
            (Some(variable), None, None) => return Err(format!("'{variable}' is no name of an environment variable")),
            (None, Some(file), None) => SecretSource::File(absolute(&file)),
            (None, None, Some(command)) if command.first().is_some_and(|program| !program.is_empty()) => {
                SecretSource::Command {
                    command,
                    timeout: timeout.unwrap_or(TIMEOUT),
                }
            }
            (None, None, Some(_)) => {
                return Err(
                    "a command is its program and arguments: command = [\"vault\", \"kv\", \"get\", …]".to_owned(),
                );
            }
            (None, None, None) => return Err("where the secret is, is missing: set env, file or command".to_owned()),
            _ => return Err("a secret is in one place: keep one of env, file and command".to_owned()),
        };
        match (&source, timeout) {
            (SecretSource::Command { .. }, Some(timeout)) if timeout.is_zero() || timeout > LONGEST_TIMEOUT => {
                return Err("timeout is longer than 0s and at most 5m: the step waits for the command".to_owned());
            }
            (SecretSource::Command { .. }, _) | (_, None) => {}
            (_, Some(_)) => return Err("timeout is how long a command may take: leave it out".to_owned()),
        }
        Ok(Self(SecretConfig {
            source,
            rule: SecretRule {
                repositories: keys.repositories,
                pipelines: keys.pipelines,
                branches: keys.branches,
                pull_requests: keys.pull_requests,
            },
        }))
    }
}
