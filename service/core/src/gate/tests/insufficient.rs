//! `min_slice_size` and `insufficient_data`: too few examples are no judgement, and said to be none.

use super::super::{Blessing, Verdict, judge};
use super::{by, gate, measured, sentences, value};
use crate::artifact::samples::model;
use crate::evaluation::Evaluation;
use crate::plan::{Gate, InsufficientData, SlicingSpec};
use serde_json::json;

use InsufficientData::{Fail, Ignore, Warn};

/// Overall and `f=0`, `f=1`, … of these sizes, all with the same value.
fn sized(sizes: &[u64], candidate: f64) -> Evaluation {
    let names: Vec<String> = (0..sizes.len()).map(|slice| slice.to_string()).collect();
    let keys: Vec<[(&str, &str); 1]> = names.iter().map(|name| [("f", name.as_str())]).collect();
    let mut rows: Vec<super::Row> = vec![(&[], sizes.iter().sum(), Some(candidate), None)];
    rows.extend(
        keys.iter()
            .zip(sizes)
            .map(|(key, size)| (key.as_slice(), *size, Some(candidate), None)),
    );
    measured(&rows, false)
}

fn least(min_slice_size: u64, insufficient_data: InsufficientData) -> Gate {
    Gate {
        slicing_specs: vec![SlicingSpec::default(), by("f")],
        min_slice_size: Some(min_slice_size),
        insufficient_data,
        ..gate(value(Some(0.5), None))
    }
}

fn said(verdict: &Verdict) -> String {
    format!("{}\n{}", verdict.blessing().as_str(), sentences(verdict))
}

#[test]
fn a_small_slice_is_named_whatever_the_policy() {
    let evaluation = sized(&[99, 100], 0.1);
    let high = sized(&[99, 100], 0.9);
    let mut cases = Vec::new();
    for policy in [Ignore, Warn, Fail] {
        let verdict = judge(&least(100, policy), &high);
        let named = json!(verdict.validation_result())["findings"].to_string();
        assert!(named.contains("f=0"), "{policy:?}: {named}");
        cases.push(said(&verdict));
    }
    // A judged failure counts beside it.
    cases.push(said(&judge(&least(100, Ignore), &evaluation)));
    insta::assert_snapshot!(cases.join("\n"), @"
    blessed
    – not judged, for fewer than the 100 examples of min_slice_size: f=0 (99 examples)
    ✓ auc overall is 0.9000, as asked (≥ 0.5)
    ✓ auc on f=1 is 0.9000, as asked (≥ 0.5)
    blessed
    – auc on f=0 was not judged: 99 examples are fewer than the 100 of min_slice_size
    ✓ auc overall is 0.9000, as asked (≥ 0.5)
    ✓ auc on f=1 is 0.9000, as asked (≥ 0.5)
    not_blessed
    ✗ auc on f=0 was not judged: 99 examples are fewer than the 100 of min_slice_size
    ✓ auc overall is 0.9000, as asked (≥ 0.5)
    ✓ auc on f=1 is 0.9000, as asked (≥ 0.5)
    not_blessed
    ✗ auc overall is 0.1000, below the lower bound 0.5000
    ✗ auc on f=1 is 0.1000, below the lower bound 0.5000
    – not judged, for fewer than the 100 examples of min_slice_size: f=0 (99 examples)
    ");
}

#[test]
fn from_few_rows_overall_nothing_is_concluded() {
    for policy in [Ignore, Warn, Fail] {
        for candidate in [0.1, 0.9] {
            let verdict = judge(&least(200, policy), &sized(&[99, 100], candidate));
            let expected = if policy == Fail {
                Blessing::NotBlessed
            } else {
                Blessing::NotEvaluated
            };
            assert_eq!(verdict.blessing(), expected, "{policy:?} {candidate}");
            assert!(verdict.bless(&model(1).digest, &model(1)).is_none());
            let shown = verdict.comparisons().iter().map(|row| row.candidate);
            assert!(shown.eq([Some(candidate); 3]), "people still see the numbers");
            assert_eq!(
                verdict.reason(),
                Some("nothing can be concluded from 199 examples overall, fewer than the 200 of min_slice_size")
            );
            assert_eq!(json!(verdict.validation_result())["missing_thresholds"], false);
        }
    }
    assert_eq!(
        judge(&least(199, Ignore), &sized(&[199], 0.9)).blessing(),
        Blessing::Blessed
    );
}

#[test]
fn no_slice_large_enough_is_no_approval() {
    let only_slices = |policy| Gate {
        slicing_specs: vec![by("f")],
        ..least(100, policy)
    };
    let evaluation = sized(&[60, 50, 40, 30, 20, 10], 0.9);
    let cases = [Ignore, Fail].map(|policy| said(&judge(&only_slices(policy), &evaluation)));
    insta::assert_snapshot!(cases.join("\n"), @"
    not_evaluated
    – not judged, for fewer than the 100 examples of min_slice_size: 6 slices, among them f=0 (60 examples), f=1 (50 examples), f=2 (40 examples), f=3 (30 examples), f=4 (20 examples)
    not_blessed
    ✗ auc on f=0 was not judged: 60 examples are fewer than the 100 of min_slice_size
    ✗ auc on f=1 was not judged: 50 examples are fewer than the 100 of min_slice_size
    ✗ auc on f=2 was not judged: 40 examples are fewer than the 100 of min_slice_size
    ✗ auc on f=3 was not judged: 30 examples are fewer than the 100 of min_slice_size
    ✗ auc on f=4 was not judged: 20 examples are fewer than the 100 of min_slice_size
    ✗ auc on f=5 was not judged: 10 examples are fewer than the 100 of min_slice_size
    ");
}
