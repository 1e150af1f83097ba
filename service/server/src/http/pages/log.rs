//! What a step wrote: its end, with the lines numbered from the end's beginning; all of it to download.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::runs::{LONGEST_TAIL, read_log, row};
use super::super::session::Session;
use super::frame::{Frame, ok};
use crate::views::path_part;
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use trainyard_core::log;

/// So much of a log is on the page, in bytes.
const SHOWN: u64 = 100 * 1024;

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
    lines: Vec<String>,
    /// Whether there is more before these lines.
    cut: bool,
    /// Why there is none.
    nothing: Option<String>,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath((id, step)): InPath<(String, String)>,
) -> Result<Response, ApiError> {
    let row = row(&app, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let steps = run.steps.iter();
    let steps: Vec<(String, String)> = steps
        .map(|(name, step)| (name.to_string(), step.state.as_str().to_owned()))
        .collect();
    let state = steps
        .iter()
        .find(|(name, _)| *name == step)
        .map(|(_, state)| state.clone());
    let read = read_log(&app, run, step.clone(), (None, SHOWN), |bytes| {
        let cut = bytes.len() as u64 + 4096 > SHOWN;
        (cut, log::lines(&String::from_utf8_lossy(&bytes)))
    });
    let ((cut, lines), nothing) = match read.await? {
        Ok(read) => (read, None),
        Err(why) => ((false, Vec::new()), Some(why)),
    };
    Ok(ok(&Page {
        frame: Frame::new(format!("{step} · log"), "runs", &session),
        run: row.id.to_string(),
        pipeline: row.pipeline,
        step_path: path_part(&step),
        step,
        state: state.unwrap_or_default(),
        steps,
        cut,
        lines,
        nothing,
    }))
}

/// All of it that is kept, as the program wrote it.
pub(in super::super) async fn download(
    State(app): State<App>,
    InPath((id, step)): InPath<(String, String)>,
) -> Result<Response, ApiError> {
    let row = row(&app, &id).await?;
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
