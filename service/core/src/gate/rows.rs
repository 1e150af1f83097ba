//! What is judged: each slice and each pair of slices, with the thresholds that count for it.

use super::significance::{Hypothesis, Tested, adjust};
use crate::evaluation::{Evaluation, Measured, SliceKey, place_name};
use crate::plan::{
    ChangeThreshold, Direction, Gate, MetricThreshold, PerSliceThreshold, Requirement, SlicingSpec,
    SuspiciousImprovement, ValueThreshold,
};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A slice, or a slice against a baseline slice.
pub(super) struct Subject<'a> {
    pub(super) slice_key: &'a SliceKey,
    /// `None` for the slice itself.
    pub(super) baseline_slice_key: Option<&'a SliceKey>,
    /// Rows; of a pair those of the smaller slice.
    pub(super) num_examples: u64,
    /// What the rows count as with their weights, where they have any; of a pair of the slice with less.
    pub(super) effective: Option<f64>,
    pub(super) metrics: &'a IndexMap<String, Measured>,
    /// Of a pair, those of its slices.
    parts: Vec<&'a IndexMap<String, Measured>>,
}

impl<'a> Subject<'a> {
    /// Slices first, the overall slice before all others, then pairs.
    pub(super) fn all(evaluation: &'a Evaluation) -> Vec<Self> {
        let mut subjects: Vec<Self> = evaluation
            .slices
            .iter()
            .map(|slice| Self {
                slice_key: &slice.slice_key,
                baseline_slice_key: None,
                num_examples: slice.num_examples,
                effective: slice.effective_num_examples,
                metrics: &slice.metrics,
                parts: Vec::new(),
            })
            .collect();
        let sizes: BTreeMap<&SliceKey, (u64, Option<f64>)> = subjects
            .iter()
            .map(|s| (s.slice_key, (s.num_examples, s.effective)))
            .collect();
        let metrics: BTreeMap<&SliceKey, _> = subjects.iter().map(|s| (s.slice_key, s.metrics)).collect();
        let size = |key: &SliceKey| sizes.get(key).copied().unwrap_or_default();
        let pairs = evaluation.cross_slices.iter().map(|cross| {
            let ((rows, effective), (base_rows, base)) = (size(&cross.slice_key), size(&cross.baseline_slice_key));
            Self {
                slice_key: &cross.slice_key,
                baseline_slice_key: Some(&cross.baseline_slice_key),
                num_examples: rows.min(base_rows),
                effective: effective
                    .zip(base)
                    .map(|(one, other)| one.min(other))
                    .or(effective)
                    .or(base),
                metrics: &cross.metrics,
                parts: [&cross.slice_key, &cross.baseline_slice_key]
                    .into_iter()
                    .filter_map(|key| metrics.get(key).copied())
                    .collect(),
            }
        });
        subjects.extend(pairs);
        subjects.sort_by_key(|s| (s.baseline_slice_key, s.slice_key.len(), s.slice_key));
        subjects
    }

    pub(super) fn is_overall(&self) -> bool {
        self.baseline_slice_key.is_none() && self.slice_key.is_empty()
    }

    pub(super) fn is_too_small(&self, gate: &Gate) -> bool {
        gate.min_slice_size.is_some_and(|least| self.counts_as() < least)
    }

    /// Rows, as far as they count: a thousand of which one has all the weight are one.
    pub(super) fn counts_as(&self) -> u64 {
        // Of equal weights the quotient is the number of rows, give or take rounding.
        let effective = self.effective.map(|rows| (rows * (1.0 + 1e-9)).floor().max(0.0) as u64);
        effective.map_or(self.num_examples, |rows| rows.min(self.num_examples))
    }

    /// `120 examples`, or what they count as.
    pub(super) fn rows_in_words(&self) -> String {
        let rows = match self.num_examples {
            1 => "1 example".to_owned(),
            rows => format!("{rows} examples"),
        };
        match self.counts_as() {
            effective if effective < self.num_examples => format!("{rows}, by weight as good as {effective}"),
            _ => rows,
        }
    }

    /// Which way it is better. A pair's value is how far the slice is behind its baseline slice, so that
    /// the way turns round.
    pub(super) fn better(&self, threshold: &MetricThreshold, metric: &str) -> Option<Direction> {
        let better = threshold.better(metric)?;
        Some(match self.baseline_slice_key {
            Some(_) => better.opposite(),
            None => better,
        })
    }

