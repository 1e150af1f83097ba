//! Webhooks on their way: signed, sent in order, each attempt recorded. Like GitHub, the simulator
//! never tries again by itself.

use super::Shared;
use super::apps::Hook;
use super::clock::now;
use crate::client::is_loopback;
use crate::signature::sign;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// GitHub calls a delivery failed when there is no answer by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// The id of the one webhook that every repository has.
pub(crate) const HOOK_ID: u64 = 1;

/// Whose webhook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// The one that every repository has, [`HOOK_ID`].
    Everywhere,
    /// An App's.
    App(u64),
    /// One that somebody made for a repository.
    Hook(u64),
}

/// A webhook to send.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    to: Receiver,
    guid: String,
    event: String,
    action: Option<String>,
    repo: String,
    body: Bytes,
    redelivery: bool,
}

impl Outgoing {
    pub(crate) fn new(event: &str, repo: &str, body: &Value) -> Self {
        Self {
            to: Receiver::Everywhere,
            guid: uuid::Uuid::now_v7().to_string(),
            event: event.to_owned(),
            action: body.get("action").and_then(Value::as_str).map(str::to_owned),
            repo: repo.to_owned(),
            body: Bytes::from(body.to_string()),
            redelivery: false,
        }
    }

    /// The same for another's webhook.
    pub(crate) fn to(mut self, to: Receiver) -> Self {
        self.to = to;
        self
    }
}

/// The way out: webhooks in their order, and how many of them are not answered yet.
#[derive(Debug)]
pub(crate) struct Outbound {
    queue: UnboundedSender<Outgoing>,
    on_the_way: AtomicUsize,
}

impl Outbound {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Outgoing>) {
        let (queue, receiver) = unbounded_channel();
        let on_the_way = AtomicUsize::new(0);
        (Self { queue, on_the_way }, receiver)
    }

    /// Nobody sends any more where the simulator is being taken down.
    pub(crate) fn send(&self, outgoing: Outgoing) {
        self.on_the_way.fetch_add(1, Ordering::SeqCst);
        let _ = self.queue.send(outgoing);
    }

    pub(crate) fn on_the_way(&self) -> usize {
        self.on_the_way.load(Ordering::SeqCst)
    }
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    pub(crate) to: Receiver,
    /// The attempt.
    pub id: u64,
    /// The delivery: all its attempts have the same.
    pub guid: String,
    /// `push`, `pull_request`, …
    pub event: String,
    /// `opened`, …
    pub action: Option<String>,
    /// `owner/name`.
    pub repo: String,
    /// The headers that were sent.
    pub headers: Map<String, Value>,
    /// The bytes that were sent.
    pub body: Bytes,
    /// Whether it was asked for again.
    pub redelivery: bool,
    /// When, RFC 3339.
    pub delivered_at: String,
    /// How long the answer took, in seconds.
    pub duration: f64,
    /// The status code of the answer; `None` without one.
    pub status_code: Option<u16>,
    /// `OK`, or what went wrong.
    pub status: String,
    /// The beginning of the answer.
    pub answer: String,
}

impl DeliveryRecord {
    pub(crate) fn again(&self) -> Outgoing {
        Outgoing {
            to: self.to,
            guid: self.guid.clone(),
            event: self.event.clone(),
            action: self.action.clone(),
            repo: self.repo.clone(),
            body: self.body.clone(),
            redelivery: true,
        }
    }

    /// As the API lists it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "guid": self.guid,
            "delivered_at": self.delivered_at,
            "redelivery": self.redelivery,
            "duration": self.duration,
            "status": self.status,
            "status_code": self.status_code.unwrap_or(0),
            "event": self.event,
            "action": self.action,
            "installation_id": null,
            "repository_id": null,
        })
    }

    /// As the API tells it whole.
    pub(crate) fn whole_json(&self) -> Value {
        let mut json = self.json();
        let payload: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["request"] = json!({"headers": self.headers, "payload": payload});
        json["response"] = json!({"headers": {}, "payload": self.answer});
        json
    }
}

