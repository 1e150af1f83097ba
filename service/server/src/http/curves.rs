//! What the programs of a run report while it trains.

use super::App;
use super::error::ApiError;
use super::extract::InPath;
use super::runs::row;
use super::who::Who;
use crate::run_logs::StepReport;
use crate::views::RunCurves;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use trainyard_core::run::Run;

/// Metrics that the steps of a run report: as lines of their logs, JSON objects with a whole number `step`, or as scalars
/// in TensorBoard's event files in their outputs.
#[utoipa::path(get, path = "/api/v1/runs/{id}/curves", tag = "runs", operation_id = "get_curves",
    params(("id" = String, Path)), responses((status = 200, body = RunCurves)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<RunCurves>, ApiError> {
    let row = row(&app, &who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    Ok(Json(RunCurves::new(row.id.as_str(), &read(&app, &run).await?)))
}

/// The same for pages, as far as they are written.
pub(super) async fn read(app: &App, run: &Run) -> Result<Vec<StepReport>, ApiError> {
    let (folders, run) = (app.engine.folders_of().clone(), run.clone());
    let _turn = app.log_reads.acquire().await;
    let app = app.clone();
    let read = tokio::task::spawn_blocking(move || app.reported.of_run(&folders, &run));
    read.await
        .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
