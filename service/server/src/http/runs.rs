//! Runs: listed, shown, started and cancelled.

use super::App;
use super::body;
use super::error::{ApiError, ErrorBody};
use super::extract::{InPath, Parameters};
use super::may::On;
use super::run_list::{RunQuery, USUAL, found};
use super::who::Who;
use crate::run_logs;
use crate::views::{RunDetail, Runs, Why};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use trainyard_core::access::{Deed, Role};
use trainyard_core::ids::{RepoName, RunId};
use trainyard_core::log;
use trainyard_core::run::{Run, Which};
use trainyard_engine::{ManualError, RerunError, RunAsked};
use trainyard_store::{RunRow, StoreError};
use utoipa::{IntoParams, ToSchema};

const DEFAULT_TAIL: u64 = 64 * 1024;
pub(super) const LONGEST_TAIL: u64 = 32 * 1024 * 1024;

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "list_runs", params(RunQuery),
    responses((status = 200, body = Runs)))]
pub(super) async fn list(
    State(app): State<App>,
    who: Who,
    Parameters(query): Parameters<RunQuery>,
) -> Result<Json<Runs>, ApiError> {
    found(&app, &app.sight(&who).await?, query, USUAL).await.map(Json)
}

/// A run that somebody may see; of another one nobody learns that it is there.
pub(super) async fn row(app: &App, who: &Who, id: &str) -> Result<RunRow, ApiError> {
    let row = seen_row(app, who, id).await?;
    // The beginning of an id may be mistyped, a whole one comes from somewhere.
    let whole = if id.len() < WHOLE {
        None
    } else {
        app.config.retention.max_record_age
    };
    row.ok_or_else(|| ApiError::not_found(format!("there is no run '{id}'{}", gone(whole))))
}

/// The same; `None` where there is none.
pub(super) async fn seen_row(app: &App, who: &Who, id: &str) -> Result<Option<RunRow>, ApiError> {
    let row = match app.engine.reads().run_row(id).await {
        Ok(row) => row,
        // Its sentence names runs that may be others'.
        Err(StoreError::Conflict(_) | StoreError::Unreadable(_)) if !app.sight(who).await?.is_all() => None,
        Err(error) => return Err(error.into()),
    };
    let Some(found) = row else { return Ok(None) };
    match app.sees(who, Role::Viewer, On::run(&found)).await {
        Ok(()) => Ok(Some(found)),
        Err(error) if error.status() == StatusCode::FORBIDDEN => Ok(None),
        Err(error) => Err(error),
    }
}

/// Characters of a whole id of a run.
const WHOLE: usize = 32;

/// That it may have been there and is too old: who looks for it should not doubt that it was.
pub(super) fn gone(age: Option<Duration>) -> String {
    let days = age.map(|age| age.as_secs() / 86_400);
    days.map_or_else(String::new, |days| {
        format!(": records older than {days} days are removed, as [retention] says")
    })
}

