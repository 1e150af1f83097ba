//! What the data could show: the smallest change that a test of theirs finds, and the rows it takes to find a smaller.

use super::significance::{StandardError, alike};
use crate::plan::Correction;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// How often a change of `min_detectable` is found where there is one.
pub(super) const POWER: f64 = 0.8;

/// The normal deviate below which a share of [`POWER`] lies.
const DEVIATE: f64 = 0.8416;

/// Replicates that a standard error is made of unless somebody says otherwise.
const REPLICATES: f64 = 1000.0;

/// The variance of a squared standard error, in squares of it and per row: 2 of normal differences, more of those that
/// are 0 in most rows.
const SPREAD: f64 = 5.0;

/// More rows than anybody evaluates.
const MOST_ROWS: f64 = 1e15;

/// The test whose power is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// How sure the test must be.
    pub(super) level: f64,
    /// Slices that are tested together.
    pub(super) family: usize,
    pub(super) correction: Correction,
}

impl Test {
    /// The p-value at which the first of the family is found.
    fn alpha(&self) -> f64 {
        let alpha = 1.0 - self.level;
        match self.correction {
            Correction::Holm => alpha / self.family.max(1) as f64,
            Correction::None => alpha,
        }
    }

    /// The smallest change that is found with the chance [`POWER`], in the metric's units; infinite where nothing is.
    pub(super) fn detectable(&self, error: StandardError) -> f64 {
        if error.value == 0.0 {
            return if alike(error.degrees) <= self.alpha() {
                0.0
            } else {
                f64::INFINITY
            };
        }
        self.errors(error.degrees) * error.value
    }

    /// In standard errors.
    fn errors(&self, degrees: f64) -> f64 {
        let error = StandardError { value: 1.0, degrees };
        let quantiles = |t: StudentsT| t.inverse_cdf(1.0 - self.alpha()) + t.inverse_cdf(POWER);
        error.student().map_or(f64::INFINITY, quantiles)
    }

    /// How many rows more than `num_examples` it takes to find a change of `asked`, if they are like these: a
    /// standard error falls with the square root of the rows. With room for chance, which moves this standard error
    /// and the next: so many are enough with the chance [`POWER`], and not once in two. `None` beyond all reason.
    pub(super) fn more_rows(&self, error: StandardError, num_examples: u64, asked: f64) -> Option<u64> {
        let rows = num_examples.max(1) as f64;
        let support = error.degrees + 1.0;
        let times = if error.value == 0.0 {
            -self.alpha().log2() / support
        } else {
            // More rows also have more degrees of freedom; a few rounds settle it.
            let next = |times: f64| (self.errors(support * times - 1.0) * error.value / asked).powi(2);
            let exact = (0..20).fold((self.detectable(error) / asked).powi(2), |times, _| next(times));
            exact * room(support, support * exact)
        };
        let all = (rows * times).ceil();
        (all.is_finite() && all < MOST_ROWS).then(|| (all as u64).saturating_sub(num_examples).max(1))
    }
}

/// How many times as many rows are enough with the chance [`POWER`], where rows of such support told how many are by
/// their standard error, and those of `asked` have another.
fn room(support: f64, asked: f64) -> f64 {
    let variance = SPREAD / support + SPREAD / asked + 4.0 / REPLICATES;
    (DEVIATE * variance.sqrt()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alone(level: f64) -> Test {
        Test {
            level,
            family: 1,
            correction: Correction::Holm,
        }
    }

    #[test]
    fn by_the_tables_of_the_normal_distribution() {
        // 1.6449 + 0.8416 standard errors at 95 %, 2.3263 + 0.8416 at 99 %.
        let error = StandardError {
            value: 0.01,
            degrees: 1e9,
        };
        assert!((alone(0.95).detectable(error) - 0.024_865).abs() < 1e-5);
        assert!((alone(0.99).detectable(error) - 0.031_679).abs() < 2e-5);
        let five = Test {
            family: 5,
            ..alone(0.95)
        };
        assert_eq!(five.detectable(error), alone(0.99).detectable(error));
        // (0.024865 / 0.01) squared is 6.183 times the rows, and 0.8416 deviates of 2 / sqrt(1000) are room for chance.
        let more = alone(0.95).more_rows(error, 10_000, 0.01).unwrap();
        assert!((55_200..55_240).contains(&more), "{more}");
    }

    #[test]
    fn where_all_rows_moved_alike() {
        let error = |degrees: f64| StandardError { value: 0.0, degrees };
        assert_eq!(alone(0.95).detectable(error(1.0)), f64::INFINITY);
        assert_eq!(alone(0.95).more_rows(error(1.0), 2, 0.01), Some(3));
        assert_eq!(alone(0.95).detectable(error(4.0)), 0.0);
    }

    /// How often the rows that are asked for are enough, of differences that `draw` makes from two numbers in 0..1.
    fn share_enough(rows: usize, draw: fn(f64, f64) -> f64) -> f64 {
        let mut state = 88_172_645_463_325_252_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut error = |rows: usize| {
            let values: Vec<f64> = (0..rows).map(|_| draw(uniform(), uniform())).collect();
            let mean = values.iter().sum::<f64>() / rows as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            StandardError {
                value: (squares / (rows * (rows - 1)) as f64).sqrt(),
                degrees: rows as f64 - 1.0,
            }
        };
        let test = alone(0.95);
        let asked = test.detectable(error(100_000)) * (100_000.0 / (2.5 * rows as f64)).sqrt();
        let enough = (0..300).filter(|_| {
            let more = test.more_rows(error(rows), rows as u64, asked).unwrap();
            test.detectable(error(rows + more as usize)) <= asked
        });
        enough.count() as f64 / 300.0
    }

    #[test]
    fn the_rows_that_are_asked_for_are_mostly_enough() {
        let normal = |one: f64, other: f64| (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        // Of accuracy: most rows do not differ.
        let discordant = |one: f64, other: f64| {
            if one < 0.15 {
                if other < 0.5 { -1.0 } else { 1.0 }
            } else {
                0.0
            }
        };
        for rows in [200, 1000] {
            for (name, draw) in [("normal", normal as fn(f64, f64) -> f64), ("discordant", discordant)] {
                let share = share_enough(rows, draw);
                assert!((0.72..0.995).contains(&share), "{name} {rows}: {share}");
            }
        }
    }

    #[test]
    fn beyond_all_reason() {
        let error = StandardError {
            value: 1e20,
            degrees: 100.0,
        };
        assert_eq!(alone(0.95).more_rows(error, 101, 1e-20), None);
    }

    proptest! {
        #[test]
        fn so_many_more_rows_are_enough_and_fewer_are_not(
            value in 1e-6..1.0_f64, rows in 2..100_000_u64, share in 0.01..0.99_f64, level in 0.6..0.999_f64
        ) {
            let error = StandardError { value, degrees: rows as f64 - 1.0 };
            let asked = alone(level).detectable(error) * share;
            let more = alone(level).more_rows(error, rows, asked).unwrap();
            let with = |all: f64| StandardError { value: value * (rows as f64 / all).sqrt(), degrees: all - 1.0 };
            let all = (rows + more) as f64;
            let room = room(rows as f64, all);
            prop_assert!(alone(level).detectable(with(all)) <= asked * (1.0 + 1e-6));
            prop_assert!(all < 10.0 || alone(level).detectable(with(all / room * 0.8)) > asked);
        }
    }
}
