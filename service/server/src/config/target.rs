//! `[targets.NAME]`: a kind of push target, and the keys that kind has.

use super::resolve::absolute;
use super::values;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::plan::Approval;
use trainyard_engine::{ApprovalRule, Layout, ServingImage, TargetConfig, TargetKind};

/// `[targets.NAME]`, as the engine takes it. The secret of a webhook that the file does not have is empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Keys")]
pub struct Target(pub TargetConfig);

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    #[default]
    OpenInference,
    TensorflowServing,
    Webhook,
}

/// The keys of every kind; which of them a kind has is looked at afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    kind: KindName,
    #[serde(deserialize_with = "values::optional_url")]
    url: Option<String>,
    repository: Option<PathBuf>,
    model: Option<String>,
    #[serde(deserialize_with = "values::optional_duration")]
    max_loading_time: Option<Duration>,
    layout: Option<Layout>,
    image: Option<String>,
    command: Option<Vec<String>>,
    port: Option<u16>,
    #[serde(deserialize_with = "values::optional_url")]
    status_url: Option<String>,
    secret: Option<SecretString>,
    approval: Option<Approval>,
    #[serde(deserialize_with = "values::optional_duration")]
    approval_expires: Option<Duration>,
}

/// A new version may take this long until it serves.
pub(super) const MAX_LOADING_TIME: Duration = Duration::from_secs(300);
/// The port of MLServer and Triton.
const PORT: u16 = 8080;

impl TryFrom<Keys> for Target {
    type Error = String;

    /// The errors are serde's sentences, which the file's reader turns into ours.
    fn try_from(keys: Keys) -> Result<Self, String> {
        let own: &[&str] = match keys.kind {
            KindName::OpenInference => &["url", "repository", "layout", "image", "command", "port"],
            KindName::TensorflowServing => &["repository", "url"],
            KindName::Webhook => &["url", "status_url", "secret"],
        };
        let given = [
            ("url", keys.url.is_some()),
            ("repository", keys.repository.is_some()),
            ("layout", keys.layout.is_some()),
            ("image", keys.image.is_some()),
            ("command", keys.command.is_some()),
            ("port", keys.port.is_some()),
            ("status_url", keys.status_url.is_some()),
            ("secret", keys.secret.is_some()),
        ];
        if let Some((foreign, _)) = given.iter().find(|(key, given)| *given && !own.contains(key)) {
            let known = ["kind", "model", "max_loading_time", "approval", "approval_expires"]
                .iter()
                .chain(own);
            let known: Vec<_> = known.map(|key| format!("`{key}`")).collect();
            return Err(format!(
                "unknown field `{foreign}`, expected one of {}",
                known.join(", ")
            ));
        }
        if keys.image.is_none() && (keys.command.is_some() || keys.port.is_some()) {
            return Err("command and port are the throw-away container's: name its image".to_owned());
        }
        let required = keys.approval == Some(Approval::Required);
        match keys.approval_expires {
            Some(_) if !required => {
                return Err(
                    "approval_expires is how long a model waits for approval: set approval = \"required\"".to_owned(),
                );
            }
            Some(Duration::ZERO) => {
                return Err(
                    "approval_expires is 0, so that nobody could ever approve: write for example 36h or 7d".to_owned(),
                );
            }
            _ => {}
        }
        let approval = required.then_some(ApprovalRule {
            expires: keys.approval_expires,
        });
        let missing = |key: &str| format!("missing field `{key}`");
        let (command, port) = (keys.command.unwrap_or_default(), keys.port.unwrap_or(PORT));
        let kind = match keys.kind {
            KindName::OpenInference => TargetKind::OpenInference {
                url: keys.url.ok_or_else(|| missing("url"))?,
                repository: absolute(&keys.repository.ok_or_else(|| missing("repository"))?),
                layout: keys.layout.unwrap_or_default(),
                serving: keys.image.map(|image| ServingImage { image, command, port }),
            },
            KindName::TensorflowServing => TargetKind::TensorFlowServing {
                repository: absolute(&keys.repository.ok_or_else(|| missing("repository"))?),
                url: keys.url,
            },
            KindName::Webhook => TargetKind::Webhook {
                url: keys.url.ok_or_else(|| missing("url"))?,
                status_url: keys.status_url,
                secret: keys.secret.unwrap_or_default(),
            },
        };
        Ok(Self(TargetConfig {
            kind,
            model: keys.model,
            max_loading_time: keys.max_loading_time.unwrap_or(MAX_LOADING_TIME),
            approval,
        }))
    }
}

/// The environment variable with the secret of a webhook.
pub(super) fn secret_variable(target: &str) -> String {
    format!("TRAINYARD_TARGET_{}_SECRET", values::variable_part(target))
}
