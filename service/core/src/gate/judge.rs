//! The judgement: TFMA's thresholds by TFMA's names, with MLflow's relative change, which does not
//! turn around at a negative baseline.
//!
//! - Bounds are inclusive. Silence is failure: a metric or slice that was not measured fails.
//! - Without a baseline model the change thresholds are skipped (a rubber stamp for them only).
//! - A relative change is measured in magnitudes of the baseline. At a baseline of 0 a demanded
//!   improvement means strictly better, and an allowed regression means not worse.
//! - `require` asks whether chance explains the paired difference: a one-sided t-test for each slice,
//!   corrected over the slices of the metric.
//! - Slices below `min_slice_size` are shown and not judged; the overall slice always is.

use super::significance::{Hypothesis, Tested, adjust};
use super::threshold::{self, Judged};
use super::verdict::{Blessing, Comparison, Finding, Verdict};
use crate::evaluation::{Evaluation, Measured, Slice};
use crate::spec::{
    CONFIDENCE_LEVEL, ChangeThreshold, Direction, Gate, InsufficientData, MetricThreshold, MissingBaseline,
    Requirement, SlicingSpec, SuspiciousImprovement, ValueThreshold,
};
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
            interval_level: evaluation.confidence_level,
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
    let tested: Vec<_> = gate
        .metrics
        .iter()
        .map(|(metric, threshold)| judge.tested(&slices, metric, threshold))
        .collect();
    for (place, slice) in slices.into_iter().enumerate() {
        for ((metric, threshold), tested) in gate.metrics.iter().zip(&tested) {
            judge.metric(slice, metric, threshold, tested.get(&place));
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
        interval_level: evaluation.confidence_level,
    }
}

/// The thresholds that count for one metric on one slice.
#[derive(Default)]
struct Applicable<'a> {
    value: Vec<&'a ValueThreshold>,
    change: Vec<&'a ChangeThreshold>,
    require: Option<Requirement>,
    suspicious: Option<&'a SuspiciousImprovement>,
}

