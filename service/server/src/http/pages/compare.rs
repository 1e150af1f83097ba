//! Runs side by side.

use super::super::App;
use super::super::compare::{Compared, compared};
use super::super::curves::read;
use super::super::error::ApiError;
use super::super::session::Session;
use super::curves::Curves;
use super::frame::{Frame, ok};
use crate::views::{Comparison, RunCurves};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;

#[derive(Template)]
#[template(path = "compare.html")]
struct Page {
    frame: Frame,
    all: Comparison,
    /// The address of the runs, without what else is asked.
    runs: String,
    differences: bool,
    curves: Curves,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Compared::read(query.as_deref())?;
    let (all, runs) = compared(&app, &session.who, &asked).await?;
    let mut curves = Vec::new();
    for run in &runs {
        let id = run.request.id.as_str();
        let short = id.chars().take(13).collect();
        curves.push((short, RunCurves::new(id, &read(&app, run).await?)));
    }
    Ok(ok(&Page {
        curves: Curves::of(&curves),
        frame: Frame::new("Compare", "runs", &session),
        runs: format!("/compare?runs={}", all.runs.join(",")),
        differences: asked.differences,
        all,
    }))
}
