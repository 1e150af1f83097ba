//! Numbers of any size are compared in their own size, and shown in it.

use super::super::{Blessing, judge};
use super::{HIGHER, LOWER, change, gate, overall, sentences, value};
use crate::plan::{Direction, MetricThreshold, SuspiciousImprovement};
use proptest::prelude::*;

fn blessed(threshold: &MetricThreshold, candidate: f64, baseline: f64) -> bool {
    judge(&gate(threshold.clone()), &overall(candidate, baseline)).blessing() == Blessing::Blessed
}

#[test]
fn a_regression_of_tiny_numbers_is_one() {
    let (better, worse) = (9.9e-15, 1.96e-14);
    let thresholds = [
        change(None, Some(0.05), LOWER),
        change(None, Some(-0.01), LOWER),
        change(Some(0.0), None, LOWER),
        change(Some(1e-15), None, LOWER),
        value(None, Some(1e-14)),
    ];
    let mut said = Vec::new();
    for threshold in &thresholds {
        assert!(!blessed(threshold, worse, better));
        assert!(blessed(threshold, better, worse));
        said.push(sentences(&judge(&gate(threshold.clone()), &overall(worse, better))));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    ✗ auc overall rose from 9.9e-15 to 1.96e-14 (+98.0%), more than the allowed +5.0%
    ✗ auc overall rose from 9.9e-15 to 1.96e-14 (+98.0%), and a change of at most -1.0% is asked for
    ✗ auc overall rose from 9.9e-15 to 1.96e-14 (+9.7e-15), more than the allowed +0
    ✗ auc overall rose from 9.9e-15 to 1.96e-14 (+9.7e-15), more than the allowed +1e-15
    ✗ auc overall is 1.96e-14, above the upper bound 1e-14
    ");
}

#[test]
fn nothing_reads_as_zero_and_nothing_as_three_hundred_digits() {
    let cases = [
        (change(Some(-1e299), None, HIGHER), 1e300, 1.5e300),
        (change(None, Some(-0.01), HIGHER), 5e-324, 1e-323),
        (change(None, Some(0.01), HIGHER), 3e-20, 0.0),
        (change(None, Some(1e-10), LOWER), 1.000_000_2, 1.0),
        (change(Some(0.0), None, HIGHER), -1.5e308, 1.5e308),
        (value(Some(1e-14), Some(1e300)), 1e-15, 0.0),
    ];
    let said = cases.map(|(threshold, candidate, baseline)| {
        let verdict = judge(&gate(threshold), &overall(candidate, baseline));
        format!("{}\n  {}", sentences(&verdict), verdict.comparisons()[0].threshold)
    });
    insta::assert_snapshot!(said.join("\n"), @"
    ✗ auc overall fell from 1.5e300 to 1e300 (-5e299), more than the allowed -1e299
      change ≥ -1e299
    ✗ auc overall fell from 9.88e-324 to 4.94e-324 (-50.0%), more than the allowed -1.0%
      change ≥ -1.0%
    ✓ auc overall rose from 0.0000 to 3e-20 (+3e-20), as asked (change ≥ +1.0%)
      change ≥ +1.0%
    ✗ auc overall rose from 1.0000000 to 1.0000002 (+2e-5%), more than the allowed +1e-8%
      change ≤ +1e-8%
    ✗ auc overall fell from 1.5e308 to -1.5e308 (-inf), more than the allowed +0
      change ≥ +0
    ✗ auc overall is 1e-15, below the lower bound 1e-14
      ≥ 1e-14, ≤ 1e300
    ");
}

#[test]
fn what_rounding_takes_off_a_bound_is_on_it() {
    // 0.645 - 0.65 is a little below -0.005, 0.8 - 0.7 a little above 0.1.
    assert!(blessed(&change(Some(-0.005), None, HIGHER), 0.645, 0.65));
    assert!(blessed(&change(Some(-0.005e-14), None, HIGHER), 0.645e-14, 0.65e-14));
    assert!(blessed(&change(Some(-0.005e300), None, HIGHER), 0.645e300, 0.65e300));
    assert!(blessed(&change(Some(0.1), None, LOWER), 0.8, 0.7));
    let believable = MetricThreshold {
        suspicious_improvement: Some(SuspiciousImprovement {
            absolute: Some(0.1),
            relative: None,
        }),
        ..MetricThreshold::default()
    };
    assert!(blessed(&believable, 0.8, 0.7));
    // The bounds of a value are a number's own, as in TFMA.
    assert!(!blessed(&value(Some(0.3), None), 0.3 - 1e-16, 0.0));
}

#[test]
fn a_demanded_gain_is_never_none() {
    let demands = [
        (change(Some(-1.0), None, LOWER), 5e12, 5e12),
        (change(Some(-1e-13), None, LOWER), 0.65, 0.65),
        (change(None, Some(-1e-13), LOWER), 0.65, 0.65),
        (change(Some(1e-13), None, HIGHER), 0.65, 0.65),
        (change(None, Some(1e-300), HIGHER), -0.65, -0.65),
        (change(Some(5e-324), None, HIGHER), 1e300, 1e300),
        (change(Some(-1e-17), None, LOWER), 0.65 + 1e-16, 0.65),
        (change(Some(-1e-15), None, LOWER), 0.0, 0.0),
        (change(Some(-1.0), None, LOWER), 5e12 - 0.5, 5e12),
        (change(None, Some(1e-13), HIGHER), 0.65 + 1e-16, 0.65),
    ];
    let mut said = Vec::new();
    for (threshold, candidate, baseline) in demands {
        let verdict = judge(&gate(threshold), &overall(candidate, baseline));
        assert_eq!(verdict.blessing(), Blessing::NotBlessed, "{}", sentences(&verdict));
        said.push(sentences(&verdict));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    ✗ auc overall stayed at 5e12, and a change of at most -1.0000 is asked for
    ✗ auc overall stayed at 0.6500, and a change of at most -1e-13 is asked for
    ✗ auc overall stayed at 0.6500, and a change of at most -1e-11% is asked for
    ✗ auc overall stayed at 0.6500, and a change of at least +1e-13 is asked for
    ✗ auc overall stayed at -0.6500, and a change of at least +1e-298% is asked for
    ✗ auc overall stayed at 1e300, and a change of at least +4.94e-324 is asked for
    ✗ auc overall rose from 0.6500000000000000 to 0.6500000000000001 (+1.11e-16), and a change of at most -1e-17 is asked for
    ✗ auc overall stayed at 0.0000, and a change of at most -1e-15 is asked for
    ✗ auc overall fell from 5e12 to 4.9999999999995e12 (-0.5000), and a change of at most -1.0000 is asked for
    ✗ auc overall rose from 0.6500000000000000 to 0.6500000000000001 (+1.7e-14%), and a change of at least +1e-11% is asked for
    ");
    assert!(blessed(&change(Some(-1.0), None, LOWER), 5e12 - 1.0, 5e12));
}

#[test]
fn numbers_that_differ_read_so() {
    let cases = [
        (value(None, Some(1.0)), 1.0 + f64::EPSILON, 0.0),
        (value(Some(-1.0), None), -1.0 - f64::EPSILON, 0.0),
        (value(Some(5e12), None), 5e12 - 0.001, 0.0),
        (change(Some(-1e-13), None, HIGHER), 0.65 - 2e-13, 0.65),
        (change(None, Some(0.05), LOWER), 1.05 + 1e-14, 1.0),
        (change(Some(0.5), None, HIGHER), 1e-9, 0.0),
        (change(None, Some(0.5), HIGHER), 1e300, 1e-300),
    ];
    let said = cases
        .map(|(threshold, candidate, baseline)| sentences(&judge(&gate(threshold), &overall(candidate, baseline))));
    insta::assert_snapshot!(said.join("\n"), @"
    ✗ auc overall is 1.0000000000000002, above the upper bound 1.0000000000000000
    ✗ auc overall is -1.0000000000000002, below the lower bound -1.0000000000000000
    ✗ auc overall is 4.999999999999999e12, below the lower bound 5e12
    ✗ auc overall fell from 0.6500000000000 to 0.6499999999998 (-2e-13), more than the allowed -1e-13
    ✗ auc overall rose from 1.0000 to 1.0500 (+5.000000000001%), more than the allowed +5.000000000000%
    ✗ auc overall rose from 0.0000 to 1e-9 (+1e-9), and a change of at least +0.5000 is asked for
    ✓ auc overall rose from 1e-300 to 1e300 (+1e300), as asked (change ≥ +50.0%)
    ");
}

fn strictness(direction: Direction, bound: f64) -> f64 {
    match direction {
        Direction::HigherIsBetter => bound,
        Direction::LowerIsBetter => -bound,
    }
}

proptest! {
    /// The unit a metric is measured in decides nothing, as far as floating point reaches.
    #[test]
    fn the_unit_does_not_count(
        candidate in -2.0..2.0_f64, baseline in -2.0..2.0_f64, absolute in -1.0..1.0_f64, relative in -1.0..1.0_f64,
        power in -900..900_i32, higher: bool
    ) {
        let unit = 2.0_f64.powi(power);
        let direction: Direction = if higher { HIGHER } else { LOWER };
        for (here, there) in [
            (change(Some(absolute), None, direction), change(Some(absolute * unit), None, direction)),
            (change(None, Some(relative), direction), change(None, Some(relative), direction)),
        ] {
            prop_assert_eq!(blessed(&here, candidate, baseline), blessed(&there, candidate * unit, baseline * unit));
        }
    }

    /// Who passes a bound passes every bound that asks for less, and none that asks for a gain where there is none.
    #[test]
    fn strictness_is_monotone(
        baseline in prop_oneof![Just(0.0), -2.0..2.0_f64, 1e11..1e13_f64, -1e-300..1e-300_f64],
        steps in -12..12_i64, change_by in prop_oneof![Just(0.0), -1.0..1.0_f64],
        bound in -1.0..1.0_f64, power in -60..1_i32, less in 0.0..1.0_f64, higher: bool, absolute: bool,
    ) {
        let direction: Direction = if higher { HIGHER } else { LOWER };
        let step = f64::EPSILON * baseline.abs();
        let candidate = baseline + baseline.abs() * change_by * 2.0_f64.powi(power) + steps as f64 * step;
        let bound = bound * 2.0_f64.powi(power) * if absolute { baseline.abs().max(1e-9) } else { 1.0 };
        let threshold = |bound: f64| match absolute {
            true => change(Some(bound), None, direction),
            false => change(None, Some(bound), direction),
        };
        let strict = strictness(direction, bound);
        let looser = strict - less * strict.abs().max(f64::EPSILON);
        let gain = match direction {
            Direction::HigherIsBetter => candidate > baseline,
            Direction::LowerIsBetter => candidate < baseline,
        };
        let passes = blessed(&threshold(bound), candidate, baseline);
        prop_assert!(!passes || blessed(&threshold(strictness(direction, looser)), candidate, baseline));
        prop_assert!(!passes || strict <= 0.0 || gain, "{} {} {}", candidate, baseline, bound);
        // And what is equal is no loss.
        prop_assert!(candidate != baseline || strict > 0.0 || passes);
    }

    /// Turned around, numbers and direction say the same.
    #[test]
    fn both_directions_are_one(candidate in -2.0..2.0_f64, baseline in -2.0..2.0_f64, bound in -1.0..1.0_f64, absolute: bool) {
        let threshold = |bound: f64, direction| match absolute {
            true => change(Some(bound), None, direction),
            false => change(None, Some(bound), direction),
        };
        prop_assert_eq!(
            blessed(&threshold(bound, HIGHER), candidate, baseline),
            blessed(&threshold(-bound, LOWER), -candidate, -baseline)
        );
    }
}