    /// The largest of the numbers that a pair's value was made from, 0 of a slice: a difference of large numbers may be
    /// off by steps of these.
    pub(super) fn size(&self, metric: &str) -> f64 {
        let measured = self.parts.iter().filter_map(|metrics| metrics.get(metric));
        let values = measured.flat_map(|found| [found.candidate, found.baseline]);
        let finite = values.flatten().filter(|value| value.is_finite());
        finite.fold(0.0, |most: f64, value| most.max(value.abs()))
    }

    /// `overall`, `origin=EWR`, `overall less origin=EWR`.
    pub(super) fn name(&self) -> String {
        place_name(self.slice_key, self.baseline_slice_key)
    }
}

/// Evidence that is asked for, and the margin it is asked with.
#[derive(Clone, Copy)]
pub(super) struct Demand {
    pub(super) require: Requirement,
    pub(super) margin: f64,
    /// The change that the data must be able to show.
    pub(super) min_detectable: Option<f64>,
}

/// The thresholds that count for one metric on one subject.
#[derive(Default)]
pub(super) struct Applicable<'a> {
    pub(super) value: Vec<&'a ValueThreshold>,
    /// Each with the change that the data must be able to show.
    pub(super) change: Vec<(&'a ChangeThreshold, Option<f64>)>,
    pub(super) require: Vec<Demand>,
    pub(super) suspicious: Option<&'a SuspiciousImprovement>,
}

impl<'a> Applicable<'a> {
    pub(super) fn compares(&self) -> bool {
        !self.change.is_empty() || !self.require.is_empty() || self.suspicious.is_some()
    }

    /// The changes that the data must be able to show, each once.
    pub(super) fn min_detectables(&self) -> impl Iterator<Item = f64> {
        let require = self.require.iter().filter_map(|demand| demand.min_detectable);
        let mut all: Vec<f64> = require
            .chain(self.change.iter().filter_map(|(_, least)| *least))
            .collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all.into_iter()
    }

    /// `None` when the subject is not looked at.
    fn new(gate: &Gate, metric: &'a MetricThreshold, subject: &Subject) -> Option<Self> {
        let mut found = match subject.baseline_slice_key {
            Some(base) => Self::of_pair(metric, base, subject.slice_key),
            None => Self::of_slice(gate, metric, subject.slice_key),
        };
        found.value.retain(|threshold| bounds_value(threshold));
        found.change.retain(|(threshold, _)| bounds_change(threshold));
        (!found.value.is_empty() || found.compares()).then_some(found)
    }

    /// Adds thresholds, of whatever they are; `demand` with its margin.
    fn ask(
        &mut self,
        value: &'a Option<ValueThreshold>,
        change: &'a Option<ChangeThreshold>,
        demand: Option<(Requirement, f64)>,
        min_detectable: Option<f64>,
    ) {
        self.value.extend(value);
        self.change.extend(change.iter().map(|change| (change, min_detectable)));
        self.require.extend(demand.map(|(require, margin)| Demand {
            require,
            margin,
            min_detectable,
        }));
    }

    /// The metric's thresholds on the slices the gate looks at, and those of their own on slices they match;
    /// where both count both must hold, as in TFMA.
    fn of_slice(gate: &Gate, metric: &'a MetricThreshold, slice_key: &SliceKey) -> Self {
        let mut found = Self::default();
        if looked_at(gate).any(|spec| spec.matches(slice_key)) {
            let demand = metric.require.map(|require| (require, metric.margin));
            found.ask(
                &metric.value_threshold,
                &metric.change_threshold,
                demand,
                metric.min_detectable,
            );
            found.suspicious = metric.suspicious_improvement.as_ref();
        }
        let own = |threshold: &&PerSliceThreshold| threshold.slicing_specs.iter().any(|spec| spec.matches(slice_key));
        for threshold in metric.per_slice_thresholds.iter().filter(own) {
            let demand = threshold.require.map(|require| (require, threshold.margin));
            found.ask(
                &threshold.value_threshold,
                &threshold.change_threshold,
                demand,
                threshold.min_detectable,
            );
        }
        found
    }

