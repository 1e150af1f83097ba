//! What the service tells a pod of its attempt, and what the pod says of its end: two JSON objects in the store.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of both.
pub const FORMAT: u32 = 1;
/// Bytes of an object of outputs; a signed address takes no more than 5 GB at once.
pub const PART_BYTES: u64 = 512 << 20;

/// What is to be done beside a program. Every address is signed for one object and one method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// [`FORMAT`].
    pub format: u32,
    /// What the first pod writes and the second one finds.
    pub claim: Claim,
    /// Inputs.
    pub inputs: Vec<Bring>,
    /// Inputs that come while the program runs.
    pub later: Vec<Later>,
    /// Whether the program makes outputs.
    pub outputs: bool,
    /// Where outputs go, in parts of [`PART_BYTES`].
    pub parts: Vec<String>,
    /// Where the log goes.
    pub log: String,
    /// Where the [`Report`] goes, last.
    pub report: String,
}

/// An object that is made once: who makes it runs the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Where it is put.
    pub put: String,
    /// Where it is read.
    pub get: String,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bring {
    /// Its name in the volume of inputs.
    pub name: String,
    /// What is there.
    pub content: Content,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A file or folder, packed.
    Tree(Object),
    /// A small text.
    Text(String),
    /// A folder of files.
    Files(Vec<StagedObject>),
    /// An empty folder.
    Empty,
}

/// An object of the store, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Where it is read.
    pub get: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A file in a folder of such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedObject {
    /// Its name there.
    pub name: String,
    /// Its bytes.
    pub object: Object,
}

/// A packed folder whose content is shown when it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// The name of its folder in the volume of later inputs.
    pub name: String,
    /// Where it is said that it is there, with its hash.
    pub marker: String,
    /// Where it is read.
    pub get: String,
    /// Where it is said that it is shown.
    pub shown: String,
}

/// What came later: the marker of a [`Later`] input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its name in the folder.
    pub name: String,
    /// Its bytes.
    pub packed: Packed,
}

/// What a pod says of the end of its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The pod's uid: of several pods of a job one counts.
    pub pod: String,
    /// How it ended.
    pub end: End,
    /// What it said.
    pub log: Option<Packed>,
    /// The parts of what it made, in order.
    pub outputs: Vec<Packed>,
}

pub use crate::pack::Packed;

/// How a program ended, as its parent saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With this code; after a signal 128 and its number.
    Code(i32),
    /// It never ran.
    NotExecuted {
        /// The program.
        program: String,
        /// What the system said.
        why: String,
    },
    /// Its parent was killed with it: the pod's status says more.
    Unseen,
}

/// Why a task or report cannot be read; a sentence.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Somebody changed it.
    #[error("what a pod was to do is not what the service wrote: look for who else writes to the bucket")]
    Changed,
    /// Another version's.
    #[error(
        "the stage image and the service are of different versions ({0}): build and push the stage image of this version"
    )]
    Version(String),
}

impl Task {
    /// Reads what the service wrote, whose SHA-256 is known.
    pub fn read(bytes: &[u8], sha256: &str) -> Result<Self, TaskError> {
        if hex::encode(Sha256::digest(bytes)) != sha256.trim() {
            return Err(TaskError::Changed);
        }
        versioned(bytes)
    }
}

impl Report {
    /// Reads what a pod wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, TaskError> {
        versioned(bytes)
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

fn versioned<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, TaskError> {
    let wrong = |error: serde_json::Error| TaskError::Version(error.to_string());
    let found: Version = serde_json::from_slice(bytes).map_err(wrong)?;
    if found.format != FORMAT {
        return Err(TaskError::Version(format!("{} and {FORMAT}", found.format)));
    }
    serde_json::from_slice(bytes).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_written_or_not_at_all() {
        let written = br#"{"format":1,"claim":{"put":"p","get":"g"},"inputs":[{"name":"0","content":{"text":"t"}},
            {"name":"1","content":"empty"},{"name":"2","content":{"tree":{"get":"g","sha256":"00"}}},
            {"name":"3","content":{"files":[{"name":"1.csv","object":{"get":"g","sha256":"00"}}]}}],
            "later":[{"name":"models","marker":"m","get":"g","shown":"s"}],"outputs":true,"parts":["p"],"log":"l","report":"r"}"#;
        let sha256 = hex::encode(Sha256::digest(written));
        let task = Task::read(written, &sha256).unwrap();
        assert_eq!((task.inputs.len(), task.outputs), (4, true));
        assert!(matches!(Task::read(b"{}", &sha256), Err(TaskError::Changed)));
        let newer = br#"{"format":2}"#;
        let told = Task::read(newer, &hex::encode(Sha256::digest(newer))).unwrap_err();
        assert!(told.to_string().contains("different versions (2 and 1)"), "{told}");
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let written = br#"{"format":1,"pod":"u","end":{"code":3},"log":{"sha256":"00","bytes":7},"outputs":[]}"#;
        assert_eq!(Report::read(written).unwrap().end, End::Code(3));
        for end in [r#""unseen""#, r#"{"not_executed":{"program":"a","why":"b"}}"#] {
            let written = format!(r#"{{"format":1,"pod":"u","end":{end},"log":null,"outputs":[]}}"#);
            Report::read(written.as_bytes()).unwrap();
        }
        assert!(Report::read(b"<html>").is_err());
    }
}
