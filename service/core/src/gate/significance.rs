//! Whether chance explains a difference: one-sided t-tests of the paired difference, corrected by Holm.

use crate::evaluation::Measured;
use crate::figure;
use crate::plan::{Correction, Direction, Requirement};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Beyond this many degrees of freedom Student's t is the normal distribution in all digits that count.
const MOST_DEGREES: f64 = 1e4;

/// What is tested on each slice of a metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hypothesis {
    pub(super) require: Requirement,
    /// Not negative, in the metric's units.
    pub(super) margin: f64,
    pub(super) direction: Direction,
}

/// A tested difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tested {
    pub(super) error: StandardError,
    /// Of this slice alone.
    pub(super) p: f64,
    /// After the correction.
    pub(super) adjusted: f64,
    /// Slices that were tested together.
    pub(super) family: usize,
}

/// How unsure a paired difference is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StandardError {
    pub(super) value: f64,
    /// Of Student's t; not negative.
    pub(super) degrees: f64,
}

impl StandardError {
    /// Of a measured difference; `None` where none was made.
    pub(super) fn of(measured: &Measured, num_examples: u64) -> Option<Self> {
        let difference = measured.difference?;
        let value = difference
            .standard_error
            .filter(|error| error.is_finite() && *error >= 0.0)?;
        // An AUC over few positives is as unsure as they are few.
        let degrees = difference.degrees_of_freedom;
        let degrees = degrees.unwrap_or_else(|| num_examples.saturating_sub(1) as f64);
        Some(Self {
            value,
            degrees: degrees.max(0.0),
        })
    }

    /// Student's t of these degrees of freedom.
    pub(super) fn student(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, self.degrees.clamp(1.0, MOST_DEGREES)).ok()
    }
}

impl Hypothesis {
    /// With the probability of a difference as extreme as this one if the truth lay on the margin; `None`
    /// without a standard error. Of a difference of slices, `made_from` is the size of their numbers.
    pub(super) fn tested(&self, measured: &Measured, num_examples: u64, made_from: f64) -> Option<Tested> {
        let error = StandardError::of(measured, num_examples)?;
        let value = measured.difference?.value.filter(|value| value.is_finite())?;
        let gain = match self.direction {
            Direction::HigherIsBetter => value,
            Direction::LowerIsBetter => -value,
        };
        let towards_rejection = match self.require {
            Requirement::NoSignificantRegression => gain + self.margin,
            Requirement::SignificantImprovement => self.margin - gain,
        };
        // What rounding takes off the margin is on it.
        let values = [measured.candidate, measured.baseline, Some(made_from)];
        let size = values
            .into_iter()
            .flatten()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        let on_it = towards_rejection.abs() <= figure::noise(size);
        let p = lower_tail(if on_it { 0.0 } else { towards_rejection }, error);
        Some(Tested {
            error,
            p,
            adjusted: p,
            family: 1,
        })
    }
}

/// P(T ≤ shift / standard_error) of Student's t; where all rows moved alike, and so without a standard
/// error, the chance that as many coins fall alike.
fn lower_tail(shift: f64, error: StandardError) -> f64 {
    if error.value == 0.0 {
        return if shift < 0.0 { alike(error.degrees) } else { 1.0 };
    }
    error.student().map_or(1.0, |t| t.cdf(shift / error.value))
}

/// The chance that all coins fall alike.
pub(super) fn alike(degrees: f64) -> f64 {
    0.5_f64.powf(degrees + 1.0)
}

