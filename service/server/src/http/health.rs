//! Whether the service lives, and whether it can work.

use super::App;
use super::error::ErrorBody;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// A writing probe of the database is not repeated within this time, however often somebody asks.
const DATABASE_PROBE: Duration = Duration::from_secs(1);
/// The executor is asked this often.
pub(super) const EXECUTOR_PROBE: Duration = Duration::from_secs(30);

/// What is known about the parts the service needs.
#[derive(Default)]
pub(super) struct Readiness {
    started: AtomicBool,
    /// 0 not asked yet, 1 answers, 2 does not.
    executor: AtomicU8,
    database: Mutex<Option<(Instant, bool)>>,
    /// What could not be read once: its metric goes back to 0.
    unreadable: std::sync::Mutex<BTreeSet<&'static str>>,
}

impl Readiness {
    /// The loops are up, or are about to be dropped.
    pub(super) fn set(&self, started: bool) {
        self.started.store(started, Ordering::SeqCst);
    }

    /// What cannot be read now, or could not before.
    pub(super) fn unreadable_kinds(&self, now: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
        let mut known = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(now);
        known.iter().copied().collect()
    }

    pub(super) fn executor_answered(&self, answers: bool) {
        self.executor.store(if answers { 1 } else { 2 }, Ordering::SeqCst);
        metrics::gauge!("trainyard_executor_up").set(if answers { 1.0 } else { 0.0 });
    }

    fn executor(&self) -> &'static str {
        match self.executor.load(Ordering::SeqCst) {
            0 => "not asked yet",
            1 => "ok",
            _ => "does not answer",
        }
    }
}

/// The service lives.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
    /// The instance that owns the data folder.
    instance: String,
}

/// What the service can do now.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// `ready`, `starting or stopping`, or `the database takes no writes`.
    status: &'static str,
    /// `ok`, `does not answer` or `not asked yet`. Runs wait for it; deliveries are taken without.
    executor: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Health)))]
pub(super) async fn healthz(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        instance: app.instance.clone(),
    })
}

/// Whether deliveries are taken and runs go on: the loops are up and the database takes writes.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready), (status = "default", body = ErrorBody)))]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let executor = app.readiness.executor();
    let (code, status) = if !app.readiness.started.load(Ordering::SeqCst) {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping")
    } else if !writable(&app).await {
        (StatusCode::SERVICE_UNAVAILABLE, "the database takes no writes")
    } else {
        (StatusCode::OK, "ready")
    };
    (code, Json(Ready { status, executor })).into_response()
}

async fn writable(app: &App) -> bool {
    let mut known = app.readiness.database.lock().await;
    match *known {
        Some((at, writable)) if at.elapsed() < DATABASE_PROBE => writable,
        _ => {
            let probed = app.engine.check_writable().await;
            if let Err(error) = &probed {
                tracing::warn!(%error, "the database takes no writes");
            }
            *known = Some((Instant::now(), probed.is_ok()));
            probed.is_ok()
        }
    }
}
