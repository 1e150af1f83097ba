//! Data: the sources of pipelines, and what runs measured of them.

use super::App;
use super::error::ApiError;
use super::extract::InPath;
use super::known::{known, seen_pipelines};
use super::runs::row;
use super::who::Who;
use crate::views::{RunData, SourceView, Sources, missing_over};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use trainyard_core::run::Run;
use trainyard_engine::JudgedData;

/// Runs whose statistics are read for what is missing over time.
const MEASURED: usize = 8;

/// The data sources of the pipelines, with what is there of them.
#[utoipa::path(get, path = "/api/v1/data", tag = "data", operation_id = "list_sources", responses((status = 200, body = Sources)))]
pub(super) async fn list(State(app): State<App>, who: Who) -> Result<Json<Sources>, ApiError> {
    sources(&app, &who).await.map(Json)
}

/// Those that somebody may see.
pub(super) async fn sources(app: &App, who: &Who) -> Result<Sources, ApiError> {
    let known = seen_pipelines(app, who).await?;
    Ok(Sources::read(app.engine.external(), &known).await)
}

/// A data source: its spans and versions, the runs that read them, and the missing values over time.
#[utoipa::path(get, path = "/api/v1/data/{owner}/{repo}/{pipeline}/{source}", tag = "data", operation_id = "get_source",
    params(("owner" = String, Path), ("repo" = String, Path), ("pipeline" = String, Path), ("source" = String, Path)),
    responses((status = 200, body = SourceView)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath((owner, repo, pipeline, source)): InPath<(String, String, String, String)>,
) -> Result<Json<SourceView>, ApiError> {
    source_of(&app, &who, (&owner, &repo), &pipeline, &source)
        .await
        .map(Json)
}

/// One that somebody may see.
pub(super) async fn source_of(
    app: &App,
    who: &Who,
    repo: (&str, &str),
    pipeline: &str,
    source: &str,
) -> Result<SourceView, ApiError> {
    let known = known(app, who, repo, pipeline).await?;
    let Some((mut view, runs)) = SourceView::read(app.engine.reads(), app.engine.external(), &known, source).await?
    else {
        let has: Vec<&str> = known.plan.data.keys().map(String::as_str).collect();
        return Err(ApiError::not_found(format!(
            "pipeline '{pipeline}' has no data source '{source}': its file names {}",
            if has.is_empty() {
                "none".to_owned()
            } else {
                has.join(", ")
            }
        )));
    };
    let mut measured = Vec::new();
    for run in runs.into_iter().take(MEASURED) {
        let plan = run.request.plan.clone();
        let data = judged(app, run).await?.into_iter();
        let of_it = data.filter(|data| plan.sources_of(&data.step).contains(source));
        measured.extend(of_it.filter_map(|data| Some((data.span.clone()?, data))));
    }
    view.missing = missing_over(&measured);
    Ok(view)
}

/// What the validators of a run met: distributions now, before and in serving, distances, anomalies, the schema's changes.
#[utoipa::path(get, path = "/api/v1/runs/{id}/data", tag = "data", operation_id = "get_run_data", params(("id" = String, Path)),
    responses((status = 200, body = RunData)))]
pub(super) async fn of_run(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<RunData>, ApiError> {
    let row = row(&app, &who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    Ok(Json(RunData {
        run: row.id.to_string(),
        data: judged(&app, run).await?,
    }))
}

/// Few at once: statistics take memory as logs do.
pub(super) async fn judged(app: &App, run: Run) -> Result<Vec<JudgedData>, ApiError> {
    let closed = |_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping");
    let _turn = app.log_reads.acquire().await.map_err(closed)?;
    Ok(app.engine.judged_data(run).await)
}
