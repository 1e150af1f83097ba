//! `[object_stores.NAME]`: a bucket that data sources may be in, and how it is reached.

use super::{ConfigError, values};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;
use trainyard_core::span::{Bucket, Provider};
use trainyard_engine::StoreSettings;

/// `[object_stores.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectStore {
    /// `s3://BUCKET`, `gs://BUCKET` or `az://CONTAINER`, or a folder in it: nothing beside it is read.
    pub url: String,
    /// The server, where it is not the provider's own.
    #[serde(default, deserialize_with = "values::optional_url")]
    pub endpoint: Option<String>,
    /// The region, of S3.
    pub region: Option<String>,
    /// Whether an endpoint may begin with `http://`.
    #[serde(default)]
    pub allow_http: bool,
    /// S3's access key id, or Azure's account.
    pub key_id: Option<String>,
    /// S3's secret access key, Azure's account key, or the JSON of a service account of Google's.
    pub key: Option<SecretString>,
    /// A file with that key alone in it, in one line.
    pub key_file: Option<PathBuf>,
}

impl ObjectStore {
    pub(super) fn read_secret(&mut self, name: &str) -> Result<(), ConfigError> {
        let file = self.key_file.clone();
        values::read_secret(&format!("object_stores.{name}.key"), file.as_deref(), &mut self.key)
    }

    /// What the environment says of its key.
    pub(super) fn take_secrets(&mut self, name: &str, variable: impl Fn(&str) -> Option<String>) {
        let part = values::variable_part(name);
        let told = |what| variable(&format!("TRAINYARD_OBJECT_STORE_{part}_{what}")).filter(|value| !value.is_empty());
        if let Some(id) = told("KEY_ID") {
            self.key_id = Some(id);
        }
        if let Some(key) = told("KEY") {
            self.key = Some(key.into());
        }
    }

    /// As the engine takes it.
    pub(super) fn engine(&self, name: &str) -> Result<StoreSettings, ConfigError> {
        let wrong = |why: String| Err(ConfigError(format!("[object_stores.{name}]: {why}")));
        let (bucket, folder) = match Bucket::of(&self.url) {
            Ok(Some(split)) => split,
            Ok(None) => {
                return wrong(format!(
                    "'{}' is no object store: write s3://BUCKET, gs://BUCKET or az://CONTAINER",
                    self.url
                ));
            }
            Err(error) => return wrong(error.to_string()),
        };
        if self.endpoint.as_ref().is_some_and(|url| url.starts_with("http://")) && !self.allow_http {
            return wrong("the endpoint is in the clear: write https://, or set allow_http = true".to_owned());
        }
        if self.region.is_some() && bucket.provider != Provider::S3 {
            return wrong("region is of s3:// only: remove it".to_owned());
        }
        let fine = match bucket.provider {
            Provider::S3 => self.key.is_some() == self.key_id.is_some(),
            Provider::Google => self.key_id.is_none(),
            Provider::Azure => self.key.is_none() || self.key_id.is_some(),
        };
        if !fine {
            return wrong(match bucket.provider {
                Provider::S3 => {
                    "key_id and key are set both or neither; without them the environment has them".to_owned()
                }
                Provider::Google => "key_id is of s3:// and az:// only: the key says whose it is".to_owned(),
                Provider::Azure => "key is set, but not whose it is: set key_id to the name of the account".to_owned(),
            });
        }
        Ok(StoreSettings {
            name: name.to_owned(),
            folder: folder.trim_end_matches('/').to_owned(),
            bucket,
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            allow_http: self.allow_http,
            key_id: self.key_id.clone(),
            key: self.key.clone(),
        })
    }
}
