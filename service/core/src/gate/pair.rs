//! Both models' values of a metric: whether chance explains their difference, and whether it is believable.

use super::rows::Demand;
use super::significance::Tested;
use super::threshold::{self, Judged};
use super::verdict::Rule;
use crate::plan::{Direction, Requirement, SuspiciousImprovement};

/// Both models' values of a metric at a place.
pub(super) struct Pair<'a> {
    pub(super) place: &'a str,
    pub(super) candidate: f64,
    pub(super) baseline: f64,
    pub(super) better: Option<Direction>,
}

impl Pair<'_> {
    pub(super) fn evidence(&self, demand: Demand, level: f64, tested: Option<&Tested>) -> Judged {
        let (place, rule) = (self.place, Some(Rule::Require(demand.require)));
        let Some(tested) = tested else {
            let sentence = match self.better {
                None => format!(
                    "{place} cannot be tested, since it is not known which way it is better: give it a direction"
                ),
                Some(_) => format!(
                    "{place} has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it"
                ),
            };
            return Judged {
                passed: false,
                sentence,
                rule,
            };
        };
        let significant = tested.adjusted <= 1.0 - level;
        let digits = threshold::digits(&[self.candidate, self.baseline, tested.standard_error]);
        let difference = self.candidate - self.baseline;
        let corrected = match tested.family {
            1 => String::new(),
            family => format!(", {} over {family} slices", probability(tested.adjusted)),
        };
        let Demand { require, margin } = demand;
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
            rule,
        }
    }

    /// A failure if the gain is too large to believe.
    pub(super) fn suspicious(&self, bound: &SuspiciousImprovement) -> Option<Judged> {
        let gain = match self.better? {
            Direction::HigherIsBetter => self.candidate - self.baseline,
            Direction::LowerIsBetter => self.baseline - self.candidate,
        };
        let relative = bound.relative.map(|share| share * self.baseline.abs());
        let most = [bound.absolute, relative].into_iter().flatten().reduce(f64::min)?;
        let digits = threshold::digits(&[self.candidate, self.baseline, most]);
        (gain > most).then(|| Judged {
            passed: false,
            sentence: format!(
                "{} went from {:.digits$} to {:.digits$}, better by more than the {most:.digits$} that is believable: look for a label that leaked into the features",
                self.place, self.baseline, self.candidate
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
