//! `cross_slice_thresholds`: the difference between slices.

use super::super::{Blessing, Verdict, judge};
use super::{LOWER, by, gate, is, measured, sentences};
use crate::evaluation::{CrossSlice, Difference, Evaluation, Measured};
use crate::plan::{
    ChangeThreshold, CrossSliceThreshold, CrossSlicingSpec, Gate, InsufficientData, MetricThreshold, Requirement,
    SlicingSpec, ValueThreshold,
};

/// Each origin against overall: candidate and baseline model's difference between the slices.
fn compared(pairs: &[(&str, Option<f64>, Option<f64>)], baseline: bool) -> Evaluation {
    let keys: Vec<[(&str, &str); 1]> = pairs.iter().map(|(origin, ..)| [("origin", *origin)]).collect();
    let mut rows: Vec<super::Row> = vec![(&[], 9000, Some(0.65), Some(0.65))];
    rows.extend(keys.iter().map(|key| (key.as_slice(), 300, Some(0.6), Some(0.6))));
    let mut evaluation = measured(&rows, baseline);
    evaluation.cross_slices = pairs
        .iter()
        .map(|(origin, candidate, baseline)| CrossSlice {
            baseline_slice_key: [].into(),
            slice_key: [("origin".to_owned(), (*origin).to_owned())].into(),
            metrics: [(
                "auc".to_owned(),
                Measured {
                    candidate: *candidate,
                    baseline: *baseline,
                    ..Measured::default()
                },
            )]
            .into(),
        })
        .collect();
    evaluation
}

fn by_origin() -> CrossSliceThreshold {
    CrossSliceThreshold {
        cross_slicing_specs: vec![CrossSlicingSpec {
            baseline_spec: SlicingSpec::default(),
            slicing_specs: vec![by("origin")],
        }],
        ..CrossSliceThreshold::default()
    }
}

fn at_most(upper_bound: f64) -> CrossSliceThreshold {
    CrossSliceThreshold {
        value_threshold: Some(ValueThreshold {
            lower_bound: None,
            upper_bound: Some(upper_bound),
        }),
        ..by_origin()
    }
}

fn rising_by(absolute: f64) -> CrossSliceThreshold {
    CrossSliceThreshold {
        change_threshold: Some(ChangeThreshold {
            absolute: Some(absolute),
            relative: None,
            direction: LOWER,
        }),
        ..by_origin()
    }
}

fn asking(thresholds: &[CrossSliceThreshold]) -> Gate {
    gate(MetricThreshold {
        cross_slice_thresholds: thresholds.to_vec(),
        ..MetricThreshold::default()
    })
}

fn said(verdict: &Verdict) -> String {
    format!("{}\n{}", verdict.blessing().as_str(), sentences(verdict))
}

