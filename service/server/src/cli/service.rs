//! A service that runs on this machine with the same data folder, asked over its API.

use crate::config::Config;
use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use trainyard_engine::Engine;

/// A service on this machine that does not answer within this time is not running.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running service.
pub(super) struct Service {
    client: Client,
    url: String,
    token: Option<SecretString>,
}

impl Service {
    /// The service that listens where the configuration says and owns the same data folder.
    pub(super) async fn find(config: &Config) -> Option<Self> {
        let client = Client::builder().no_proxy().connect_timeout(PATIENCE).build().ok()?;
        let service = Self {
            client,
            url: format!("http://{}", reachable(config.listen)),
            token: config.api_token.clone(),
        };
        let health = service
            .client
            .get(format!("{}/healthz", service.url))
            .timeout(PATIENCE)
            .send()
            .await
            .ok()?;
        let health: Value = health.json().await.ok()?;
        let ours = Engine::instance_of(&config.engine().ok()?).ok()?;
        (health["instance"].as_str() == Some(ours.as_str())).then_some(service)
    }

    /// Posts JSON. The error is the service's own sentence.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        self.send(request).await
    }

    /// Whether it stored a delivery with this id.
    pub(super) async fn knows_delivery(&self, id: &str) -> bool {
        let path = format!("/api/v1/deliveries/{}", crate::views::path_part(id));
        self.send(self.client.get(format!("{}{path}", self.url)).timeout(PATIENCE))
            .await
            .is_ok()
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let response = request.send().await.with_context(|| {
            format!(
                "the service on {} did not answer to the end: look at its log before asking again",
                self.url
            )
        })?;
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        match answer["error"].as_str() {
            Some(sentence) => bail!("{}", sentence.to_owned()),
            None => bail!("the service on {} answered {status}: look at its log", self.url),
        }
    }
}

/// Where an address is reached from the same machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
