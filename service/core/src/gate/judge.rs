//! The judgement: TFMA's thresholds by TFMA's names, with MLflow's relative change, which does not
//! turn around at a negative baseline.
//!
//! - Bounds are inclusive. Silence is failure: a metric or slice that was not measured fails.
//! - Without a baseline model the change thresholds are skipped (a rubber stamp for them only).
//! - A relative change is measured in magnitudes of the baseline. At a baseline of 0 a demanded
//!   improvement means strictly better, and an allowed regression means not worse.
//! - `require` asks whether chance explains the paired difference: a one-sided t-test for each slice,
//!   corrected over the slices of the metric that are asked the same.
//! - Slices against others are judged by `cross_slice_thresholds` alone, as in TFMA.
//! - Where the data cannot show a change of `min_detectable`, what would pass is no approval: the candidate is not
//!   evaluated, unless something else rejects it.
//! - Slices below `min_slice_size` are shown and not judged. Where nothing is left to judge, the
//!   candidate is not evaluated.

use super::pair::{Pair, Sureness};
use super::rows::{Applicable, Row, Subject, has_threshold, looked_at};
use super::significance::StandardError;
use super::threshold::{self, Judged};
use super::undefined::{self, Chosen};
use super::verdict::{Blessing, Comparison, Finding, Rule, Slicing, SlicingDetails, Verdict};
use crate::evaluation::{Evaluation, Measured};
use crate::plan::{CONFIDENCE_LEVEL, Gate, InsufficientData, MetricThreshold, MissingBaseline};

/// Small slices that are named; more are counted.
const NAMED: usize = 5;

/// Judges a candidate by what the evaluator measured.
pub fn judge(gate: &Gate, evaluation: &Evaluation) -> Verdict {
    let subjects = Subject::all(evaluation);
    let mut judge = Judge {
        gate,
        evaluation,
        rubber_stamp: false,
        findings: Vec::new(),
        comparisons: Vec::new(),
        ignored: Vec::new(),
        blind: false,
    };
    if !gate.metrics.values().any(has_threshold) {
        judge.show_overall(&subjects);
        return judge.verdict(Blessing::NotEvaluated, Vec::new());
    }
    let details = judge.slicing_details(&subjects);
    let rows: Vec<_> = gate
        .metrics
        .iter()
        .map(|(metric, threshold)| Row::of_metric(gate, evaluation, &subjects, metric, threshold))
        .collect();
    for (place, subject) in subjects.iter().enumerate() {
        for ((metric, threshold), rows) in gate.metrics.iter().zip(&rows) {
            if let Some(row) = &rows[place] {
                judge.row(subject, metric, threshold, row);
            }
        }
    }
    if let Some(overall) = subjects.iter().find(|s| s.is_overall() && s.is_too_small(gate)) {
        return judge.inconclusive(overall, details);
    }
    judge.name_ignored();
    let failed = judge.findings.iter().any(|finding| finding.passed == Some(false));
    let judged = judge.comparisons.iter().any(|row| row.passed.is_some());
    let blessing = match (failed, judged && !judge.blind) {
        (true, _) => Blessing::NotBlessed,
        (false, true) => Blessing::Blessed,
        (false, false) => Blessing::NotEvaluated,
    };
    judge.verdict(blessing, details)
}

/// What decides comes first.
fn rank(passed: Option<bool>) -> u8 {
    match passed {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    }
}

struct Judge<'a> {
    gate: &'a Gate,
    evaluation: &'a Evaluation,
    rubber_stamp: bool,
    findings: Vec<Finding>,
    comparisons: Vec<Comparison>,
    /// The places of what was not judged for want of examples, with their rows.
    ignored: Vec<(String, String)>,
    /// Whether the data cannot show a change that they must.
    blind: bool,
}