/// Adjusted p-values in the given order; Holm (1979), step-down and monotone.
pub(super) fn adjust(p: &[f64], correction: Correction) -> Vec<f64> {
    if correction == Correction::None {
        return p.to_vec();
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max((p[place] * (p.len() - rank) as f64).min(1.0));
        adjusted[place] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Difference;
    use proptest::prelude::*;

    fn p(require: Requirement, direction: Direction, margin: f64, value: f64, standard_error: f64, rows: u64) -> f64 {
        let measured = Measured {
            difference: Some(Difference {
                value: Some(value),
                standard_error: Some(standard_error),
                ..Difference::default()
            }),
            ..Measured::default()
        };
        let hypothesis = Hypothesis {
            require,
            margin,
            direction,
        };
        hypothesis.tested(&measured, rows, 0.0).unwrap().p
    }

    #[test]
    fn known_tails() {
        use Direction::{HigherIsBetter as Higher, LowerIsBetter as Lower};
        use Requirement::{NoSignificantRegression as Regression, SignificantImprovement as Improvement};
        // Tables of Student's t: 1.6449 at infinity, 1.8331 at 9, 6.3138 at 1 degree of freedom leave 5 %.
        let table = [
            (p(Regression, Higher, 0.0, -1.6449, 1.0, 1_000_000), 0.05),
            (p(Regression, Lower, 0.0, 1.6449, 1.0, 1_000_000), 0.05),
            (p(Regression, Higher, 0.0, -1.8331, 1.0, 10), 0.05),
            (p(Regression, Higher, 0.0, -6.3138, 1.0, 2), 0.05),
            (p(Regression, Higher, 0.5, -2.1449, 1.0, 1_000_000), 0.05),
            (p(Improvement, Higher, 0.0, 1.6449, 1.0, 1_000_000), 0.05),
            (p(Improvement, Lower, 0.5, -2.1449, 1.0, 1_000_000), 0.05),
            (p(Regression, Higher, 0.0, 0.0, 1.0, 100), 0.5),
            (p(Regression, Higher, 0.0, 0.0, 0.0, 100), 1.0),
            (p(Regression, Higher, 0.0, -0.1, 0.0, 100), 0.0),
            (p(Improvement, Higher, 0.0, 0.0, 0.0, 100), 1.0),
            (p(Improvement, Higher, 0.0, 0.1, 0.0, 100), 0.0),
        ];
        for (row, (found, right)) in table.into_iter().enumerate() {
            assert!((found - right).abs() < 1e-4, "row {row}: {found} is not {right}");
        }
    }

    #[test]
    fn few_positives_among_many_rows_are_few() {
        let p = |degrees: Option<f64>, standard_error: f64| {
            let measured = Measured {
                difference: Some(Difference {
                    value: Some(-6.3138),
                    standard_error: Some(standard_error),
                    degrees_of_freedom: degrees,
                    ..Difference::default()
                }),
                ..Measured::default()
            };
            let hypothesis = Hypothesis {
                require: Requirement::NoSignificantRegression,
                margin: 0.0,
                direction: Direction::HigherIsBetter,
            };
            hypothesis.tested(&measured, 10_000, 0.0).unwrap().p
        };
        assert!(p(None, 1.0) < 1e-6);
        assert!((p(Some(1.0), 1.0) - 0.05).abs() < 1e-4);
        // Two positives lost, or one: no more than coins that fell alike.
        assert_eq!((p(Some(1.0), 0.0), p(Some(0.0), 0.0)), (0.25, 0.5));
        assert!(p(None, 0.0) < 1e-300);
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(adjust(&[0.01, 0.04, 0.03], Correction::Holm), [0.03, 0.06, 0.06]);
        assert_eq!(adjust(&[0.9, 0.8], Correction::Holm), [1.0, 1.0]);
        assert_eq!(adjust(&[], Correction::Holm), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn a_correction_never_finds_more(p in prop::collection::vec(0.0..=1.0_f64, 0..20)) {
            let holm = adjust(&p, Correction::Holm);
            prop_assert!(holm.iter().zip(&p).all(|(adjusted, p)| adjusted >= p && *adjusted <= 1.0));
            // And never less than Bonferroni.
            let count = p.len() as f64;
            prop_assert!(holm.iter().zip(&p).all(|(adjusted, p)| *adjusted <= (p * count).min(1.0) + 1e-12));
        }
    }
}
