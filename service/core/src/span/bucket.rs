//! Data in object stores: `s3://BUCKET/…`, `gs://BUCKET/…`, `az://CONTAINER/…`.

use super::PatternError;
use std::fmt;

/// Whose protocol a bucket is spoken to by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Amazon S3, and what takes the same.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage, whose buckets are called containers.
    Azure,
}

impl Provider {
    /// As addresses begin.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// A bucket of an object store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    /// Whose protocol it is spoken to by.
    pub provider: Provider,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.provider.scheme(), self.name)
    }
}

impl Bucket {
    /// The bucket of an address and what stands behind it, without the `/` between them; `None` for a path below the
    /// data root.
    pub fn of(uri: &str) -> Result<Option<(Self, &str)>, PatternError> {
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Ok(None);
        };
        let provider = [Provider::S3, Provider::Google, Provider::Azure]
            .into_iter()
            .find(|provider| provider.scheme() == scheme);
        let provider = provider.ok_or_else(|| PatternError::Scheme(uri.to_owned()))?;
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) {
            return Err(PatternError::Bucket(uri.to_owned()));
        }
        let name = name.to_owned();
        Ok(Some((Self { provider, name }, key)))
    }
}
