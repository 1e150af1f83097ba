//! What changes of a target leave in ML Metadata. A push is its run's Pusher; a promotion and a rollback are
//! Pushers of no run.

use super::Registry;
use super::infra_validation::Validated;
use super::serve::{Served, TurnError};
use crate::serving::Target;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::Override;
use trainyard_core::ids::Micros;
use trainyard_core::plan::Push;
use trainyard_core::registry::{Evidence, IntentAction, Ledger, ModelVersion, NewPromotion};
use trainyard_core::run::Run;
use trainyard_store::MetadataWrite;

/// An InfraValidator of no run, named after its blessing.
pub(super) fn trial(found: &ModelVersion, plan: &Push, validated: Validated, actor: &str, at: Micros) -> MetadataWrite {
    let mut properties = validated.properties();
    properties.insert("actor".to_owned(), Value::from(actor));
    properties.insert("target".to_owned(), Value::from(plan.target.as_str()));
    MetadataWrite::ByHand {
        component: "InfraValidator".to_owned(),
        node: "promote".to_owned(),
        name: validated.blessing.name.clone(),
        pipeline: found.pipeline.clone(),
        inputs: BTreeMap::from([("model".to_owned(), found.model.clone())]),
        outputs: BTreeMap::from([("blessing".to_owned(), validated.blessing)]),
        properties,
        at,
    }
}

/// A promotion: its trial, if there was one, and its Pusher.
pub(super) fn promotion(
    served: &Served,
    found: &ModelVersion,
    plan: &Push,
    validated: Option<Validated>,
) -> Vec<MetadataWrite> {
    let promotion = &served.promotion;
    let infra_blessing = validated.as_ref().map(|validated| validated.blessing.clone());
    let trial = validated.map(|validated| trial(found, plan, validated, &promotion.actor, promotion.at));
    let pusher = pusher(promotion, &served.destination, infra_blessing);
    trial.into_iter().chain([pusher]).collect()
}

fn pusher(promotion: &NewPromotion, destination: &Path, infra_blessing: Option<ArtifactRef>) -> MetadataWrite {
    let mut properties = pushed_by(promotion);
    let forced = promotion.evidence.forced().is_some();
    properties.insert("forced".to_owned(), Value::from(i64::from(forced)));
    if let Some(reason) = promotion.evidence.reason() {
        properties.insert("reason".to_owned(), Value::from(reason));
    }
    let model = ("model".to_owned(), promotion.model.clone());
    let infra_blessing = infra_blessing.map(|blessing| ("infra_blessing".to_owned(), blessing));
    let pushed = pushed_model(pushed_name(promotion), promotion, destination);
    MetadataWrite::ByHand {
        component: "Pusher".to_owned(),
        node: "promote".to_owned(),
        name: format!("{}/push", name(promotion)),
        pipeline: promotion.pipeline.clone(),
        inputs: infra_blessing.into_iter().chain([model]).collect(),
        outputs: BTreeMap::from([("pushed_model".to_owned(), pushed)]),
        properties,
        at: promotion.at,
    }
}

/// A rollback: a Pusher whose output is the PushedModel of the model's first push.
pub(super) fn rollback(promotion: &NewPromotion, destination: &Path, ledger: &Ledger) -> MetadataWrite {
    let first = match (ledger.version(&promotion.version), &promotion.run) {
        // Under a number of its own it is another one.
        (None, _) => Some(pushed_name(promotion)),
        (Some(to), _) if matches!(to.evidence, Evidence::Promotion { .. }) => Some(pushed_name(promotion)),
        (_, Some(run)) => Some(format!("{run}/push/pushed_model")),
        (_, None) => None,
    };
    let pushed = first.map(|name| pushed_model(name, promotion, destination));
    let mut properties = pushed_by(promotion);
    if let Evidence::Rollback { rolled_back, .. } = &promotion.evidence {
        properties.insert("rolled_back".to_owned(), Value::from(rolled_back.as_str()));
    }
    if let Some(reason) = promotion.evidence.reason() {
        properties.insert("reason".to_owned(), Value::from(reason));
    }
    MetadataWrite::ByHand {
        component: "Pusher".to_owned(),
        node: "rollback".to_owned(),
        // Only one entry follows another.
        name: format!("rollback/{}/{}", promotion.target, ledger.newest().unwrap_or_default()),
        pipeline: promotion.pipeline.clone(),
        inputs: BTreeMap::from([("model".to_owned(), promotion.model.clone())]),
        outputs: pushed
            .map(|pushed| ("pushed_model".to_owned(), pushed))
            .into_iter()
            .collect(),
        properties,
        at: promotion.at,
    }
}