impl Applicable<'_> {
    fn compares(&self) -> bool {
        !self.change.is_empty() || self.require.is_some() || self.suspicious.is_some()
    }
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

    fn too_small(&self, slice: &Slice) -> bool {
        !slice.slice_key.is_empty() && self.gate.min_slice_size.is_some_and(|least| slice.num_examples < least)
    }

    /// The tests of one metric by the slice's place, corrected over all slices that are large enough.
    fn tested(&self, slices: &[&Slice], metric: &str, threshold: &MetricThreshold) -> BTreeMap<usize, Tested> {
        let hypothesis = threshold.require.zip(threshold.better(metric));
        let Some((require, direction)) = hypothesis.filter(|_| self.evaluation.baseline) else {
            return BTreeMap::new();
        };
        let hypothesis = Hypothesis {
            require,
            margin: threshold.margin,
            direction,
        };
        let (mut places, mut p, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (place, slice) in slices.iter().enumerate() {
            let asked = applicable(self.gate, threshold, &slice.slice_key).is_some_and(|a| a.require.is_some());
            let found = slice.metrics.get(metric).filter(|_| asked && !self.too_small(slice));
            if let Some((probability, error)) = found.and_then(|m| hypothesis.p(m, slice.num_examples)) {
                places.push(place);
                p.push(probability);
                errors.push(error);
            }
        }
        let adjusted = adjust(&p, self.gate.correction);
        let tested = (0..places.len()).map(|i| {
            let tested = Tested {
                standard_error: errors[i],
                p: p[i],
                adjusted: adjusted[i],
                family: places.len(),
            };
            (places[i], tested)
        });
        tested.collect()
    }

    fn metric(&mut self, slice: &Slice, metric: &str, threshold: &MetricThreshold, tested: Option<&Tested>) {
        let Some(applicable) = applicable(self.gate, threshold, &slice.slice_key) else {
            return;
        };
        let measured = slice.metrics.get(metric).copied();
        let Measured {
            candidate, baseline, ..
        } = measured.unwrap_or_default();
        let candidate = candidate.filter(|value| value.is_finite());
        let baseline = baseline.filter(|value| value.is_finite() && self.evaluation.baseline);
        let passed = if self.too_small(slice) {
            self.insufficient(slice, metric)
        } else {
            let mut judged = self.judged(slice, metric, &applicable, measured.is_some(), candidate, baseline);
            if let Some((candidate, baseline)) = candidate.zip(baseline) {
                let pair = Pair {
                    place: threshold::place(metric, &slice.slice_key),
                    candidate,
                    baseline,
                    better: threshold.better(metric),
                };
                let level = threshold.confidence_level.or(self.gate.confidence_level);
                judged.extend(applicable.require.map(|require| {
                    pair.evidence(require, threshold.margin, level.unwrap_or(CONFIDENCE_LEVEL), tested)
                }));
                judged.extend(applicable.suspicious.and_then(|bound| pair.suspicious(bound)));
            }
            let passed = judged.iter().all(|j| j.passed);
            self.findings
                .extend(judged.into_iter().map(|Judged { passed, sentence }| Finding {
                    slice_key: slice.slice_key.clone(),
                    metric: metric.to_owned(),
                    passed,
                    sentence,
                }));
            Some(passed)
        };
        self.comparisons.push(Comparison {
            slice_key: slice.slice_key.clone(),
            metric: metric.to_owned(),
            num_examples: slice.num_examples,
            candidate,
            baseline,
            difference: candidate
                .zip(baseline)
                .map(|(candidate, baseline)| candidate - baseline),
            interval: measured
                .and_then(|measured| measured.interval())
                .filter(|_| baseline.is_some()),
            threshold: threshold::words(
                &applicable.value,
                &applicable.change,
                applicable.require,
                threshold.margin,
            ),
            passed,
        });
    }

    /// What a small slice means by the gate's policy: a failure, or no judgement.
    fn insufficient(&mut self, slice: &Slice, metric: &str) -> Option<bool> {
        let fails = match self.gate.insufficient_data {
            InsufficientData::Ignore => return None,
            InsufficientData::Warn => false,
            InsufficientData::Fail => true,
        };
        self.findings.push(Finding {
            slice_key: slice.slice_key.clone(),
            metric: metric.to_owned(),
            passed: !fails,
            sentence: format!(
                "{} was not judged: {} examples are fewer than the {} of min_slice_size",
                threshold::place(metric, &slice.slice_key),
                slice.num_examples,
                self.gate.min_slice_size.unwrap_or_default()
            ),
        });
        fails.then_some(false)
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
        let alone = applicable.compares() && !self.evaluation.baseline;
        self.rubber_stamp |= alone && self.gate.missing_baseline == MissingBaseline::RubberStamp;
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
        if alone && self.gate.missing_baseline == MissingBaseline::NotBlessed {
            judged.push(Judged::failed(format!(
                "{place} cannot be compared, since there is no baseline model: promote one first, or set missing_baseline to rubber_stamp"
            )));
        }
        let undefined = || {
            Judged::failed(format!(
                "{place} is undefined for the model compared with, so that its change cannot be judged"
            ))
        };
        let uncompared = applicable.change.is_empty() && applicable.compares() && self.evaluation.baseline;
        if uncompared && baseline.is_none() {
            judged.push(undefined());
        }
        for change in &applicable.change {
            match baseline {
                Some(baseline) => judged.extend(threshold::change(&place, change, candidate, baseline)),
                None if self.evaluation.baseline => judged.push(undefined()),
                None => {}
            }
        }
        judged
    }
}

/// Both models' values of a metric on a slice.
struct Pair {
    place: String,
    candidate: f64,
    baseline: f64,
    better: Option<Direction>,
}

