//! The browsers in which somebody is signed in: one's own, and for admins everybody's.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::session::Session;
use super::super::sessions::{end, found};
use super::act::Proved;
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::SessionItem;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};

struct Line {
    item: SessionItem,
    began: When,
    used: When,
    /// Whether it is the one that looks.
    here: bool,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let own = app.session_hash(&headers);
    let line = |(hash, row): &(String, trainyard_store::SessionRow)| {
        let item = SessionItem::new(hash, row);
        Line {
            began: When::of(&item.began_at),
            used: When::of(&item.used_at),
            here: own.as_ref() == Some(hash),
            item,
        }
    };
    let all = found(&app, &session.who).await?;
    Ok(ok(&Page {
        frame: Frame::new("Sessions", "sessions", &session),
        lines: all.iter().map(line).collect(),
    }))
}

/// Ends one.
pub(in super::super) async fn finish(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    end(&app, &form.session.who, &id, None).await?;
    Ok(Redirect::to("/sessions").into_response())
}