/// Everything about a run. The beginning of its id is enough, if only one run begins so.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "get_run", params(("id" = String, Path)),
    responses((status = 200, body = RunDetail)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<RunDetail>, ApiError> {
    let row = row(&app, &who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let events = app.engine.reads().run_events(&row.id, 0).await?;
    let open = app.engine.reads().open_intents().await?;
    Ok(Json(RunDetail::new(row, run, events, &open)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// The attempt, from 1; the newest if absent.
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// Only the last so many bytes, up to 32 MiB; 64 KiB if absent.
    tail: Option<u64>,
    /// Whether the bytes are as the program wrote them, with escape sequences and whatever else a terminal obeys.
    raw: Option<bool>,
}

/// What a step wrote; `build-<image>` for the build of an image.
#[utoipa::path(get, path = "/api/v1/runs/{id}/logs/{step}", tag = "runs", operation_id = "get_log",
    params(("id" = String, Path), ("step" = String, Path), LogQuery),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(super) async fn log(
    State(app): State<App>,
    who: Who,
    InPath((id, step)): InPath<(String, String)>,
    Parameters(query): Parameters<LogQuery>,
) -> Result<Response, ApiError> {
    let bytes = match query.tail.unwrap_or(DEFAULT_TAIL) {
        bytes @ 0..=LONGEST_TAIL => bytes,
        other => {
            return Err(ApiError::bad_request(format!(
                "tail is {other}: ask for 0 to {LONGEST_TAIL} bytes"
            )));
        }
    };
    if query.attempt == Some(0) {
        return Err(ApiError::bad_request("attempt is 0: attempts are counted from 1"));
    }
    let row = row(&app, &who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let raw = query.raw == Some(true);
    let read = read_log(&app, run, step, (query.attempt, bytes), move |read| {
        if raw {
            return read;
        }
        let lines = log::lines(&String::from_utf8_lossy(&read)).into_iter();
        lines.map(|line| line + "\n").collect::<String>().into_bytes()
    });
    let text = read.await?.map_err(ApiError::not_found)?;
    // A log is text of strangers: never anything a browser would run.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, text).into_response())
}

/// The last bytes that an attempt of a step wrote, in the shape that `shape` gives them beside the work of others; or
/// why there are none.
pub(super) async fn read_log<T: Send + 'static>(
    app: &App,
    run: Run,
    step: String,
    (attempt, bytes): (Option<u32>, u64),
    shape: impl FnOnce(Vec<u8>) -> T + Send + 'static,
) -> Result<Result<T, String>, ApiError> {
    let folders = app.engine.folders_of().clone();
    let _turn = app.log_reads.acquire().await;
    let read = tokio::task::spawn_blocking(move || {
        let found = run_logs::find(&folders, &run, &step, attempt).map_err(|error| error.to_string())?;
        let read = found.tail(bytes);
        let read = read.map_err(|error| format!("the log cannot be read: {error}"))?;
        Ok(shape(read))
    });
    read.await
        .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, expecting = "an object such as {\"actor\": \"ada\"}")]
pub(super) struct Asked {
    /// Who asks; the record has it in parentheses behind who proved to be it.
    pub(super) actor: Option<String>,
}

/// A run was asked to end.
#[derive(Serialize, ToSchema)]
pub(super) struct Cancelling {
    run: String,
    status: &'static str,
}

/// Asks a run to end.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", operation_id = "cancel_run",
    params(("id" = String, Path)), request_body(content = Option<Asked>),
    responses((status = 202, body = Cancelling), (status = 409, body = ErrorBody, description = "over already")))]
pub(super) async fn cancel(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: Asked = body::json(&parts, incoming).await?;
    let run = cancelled(&app, &who, &id, asked.actor.as_deref()).await?;
    let answer = Cancelling {
        run: run.to_string(),
        status: "cancelling",
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Asks a run to end, in somebody's name.
pub(super) async fn cancelled(app: &App, who: &Who, id: &str, said: Option<&str>) -> Result<RunId, ApiError> {
    let row = row(app, who, id).await?;
    app.may(who, Deed::CancelRun, On::run(&row)).await?;
    match app.engine.cancel(&row.id, &who.actor(said)).await? {
        true => Ok(row.id),
        false => {
            let sentence = format!("run {} is over already: {}", row.id, row.state.as_str());
            Err(ApiError::new(StatusCode::CONFLICT, sentence))
        }
    }
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object such as {\"all\": true, \"actor\": \"ada\"}"
)]
pub(super) struct AskedAgain {
    /// Whether every step is run again, whatever was made before; else what succeeded stands in.
    all: bool,
    /// Who asks; the record has it in parentheses behind who proved to be it.
    actor: Option<String>,
}

/// A run was made that repeats another one.
#[derive(Serialize, ToSchema)]
pub(super) struct Repeating {
    /// The new run.
    run: String,
    /// The run that it repeats.
    repeats: String,
    status: &'static str,
}

/// Runs again: a new run of the same commit, plan and kind.
#[utoipa::path(post, path = "/api/v1/runs/{id}/rerun", tag = "runs", operation_id = "rerun_run",
    params(("id" = String, Path)), request_body(content = Option<AskedAgain>),
    responses((status = 202, body = Repeating), (status = 409, body = ErrorBody, description = "not over yet, repeated already, of a folder on a machine, or of an older commit of its pull request")))]
pub(super) async fn rerun(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: AskedAgain = body::json(&parts, incoming).await?;
    let (run, repeats) = repeated(&app, &who, &id, asked.all, asked.actor.as_deref()).await?;
    let answer = Repeating {
        run: run.to_string(),
        repeats: repeats.to_string(),
        status: "queued",
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Runs again, in somebody's name; the new run and the one that it repeats.
pub(super) async fn repeated(
    app: &App,
    who: &Who,
    id: &str,
    all: bool,
    said: Option<&str>,
) -> Result<(RunId, RunId), ApiError> {
    let row = row(app, who, id).await?;
    app.may(who, Deed::RerunRun, On::run(&row)).await?;
    let which = if all { Which::All } else { Which::Failed };
    let made = app.engine.rerun(&row.id, which, &who.actor(said)).await;
    let run = made.map_err(|error| match error {
        RerunError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok((run, row.id))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, expecting = "an object with repo and pipeline")]
pub(super) struct StartRun {
    /// `owner/name`.
    #[schema(required = true)]
    repo: String,
    /// The pipeline's name.
    #[schema(required = true)]
    pipeline: String,
    /// Parameters that replace the file's.
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
    /// The spans to run as of, `2014-06` or `flights=2014-06`: the run sees no newer ones.
    spans: Vec<String>,
    /// Whether an approved model is judged only.
    no_push: bool,
    /// Who asks; the record has it in parentheses behind who proved to be it.
    actor: Option<String>,
}

/// A run was made.
#[derive(Serialize, ToSchema)]
pub(super) struct Started {
    run: String,
    status: &'static str,
}

/// Why a step of a run ran again, or why an earlier execution stood in.
#[utoipa::path(get, path = "/api/v1/runs/{id}/why/{step}", tag = "runs", operation_id = "why",
    params(("id" = String, Path), ("step" = String, Path)), responses((status = 200, body = Why)))]
pub(super) async fn explain(
    State(app): State<App>,
    who: Who,
    InPath((id, step)): InPath<(String, String)>,
) -> Result<Json<Why>, ApiError> {
    why(&app, &who, &id, &step).await.map(Json)
}

/// The same for whoever may see the run.
pub(super) async fn why(app: &App, who: &Who, id: &str, step: &str) -> Result<Why, ApiError> {
    let row = row(app, who, id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let why = Why::read(app.engine.reads(), &run, step).await?;
    why.map_err(ApiError::not_found)
}

/// Starts a run of a pipeline at the head of its default branch.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", operation_id = "start_run", request_body = StartRun,
    responses((status = 202, body = Started)))]
pub(super) async fn start(State(app): State<App>, who: Who, request: Request) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: StartRun = body::json(&parts, incoming).await?;
    let repo = RepoName::parse(&asked.repo).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let StartRun {
        pipeline,
        parameters,
        spans,
        no_push,
        actor,
        ..
    } = asked;
    let how = RunAsked {
        parameters,
        spans,
        no_push,
        actor: who.actor(actor.as_deref()),
    };
    let run = started(&app, &who, &repo, &pipeline, how).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(Started {
            run: run.to_string(),
            status: "queued",
        }),
    )
        .into_response())
}

/// Starts a run in somebody's name, whom `how` names.
pub(super) async fn started(
    app: &App,
    who: &Who,
    repo: &RepoName,
    pipeline: &str,
    how: RunAsked,
) -> Result<RunId, ApiError> {
    app.may(who, Deed::StartRun, On::Pipeline(Some(repo), pipeline)).await?;
    let made = app.engine.request_known_so(repo, pipeline, &how).await;
    made.map_err(|error| match error {
        ManualError::Store(error) => error.into(),
        other => ApiError::from(other),
    })
}
