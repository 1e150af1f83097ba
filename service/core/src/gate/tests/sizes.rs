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
}
