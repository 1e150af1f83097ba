//! Two versions of a target side by side.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::session::Session;
use super::super::versions::{DiffQuery, diff_of};
use super::frame::{Frame, ok};
use crate::views::VersionDiff;
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "model_diff.html")]
struct Page {
    frame: Frame,
    diff: VersionDiff,
    columns: Vec<(String, Option<String>)>,
    /// The comparison of their runs.
    compare: Option<String>,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath(name): InPath<String>,
    Parameters(query): Parameters<DiffQuery>,
) -> Result<Response, ApiError> {
    let diff = diff_of(&app, &session.who, &name, &query).await?;
    let compare = match diff.runs.as_slice() {
        [Some(one), Some(other)] if one != other && diff.notes.is_empty() => {
            Some(format!("/compare?runs={one},{other}"))
        }
        _ => None,
    };
    Ok(ok(&Page {
        frame: Frame::new(format!("Versions of {name}"), "models", &session),
        columns: diff.versions.iter().cloned().zip(diff.runs.iter().cloned()).collect(),
        compare,
        diff,
    }))
}
