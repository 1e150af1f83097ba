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
use tokio::sync::Notify;
use tokio::time::timeout;
use utoipa::ToSchema;

/// A writing probe of the database is not repeated within this time, however often somebody asks.
const DATABASE_PROBE: Duration = Duration::from_secs(1);
/// Who asks is answered after this time by what is known, whatever the probe does.
const AT_ONCE: Duration = Duration::from_millis(400);
/// A probe that takes longer is a trouble.
const SLOW: Duration = Duration::from_secs(2);
/// The executor is asked this often.
pub(super) const EXECUTOR_PROBE: Duration = Duration::from_secs(30);

/// What is known about the parts the service needs.
#[derive(Default)]
pub(super) struct Readiness {
    started: AtomicBool,
    /// 0 not asked yet, 1 answers, 2 does not.
    executor: AtomicU8,
    /// Since when a probe of the database is at work.
    probing: std::sync::Mutex<Option<Instant>>,
    probed: Notify,
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
pub(super) struct Alive {
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
    /// Why it is not ready, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// `ok`, `does not answer` or `not asked yet`. Runs wait for it; deliveries are taken without.
    executor: &'static str,
    /// What keeps GitHub's webhooks away, a sentence each; they are looked for by themselves meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhooks: Vec<String>,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Alive)))]
pub(super) async fn healthz(State(app): State<App>) -> Json<Alive> {
    Json(health(app.instance.clone()))
}

/// Whether deliveries are taken and runs go on: the loops are up and the database takes writes.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready), (status = "default", body = ErrorBody)))]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let executor = app.readiness.executor();
    let (code, status, reason) = if !app.readiness.started.load(Ordering::SeqCst) {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping", None)
    } else if let Some(trouble) = trouble(&app).await {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database takes no writes",
            Some(trouble),
        )
    } else {
        (StatusCode::OK, "ready", None)
    };
    let ready = Ready {
        status,
        reason,
        executor,
        webhooks: app.engine.webhooks().alarms,
    };
    (code, Json(ready)).into_response()
}

/// The answer of a service that waits for what it needs to start.
pub(super) fn not_started(reason: String) -> Response {
    let ready = Ready {
        status: "starting or stopping",
        reason: Some(reason),
        executor: "not asked yet",
        webhooks: Vec::new(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(ready)).into_response()
}

/// The answer of the same whether it lives.
pub(super) fn alive(instance: String) -> Response {
    Json(health(instance)).into_response()
}

fn health(instance: String) -> Alive {
    Alive {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        instance,
    }
}

/// Why the database takes no writes, by what the writes of the last second met, or else by a probe. It is answered
/// at once, while the probe goes on.
async fn trouble(app: &App) -> Option<String> {
    let probed = app.readiness.probed.notified();
    tokio::pin!(probed);
    probed.as_mut().enable();
    let since = begin_probe(app);
    if since.is_some() {
        let _ = timeout(AT_ONCE, probed).await;
    }
    let slow = since.filter(|since| since.elapsed() > SLOW);
    let slow = slow.map(|_| "the database has not answered for some seconds: see the log of the service".to_owned());
    app.engine.write_trouble().map(|trouble| trouble.to_string()).or(slow)
}

/// Begins a probe if one is due; since when one is at work.
fn begin_probe(app: &App) -> Option<Instant> {
    let mut probing = app.readiness.probing.lock().unwrap_or_else(PoisonError::into_inner);
    if probing.is_some() || app.engine.writes_seen().is_some_and(|ago| ago < DATABASE_PROBE) {
        return *probing;
    }
    *probing = Some(Instant::now());
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = app.engine.check_writable().await {
            tracing::warn!(%error, "the database takes no writes");
        }
        let ended = app.readiness.probing.lock().map(|mut probing| probing.take());
        drop(ended);
        app.readiness.probed.notify_waiters();
    });
    *probing
}
