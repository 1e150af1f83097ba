//! Where a run's files are.

use super::pipelines::KnownPipeline;
use crate::event::{DataArrived, PullRequest, Push};
use crate::ids::{CommitSha, EventId, Micros, RepoName, RunId};
use crate::plan::Plan;
use crate::run::{Fork, RunRequest};
use crate::trigger::Cause;
use std::collections::BTreeMap;

/// The repository, commit and data of a run that an event starts. The default is a folder on this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    pub(super) repo: Option<RepoName>,
    pub(super) installation_id: Option<i64>,
    pub(super) commit: Option<CommitSha>,
    pub(super) branch: Option<String>,
    pub(super) pull_request: Option<u64>,
    pub(super) base: Option<String>,
    pub(super) fork: Option<Fork>,
    pub(super) newest_spans: BTreeMap<String, String>,
    pub(super) waited_spans: BTreeMap<String, Vec<String>>,
    pub(super) as_of_spans: BTreeMap<String, String>,
}

impl Origin {
    pub(super) fn push(push: &Push) -> Self {
        Self {
            repo: Some(push.repo.clone()),
            installation_id: push.installation_id,
            commit: Some(push.after.clone()),
            branch: Some(push.branch.clone()),
            ..Self::default()
        }
    }

    pub(super) fn pull_request(pull: &PullRequest) -> Self {
        Self {
            repo: Some(pull.repo.clone()),
            installation_id: pull.installation_id,
            commit: Some(pull.head_sha.clone()),
            branch: Some(pull.head_branch.clone()),
            pull_request: Some(pull.number),
            base: Some(pull.base_branch.clone()),
            fork: pull.is_fork().then(|| Fork {
                repo_id: pull.head_repo_id,
                base_sha: pull.base_sha.clone(),
            }),
            ..Self::default()
        }
    }

    /// The head of a default branch.
    pub(super) fn at_head(pipeline: &KnownPipeline) -> Self {
        Self {
            repo: Some(pipeline.repo.clone()),
            installation_id: pipeline.installation_id,
            commit: Some(pipeline.commit.clone()),
            branch: Some(pipeline.branch.clone()),
            ..Self::default()
        }
    }

    /// The head of a default branch, and data up to the span that arrived.
    pub(super) fn data(pipeline: &KnownPipeline, arrived: &DataArrived) -> Self {
        let newest = arrived.span.iter().map(|span| (arrived.source.clone(), span.clone()));
        Self {
            newest_spans: newest.collect(),
            ..Self::at_head(pipeline)
        }
    }

    /// The same, with what was announced together with it.
    pub(super) fn waited(pipeline: &KnownPipeline, arrived: &DataArrived, spans: Vec<String>) -> Self {
        let others = (!spans.is_empty()).then(|| (arrived.source.clone(), spans));
        Self {
            waited_spans: others.into_iter().collect(),
            ..Self::data(pipeline, arrived)
        }
    }

    /// A request for one run of `plan`.
    pub(super) fn request(
        &self,
        (id, event, at): (RunId, EventId, Micros),
        folder: &str,
        plan: Plan,
        cause: &Cause,
    ) -> RunRequest {
        RunRequest {
            id,
            event: Some(event),
            trigger: cause.kind().to_owned(),
            cause: cause.sentence(),
            repo: self.repo.clone(),
            installation_id: self.installation_id,
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            pull_request: self.pull_request,
            base: self.base.clone(),
            fork: self.fork.clone(),
            folder: folder.to_owned(),
            newest_spans: self.newest_spans.clone(),
            waited_spans: self.waited_spans.clone(),
            as_of_spans: self.as_of_spans.clone(),
            work_tree: None,
            rerun: None,
            trial: cause.is_trial(),
            may_push: cause.may_push() && self.fork.is_none(),
            created_at: at,
            plan,
        }
    }
}
