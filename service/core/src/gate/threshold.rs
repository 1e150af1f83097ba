//! One threshold on one number, and its sentence.

use super::rows::{Applicable, Subject};
use super::verdict::Rule;
use crate::plan::{ChangeThreshold, Direction, Requirement, ValueThreshold};

/// Whether a threshold held, in words.
pub(super) struct Judged {
    pub(super) passed: bool,
    pub(super) sentence: String,
    /// Which; `None` when there was nothing to hold it against.
    pub(super) rule: Option<Rule>,
}

impl Judged {
    pub(super) fn failed(sentence: String) -> Self {
        Self {
            passed: false,
            sentence,
            rule: None,
        }
    }
}

/// `auc overall`, `auc on origin=EWR` or `auc on overall less origin=EWR`.
pub(super) fn place(metric: &str, subject: &Subject) -> String {
    if subject.is_overall() {
        format!("{metric} {}", subject.name())
    } else {
        format!("{metric} on {}", subject.name())
    }
}

pub(super) fn not_measured(metric: &str, subject: &Subject) -> String {
    format!(
        "metric '{metric}' was not measured on slice {}: have the evaluator measure it, or take its threshold out",
        subject.name()
    )
}

pub(super) fn value(place: &str, threshold: &ValueThreshold, candidate: f64) -> Judged {
    let ValueThreshold {
        lower_bound,
        upper_bound,
    } = threshold;
    let beyond = match (lower_bound, upper_bound) {
        // Written so that a bound that is not a number fails.
        (Some(lower), _) if candidate < *lower || lower.is_nan() => Some(("below the lower bound", *lower)),
        (_, Some(upper)) if candidate > *upper || upper.is_nan() => Some(("above the upper bound", *upper)),
        _ => None,
    };
    let sentence = match beyond {
        Some((what, bound)) => {
            let digits = digits(&[candidate, bound]);
            format!("{place} is {candidate:.digits$}, {what} {bound:.digits$}")
        }
        None => {
            let numbers = [Some(candidate), *lower_bound, *upper_bound];
            let digits = digits(&numbers.into_iter().flatten().collect::<Vec<_>>());
            format!("{place} is {candidate:.digits$}, as asked ({})", value_words(threshold))
        }
    };
    Judged {
        passed: beyond.is_none(),
        sentence,
        rule: Some(Rule::ValueThreshold(threshold.clone())),
    }
}

/// One judgement each for `absolute` and one for `relative`, as far as they are given.
pub(super) fn change(place: &str, threshold: &ChangeThreshold, candidate: f64, baseline: f64) -> Vec<Judged> {
    let change = Change {
        place,
        threshold,
        direction: threshold.direction,
        candidate,
        baseline,
    };
    let absolute = threshold.absolute.map(|bound| change.absolute(bound));
    let relative = threshold.relative.map(|bound| change.relative(bound));
    absolute.into_iter().chain(relative).collect()
}

struct Change<'a> {
    place: &'a str,
    threshold: &'a ChangeThreshold,
    direction: Direction,
    candidate: f64,
    baseline: f64,
}

