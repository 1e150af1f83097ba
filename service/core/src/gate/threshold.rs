//! One threshold on one number, and its sentence.

use super::rows::{Applicable, Subject};
use super::verdict::Rule;
use crate::figure::{self, Figures, Unit};
use crate::plan::{ChangeThreshold, Direction, METRICS, Requirement, ValueThreshold};

/// Whether a threshold held, in words.
pub(super) struct Judged {
    /// `None` where the data cannot tell.
    pub(super) passed: Option<bool>,
    pub(super) sentence: String,
    /// Which; `None` when there was nothing to hold it against.
    pub(super) rule: Option<Rule>,
}

impl Judged {
    pub(super) fn failed(sentence: String) -> Self {
        Self {
            passed: Some(false),
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

pub(super) fn not_measured(metric: &str, subject: &Subject, model_type: &str) -> String {
    let place = subject.name();
    match measured_of(metric).filter(|of| !of.contains(&model_type)) {
        Some(of) if METRICS.iter().any(|(known, _)| *known == model_type) => format!(
            "metric '{metric}' was not measured on slice {place}, since the evaluation is of {model_type}: give the evaluator model_type {} if the model is one, or ask for another metric",
            of.join(" or ")
        ),
        _ => format!(
            "metric '{metric}' was not measured on slice {place}: have the evaluator measure it, or take its threshold out"
        ),
    }
}

/// The model types that the standard evaluator measures a metric of; `None` of one that it does not know.
fn measured_of(metric: &str) -> Option<Vec<&'static str>> {
    let measures = METRICS
        .iter()
        .filter(|(_, metrics)| metrics.iter().any(|known| known.is(metric)));
    let of: Vec<&str> = measures.map(|(model_type, _)| *model_type).collect();
    (!of.is_empty()).then_some(of)
}

/// The number and the bound it is held against; a difference of slices of that `size` is on a bound that rounding
/// alone takes it off, a metric's own value is its own.
pub(super) fn value(place: &str, threshold: &ValueThreshold, candidate: f64, size: f64) -> Judged {
    let ValueThreshold {
        lower_bound,
        upper_bound,
    } = threshold;
    let on_it = |bound: f64| (candidate - bound).abs() <= figure::rounding(size);
    let beyond = match (lower_bound, upper_bound) {
        // Written so that a bound that is not a number fails.
        (Some(lower), _) if (candidate < *lower && !on_it(*lower)) || lower.is_nan() => {
            Some(("below the lower bound", *lower))
        }
        (_, Some(upper)) if (candidate > *upper && !on_it(*upper)) || upper.is_nan() => {
            Some(("above the upper bound", *upper))
        }
        _ => None,
    };
    let sentence = match beyond {
        Some((what, bound)) => {
            let figures = Figures::of(&[candidate, bound]);
            format!("{place} is {}, {what} {}", figures.show(candidate), figures.show(bound))
        }
        None => {
            let bounds = [*lower_bound, *upper_bound];
            let off = bounds.into_iter().flatten().filter(|bound| !on_it(*bound));
            let figures = Figures::of(&off.chain([candidate]).collect::<Vec<_>>());
            format!(
                "{place} is {}, as asked ({})",
                figures.show(candidate),
                value_words(threshold)
            )
        }
    };
    Judged {
        passed: Some(beyond.is_none()),
        sentence,
        rule: Some(Rule::ValueThreshold(threshold.clone())),
    }
}

/// One judgement each for `absolute` and one for `relative`, as far as they are given; of differences of slices, `size`
/// is that of the numbers they were made from.
pub(super) fn change(
    place: &str,
    threshold: &ChangeThreshold,
    candidate: f64,
    baseline: f64,
    size: f64,
) -> Vec<Judged> {
    let change = Change {
        place,
        threshold,
        direction: threshold.direction,
        candidate,
        baseline,
        unit: Unit::of(&[candidate, baseline, size]),
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
    /// As large as the numbers compared.
    unit: Unit,
}

impl Change<'_> {
    /// Whether a bound asks for a gain, and not for a loss at most.
    fn demands_gain(&self, bound: f64) -> bool {
        match self.direction {
            Direction::HigherIsBetter => bound > 0.0,
            Direction::LowerIsBetter => bound < 0.0,
        }
    }

    fn is_better(&self) -> bool {
        match self.direction {
            Direction::HigherIsBetter => self.candidate > self.baseline,
            Direction::LowerIsBetter => self.candidate < self.baseline,
        }
    }

    /// How far the difference is beyond a bound, both in the unit.
    fn beyond(&self, scaled_bound: f64) -> f64 {
        self.unit.scaled(self.candidate) - self.unit.scaled(self.baseline) - scaled_bound
    }

    /// Whether the difference is on a bound. What rounding alone takes off it is: 0.645 - 0.65 is a little below
    /// -0.005.
    fn is_on(&self, scaled_bound: f64) -> bool {
        self.beyond(scaled_bound).abs() <= figure::ROUNDING
    }

    /// Whether the difference is on the good side of a bound; without any gain, a demanded one is not there, however
    /// small it is beside the numbers.
    fn holds(&self, bound: f64, scaled_bound: f64) -> bool {
        if self.demands_gain(bound) && !self.is_better() {
            return false;
        }
        let beyond = self.beyond(scaled_bound);
        self.is_on(scaled_bound)
            || match self.direction {
                Direction::HigherIsBetter => beyond >= 0.0,
                Direction::LowerIsBetter => beyond <= 0.0,
            }
    }

    fn difference(&self) -> f64 {
        self.candidate - self.baseline
    }

    fn absolute(&self, bound: f64) -> Judged {
        let difference = self.difference();
        let scaled_bound = self.unit.scaled(bound);
        let passed = self.holds(bound, scaled_bound);
        // A bound that the difference is on reads like it.
        let alike = passed && self.is_on(scaled_bound);
        let told_apart = [difference, bound];
        let figures = Figures::of(if alike { &[] } else { &told_apart });
        let bound_text = match bound {
            0.0 => "+0".to_owned(),
            bound => figures.signed(bound),
        };
        self.judged(passed, bound, &figures.signed(difference), &bound_text)
    }

    fn relative(&self, bound: f64) -> Judged {
        let difference = self.difference();
        if self.baseline == 0.0 {
            // Each change of nothing is beyond all shares of it.
            let passed = if self.demands_gain(bound) {
                self.is_better()
            } else {
                self.holds(0.0, 0.0)
            };
            return self.judged(passed, bound, &figure::signed(difference), &figure::percent(bound));
        }
        let scaled_bound = bound * self.unit.scaled(self.baseline.abs());
        let passed = self.holds(bound, scaled_bound);
        let ratio = difference / self.baseline.abs();
        let [ratio_text, bound_text] = figure::percents(ratio, bound, passed && self.is_on(scaled_bound));
        let said = if ratio.is_finite() {
            ratio_text
        } else {
            figure::signed(difference)
        };
        self.judged(passed, bound, &said, &bound_text)
    }

    fn judged(&self, passed: bool, bound: f64, difference: &str, bound_text: &str) -> Judged {
        let Self {
            place,
            candidate,
            baseline,
            ..
        } = self;
        let figures = Figures::of(&[*candidate, *baseline]);
        let moved = if candidate > baseline {
            "rose from"
        } else if candidate < baseline {
            "fell from"
        } else {
            "stayed at"
        };
        let numbers = if candidate == baseline {
            figures.show(*candidate)
        } else {
            format!(
                "{} to {} ({difference})",
                figures.show(*baseline),
                figures.show(*candidate)
            )
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
            passed: Some(passed),
            sentence: format!("{place} {moved} {numbers}, {reason}"),
            rule: Some(Rule::ChangeThreshold(self.threshold.clone())),
        }
    }
}

/// The thresholds as the table shows them, for example `≥ 0.6, change ≥ -0.005`.
pub(super) fn words(applicable: &Applicable) -> String {
    let value = applicable.value.iter().map(|threshold| value_words(threshold));
    let change = applicable.change.iter().map(|(threshold, _)| {
        let sign = match threshold.direction {
            Direction::HigherIsBetter => '≥',
            Direction::LowerIsBetter => '≤',
        };
        let absolute = threshold
            .absolute
            .map(|bound| format!("change {sign} {}", figure::written_signed(bound)));
        let relative = threshold
            .relative
            .map(|bound| format!("change {sign} {}", figure::percent(bound)));
        absolute.into_iter().chain(relative).collect::<Vec<_>>().join(", ")
    });
    let require = applicable.require.iter().map(|demand| {
        let what = match demand.require {
            Requirement::NoSignificantRegression => "no significant regression",
            Requirement::SignificantImprovement => "significant improvement",
        };
        if demand.margin > 0.0 {
            format!("{what} > {}", figure::written(demand.margin))
        } else {
            what.to_owned()
        }
    });
    let powers = applicable.min_detectables();
    let power = powers.map(|least| format!("a change of {} shows", figure::written(least)));
    value
        .chain(change)
        .chain(require)
        .chain(power)
        .collect::<Vec<_>>()
        .join(", ")
}

fn value_words(threshold: &ValueThreshold) -> String {
    let lower = threshold
        .lower_bound
        .map(|bound| format!("≥ {}", figure::written(bound)));
    let upper = threshold
        .upper_bound
        .map(|bound| format!("≤ {}", figure::written(bound)));
    lower.into_iter().chain(upper).collect::<Vec<_>>().join(", ")
}
