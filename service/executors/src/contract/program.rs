//! What to run, and what it is given.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::gpu::Gpus;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;
use trainyard_core::secret::{SecretValue, path_variable};

/// One attempt of one node of one run. The same key always names the same program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    /// The run.
    pub run: RunId,
    /// The node.
    pub node: NodeId,
    /// 1 for the first attempt.
    pub attempt: u32,
}

impl AttemptKey {
    /// The attempt with this number, from 1.
    pub fn new(run: &RunId, node: NodeId, attempt: u32) -> Self {
        Self {
            run: run.clone(),
            node,
            attempt,
        }
    }

    /// The name of a folder of its own.
    pub(crate) fn folder(&self) -> String {
        format!("{}@{}@{}", self.run, self.node, self.attempt)
    }

    /// The attempt whose folder is called so.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        let mut parts = name.split('@');
        let key = Self {
            run: RunId::new(parts.next()?),
            node: NodeId::parse(parts.next()?),
            attempt: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(key)
    }
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.node, self.attempt)
    }
}

/// Something the program may read and not write. It is named by what it is, never by a place on this
/// machine: how it gets to the program is the executor's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where a program in a container sees it, absolute. Its last part tells the inputs of a program apart.
    pub target: PathBuf,
    /// What is there.
    pub content: InputContent,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputContent {
    /// The file or folder that is kept under this digest.
    Tree(Digest),
    /// A small file.
    Bytes(Vec<u8>),
    /// A folder with files of data sources.
    Files(Vec<StagedFile>),
    /// An empty folder.
    Empty,
    /// A folder that is empty until [`Executor::show`](super::Executor::show) puts something there.
    Later,
}

/// A file of a data source, in a folder of such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFile {
    /// Its name in the folder.
    pub name: String,
    /// Where it is below the data root.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// A secret that a program is given. Its value is in nothing that is stored or printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSecret {
    /// The name of its file, and of its variable.
    pub place: String,
    /// What is secret.
    pub value: SecretValue,
    /// Whether it is an environment variable as well.
    pub environment: bool,
}

/// Where a program in a container finds its secrets.
pub const SECRETS: &str = "/run/secrets";

/// Whether the program can reach a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// None at all, not even to the host.
    #[default]
    None,
    /// The executor's ordinary outbound network.
    Bridge,
}

/// What to run. The struct is the allow-list: there is no field for privileges, host paths, host
/// namespaces, devices but GPUs, or sockets, so no pipeline file can ask for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// An image id (`sha256:…`) for container executors; ignored by `process`.
    pub image: Option<String>,
    /// The command line; empty is the image's own, which only a container has.
    pub command: Vec<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Secrets, as files in [`SECRETS`]. They are read where the program is started: one that is there is found again
    /// without them.
    pub secrets: Vec<ProgramSecret>,
    /// What the program reads.
    pub inputs: Vec<Input>,
    /// The folder in which a program in a container makes its outputs, absolute; without one it makes none.
    pub outputs: Option<PathBuf>,
    /// Where `process` starts the program; containers start in the image's own folder.
    pub working_directory: Option<PathBuf>,
    /// CPUs, for example 0.5.
    pub cpus: Option<f64>,
    /// Memory in bytes; a program over it is killed.
    pub memory_bytes: Option<u64>,
    /// Bytes in `/dev/shm`, which count as memory; 64 MiB if absent. Only containers have one of their own.
    pub shm_bytes: Option<u64>,
    /// Bytes of the largest file that it may write, holes counted. Only containers keep to it.
    pub largest_file: Option<u64>,
    /// GPUs that nobody else has meanwhile; the executor chooses them. `process` gives none.
    pub gpus: Option<Gpus>,
    /// Network reach.
    pub network: Network,
}

impl Program {
    /// All of its environment, its secrets being in this folder.
    pub(crate) fn variables(&self, secrets: &Path) -> Vec<(String, String)> {
        let mut variables: Vec<_> = self.environment.clone().into_iter().collect();
        for secret in &self.secrets {
            let file = secrets.join(&secret.place).display().to_string();
            variables.push((path_variable(&secret.place), file));
            if let (true, Ok(text)) = (secret.environment, secret.value.text()) {
                variables.push((secret.place.clone(), text.to_owned()));
            }
        }
        variables
    }
}