impl Change<'_> {
    fn difference(&self) -> f64 {
        self.candidate - self.baseline
    }

    /// What subtracting two such numbers can be off by: 0.645 - 0.65 is a little below -0.005.
    fn rounding(&self) -> f64 {
        1e-12 * self.candidate.abs().max(self.baseline.abs()).max(1.0)
    }

    fn holds(&self, bound: f64) -> bool {
        match self.direction {
            Direction::HigherIsBetter => self.difference() >= bound - self.rounding(),
            Direction::LowerIsBetter => self.difference() <= bound + self.rounding(),
        }
    }

    fn absolute(&self, bound: f64) -> Judged {
        let digits = digits(&[self.candidate, self.baseline, bound, self.difference()]);
        let difference = format!("{:+.digits$}", self.difference());
        self.judged(
            self.holds(bound),
            bound,
            digits,
            &difference,
            &format!("{bound:+.digits$}"),
        )
    }

    fn relative(&self, bound: f64) -> Judged {
        let improvement_demanded = match self.direction {
            Direction::HigherIsBetter => bound > 0.0,
            Direction::LowerIsBetter => bound < 0.0,
        };
        let digits = digits(&[self.candidate, self.baseline]);
        if self.baseline == 0.0 {
            let better = match self.direction {
                Direction::HigherIsBetter => self.difference() > self.rounding(),
                Direction::LowerIsBetter => self.difference() < -self.rounding(),
            };
            let passed = if improvement_demanded { better } else { self.holds(0.0) };
            let difference = format!("{:+.digits$}", self.difference());
            return self.judged(passed, bound, digits, &difference, &percent(bound));
        }
        let ratio = self.difference() / self.baseline.abs();
        let decimals = (1..8)
            .find(|d| percent_of(ratio, *d) != percent_of(bound, *d))
            .filter(|_| (ratio - bound).abs() > 1e-9)
            .unwrap_or(1);
        let passed = self.holds(bound * self.baseline.abs());
        self.judged(
            passed,
            bound,
            digits,
            &percent_of(ratio, decimals),
            &percent_of(bound, decimals),
        )
    }

    fn judged(&self, passed: bool, bound: f64, digits: usize, difference: &str, bound_text: &str) -> Judged {
        let Self {
            place,
            candidate,
            baseline,
            ..
        } = self;
        let moved = if candidate > baseline {
            "rose from"
        } else if candidate < baseline {
            "fell from"
        } else {
            "stayed at"
        };
        let figures = if candidate == baseline {
            format!("{candidate:.digits$}")
        } else {
            format!("{baseline:.digits$} to {candidate:.digits$} ({difference})")
        };
        let slack = match self.direction {
            Direction::HigherIsBetter => bound <= 0.0,
            Direction::LowerIsBetter => bound >= 0.0,
        };
        let reason = match (passed, slack, self.direction) {
            (true, _, Direction::HigherIsBetter) => format!("as asked (change ≥ {bound_text})"),
            (true, _, Direction::LowerIsBetter) => format!("as asked (change ≤ {bound_text})"),
            (false, true, _) => format!("more than the allowed {bound_text}"),
            (false, false, Direction::HigherIsBetter) => format!("and a change of at least {bound_text} is asked for"),
            (false, false, Direction::LowerIsBetter) => format!("and a change of at most {bound_text} is asked for"),
        };
        Judged {
            passed,
            sentence: format!("{place} {moved} {figures}, {reason}"),
            rule: Some(Rule::ChangeThreshold(self.threshold.clone())),
        }
    }
}

/// The thresholds as the table shows them, for example `≥ 0.6, change ≥ -0.005`.
pub(super) fn words(applicable: &Applicable) -> String {
    let value = applicable.value.iter().map(|threshold| value_words(threshold));
    let change = applicable.change.iter().map(|threshold| {
        let sign = match threshold.direction {
            Direction::HigherIsBetter => '≥',
            Direction::LowerIsBetter => '≤',
        };
        let absolute = threshold.absolute.map(|bound| format!("change {sign} {bound:+}"));
        let relative = threshold
            .relative
            .map(|bound| format!("change {sign} {}", percent(bound)));
        absolute.into_iter().chain(relative).collect::<Vec<_>>().join(", ")
    });
    let require = applicable.require.iter().map(|demand| {
        let what = match demand.require {
            Requirement::NoSignificantRegression => "no significant regression",
            Requirement::SignificantImprovement => "significant improvement",
        };
        if demand.margin > 0.0 {
            format!("{what} > {}", demand.margin)
        } else {
            what.to_owned()
        }
    });
    value.chain(change).chain(require).collect::<Vec<_>>().join(", ")
}

fn value_words(threshold: &ValueThreshold) -> String {
    let lower = threshold.lower_bound.map(|bound| format!("≥ {bound}"));
    let upper = threshold.upper_bound.map(|bound| format!("≤ {bound}"));
    lower.into_iter().chain(upper).collect::<Vec<_>>().join(", ")
}

fn percent(ratio: f64) -> String {
    percent_of(ratio, if ratio != 0.0 && ratio.abs() < 0.001 { 4 } else { 1 })
}

fn percent_of(ratio: f64, decimals: usize) -> String {
    format!("{:+.decimals$}%", ratio * 100.0)
}

/// Decimals that show numbers of this size, and show different numbers as different: four, or more.
pub(super) fn digits(values: &[f64]) -> usize {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let distinct = |digits: usize| {
        let shown = |value: f64| format!("{value:.digits$}");
        let pairs = values
            .iter()
            .enumerate()
            .flat_map(|(i, a)| values[i + 1..].iter().map(move |b| (*a, *b)));
        // Rounding noise is not a difference people should see.
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0);
        let told_apart = pairs.into_iter().all(|(a, b)| same(a, b) || shown(a) != shown(b));
        told_apart
            && values
                .iter()
                .all(|v| v.abs() <= 1e-12 || v.abs() >= 10_f64.powi(-(digits as i32)))
    };
    (4..12).find(|digits| distinct(*digits)).unwrap_or(12)
}
