//! The judgement: TFMA's thresholds by TFMA's names, with MLflow's relative change, which does not
//! turn around at a negative baseline.
//!
//! - Bounds are inclusive. Silence is failure: a metric or slice that was not measured fails.
//! - Without a baseline model the change thresholds are skipped (a rubber stamp for them only).
//! - A relative change is measured in magnitudes of the baseline. At a baseline of 0 a demanded
//!   improvement means strictly better, and an allowed regression means not worse.
//! - Slices below `min_slice_size` are shown and not judged; the overall slice always is.

use super::threshold::{self, Judged};
use super::verdict::{Blessing, Comparison, Finding, Verdict};
use crate::evaluation::{Evaluation, Measured, Slice};
use crate::spec::{ChangeThreshold, Gate, MetricThreshold, SlicingSpec, ValueThreshold};
use std::collections::BTreeMap;

/// Judges a candidate by what the evaluator measured.
pub fn judge(gate: &Gate, evaluation: &Evaluation) -> Verdict {
    let mut slices: Vec<&Slice> = evaluation.slices.iter().collect();
    slices.sort_by_key(|slice| (slice.slice_key.len(), &slice.slice_key));
    if !gate.metrics.values().any(has_threshold) {
        let comparisons = everything_overall(evaluation, &slices);
        return Verdict {
            blessing: Blessing::NotEvaluated,
            rubber_stamp: false,
            findings: Vec::new(),
            comparisons,
        };
    }
    let mut judge = Judge {
        gate,
        evaluation,
        rubber_stamp: false,
        findings: Vec::new(),
        comparisons: Vec::new(),
    };
    judge.unmatched_specs(&slices);
    for slice in slices {
        for (metric, threshold) in &gate.metrics {
            judge.metric(slice, metric, threshold);
        }
    }
    // Stable, so that the overall slice stays first among the failures.
    judge.findings.sort_by_key(|finding| finding.passed);
    let failed = judge.findings.iter().any(|finding| !finding.passed);
    Verdict {
        blessing: if failed {
            Blessing::NotBlessed
        } else {
            Blessing::Blessed
        },
        rubber_stamp: judge.rubber_stamp,
        findings: judge.findings,
        comparisons: judge.comparisons,
    }
}

/// The thresholds that count for one metric on one slice.
#[derive(Default)]
struct Applicable<'a> {
    value: Vec<&'a ValueThreshold>,
    change: Vec<&'a ChangeThreshold>,
}

struct Judge<'a> {
    gate: &'a Gate,
    evaluation: &'a Evaluation,
    rubber_stamp: bool,
    findings: Vec<Finding>,
    comparisons: Vec<Comparison>,
}

impl Judge<'_> {
    fn unmatched_specs(&mut self, slices: &[&Slice]) {
        let overall = [SlicingSpec::default()];
        let per_slice = self
            .gate
            .metrics
            .values()
            .flat_map(|m| &m.per_slice_thresholds)
            .flat_map(|t| &t.slicing_specs);
        let mut seen: Vec<&SlicingSpec> = Vec::new();
        for spec in looked_at(self.gate, &overall).iter().chain(per_slice) {
            if seen.contains(&spec) {
                continue;
            }
            seen.push(spec);
            if !slices.iter().any(|slice| matches(spec, &slice.slice_key)) {
                self.findings.push(Finding {
                    slice_key: spec.feature_values.clone(),
                    metric: String::new(),
                    passed: false,
                    sentence: format!(
                        "no slice {} was measured: there were no such examples, or the evaluator does not slice so",
                        spec.describe()
                    ),
                });
            }
        }
    }

    fn metric(&mut self, slice: &Slice, metric: &str, threshold: &MetricThreshold) {
        let Some(applicable) = applicable(self.gate, threshold, &slice.slice_key) else {
            return;
        };
        let measured = slice.metrics.get(metric).copied();
        let Measured { candidate, baseline, .. } = measured.unwrap_or_default();
        let candidate = candidate.filter(|value| value.is_finite());
        let baseline = baseline.filter(|value| value.is_finite() && self.evaluation.baseline);
        let too_small =
            !slice.slice_key.is_empty() && self.gate.min_slice_size.is_some_and(|least| slice.num_examples < least);
        let mut passed = None;
        if !too_small {
            let judged = self.judged(slice, metric, &applicable, measured.is_some(), candidate, baseline);
            passed = Some(judged.iter().all(|j| j.passed));
            self.findings
                .extend(judged.into_iter().map(|Judged { passed, sentence }| Finding {
                    slice_key: slice.slice_key.clone(),
                    metric: metric.to_owned(),
                    passed,
                    sentence,
                }));
        }
        self.comparisons.push(Comparison {
            slice_key: slice.slice_key.clone(),
            metric: metric.to_owned(),
            num_examples: slice.num_examples,
            candidate,
            baseline,
            difference: candidate
                .zip(baseline)
                .map(|(candidate, baseline)| candidate - baseline),
            threshold: threshold::words(&applicable.value, &applicable.change),
            passed,
        });
    }

    fn judged(
        &mut self,
        slice: &Slice,
        metric: &str,
        applicable: &Applicable,
        is_measured: bool,
        candidate: Option<f64>,
        baseline: Option<f64>,
    ) -> Vec<Judged> {
        let place = threshold::place(metric, &slice.slice_key);
        if !applicable.change.is_empty() && !self.evaluation.baseline {
            self.rubber_stamp = true;
        }
        if !is_measured {
            return vec![Judged::failed(threshold::not_measured(metric, &slice.slice_key))];
        }
        let Some(candidate) = candidate else {
            return vec![Judged::failed(format!(
                "{place} is undefined for the candidate, and what is undefined does not pass"
            ))];
        };
        let mut judged: Vec<Judged> = applicable
            .value
            .iter()
            .map(|t| threshold::value(&place, t, candidate))
            .collect();
        for change in &applicable.change {
            match baseline {
                Some(baseline) => judged.extend(threshold::change(&place, change, candidate, baseline)),
                None if self.evaluation.baseline => judged.push(Judged::failed(format!(
                    "{place} is undefined for the model compared with, so that its change cannot be judged"
                ))),
                None => {}
            }
        }
        judged
    }
}

