//! What another gate would have said of a run, and the plots of its models.

use super::App;
use super::body;
use super::error::ApiError;
use super::extract::InPath;
use super::runs::row;
use super::who::Who;
use crate::views::{OtherGate, Replay, RunPlots};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use trainyard_core::run::Run;
use trainyard_core::spec;
use trainyard_engine::{EvaluationError, Past};
use trainyard_store::RunRow;
use utoipa::ToSchema;

/// Characters of a gate: one of some hundred metrics and slices.
const LONGEST: usize = 64 * 1024;
/// Recorded runs that are judged anew beside the one that is asked about.
const PAST: usize = 20;

/// The other gate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"gate\": \"metrics: …\"}")]
pub(super) struct GateAsked {
    /// The text of the gate section of a pipeline file, or of a file that has it under `gate`.
    gate: String,
}

/// What another gate says of the model of a run and of the newest recorded ones: nothing is trained, and no verdict is
/// changed.
#[utoipa::path(post, path = "/api/v1/runs/{id}/gate", tag = "runs", operation_id = "judge_with",
    params(("id" = String, Path)), request_body(content = GateAsked), responses((status = 200, body = OtherGate)))]
pub(super) async fn judge(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<OtherGate>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: GateAsked = body::json(&parts, incoming).await?;
    let row = row(&app, &who, &id).await?;
    judged(&app, &row, &asked.gate).await.map(Json)
}

/// The same for pages, of a run that may be seen.
pub(super) async fn judged(app: &App, row: &RunRow, text: &str) -> Result<OtherGate, ApiError> {
    if text.len() > LONGEST {
        return Err(ApiError::bad_request(format!(
            "the gate has {} bytes, and at most {LONGEST} are read",
            text.len()
        )));
    }
    let gate = spec::load_gate("gate", text).map_err(|problems| {
        let shown: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
        ApiError::bad_request(format!("the gate is wrong\n{}", shown.join("\n")))
    })?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let then = run.verdict.as_ref().map(|verdict| verdict.blessing());
    let past = Past {
        pipeline: Some(row.pipeline.clone()),
        repo: row.repo.clone(),
        limit: PAST,
    };
    let _turn = turn(app).await?;
    let verdict = app
        .engine
        .judged_with(&gate, run)
        .await
        .map_err(|error| refused(row, &error))?;
    let past = match row.repo {
        Some(_) => app.engine.replay(&gate, &past).await?,
        // Of a folder of this machine nobody knows which other runs are of the same.
        None => Vec::new(),
    };
    Ok(OtherGate {
        run: row.id.to_string(),
        then,
        verdict,
        past: Replay::from(past.as_slice()),
    })
}

/// Reliability, ROC and precision against recall of the models that a run compared.
#[utoipa::path(get, path = "/api/v1/runs/{id}/plots", tag = "runs", operation_id = "get_plots",
    params(("id" = String, Path)), responses((status = 200, body = RunPlots)))]
pub(super) async fn plots(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<RunPlots>, ApiError> {
    let row = row(&app, &who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    plots_of(&app, &row, run).await.map(Json)
}

/// The same for pages, of a run that may be seen.
pub(super) async fn plots_of(app: &App, row: &RunRow, run: Run) -> Result<RunPlots, ApiError> {
    let _turn = turn(app).await?;
    let curves = app.engine.curves(run).await.map_err(|error| refused(row, &error))?;
    Ok(RunPlots {
        run: row.id.to_string(),
        curves,
    })
}

/// Few at once: evaluations take memory as logs do.
async fn turn(app: &App) -> Result<tokio::sync::SemaphorePermit<'_>, ApiError> {
    let closed = |_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping");
    app.log_reads.acquire().await.map_err(closed)
}

fn refused(row: &RunRow, error: &EvaluationError) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        format!("run {} cannot be judged anew: {error}", row.id),
    )
}
