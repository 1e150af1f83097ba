//! The verdict for machines, in the shape of TFMA's ValidationResult (`tensorflow_model_analysis/proto/validation_result.proto`), extended.

use super::verdict::{Blessing, Comparison, Finding, Rule, Slicing, SlicingDetails, Verdict};
use crate::evaluation::SliceKey;
use crate::plan::{CrossSlicingSpec, SlicingSpec};
use serde::Serialize;
use std::collections::BTreeMap;

/// TFMA's fields by TFMA's names; ours beside them are `verdict`, `findings` and `comparisons`.
#[derive(Serialize)]
struct ValidationResult<'a> {
    validation_ok: bool,
    verdict: &'static str,
    missing_thresholds: bool,
    rubber_stamp: bool,
    metric_validations_per_slice: Vec<MetricsValidationForSlice<'a>>,
    missing_slices: Vec<&'a SlicingSpec>,
    missing_cross_slices: Vec<&'a CrossSlicingSpec>,
    validation_details: ValidationDetails<'a>,
    findings: &'a [Finding],
    comparisons: &'a [Comparison],
}

#[derive(Serialize)]
struct ValidationDetails<'a> {
    slicing_details: &'a [SlicingDetails],
}

#[derive(Serialize)]
struct MetricsValidationForSlice<'a> {
    #[serde(flatten)]
    key: Key<'a>,
    failures: Vec<ValidationFailure<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Key<'a> {
    SliceKey(&'a SliceKey),
    CrossSliceKey {
        baseline_slice_key: &'a SliceKey,
        comparison_slice_key: &'a SliceKey,
    },
}

#[derive(Serialize)]
struct ValidationFailure<'a> {
    metric_key: MetricKey<'a>,
    metric_threshold: Option<&'a Rule>,
    metric_value: Option<MetricValue>,
    message: &'a str,
}

/// Of a change the metric is the difference, and its key says so.
#[derive(Serialize)]
struct MetricKey<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_diff: bool,
}

#[derive(Serialize)]
struct MetricValue {
    double_value: f64,
}

impl Verdict {
    /// TFMA's ValidationResult, extended, as JSON is written of it.
    pub fn validation_result(&self) -> impl Serialize {
        let missing = || self.slicing_details().iter().filter(|d| d.num_matching_slices == 0);
        ValidationResult {
            validation_ok: self.blessing() == Blessing::Blessed,
            verdict: self.blessing().as_str(),
            missing_thresholds: self.blessing() == Blessing::NotEvaluated && self.findings().is_empty(),
            rubber_stamp: self.rubber_stamp(),
            metric_validations_per_slice: self.failures_by_place(),
            missing_slices: missing()
                .filter_map(|detail| match &detail.spec {
                    Slicing::SlicingSpec(spec) => Some(spec),
                    Slicing::CrossSlicingSpec(_) => None,
                })
                .collect(),
            missing_cross_slices: missing()
                .filter_map(|detail| match &detail.spec {
                    Slicing::SlicingSpec(_) => None,
                    Slicing::CrossSlicingSpec(spec) => Some(spec),
                })
                .collect(),
            validation_details: ValidationDetails {
                slicing_details: self.slicing_details(),
            },
            findings: self.findings(),
            comparisons: self.comparisons(),
        }
    }

    fn failures_by_place(&self) -> Vec<MetricsValidationForSlice<'_>> {
        let rows: BTreeMap<_, &Comparison> = self
            .comparisons()
            .iter()
            .map(|row| ((row.baseline_slice_key.as_ref(), &row.slice_key, &row.metric), row))
            .collect();
        let mut places: BTreeMap<(Option<&SliceKey>, &SliceKey), Vec<ValidationFailure>> = BTreeMap::new();
        for finding in self.failures().filter(|finding| !finding.metric.is_empty()) {
            let (base, key) = (finding.baseline_slice_key.as_ref(), &finding.slice_key);
            let row = rows.get(&(base, key, &finding.metric)).copied();
            places.entry((base, key)).or_default().push(failure(finding, row));
        }
        let of_place = |((base, key), failures)| MetricsValidationForSlice {
            key: match base {
                None => Key::SliceKey(key),
                Some(base) => Key::CrossSliceKey {
                    baseline_slice_key: base,
                    comparison_slice_key: key,
                },
            },
            failures,
        };
        places.into_iter().map(of_place).collect()
    }
}

fn failure<'a>(finding: &'a Finding, row: Option<&Comparison>) -> ValidationFailure<'a> {
    let is_diff = !matches!(finding.rule, None | Some(Rule::ValueThreshold(_)));
    let value = row.and_then(|row| if is_diff { row.difference } else { row.candidate });
    ValidationFailure {
        metric_key: MetricKey {
            name: &finding.metric,
            is_diff,
        },
        metric_threshold: finding.rule.as_ref(),
        metric_value: value.map(|double_value| MetricValue { double_value }),
        message: &finding.sentence,
    }
}
