//! Which slices: TFMA's slicing specs with numeric bins, and pairs of slices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// TFMA's slicing spec; `{}` is all examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlicingSpec {
    /// One slice for each value (or combination of values) of these columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feature_keys: Vec<String>,
    /// Only examples with these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feature_values: BTreeMap<String, String>,
    /// One slice for each range of these columns' numbers, cut at rising edges: `{distance: [0, 500]}`
    /// makes `(-inf, 0)`, `[0, 500)` and `[500, inf)`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bins: BTreeMap<String, Vec<f64>>,
}

impl SlicingSpec {
    /// For people: `overall`, `by origin`, `carrier=UA by origin`, `by distance cut at 0, 500`.
    pub fn describe(&self) -> String {
        let fixed: Vec<String> = self
            .feature_values
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let whole = self.feature_keys.iter().filter(|key| !self.bins.contains_key(*key));
        let cut = self.bins.iter().map(|(key, edges)| {
            let edges: Vec<String> = edges.iter().map(f64::to_string).collect();
            format!("{key} cut at {}", edges.join(", "))
        });
        let by: Vec<String> = whole.cloned().chain(cut).collect();
        match (fixed.is_empty(), by.is_empty()) {
            (true, true) => "overall".to_owned(),
            (true, false) => format!("by {}", by.join(" and ")),
            (false, true) => fixed.join(" and "),
            (false, false) => format!("{} by {}", fixed.join(" and "), by.join(" and ")),
        }
    }

    /// Whether a slice is one of the spec's: the same columns, the fixed values where there are any,
    /// and one of the ranges where there are bins.
    pub fn matches(&self, slice_key: &BTreeMap<String, String>) -> bool {
        let fixed = |(column, value): (&String, &String)| slice_key.get(column) == Some(value);
        let binned =
            |(column, edges): (&String, &Vec<f64>)| slice_key.get(column).is_some_and(|value| is_bin(edges, value));
        slice_key.keys().all(|column| self.looks_at(column))
            && self.feature_keys.iter().all(|column| slice_key.contains_key(column))
            && self.feature_values.iter().all(fixed)
            && self.bins.iter().all(binned)
    }

    /// Whether a measurement by this spec makes every slice of `wanted`.
    pub(crate) fn covers(&self, wanted: &Self) -> bool {
        let same_columns = self.columns().all(|column| wanted.looks_at(column))
            && wanted.columns().all(|column| self.looks_at(column));
        let fixed = |(column, value): (&String, &String)| wanted.feature_values.get(column) == Some(value);
        let cut = |(column, edges): (&String, &Vec<f64>)| self.bins.get(column) == Some(edges);
        let in_bins = |(column, edges): (&String, &Vec<f64>)| {
            let fixed = wanted.feature_values.get(column);
            fixed.is_none_or(|value| is_bin(edges, value))
        };
        same_columns
            && self.feature_values.iter().all(fixed)
            && wanted.bins.iter().all(cut)
            && self.bins.iter().all(in_bins)
    }

    /// Whether it makes one slice at most.
    pub(crate) fn is_one_slice(&self) -> bool {
        self.columns().all(|column| self.feature_values.contains_key(column))
    }

    /// What is wrong with its bins, one sentence.
    pub(crate) fn broken_bins(&self) -> Option<String> {
        self.bins.iter().find_map(|(column, edges)| {
            let rising = edges.windows(2).all(|pair| pair[0] < pair[1]);
            let fine = !edges.is_empty() && rising && edges.iter().all(|edge| edge.is_finite());
            (!fine).then(|| {
                format!("the bins of '{column}' are {edges:?}: give them at least one edge, each above the one before")
            })
        })
    }

    fn columns(&self) -> impl Iterator<Item = &String> {
        let named = self.feature_keys.iter().chain(self.feature_values.keys());
        named.chain(self.bins.keys())
    }

    fn looks_at(&self, column: &String) -> bool {
        self.feature_keys.contains(column) || self.feature_values.contains_key(column) || self.bins.contains_key(column)
    }
}

/// Whether `value` names a range between these edges, as the evaluator writes them.
fn is_bin(edges: &[f64], value: &str) -> bool {
    let lower = |bin: usize| bin.checked_sub(1).and_then(|below| edges.get(below));
    (0..=edges.len()).any(|bin| match (lower(bin), edges.get(bin)) {
        (Some(lower), Some(upper)) => value == format!("[{lower}, {upper})"),
        (Some(lower), None) => value == format!("[{lower}, inf)"),
        (None, Some(upper)) => value == format!("(-inf, {upper})"),
        (None, None) => false,
    })
}

/// TFMA's cross-slicing spec: each slice of `slicing_specs` against each slice of `baseline_spec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossSlicingSpec {
    /// The slices compared with; overall if absent.
    #[serde(default)]
    pub baseline_spec: SlicingSpec,
    /// The slices that are compared.
    pub slicing_specs: Vec<SlicingSpec>,
}

impl CrossSlicingSpec {
    /// Whether a pair of slices is one of the spec's.
    pub fn matches(&self, baseline_slice_key: &BTreeMap<String, String>, slice_key: &BTreeMap<String, String>) -> bool {
        self.slicing_specs.iter().any(|spec| spec.matches(slice_key)) && self.baseline_spec.matches(baseline_slice_key)
    }

