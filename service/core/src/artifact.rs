//! What steps exchange.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// `sha256:` and 64 lowercase hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A digest that is not `sha256:` and 64 lowercase hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a digest: expected sha256: and 64 lowercase hex digits")]
pub struct InvalidDigest(pub String);

impl Digest {
    /// Parses `sha256:…`.
    pub fn parse(text: &str) -> Result<Self, InvalidDigest> {
        let fine = text
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDigest(text.to_owned()))
        }
    }

    /// The digest of 32 hash bytes.
    pub fn from_sha256(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(bytes)))
    }

    /// With the `sha256:` prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 hex digits.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// The file that is all of an artifact of this type, which is a folder; `None` for types of another layout.
pub fn only_file(type_name: &str) -> Option<&'static str> {
    match type_name {
        "Schema" => Some("schema.json"),
        "InferenceResult" => Some("predictions.parquet"),
        "ModelEvaluation" => Some("evaluation.json"),
        _ => None,
    }
}

/// The type of a file of the repository that a step of one's own reads: the file itself, no folder.
pub const FILE: &str = "File";

/// An artifact: its place in ML Metadata and the bytes it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// MLMD's unique artifact name, `<run>/<step>/<output>`: known before the row exists.
    pub name: String,
    /// TFX's type name, for example `Examples` or `Model`.
    pub type_name: String,
    /// The content: digest over the sorted tree.
    pub digest: Digest,
    /// Where the bytes are; a folder or a file, absolute.
    pub uri: String,
    /// What the component said about it.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// Artifacts for tests.
#[cfg(test)]
pub(crate) mod samples {
    use super::{ArtifactRef, Digest};

    /// A model whose content is told by one byte.
    pub(crate) fn model(content: u8) -> ArtifactRef {
        ArtifactRef {
            name: format!("run/train/{content}"),
            type_name: "Model".to_owned(),
            digest: Digest::from_sha256(&[content; 32]),
            uri: String::new(),
            properties: serde_json::Map::new(),
        }
    }
}
