//! `min_detectable`: data that could not show a change are no approval of one.

use super::super::{Blessing, judge};
use super::evidence::{asking, compared};
use super::{HIGHER, by, change, gate, measured, sentences};
use crate::plan::{Correction, Gate, InsufficientData, MetricThreshold, PerSliceThreshold, Requirement, SlicingSpec};

use Requirement::{NoSignificantRegression as Regression, SignificantImprovement as Improvement};

fn showing(threshold: MetricThreshold, least: f64) -> MetricThreshold {
    MetricThreshold {
        min_detectable: Some(least),
        ..threshold
    }
}

#[test]
fn a_huge_standard_error_approves_nothing() {
    let judged = |threshold: MetricThreshold, difference: f64, standard_error: f64| {
        let verdict = judge(&gate(threshold), &compared(&[(difference, standard_error)], 9000));
        format!("{}\n{}", verdict.blessing().as_str(), sentences(&verdict))
    };
    let loss = || change(Some(-0.005), None, HIGHER);
    let said = [
        judged(asking(Regression), -0.05, 5.0),
        judged(showing(asking(Regression), 0.01), -0.05, 5.0),
        judged(showing(asking(Regression), 0.01), -0.001, 0.004),
        judged(showing(asking(Improvement), 0.01), 0.05, 5.0),
        judged(showing(loss(), 0.01), -0.001, 0.01),
        // Proved is proved, failed is failed, and what can be shown is judged.
        judged(showing(asking(Regression), 0.01), -0.05, 0.01),
        judged(showing(asking(Improvement), 0.01), 0.05, 0.01),
        judged(showing(loss(), 0.01), -0.05, 0.05),
        judged(showing(asking(Regression), 0.05), -0.001, 0.01),
        judged(showing(asking(Improvement), 0.05), 0.001, 0.01),
        judged(showing(asking(Regression), 1e-30), -0.001, 1e20),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    blessed
    ✓ auc overall went from 0.6500 to 0.6000 (-0.0500, standard error 5.0000; p = 0.4960): no significant regression at 95% confidence
    not_evaluated
    – auc overall was not judged: its 9000 examples show a change of 12.4334 or more (at 95% confidence and 80% power), and min_detectable is 0.01: evaluate about 14726030919 more examples, or raise it
    blessed
    ✓ auc overall went from 0.6500 to 0.6490 (-0.0010, standard error 0.0040; p = 0.4013): no significant regression at 95% confidence
    not_evaluated
    – auc overall was not judged: its 9000 examples show a change of 12.4334 or more (at 95% confidence and 80% power), and min_detectable is 0.01: evaluate about 14726030919 more examples, or raise it
    not_evaluated
    – auc overall was not judged: its 9000 examples show a change of 0.0249 or more (at 95% confidence and 80% power), and min_detectable is 0.01: evaluate about 49938 more examples, or raise it
    not_blessed
    ✗ auc overall went from 0.6500 to 0.6000 (-0.0500, standard error 0.0100; p < 0.0001): a significant regression at 95% confidence
    blessed
    ✓ auc overall went from 0.6500 to 0.7000 (+0.0500, standard error 0.0100; p < 0.0001): a significant improvement at 95% confidence
    not_blessed
    ✗ auc overall fell from 0.6500 to 0.6000 (-0.0500), more than the allowed -0.0050
    blessed
    ✓ auc overall went from 0.6500 to 0.6490 (-0.0010, standard error 0.0100; p = 0.4602): no significant regression at 95% confidence
    not_blessed
    ✗ auc overall went from 0.6500 to 0.6510 (+0.0010, standard error 0.0100; p = 0.4602): no significant improvement at 95% confidence
    not_evaluated
    – auc overall was not judged: its 9000 examples show a change of 2.486684e20 or more (at 95% confidence and 80% power), and min_detectable is 1e-30: raise it, since no number of examples is enough
    ");
}

#[test]
fn few_rows_that_moved_alike_show_nothing() {
    let threshold = showing(asking(Regression), 0.01);
    let verdict = judge(&gate(threshold.clone()), &compared(&[(-0.1, 0.0)], 2));
    insta::assert_snapshot!(sentences(&verdict), @"– auc overall was not judged: its 2 examples show no change at all (at 95% confidence and 80% power), and min_detectable is 0.01: evaluate about 3 more examples, or raise it");
    assert_eq!(verdict.blessing(), Blessing::NotEvaluated);
    assert_eq!(
        judge(&gate(threshold), &compared(&[(0.0, 0.0)], 5)).blessing(),
        Blessing::Blessed
    );
}

#[test]
fn one_blind_slice_is_no_approval_and_a_failure_counts_beside_it() {
    let slices = |insufficient_data| Gate {
        slicing_specs: vec![SlicingSpec::default(), by("f")],
        insufficient_data,
        correction: Correction::None,
        ..gate(showing(asking(Regression), 0.01))
    };
    let evaluation = compared(&[(0.0, 0.001), (0.0, 0.1)], 9000);
    let verdict = judge(&slices(InsufficientData::Ignore), &evaluation);
    assert_eq!(verdict.blessing(), Blessing::NotEvaluated);
    let marks: Vec<_> = verdict.comparisons().iter().map(|row| row.passed).collect();
    assert_eq!(marks, [Some(true), None]);
    assert!(
        verdict.reason().unwrap().contains("more examples"),
        "{:?}",
        verdict.reason()
    );
    let strict = judge(&slices(InsufficientData::Fail), &evaluation);
    assert_eq!(strict.blessing(), Blessing::NotBlessed);
    let worse = compared(&[(-0.1, 0.001), (0.0, 0.1)], 9000);
    assert_eq!(
        judge(&slices(InsufficientData::Ignore), &worse).blessing(),
        Blessing::NotBlessed
    );
    // There is nothing to show without a model to compare with, and nothing to show it with without a bootstrap.
    let alone = measured(&[(&[], 100, Some(0.6), None)], false);
    let overall = Gate {
        slicing_specs: vec![],
        ..slices(InsufficientData::Ignore)
    };
    assert_eq!(judge(&overall, &alone).blessing(), Blessing::Blessed);
    let threshold = showing(change(Some(-0.5), None, HIGHER), 0.01);
    let verdict = judge(&gate(threshold), &super::overall(0.65, 0.65));
    insta::assert_snapshot!(sentences(&verdict), @"✗ auc overall has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it");
}

#[test]
fn better_overall_and_no_worse_on_any_slice() {
    let text = "
metrics:
  auc:
    require: significant_improvement
    per_slice_thresholds:
      - slicing_specs: [{ feature_keys: [f] }]
        require: no_significant_regression
        margin: 0.01
        min_detectable: 0.02
";
    let gate = crate::spec::load_gate("gate.yaml", text).unwrap();
    assert_eq!(gate.asked_slices().count(), 1, "the evaluator is asked for them");
    let judged = |differences: &[(f64, f64)]| {
        let verdict = judge(&gate, &compared(differences, 9000));
        format!("{}\n{}", verdict.blessing().as_str(), sentences(&verdict))
    };
    let said = [
        judged(&[(0.01, 0.004), (0.0, 0.004), (-0.005, 0.004)]),
        judged(&[(0.01, 0.004), (0.0, 0.004), (-0.03, 0.004)]),
        judged(&[(0.001, 0.004), (0.0, 0.004), (0.0, 0.004)]),
        judged(&[(0.01, 0.004), (0.0, 0.004), (0.0, 0.02)]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    blessed
    ✓ auc overall went from 0.6500 to 0.6600 (+0.0100, standard error 0.0040; p = 0.0062): a significant improvement at 95% confidence
    ✓ auc on f=1 went from 0.6500 to 0.6500 (+0.0000, standard error 0.0040; p = 0.9938, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    ✓ auc on f=2 went from 0.6500 to 0.6450 (-0.0050, standard error 0.0040; p = 0.8943, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    not_blessed
    ✗ auc on f=2 went from 0.6500 to 0.6200 (-0.0300, standard error 0.0040; p < 0.0001, p < 0.0001 over 2 slices): a significant regression beyond the margin of 0.01 at 95% confidence
    ✓ auc overall went from 0.6500 to 0.6600 (+0.0100, standard error 0.0040; p = 0.0062): a significant improvement at 95% confidence
    ✓ auc on f=1 went from 0.6500 to 0.6500 (+0.0000, standard error 0.0040; p = 0.9938, p = 0.9938 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    not_blessed
    ✗ auc overall went from 0.6500 to 0.6510 (+0.0010, standard error 0.0040; p = 0.4013): no significant improvement at 95% confidence
    ✓ auc on f=1 went from 0.6500 to 0.6500 (+0.0000, standard error 0.0040; p = 0.9938, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    ✓ auc on f=2 went from 0.6500 to 0.6500 (+0.0000, standard error 0.0040; p = 0.9938, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    not_evaluated
    – auc on f=2 was not judged: its 9000 examples show a change of 0.0560 or more (at 95% confidence and 80% power), and min_detectable is 0.02: evaluate about 65817 more examples, raise it, or leave the slice out by min_slice_size or feature_values
    ✓ auc overall went from 0.6500 to 0.6600 (+0.0100, standard error 0.0040; p = 0.0062): a significant improvement at 95% confidence
    ✓ auc on f=1 went from 0.6500 to 0.6500 (+0.0000, standard error 0.0040; p = 0.9938, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.01 at 95% confidence
    ");
}

#[test]
fn a_gain_overall_is_no_harder_to_show_for_the_slices_beside_it() {
    let threshold = MetricThreshold {
        per_slice_thresholds: vec![PerSliceThreshold {
            slicing_specs: vec![by("f")],
            require: Some(Regression),
            ..PerSliceThreshold::default()
        }],
        ..asking(Improvement)
    };
    // p = 0.03 alone; among 21 tests it would be lost.
    let mut differences = vec![(0.0188, 0.01)];
    differences.extend([(0.0, 0.01); 20]);
    assert_eq!(
        judge(&gate(threshold), &compared(&differences, 9000)).blessing(),
        Blessing::Blessed
    );
}

#[test]
fn one_example_tells_nothing_of_chance() {
    let said = |min_detectable: Option<f64>| {
        let threshold = MetricThreshold {
            per_slice_thresholds: vec![PerSliceThreshold {
                slicing_specs: vec![by("f")],
                require: Some(Regression),
                min_detectable,
                ..PerSliceThreshold::default()
            }],
            ..MetricThreshold::default()
        };
        let mut evaluation = compared(&[(0.0, 0.004), (0.0, 0.004)], 9000);
        let slice = evaluation.slices.last_mut().unwrap();
        slice.num_examples = 1;
        slice
            .metrics
            .values_mut()
            .for_each(|measured| measured.difference = None);
        let verdict = judge(&gate(threshold), &evaluation);
        format!("{}\n{}", verdict.blessing().as_str(), sentences(&verdict))
    };
    insta::assert_snapshot!([said(None), said(Some(0.02))].join("\n"), @"
    not_blessed
    ✗ auc on f=1 was measured on 1 example, which cannot tell chance from change: evaluate more examples, or leave the slice out by min_slice_size or feature_values
    not_evaluated
    – auc on f=1 was measured on 1 example, which cannot tell chance from change: evaluate more examples, or leave the slice out by min_slice_size or feature_values
    ");
}