    fn of_pair(metric: &'a MetricThreshold, base: &SliceKey, slice_key: &SliceKey) -> Self {
        let mut found = Self::default();
        let matching = metric
            .cross_slice_thresholds
            .iter()
            .filter(|t| t.cross_slicing_specs.iter().any(|spec| spec.matches(base, slice_key)));
        for threshold in matching {
            let demand = threshold.require.map(|require| (require, threshold.margin));
            found.ask(
                &threshold.value_threshold,
                &threshold.change_threshold,
                demand,
                threshold.min_detectable,
            );
        }
        found
    }
}

/// One metric on one subject.
pub(super) struct Row<'a> {
    pub(super) applicable: Applicable<'a>,
    /// By the order of `applicable.require`; `None` where there is no evidence.
    pub(super) tested: Vec<Option<Tested>>,
}

impl<'a> Row<'a> {
    /// One metric on all subjects, `None` where it is not looked at. Its tests of one kind are one family: a gain that
    /// is asked for overall is no harder to show for the slices where no loss is allowed.
    pub(super) fn of_metric(
        gate: &Gate,
        evaluation: &Evaluation,
        subjects: &[Subject],
        metric: &str,
        threshold: &'a MetricThreshold,
    ) -> Vec<Option<Self>> {
        let mut rows: Vec<Option<Self>> = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let Some(applicable) = Applicable::new(gate, threshold, subject) else {
                rows.push(None);
                continue;
            };
            let measured = subject
                .metrics
                .get(metric)
                .filter(|_| evaluation.baseline && !subject.is_too_small(gate));
            let tested = applicable.require.iter().map(|demand| {
                let hypothesis = Hypothesis {
                    require: demand.require,
                    margin: demand.margin,
                    direction: subject.better(threshold, metric)?,
                };
                hypothesis.tested(measured?, subject.num_examples, subject.size(metric))
            });
            let tested = tested.collect();
            rows.push(Some(Self { applicable, tested }));
        }
        for kind in [
            Requirement::NoSignificantRegression,
            Requirement::SignificantImprovement,
        ] {
            let mut family: Vec<&mut Tested> = rows
                .iter_mut()
                .flatten()
                .flat_map(|row| row.tested.iter_mut().zip(&row.applicable.require))
                .filter(|(_, demand)| demand.require == kind)
                .filter_map(|(tested, _)| tested.as_mut())
                .collect();
            let p: Vec<f64> = family.iter().map(|tested| tested.p).collect();
            for (tested, adjusted) in family.iter_mut().zip(adjust(&p, gate.correction)) {
                tested.adjusted = adjusted;
                tested.family = p.len();
            }
        }
        rows
    }
}

/// The slices that thresholds look at unless they name their own.
pub(super) fn looked_at(gate: &Gate) -> impl Iterator<Item = &SlicingSpec> {
    static OVERALL: SlicingSpec = SlicingSpec {
        feature_keys: Vec::new(),
        feature_values: BTreeMap::new(),
        bins: BTreeMap::new(),
    };
    let overall = gate.slicing_specs.is_empty().then_some(&OVERALL);
    overall.into_iter().chain(&gate.slicing_specs)
}

pub(super) fn has_threshold(metric: &MetricThreshold) -> bool {
    let value = |t: &Option<ValueThreshold>| t.as_ref().is_some_and(bounds_value);
    let change = |t: &Option<ChangeThreshold>| t.as_ref().is_some_and(bounds_change);
    let per_slice = metric.per_slice_thresholds.iter();
    let cross = metric.cross_slice_thresholds.iter();
    metric.require.is_some()
        || metric.suspicious_improvement.is_some()
        || value(&metric.value_threshold)
        || change(&metric.change_threshold)
        || per_slice
            .into_iter()
            .any(|t| t.require.is_some() || value(&t.value_threshold) || change(&t.change_threshold))
        || cross
            .into_iter()
            .any(|t| t.require.is_some() || value(&t.value_threshold) || change(&t.change_threshold))
}

fn bounds_value(threshold: &ValueThreshold) -> bool {
    threshold.lower_bound.is_some() || threshold.upper_bound.is_some()
}

fn bounds_change(threshold: &ChangeThreshold) -> bool {
    threshold.absolute.is_some() || threshold.relative.is_some()
}
