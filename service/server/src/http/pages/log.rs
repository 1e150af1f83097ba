//! What a step wrote: a window of it, by offset or by a text that is looked for, however long it is; live while it is
//! written; all of it to download.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::runs::{LONGEST_TAIL, read_log, row};
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::lines::{Lines, SHOWN};
use crate::run_logs::{self, Window};
use crate::views::path_part;
use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use trainyard_core::run::Run;

/// Lines are counted from the beginning if that is not farther away, in bytes.
const COUNTED: u64 = 64 * 1024 * 1024;
/// What is looked for is not longer than this.
const LONGEST_TEXT: usize = 200;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Asked {
    /// The byte to begin at; the end if absent.
    at: Option<u64>,
    /// A text to look for from there, or from the beginning.
    q: Option<String>,
    /// The attempt, from 1; the newest if absent.
    attempt: Option<u32>,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Page {
    frame: Frame,
    run: String,
    pipeline: String,
    step: String,
    step_path: String,
    state: String,
    /// All steps, to go to another one.
    steps: Vec<(String, String)>,
    shown: Lines,
    /// What is looked for; empty for nothing.
    q: String,
    /// Whether it is nowhere behind where it was looked for.
    not_found: bool,
    /// Where the earlier part begins, if there is one.
    earlier: Option<u64>,
    /// Where the later part begins, if there is one.
    later: Option<u64>,
    /// The line behind the one that was found.
    next: Option<u64>,
    /// Whether it is written on, and the page goes with it.
    follows: bool,
    /// Why there is none.
    nothing: Option<String>,
}

/// What was found: the window, the number of its first line, and whether the text was nowhere.
struct Found {
    window: Window,
    first: Option<u64>,
    not_found: bool,
    hit: Option<u64>,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath((id, step)): InPath<(String, String)>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, ApiError> {
    let q = asked.q.unwrap_or_default();
    if q.len() > LONGEST_TEXT {
        return Err(ApiError::bad_request(format!(
            "what is looked for is longer than {LONGEST_TEXT} bytes: look for a part of it"
        )));
    }
    if asked.attempt == Some(0) {
        return Err(ApiError::bad_request("attempt is 0: attempts are counted from 1"));
    }
    let row = row(&app, &session.who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let steps = run.steps.iter();
    let steps: Vec<(String, String)> = steps
        .map(|(name, step)| (name.to_string(), step.state.as_str().to_owned()))
        .collect();
    let state = steps.iter().find(|(name, _)| *name == step);
    let state = state.map(|(_, state)| state.clone()).unwrap_or_default();
    let (at, text) = (asked.at, q.clone());
    let found = window(&app, run, step.clone(), (asked.attempt, at), text).await?;
    let failed = state == "failed";
    let (shown, found, nothing) = match found {
        Ok(found) => {
            let keep_end = at.is_none() && found.hit.is_none();
            let shown = Lines::of(&found.window, found.first, keep_end, &q, failed);
            (shown, Some(found), None)
        }
        Err(why) => (Lines::default(), None, Some(why)),
    };
    let length = found.as_ref().map_or(0, |found| found.window.length);
    let next = found.as_ref().and_then(|found| found.hit);
    let next = next.and_then(|hit| shown.all.iter().map(|line| line.offset).find(|offset| *offset > hit));
    Ok(ok(&Page {
        frame: Frame::new(format!("{step} · log"), "runs", &session),
        run: row.id.to_string(),
        pipeline: row.pipeline,
        step_path: path_part(&step),
        step,
        follows: state == "running" && shown.to >= length && at.is_none(),
        state,
        steps,
        earlier: (shown.from > 0).then(|| shown.from.saturating_sub(SHOWN)),
        later: (shown.to < length).then_some(shown.to),
        next,
        not_found: found.is_some_and(|found| found.not_found),
        q,
        shown,
        nothing,
    }))
}

async fn window(
    app: &App,
    run: Run,
    step: String,
    (attempt, at): (Option<u32>, Option<u64>),
    q: String,
) -> Result<Result<Found, String>, ApiError> {
    let folders = app.engine.folders_of().clone();
    let _turn = app.log_reads.acquire().await;
    let read = tokio::task::spawn_blocking(move || {
        let log = run_logs::find(&folders, &run, &step, attempt).map_err(|error| error.to_string())?;
        let look = || -> std::io::Result<Found> {
            let hit = match q.is_empty() {
                true => None,
                false => log.find(&q, at.unwrap_or(0))?,
            };
            let window = match (hit, at) {
                (Some(hit), _) => log.from(hit, SHOWN)?,
                (None, Some(at)) => log.from(at, SHOWN)?,
                (None, None) => log.last(SHOWN)?,
            };
            Ok(Found {
                first: log.lines_before(window.from, COUNTED)?,
                not_found: !q.is_empty() && hit.is_none(),
                window,
                hit,
            })
        };
        look().map_err(|error| format!("the log cannot be read: {error}"))
    });
    read.await
        .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// All of it that is kept, as the program wrote it.
pub(in super::super) async fn download(
    State(app): State<App>,
    session: Session,
    InPath((id, step)): InPath<(String, String)>,
) -> Result<Response, ApiError> {
    let row = row(&app, &session.who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let read = read_log(&app, run, step, (None, LONGEST_TAIL), |bytes| bytes);
    let bytes = read.await?.map_err(ApiError::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"step.log\""),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, bytes).into_response())
}
