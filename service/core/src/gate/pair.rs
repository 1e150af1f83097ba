//! Both models' values of a metric: whether chance explains their difference, and whether it is believable.

use super::power::{POWER, Test};
use super::rows::Demand;
use super::significance::{StandardError, Tested};
use super::threshold::Judged;
use super::verdict::Rule;
use crate::figure::{self, Figures};
use crate::plan::{Correction, Direction, Requirement, SuspiciousImprovement};

/// Both models' values of a metric at a place.
pub(super) struct Pair<'a> {
    pub(super) place: &'a str,
    pub(super) candidate: f64,
    pub(super) baseline: f64,
    /// Of the slices that both are differences of; else 0.
    pub(super) size: f64,
    pub(super) better: Option<Direction>,
    pub(super) is_overall: bool,
    /// The rows behind them, and these in words.
    pub(super) num_examples: u64,
    pub(super) rows: &'a str,
}

/// How sure a test must be, and how it counts the slices it is made on.
#[derive(Clone, Copy)]
pub(super) struct Sureness {
    pub(super) level: f64,
    pub(super) correction: Correction,
}

impl Pair<'_> {
    pub(super) fn evidence(&self, demand: Demand, sure: Sureness, tested: Option<&Tested>) -> Judged {
        let (place, level) = (self.place, sure.level);
        let rule = Some(Rule::Require(demand.require));
        let Some(tested) = tested else {
            let sentence = match self.better {
                None => format!(
                    "{place} cannot be tested, since it is not known which way it is better: give it a direction"
                ),
                Some(_) => self.no_error(),
            };
            let passed = self.unmeasured(demand.min_detectable.filter(|_| self.better.is_some()));
            return Judged { passed, sentence, rule };
        };
        let significant = tested.adjusted <= 1.0 - level;
        let test = Test {
            level,
            family: tested.family,
            correction: sure.correction,
        };
        if let Some(least) = demand.min_detectable.filter(|_| !significant)
            && let Some(sentence) = self.blind(test, tested.error, least)
        {
            return Judged {
                passed: None,
                sentence,
                rule,
            };
        }
        let error = tested.error.value;
        let figures = Figures::of(&[self.candidate, self.baseline]);
        let corrected = match tested.family {
            1 => String::new(),
            family => format!(", {} over {family} slices", probability(tested.adjusted)),
        };
        let Demand { require, margin, .. } = demand;
        let margin_in_words = figure::written(margin);
        let beyond = match (margin > 0.0, require) {
            (false, _) => String::new(),
            (true, Requirement::NoSignificantRegression) => format!(" beyond the margin of {margin_in_words}"),
            (true, Requirement::SignificantImprovement) => format!(" of more than {margin_in_words}"),
        };
        let (passed, what) = match (require, significant) {
            (Requirement::NoSignificantRegression, true) => (false, "a significant regression"),
            (Requirement::NoSignificantRegression, false) => (true, "no significant regression"),
            (Requirement::SignificantImprovement, true) => (true, "a significant improvement"),
            (Requirement::SignificantImprovement, false) => (false, "no significant improvement"),
        };
        Judged {
            passed: Some(passed),
            sentence: format!(
                "{place} went from {} to {} ({}, standard error {}; {}{corrected}): {what}{beyond} at {} confidence",
                figures.show(self.baseline),
                figures.show(self.candidate),
                figure::signed(self.candidate - self.baseline),
                figure::number(error),
                probability(tested.p),
                figure::level(level)
            ),
            rule,
        }
    }

    /// A change threshold that held, once the data must be able to show a change of `least`.
    pub(super) fn shown(&self, held: Judged, sure: Sureness, error: Option<StandardError>, least: f64) -> Judged {
        let rule = held.rule.clone();
        let Some(error) = error else {
            return Judged {
                passed: self.unmeasured(Some(least)),
                sentence: self.no_error(),
                rule,
            };
        };
        let test = Test {
            level: sure.level,
            family: 1,
            correction: sure.correction,
        };
        match self.blind(test, error, least) {
            None => held,
            Some(sentence) => Judged {
                passed: None,
                sentence,
                rule,
            },
        }
    }

    /// Without a standard error: one example cannot show a change of `least`, and all else should have been measured.
    fn unmeasured(&self, least: Option<f64>) -> Option<bool> {
        (self.num_examples > 1 || least.is_none()).then_some(false)
    }

    /// What else can be done about a slice with too few rows.
    fn leave_out(&self) -> &'static str {
        match self.is_overall {
            true => "",
            false => ", or leave the slice out by min_slice_size or feature_values",
        }
    }

    fn no_error(&self) -> String {
        if self.num_examples <= 1 {
            return format!(
                "{} was measured on {}, which cannot tell chance from change: evaluate more examples{}",
                self.place,
                self.rows,
                self.leave_out()
            );
        }
        format!(
            "{} has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it",
            self.place
        )
    }

    /// Why the data cannot show a change of `least`, and how many rows it takes; `None` where they can.
    fn blind(&self, test: Test, error: StandardError, least: f64) -> Option<String> {
        let detectable = test.detectable(error);
        if detectable <= least {
            return None;
        }
        let figures = Figures::of(&[detectable, least]);
        let shows = if detectable.is_finite() {
            format!("show a change of {} or more", figures.show(detectable))
        } else {
            "show no change at all".to_owned()
        };
        let raise = match self.is_overall {
            true => ", or raise it".to_owned(),
            false => format!(", raise it{}", self.leave_out()),
        };
        let evaluate = match test.more_rows(error, self.num_examples, least) {
            Some(1) => format!("evaluate 1 more example{raise}"),
            Some(more) => format!("evaluate about {more} more examples{raise}"),
            None => format!("raise it, since no number of examples is enough{}", self.leave_out()),
        };
        Some(format!(
            "{} was not judged: its {} {shows} (at {} confidence and {} power), and min_detectable is {}: {evaluate}",
            self.place,
            self.rows,
            figure::level(test.level),
            figure::level(POWER),
            figure::written(least),
        ))
    }

    /// A failure if the gain is too large to believe.
    pub(super) fn suspicious(&self, bound: &SuspiciousImprovement) -> Option<Judged> {
        let gain = match self.better? {
            Direction::HigherIsBetter => self.candidate - self.baseline,
            Direction::LowerIsBetter => self.baseline - self.candidate,
        };
        let relative = bound.relative.map(|share| share * self.baseline.abs());
        let most = [bound.absolute, relative].into_iter().flatten().reduce(f64::min)?;
        let figures = Figures::of(&[self.candidate, self.baseline]);
        let size = self.candidate.abs().max(self.baseline.abs()).max(self.size);
        (gain - most > figure::rounding(size)).then(|| Judged {
            passed: Some(false),
            sentence: format!(
                "{} went from {} to {}, better by more than the {} that is believable: look for a label that leaked into the features",
                self.place,
                figures.show(self.baseline),
                figures.show(self.candidate),
                figure::number(most)
            ),
            rule: Some(Rule::SuspiciousImprovement(*bound)),
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
