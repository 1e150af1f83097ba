//! What needs somebody's attention: the service's own troubles, targets that are not as their ledger says, and pipeline
//! files at the head of a branch that nobody can run.

use super::Models;
use serde::Serialize;
use std::collections::BTreeSet;
use trainyard_core::ids::RepoName;
use trainyard_core::report::{Answer, AskedBy, Finding, StatusState};
use trainyard_store::{KnownRepository, Reads, Result};
use utoipa::ToSchema;

/// Repositories that are looked at.
const REPOSITORIES: usize = 100;
/// Branches of one of which no pipeline is known.
const BRANCHES: usize = 10;

/// What needs attention.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attention {
    /// The service first, then targets, then repositories.
    pub items: Vec<AttentionItem>,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttentionItem {
    /// What it is about: `service`, `target` or `repository`.
    pub about: &'static str,
    /// What it is called there: the target, or `owner/name`.
    pub name: Option<String>,
    /// The pipeline.
    pub pipeline: Option<String>,
    /// The branch whose head it is.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// What is wrong.
    pub sentence: String,
}

impl AttentionItem {
    fn new(about: &'static str, sentence: String) -> Self {
        Self {
            about,
            name: None,
            pipeline: None,
            branch: None,
            commit: None,
            sentence,
        }
    }

    fn of_target(name: &str, finding: String) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::new("target", finding)
        }
    }

    fn of_answer(answer: Answer, branch: &str) -> Self {
        Self {
            name: Some(answer.subject.repo.to_string()),
            pipeline: Some(answer.subject.pipeline),
            branch: Some(branch.to_owned()),
            commit: Some(answer.subject.commit.to_string()),
            ..Self::new("repository", answer.status.description)
        }
    }

    /// For people: where, and what.
    pub fn told(&self) -> String {
        match (&self.name, &self.branch) {
            (Some(repo), Some(branch)) => format!("{repo}, branch {branch}: {}", self.sentence),
            _ => self.sentence.clone(),
        }
    }
}

impl Attention {
    /// Of the service's own troubles, of these targets and of these repositories.
    pub async fn read(
        store: &Reads,
        troubles: Vec<String>,
        models: &Models,
        repositories: Vec<KnownRepository>,
    ) -> Result<Self> {
        let service = troubles
            .into_iter()
            .map(|trouble| AttentionItem::new("service", trouble));
        let mut items: Vec<AttentionItem> = service.collect();
        let finding = |target: &super::TargetView| {
            let finding = target.finding.clone()?;
            Some(AttentionItem::of_target(&target.name, finding))
        };
        items.extend(models.targets.iter().filter_map(finding));
        for known in repositories.into_iter().take(REPOSITORIES) {
            items.extend(of_repository(store, &known.repo).await?);
        }
        Ok(Self { items })
    }

    /// With troubles of the service that were met meanwhile.
    pub fn add_troubles(&mut self, troubles: Vec<String>) {
        let more = troubles
            .into_iter()
            .map(|trouble| AttentionItem::new("service", trouble));
        self.items.splice(0..0, more);
    }
}

/// What is wrong with the pipeline files at the head of its default branch.
async fn of_repository(store: &Reads, repo: &RepoName) -> Result<Vec<AttentionItem>> {
    let known = store.pipelines_of(repo).await?;
    let mut branches: BTreeSet<String> = known.into_iter().map(|known| known.branch).collect();
    if branches.is_empty() {
        let seen = store.seen_repository(repo).await?.branches;
        branches.extend(seen.into_keys().take(BRANCHES));
    }
    let mut items = Vec::new();
    for branch in branches {
        let Some(head) = store.branch_head(repo, &branch).await? else {
            continue;
        };
        let wrong = store.answers_of(repo, &head).await?.into_iter().filter(|answer| {
            answer.finding == Finding::Unjudged
                && answer.question.asked_by == AskedBy::Branch
                && answer.question.base == branch
                && matches!(answer.status.state, StatusState::Error | StatusState::Failure)
        });
        items.extend(wrong.map(|answer| AttentionItem::of_answer(answer, &branch)));
    }
    Ok(items)
}
