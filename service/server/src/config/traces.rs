//! `[traces]`: where traces of runs go.

use super::{ConfigError, values};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::path::PathBuf;
use trainyard_engine::TracesConfig;

/// `[traces]`, a collector of OpenTelemetry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// Its address, to which `/v1/traces` is added; without one no traces are sent.
    #[serde(deserialize_with = "values::optional_url")]
    pub endpoint: Option<String>,
    /// What opens it: `name: value`, as a line of a request's head.
    pub header: Option<SecretString>,
    /// A file with that line alone in it.
    pub header_file: Option<PathBuf>,
}

impl Traces {
    pub(super) fn read_secret(&mut self) -> Result<(), ConfigError> {
        let file = self.header_file.clone();
        values::read_secret("traces.header", file.as_deref(), &mut self.header)
    }

    /// As the engine takes them.
    pub(super) fn engine(&self) -> Result<Option<TracesConfig>, ConfigError> {
        let wrong = |text: &str| ConfigError(text.to_owned());
        let header = self.header.as_ref().map(|line| {
            header(line).ok_or_else(|| {
                wrong("traces.header is no header: write it as 'name: value', for example 'authorization: Bearer …'")
            })
        });
        let header = header.transpose()?;
        match (&self.endpoint, header) {
            (None, Some(_)) => Err(wrong(
                "traces.header is set without an address to send it to: set traces.endpoint",
            )),
            (None, None) => Ok(None),
            (Some(endpoint), header) => Ok(Some(TracesConfig {
                endpoint: endpoint.clone(),
                header,
            })),
        }
    }
}

fn header(line: &SecretString) -> Option<(String, SecretString)> {
    let (name, value) = line.expose_secret().split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let fine = axum::http::HeaderName::try_from(name).is_ok() && axum::http::HeaderValue::try_from(value).is_ok();
    (fine && !value.is_empty()).then(|| (name.to_owned(), value.into()))
}
