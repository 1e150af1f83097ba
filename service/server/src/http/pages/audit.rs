//! The audit: what people and programs did.

use super::super::App;
use super::super::audit::{AuditQuery, found};
use super::super::error::ApiError;
use super::super::extract::Parameters;
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::AuditItem;
use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

struct Line {
    item: AuditItem,
    at: When,
    /// `done`, `refused` or `open`.
    state: &'static str,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    /// The number behind which the older ones are.
    older: Option<u64>,
}

/// The newest entries for a program or a file, as the API has them.
pub(in super::super) async fn export(
    State(app): State<App>,
    session: Session,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Response, ApiError> {
    let audit = found(&app, &session.who, query).await?;
    Ok(Json(audit).into_response())
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Response, ApiError> {
    let audit = found(&app, &session.who, query).await?;
    let line = |item: AuditItem| Line {
        at: When::of(&item.at),
        state: match item.done {
            Some(true) => "succeeded",
            Some(false) => "failed",
            None => "pending",
        },
        item,
    };
    Ok(ok(&Page {
        frame: Frame::new("Audit", "audit", &session),
        lines: audit.entries.into_iter().map(line).collect(),
        older: audit.next,
    }))
}
