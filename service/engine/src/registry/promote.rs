//! Promotion by a person: the model of a run, or an earlier version, serves from now on.

use super::Registry;
use super::infra_validation::Validated;
use super::record;
use super::serve::{Change, Reason, TurnError};
use crate::content::ContentError;
use crate::content::artifacts::remove_tree;
use crate::house::clock::{new_run_id, now};
use crate::house::config::TargetConfig;
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::serving::ServingError;
use serde::Serialize;
use trainyard_core::plan::{Approval as PushApproval, InfraValidation, Push};
use trainyard_core::registry::{Approval, Evidence, ModelVersion, NotApproved, Promotion, Refusal, Unknown, approve};
use trainyard_core::run::Run;
use trainyard_store::StoreError;

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct PromoteRequest {
    /// A run's id or its beginning, or a version of the target.
    pub model: String,
    /// The push target; the run's own, or the only one, if absent.
    pub target: Option<String>,
    /// Why; needed when the gate did not approve the model.
    pub reason: Option<String>,
    /// Who.
    pub actor: String,
}

/// What somebody means by a model.
#[derive(Clone, Debug)]
pub enum Meant {
    /// A version of a target, by the entry of its push.
    Version {
        /// The target.
        target: String,
        /// The entry.
        entry: Box<Promotion>,
    },
    /// The model of a run.
    Run {
        /// The run.
        run: Box<Run>,
        /// Where it would go: where it is asked for, else its own target.
        target: Option<String>,
    },
}

/// What a promotion did.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    /// The target.
    pub target: String,
    /// The version that serves from now on.
    pub version: String,
    /// The version that served until now.
    pub from: Option<String>,
    /// The run that made the model.
    pub run: Option<String>,
    /// The model's digest.
    pub model: String,
    /// Whether a person approved what the gate did not.
    pub forced: bool,
    /// What was found at the target, where it was to serve this very model already.
    pub restored: Option<String>,
}

/// Why nothing was promoted or rolled back; what served before still serves.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// No such run, version or target.
    #[error("{}", .0.sentence())]
    Unknown(Unknown),
    /// It is there and cannot serve so.
    #[error("{}", .0.sentence())]
    Refused(Refusal),
    /// The model's bytes are not what they were.
    #[error("{what}{error}")]
    Content {
        /// What did not happen, with a colon, or nothing.
        what: String,
        /// Why.
        #[source]
        error: ContentError,
    },
    /// A throw-away copy of the server did not take it, or could not be had.
    #[error("the model was not promoted: {0}")]
    Trial(String),
    /// The server did not take it.
    #[error("{what}: {error}")]
    Serving {
        /// What did not happen.
        what: String,
        /// Why.
        #[source]
        error: ServingError,
    },
    /// It serves, and that could not be written down.
    #[error("the model serves, but its forced blessing cannot be written: {0}; the next start undoes it")]
    NotWritten(#[source] std::io::Error),
    /// Nobody knows what the target serves.
    #[error("{0}")]
    Undecided(String),
    /// The lock on push targets cannot be taken.
    #[error("the data folder cannot be written: {0}")]
    Lock(#[source] std::io::Error),
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PromotionError {
    /// What a target did not take; where nobody can tell, that is what is said.
    pub(super) fn not_served(what: String, error: ServingError) -> Self {
        match error {
            ServingError::Unknown { .. } => Self::Undecided(format!(
                "{error}; the target is read back until that is known, and nothing else is pushed there meanwhile: `trainyard targets` says how it stands, and who knows what serves says so with `trainyard targets reconcile`"
            )),
            error => Self::Serving { what, error },
        }
    }
}

impl From<Unknown> for PromotionError {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl From<Refusal> for PromotionError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<TurnError> for PromotionError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Lock(error) => Self::Lock(error),
            TurnError::Store(error) => Self::Store(error),
            TurnError::Lost => Self::Undecided(TurnError::Lost.to_string()),
            TurnError::Unknown { sentence, .. } => Self::Undecided(sentence),
        }
    }
}

impl Registry {
    /// Makes a model serve that a run made, or an earlier version under a new number. A model that the gate
    /// did not approve needs a reason. Everything a push proves is proved, and what is done is recorded.
    pub(crate) async fn promote(&self, request: &PromoteRequest) -> Result<Promoted, PromotionError> {
        Box::pin(self.promote_so(request, false)).await
    }

