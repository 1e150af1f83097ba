//! Where the service keeps things below its data folder.

use std::path::{Path, PathBuf};
use trainyard_core::ids::{RepoName, RunId};
use trainyard_core::node::NodeId;

/// The layout of the data folder. Every part is named after what it holds.
#[derive(Clone, Debug)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// The layout below `root`, which should be absolute.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The data folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The embedded database.
    pub fn database(&self) -> PathBuf {
        self.root.join("trainyard.db")
    }

    /// Content-addressed artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Copies of objects that steps read.
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// Bare mirrors of repositories are made below this.
    pub fn mirrors(&self) -> PathBuf {
        self.root.join("repos")
    }

    /// The mirror of one repository.
    pub fn mirror(&self, repo: &RepoName) -> PathBuf {
        self.mirrors().join(repo.owner()).join(format!("{}.git", repo.name()))
    }

    /// The mirror of what forks ask to be merged into one repository. It is apart: what a stranger wrote is no commit of
    /// the repository. No owner of a repository begins with a dot, so that this is no other one's mirror.
    pub fn fork_mirror(&self, repo: &RepoName) -> PathBuf {
        let forks = self.mirrors().join(".forks");
        forks.join(repo.owner()).join(format!("{}.git", repo.name()))
    }

    /// Everything that is mirrored of one repository, always in the same order.
    pub fn mirrors_of(&self, repo: &RepoName) -> [PathBuf; 2] {
        [self.mirror(repo), self.fork_mirror(repo)]
    }

    /// The source tree of a run, at its commit.
    pub fn checkout(&self, run: &RunId) -> PathBuf {
        self.root.join("checkouts").join(run.as_str())
    }

    /// What runs write while they work: a folder for each.
    pub fn works(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Everything one run writes while it works; removed when it is over.
    pub fn work(&self, run: &RunId) -> PathBuf {
        self.works().join(run.as_str())
    }

    /// What one node of a run writes; executors lay out its attempts in there, by number.
    pub fn node(&self, run: &RunId, node: &NodeId) -> PathBuf {
        self.work(run).join(node.as_str())
    }

    /// What an attempt makes, as executors lay it out where it runs on this machine, a file or folder for each output.
    pub fn attempt_outputs(&self, run: &RunId, node: &NodeId, attempt: u32) -> PathBuf {
        self.node(run, node).join(attempt.to_string()).join("outputs")
    }

    /// The logs of a run.
    pub fn logs(&self, run: &RunId) -> PathBuf {
        self.root.join("logs").join(run.as_str())
    }

    /// The log of one attempt.
    pub fn attempt_log(&self, run: &RunId, node: &NodeId, attempt: u32) -> PathBuf {
        self.logs(run).join(format!("{node}.{attempt}.log"))
    }

    /// The log of one image's build.
    pub fn build_log(&self, run: &RunId, image: &str) -> PathBuf {
        self.logs(run).join(format!("build-{image}.log"))
    }

    /// One locked file for each engine that lives.
    pub fn owners(&self) -> PathBuf {
        self.root.join("owners")
    }

    /// One file for each command that is in hand.
    pub fn hands(&self) -> PathBuf {
        self.root.join("hands")
    }

    /// The lock of the one service of this data folder.
    pub fn service_lock(&self) -> PathBuf {
        self.root.join("service.lock")
    }

    /// The lock on the push targets, which every engine of this folder takes.
    pub fn push_lock(&self) -> PathBuf {
        self.root.join("push.lock")
    }

    /// Who this instance is towards others that write to the same model repositories.
    pub fn identity(&self) -> PathBuf {
        self.root.join("identity.json")
    }

    /// The versions that pushes to a target began to write.
    pub fn attempts(&self, target: &str) -> PathBuf {
        self.root.join("pushing").join(format!("{target}.json"))
    }

    /// The lock on content that is used or collected, which every engine of this folder takes.
    pub fn collect_lock(&self) -> PathBuf {
        self.root.join("collect.lock")
    }

    /// State of the process executor.
    pub fn processes(&self) -> PathBuf {
        self.root.join("processes")
    }
}
