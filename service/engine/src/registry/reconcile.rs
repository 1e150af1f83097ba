//! A person decides between a target and its ledger, which contradict each other.

use super::Registry;
use super::promote::{PromoteRequest, PromotionError};
use super::serve::{Turn, TurnError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use serde::Serialize;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::registry::{Evidence, Intent, NewPromotion, PromotionAction, Refusal};
use trainyard_core::run::Disagreement;

/// Which of the two is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The target: what it serves goes on serving, and the ledger learns of it.
    Served,
    /// The ledger: its model serves again, under a new number.
    Ledger,
}

/// What a decision did.
#[derive(Clone, Debug, Serialize)]
pub struct Reconciled {
    /// The target.
    pub target: String,
    /// `served` or `ledger`.
    pub kept: &'static str,
    /// The version that serves from now on, by the target and by the ledger; none where nothing ever served.
    pub version: Option<String>,
    /// Its model's digest.
    pub model: Option<String>,
    /// What was found, in words.
    pub found: Option<String>,
}

impl Registry {
    /// Makes the ledger know what the target serves, or the target serve what the ledger knows, as the person says,
    /// who says why. What nobody knew is then known by this person's word.
    pub(crate) async fn reconcile(
        &self,
        name: &str,
        keep: Keep,
        actor: &str,
        reason: &str,
    ) -> Result<Reconciled, PromotionError> {
        self.targets.get(name)?;
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason.into());
        }
        let _in_use = self.content.hold_off().await.map_err(PromotionError::Lock)?;
        let unknown = match self.turn(name).await {
            Err(TurnError::Unknown { sentence, .. }) => Some(sentence),
            Err(error) => return Err(error.into()),
            Ok(turn) if keep == Keep::Served => return self.keep_served(name, turn, actor, reason).await,
            Ok(turn) => turn.disagreement.map(|found| found.sentence()),
        };
        if let Some(intent) = self.store.open_intent(name).await? {
            let turn = self.bare_turn(name).await?;
            match keep {
                Keep::Served => return self.believe(&turn, intent, unknown).await,
                Keep::Ledger => {
                    let reason = format!("{actor} said that it does not serve: {reason}");
                    self.withdraw(&intent, &reason, &turn.guard).await?;
                }
            }
        }
        let ledger = self.store.ledger(name).await?;
        let Some(serving) = ledger.serving() else {
            return match unknown {
                // The first push of all: it was withdrawn, and that was all there was to say.
                Some(found) => Ok(Reconciled {
                    target: name.to_owned(),
                    kept: "ledger",
                    version: None,
                    model: None,
                    found: Some(found),
                }),
                None => Err(Refusal::NothingToRestore {
                    target: name.to_owned(),
                }
                .into()),
            };
        };
        let request = PromoteRequest {
            model: serving.pushed.version.clone(),
            target: Some(name.to_owned()),
            reason: Some(reason.to_owned()),
            actor: actor.to_owned(),
        };
        match Box::pin(self.promote_so(&request, true)).await {
            Ok(done) => Ok(Reconciled {
                target: name.to_owned(),
                kept: "ledger",
                version: Some(done.version),
                model: Some(done.model),
                found: unknown.or(done.restored),
            }),
            Err(PromotionError::Refused(Refusal::ServesAlready { version, .. })) => match unknown {
                // The target serves it: that was all there was to know.
                Some(found) => Ok(Reconciled {
                    target: name.to_owned(),
                    kept: "ledger",
                    model: Some(serving.pushed.model.digest.to_string()),
                    version: Some(version),
                    found: Some(found),
                }),
                None => Err(Refusal::Agrees {
                    target: name.to_owned(),
                }
                .into()),
            },
            Err(error) => Err(error),
        }
    }

    /// What was begun serves, by a person's word.
    async fn believe(&self, turn: &Turn, intent: Intent, found: Option<String>) -> Result<Reconciled, PromotionError> {
        let entry = NewPromotion {
            at: now(),
            ..intent.entry
        };
        self.record_finished(intent.action, &entry, &turn.ledger, &turn.guard)
            .await?;
        Ok(done(&entry, found))
    }

    /// The ledger gets an entry for what serves.
    async fn keep_served(
        &self,
        name: &str,
        turn: Turn,
        actor: &str,
        reason: &str,
    ) -> Result<Reconciled, PromotionError> {
        let Some(found) = turn.disagreement.clone() else {
            return Err(Refusal::Agrees {
                target: name.to_owned(),
            }
            .into());
        };
        let entry = self.entry(name, &turn, &found, actor, reason)?;
        let store = turn.guard.fenced(&self.store);
        let corrected = store.append_promotion(&entry, turn.ledger.newest(), Vec::new());
        passing(Effect::CorrectLedger, corrected).await?;
        Ok(done(&entry, Some(found.sentence())))
    }

    fn entry(
        &self,
        name: &str,
        turn: &Turn,
        found: &Disagreement,
        actor: &str,
        reason: &str,
    ) -> Result<NewPromotion, Refusal> {
        let version = found.version();
        let evidence = Evidence::Reconciled {
            reconciled: found.clone(),
            reason: reason.to_owned(),
        };
        let known = turn.ledger.version(version);
        let begun = turn.intents.iter().find(|intent| {
            let told = found.model().is_none_or(|model| *model == intent.entry.model.digest);
            intent.entry.version == version && told
        });
        let of_ledger = turn.ledger.entries().last();
        let entry = NewPromotion {
            target: name.to_owned(),
            pipeline: of_ledger.map_or_else(|| name.to_owned(), |entry| entry.pipeline.clone()),
            action: PromotionAction::Push,
            version: version.to_owned(),
            model: match (known, begun, found.model()) {
                (Some(entry), _, _) => entry.model.clone(),
                (None, Some(intent), _) => intent.entry.model.clone(),
                (None, None, Some(digest)) => ArtifactRef {
                    name: format!("reconciled/{name}/{version}"),
                    type_name: "Model".to_owned(),
                    uri: self.content.place(digest).display().to_string(),
                    digest: digest.clone(),
                    properties: Default::default(),
                },
                (None, None, None) => {
                    return Err(Refusal::NoDigest {
                        target: name.to_owned(),
                        version: version.to_owned(),
                    });
                }
            },
            run: known
                .and_then(|entry| entry.run.clone())
                .or_else(|| begun?.entry.run.clone()),
            actor: actor.to_owned(),
            evidence,
            at: now(),
        };
        match found {
            Disagreement::Unrecorded { .. } => Ok(entry),
            Disagreement::Earlier { .. } => Ok(NewPromotion {
                action: PromotionAction::Rollback,
                ..entry
            }),
            Disagreement::OtherModel { .. } => Err(Refusal::NumberTaken {
                target: name.to_owned(),
                version: version.to_owned(),
            }),
        }
    }
}

fn done(entry: &NewPromotion, found: Option<String>) -> Reconciled {
    Reconciled {
        target: entry.target.clone(),
        kept: "served",
        version: Some(entry.version.clone()),
        model: Some(entry.model.digest.to_string()),
        found,
    }
}