    /// The same, by a person who decides that the ledger is right where the target disagrees with it.
    pub(super) async fn promote_so(
        &self,
        request: &PromoteRequest,
        over_disagreement: bool,
    ) -> Result<Promoted, PromotionError> {
        let _in_use = self.content.hold_off().await.map_err(PromotionError::Lock)?;
        let (name, found) = self.find(request).await?;
        let config = self.targets.get(&name)?;
        // Not after a trial of minutes; the turn looks again.
        if let Some(held) = self.store.target_hold(&name).await? {
            return Err(PromotionError::Refused(Refusal::Held(held)));
        }
        let approval = approve(&found, &request.actor, request.reason.as_deref()).map_err(Refusal::NotApproved)?;
        let asked = found.version.is_none() && config.patience(&plan(&name, &found)).is_some();
        if asked && request.reason.is_none() {
            return Err(Refusal::NotApproved(NotApproved::NoWord).into());
        }
        let Approval { blessed, forced } = approval;
        let files = self.content.open_proved(blessed.digest()).await;
        let files = files.map_err(|error| PromotionError::Content {
            what: String::new(),
            error,
        })?;
        let plan = plan(&name, &found);
        // Before the turn: a rollback does not wait for it.
        let validated = self.try_aside(&found, &plan, config, request).await?;

        let turn = self.turn(&name).await?;
        if let Some(held) = &turn.hold {
            return Err(PromotionError::Refused(Refusal::Held(held.clone())));
        }
        if !over_disagreement {
            turn.is_sure(&name)?;
        }
        let serving = turn.ledger.serving().map(|serving| serving.pushed);
        let mut drift = None;
        if turn.disagreement.is_none()
            && let Some(serving) = serving.filter(|serving| serving.model.digest == found.model.digest)
        {
            drift = self
                .drift(&name, config, &turn)
                .await
                .map_err(|error| PromotionError::Serving {
                    what: format!("the model was not promoted to target '{name}'"),
                    error,
                })?;
            if drift.is_none() {
                return Err(PromotionError::Refused(Refusal::ServesAlready {
                    version: serving.version.clone(),
                    target: name,
                }));
            }
        }
        let reason = Reason {
            pipeline: found.pipeline.clone(),
            run: found.run.as_ref().map(|run| run.request.id.clone()),
            actor: request.actor.clone(),
            evidence: Evidence::Promotion {
                promoted: found.named(),
                instead_of: serving.map(|entry| entry.version.clone()),
                judged: found.judged(),
                reason: request.reason.clone(),
                forced: forced.clone(),
            },
        };
        let change = Change::New {
            blessed,
            files,
            plan: &plan,
        };
        let served = Box::pin(self.serve(&name, config, turn, change, reason)).await;
        let served = served.map_err(|error| {
            PromotionError::not_served(format!("the model was not promoted to target '{name}'"), error)
        })?;
        let mut metadata = Vec::new();
        if let Some(forced) = &forced {
            let blessing = self
                .forced_blessing(&served.promotion, found.run.as_ref(), forced)
                .await;
            metadata.push(blessing.map_err(PromotionError::NotWritten)?);
        }
        metadata.extend(record::promotion(&served, &found, &plan, validated));
        let from = served.from.clone();
        let promotion = served.record(&self.store, metadata).await?;
        Ok(Promoted {
            target: name,
            version: promotion.version,
            from,
            run: promotion.run.as_ref().map(ToString::to_string),
            model: promotion.model.digest.to_string(),
            forced: forced.is_some(),
            restored: drift.map(|drift| drift.sentence()),
        })
    }

    /// In a throw-away copy of the serving container, where one is configured. A refusal is recorded.
    async fn try_aside(
        &self,
        found: &ModelVersion,
        plan: &Push,
        config: &TargetConfig,
        request: &PromoteRequest,
    ) -> Result<Option<Validated>, PromotionError> {
        // Of its own, since the run may be gone or be tried at this very moment.
        let id = new_run_id();
        let validated = self.validate(&id, &found.model, plan, config).await;
        let folders = [self.folders.work(&id), self.folders.logs(&id)];
        let _ = trainyard_executors::apart(move || folders.map(|folder| remove_tree(&folder))).await;
        let validated = validated.map_err(|error| match error {
            EffectError::Again { reason, .. } | EffectError::Broken(reason) => PromotionError::Trial(reason),
        })?;
        let Some(validated) = validated else { return Ok(None) };
        let Some(refusal) = validated.refusal.clone() else {
            return Ok(Some(validated));
        };
        let write = record::trial(found, plan, validated, &request.actor, now());
        passing(Effect::RecordMetadata, self.store.record_metadata(vec![write])).await?;
        Err(PromotionError::Trial(refusal))
    }

    /// What somebody means by a model. A version of the target comes before a run whose id begins like it.
    pub(crate) async fn meant(&self, asked: &str, target: Option<&str>) -> Result<Meant, PromotionError> {
        if let Some(name) = target.or(self.targets.only().map(String::as_str)) {
            self.targets.get(name)?;
            let ledger = self.store.ledger(name).await?;
            if let Some(entry) = ledger.version(asked) {
                return Ok(Meant::Version {
                    target: name.to_owned(),
                    entry: Box::new(entry.clone()),
                });
            }
        }
        let row = self.store.run_row(asked).await?.ok_or_else(|| Unknown::Model {
            asked: asked.to_owned(),
        })?;
        let run = self.store.load_run(&row.id).await?;
        let own = run.request.plan.push.as_ref().map(|push| push.target.clone());
        Ok(Meant::Run {
            run: Box::new(run),
            target: target.map(str::to_owned).or(own),
        })
    }

    /// The target and the model.
    async fn find(&self, request: &PromoteRequest) -> Result<(String, ModelVersion), PromotionError> {
        match self.meant(&request.model, request.target.as_deref()).await? {
            Meant::Version { target, entry } => {
                let run = self.run_of(&entry).await?;
                Ok((target, ModelVersion::of_version(&entry, run)))
            }
            Meant::Run { run, target } => {
                let target = target.ok_or_else(|| Refusal::NoTarget {
                    pipeline: run.request.plan.pipeline.clone(),
                    known: self.targets.known(),
                })?;
                Ok((target, ModelVersion::of_run(*run).map_err(Refusal::NoModel)?))
            }
        }
    }

    /// The run that made a version, if the store still has it.
    async fn run_of(&self, entry: &Promotion) -> Result<Option<Run>, StoreError> {
        let Some(id) = &entry.run else { return Ok(None) };
        match self.store.load_run(id).await {
            Ok(run) => Ok(Some(run)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How the target proves the model: as the run's own plan says.
fn plan(target: &str, found: &ModelVersion) -> Push {
    let own = found.run.as_ref().and_then(|run| run.request.plan.push.clone());
    let own = own.unwrap_or(Push {
        target: String::new(),
        infra_validation: InfraValidation::default(),
        max_latency_micros: None,
        allow_older_data: false,
        approval: PushApproval::None,
        approval_seconds: None,
    });
    Push {
        target: target.to_owned(),
        ..own
    }
}
