//! Who is signed in, and the end of it: everybody ends what is his, and admins what is others'.

use super::error::ApiError;
use super::extract::InPath;
use super::may::On;
use super::session::now;
use super::who::Who;
use super::{App, body};
use crate::session::{is_over, name};
use crate::views::{SessionItem, Sessions};
use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;
use trainyard_core::access::Role;
use trainyard_store::SessionRow;
use utoipa::ToSchema;

/// Everybody who is signed in.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "access", operation_id = "list_sessions", responses((status = 200, body = Sessions)))]
pub(super) async fn list(State(app): State<App>, who: Who) -> Result<Json<Sessions>, ApiError> {
    app.sees(&who, Role::Admin, On::Service).await?;
    let all = found(&app, &who).await?;
    Ok(Json(Sessions {
        sessions: all.iter().map(|(hash, row)| SessionItem::new(hash, row)).collect(),
    }))
}

/// The sessions that somebody may end, by their hashes.
pub(super) async fn found(app: &App, who: &Who) -> Result<Vec<(String, SessionRow)>, ApiError> {
    let everybody = app.role_on(who, On::Service).await == Some(Role::Admin);
    let is_own = |row: &SessionRow| matches!(who, Who::Person(identity) if identity.is_same(&row.identity));
    let (at, ways) = (now(), app.config.ways_in());
    let mut all = app.engine.reads().sessions().await?;
    all.retain(|(_, row)| !is_over(row, at) && ways.takes(&row.identity) && (everybody || is_own(row)));
    Ok(all)
}

/// Ends one of them, in somebody's name.
pub(super) async fn end(app: &App, who: &Who, id: &str, said: Option<&str>) -> Result<String, ApiError> {
    let all = found(app, who).await?;
    let Some((hash, row)) = all.iter().find(|(hash, _)| name(hash) == id) else {
        return Err(ApiError::not_found(format!(
            "there is no session '{id}' of yours, or it is over: `trainyard sessions` has all"
        )));
    };
    let whose = row.identity.name().to_owned();
    let subject = format!("session {id} of {whose}");
    app.engine.end_session_of(hash, &subject, &who.actor(said)).await?;
    Ok(whose)
}

/// A session that is over.
#[derive(Serialize, ToSchema)]
pub(super) struct Ended {
    id: String,
    who: String,
    status: &'static str,
}

/// Ends a session: its browser has to sign in again.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/end", tag = "access", operation_id = "end_session",
    params(("id" = String, Path)), request_body(content = Option<super::runs::Asked>),
    responses((status = 200, body = Ended)))]
pub(super) async fn finish(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<Ended>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: super::runs::Asked = body::json(&parts, incoming).await?;
    app.sees(&who, Role::Admin, On::Service).await?;
    let who = end(&app, &who, &id, asked.actor.as_deref()).await?;
    Ok(Json(Ended {
        id,
        who,
        status: "ended",
    }))
}
