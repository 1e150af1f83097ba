//! A signed webhook: whoever answers it makes the model serve, and says which version does.

use super::claims::Claims;
use super::protocol::{ServingError, unreachable};
use super::servable::{New, Servable, Settled};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::artifact::Digest;
use trainyard_core::registry::{NotOurs, Present, Rank, next_above};
use trainyard_core::run::Drift;
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
    pub(super) async fn push(
        &self,
        new: New<'_>,
        mut claims: Claims,
        evidence: &Value,
    ) -> Result<String, ServingError> {
        let model = &new.model.digest;
        let serving = self.serving_now().await?;
        let kept = claims.ledger().kept().pop();
        let before = match &serving {
            Some(serving) if !serving.is_known(&claims) => Some(serving.version.clone()),
            _ => kept,
        };
        // What a push that was cut off made serve keeps its number, for the same model.
        let again = |serving: &Serving| claims.attempts().contains(&serving.version, model);
        let present: Vec<_> = serving.iter().filter(|serving| !again(serving)).collect();
        let present: Vec<_> = present
            .iter()
            .filter_map(|serving| self.present(&serving.version))
            .collect();
        let version = next_above(claims.ledger(), &present)?;
        claims.attempt(&version, model)?;
        let done = self
            .change("push", &version, Some(new.called(&version)), evidence, &claims)
            .await;
        if let Err(error) = &done {
            self.restore(error, before.as_deref(), &version, &claims).await;
        }
        done.map(|()| version)
    }

    pub(super) async fn roll_back(
        &self,
        earlier: Servable<'_>,
        current: &str,
        claims: &Claims,
        evidence: &Value,
    ) -> Result<(), ServingError> {
        if let Some(serving) = self.serving_now().await?.filter(|serving| !serving.is_known(claims)) {
            return Err(self.another(&serving, earlier.version));
        }
        let done = self
            .change("rollback", earlier.version, Some(earlier), evidence, claims)
            .await;
        if let Err(error) = &done {
            self.restore(error, Some(current), earlier.version, claims).await;
        }
        done
    }

    /// Only a status tells what serves; if that is an earlier version of ours, or one of a push that was cut off, the
    /// ledger's is asked for again.
    pub(super) async fn settle(&self, current: Option<Servable<'_>>, claims: &Claims) -> Result<Settled, ServingError> {
        let Some(current) = current else {
            return Ok(Settled::default());
        };
        match self.serving_now().await? {
            None => return Ok(Settled::default()),
            Some(serving) if !serving.is_known(claims) => return Err(self.another(&serving, current.version)),
            Some(serving) if serving.version == current.version => return Ok(Settled::default()),
            Some(_) => {}
        }
        let evidence = json!({"reason": "the ledger says so"});
        self.change("rollback", current.version, Some(current), &evidence, claims)
            .await?;
        Ok(Settled {
            put_right: true,
            others: Vec::new(),
        })
    }

    /// What the status says serves in place of what the ledger says, as far as it can be told.
    pub(super) async fn drift(&self, current: Servable<'_>) -> Result<Option<Drift>, ServingError> {
        let Some(url) = &self.status_url else { return Ok(None) };
        // A receiver that is away or names none says nothing.
        let Some(serving) = self.status(url).await.ok().flatten() else {
            return Ok(None);
        };
        let same_bytes = serving
            .digest
            .as_ref()
            .is_none_or(|digest| *digest == current.model.digest);
        Ok(
            (serving.version != current.version || !same_bytes).then(|| Drift::Answers {
                said: format!("{url} says that version {} serves", serving.version),
            }),
        )
    }

    /// What serves, as far as there is a status that says so.
    async fn serving_now(&self) -> Result<Option<Serving>, ServingError> {
        match &self.status_url {
            Some(url) => self.status(url).await,
            None => Ok(None),
        }
    }

    /// A version that a number must be above; a name that is no number is no version before or after ours.
    fn present(&self, version: &str) -> Option<Present> {
        Some(Present {
            place: format!("version {version}, which {} says serves,", self.status_url.as_ref()?),
            rank: Rank::of_name(version)?,
        })
    }

    fn another(&self, serving: &Serving, ledger: &str) -> ServingError {
        ServingError::NotOurs(NotOurs::AnotherServes {
            url: self.status_url.clone().unwrap_or_else(|| self.url.clone()),
            version: serving.version.clone(),
            ledger: ledger.to_owned(),
        })
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
            serving.map_or_else(|| "no version".to_owned(), |serving| serving.version)
        ))
    }

    /// Sends one request and reads back that the version serves.
    async fn change(
        &self,
        action: &str,
        version: &str,
        servable: Option<Servable<'_>>,
        evidence: &Value,
        claims: &Claims,
    ) -> Result<(), ServingError> {
        let body = json!({
            "action": action,
            "instance": claims.instance(),
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
            let serves = serving.as_ref().is_some_and(|serving| serving.version == version);
            if serves || Instant::now() >= deadline {
                return self.expect(version, serving);
            }
            sleep(POLL).await;
        }
    }

    fn expect(&self, version: &str, serving: Option<Serving>) -> Result<(), ServingError> {
        match serving.map(|serving| serving.version) {
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
    async fn status(&self, url: &str) -> Result<Option<Serving>, ServingError> {
        let response = self.http.get(url).timeout(CALL).send().await;
        let response = response.map_err(|error| unreachable("the webhook", url, &error))?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let text = response.bytes().await;
        Ok(said(&text.map_err(|error| unreachable("the webhook", url, &error))?))
    }

    /// Asks for what served before, after a request of which nobody knows what it did.
    async fn restore(&self, error: &ServingError, before: Option<&str>, failed: &str, claims: &Claims) {
        // Nobody heard the request.
        if matches!(error, ServingError::Unreachable { problem, .. } if problem != "no answer in time") {
            return;
        }
        let evidence = json!({"failed": failed, "reason": error.to_string()});
        let restored = match before {
            Some(version) => self.change("rollback", version, None, &evidence, claims).await,
            None => Ok(()),
        };
        if let Err(error) = restored {
            tracing::error!(target = self.target, version = failed, %error, "a failed version may still serve");
        }
    }
}

/// What a receiver says it serves.
#[derive(Clone, Debug)]
struct Serving {
    version: String,
    /// The model, if it says so.
    digest: Option<Digest>,
}

impl Serving {
    /// Whether it can be a version that this instance pushed.
    fn is_known(&self, claims: &Claims) -> bool {
        claims.proofs().knows(&self.version, self.digest.as_ref())
    }
}

/// `{"version": "000007"}`; a number is taken as well, and a `digest` tells versions of the same name apart.
fn said(text: &[u8]) -> Option<Serving> {
    let answer: Value = serde_json::from_slice(text).ok()?;
    let version = match &answer["version"] {
        Value::String(version) => version.clone(),
        Value::Number(version) => format!("{:06}", version.as_u64()?),
        _ => return None,
    };
    let digest = answer["digest"].as_str().and_then(|digest| Digest::parse(digest).ok());
    Some(Serving { version, digest })
}
