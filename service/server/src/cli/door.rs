//! The one door of commands that change something: the running service of this data folder is asked, so that
//! nothing meets half way; without one an engine of its own does the same here.

use super::service::Service;
use crate::config::Config;
use crate::secret::fingerprint;
use crate::session;
use crate::token::Wanted;
use crate::views::{HoldChange, ReconciledTarget, TokenItem, heard_already, path_part, started_already};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use trainyard_core::ids::{DeliveryId, Micros, RepoName, RunId};
use trainyard_core::run::{Answer, Person, PushState, Which};
use trainyard_engine::{Engine, Keep, PromoteRequest, RunAsked};
use trainyard_store::{AskedAnew, RunRow};

/// Who does what a command asks for.
pub(super) enum Door {
    Service(Service),
    Here(Box<Engine>),
}

impl Door {
    /// The running service, else an engine.
    pub(super) async fn open(config: &Config) -> Result<Self> {
        match Service::find(config).await {
            Some(service) => Ok(Self::Service(service)),
            None => Ok(Self::Here(Box::new(Engine::open(config.engine()?).await?))),
        }
    }

    /// Whether the service does it.
    pub(super) fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Waits for what is being written.
    pub(super) async fn close(self) {
        if let Self::Here(engine) = self {
            engine.close().await;
        }
    }

    /// Starts a run of a known pipeline; its id.
    pub(super) async fn trigger(&self, repo: &RepoName, pipeline: &str, asked: &RunAsked) -> Result<String> {
        match self {
            Self::Service(service) => {
                let RunAsked {
                    parameters,
                    spans,
                    no_push,
                    actor,
                } = asked;
                let body = json!({
                    "repo": repo, "pipeline": pipeline, "parameters": parameters, "spans": spans,
                    "no_push": no_push, "actor": actor,
                });
                let answer = service.post("/api/v1/runs", &body).await?;
                Ok(answer["run"].as_str().unwrap_or_default().to_owned())
            }
            Self::Here(engine) => Ok(engine.request_known_so(repo, pipeline, asked).await?.to_string()),
        }
    }

