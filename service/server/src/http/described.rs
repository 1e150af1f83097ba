//! The API's own description, as it is asked for.

use super::App;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health",
    responses((status = 200, body = Object)))]
pub(super) async fn serve(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], (app.description)()).into_response()
}
