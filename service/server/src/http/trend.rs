//! A metric over the runs of a pipeline.

use super::App;
use super::error::ApiError;
use super::extract::{InPath, Parameters};
use super::known::known;
use super::may::Sight;
use super::run_list::{RunQuery, found};
use super::who::Who;
use crate::views::Trend;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

/// Runs of a trend if nothing else is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrendQuery {
    /// Which metric, as runs name it, or `took` for seconds; the first that there is if absent.
    metric: Option<String>,
    /// Of so many runs, the newest, up to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// A metric over the newest runs of a pipeline.
#[utoipa::path(get, path = "/api/v1/pipelines/{owner}/{repo}/{name}/metrics", tag = "runs", operation_id = "get_trend",
    params(("owner" = String, Path), ("repo" = String, Path), ("name" = String, Path), TrendQuery),
    responses((status = 200, body = Trend)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath((owner, repo, name)): InPath<(String, String, String)>,
    Parameters(query): Parameters<TrendQuery>,
) -> Result<Json<Trend>, ApiError> {
    trend(&app, &who, (&owner, &repo), &name, &query).await.map(Json)
}

/// The same for pages.
pub(super) async fn trend(
    app: &App,
    who: &Who,
    (owner, repo): (&str, &str),
    name: &str,
    query: &TrendQuery,
) -> Result<Trend, ApiError> {
    let known = known(app, who, (owner, repo), name).await?;
    let limit = match query.limit.unwrap_or(USUAL) {
        limit @ 1..=MOST => limit,
        other => return Err(ApiError::bad_request(format!("limit is {other}: ask for 1 to {MOST}"))),
    };
    // Another repository may have a pipeline of this name.
    let sight = Sight::Repositories([known.repo.clone()].into());
    let runs = found(app, &sight, RunQuery::of_pipeline(&known.name), limit)
        .await?
        .runs;
    let wanted = query
        .metric
        .as_deref()
        .map(str::trim)
        .filter(|metric| !metric.is_empty());
    Ok(Trend::of(&known.name, &runs, wanted))
}
