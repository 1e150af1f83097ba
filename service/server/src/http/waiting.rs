//! A service that cannot start yet, because its database or disk does not work: it lives, says why it is not ready,
//! and asks senders to come again.

use super::error::ApiError;
use super::health;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::time::Duration;
use trainyard_engine::{Engine, EngineConfig};

/// The pause between two attempts to start.
const AGAIN: Duration = Duration::from_secs(1);

/// Ends when it is time to try again.
pub(super) async fn again() {
    tokio::time::sleep(AGAIN).await;
}

/// What is served meanwhile.
pub(super) fn router(engine: &EngineConfig, reason: &str) -> Router {
    let instance = Engine::instance_of(engine).unwrap_or_default();
    let (why, refused) = (reason.to_owned(), reason.to_owned());
    Router::new()
        .route(
            "/healthz",
            get(move || std::future::ready(health::alive(instance.clone()))),
        )
        .route(
            "/readyz",
            get(move || std::future::ready(health::not_started(why.clone()))),
        )
        .fallback(move || std::future::ready(refusal(&refused)))
}

fn refusal(reason: &str) -> Response {
    let sentence = format!("the service is not ready: {reason}");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
}
