//! The pipelines on the default branches, for data events and manual runs.

use crate::error::Result;
use crate::store::Store;
use serde::Serialize;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::plan::Plan;

/// A pipeline to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPipeline {
    /// Its name.
    pub name: String,
    /// The folder of its file.
    pub folder: String,
    /// Ready to run, with the file's own parameters.
    pub plan: Plan,
}

/// A stored pipeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnownPipeline {
    /// Its repository.
    pub repo: RepoName,
    /// The App installation to answer through.
    pub installation_id: Option<i64>,
    /// The default branch.
    pub branch: String,
    /// The commit its file was read at.
    pub commit: CommitSha,
    /// Its name.
    pub name: String,
    /// The folder of its file.
    pub folder: String,
    /// Ready to run.
    pub plan: Plan,
}

impl Store {
    /// Replaces the pipelines of a repository.
    pub async fn put_pipelines(
        &self,
        repo: &RepoName,
        installation_id: Option<i64>,
        branch: &str,
        commit: &CommitSha,
        pipelines: &[NewPipeline],
        at: Micros,
    ) -> Result<()> {
        let _ = (repo, installation_id, branch, commit, pipelines, at);
        self.unwritten()
    }

    /// All pipelines, by repository and name.
    pub async fn pipelines(&self) -> Result<Vec<KnownPipeline>> {
        self.unwritten()
    }
}