#[test]
fn the_difference_between_slices_is_judged() {
    let two = compared(
        &[("EWR", Some(0.02), Some(0.01)), ("JFK", Some(0.05), Some(0.04))],
        true,
    );
    let both = [at_most(0.04), rising_by(0.02)];
    let cases = [
        judge(&asking(&[at_most(0.05)]), &two),
        judge(&asking(&both), &two),
        judge(&asking(&[rising_by(0.005)]), &two),
    ];
    insta::assert_snapshot!(cases.iter().map(said).collect::<Vec<_>>().join("\n"), @"
    blessed
    ✓ auc on overall less origin=EWR is 0.0200, as asked (≤ 0.05)
    ✓ auc on overall less origin=JFK is 0.0500, as asked (≤ 0.05)
    not_blessed
    ✗ auc on overall less origin=JFK is 0.0500, above the upper bound 0.0400
    ✓ auc on overall less origin=EWR is 0.0200, as asked (≤ 0.04)
    ✓ auc on overall less origin=EWR rose from 0.0100 to 0.0200 (+0.0100), as asked (change ≤ +0.0200)
    ✓ auc on overall less origin=JFK rose from 0.0400 to 0.0500 (+0.0100), as asked (change ≤ +0.0200)
    not_blessed
    ✗ auc on overall less origin=EWR rose from 0.0100 to 0.0200 (+0.0100), more than the allowed +0.0050
    ✗ auc on overall less origin=JFK rose from 0.0400 to 0.0500 (+0.0100), more than the allowed +0.0050
    ");
    let names: Vec<String> = cases[1].comparisons().iter().map(|row| row.slice_name()).collect();
    assert_eq!(names, ["overall less origin=EWR", "overall less origin=JFK"]);
    assert!(cases[1].comparisons().iter().all(|row| !row.is_overall()));
}

#[test]
fn other_thresholds_do_not_look_at_differences() {
    let evaluation = compared(&[("EWR", Some(0.9), Some(0.0))], true);
    let plain = Gate {
        slicing_specs: vec![SlicingSpec::default(), by("origin")],
        ..gate(super::value(Some(0.5), None))
    };
    let verdict = judge(&plain, &evaluation);
    assert_eq!((verdict.blessing(), verdict.findings().len()), (Blessing::Blessed, 2));
    // And theirs do not look at slices.
    let verdict = judge(&asking(&[at_most(1.0)]), &evaluation);
    assert_eq!((verdict.blessing(), verdict.findings().len()), (Blessing::Blessed, 1));
}

#[test]
fn silence_is_failure() {
    let mut unmeasured = compared(&[("EWR", Some(0.0), Some(0.0))], true);
    unmeasured.cross_slices[0].metrics.clear();
    let other_base = CrossSliceThreshold {
        cross_slicing_specs: vec![CrossSlicingSpec {
            baseline_spec: is("origin", "LGA"),
            slicing_specs: vec![by("origin"), by("carrier")],
        }],
        ..at_most(0.0)
    };
    let cases = [
        judge(&asking(&[at_most(0.0)]), &compared(&[], true)),
        judge(&asking(&[other_base]), &compared(&[("EWR", Some(0.0), None)], true)),
        judge(&asking(&[at_most(0.0)]), &unmeasured),
        judge(&asking(&[at_most(0.0)]), &compared(&[("EWR", None, None)], true)),
        judge(&asking(&[rising_by(0.0)]), &compared(&[("EWR", Some(0.1), None)], true)),
    ];
    insta::assert_snapshot!(cases.iter().map(said).collect::<Vec<_>>().join("\n"), @"
    not_blessed
    ✗ no slice by origin against overall was compared: there were no such examples, or the evaluator does not compare so
    not_blessed
    ✗ no slice by origin against origin=LGA was compared: there were no such examples, or the evaluator does not compare so
    ✗ no slice by carrier against origin=LGA was compared: there were no such examples, or the evaluator does not compare so
    not_blessed
    ✗ metric 'auc' was not measured on slice overall less origin=EWR: have the evaluator measure it, or take its threshold out
    not_blessed
    ✗ auc on overall less origin=EWR is undefined, since it is on one of the two slices: set min_slice_size above 300, or choose slices by feature_values in cross_slicing_specs
    not_blessed
    ✗ auc on overall less origin=EWR is undefined for the model compared with, since it is on one of the two slices, so that its change cannot be judged: keep a value_threshold alone, or judge another metric
    ");
}

#[test]
fn without_a_baseline_model_only_the_value_counts() {
    let alone = compared(&[("EWR", Some(0.02), None)], false);
    let verdict = judge(&asking(&[at_most(0.01), rising_by(0.0)]), &alone);
    assert_eq!((verdict.failures().count(), verdict.rubber_stamp()), (1, true));
    let verdict = judge(&asking(&[rising_by(0.0)]), &alone);
    assert_eq!((verdict.blessing(), verdict.rubber_stamp()), (Blessing::Blessed, true));
}

#[test]
fn evidence_needs_the_bootstrap_and_is_corrected_with_the_slices() {
    let mut evaluation = compared(&[("EWR", Some(0.03), Some(0.01)), ("JFK", Some(0.0), Some(0.0))], true);
    let mut demand = by_origin();
    demand.require = Some(Requirement::NoSignificantRegression);
    let without = judge(&asking(std::slice::from_ref(&demand)), &evaluation);
    for (pair, value) in evaluation.cross_slices.iter_mut().zip([0.02, 0.0]) {
        if let Some(auc) = pair.metrics.get_mut("auc") {
            auc.difference = Some(Difference {
                value: Some(value),
                standard_error: Some(0.01),
                ..Difference::default()
            });
        }
    }
    let with = judge(&asking(std::slice::from_ref(&demand)), &evaluation);
    demand.margin = 0.02;
    let lenient = judge(&asking(&[demand]), &evaluation);
    let cases = [without, with, lenient];
    insta::assert_snapshot!(cases.iter().map(said).collect::<Vec<_>>().join("\n"), @"
    not_blessed
    ✗ auc on overall less origin=EWR has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it
    ✗ auc on overall less origin=JFK has no standard error of its difference, so that chance cannot be told from change: let the evaluator bootstrap it
    not_blessed
    ✗ auc on overall less origin=EWR went from 0.0100 to 0.0300 (+0.0200, standard error 0.0100; p = 0.0232, p = 0.0464 over 2 slices): a significant regression at 95% confidence
    ✓ auc on overall less origin=JFK went from 0.0000 to 0.0000 (+0.0000, standard error 0.0100; p = 0.5000, p = 0.5000 over 2 slices): no significant regression at 95% confidence
    blessed
    ✓ auc on overall less origin=EWR went from 0.0100 to 0.0300 (+0.0200, standard error 0.0100; p = 0.5000, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.02 at 95% confidence
    ✓ auc on overall less origin=JFK went from 0.0000 to 0.0000 (+0.0000, standard error 0.0100; p = 0.9768, p = 1.0000 over 2 slices): no significant regression beyond the margin of 0.02 at 95% confidence
    ");
}

#[test]
fn a_pair_with_a_small_slice_is_small() {
    let evaluation = compared(&[("EWR", Some(0.9), Some(0.0))], true);
    for (policy, blessing) in [
        (InsufficientData::Ignore, Blessing::NotEvaluated),
        (InsufficientData::Warn, Blessing::NotEvaluated),
        (InsufficientData::Fail, Blessing::NotBlessed),
    ] {
        let gate = Gate {
            min_slice_size: Some(301),
            insufficient_data: policy,
            ..asking(&[at_most(0.0)])
        };
        let verdict = judge(&gate, &evaluation);
        assert_eq!(verdict.blessing(), blessing, "{policy:?}");
        assert!(
            verdict.findings()[0].sentence.contains("overall less origin=EWR"),
            "{policy:?}"
        );
        // And so is the pair turned round.
        let mut turned = evaluation.clone();
        let pair = &mut turned.cross_slices[0];
        std::mem::swap(&mut pair.baseline_slice_key, &mut pair.slice_key);
        let mut asked = gate.clone();
        let specs = &mut asked.metrics["auc"].cross_slice_thresholds[0].cross_slicing_specs[0];
        std::mem::swap(&mut specs.baseline_spec, &mut specs.slicing_specs[0]);
        assert_eq!(judge(&asked, &turned).blessing(), blessing, "{policy:?}");
    }
}

#[test]
fn a_difference_of_large_numbers_is_rounded_as_they_are() {
    // 1000000.3 less 1000000, which a number of 64 bits is a little off.
    let off = 1_000_000.3 - 1_000_000.0;
    assert!(off > 0.3);
    let of = |size: f64, difference: f64| {
        let mut evaluation = compared(&[("EWR", Some(difference), Some(0.0))], true);
        for slice in &mut evaluation.slices {
            let measured = slice.metrics.get_mut("auc").unwrap();
            (measured.candidate, measured.baseline) = (Some(size), Some(size));
        }
        [at_most(0.3), rising_by(0.3)]
            .map(|asked| judge(&asking(&[asked]), &evaluation).blessing() == Blessing::Blessed)
    };
    assert_eq!(of(1_000_000.0, off), [true, true]);
    assert_eq!(of(1_000_000.0, 0.300_01), [false, false]);
    // Between small numbers it is no rounding.
    assert_eq!(of(1.0, off), [false, false]);
}
