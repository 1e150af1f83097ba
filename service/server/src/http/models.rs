//! What is served, and going back to what was.

use super::App;
use super::body;
use super::error::{ApiError, ErrorBody};
use super::extract::InPath;
use super::runs::Asked;
use crate::views::Models;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use trainyard_engine::{RollbackError, RolledBack};
use utoipa::ToSchema;

/// Every push target, what it serves, and its ledger.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", operation_id = "list_models", responses((status = 200, body = Models)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Models>, ApiError> {
    Ok(Json(Models::read(app.engine.store(), &app.config).await?))
}

/// What a rollback did.
#[derive(Serialize, ToSchema)]
pub(super) struct RolledBackTo {
    target: String,
    /// The version that served until now.
    from: String,
    /// The version that serves from now on.
    to: String,
}

impl From<RolledBack> for RolledBackTo {
    fn from(done: RolledBack) -> Self {
        Self {
            target: done.target,
            from: done.from,
            to: done.to,
        }
    }
}

/// Makes the version before the current one serve, proved loadable first.
#[utoipa::path(post, path = "/api/v1/targets/{name}/rollback", tag = "models", operation_id = "roll_back",
    params(("name" = String, Path)), request_body(content = Option<Asked>),
    responses((status = 200, body = RolledBackTo), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "nothing to go back to"),
        (status = 502, body = ErrorBody, description = "the model server did not take it; what served still serves")))]
pub(super) async fn roll_back(
    State(app): State<App>,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<RolledBackTo>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: Asked = body::json(&parts, incoming).await?;
    let (engine, actor) = (app.engine.clone(), asked.actor());
    // In a task of its own: an asker that hangs up must not leave it half done.
    let done = tokio::spawn(async move { engine.roll_back(&name, &actor).await }).await;
    let done = done.map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let done = done.map_err(|error| match error {
        RollbackError::NoTarget { .. } => ApiError::not_found(error.to_string()),
        RollbackError::NothingEarlier(_) | RollbackError::Gone { .. } => {
            ApiError::new(StatusCode::CONFLICT, error.to_string())
        }
        RollbackError::Serving { .. } => ApiError::new(StatusCode::BAD_GATEWAY, error.to_string()),
        RollbackError::Lock(_) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        RollbackError::Store(error) => error.into(),
    })?;
    Ok(Json(done.into()))
}
