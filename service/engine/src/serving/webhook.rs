//! A signed webhook: whoever answers it makes the model serve, and says which version does.
//!
//! A request that got no answer may have been heard. Then nobody knows what serves, and nothing else is sent until a
//! look says so: at the status, or, without one, by the same request again, under its own number and digest.

use super::claims::Claims;
use super::protocol::{ServingError, unreachable};
use super::servable::{New, Servable};
use crate::house::crash::{Effect, passing};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::artifact::Digest;
use trainyard_core::registry::{
    Answer, Before, Blind, Look, NotOurs, Present, PromotionAction, Rank, Sighting, Told, Whose, next_above,
};
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

/// What came back where a version does not serve that was asked for.
struct Failed {
    answer: Answer,
    error: ServingError,
}

impl Failed {
    fn new(answer: Answer, error: ServingError) -> Self {
        Self { answer, error }
    }
}

/// What is asked for.
struct Asked<'a> {
    action: &'static str,
    version: &'a str,
    /// Its bytes, where they are sent along.
    servable: Option<Servable<'a>>,
    /// Its model, where that is known.
    model: Option<&'a Digest>,
    evidence: &'a Value,
    /// Whether it was sent before, and may have been heard.
    again: bool,
}

impl<'a> Asked<'a> {
    fn of(action: &'static str, servable: Servable<'a>, evidence: &'a Value) -> Self {
        Self {
            action,
            version: servable.version,
            model: Some(&servable.model.digest),
            servable: Some(servable),
            evidence,
            again: false,
        }
    }
}

impl Webhook {
    pub(super) async fn push(
        &self,
        new: New<'_>,
        mut claims: Claims,
        evidence: &Value,
    ) -> Result<String, ServingError> {
        let serving = self.serving_now().await?;
        let kept = claims.ledger().kept().pop();
        let before = match &serving {
            Some(serving) if !serving.is_known(&claims) => Some(serving.version.clone()),
            _ => kept,
        };
        let present: Vec<_> = serving
            .iter()
            .filter_map(|serving| self.present(&serving.version))
            .collect();
        let version = next_above(claims.ledger(), &present)?;
        claims.begin(&version, &new.model.digest, true).await?;
        let asked = Asked::of("push", new.called(&version), evidence);
        self.change_or_restore(asked, before.as_deref(), &claims).await?;
        claims.read_back().await;
        Ok(version)
    }

    pub(super) async fn roll_back(
        &self,
        earlier: Servable<'_>,
        current: &str,
        mut claims: Claims,
        evidence: &Value,
    ) -> Result<(), ServingError> {
        if let Some(serving) = self.serving_now().await?.filter(|serving| !serving.is_known(&claims)) {
            return Err(self.another(&serving, earlier.version));
        }
        claims.begin(earlier.version, &earlier.model.digest, false).await?;
        let asked = Asked::of("rollback", earlier, evidence);
        self.change_or_restore(asked, Some(current), &claims).await?;
        claims.read_back().await;
        Ok(())
    }

    /// Asks for a version, and for the one before it where this one may not serve. An error that is none of
    /// [`ServingError::Unknown`] says that it does not.
    async fn change_or_restore(
        &self,
        asked: Asked<'_>,
        before: Option<&str>,
        claims: &Claims,
    ) -> Result<(), ServingError> {
        let (version, again) = (asked.version, asked.again);
        let Err(Failed { mut answer, error }) = self.change(&asked, claims).await else {
            return Ok(());
        };
        let mut told = answer.tells(again, Before::NotAsked);
        let mut then = String::new();
        if told == Told::AskForBefore {
            let found = match before {
                None => Before::Nothing,
                Some(before) => match self.restore(&error, before, version, claims).await {
                    Ok(()) => Before::Serves,
                    Err(failed) => {
                        then = format!("; and then {}", failed.error);
                        tracing::error!(target = self.target, version, error = %failed.error, "a version that failed may still serve");
                        Before::Unknown
                    }
                },
            };
            told = answer.tells(again, found);
            // Where there is a status it knows.
            if let (Told::Unknown, Before::Nothing, Some(url)) = (told, found, &self.status_url) {
                answer = match self.wait_serving(url, &asked).await {
                    Ok(()) => Answer::This,
                    Err(failed) => failed.answer,
                };
                told = answer.tells(again, found);
            }
        }
        match told {
            Told::Serves => Ok(()),
            Told::DoesNot => Err(error),
            Told::Unknown | Told::AskForBefore => Err(ServingError::Unknown {
                version: version.to_owned(),
                problem: format!("{error}{then}"),
            }),
        }
    }

