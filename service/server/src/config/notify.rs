//! `[notify.NAME]`: who is told of runs beside GitHub, what of, and how they are reached.

use super::ConfigError;
use super::values;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use trainyard_core::notify::{Channel, Condition};
use trainyard_engine::{ChannelConfig, ChannelKind, MailSettings, MailTls, usual};

/// `[notify.NAME]`, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    kind: Kind,
    /// What is told, where the pipeline's file does not say.
    on: Option<Vec<Condition>>,
    /// Globs of pipelines.
    pipelines: Option<Vec<String>>,
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    server: Option<String>,
    tls: Option<MailTls>,
    username: Option<String>,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    from: Option<String>,
    to: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Slack,
    Email,
    Webhook,
    CloudEvents,
}

impl Kind {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Slack => &["url", "url_file"],
            Self::Email => &["server", "tls", "username", "password", "password_file", "from", "to"],
            Self::Webhook => &["url", "url_file", "secret", "secret_file"],
            Self::CloudEvents => &["url", "url_file", "token", "token_file", "secret", "secret_file"],
        }
    }
}

impl Notify {
    /// What is better not in the settings: its key, the file that has it instead, and its place.
    fn secrets(&mut self) -> [(&'static str, Option<&Path>, &mut Option<SecretString>); 4] {
        [
            ("url", self.url_file.as_deref(), &mut self.url),
            ("secret", self.secret_file.as_deref(), &mut self.secret),
            ("token", self.token_file.as_deref(), &mut self.token),
            ("password", self.password_file.as_deref(), &mut self.password),
        ]
    }

    /// Secrets that the environment has.
    pub(super) fn take_secrets(&mut self, name: &str, of: impl Fn(&str) -> Option<String>) {
        for (key, _, value) in self.secrets() {
            if let Some(found) = of(&variable(name, key)).filter(|found| !found.is_empty()) {
                *value = Some(found.into());
            }
        }
    }

    /// Secrets that are in files of their own.
    pub(super) fn read_secrets(&mut self, name: &str) -> Result<(), ConfigError> {
        for (key, file, value) in self.secrets() {
            values::read_secret(&format!("notify.{name}.{key}"), file, value)?;
        }
        Ok(())
    }

    /// The channel as the engine takes it.
    pub(super) fn channel(&self, name: &str) -> Result<ChannelConfig, ConfigError> {
        let wrong = |why: String| wrong(name, &why);
        let fine = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if name.is_empty() || !name.chars().all(fine) {
            return Err(wrong(
                "a channel's name has letters, digits, '-' and '_' only".to_owned(),
            ));
        }
        let given = [
            ("url", self.url.is_some()),
            ("secret", self.secret.is_some()),
            ("token", self.token.is_some()),
            ("server", self.server.is_some()),
            ("tls", self.tls.is_some()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
        ];
        let own = self.kind.keys();
        if let Some((foreign, _)) = given.iter().find(|(key, given)| *given && !own.contains(key)) {
            return Err(wrong(format!(
                "a channel of this kind has no '{foreign}': known are kind, on, pipelines, {}",
                own.join(", ")
            )));
        }
        let kind = match self.kind {
            Kind::Slack => ChannelKind::Slack {
                url: self.address(name)?,
            },
            Kind::Webhook => ChannelKind::Webhook {
                url: self.address(name)?,
                secret: self.secret.clone().ok_or_else(|| {
                    wrong(format!(
                        "a webhook is signed: set its secret, or {}",
                        variable(name, "secret")
                    ))
                })?,
            },
            Kind::CloudEvents => ChannelKind::CloudEvents {
                url: self.address(name)?,
                token: self.token.clone(),
                secret: self.secret.clone(),
            },
            Kind::Email => ChannelKind::Email(self.mail(name)?),
        };
        let on = self.on.clone().unwrap_or_else(|| usual(&kind).to_vec());
        Ok(ChannelConfig {
            channel: Channel {
                name: name.to_owned(),
                on,
                pipelines: self.pipelines.clone().unwrap_or_else(|| vec!["*".to_owned()]),
            },
            kind,
        })
    }

    fn address(&self, name: &str) -> Result<SecretString, ConfigError> {
        let wrong = |why: String| wrong(name, &why);
        let missing = || wrong(format!("it has no url: set it, or {}", variable(name, "url")));
        let url = self.url.as_ref().ok_or_else(missing)?;
        // The address of a Slack channel is a secret: it is not shown.
        values::parse_url(url.expose_secret()).map_err(|_| {
            wrong("its url is not an address: write it as https://host/path or http://host:port".to_owned())
        })?;
        Ok(url.clone())
    }

    fn mail(&self, name: &str) -> Result<MailSettings, ConfigError> {
        let wrong = |why: String| wrong(name, &why);
        let missing = |key: &str| wrong(format!("it has no {key}"));
        let tls = self.tls.unwrap_or_default();
        let server = self.server.as_deref().ok_or_else(|| missing("server"))?;
        let usual = match tls {
            MailTls::StartTls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        };
        let (host, port) = match server.rsplit_once(':') {
            None => (server, usual),
            Some((host, port)) => (
                host,
                port.parse()
                    .map_err(|_| wrong(format!("server '{server}' is not HOST or HOST:PORT")))?,
            ),
        };
        if host.is_empty() || host.contains('/') {
            return Err(wrong(format!("server '{server}' is not HOST or HOST:PORT")));
        }
        let login = match (&self.username, &self.password) {
            (Some(user), Some(password)) => Some((user.clone(), password.clone())),
            (None, None) => None,
            _ => {
                return Err(wrong(
                    "username and password go together: set both or neither".to_owned(),
                ));
            }
        };
        if login.is_some() && tls == MailTls::None && !super::names_this_machine(host) {
            return Err(wrong(
                "tls = \"none\" would send the password in the clear: use starttls or tls".to_owned(),
            ));
        }
        let to = self
            .to
            .as_deref()
            .filter(|to| !to.is_empty())
            .ok_or_else(|| missing("to"))?;
        let address = |text: &str| format!("'{text}' is not a mail address");
        Ok(MailSettings {
            host: host.to_owned(),
            port,
            tls,
            login,
            from: {
                let from = self.from.as_deref().ok_or_else(|| missing("from"))?;
                from.parse().map_err(|_| wrong(address(from)))?
            },
            to: to
                .iter()
                .map(|to| to.parse().map_err(|_| wrong(address(to))))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn wrong(channel: &str, why: &str) -> ConfigError {
    ConfigError(format!("[notify.{channel}]: {why}"))
}

/// The environment variable with a secret of a channel.
fn variable(channel: &str, key: &str) -> String {
    let [channel, key] = [channel, key].map(values::variable_part);
    format!("TRAINYARD_NOTIFY_{channel}_{key}")
}
