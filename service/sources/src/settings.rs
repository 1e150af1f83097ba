//! What is known of object stores: `[object_stores.NAME]`.

use secrecy::SecretString;
use trainyard_core::span::Bucket;

/// The object stores that pipelines may read, and how much of them is kept here.
#[derive(Clone, Debug, Default)]
pub struct ObjectSettings {
    /// Every store; a bucket that is in none of them is not read.
    pub stores: Vec<StoreSettings>,
    /// Bytes of the disk that copies of objects may take; `None` is no limit.
    pub room: Option<u64>,
}

/// A bucket, or a part of one, and how it is reached.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Its name in the settings.
    pub name: String,
    /// The bucket.
    pub bucket: Bucket,
    /// Only what lies below this folder is read; the whole bucket if empty.
    pub folder: String,
    /// The server, where it is not the provider's own.
    pub endpoint: Option<String>,
    /// The region, of S3.
    pub region: Option<String>,
    /// Whether the connection may be in the clear.
    pub allow_http: bool,
    /// S3's access key id, or Azure's account.
    pub key_id: Option<String>,
    /// S3's secret access key, Azure's account key, or the JSON of a service account of Google's. Without one the
    /// provider's own environment says who we are.
    pub key: Option<SecretString>,
}

impl StoreSettings {
    /// Whether an object of its bucket is its own.
    pub(crate) fn has(&self, key: &str) -> bool {
        let below = key.strip_prefix(self.folder.as_str());
        self.folder.is_empty() || below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }
}