    /// Whether what was asked for serves.
    pub(super) async fn look_for(
        &self,
        wanted: Servable<'_>,
        action: PromotionAction,
        claims: &Claims,
        evidence: &Value,
    ) -> Look {
        if let Some(url) = &self.status_url {
            let Ok(Status::Said(serving)) = self.status(url).await else {
                return Look::Silent;
            };
            let Some(serving) = serving else { return Look::NotYet };
            let look = Look::compared(
                wanted.version,
                &wanted.model.digest,
                &serving.version,
                serving.digest.as_ref(),
            );
            return match look {
                // Under this very number: nothing can follow.
                Look::Another if serving.version == wanted.version => Look::Another,
                Look::Another => Look::NotYet,
                look => look,
            };
        }
        if claims.files(&wanted.model.digest).is_none() {
            return Look::Silent;
        }
        let action = match action {
            PromotionAction::Rollback => "rollback",
            PromotionAction::Push | PromotionAction::Removed => "push",
        };
        let before = claims.ledger().kept().pop();
        let asked = Asked {
            again: true,
            ..Asked::of(action, wanted, evidence)
        };
        match self.change_or_restore(asked, before.as_deref(), claims).await {
            Ok(()) => Look::This,
            Err(ServingError::Unknown { .. }) => Look::Silent,
            Err(_) => Look::Another,
        }
    }

    /// What its status says serves.
    pub(super) async fn sight(&self, claims: &Claims) -> Sighting {
        let Some(url) = &self.status_url else {
            return Sighting::Silent;
        };
        match self.status(url).await {
            Ok(Status::Said(Some(serving))) => Sighting::Serves {
                whose: match &serving.instance {
                    Some(instance) if instance == claims.instance() => Whose::Ours,
                    Some(_) => Whose::Others,
                    None => Whose::Unsaid,
                },
                version: serving.version,
                model: serving.digest,
            },
            Ok(Status::Said(None)) => Sighting::Nothing,
            Ok(Status::Silent(_)) | Err(_) => Sighting::Silent,
        }
    }

