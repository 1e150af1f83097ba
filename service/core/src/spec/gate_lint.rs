//! What is wrong with a gate: thresholds that could never hold or never apply.

use super::source_map::Problems;
use crate::figure;
use crate::plan::{
    Baseline, ChangeThreshold, CrossSliceThreshold, CrossSlicingSpec, Evaluator, Gate, METRICS, MetricThreshold,
    SlicingSpec, ValueThreshold,
};
use crate::suggest;

/// Checks a gate's thresholds.
pub(super) fn gate(gate: &Gate, evaluator: &Evaluator, problems: &mut Problems) {
    for (index, spec) in gate.slicing_specs.iter().enumerate() {
        slicing(
            &["gate", "slicing_specs", &index.to_string()],
            spec,
            evaluator,
            problems,
        );
    }
    if !is_level(gate.confidence_level) {
        problems.add(&["gate", "confidence_level"], LEVEL);
    }
    for (metric, threshold) in &gate.metrics {
        known_metric(metric, evaluator.model_type.as_deref(), problems);
        let place = Place {
            path: &["gate", "metrics", metric],
            gate,
            metric,
            threshold,
            evaluator,
        };
        place.of_metric(problems);
        for (index, per_slice) in threshold.per_slice_thresholds.iter().enumerate() {
            let index = index.to_string();
            let path = ["gate", "metrics", metric.as_str(), "per_slice_thresholds", &index];
            if per_slice.slicing_specs.is_empty() && problems.is_read(&path) {
                problems.add(
                    &path,
                    "per_slice_thresholds need slicing_specs: without them no slice matches",
                );
            }
            if per_slice.value_threshold.is_none()
                && per_slice.change_threshold.is_none()
                && per_slice.require.is_none()
                && problems.is_read(&path)
            {
                problems.add(&path, "this entry of per_slice_thresholds has no threshold");
            }
            let place = Place { path: &path, ..place };
            if per_slice.require.is_some() {
                place.tested(problems);
            }
            place.margin(per_slice.margin, problems);
            place.min_detectable(
                per_slice.min_detectable,
                per_slice.require.is_some() || per_slice.change_threshold.is_some(),
                problems,
            );
            place.bounds(
                per_slice.value_threshold.as_ref(),
                per_slice.change_threshold.as_ref(),
                problems,
            );
            for spec in &per_slice.slicing_specs {
                slicing(&path, spec, evaluator, problems);
            }
        }
        for (index, cross) in threshold.cross_slice_thresholds.iter().enumerate() {
            let index = index.to_string();
            let path = ["gate", "metrics", metric.as_str(), "cross_slice_thresholds", &index];
            Place { path: &path, ..place }.of_cross_slices(cross, problems);
        }
    }
}

const LEVEL: &str = "a confidence_level lies above 0.5 and below 1";

fn is_level(level: Option<f64>) -> bool {
    level.is_none_or(|level| level > 0.5 && level < 1.0)
}

/// Where thresholds of a metric stand in the file.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a [&'a str],
    gate: &'a Gate,
    metric: &'a str,
    threshold: &'a MetricThreshold,
    evaluator: &'a Evaluator,
}

