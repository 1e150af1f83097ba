//! Metrics for Prometheus.

use super::App;
use super::error::ApiError;
use super::may::On;
use super::who::Who;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use trainyard_core::access::Role;
use trainyard_core::run::crashed;

/// The recorder of this process, installed on first use.
pub(super) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder is installed: /metrics stays empty");
        }
        describe();
        handle
    };
    HANDLE.get_or_init(install).clone()
}

/// Upper bounds of how long runs and steps take, in seconds: of a cached look to three days of training.
const SECONDS: [f64; 13] = [
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0,
];

fn builder() -> PrometheusBuilder {
    let durations = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(durations, &SECONDS)
        // It fails for no buckets at all.
        .unwrap_or_default()
}

fn describe() {
    metrics::describe_histogram!(
        "trainyard_run_queue_seconds",
        metrics::Unit::Seconds,
        "How long runs waited for their start"
    );
    metrics::describe_histogram!(
        "trainyard_run_duration_seconds",
        metrics::Unit::Seconds,
        "How long runs took from their start to their end"
    );
    metrics::describe_histogram!(
        "trainyard_step_duration_seconds",
        metrics::Unit::Seconds,
        "How long steps took whose programs ran, retries included"
    );
    metrics::describe_gauge!("trainyard_runs", "Runs by state");
    metrics::describe_gauge!("trainyard_deliveries_stored", "Deliveries stored");
    metrics::describe_gauge!("trainyard_deliveries_waiting", "Deliveries that nobody looked at yet");
    metrics::describe_gauge!("trainyard_outbox_waiting", "Messages GitHub has not got yet");
    metrics::describe_gauge!("trainyard_artifacts", "Artifacts in ML Metadata");
    metrics::describe_gauge!("trainyard_executions", "Executions in ML Metadata");
    metrics::describe_gauge!(
        "trainyard_unreadable_rows",
        "Stored rows that cannot be read and are left out, by what they are"
    );
    metrics::describe_gauge!(
        "trainyard_runs_set_aside",
        "Runs in whose hands the service died again and again"
    );
    metrics::describe_gauge!(
        "trainyard_executor_up",
        "Whether the executor answered when it was last asked"
    );
    metrics::describe_gauge!("trainyard_wal_bytes", "Bytes of the write-ahead log of SQLite");
    metrics::describe_counter!("trainyard_http_requests_total", "Requests by path, method and status");
    metrics::describe_counter!("trainyard_deliveries_total", "Deliveries taken by this process");
    metrics::describe_counter!("trainyard_runs_total", "Runs that ended in this process");
    metrics::describe_counter!("trainyard_github_writes_total", "Messages to GitHub by outcome");
    metrics::describe_counter!(
        "trainyard_notices_total",
        "Messages to channels beside GitHub by outcome"
    );
    metrics::describe_gauge!(
        "trainyard_github_calls_left",
        "Calls that GitHub's limit leaves, by installation"
    );
}

/// Counts a request under the pattern of its path, which is one of few.
pub(super) async fn count(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let path = path.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = match request.method().as_str() {
        known @ ("GET" | "POST" | "HEAD") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("trainyard_http_requests_total", "path" => path, "method" => method, "status" => status)
        .increment(1);
    response
}

/// Metrics in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(super) async fn render(State(app): State<App>, who: Who) -> Result<Response, ApiError> {
    app.sees(&who, Role::Viewer, On::Service).await?;
    let stats = app.engine.reads().stats().await?;
    for state in ["queued", "running", "succeeded", "failed", "cancelled"] {
        let count = stats.runs.get(state).copied().unwrap_or_default();
        metrics::gauge!("trainyard_runs", "state" => state).set(count as f64);
    }
    metrics::gauge!("trainyard_deliveries_stored").set(stats.deliveries as f64);
    metrics::gauge!("trainyard_deliveries_waiting").set(stats.deliveries_unprocessed as f64);
    metrics::gauge!("trainyard_outbox_waiting").set(stats.outbox as f64);
    metrics::gauge!("trainyard_artifacts").set(stats.artifacts as f64);
    metrics::gauge!("trainyard_executions").set(stats.executions as f64);
    if let Some(bytes) = app.engine.reads().log_bytes() {
        metrics::gauge!("trainyard_wal_bytes").set(bytes as f64);
    }
    let unreadable = app.engine.reads().unreadable();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &unreadable {
        *kinds.entry(row.what).or_default() += 1;
    }
    for what in app.readiness.unreadable_kinds(kinds.keys().copied()) {
        let rows = kinds.get(what).copied().unwrap_or_default();
        metrics::gauge!("trainyard_unreadable_rows", "what" => what).set(rows as f64);
    }
    let crashed = app.engine.reads().crashes().await?;
    let set_aside = crashed.iter().filter(|crash| crashed::wait(crash.times).is_some());
    metrics::gauge!("trainyard_runs_set_aside").set(set_aside.count() as f64);
    app.prometheus.run_upkeep();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, app.prometheus.render()).into_response())
}