    /// What the status says serves in place of what the ledger says, as far as it can be told.
    pub(super) async fn drift(&self, current: Servable<'_>) -> Result<Option<Drift>, ServingError> {
        let Some(url) = &self.status_url else { return Ok(None) };
        // A receiver that is away or names none says nothing.
        let Ok(Status::Said(Some(serving))) = self.status(url).await else {
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
            Some(url) => match self.status(url).await? {
                Status::Said(serving) => Ok(serving),
                Status::Silent(_) => Ok(None),
            },
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

    /// What of it nobody can look at after a crash.
    pub(super) async fn blind(&self) -> Vec<Blind> {
        let Some(url) = &self.status_url else {
            return Blind::of(None);
        };
        match self.status(url).await {
            Ok(Status::Said(Some(serving))) => Blind::of(Some((serving.digest.is_some(), serving.instance.is_some()))),
            Ok(Status::Said(None) | Status::Silent(_)) | Err(_) => Vec::new(),
        }
    }

    /// Whether it answers, for a person. The webhook itself is not called: that would change something.
    pub(super) async fn probe(&self) -> Result<String, ServingError> {
        let Some(url) = &self.status_url else {
            return Ok(format!("requests to {} are signed, and it is not asked", self.url));
        };
        match self.status(url).await? {
            Status::Said(Some(serving)) => Ok(format!("{url} answers: {} serves", serving.version)),
            Status::Said(None) => Ok(format!("{url} answers: no version serves")),
            Status::Silent(status) => Ok(format!("{url} answers {status}, and not which version serves")),
        }
    }

    /// Sends one request and reads back that the version serves.
    async fn change(&self, asked: &Asked<'_>, claims: &Claims) -> Result<(), Failed> {
        let (action, version) = (asked.action, asked.version);
        let body = json!({
            "action": action,
            "instance": claims.instance(),
            "target": self.target,
            "model": self.model,
            "version": version,
            "digest": asked.servable.map(|servable| &servable.model.digest),
            "uri": asked.servable.map(|servable| servable.files),
            "evidence": asked.evidence,
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
        let unheard = |error: &reqwest::Error| {
            let answer = match error.is_connect() {
                true => Answer::NotConnected,
                false => Answer::Broken,
            };
            Failed::new(answer, unreachable("the webhook", &self.url, error))
        };
        let response = passing(Effect::CallReceiver, request.send()).await;
        let response = response.map_err(|error| unheard(&error))?;
        let status = response.status();
        let text = response.bytes().await.map_err(|error| unheard(&error))?;
        // Not where what served before is asked for again.
        if asked.servable.is_some() {
            claims.sent().await;
        }
        if !status.is_success() {
            let said: String = String::from_utf8_lossy(&text).trim().chars().take(200).collect();
            let said = if said.is_empty() { said } else { format!(": {said}") };
            let did = if status.is_client_error() { "refused" } else { "failed" };
            let refused = format!(
                "the webhook at {} {did} to {action} version {version} ({status}){said}",
                self.url
            );
            let answer = Answer::Status(status.as_u16());
            return Err(Failed::new(answer, ServingError::Answer(refused)));
        }
        match &self.status_url {
            Some(url) => self.wait_serving(url, asked).await,
            None => self.expect(asked, said(&text)),
        }
    }

    async fn wait_serving(&self, url: &str, asked: &Asked<'_>) -> Result<(), Failed> {
        let deadline = Instant::now() + self.max_loading_time;
        loop {
            let status = self.status(url).await;
            let late = Instant::now() >= deadline;
            match status {
                Ok(Status::Said(serving)) => {
                    let serves = serving.as_ref().is_some_and(|serving| serving.version == asked.version);
                    if serves || late {
                        return self.expect(asked, serving).map_err(|failed| match failed.answer {
                            Answer::Unreadable | Answer::Another => Failed::new(Answer::NotByStatus, failed.error),
                            _ => failed,
                        });
                    }
                }
                Ok(Status::Silent(status)) if late => {
                    let problem = format!("{url} answers {status}, and not which version serves");
                    return Err(Failed::new(Answer::Broken, ServingError::Answer(problem)));
                }
                Err(error) if late => return Err(Failed::new(Answer::Broken, error)),
                Ok(Status::Silent(_)) | Err(_) => {}
            }
            sleep(POLL).await;
        }
    }

    fn expect(&self, asked: &Asked<'_>, serving: Option<Serving>) -> Result<(), Failed> {
        let (url, version) = (&self.url, asked.version);
        let failed = |answer, problem| Err(Failed::new(answer, ServingError::Answer(problem)));
        let Some(serving) = serving else {
            let problem = format!(
                "the webhook at {url} does not say which version serves: let it, or its status_url, answer {{\"version\": \"{version}\"}}"
            );
            return failed(Answer::Unreadable, problem);
        };
        if serving.version != version {
            let other = &serving.version;
            let problem = format!("the webhook at {url} says that version {other} serves, not {version}");
            return failed(Answer::Another, problem);
        }
        match (asked.model, &serving.digest) {
            (Some(model), Some(digest)) if model != digest => {
                let (found, wanted) = (digest.short(), model.short());
                let problem =
                    format!("the webhook at {url} says that version {version} is model {found}, not {wanted}");
                failed(Answer::Taken, problem)
            }
            _ => Ok(()),
        }
    }

    async fn status(&self, url: &str) -> Result<Status, ServingError> {
        let response = self.http.get(url).timeout(CALL).send().await;
        let response = response.map_err(|error| unreachable("the webhook", url, &error))?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(Status::Said(None));
        }
        if !status.is_success() {
            return Ok(Status::Silent(status));
        }
        let text = response.bytes().await;
        let text = text.map_err(|error| unreachable("the webhook", url, &error))?;
        Ok(match serde_json::from_slice::<Value>(&text) {
            Ok(Value::Object(_)) => Status::Said(said(&text)),
            _ => Status::Silent(status),
        })
    }

    /// Asks for what served before, after a request that did not end as it should.
    async fn restore(&self, error: &ServingError, before: &str, failed: &str, claims: &Claims) -> Result<(), Failed> {
        let evidence = json!({"failed": failed, "reason": error.to_string()});
        let asked = Asked {
            action: "rollback",
            version: before,
            servable: None,
            model: claims.ledger().version(before).map(|entry| &entry.model.digest),
            evidence: &evidence,
            again: false,
        };
        self.change(&asked, claims).await
    }
}

/// What a status page answers.
enum Status {
    /// This version serves, or none.
    Said(Option<Serving>),
    /// It says nothing of versions.
    Silent(StatusCode),
}

/// What a receiver says it serves.
#[derive(Clone, Debug)]
struct Serving {
    version: String,
    /// The model, if it says so.
    digest: Option<Digest>,
    /// Whose it is, if it says so.
    instance: Option<String>,
}

impl Serving {
    /// Whether it can be a version that this instance pushed.
    fn is_known(&self, claims: &Claims) -> bool {
        claims.proofs().knows(&self.version, self.digest.as_ref())
    }
}

/// `{"version": "000007"}`; a number is taken as well. A `digest` tells versions of the same name apart, and an
/// `instance` whose they are.
fn said(text: &[u8]) -> Option<Serving> {
    let answer: Value = serde_json::from_slice(text).ok()?;
    let version = match &answer["version"] {
        Value::String(version) => version.clone(),
        Value::Number(version) => format!("{:06}", version.as_u64()?),
        _ => return None,
    };
    let digest = answer["digest"].as_str().and_then(|digest| Digest::parse(digest).ok());
    let instance = answer["instance"].as_str().map(str::to_owned);
    Some(Serving {
        version,
        digest,
        instance,
    })
}
