//! The pipelines of a repository at one commit.

use super::Source;
use super::checkout::PIPELINES;
use crate::source::checkout::{self, SourceError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::inbound::FoundPipeline;
use trainyard_core::plan::Plan;
use trainyard_core::problem::Problem;
use trainyard_core::run::RunRequest;
use trainyard_core::spec;
use trainyard_github::git::Mirror;

/// The file every pipeline folder has.
pub const PIPELINE_FILE: &str = "pipeline.yaml";

/// Every `pipelines/<name>/pipeline.yaml` of the commit, by folder.
pub(crate) async fn pipelines(
    at: &Source,
    repo: &RepoName,
    installation: Option<i64>,
    commit: &CommitSha,
) -> Result<Vec<FoundPipeline>, SourceError> {
    let mirror = checkout::fetch(at, repo, installation, commit).await?;
    let mut found = Vec::new();
    let is_pipeline = |path: &str| matches!(path.split('/').collect::<Vec<_>>()[..], [_, _, PIPELINE_FILE]);
    for (path, text) in mirror.read_all(commit, PIPELINES, is_pipeline).await? {
        let text = String::from_utf8_lossy(&text);
        let folder = path.trim_end_matches(PIPELINE_FILE).trim_end_matches('/').to_owned();
        at.places.put(commit, &folder, &text);
        let plan = load(&mirror, commit, &path, &text, &Map::new()).await?;
        found.push(FoundPipeline { folder, plan });
    }
    Ok(found)
}

/// Where the steps and sections of a run's pipeline file are, to annotate it; empty where that cannot be told.
pub(crate) async fn lines(at: &Source, request: &RunRequest) -> BTreeMap<String, u32> {
    let (Some(repo), Some(commit)) = (&request.repo, &request.commit) else {
        return BTreeMap::new();
    };
    // The file of a fork's run is the base's, and a stranger's commit is none of the mirror's.
    if request.fork.is_some() {
        return BTreeMap::new();
    }
    if let Some(known) = at.places.get(commit, &request.folder) {
        return known;
    }
    let Ok(mirror) = checkout::fetch(at, repo, request.installation_id, commit).await else {
        return BTreeMap::new();
    };
    let path = format!("{}/{PIPELINE_FILE}", request.folder);
    let text = mirror.show(commit, &path).await.ok().flatten().unwrap_or_default();
    spec::lines(&String::from_utf8_lossy(&text))
}

/// The plan of a pipeline file of the commit, or everything that is wrong with it, the files of the
/// repository that its steps read included.
pub(crate) async fn load(
    mirror: &Mirror,
    commit: &CommitSha,
    path: &str,
    text: &str,
    parameters: &Map<String, Value>,
) -> Result<Result<Plan, Vec<Problem>>, SourceError> {
    let checked = spec::check(path, text, parameters);
    let Some(plan) = checked.plan.as_ref().filter(|plan| plan.files().next().is_some()) else {
        return Ok(checked.finished());
    };
    let known = mirror.list(commit, "").await?;
    let submodules = match plan.files().all(|(_, _, path)| known.iter().any(|known| known == path)) {
        true => Vec::new(),
        // Only of what is missing it matters whose it is.
        false => mirror.submodules(commit).await?,
    };
    let short: String = commit.as_str().chars().take(7).collect();
    let missing = spec::missing_files(plan, path, text, (&known, &submodules), &format!("commit {short}"));
    Ok(checked.and(missing).finished())
}
