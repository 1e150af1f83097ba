//! A signed webhook: whoever answers it makes the model serve, and says which version does.

use super::protocol::{ServingError, unreachable};
use super::servable::Servable;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_github::signature::sign;

/// A status call must be answered in this time.
const CALL: Duration = Duration::from_secs(30);
/// Between two looks at the status.
const POLL: Duration = Duration::from_millis(100);
/// Carries `sha256=` and the hexadecimal HMAC-SHA256 of the body.
const SIGNATURE: &str = "x-trainyard-signature-256";

/// One target of a webhook.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) http: reqwest::Client,
    pub(super) target: String,
    pub(super) model: String,
    pub(super) url: String,
    pub(super) status_url: Option<String>,
    pub(super) secret: SecretString,
    pub(super) max_loading_time: Duration,
}

impl Webhook {
    pub(super) async fn push(&self, new: Servable<'_>, keep: &[String], evidence: &Value) -> Result<(), ServingError> {
        let done = self.change("push", new.version, Some(new), evidence).await;
        if let Err(error) = &done {
            self.restore(error, keep.last().map(String::as_str), new.version).await;
        }
        done
    }

    pub(super) async fn roll_back(
        &self,
        earlier: Servable<'_>,
        current: &str,
        evidence: &Value,
    ) -> Result<(), ServingError> {
        let done = self.change("rollback", earlier.version, Some(earlier), evidence).await;
        if let Err(error) = &done {
            self.restore(error, Some(current), earlier.version).await;
        }
        done
    }

    /// Only a status tells what serves; then the ledger's version is asked for again.
    pub(super) async fn settle(&self, current: Option<Servable<'_>>) -> Result<bool, ServingError> {
        let (Some(status), Some(current)) = (&self.status_url, current) else {
            return Ok(false);
        };
        if self
            .status(status)
            .await?
            .is_none_or(|serving| serving == current.version)
        {
            return Ok(false);
        }
        let evidence = json!({"reason": "the ledger says so"});
        self.change("rollback", current.version, Some(current), &evidence)
            .await?;
        Ok(true)
    }

    /// Whether it answers, for a person. The webhook itself is not called: that would change something.
    pub(super) async fn probe(&self) -> Result<String, ServingError> {
        let Some(status) = &self.status_url else {
            return Ok(format!(
                "requests to {} are signed; without a status_url it is not asked",
                self.url
            ));
        };
        let serving = self.status(status).await?;
        Ok(format!(
            "{status} answers: {} serves",
            serving.unwrap_or_else(|| "no version".to_owned())
        ))
    }

    /// Sends one request and reads back that the version serves.
    async fn change(
        &self,
        action: &str,
        version: &str,
        servable: Option<Servable<'_>>,
        evidence: &Value,
    ) -> Result<(), ServingError> {
        let body = json!({
            "action": action,
            "target": self.target,
            "model": self.model,
            "version": version,
            "digest": servable.map(|servable| &servable.model.digest),
            "uri": servable.map(|servable| servable.files),
            "evidence": evidence,
        });
        let body = body.to_string();
        let signature = sign(self.secret.expose_secret(), body.as_bytes());
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header(SIGNATURE, signature)
            .timeout(self.max_loading_time.max(CALL))
            .body(body);
        let response = request.send().await;
        let response = response.map_err(|error| unreachable("the webhook", &self.url, &error))?;
        let status = response.status();
        let text = response
            .bytes()
            .await
            .map_err(|error| unreachable("the webhook", &self.url, &error))?;
        if !status.is_success() {
            let said: String = String::from_utf8_lossy(&text).trim().chars().take(200).collect();
            let said = if said.is_empty() { said } else { format!(": {said}") };
            return Err(ServingError::Answer(format!(
                "the webhook at {} refused to {action} version {version} ({status}){said}",
                self.url
            )));
        }
        match &self.status_url {
            Some(url) => self.wait_serving(url, version).await,
            None => self.expect(version, said(&text)),
        }
    }

    async fn wait_serving(&self, url: &str, version: &str) -> Result<(), ServingError> {
        let deadline = Instant::now() + self.max_loading_time;
        loop {
            let serving = self.status(url).await?;
            if serving.as_deref() == Some(version) || Instant::now() >= deadline {
                return self.expect(version, serving);
            }
            sleep(POLL).await;
        }
    }

    fn expect(&self, version: &str, serving: Option<String>) -> Result<(), ServingError> {
        match serving {
            Some(serving) if serving == version => Ok(()),
            Some(serving) => Err(ServingError::Answer(format!(
                "the webhook at {} says that version {serving} serves, not {version}",
                self.url
            ))),
            None => Err(ServingError::Answer(format!(
                "the webhook at {} does not say which version serves: let it, or its status_url, answer {{\"version\": \"{version}\"}}",
                self.url
            ))),
        }
    }

    /// The version that serves, `None` if the answer names none.
    async fn status(&self, url: &str) -> Result<Option<String>, ServingError> {
        let response = self.http.get(url).timeout(CALL).send().await;
        let response = response.map_err(|error| unreachable("the webhook", url, &error))?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let text = response.bytes().await;
        Ok(said(&text.map_err(|error| unreachable("the webhook", url, &error))?))
    }

    /// Asks for what served before, after a request of which nobody knows what it did.
    async fn restore(&self, error: &ServingError, before: Option<&str>, failed: &str) {
        // Nobody heard the request.
        if matches!(error, ServingError::Unreachable { problem, .. } if problem != "no answer in time") {
            return;
        }
        let evidence = json!({"failed": failed, "reason": error.to_string()});
        let restored = match before {
            Some(version) => self.change("rollback", version, None, &evidence).await,
            None => Ok(()),
        };
        if let Err(error) = restored {
            tracing::error!(target = self.target, version = failed, %error, "a failed version may still serve");
        }
    }
}

/// `{"version": "000007"}`; a number is taken as well.
fn said(text: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(text).ok()?;
    match &answer["version"] {
        Value::String(version) => Some(version.clone()),
        Value::Number(version) => Some(format!("{:06}", version.as_u64()?)),
        _ => None,
    }
}
