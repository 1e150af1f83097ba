//! Runs side by side.

use super::super::App;
use super::super::compare::{Compared, compared};
use super::super::error::ApiError;
use super::super::session::Session;
use super::frame::{Frame, ok};
use crate::views::Comparison;
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
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Compared::read(query.as_deref())?;
    let all = compared(&app, &session.who, &asked).await?;
    Ok(ok(&Page {
        frame: Frame::new("Compare", "runs", &session),
        runs: format!("/compare?runs={}", all.runs.join(",")),
        differences: asked.differences,
        all,
    }))
}