fn pushed_by(promotion: &NewPromotion) -> Map<String, Value> {
    let word = |text: &str| Value::from(text.to_owned());
    Map::from_iter([
        ("actor".to_owned(), word(&promotion.actor)),
        ("target".to_owned(), word(&promotion.target)),
        ("pushed_version".to_owned(), word(&promotion.version)),
    ])
}

/// A PushedModel. Its bytes are the sealed model's, which stay; the served folder makes room for later
/// versions.
pub(crate) fn pushed_model(name: String, promotion: &NewPromotion, destination: &Path) -> ArtifactRef {
    let said = json!({"pushed": 1, "pushed_destination": destination, "pushed_version": promotion.version});
    ArtifactRef {
        name,
        type_name: "PushedModel".to_owned(),
        digest: promotion.model.digest.clone(),
        uri: promotion.model.uri.clone(),
        properties: said.as_object().cloned().unwrap_or_default(),
    }
}

/// Everything of a promotion in MLMD is named after what it made serve.
fn name(promotion: &NewPromotion) -> String {
    format!("promote/{}/{}", promotion.target, promotion.version)
}

/// The PushedModel of a promotion.
fn pushed_name(promotion: &NewPromotion) -> String {
    format!("{}/pushed_model", name(promotion))
}

impl Registry {
    /// What ML Metadata learns of a change that was begun before a crash, and serves. The Pusher of a run is the
    /// run's, which goes on; what a trial of a promotion found went with the process.
    pub(super) async fn of_finished(
        &self,
        action: IntentAction,
        entry: &NewPromotion,
        ledger: &Ledger,
    ) -> Result<Vec<MetadataWrite>, TurnError> {
        let destination = match self.targets.get(&entry.target) {
            Ok(config) => Target::new(&self.http, &entry.target, config).destination(&entry.version),
            Err(_) => PathBuf::new(),
        };
        match action {
            IntentAction::Push => Ok(Vec::new()),
            IntentAction::Rollback => Ok(vec![rollback(entry, &destination, ledger)]),
            IntentAction::Promote => {
                let mut writes = Vec::new();
                if let Some(forced) = entry.evidence.forced() {
                    let run = match &entry.run {
                        Some(id) => self.store.load_run(id).await.ok(),
                        None => None,
                    };
                    writes.push(self.forced_blessing(entry, run.as_ref(), forced).await?);
                }
                writes.push(pusher(entry, &destination, None));
                Ok(writes)
            }
        }
    }

    /// A forced blessing in MLMD, in TFX's form: a Gate whose output is a ModelBlessing that says who and why.
    pub(super) async fn forced_blessing(
        &self,
        promotion: &NewPromotion,
        run: Option<&Run>,
        forced: &Override,
    ) -> io::Result<MetadataWrite> {
        let name = name(promotion);
        let hidden = format!(".promote-{}", uuid::Uuid::now_v7());
        let folder = self.folders.root().join("work").join(hidden);
        let written = || -> io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("BLESSED"), b"")?;
            let verdict = run.and_then(|run| run.verdict.as_ref());
            let text = json!({"forced": forced, "at": promotion.at, "verdict": verdict});
            std::fs::write(folder.join("verdict.json"), serde_json::to_vec_pretty(&text)?)
        };
        written()?;
        let (digest, place) = self.content.publish(&folder).await.map_err(io::Error::other)?;
        let said = json!({
            "blessed": 1, "current_model": promotion.model.uri, "component_id": "promote",
            "forced_by": forced.actor(), "reason": forced.reason(),
        });
        let blessing = ArtifactRef {
            name: format!("{name}/blessing"),
            type_name: "ModelBlessing".to_owned(),
            digest,
            uri: place.display().to_string(),
            properties: said.as_object().cloned().unwrap_or_default(),
        };
        Ok(MetadataWrite::ByHand {
            component: "Gate".to_owned(),
            node: "promote".to_owned(),
            name: format!("{name}/gate"),
            pipeline: promotion.pipeline.clone(),
            inputs: BTreeMap::from([("model".to_owned(), promotion.model.clone())]),
            outputs: BTreeMap::from([("blessing".to_owned(), blessing)]),
            properties: Map::from_iter([
                ("blessing".to_owned(), Value::from("forced")),
                ("forced_by".to_owned(), Value::from(forced.actor())),
                ("reason".to_owned(), Value::from(forced.reason())),
            ]),
            at: promotion.at,
        })
    }
}
