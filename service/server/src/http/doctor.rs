//! The doctor, asked of the running service.

use super::App;
use super::error::ApiError;
use super::may::On;
use super::who::Who;
use crate::doctor::{Checks, Examined, while_it_serves};
use axum::Json;
use axum::extract::State;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use trainyard_core::access::Role;

/// What was found counts so long: it asks GitHub, the engine of containers and the targets.
const COUNTS: Duration = Duration::from_secs(30);
/// Nobody waits longer for who does not answer.
const PATIENCE: Duration = Duration::from_secs(25);

/// What the last examination found, and when. One goes on at a time.
#[derive(Debug, Default)]
pub(super) struct LastExamined(Mutex<Option<(Instant, Examined)>>);

/// Whether everything that the service needs is there and works.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "service", operation_id = "examine", responses((status = 200, body = Examined)))]
pub(super) async fn show(State(app): State<App>, who: Who) -> Result<Json<Examined>, ApiError> {
    examined(&app, &who).await.map(Json)
}

/// The same for the page; findings name folders and settings, so that they are for who could change them.
pub(super) async fn examined(app: &App, who: &Who) -> Result<Examined, ApiError> {
    app.sees(who, Role::Admin, On::Service).await?;
    let mut last = app.examined.0.lock().await;
    if let Some((_, known)) = last.as_ref().filter(|(at, _)| at.elapsed() < COUNTS) {
        return Ok(known.clone());
    }
    let mut checks = Checks::default();
    checks.ok("service", format!("answers on {}", app.config.listen));
    let all = while_it_serves(&mut checks, &app.config, &app.engine);
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        let sentence = format!(
            "not everything answered within {} s: what is missing here stands behind what does not answer",
            PATIENCE.as_secs()
        );
        checks.problem("doctor", sentence);
    }
    let found = checks.examined();
    *last = Some((Instant::now(), found.clone()));
    Ok(found)
}
