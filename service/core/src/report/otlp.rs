//! A run as a trace of OpenTelemetry: OTLP's JSON encoding, and the names of the semantic conventions for CI/CD
//! (`cicd.*`) and version control (`vcs.*`).

use crate::ids::{Micros, RunId};
use crate::run::{Run, RunState, StepRecord, StepState};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// `SpanKind` of work that somebody else asked for.
const SERVER: u8 = 2;
/// `SpanKind` of work inside.
const INTERNAL: u8 = 1;
/// `StatusCode` of what failed.
const ERROR: u8 = 2;

/// The body of a `POST /v1/traces` about a run that is over: a span of the run, and one of each step whose program ran.
/// `None` for a run that is not over.
pub fn trace(run: &Run, instance: &str, public_url: Option<&str>) -> Option<Value> {
    let ended = run.ended_at?;
    let id = &run.request.id;
    let mut spans = vec![run_span(run, ended, public_url)];
    let ran = run
        .steps
        .iter()
        .filter_map(|(name, record)| step_span(id, name.as_str(), record));
    spans.extend(ran);
    let mut resource = Attributes::default();
    resource.text("service.name", "trainyard");
    resource.text("service.version", env!("CARGO_PKG_VERSION"));
    resource.text("service.instance.id", instance);
    Some(json!({
        "resourceSpans": [{
            "resource": {"attributes": resource.0},
            "scopeSpans": [{
                "scope": {"name": "trainyard", "version": env!("CARGO_PKG_VERSION")},
                "spans": spans,
            }],
        }],
    }))
}

fn run_span(run: &Run, ended: Micros, public_url: Option<&str>) -> Value {
    let request = &run.request;
    let plan = &request.plan;
    let mut attributes = Attributes::default();
    attributes.text("cicd.pipeline.name", &plan.pipeline);
    attributes.text("cicd.pipeline.action.name", "RUN");
    attributes.text("cicd.pipeline.run.id", request.id.as_str());
    attributes.text("cicd.pipeline.result", result(run.state));
    if let Some(base) = public_url {
        attributes.text("cicd.pipeline.run.url.full", &request.id.page(base));
    }
    if let Some(repo) = &request.repo {
        attributes.text("vcs.owner.name", repo.owner());
        attributes.text("vcs.repository.name", repo.name());
    }
    if let Some(commit) = &request.commit {
        attributes.text("vcs.ref.head.revision", commit.as_str());
    }
    if let Some(branch) = &request.branch {
        attributes.text("vcs.ref.head.name", branch);
    }
    if let Some(base) = &request.base {
        attributes.text("vcs.ref.base.name", base);
    }
    if let Some(number) = request.pull_request {
        attributes.text("vcs.change.id", &number.to_string());
    }
    attributes.text("trainyard.trigger", &request.trigger);
    attributes.text("trainyard.cause", &request.cause);
    if let Some(verdict) = &run.verdict {
        attributes.text("trainyard.blessing", verdict.blessing().as_str());
    }
    let queued = run
        .started_at
        .map(|at| at.0.saturating_sub(request.created_at.0).max(0));
    if let Some(micros) = queued {
        attributes.number("trainyard.queued_seconds", micros as f64 / 1e6);
    }
    let failed = (run.state == RunState::Failed).then(|| run.summary.clone().unwrap_or_default());
    let began = run.started_at.unwrap_or(request.created_at);
    json!({
        "traceId": trace_id(&request.id),
        "spanId": span_id(&request.id, None),
        "name": format!("RUN {}", plan.pipeline),
        "kind": SERVER,
        "startTimeUnixNano": nanos(began),
        "endTimeUnixNano": nanos(Micros(ended.0.max(began.0))),
        "attributes": attributes.0,
        "status": status(failed),
    })
}

/// Of a step whose program ran and is done with; what came from the cache took no time.
fn step_span(run: &RunId, step: &str, record: &StepRecord) -> Option<Value> {
    let (result, failed) = match &record.state {
        StepState::Succeeded { .. } => ("success", None),
        StepState::Failed { reason, .. } => ("failure", Some(reason.clone())),
        StepState::Cancelled { .. } => ("cancellation", None),
        _ => return None,
    };
    let (began, ended) = (record.started_at?, record.ended_at?);
    let mut attributes = Attributes::default();
    attributes.text("cicd.pipeline.task.name", step);
    attributes.text("cicd.pipeline.task.run.id", &format!("{run}/{step}"));
    attributes.text("cicd.pipeline.task.run.result", result);
    if let Some(image) = &record.image_id {
        attributes.text("container.image.id", image);
    }
    for (name, value) in &record.metrics {
        attributes.number(&format!("trainyard.metric.{name}"), *value);
    }
    Some(json!({
        "traceId": trace_id(run),
        "spanId": span_id(run, Some(step)),
        "parentSpanId": span_id(run, None),
        "name": step,
        "kind": INTERNAL,
        "startTimeUnixNano": nanos(began),
        "endTimeUnixNano": nanos(Micros(ended.0.max(began.0))),
        "attributes": attributes.0,
        "status": status(failed),
    }))
}

fn result(state: RunState) -> &'static str {
    match state {
        RunState::Succeeded => "success",
        RunState::Cancelled => "cancellation",
        RunState::Failed | RunState::WaitingForApproval | RunState::Queued | RunState::Running => "failure",
    }
}

fn status(failed: Option<String>) -> Value {
    match failed {
        Some(message) => json!({"code": ERROR, "message": message}),
        None => json!({}),
    }
}

/// A run's id is a UUID, sixteen bytes as a trace's id: who knows the one finds the other.
fn trace_id(run: &RunId) -> String {
    let digits: String = run.as_str().chars().filter(|c| *c != '-').collect();
    match digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => digits.to_ascii_lowercase(),
        false => hex::encode(&Sha256::digest(run.as_str())[..16]),
    }
}

fn span_id(run: &RunId, step: Option<&str>) -> String {
    let place = format!("{run}/{}", step.unwrap_or_default());
    hex::encode(&Sha256::digest(place)[..8])
}

/// Nanoseconds since 1970, as protobuf's JSON has numbers of 64 bits.
fn nanos(at: Micros) -> String {
    format!("{}000", at.0.max(0))
}

/// Attributes in OTLP's form.
#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    fn text(&mut self, key: &str, value: &str) {
        self.put(key, "stringValue", value.into());
    }

    /// JSON has no infinity, and neither has a backend a use for one.
    fn number(&mut self, key: &str, value: f64) {
        if value.is_finite() {
            self.put(key, "doubleValue", value.into());
        }
    }

    fn put(&mut self, key: &str, kind: &str, value: Value) {
        let value = Map::from_iter([(kind.to_owned(), value)]);
        self.0.push(json!({"key": key, "value": value}));
    }
}
