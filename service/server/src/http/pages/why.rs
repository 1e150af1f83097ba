//! Why a step ran again, or why an earlier execution stood in.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::runs::why;
use super::super::session::Session;
use super::frame::{Frame, ok};
use crate::views::Why;
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "why.html")]
struct Page {
    frame: Frame,
    why: Why,
    /// What the key was made of, for people.
    parts: String,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath((id, step)): InPath<(String, String)>,
) -> Result<Response, ApiError> {
    let why = why(&app, &session.who, &id, &step).await?;
    let parts = why
        .parts
        .as_ref()
        .and_then(|parts| serde_json::to_string_pretty(parts).ok());
    Ok(ok(&Page {
        frame: Frame::new(format!("{step} · why"), "runs", &session),
        parts: parts.unwrap_or_default(),
        why,
    }))
}
