//! Where webhooks arrive, as the server's door does it; the engine behind it comes and goes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use trainyard_engine::{Engine, Intake, IntakeError};

#[derive(Clone, Default)]
pub struct Door {
    engine: Arc<Mutex<Option<Engine>>>,
    closed: Arc<Notify>,
}

impl Door {
    pub fn open(&self, engine: &Engine) {
        *self.engine.lock().unwrap() = Some(engine.clone());
    }

    /// Nobody answers: 503. Whoever waits for an answer gets none.
    pub fn close(&self) {
        *self.engine.lock().unwrap() = None;
        self.closed.notify_waiters();
    }

    /// The address, and the task to abort in the end.
    pub async fn listen(&self) -> (String, JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/webhooks/github", post(webhook))
            .with_state(self.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (url, task)
    }
}

async fn webhook(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let engine = door.engine.lock().unwrap().clone();
    let Some(engine) = engine else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let answer = tokio::select! {
        answer = engine.accept_webhook(header, body) => answer,
        () = door.closed.notified() => return StatusCode::SERVICE_UNAVAILABLE,
    };
    match answer {
        Ok(Intake::Accepted(_) | Intake::Flagged(..)) => StatusCode::ACCEPTED,
        Ok(Intake::Duplicate(_)) => StatusCode::OK,
        Err(IntakeError::Unsigned(_)) => StatusCode::UNAUTHORIZED,
        Err(IntakeError::Malformed(_)) => StatusCode::BAD_REQUEST,
        Err(IntakeError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
