//! Where a comparison says nothing: the candidate serves already, or the baseline knows the rows.

use super::*;

/// At least 0.6, and a hundredth better than the baseline.
fn demanding(candidate: f64, baseline: f64) -> Verdict {
    let gate = gate(MetricThreshold {
        value_threshold: value(Some(0.6), None).value_threshold,
        ..change(Some(0.01), None, Direction::HigherIsBetter)
    });
    judge(&gate, &overall(candidate, baseline))
}

/// Compared only.
fn relative(candidate: f64, baseline: f64) -> Verdict {
    judge(
        &gate(change(Some(-0.005), None, Direction::HigherIsBetter)),
        &overall(candidate, baseline),
    )
}

fn said(verdict: &Verdict) -> String {
    let rows = verdict
        .comparisons()
        .iter()
        .map(|row| format!("{:?} {}", row.passed, row.threshold));
    let reason = verdict.reason().unwrap_or("-");
    format!(
        "{}: {reason} [{}]",
        verdict.blessing().as_str(),
        rows.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn a_difference_to_itself_says_nothing() {
    let all = [
        said(&demanding(0.7, 0.7)),
        said(&demanding(0.7, 0.7).of_unchanged("000021")),
        said(&demanding(0.5, 0.5).of_unchanged("000021")),
        said(&relative(0.7, 0.7).of_unchanged("000021")),
        said(&judge(&Gate::default(), &overall(0.7, 0.7)).of_unchanged("000021")),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    not_blessed: auc overall stayed at 0.7000, and a change of at least +0.0100 is asked for [Some(false) ≥ 0.6, change ≥ +0.01]
    unchanged: - [Some(true) ≥ 0.6, change ≥ +0.01]
    not_blessed: auc overall is 0.5000, below the lower bound 0.6000 [Some(false) ≥ 0.6, change ≥ +0.01]
    unchanged: - [None ]
    unchanged: - [None ]
    ");
    let unchanged = demanding(0.7, 0.7).of_unchanged("000021");
    assert_eq!(unchanged.unchanged(), Some("000021"));
    assert_eq!(unchanged.bless(&model(1).digest, &model(1)), None, "nothing to push");
    let read: Verdict = serde_json::from_str(&serde_json::to_string(&unchanged).unwrap()).unwrap();
    assert_eq!(read, unchanged);
    assert_eq!(demanding(0.5, 0.5).of_unchanged("000021").unchanged(), None);
}

#[test]
fn an_unfair_comparison_approves_nothing() {
    let unfair = |verdict: Verdict| verdict.of_unfair_comparison("the baseline knows these rows".to_owned());
    let alone = judge(&gate(value(Some(0.6), None)), &overall(0.7, 0.7));
    let all = [
        said(&unfair(demanding(0.72, 0.7))),
        said(&unfair(demanding(0.7, 0.9))),
        said(&unfair(demanding(0.5, 0.9))),
        said(&unfair(relative(0.8, 0.7))),
        said(&unfair(alone)),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    not_evaluated: the baseline knows these rows [Some(true) ≥ 0.6, change ≥ +0.01]
    not_evaluated: the baseline knows these rows [Some(true) ≥ 0.6, change ≥ +0.01]
    not_blessed: auc overall is 0.5000, below the lower bound 0.6000 [Some(false) ≥ 0.6, change ≥ +0.01]
    not_evaluated: the baseline knows these rows [None ]
    blessed: - [Some(true) ≥ 0.6]
    ");
}

proptest! {
    /// Whatever a gate demands: neither of the two ever makes an approval of what was none.
    #[test]
    fn neither_approves(candidate in 0.0..1.0, baseline in 0.0..1.0) {
        for verdict in [demanding(candidate, baseline), relative(candidate, baseline)] {
            prop_assert_ne!(verdict.clone().of_unchanged("1").blessing(), Blessing::Blessed);
            prop_assert_ne!(verdict.of_unfair_comparison("known".to_owned()).blessing(), Blessing::Blessed);
        }
    }
}