/// Sends webhooks until the simulator is gone.
pub(crate) async fn run(shared: Weak<Shared>, mut queue: UnboundedReceiver<Outgoing>) {
    while let Some(outgoing) = queue.recv().await {
        let Some(shared) = shared.upgrade() else { return };
        if let Some(target) = target(&shared, &outgoing) {
            deliver(&shared, &target, outgoing).await;
        }
        shared.outgoing.on_the_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Where a webhook sends to.
struct Target {
    url: String,
    secret: Option<String>,
    hook_id: u64,
    kind: &'static str,
}

/// Nowhere where it is switched off or lost; what is asked for again goes in any case.
fn target(shared: &Shared, outgoing: &Outgoing) -> Option<Target> {
    let state = shared.state();
    let again = outgoing.redelivery;
    if state.webhooks_lost && !again {
        return None;
    }
    let of = |hook: &Hook, hook_id, kind| {
        hook.active.then(|| hook.url.clone()).flatten().map(|url| Target {
            url,
            secret: hook.secret.clone(),
            hook_id,
            kind,
        })
    };
    match outgoing.to {
        Receiver::Everywhere if !state.webhook_active && !again => None,
        Receiver::Everywhere => Some(Target {
            url: state.webhook_url.clone()?,
            secret: Some(shared.config.webhook_secret.clone()),
            hook_id: HOOK_ID,
            kind: "repository",
        }),
        Receiver::App(id) => {
            let (hook_id, hook) = state.app(id)?.hook.as_ref()?;
            of(hook, *hook_id, "integration")
        }
        Receiver::Hook(id) => of(&state.hooks.iter().find(|hook| hook.id == id)?.hook, id, "repository"),
    }
}

async fn deliver(shared: &Arc<Shared>, target: &Target, outgoing: Outgoing) {
    let mut headers = Map::new();
    for (name, value) in [
        ("Accept", "*/*".to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "GitHub-Hookshot/5171a2c".to_owned()),
        ("X-GitHub-Delivery", outgoing.guid.clone()),
        ("X-GitHub-Event", outgoing.event.clone()),
        ("X-GitHub-Hook-ID", target.hook_id.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", target.kind.to_owned()),
    ] {
        headers.insert(name.to_owned(), value.into());
    }
    if let Some(secret) = &target.secret {
        headers.insert("X-Hub-Signature-256".to_owned(), sign(secret, &outgoing.body).into());
    }
    let begun = Instant::now();
    let answered = send(&target.url, &headers, outgoing.body.clone()).await;
    let duration = begun.elapsed().as_secs_f64();
    let (status_code, status, answer) = match answered {
        Ok((code, answer)) if (200..300).contains(&code) => (Some(code), "OK".to_owned(), answer),
        Ok((code, answer)) => (Some(code), format!("Invalid HTTP Response: {code}"), answer),
        Err(error) if error.is_timeout() => (None, "timed out".to_owned(), String::new()),
        Err(_) => (None, "failed to connect to host".to_owned(), String::new()),
    };
    tracing::info!(
        event = outgoing.event,
        action = outgoing.action,
        guid = outgoing.guid,
        status,
        "webhook sent"
    );
    let mut state = shared.state();
    let id = state.next_id();
    state.deliveries.push(DeliveryRecord {
        id,
        to: outgoing.to,
        guid: outgoing.guid,
        event: outgoing.event,
        action: outgoing.action,
        repo: outgoing.repo,
        headers,
        body: outgoing.body,
        redelivery: outgoing.redelivery,
        delivered_at: now(),
        duration,
        status_code,
        status,
        answer,
    });
}

async fn send(url: &str, headers: &Map<String, Value>, body: Bytes) -> Result<(u16, String), reqwest::Error> {
    crate::install_tls();
    let builder = reqwest::Client::builder().timeout(PATIENCE);
    let client = if is_loopback(url) { builder.no_proxy() } else { builder }.build()?;
    let mut request = client.post(url).body(body);
    for (name, value) in headers {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let response = request.send().await?;
    let code = response.status().as_u16();
    Ok((
        code,
        response.text().await.unwrap_or_default().chars().take(1000).collect(),
    ))
}