    /// Runs again; the new run's id.
    pub(super) async fn rerun(&self, run: &RunRow, which: Which, actor: &str) -> Result<String> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/runs/{}/rerun", path_part(run.id.as_str()));
                let asked = json!({"all": which == Which::All, "actor": actor});
                let answer = service.post(&path, &asked).await?;
                Ok(answer["run"].as_str().unwrap_or_default().to_owned())
            }
            Self::Here(engine) => Ok(engine.rerun(&run.id, which, actor).await?.to_string()),
        }
    }

    /// Asks a run to end.
    pub(super) async fn cancel(&self, run: &RunRow, actor: &str) -> Result<()> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/runs/{}/cancel", path_part(run.id.as_str()));
                service.post(&path, &json!({"actor": actor})).await?;
            }
            Self::Here(engine) => {
                if !engine.cancel(&run.id, actor).await? {
                    bail!("run {} is over already: {}", run.id, run.state.as_str());
                }
            }
        }
        Ok(())
    }

    /// Brings a person's word to a run that waits; what was done, as the API says it.
    pub(super) async fn decide(&self, run: &RunId, answer: Answer, actor: &str, reason: &str) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let what = match answer {
                    Answer::Approve => "approve",
                    Answer::Reject => "reject",
                };
                let path = format!("/api/v1/runs/{}/{what}", path_part(run.as_str()));
                service.post(&path, &json!({"actor": actor, "reason": reason})).await
            }
            Self::Here(engine) => {
                let person = Person::Operator { name: actor.to_owned() };
                let done = match answer {
                    Answer::Approve => engine.approve(run, &person, reason).await?,
                    Answer::Reject => engine.reject(run, &person, reason).await?,
                };
                if answer == Answer::Approve && done.what == "model" {
                    let pushed = engine.drive(run).await?;
                    if !matches!(pushed.push, PushState::Pushed { .. }) {
                        let why = pushed.summary.unwrap_or_default();
                        bail!("run {run} is approved, and its model was not pushed: {why}");
                    }
                }
                Ok(serde_json::to_value(done)?)
            }
        }
    }

    /// Makes a token; what is kept of it, and its text.
    pub(super) async fn create_token(&self, wanted: Wanted, actor: &str) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let body = json!({
                    "name": wanted.name, "role": wanted.role, "pipelines": wanted.pipelines,
                    "expires_in_days": wanted.days, "actor": actor,
                });
                service.post("/api/v1/tokens", &body).await
            }
            Self::Here(engine) => {
                let at = Micros(chrono::Utc::now().timestamp_micros());
                let (text, token) = wanted.made(actor.to_owned(), at).map_err(anyhow::Error::msg)?;
                engine.create_token(&fingerprint(&text), token.clone()).await?;
                let mut made = serde_json::to_value(TokenItem::from(token))?;
                made["token"] = text.into();
                Ok(made)
            }
        }
    }

    /// Makes a token worthless.
    pub(super) async fn revoke_token(&self, name: &str, actor: &str) -> Result<()> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/tokens/{}/revoke", path_part(name));
                service.post(&path, &json!({"actor": actor})).await.map(drop)
            }
            Self::Here(engine) => match engine.revoke_token(name, actor).await? {
                true => Ok(()),
                false => bail!("there is no token '{name}', or it is revoked already: `trainyard token list` has all"),
            },
        }
    }

    /// Ends a session by its name; whose it was.
    pub(super) async fn end_session(&self, id: &str, actor: &str) -> Result<String> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/sessions/{}/end", path_part(id));
                let done = service.post(&path, &json!({"actor": actor})).await?;
                Ok(done["who"].as_str().unwrap_or_default().to_owned())
            }
            Self::Here(engine) => {
                let all = engine.reads().sessions().await?;
                let Some((hash, row)) = all.iter().find(|(hash, _)| session::name(hash) == id) else {
                    bail!("there is no session '{id}', or it is over: `trainyard sessions` has all");
                };
                let whose = row.identity.name().to_owned();
                let subject = format!("session {id} of {whose}");
                engine.end_session_of(hash, &subject, actor).await?;
                Ok(whose)
            }
        }
    }

    /// Has a delivery looked at anew; the word for it.
    pub(super) async fn replay(&self, id: &DeliveryId, actor: &str, force: bool) -> Result<String> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/deliveries/replay/{}", path_part(id.as_str()));
                let answer = service.post(&path, &json!({"actor": actor, "force": force})).await?;
                Ok(answer["status"].as_str().unwrap_or_default().to_owned())
            }
            Self::Here(engine) => match engine.replay_delivery(id, actor, force).await? {
                AskedAnew::Waits => Ok("replaying".to_owned()),
                AskedAnew::WaitedAlready => Ok("waiting".to_owned()),
                AskedAnew::Started(runs) => bail!("{}", started_already(id, &runs)),
                AskedAnew::Heard => bail!("{}", heard_already(id)),
            },
        }
    }

    /// Makes a model serve; what was done, as the API says it.
    pub(super) async fn promote(&self, request: PromoteRequest) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let PromoteRequest {
                    model,
                    target,
                    reason,
                    actor,
                } = request;
                let asked = json!({"model": model, "target": target, "reason": reason, "actor": actor});
                service.post("/api/v1/promotions", &asked).await
            }
            Self::Here(engine) => Ok(serde_json::to_value(engine.promote(&request).await?)?),
        }
    }

    /// Makes the version before the current one serve; what was done, as the API says it.
    pub(super) async fn roll_back(&self, target: &str, actor: &str, reason: Option<&str>) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/targets/{}/rollback", path_part(target));
                service.post(&path, &json!({"actor": actor, "reason": reason})).await
            }
            Self::Here(engine) => Ok(serde_json::to_value(engine.roll_back(target, actor, reason).await?)?),
        }
    }

    /// Freezes a target; what was done, as the API says it.
    pub(super) async fn hold(&self, target: &str, actor: &str, reason: &str) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/targets/{}/hold", path_part(target));
                service.post(&path, &json!({"actor": actor, "reason": reason})).await
            }
            Self::Here(engine) => {
                let done = engine.hold_target(target, actor, reason).await?;
                Ok(serde_json::to_value(HoldChange::from(done))?)
            }
        }
    }

    /// Releases a target; what was done, as the API says it.
    pub(super) async fn release(&self, target: &str, actor: &str, reason: Option<&str>) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/targets/{}/release", path_part(target));
                service.post(&path, &json!({"actor": actor, "reason": reason})).await
            }
            Self::Here(engine) => {
                let done = engine.release_target(target, actor, reason).await?;
                Ok(serde_json::to_value(HoldChange::from(done))?)
            }
        }
    }

    /// Decides between a target and its ledger; what was done, as the API says it.
    pub(super) async fn reconcile(&self, target: &str, keep: Keep, actor: &str, reason: &str) -> Result<Value> {
        match self {
            Self::Service(service) => {
                let path = format!("/api/v1/targets/{}/reconcile", path_part(target));
                let keep = match keep {
                    Keep::Served => "served",
                    Keep::Ledger => "ledger",
                };
                let asked = json!({"keep": keep, "actor": actor, "reason": reason});
                service.post(&path, &asked).await
            }
            Self::Here(engine) => {
                let done = engine.reconcile_target(target, keep, actor, reason).await?;
                Ok(serde_json::to_value(ReconciledTarget::from(done))?)
            }
        }
    }
}
