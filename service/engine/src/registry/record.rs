//! What a promotion leaves in ML Metadata.

use super::promote::{Found, PromoteRequest, PromotionError};
use crate::house::context::Context;
use crate::registry::infra_validation::Validated;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::Override;
use trainyard_core::ids::Micros;
use trainyard_core::spec::Push;
use trainyard_store::{MetadataWrite, NewPromotion};

/// An InfraValidator of no run, named after its blessing.
pub(super) fn infra_validator(
    found: &Found,
    plan: &Push,
    validated: Validated,
    request: &PromoteRequest,
    at: Micros,
) -> MetadataWrite {
    let mut properties = validated.properties();
    properties.insert("actor".to_owned(), Value::from(request.actor.as_str()));
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

/// A forced blessing in MLMD, in TFX's form: a Gate whose output is a ModelBlessing that says who and why.
pub(super) fn blessing(
    context: &Context,
    promotion: &NewPromotion,
    found: &Found,
    forced: &Override,
) -> Result<MetadataWrite, PromotionError> {
    let name = name(promotion);
    let hidden = format!(".promote-{}", uuid::Uuid::now_v7());
    let folder: PathBuf = context.folders.root().join("work").join(hidden);
    let written = || -> Result<_, Box<dyn std::error::Error>> {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("BLESSED"), b"")?;
        let verdict = found.run.as_ref().and_then(|run| run.verdict.as_ref());
        let text = json!({"forced": forced, "at": promotion.at, "verdict": verdict});
        fs::write(folder.join("verdict.json"), serde_json::to_vec_pretty(&text)?)?;
        Ok(context.artifacts.store(&folder)?)
    };
    let (digest, place) = written().map_err(|error| {
        PromotionError::Refused(format!(
            "the model serves, but its forced blessing cannot be written: {error}; the next start undoes it"
        ))
    })?;
    let said = json!({
        "blessed": 1, "current_model": found.model.uri, "component_id": "promote",
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
        inputs: BTreeMap::from([("model".to_owned(), found.model.clone())]),
        outputs: BTreeMap::from([("blessing".to_owned(), blessing)]),
        properties: Map::from_iter([
            ("blessing".to_owned(), Value::from("forced")),
            ("forced_by".to_owned(), Value::from(forced.actor())),
            ("reason".to_owned(), Value::from(forced.reason())),
        ]),
        at: promotion.at,
    })
}

/// The promotion in MLMD: a Pusher of no run.
pub(super) fn pusher(
    promotion: &NewPromotion,
    pushed: ArtifactRef,
    infra_blessing: Option<ArtifactRef>,
    forced: bool,
) -> MetadataWrite {
    let word = |text: &str| Value::from(text.to_owned());
    let mut properties = Map::from_iter([
        ("actor".to_owned(), word(&promotion.actor)),
        ("target".to_owned(), word(&promotion.target)),
        ("pushed_version".to_owned(), word(&promotion.version)),
        ("forced".to_owned(), Value::from(i64::from(forced))),
    ]);
    if let Some(reason) = promotion.evidence["reason"].as_str() {
        properties.insert("reason".to_owned(), word(reason));
    }
    let model = ("model".to_owned(), promotion.model.clone());
    let infra_blessing = infra_blessing.map(|blessing| ("infra_blessing".to_owned(), blessing));
    let inputs = infra_blessing.into_iter().chain([model]);
    MetadataWrite::ByHand {
        component: "Pusher".to_owned(),
        node: "promote".to_owned(),
        name: format!("{}/push", name(promotion)),
        pipeline: promotion.pipeline.clone(),
        inputs: inputs.collect(),
        outputs: BTreeMap::from([("pushed_model".to_owned(), pushed)]),
        properties,
        at: promotion.at,
    }
}

/// Everything of a promotion in MLMD is named after what it made serve.
fn name(promotion: &NewPromotion) -> String {
    format!("promote/{}/{}", promotion.target, promotion.version)
}

/// The PushedModel of a promotion.
pub(crate) fn pushed_name(target: &str, version: &str) -> String {
    format!("promote/{target}/{version}/pushed_model")
}
