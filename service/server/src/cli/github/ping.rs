//! The proof that deliveries arrive and are believed: a ping that GitHub sent, with its signature.

use crate::cli::service::Service;
use crate::config::Config;
use anyhow::{Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_engine::{GitHub, GitHubError, HookDelivery, HookOf, verify_signature};

/// How often GitHub's list is looked at, and how often a delivery is asked for again.
const LOOK: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// GitHub's payload of a ping is a few kilobytes.
const LARGEST: usize = 1 << 20;

/// Who hears the ping.
pub(super) enum Ear {
    /// The service, which is running.
    Service(Service),
    /// This command, in its place, until it is dropped.
    Here(Arc<Heard>, tokio::task::JoinHandle<()>),
    /// Something else listens there, or the service is on another machine.
    Elsewhere,
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Self::Here(_, task) = self {
            task.abort();
        }
    }
}

/// What this command heard in the place of the service.
pub(super) struct Heard {
    secret: SecretString,
    believed: Mutex<HashSet<String>>,
}

impl Ear {
    /// The running service, else this command where the service would listen.
    pub(super) async fn open(config: &Config, secret: &SecretString) -> Self {
        if let Some(service) = Service::find(config).await {
            return Self::Service(service);
        }
        let Ok(listener) = tokio::net::TcpListener::bind(config.listen).await else {
            return Self::Elsewhere;
        };
        let heard = Arc::new(Heard {
            secret: secret.clone(),
            believed: Mutex::default(),
        });
        let router = Router::new()
            .fallback(hear)
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(Arc::clone(&heard));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "listening for the ping ended");
            }
        });
        Self::Here(heard, task)
    }

    /// Whether this delivery arrived with the right signature.
    async fn believed(&self, github: &GitHub, of: &HookOf, delivery: &HookDelivery) -> bool {
        match self {
            Self::Here(heard, _) => {
                let believed = heard.believed.lock().unwrap_or_else(PoisonError::into_inner);
                believed.contains(&delivery.guid)
            }
            _ if !delivery.is_taken() => false,
            Self::Service(service) if service.knows_delivery(&delivery.guid).await => true,
            // Who takes deliveries says which one he took, and takes none that is signed wrongly.
            _ => match github.hook_delivery(of, delivery.id).await {
                Ok(whole) => {
                    let answer = whole
                        .response
                        .get("payload")
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    answer.contains(&delivery.guid)
                }
                Err(_) => false,
            },
        }
    }

    /// Why a delivery that GitHub sent is not believed yet, and what to do.
    fn trouble(&self, delivery: &HookDelivery) -> String {
        let code = delivery.status_code;
        match (self, code) {
            (Self::Service(_), 401 | 403) => "the running service refuses it, since it does not know the new secret yet: restart it with the new settings".to_owned(),
            (_, 401 | 403) => format!("it was answered with {code}: the secret at GitHub and the one here differ"),
            (_, 0) => format!("GitHub could not deliver it ({}): the webhook's address has to lead to the service's listen address", delivery.status),
            (_, 200..300) => "it was taken by something that is not this service: the webhook's address has to lead to the service's listen address".to_owned(),
            (_, code) => format!("it was answered with {code}: does the webhook's address lead to the service, with /webhooks/github at its end?"),
        }
    }
}

/// Takes pings and what tells of installations. All else is for the service: GitHub keeps what is answered with 503.
async fn hear(State(heard): State<Arc<Heard>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let refuse = |status: StatusCode, error: String| (status, axum::Json(json!({"error": error}))).into_response();
    let secrets = [heard.secret.clone()];
    if let Err(error) = verify_signature(&secrets, header("x-hub-signature-256"), body) {
        return refuse(StatusCode::UNAUTHORIZED, error.to_string());
    }
    let event = header("x-github-event").unwrap_or_default();
    if !matches!(event, "ping" | "installation" | "installation_repositories") {
        let sentence = "the service is being set up: send it again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, sentence.to_owned());
    }
    let guid = header("x-github-delivery").unwrap_or_default().to_owned();
    heard
        .believed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(guid.clone());
    (
        StatusCode::ACCEPTED,
        axum::Json(json!({"delivery": guid, "status": "accepted"})),
    )
        .into_response()
}

/// Waits until a ping is believed; its id. What is in the way meanwhile is printed once.
pub(super) async fn verified(ear: &Ear, github: &GitHub, of: &HookOf, patience: Duration) -> Result<String> {
    let deadline = Instant::now() + patience;
    let mut asked: Option<Instant> = None;
    let mut said = String::new();
    loop {
        let now = Instant::now();
        let trouble = match github.hook_deliveries(of).await {
            Ok(deliveries) => {
                let newest = |event: &str| deliveries.iter().find(|delivery| delivery.event == event);
                // An App whose webhook was switched on later was sent no ping.
                match newest("ping").or_else(|| newest("installation")) {
                    None => "GitHub sent no ping yet: is the webhook active?".to_owned(),
                    Some(found) if ear.believed(github, of, found).await => return Ok(found.guid.clone()),
                    Some(found) => {
                        if asked.is_none_or(|at| now - at > ASK_AGAIN) {
                            asked = Some(now);
                            github.redeliver(of, found.id).await?;
                            // The first attempt may be older than the secret.
                            sleep(LOOK).await;
                            continue;
                        }
                        ear.trouble(found)
                    }
                }
            }
            Err(error @ (GitHubError::Unauthorized { .. } | GitHubError::NotFound { .. })) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        if now >= deadline {
            bail!(
                "no ping was verified within {}s: {trouble}; then run this command again",
                patience.as_secs()
            );
        }
        if trouble != said {
            eprintln!("{}", trainyard_core::log::one_line(&trouble));
            said = trouble;
        }
        sleep(LOOK).await;
    }
}