    /// The same pairs of slices, as specs of one slicing spec each.
    pub fn singly(&self) -> impl Iterator<Item = Self> {
        self.slicing_specs.iter().map(|spec| Self {
            baseline_spec: self.baseline_spec.clone(),
            slicing_specs: vec![spec.clone()],
        })
    }

    /// For people: `by origin against overall`.
    pub fn describe(&self) -> String {
        let slices: Vec<String> = self.slicing_specs.iter().map(SlicingSpec::describe).collect();
        format!("{} against {}", slices.join(" or "), self.baseline_spec.describe())
    }

    /// Whether a measurement by these specs makes every pair of `self`.
    pub(crate) fn is_covered_by(&self, measured: &[Self]) -> bool {
        self.slicing_specs.iter().all(|spec| {
            measured.iter().any(|candidate| {
                candidate.baseline_spec.covers(&self.baseline_spec)
                    && candidate.slicing_specs.iter().any(|measured| measured.covers(spec))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn spec(value: &Value) -> SlicingSpec {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn slices_belong_to_specs() {
        let bins = json!({"bins": {"distance": [0.0, 0.5, 1000.0]}});
        let table = [
            (json!({}), json!({}), true),
            (json!({}), json!({"origin": "EWR"}), false),
            (json!({"feature_keys": ["origin"]}), json!({"origin": "EWR"}), true),
            (json!({"feature_keys": ["origin"]}), json!({}), false),
            (
                json!({"feature_keys": ["origin"]}),
                json!({"origin": "EWR", "carrier": "UA"}),
                false,
            ),
            (
                json!({"feature_values": {"origin": "EWR"}}),
                json!({"origin": "JFK"}),
                false,
            ),
            (bins.clone(), json!({"distance": "(-inf, 0)"}), true),
            (bins.clone(), json!({"distance": "[0, 0.5)"}), true),
            (bins.clone(), json!({"distance": "[0.5, 1000)"}), true),
            (bins.clone(), json!({"distance": "[1000, inf)"}), true),
            (bins.clone(), json!({"distance": "[0, 1000)"}), false),
            (bins.clone(), json!({"distance": "700"}), false),
            (bins.clone(), json!({}), false),
            (bins, json!({"distance": "[0, 0.5)", "origin": "EWR"}), false),
            // A column that is named twice is cut, as by the evaluator.
            (
                json!({"feature_keys": ["distance", "origin"], "bins": {"distance": [5.0]}}),
                json!({"distance": "[5, inf)", "origin": "EWR"}),
                true,
            ),
            (
                json!({"feature_values": {"distance": "[5, inf)"}, "bins": {"distance": [5.0]}}),
                json!({"distance": "(-inf, 5)"}),
                false,
            ),
        ];
        for (of, key, expected) in table {
            let slice_key = serde_json::from_value(key.clone()).unwrap();
            assert_eq!(spec(&of).matches(&slice_key), expected, "{of} {key}");
        }
    }

    #[test]
    fn what_a_spec_measures() {
        let table = [
            (json!({}), json!({}), true),
            (
                json!({"feature_keys": ["a"]}),
                json!({"feature_values": {"a": "x"}}),
                true,
            ),
            (
                json!({"feature_values": {"a": "x"}}),
                json!({"feature_keys": ["a"]}),
                false,
            ),
            (
                json!({"feature_values": {"a": "x"}}),
                json!({"feature_values": {"a": "y"}}),
                false,
            ),
            (json!({"bins": {"a": [1.0]}}), json!({"bins": {"a": [1.0]}}), true),
            (json!({"bins": {"a": [1.0]}}), json!({"bins": {"a": [2.0]}}), false),
            (json!({"feature_keys": ["a"]}), json!({"bins": {"a": [2.0]}}), false),
            (
                json!({"bins": {"a": [1.0]}}),
                json!({"feature_values": {"a": "[1, inf)"}}),
                true,
            ),
            (
                json!({"bins": {"a": [1.0]}}),
                json!({"feature_values": {"a": "[2, inf)"}}),
                false,
            ),
            (
                json!({"feature_keys": ["a", "b"]}),
                json!({"feature_keys": ["a"]}),
                false,
            ),
        ];
        for (measured, wanted, expected) in table {
            assert_eq!(spec(&measured).covers(&spec(&wanted)), expected, "{measured} {wanted}");
        }
    }

    #[test]
    fn for_people() {
        let said = [
            spec(&json!({})).describe(),
            spec(&json!({"feature_keys": ["origin", "distance"], "bins": {"distance": [0.0, 0.5]}})).describe(),
            spec(&json!({"feature_values": {"carrier": "UA"}, "feature_keys": ["origin"]})).describe(),
            spec(&json!({"bins": {"distance": [2.0, 1.0]}})).broken_bins().unwrap(),
            spec(&json!({"bins": {"distance": []}})).broken_bins().unwrap(),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        overall
        by origin and distance cut at 0, 0.5
        carrier=UA by origin
        the bins of 'distance' are [2.0, 1.0]: give them at least one edge, each above the one before
        the bins of 'distance' are []: give them at least one edge, each above the one before
        ");
    }
}