impl Judge<'_> {
    fn verdict(mut self, blessing: Blessing, slicing_details: Vec<SlicingDetails>) -> Verdict {
        // Failures, then what was not judged; stable, so that the overall slice stays first among each.
        self.findings.sort_by_key(|finding| rank(finding.passed));
        Verdict {
            blessing,
            rubber_stamp: self.rubber_stamp,
            findings: self.findings,
            comparisons: self.comparisons,
            interval_level: self.evaluation.confidence_level,
            slicing_details,
            unchanged: None,
        }
    }

    /// The verdict where even all rows together are too few.
    fn inconclusive(mut self, overall: &Subject, details: Vec<SlicingDetails>) -> Verdict {
        let fails = self.gate.insufficient_data == InsufficientData::Fail;
        self.findings = vec![Finding {
            passed: fails.then_some(false),
            sentence: format!(
                "nothing can be concluded from {} overall, fewer than the {} of min_slice_size",
                overall.rows_in_words(),
                self.gate.min_slice_size.unwrap_or_default()
            ),
            ..Finding::default()
        }];
        let blessing = if fails {
            Blessing::NotBlessed
        } else {
            Blessing::NotEvaluated
        };
        self.verdict(blessing, details)
    }

    /// How many slices each spec has, and a failure where there is none.
    fn slicing_details(&mut self, subjects: &[Subject]) -> Vec<SlicingDetails> {
        let mut details: Vec<SlicingDetails> = Vec::new();
        let slices = looked_at(self.gate).chain(self.gate.asked_slices()).cloned();
        let pairs = self.gate.asked_cross_slices().map(Slicing::CrossSlicingSpec);
        for spec in slices.map(Slicing::SlicingSpec).chain(pairs) {
            if details.iter().all(|detail| detail.spec != spec) {
                let matching = subjects
                    .iter()
                    .filter(|s| spec.matches(s.baseline_slice_key, s.slice_key));
                details.push(SlicingDetails {
                    num_matching_slices: matching.count(),
                    spec,
                });
            }
        }
        for detail in details.iter().filter(|detail| detail.num_matching_slices == 0) {
            self.findings.push(detail.spec.missing());
        }
        details
    }

    fn row(&mut self, subject: &Subject, metric: &str, threshold: &MetricThreshold, row: &Row) {
        let measured = subject.metrics.get(metric);
        let (candidate, baseline) = self.values(&measured.copied().unwrap_or_default());
        let finding = |passed: Option<bool>, sentence: String, rule: Option<Rule>| Finding {
            slice_key: subject.slice_key.clone(),
            baseline_slice_key: subject.baseline_slice_key.cloned(),
            metric: metric.to_owned(),
            passed,
            sentence,
            rule,
        };
        let place = threshold::place(metric, subject);
        let alone = row.applicable.compares() && !self.evaluation.baseline;
        self.rubber_stamp |= alone && self.gate.missing_baseline == MissingBaseline::RubberStamp;
        let passed = if subject.is_too_small(self.gate) {
            let passed = (self.gate.insufficient_data == InsufficientData::Fail).then_some(false);
            if self.gate.insufficient_data == InsufficientData::Ignore {
                self.ignore(subject);
            } else {
                let sentence = format!(
                    "{place} was not judged: {} are fewer than the {} of min_slice_size",
                    subject.rows_in_words(),
                    self.gate.min_slice_size.unwrap_or_default()
                );
                self.findings.push(finding(passed, sentence, None));
            }
            passed
        } else {
            let model_type = &self.evaluation.model_type;
            let chosen = || Chosen::of(self.gate, threshold, subject);
            let judged = match (measured, candidate) {
                (None, _) => vec![Judged::failed(threshold::not_measured(metric, subject, model_type))],
                (Some(_), None) => vec![Judged::failed(undefined::of_candidate(
                    metric,
                    subject,
                    model_type,
                    chosen(),
                ))],
                (Some(measured), Some(candidate)) => {
                    let rows = subject.rows_in_words();
                    let pair = baseline.map(|baseline| Pair {
                        place: &place,
                        candidate,
                        baseline,
                        size: subject.size(metric),
                        better: subject.better(threshold, metric),
                        is_overall: subject.is_overall(),
                        num_examples: subject.num_examples,
                        rows: &rows,
                    });
                    let value = row.applicable.value.iter();
                    let mut judged: Vec<Judged> = value
                        .map(|t| threshold::value(&place, t, candidate, subject.size(metric)))
                        .collect();
                    match pair {
                        Some(pair) => judged.extend(self.compared(threshold, row, measured, &pair)),
                        None => judged.extend(self.alone(metric, subject, &row.applicable)),
                    }
                    judged
                }
            };
            let fails = self.gate.insufficient_data == InsufficientData::Fail;
            let settled = |passed: Option<bool>| passed.or(fails.then_some(false));
            let passed = judged
                .iter()
                .map(|j| settled(j.passed))
                .min_by_key(|passed| rank(*passed));
            self.blind |= judged.iter().any(|j| settled(j.passed).is_none());
            let found = judged
                .into_iter()
                .map(|j| finding(settled(j.passed), j.sentence, j.rule));
            self.findings.extend(found);
            passed.unwrap_or(Some(true))
        };
        let threshold = threshold::words(&row.applicable);
        self.comparisons
            .push(self.comparison(subject, metric, threshold, passed));
    }

    /// A row of the table; undefined values are left out.
    fn comparison(&self, subject: &Subject, metric: &str, threshold: String, passed: Option<bool>) -> Comparison {
        let measured = subject.metrics.get(metric).copied().unwrap_or_default();
        let (candidate, baseline) = self.values(&measured);
        let difference = candidate
            .zip(baseline)
            .map(|(candidate, baseline)| candidate - baseline);
        Comparison {
            slice_key: subject.slice_key.clone(),
            baseline_slice_key: subject.baseline_slice_key.cloned(),
            metric: metric.to_owned(),
            num_examples: subject.num_examples,
            candidate,
            baseline,
            difference,
            interval: measured.interval().filter(|_| baseline.is_some()),
            threshold,
            passed,
        }
    }

    /// The values of candidate and baseline, as far as they are defined.
    fn values(&self, measured: &Measured) -> (Option<f64>, Option<f64>) {
        let baseline = measured.baseline.filter(|_| self.evaluation.baseline);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        (finite(measured.candidate), finite(baseline))
    }

    fn ignore(&mut self, subject: &Subject) {
        let ignored = (subject.name(), subject.rows_in_words());
        if self.ignored.last() != Some(&ignored) {
            self.ignored.push(ignored);
        }
    }

    /// One sentence on everything that was not judged for want of examples.
    fn name_ignored(&mut self) {
        let named = |(name, rows): &(String, String)| format!("{name} ({rows})");
        let some: Vec<String> = self.ignored.iter().take(NAMED).map(named).collect();
        let among = match self.ignored.len() {
            0 => return,
            all if all <= NAMED => some.join(", "),
            all => format!("{all} slices, among them {}", some.join(", ")),
        };
        self.findings.push(Finding {
            sentence: format!(
                "not judged, for fewer than the {} examples of min_slice_size: {among}",
                self.gate.min_slice_size.unwrap_or_default()
            ),
            ..Finding::default()
        });
    }

    /// What is asked of a change where there is nothing to compare with.
    fn alone(&self, metric: &str, subject: &Subject, applicable: &Applicable) -> Option<Judged> {
        let strict = self.gate.missing_baseline == MissingBaseline::NotBlessed;
        if !applicable.compares() {
            return None;
        }
        if self.evaluation.baseline {
            let model_type = &self.evaluation.model_type;
            return Some(Judged::failed(undefined::of_baseline(metric, subject, model_type)));
        }
        strict.then(|| {
            Judged::failed(format!(
                "{} cannot be compared, since there is no baseline model: promote one first, or set missing_baseline to rubber_stamp",
                threshold::place(metric, subject)
            ))
        })
    }

    /// The thresholds on a change, and what is asked of it beyond thresholds.
    fn compared(&self, threshold: &MetricThreshold, row: &Row, measured: &Measured, pair: &Pair) -> Vec<Judged> {
        let level = threshold.confidence_level.or(self.gate.confidence_level);
        let sure = Sureness {
            level: level.unwrap_or(CONFIDENCE_LEVEL),
            correction: self.gate.correction,
        };
        let mut judged = Vec::new();
        for (change, least) in &row.applicable.change {
            let held = threshold::change(pair.place, change, pair.candidate, pair.baseline, pair.size);
            let error = || StandardError::of(measured, pair.num_examples);
            judged.extend(held.into_iter().map(|held| match (held.passed, least) {
                (Some(true), Some(least)) => pair.shown(held, sure, error(), *least),
                _ => held,
            }));
        }
        let demands = row.applicable.require.iter().zip(&row.tested);
        judged.extend(demands.map(|(demand, tested)| pair.evidence(*demand, sure, tested.as_ref())));
        judged.extend(row.applicable.suspicious.and_then(|bound| pair.suspicious(bound)));
        judged
    }

    /// What a gate without thresholds can show.
    fn show_overall(&mut self, subjects: &[Subject]) {
        let overall = subjects.iter().filter(|subject| subject.is_overall());
        for (subject, metric) in overall.flat_map(|s| s.metrics.keys().map(move |metric| (s, metric))) {
            self.comparisons
                .push(self.comparison(subject, metric, String::new(), None));
        }
    }
}
