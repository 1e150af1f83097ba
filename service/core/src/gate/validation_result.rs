//! The verdict for machines, in the shape of TFMA's ValidationResult (`tensorflow_model_analysis/proto/validation_result.proto`), extended.

use super::verdict::{Blessing, Comparison, Finding, Rule, Slicing, Verdict};
use crate::evaluation::SliceKey;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Which slice, or pair of slices, a finding is about.
type Place<'a> = (Option<&'a SliceKey>, &'a SliceKey);

impl Verdict {
    /// TFMA's fields by TFMA's names; ours beside them are `verdict`, `findings` and `comparisons`.
    pub fn validation_result(&self) -> Value {
        let rows: BTreeMap<(Place, &str), &Comparison> = self
            .comparisons()
            .iter()
            .map(|row| {
                (
                    ((row.baseline_slice_key.as_ref(), &row.slice_key), row.metric.as_str()),
                    row,
                )
            })
            .collect();
        let mut places: BTreeMap<Place, Vec<Value>> = BTreeMap::new();
        for finding in self.failures().filter(|finding| !finding.metric.is_empty()) {
            let place = (finding.baseline_slice_key.as_ref(), &finding.slice_key);
            let row = rows.get(&(place, finding.metric.as_str())).copied();
            places.entry(place).or_default().push(failure(finding, row));
        }
        let per_slice: Vec<Value> = places
            .into_iter()
            .map(|(place, failures)| match place {
                (None, slice_key) => json!({"slice_key": slice_key, "failures": failures}),
                (Some(base), slice_key) => json!({
                    "cross_slice_key": {"baseline_slice_key": base, "comparison_slice_key": slice_key},
                    "failures": failures,
                }),
            })
            .collect();
        let missing = self.slicing_details().iter().filter(|d| d.num_matching_slices == 0);
        let (mut missing_slices, mut missing_cross_slices) = (Vec::new(), Vec::new());
        for detail in missing {
            match &detail.spec {
                Slicing::SlicingSpec(spec) => missing_slices.push(spec),
                Slicing::CrossSlicingSpec(spec) => missing_cross_slices.push(spec),
            }
        }
        let unevaluated = self.blessing() == Blessing::NotEvaluated;
        let mut result = Map::new();
        let mut set = |key: &str, value: Value| result.insert(key.to_owned(), value);
        set("validation_ok", (self.blessing() == Blessing::Blessed).into());
        set("verdict", self.blessing().as_str().into());
        set("missing_thresholds", (unevaluated && self.findings().is_empty()).into());
        set("rubber_stamp", self.rubber_stamp().into());
        set("metric_validations_per_slice", per_slice.into());
        set("missing_slices", json!(missing_slices));
        set("missing_cross_slices", json!(missing_cross_slices));
        set("validation_details", json!({"slicing_details": self.slicing_details()}));
        set("findings", json!(self.findings()));
        set("comparisons", json!(self.comparisons()));
        Value::Object(result)
    }
}

/// TFMA's ValidationFailure; of a change the metric is the difference, and its key says so.
fn failure(finding: &Finding, row: Option<&Comparison>) -> Value {
    let is_diff = !matches!(finding.rule, None | Some(Rule::ValueThreshold(_)));
    let value = row.and_then(|row| if is_diff { row.difference } else { row.candidate });
    json!({
        "metric_key": if is_diff { json!({"name": finding.metric, "is_diff": true}) } else { json!({"name": finding.metric}) },
        "metric_threshold": finding.rule,
        "metric_value": value.map(|value| json!({"double_value": value})),
        "message": finding.sentence,
    })
}