impl Pair {
    fn evidence(&self, require: Requirement, margin: f64, level: f64, tested: Option<&Tested>) -> Judged {
        let place = &self.place;
        let Some(tested) = tested else {
            return Judged::failed(match self.better {
                None => format!(
                    "{place} cannot be tested, since it is not known which way it is better: give it a direction"
                ),
                Some(_) => format!(
                    "{place} has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it"
                ),
            });
        };
        let significant = tested.adjusted <= 1.0 - level;
        let digits = threshold::digits(&[self.candidate, self.baseline, tested.standard_error]);
        let difference = self.candidate - self.baseline;
        let corrected = match tested.family {
            1 => String::new(),
            family => format!(", {} over {family} slices", probability(tested.adjusted)),
        };
        let beyond = match (margin > 0.0, require) {
            (false, _) => String::new(),
            (true, Requirement::NoSignificantRegression) => format!(" beyond the margin of {margin}"),
            (true, Requirement::SignificantImprovement) => format!(" of more than {margin}"),
        };
        let (passed, what) = match (require, significant) {
            (Requirement::NoSignificantRegression, true) => (false, "a significant regression"),
            (Requirement::NoSignificantRegression, false) => (true, "no significant regression"),
            (Requirement::SignificantImprovement, true) => (true, "a significant improvement"),
            (Requirement::SignificantImprovement, false) => (false, "no significant improvement"),
        };
        Judged {
            passed,
            sentence: format!(
                "{place} went from {:.digits$} to {:.digits$} ({difference:+.digits$}, standard error {:.digits$}; {}{corrected}): {what}{beyond} at {}% confidence",
                self.baseline,
                self.candidate,
                tested.standard_error,
                probability(tested.p),
                level * 100.0
            ),
        }
    }

    /// A failure if the gain is too large to believe.
    fn suspicious(&self, bound: &SuspiciousImprovement) -> Option<Judged> {
        let gain = match self.better? {
            Direction::HigherIsBetter => self.candidate - self.baseline,
            Direction::LowerIsBetter => self.baseline - self.candidate,
        };
        let relative = bound.relative.map(|share| share * self.baseline.abs());
        let most = [bound.absolute, relative].into_iter().flatten().reduce(f64::min)?;
        let digits = threshold::digits(&[self.candidate, self.baseline, most]);
        (gain > most).then(|| {
            Judged::failed(format!(
                "{} went from {:.digits$} to {:.digits$}, better by more than the {most:.digits$} that is believable: look for a label that leaked into the features",
                self.place, self.baseline, self.candidate
            ))
        })
    }
}

/// `p = 0.0312`, `p < 0.0001`.
fn probability(p: f64) -> String {
    if p < 1e-4 {
        "p < 0.0001".to_owned()
    } else {
        format!("p = {p:.4}")
    }
}

fn has_threshold(metric: &MetricThreshold) -> bool {
    let value = |t: &Option<ValueThreshold>| t.as_ref().is_some_and(threshold::bounds_value);
    let change = |t: &Option<ChangeThreshold>| t.as_ref().is_some_and(threshold::bounds_change);
    let evidence = metric.require.is_some() || metric.suspicious_improvement.is_some();
    let own = evidence || value(&metric.value_threshold) || change(&metric.change_threshold);
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
    let overall = [SlicingSpec::default()];
    let in_view = looked_at(gate, &overall).iter().any(|spec| matches(spec, slice_key));
    if own.is_empty() && !in_view {
        return None;
    }
    let (value, change): (Vec<&ValueThreshold>, Vec<&ChangeThreshold>) = if own.is_empty() {
        (
            metric.value_threshold.iter().collect(),
            metric.change_threshold.iter().collect(),
        )
    } else {
        (
            own.iter().filter_map(|t| t.value_threshold.as_ref()).collect(),
            own.iter().filter_map(|t| t.change_threshold.as_ref()).collect(),
        )
    };
    let found = Applicable {
        value: value.into_iter().filter(|t| threshold::bounds_value(t)).collect(),
        change: change.into_iter().filter(|t| threshold::bounds_change(t)).collect(),
        require: metric.require.filter(|_| in_view),
        suspicious: metric.suspicious_improvement.as_ref().filter(|_| in_view),
    };
    (!found.value.is_empty() || found.compares()).then_some(found)
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
                interval: measured.interval().filter(|_| baseline.is_some()),
                threshold: String::new(),
                passed: None,
            }
        })
        .collect()
}
