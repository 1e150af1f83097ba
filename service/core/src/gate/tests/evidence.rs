//! `require`, suspicious gains, small slices and missing baselines.

use super::super::{Blessing, judge};
use super::{by, gate, measured, sentences};
use crate::evaluation::{Difference, Evaluation};
use crate::plan::{
    Correction, Gate, MetricThreshold, MissingBaseline, Requirement, SlicingSpec, SuspiciousImprovement,
};

pub(super) fn asking(require: Requirement) -> MetricThreshold {
    MetricThreshold {
        require: Some(require),
        ..MetricThreshold::default()
    }
}

/// Slices `f=0`, `f=1`, … after the overall one, each with a difference and its standard error.
pub(super) fn compared(differences: &[(f64, f64)], num_examples: u64) -> Evaluation {
    let names: Vec<String> = (0..differences.len()).map(|slice| slice.to_string()).collect();
    let keys: Vec<[(&str, &str); 1]> = names.iter().map(|name| [("f", name.as_str())]).collect();
    let rows: Vec<super::Row> = differences
        .iter()
        .enumerate()
        .map(|(place, (value, _))| {
            let key: &[(&str, &str)] = if place == 0 { &[] } else { &keys[place] };
            (key, num_examples, Some(0.65 + value), Some(0.65))
        })
        .collect();
    let mut evaluation = measured(&rows, true);
    for (slice, (value, standard_error)) in evaluation.slices.iter_mut().zip(differences) {
        if let Some(auc) = slice.metrics.get_mut("auc") {
            auc.difference = Some(Difference {
                value: Some(*value),
                standard_error: Some(*standard_error),
                ..Difference::default()
            });
        }
    }
    evaluation
}

#[test]
fn chance_and_change_are_told_apart() {
    let judged = |require, margin, differences: &[(f64, f64)]| {
        let slices = [SlicingSpec::default(), by("f")];
        let threshold = MetricThreshold {
            margin,
            ..asking(require)
        };
        let gate = Gate {
            slicing_specs: slices[..differences.len().min(2)].to_vec(),
            ..gate(threshold)
        };
        let verdict = judge(&gate, &compared(differences, 9000));
        format!("{}\n{}", verdict.blessing().as_str(), sentences(&verdict))
    };
    use Requirement::{NoSignificantRegression as Regression, SignificantImprovement as Improvement};
    let said = [
        judged(Regression, 0.0, &[(-0.0091, 0.002)]),
        judged(Regression, 0.0, &[(-0.0031, 0.002)]),
        judged(Regression, 0.008, &[(-0.0091, 0.002)]),
        judged(Improvement, 0.0, &[(0.0091, 0.002)]),
        judged(Improvement, 0.0, &[(0.0031, 0.002)]),
        judged(Regression, 0.0, &[(0.0, 0.0)]),
        judged(Regression, 0.0, &[(0.001, 0.002), (-0.004, 0.002), (-0.0061, 0.002)]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    not_blessed
    ✗ auc overall went from 0.6500 to 0.6409 (-0.0091, standard error 0.0020; p < 0.0001): a significant regression at 95% confidence
    blessed
    ✓ auc overall went from 0.6500 to 0.6469 (-0.0031, standard error 0.0020; p = 0.0606): no significant regression at 95% confidence
    blessed
    ✓ auc overall went from 0.6500 to 0.6409 (-0.0091, standard error 0.0020; p = 0.2912): no significant regression beyond the margin of 0.008 at 95% confidence
    blessed
    ✓ auc overall went from 0.6500 to 0.6591 (+0.0091, standard error 0.0020; p < 0.0001): a significant improvement at 95% confidence
    not_blessed
    ✗ auc overall went from 0.6500 to 0.6531 (+0.0031, standard error 0.0020; p = 0.0606): no significant improvement at 95% confidence
    blessed
    ✓ auc overall went from 0.6500 to 0.6500 (+0.0000, standard error 0.0000; p = 1.0000): no significant regression at 95% confidence
    not_blessed
    ✗ auc on f=1 went from 0.6500 to 0.6460 (-0.0040, standard error 0.0020; p = 0.0228, p = 0.0455 over 3 slices): a significant regression at 95% confidence
    ✗ auc on f=2 went from 0.6500 to 0.6439 (-0.0061, standard error 0.0020; p = 0.0011, p = 0.0034 over 3 slices): a significant regression at 95% confidence
    ✓ auc overall went from 0.6500 to 0.6510 (+0.0010, standard error 0.0020; p = 0.6915, p = 0.6915 over 3 slices): no significant regression at 95% confidence
    ");
}

#[test]
fn what_cannot_be_tested_fails() {
    let gate_of = gate(asking(Requirement::NoSignificantRegression));
    let verdict = judge(&gate_of, &super::overall(0.66, 0.65));
    insta::assert_snapshot!(sentences(&verdict), @"✗ auc overall has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it");
    let alone = measured(&[(&[], 100, Some(0.6), None)], false);
    let verdict = judge(&gate_of, &alone);
    assert_eq!((verdict.blessing(), verdict.rubber_stamp()), (Blessing::Blessed, true));
    let strict = Gate {
        missing_baseline: MissingBaseline::NotBlessed,
        ..gate_of
    };
    insta::assert_snapshot!(sentences(&judge(&strict, &alone)), @"✗ auc overall cannot be compared, since there is no baseline model: promote one first, or set missing_baseline to rubber_stamp");
}

#[test]
fn a_gain_too_large_to_believe() {
    let suspicious = MetricThreshold {
        suspicious_improvement: Some(SuspiciousImprovement {
            absolute: Some(0.1),
            relative: None,
        }),
        ..MetricThreshold::default()
    };
    let verdict = judge(&gate(suspicious.clone()), &super::overall(0.97, 0.65));
    assert_eq!(verdict.blessing(), Blessing::NotBlessed);
    insta::assert_snapshot!(sentences(&verdict), @"✗ auc overall went from 0.6500 to 0.9700, better by more than the 0.1000 that is believable: look for a label that leaked into the features");
    assert_eq!(
        judge(&gate(suspicious), &super::overall(0.70, 0.65)).blessing(),
        Blessing::Blessed
    );
}

/// Standard normal by twelve uniforms of a linear congruential generator (Knuth's MMIX constants).
fn normal(state: &mut u64) -> f64 {
    let mut uniform = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

#[test]
fn models_without_a_difference_are_rejected_at_the_nominal_rate() {
    let mut state = 7;
    let mut rejected = |slices: usize, correction: Correction| {
        let gate = Gate {
            slicing_specs: vec![by("f")],
            correction,
            ..gate(asking(Requirement::NoSignificantRegression))
        };
        let trials = 4000;
        let count = (0..trials).filter(|_| {
            let differences: Vec<(f64, f64)> = (0..=slices).map(|_| (0.002 * normal(&mut state), 0.002)).collect();
            judge(&gate, &compared(&differences, 5000)).blessing() == Blessing::NotBlessed
        });
        count.count() as f64 / f64::from(trials)
    };
    // Three standard deviations of a share of 5 % in 4000 trials are 1 %.
    assert!((rejected(1, Correction::Holm) - 0.05).abs() < 0.011);
    assert!((rejected(10, Correction::Holm) - 0.05).abs() < 0.011);
    assert!(rejected(10, Correction::None) > 0.3);
}