fn has_threshold(metric: &MetricThreshold) -> bool {
    let value = |t: &Option<ValueThreshold>| t.as_ref().is_some_and(threshold::bounds_value);
    let change = |t: &Option<ChangeThreshold>| t.as_ref().is_some_and(threshold::bounds_change);
    let own = value(&metric.value_threshold) || change(&metric.change_threshold);
    own || metric
        .per_slice_thresholds
        .iter()
        .any(|t| value(&t.value_threshold) || change(&t.change_threshold))
}

fn looked_at<'a>(gate: &'a Gate, overall: &'a [SlicingSpec]) -> &'a [SlicingSpec] {
    if gate.slicing_specs.is_empty() {
        overall
    } else {
        &gate.slicing_specs
    }
}

/// Thresholds of their own replace the metric's for the slices they match. `None` when the slice
/// is not looked at.
fn applicable<'a>(
    gate: &Gate,
    metric: &'a MetricThreshold,
    slice_key: &BTreeMap<String, String>,
) -> Option<Applicable<'a>> {
    let own: Vec<_> = metric
        .per_slice_thresholds
        .iter()
        .filter(|t| t.slicing_specs.iter().any(|spec| matches(spec, slice_key)))
        .collect();
    let found = if own.is_empty() {
        let overall = [SlicingSpec::default()];
        if !looked_at(gate, &overall).iter().any(|spec| matches(spec, slice_key)) {
            return None;
        }
        Applicable {
            value: metric.value_threshold.iter().collect(),
            change: metric.change_threshold.iter().collect(),
        }
    } else {
        Applicable {
            value: own.iter().filter_map(|t| t.value_threshold.as_ref()).collect(),
            change: own.iter().filter_map(|t| t.change_threshold.as_ref()).collect(),
        }
    };
    let found = Applicable {
        value: found.value.into_iter().filter(|t| threshold::bounds_value(t)).collect(),
        change: found
            .change
            .into_iter()
            .filter(|t| threshold::bounds_change(t))
            .collect(),
    };
    (!found.value.is_empty() || !found.change.is_empty()).then_some(found)
}

/// Whether a slice is one of a spec's: the same features, and the fixed values where there are any.
fn matches(spec: &SlicingSpec, slice_key: &BTreeMap<String, String>) -> bool {
    let of_spec = |feature: &String| spec.feature_keys.contains(feature) || spec.feature_values.contains_key(feature);
    slice_key.keys().all(of_spec)
        && spec.feature_keys.iter().all(|feature| slice_key.contains_key(feature))
        && spec
            .feature_values
            .iter()
            .all(|(feature, value)| slice_key.get(feature) == Some(value))
}

/// What a gate without thresholds can show.
fn everything_overall(evaluation: &Evaluation, slices: &[&Slice]) -> Vec<Comparison> {
    let overall = slices.iter().filter(|slice| slice.slice_key.is_empty());
    overall
        .flat_map(|slice| {
            slice
                .metrics
                .iter()
                .map(move |(metric, measured)| (slice, metric, measured))
        })
        .map(|(slice, metric, measured)| {
            let baseline = measured.baseline.filter(|_| evaluation.baseline);
            Comparison {
                slice_key: BTreeMap::new(),
                metric: metric.clone(),
                num_examples: slice.num_examples,
                candidate: measured.candidate,
                baseline,
                difference: measured
                    .candidate
                    .zip(baseline)
                    .map(|(candidate, baseline)| candidate - baseline),
                threshold: String::new(),
                passed: None,
            }
        })
        .collect()
}
