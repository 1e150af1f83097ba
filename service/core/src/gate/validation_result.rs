//! The verdict for machines, in the shape of TFMA's ValidationResult (`tensorflow_model_analysis/proto/validation_result.proto`), extended.

use super::verdict::{Blessing, Verdict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl Verdict {
    /// TFMA's fields by TFMA's names; ours beside them are `verdict`, `findings` and `comparisons`.
    pub fn validation_result(&self) -> Value {
        let mut slices: BTreeMap<&BTreeMap<String, String>, Vec<Value>> = BTreeMap::new();
        let mut missing_slices = Vec::new();
        for finding in self.failures() {
            if finding.metric.is_empty() {
                missing_slices.push(json!({"slice_key": finding.slice_key, "message": finding.sentence}));
                continue;
            }
            let row = self
                .comparisons()
                .iter()
                .find(|row| row.metric == finding.metric && row.slice_key == finding.slice_key);
            slices.entry(&finding.slice_key).or_default().push(json!({
                "metric_key": {"name": finding.metric},
                "metric_threshold": row.map(|row| &row.threshold),
                "metric_value": row.and_then(|row| row.candidate),
                "message": finding.sentence,
            }));
        }
        let per_slice: Vec<Value> = slices
            .into_iter()
            .map(|(slice_key, failures)| json!({"slice_key": slice_key, "failures": failures}))
            .collect();
        let mut result = Map::new();
        let mut set = |key: &str, value: Value| result.insert(key.to_owned(), value);
        set("validation_ok", (self.blessing() == Blessing::Blessed).into());
        set("verdict", self.blessing().as_str().into());
        set("missing_thresholds", (self.blessing() == Blessing::NotEvaluated).into());
        set("rubber_stamp", self.rubber_stamp().into());
        set("metric_validations_per_slice", per_slice.into());
        set("missing_slices", missing_slices.into());
        set("findings", json!(self.findings()));
        set("comparisons", json!(self.comparisons()));
        Value::Object(result)
    }
}
