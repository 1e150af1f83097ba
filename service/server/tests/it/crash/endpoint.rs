//! A receiver of webhooks that keeps what it was told: the first model of a number stays that of the number.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[derive(Default)]
pub struct Endpoint {
    taken: Mutex<BTreeMap<String, String>>,
    serving: Mutex<Option<String>>,
    /// Number and digest of everything that it was asked to serve, in order.
    asked: Mutex<Vec<(String, String)>>,
}

impl Endpoint {
    /// On a port of its own; with its address.
    pub async fn start() -> (Arc<Self>, String) {
        let endpoint = Arc::new(Self::default());
        let router = Router::new()
            .route("/hook", post(receive))
            .route("/status", get(status))
            .with_state(Arc::clone(&endpoint));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (endpoint, url)
    }

    /// Number and digest of what serves.
    pub fn serves(&self) -> Option<(String, String)> {
        let version = self.serving.lock().unwrap().clone()?;
        let digest = self.taken.lock().unwrap().get(&version).cloned()?;
        Some((version, digest))
    }

    /// Everything that it was asked to serve.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }

    fn answer(&self) -> Response {
        match self.serves() {
            Some((version, digest)) => Json(json!({"version": version, "digest": digest})).into_response(),
            None => Json(json!({"version": null})).into_response(),
        }
    }
}

async fn receive(State(endpoint): State<Arc<Endpoint>>, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap();
    let version = request["version"].as_str().unwrap().to_owned();
    if let Some(digest) = request["digest"].as_str() {
        let asked = (version.clone(), digest.to_owned());
        endpoint.asked.lock().unwrap().push(asked);
        let mut taken = endpoint.taken.lock().unwrap();
        taken.entry(version.clone()).or_insert_with(|| digest.to_owned());
    }
    *endpoint.serving.lock().unwrap() = Some(version);
    endpoint.answer()
}

async fn status(State(endpoint): State<Arc<Endpoint>>) -> Response {
    endpoint.answer()
}