impl<'a> Place<'a> {
    fn at(&self, key: &'a str) -> Vec<&'a str> {
        [self.path, &[key]].concat()
    }

    fn of_metric(&self, problems: &mut Problems) {
        let MetricThreshold {
            value_threshold,
            change_threshold,
            per_slice_thresholds,
            cross_slice_thresholds,
            require,
            suspicious_improvement,
            margin,
            min_detectable,
            confidence_level,
            ..
        } = self.threshold;
        if require.is_some() {
            self.tested(problems);
        }
        if suspicious_improvement.is_some() {
            self.compares("suspicious_improvement", problems);
        }
        self.margin(*margin, problems);
        self.min_detectable(
            *min_detectable,
            require.is_some() || change_threshold.is_some(),
            problems,
        );
        if !is_level(*confidence_level) {
            problems.add(&self.at("confidence_level"), LEVEL);
        }
        if let Some(suspicious) = suspicious_improvement {
            let bounds = [suspicious.absolute, suspicious.relative];
            if bounds.iter().flatten().count() == 0 || !bounds.iter().flatten().all(|bound| *bound > 0.0) {
                problems.add(
                    &self.at("suspicious_improvement"),
                    "suspicious_improvement needs absolute or relative, above 0",
                );
            }
        }
        if value_threshold.is_none()
            && change_threshold.is_none()
            && per_slice_thresholds.is_empty()
            && cross_slice_thresholds.is_empty()
            && require.is_none()
            && suspicious_improvement.is_none()
            && problems.is_read(self.path)
        {
            problems.add_with_hint(
                self.path,
                format!("metric '{}' has no threshold", self.metric),
                "give it a value_threshold, a change_threshold or a require",
            );
        }
        self.bounds(value_threshold.as_ref(), change_threshold.as_ref(), problems);
    }

    fn of_cross_slices(&self, cross: &CrossSliceThreshold, problems: &mut Problems) {
        let path = self.path;
        let pairs = || cross.cross_slicing_specs.iter().flat_map(CrossSlicingSpec::singly);
        if pairs().next().is_none() && problems.is_read(path) {
            problems.add(
                path,
                "cross_slice_thresholds need cross_slicing_specs with slicing_specs: without them no pair of slices matches",
            );
        }
        if cross.value_threshold.is_none() && cross.change_threshold.is_none() && cross.require.is_none() {
            problems.add(path, "this entry of cross_slice_thresholds has no threshold");
        }
        if cross.require.is_some() {
            self.tested(problems);
        }
        self.margin(cross.margin, problems);
        let compares = cross.require.is_some() || cross.change_threshold.is_some();
        self.min_detectable(cross.min_detectable, compares, problems);
        self.bounds(
            cross.value_threshold.as_ref(),
            cross.change_threshold.as_ref(),
            problems,
        );
        for pair in pairs() {
            let (base, spec) = (&pair.baseline_spec, &pair.slicing_specs[0]);
            if let Some(why) = base.broken_bins().or_else(|| spec.broken_bins()) {
                problems.add(path, why);
            } else if base == spec && base.is_one_slice() {
                problems.add(
                    path,
                    format!(
                        "slice {} is compared with itself: give another baseline_spec",
                        base.describe()
                    ),
                );
            } else if self
                .evaluator
                .cross_slices
                .as_ref()
                .is_some_and(|m| !pair.is_covered_by(m))
            {
                problems.add_with_hint(
                    path,
                    format!("the evaluator does not compare slices {}", pair.describe()),
                    "add it to the evaluator's cross_slicing_specs, or leave those out to measure what the gate asks for",
                );
            }
        }
    }

    fn margin(&self, margin: f64, problems: &mut Problems) {
        if !(margin >= 0.0 && margin.is_finite()) {
            problems.add(&self.at("margin"), "a margin is a number of 0 or more");
        }
    }

    /// What `min_detectable` needs, beside something that `compares`.
    fn min_detectable(&self, least: Option<f64>, compares: bool, problems: &mut Problems) {
        let Some(least) = least else {
            return;
        };
        if !(least > 0.0 && least.is_finite()) {
            problems.add(&self.at("min_detectable"), "a min_detectable is a number above 0");
        }
        if !compares {
            problems.add_with_hint(
                &self.at("min_detectable"),
                "min_detectable belongs to a require or a change_threshold beside it",
                "write one, or take it out",
            );
        }
        self.bootstrapped("min_detectable", problems);
    }

    /// What `require` needs.
    fn tested(&self, problems: &mut Problems) {
        self.compares("require", problems);
        self.bootstrapped("require", problems);
    }

    fn bootstrapped(&self, key: &'a str, problems: &mut Problems) {
        if self.evaluator.without_bootstrap {
            problems.add_with_hint(
                &self.at(key),
                format!("{key} needs standard errors, and the evaluator's bootstrap has num_samples 0"),
                "take that parameter out, or leave thresholds only",
            );
        }
    }

    /// What needs a direction and a baseline.
    fn compares(&self, key: &'a str, problems: &mut Problems) {
        if self.threshold.better(self.metric).is_none() {
            problems.add_with_hint(
                &self.at(key),
                format!("which way '{}' is better is not known", self.metric),
                "write direction: HIGHER_IS_BETTER or LOWER_IS_BETTER beside it",
            );
        }
        if self.gate.baseline == Baseline::None {
            problems.add(
                &self.at(key),
                format!("{key} needs a baseline to compare with, and the gate's baseline is none"),
            );
        }
    }

    fn bounds(&self, value: Option<&ValueThreshold>, change: Option<&ChangeThreshold>, problems: &mut Problems) {
        if let Some(ValueThreshold {
            lower_bound,
            upper_bound,
        }) = value
        {
            let path = self.at("value_threshold");
            match (lower_bound, upper_bound) {
                (None, None) if !problems.is_read(&path) => {}
                (None, None) => problems.add(
                    &path,
                    "the value_threshold has no bound: give it a lower_bound or an upper_bound",
                ),
                (Some(lower), Some(upper)) if lower > upper => problems.add(
                    &path,
                    format!(
                        "lower_bound {} is above upper_bound {}, so that nothing could pass",
                        figure::written(*lower),
                        figure::written(*upper)
                    ),
                ),
                _ => {}
            }
            finite(&path, [lower_bound, upper_bound], problems);
        }
        if let Some(ChangeThreshold { absolute, relative, .. }) = change {
            let path = self.at("change_threshold");
            if absolute.is_none() && relative.is_none() && problems.is_read(&path) {
                problems.add(&path, "the change_threshold has no bound: give it absolute or relative");
            }
            if self.gate.baseline == Baseline::None {
                problems.add(
                    &path,
                    "a change_threshold needs a baseline to compare with, and the gate's baseline is none",
                );
            }
            finite(&path, [absolute, relative], problems);
        }
    }
}

fn known_metric(metric: &str, model_type: Option<&str>, problems: &mut Problems) {
    let Some((model_type, known)) = METRICS.iter().find(|(name, _)| Some(*name) == model_type) else {
        return;
    };
    if !known.iter().any(|known| known.is(metric)) {
        let hint = suggest::hint(metric, known.iter().map(|known| known.name));
        problems.add_with_hint(
            &["gate", "metrics", metric],
            format!("the evaluator measures no metric '{metric}' for {model_type}"),
            hint,
        );
    }
}

fn finite(path: &[&str], bounds: [&Option<f64>; 2], problems: &mut Problems) {
    if bounds.into_iter().flatten().any(|bound| !bound.is_finite()) {
        problems.add(path, "a bound must be a finite number");
    }
}

fn slicing(path: &[&str], spec: &SlicingSpec, evaluator: &Evaluator, problems: &mut Problems) {
    if let Some(why) = spec.broken_bins() {
        problems.add(path, why);
        return;
    }
    let Some(measured) = &evaluator.slices else { return };
    if *spec != SlicingSpec::default() && !measured.iter().any(|candidate| candidate.covers(spec)) {
        problems.add_with_hint(
            path,
            format!("the evaluator does not measure slices {}", spec.describe()),
            "add it to the evaluator's slicing_specs, or leave those out to measure what the gate asks for",
        );
    }
}
