//! Traces of runs at a collector that is away at first, and one that never is there.

use crate::yard::{Yard, until};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::SecretString;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use trainyard_engine::TracesConfig;

/// What arrived: the header that opens, and the body.
type Inbox = Arc<Mutex<Vec<(Option<String>, Value)>>>;

/// Answers the first request that it is not ready, and takes the others.
async fn collector() -> (String, Inbox) {
    let inbox = Inbox::default();
    let keep = |State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes| async move {
        let key = headers
            .get("x-key")
            .map(|value| value.to_str().unwrap_or_default().to_owned());
        let mut inbox = inbox.lock().unwrap();
        inbox.push((key, serde_json::from_slice(&body).unwrap()));
        match inbox.len() {
            1 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/v1/traces", post(keep))
        .with_state(Arc::clone(&inbox));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

#[tokio::test]
async fn a_run_that_is_over_is_a_trace_with_a_span_of_each_step_and_is_sent_until_it_is_taken() {
    let (url, inbox) = collector().await;
    let yard = Yard::with(|config| {
        config.traces = Some(TracesConfig {
            endpoint: url,
            header: Some(("x-key".to_owned(), SecretString::from("opens"))),
        });
    })
    .await;
    yard.push(&[]).await;
    let (row, run) = yard.last(1).await;
    until("the trace to be sent again", async || {
        (inbox.lock().unwrap().len() >= 2).then_some(())
    })
    .await;
    let arrived = inbox.lock().unwrap().clone();
    assert_eq!(arrived[0], arrived[1]);
    let (key, body) = &arrived[0];
    assert_eq!(key.as_deref(), Some("opens"));
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let id = row.id.as_str().replace('-', "");
    assert!(spans.iter().all(|span| span["traceId"] == id.as_str()), "{spans:?}");
    let mut names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names.remove(0), "RUN tiny");
    let steps: Vec<&str> = run.steps.keys().map(|step| step.as_str()).collect();
    assert_eq!(names, steps);
    assert!(spans[1..].iter().all(|span| span["parentSpanId"] == spans[0]["spanId"]));
}

#[tokio::test]
async fn a_collector_that_is_not_there_holds_up_nothing() {
    let yard = Yard::with(|config| {
        config.traces = Some(TracesConfig {
            endpoint: "http://127.0.0.1:1".to_owned(),
            header: None,
        });
    })
    .await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.state.as_str(), "succeeded", "{:?}", row.summary);
}
