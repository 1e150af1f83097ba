//! Pipelines as an event meets them: at the commit that it names, or known from the default branch.

use crate::ids::{CommitSha, RepoName};
use crate::plan::Plan;
use crate::problem::Problem;

/// A pipeline file found at a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPipeline {
    /// Its folder, for example `pipelines/flights`.
    pub folder: String,
    /// The plan, or everything that is wrong with the file.
    pub plan: Result<Plan, Vec<Problem>>,
}

impl FoundPipeline {
    /// The name to report under, also when the file cannot be read.
    pub fn name(&self) -> &str {
        match &self.plan {
            Ok(plan) => &plan.pipeline,
            Err(_) => self.folder.rsplit('/').next().unwrap_or(&self.folder),
        }
    }
}

/// A pipeline at the head of its default branch, as far as a push told.
#[derive(Clone, Debug, PartialEq)]
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
