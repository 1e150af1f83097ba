//! The versions of a push target, and two of them side by side.

use super::App;
use super::error::ApiError;
use super::extract::{InPath, Parameters};
use super::models::seen_with_versions;
use super::who::Who;
use crate::views::{VersionDiff, Versions};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

/// The versions of a push target, the oldest first, with their metrics and names.
#[utoipa::path(get, path = "/api/v1/targets/{name}/versions", tag = "models", operation_id = "list_versions",
    params(("name" = String, Path)), responses((status = 200, body = Versions)))]
pub(super) async fn list(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
) -> Result<Json<Versions>, ApiError> {
    known(&app, &who, &name).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DiffQuery {
    /// The one version.
    from: String,
    /// The other one.
    to: String,
}

/// What differs between two versions of a push target: data, commit, parameters, metrics, images, gate, steps.
#[utoipa::path(get, path = "/api/v1/targets/{name}/diff", tag = "models", operation_id = "diff_versions",
    params(("name" = String, Path), DiffQuery), responses((status = 200, body = VersionDiff)))]
pub(super) async fn diff(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    Parameters(query): Parameters<DiffQuery>,
) -> Result<Json<VersionDiff>, ApiError> {
    diff_of(&app, &who, &name, &query).await.map(Json)
}

/// The same for pages.
pub(super) async fn diff_of(app: &App, who: &Who, name: &str, query: &DiffQuery) -> Result<VersionDiff, ApiError> {
    known(app, who, name).await?;
    let versions = [query.from.trim(), query.to.trim()];
    let diff = VersionDiff::read(app.engine.reads(), name, versions).await?;
    diff.map_err(ApiError::not_found)
}

/// The versions of a target that somebody may see; of another one nobody learns that it is there.
async fn known(app: &App, who: &Who, name: &str) -> Result<Versions, ApiError> {
    let mut seen = seen_with_versions(app, who).await?.into_iter();
    let found = seen.find(|(target, _)| target.name == name);
    let missing = || {
        ApiError::not_found(format!(
            "there is no push target '{name}': see [targets] in trainyard.toml"
        ))
    };
    Ok(found.ok_or_else(missing)?.1)
}
