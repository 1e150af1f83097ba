//! The pipelines that somebody may see.

use super::App;
use super::error::ApiError;
use super::who::Who;
use trainyard_core::ids::RepoName;
use trainyard_core::inbound::KnownPipeline;

/// All of them.
pub(super) async fn seen_pipelines(app: &App, who: &Who) -> Result<Vec<KnownPipeline>, ApiError> {
    let sight = app.sight(who).await?;
    let mut all = app.engine.reads().pipelines().await?;
    all.retain(|known| sight.has(Some(&known.repo), &known.name));
    Ok(all)
}

/// One that somebody may see; of another one nobody learns that it is there.
pub(super) async fn known(
    app: &App,
    who: &Who,
    (owner, repo): (&str, &str),
    name: &str,
) -> Result<KnownPipeline, ApiError> {
    let missing = || {
        ApiError::not_found(format!(
            "{owner}/{repo} has no pipeline '{name}' here: push its pipeline file to the default branch"
        ))
    };
    let repo = RepoName::parse(&format!("{owner}/{repo}")).map_err(|_| missing())?;
    let found = app.engine.reads().pipelines_of(&repo).await?;
    let sight = app.sight(who).await?;
    let mut found = found
        .into_iter()
        .filter(|known| sight.has(Some(&known.repo), &known.name));
    found.find(|known| known.name == name).ok_or_else(missing)
}
