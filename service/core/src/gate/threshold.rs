//! One threshold on one number, and its sentence.

use super::rows::{Applicable, Subject};
use super::verdict::Rule;
use crate::figure::{self, Figures};
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
            let figures = Figures::of(&[candidate, bound]);
            format!("{place} is {}, {what} {}", figures.show(candidate), figures.show(bound))
        }
        None => {
            let numbers = [Some(candidate), *lower_bound, *upper_bound];
            let figures = Figures::of(&numbers.into_iter().flatten().collect::<Vec<_>>());
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
    /// What a number is divided by, so that no difference overflows; as large as the numbers compared.
    fn scale(&self) -> f64 {
        let scale = self.candidate.abs().max(self.baseline.abs());
        if scale == 0.0 { 1.0 } else { scale }
    }

    /// Whether the difference is on the good side of a bound in units of the scale. What rounding alone takes off
    /// a bound is on it: 0.645 - 0.65 is a little below -0.005.
    fn holds(&self, bound: f64) -> bool {
        let change = self.candidate / self.scale() - self.baseline / self.scale();
        let beyond = change - bound;
        let beyond = if beyond.abs() <= figure::rounding(1.0, 0.0) {
            0.0
        } else {
            beyond
        };
        match self.direction {
            Direction::HigherIsBetter => beyond >= 0.0,
            Direction::LowerIsBetter => beyond <= 0.0,
        }
    }

    /// Of what is shown: nothing where rounding explains it.
    fn difference(&self) -> f64 {
        figure::difference(self.candidate, self.baseline)
    }

    fn absolute(&self, bound: f64) -> Judged {
        let figures = Figures::of(&[self.candidate, self.baseline, bound, self.difference()]);
        let difference = figures.signed(self.difference());
        let bound_text = match bound {
            0.0 => "+0".to_owned(),
            bound => figures.signed(bound),
        };
        let passed = self.holds(bound / self.scale());
        self.judged(passed, bound, figures, &difference, &bound_text)
    }

    fn relative(&self, bound: f64) -> Judged {
        let improvement_demanded = match self.direction {
            Direction::HigherIsBetter => bound > 0.0,
            Direction::LowerIsBetter => bound < 0.0,
        };
        let figures = Figures::of(&[self.candidate, self.baseline]);
        if self.baseline == 0.0 {
            let better = match self.direction {
                Direction::HigherIsBetter => self.candidate > 0.0,
                Direction::LowerIsBetter => self.candidate < 0.0,
            };
            let passed = if improvement_demanded { better } else { self.holds(0.0) };
            let difference = figures.signed(self.difference());
            return self.judged(passed, bound, figures, &difference, &figure::percent(bound));
        }
        let ratio = self.difference() / self.baseline.abs();
        let [ratio, bound_text] = figure::percents(ratio, bound);
        let passed = self.holds(bound * (self.baseline.abs() / self.scale()));
        self.judged(passed, bound, figures, &ratio, &bound_text)
    }

    fn judged(&self, passed: bool, bound: f64, figures: Figures, difference: &str, bound_text: &str) -> Judged {
        let Self {
            place,
            candidate,
            baseline,
            ..
        } = self;
        let change = self.difference();
        let moved = if change > 0.0 {
            "rose from"
        } else if change < 0.0 {
            "fell from"
        } else {
            "stayed at"
        };
        let numbers = if change == 0.0 {
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
