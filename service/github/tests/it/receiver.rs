//! The other end of a webhook: keeps what arrives and answers as told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct Arrived {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

struct Inbox {
    arrived: Mutex<Vec<Arrived>>,
    answer: AtomicU16,
}

pub struct Receiver {
    pub url: String,
    inbox: Arc<Inbox>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/github", listener.local_addr().unwrap());
        let inbox = Arc::new(Inbox {
            arrived: Mutex::default(),
            answer: AtomicU16::new(202),
        });
        let keep = |State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes| async move {
            inbox.arrived.lock().unwrap().push(Arrived { headers, body });
            StatusCode::from_u16(inbox.answer.load(Ordering::SeqCst)).unwrap()
        };
        let router = Router::new()
            .route("/webhooks/github", post(keep))
            .with_state(Arc::clone(&inbox));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inbox, task }
    }

    pub fn answer_with(&self, status: u16) {
        self.inbox.answer.store(status, Ordering::SeqCst);
    }

    /// The first `count` deliveries, as soon as they are there.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrived> {
        wait_until(&format!("{count} webhooks"), || {
            let arrived = self.inbox.arrived.lock().unwrap();
            (arrived.len() >= count).then(|| arrived.clone())
        })
        .await
    }
}

/// Looks again and again until there is an answer; fails by name after a while.
pub async fn wait_until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} within 20 seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
