//! TFMA's cases as a table, and what must hold for every gate.

mod conformance;
mod cross_slices;
mod evidence;
mod incomparable;
mod insufficient;
mod power;
mod sizes;
mod undefined;

use super::{Blessing, Verdict, judge};
use crate::artifact::samples::model;
use crate::evaluation::{Evaluation, Measured, Slice};
use crate::plan::{ChangeThreshold, Direction, Gate, MetricThreshold, PerSliceThreshold, SlicingSpec, ValueThreshold};
use indexmap::IndexMap;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Slice key, rows, candidate and baseline.
type Row<'a> = (&'a [(&'a str, &'a str)], u64, Option<f64>, Option<f64>);

fn measured(slices: &[Row], baseline: bool) -> Evaluation {
    Evaluation {
        schema_version: 1,
        confidence_level: None,
        cross_slices: vec![],
        example_weight_key: None,
        model_type: "binary_classification".to_owned(),
        label: "late".to_owned(),
        prediction: "score".to_owned(),
        baseline,
        slices: slices
            .iter()
            .map(|(key, num_examples, candidate, baseline)| Slice {
                slice_key: key.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                num_examples: *num_examples,
                metrics: [(
                    "auc".to_owned(),
                    Measured {
                        candidate: *candidate,
                        baseline: *baseline,
                        ..Default::default()
                    },
                )]
                .into(),
                ..Slice::default()
            })
            .collect(),
    }
}

fn overall(candidate: f64, baseline: f64) -> Evaluation {
    measured(&[(&[], 100, Some(candidate), Some(baseline))], true)
}

fn gate(threshold: MetricThreshold) -> Gate {
    let metrics = IndexMap::from([("auc".to_owned(), threshold)]);
    Gate {
        metrics,
        ..Gate::default()
    }
}

fn value(lower_bound: Option<f64>, upper_bound: Option<f64>) -> MetricThreshold {
    MetricThreshold {
        value_threshold: Some(ValueThreshold {
            lower_bound,
            upper_bound,
        }),
        ..Default::default()
    }
}

fn change(absolute: Option<f64>, relative: Option<f64>, direction: Direction) -> MetricThreshold {
    MetricThreshold {
        change_threshold: Some(ChangeThreshold {
            absolute,
            relative,
            direction,
        }),
        ..Default::default()
    }
}

fn by(feature: &str) -> SlicingSpec {
    SlicingSpec {
        feature_keys: vec![feature.to_owned()],
        ..Default::default()
    }
}

fn is(feature: &str, value: &str) -> SlicingSpec {
    SlicingSpec {
        feature_values: [(feature.to_owned(), value.to_owned())].into(),
        ..Default::default()
    }
}

fn sentences(verdict: &Verdict) -> String {
    let lines = verdict.findings().iter().map(|f| {
        format!(
            "{} {}",
            match f.passed {
                Some(true) => "✓",
                Some(false) => "✗",
                None => "–",
            },
            f.sentence
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

const HIGHER: Direction = Direction::HigherIsBetter;
const LOWER: Direction = Direction::LowerIsBetter;

#[test]
fn values_within_inclusive_bounds_pass() {
    let table = [
        (value(Some(0.6), None), 0.6, true),
        (value(Some(0.6), None), 0.599_999, false),
        (value(None, Some(0.6)), 0.6, true),
        (value(None, Some(0.6)), 0.600_001, false),
        (value(Some(0.5), Some(0.6)), 0.55, true),
        (value(Some(0.5), Some(0.6)), 0.4, false),
        (value(Some(0.5), Some(0.6)), 0.7, false),
        (value(Some(f64::NAN), None), 0.7, false),
        (value(Some(-2.0), Some(-1.0)), -1.5, true),
    ];
    let mut said = Vec::new();
    for (threshold, candidate, expected) in table {
        let verdict = judge(&gate(threshold), &overall(candidate, 0.5));
        assert_eq!(
            verdict.blessing() == Blessing::Blessed,
            expected,
            "{}",
            sentences(&verdict)
        );
        said.push(sentences(&verdict));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    ✓ auc overall is 0.6000, as asked (≥ 0.6)
    ✗ auc overall is 0.599999, below the lower bound 0.600000
    ✓ auc overall is 0.6000, as asked (≤ 0.6)
    ✗ auc overall is 0.600001, above the upper bound 0.600000
    ✓ auc overall is 0.5500, as asked (≥ 0.5, ≤ 0.6)
    ✗ auc overall is 0.4000, below the lower bound 0.5000
    ✗ auc overall is 0.7000, above the upper bound 0.6000
    ✗ auc overall is 0.7000, below the lower bound NaN
    ✓ auc overall is -1.5000, as asked (≥ -2, ≤ -1)
    "#);
}

#[test]
fn changes_are_judged_in_their_direction() {
    // threshold, candidate, baseline, expected
    let table = [
        // limit a regression
        (change(Some(-0.005), None, HIGHER), 0.645, 0.65, true),
        (change(Some(-0.005), None, HIGHER), 0.6401, 0.6512, false),
        (change(Some(0.01), None, LOWER), 0.42, 0.41, true),
        (change(Some(0.01), None, LOWER), 0.43, 0.41, false),
        // require an improvement
        (change(Some(0.005), None, HIGHER), 0.655, 0.65, true),
        (change(Some(0.005), None, HIGHER), 0.651, 0.65, false),
        (change(Some(0.005), None, HIGHER), 0.64, 0.65, false),
        (change(Some(-0.01), None, LOWER), 0.405, 0.41, false),
        (change(Some(0.0), None, HIGHER), 0.65, 0.65, true),
        // limit a suspicious improvement
        (change(Some(0.1), None, LOWER), 0.7, 0.65, true),
        (change(Some(0.1), None, LOWER), 0.8, 0.65, false),
        // relative
        (change(None, Some(-0.01), HIGHER), 0.6435, 0.65, true),
        (change(None, Some(-0.01), HIGHER), 0.6434, 0.65, false),
        (change(None, Some(0.05), LOWER), 0.43, 0.41, true),
        (change(None, Some(0.05), LOWER), 0.44, 0.41, false),
        // the sign trap: TFMA fails the first and passes the second
        (change(None, Some(0.01), HIGHER), -0.05, -0.10, true),
        (change(None, Some(0.01), HIGHER), -0.20, -0.10, false),
        (change(None, Some(0.01), HIGHER), -0.1005, -0.10, false),
        (change(None, Some(-0.01), HIGHER), -0.1005, -0.10, true),
        // a baseline of 0
        (change(None, Some(0.01), HIGHER), 0.001, 0.0, true),
        (change(None, Some(0.01), HIGHER), 0.0, 0.0, false),
        (change(None, Some(-0.01), LOWER), -0.001, 0.0, true),
        (change(None, Some(-0.01), LOWER), 0.0, 0.0, false),
        (change(None, Some(-0.01), HIGHER), 0.0, 0.0, true),
        (change(None, Some(-0.01), HIGHER), -0.001, 0.0, false),
        // both must hold
        (change(Some(-0.005), Some(-0.5), HIGHER), 0.64, 0.65, false),
        (change(Some(-0.5), Some(-0.005), HIGHER), 0.64, 0.65, false),
        (change(Some(-0.5), Some(-0.5), HIGHER), 0.64, 0.65, true),
        (change(Some(f64::NAN), None, HIGHER), 0.9, 0.65, false),
    ];
    let mut said = Vec::new();
    for (threshold, candidate, baseline, expected) in table {
        let verdict = judge(&gate(threshold), &overall(candidate, baseline));
        assert_eq!(
            verdict.blessing() == Blessing::Blessed,
            expected,
            "{}",
            sentences(&verdict)
        );
        said.push(sentences(&verdict));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    ✓ auc overall fell from 0.6500 to 0.6450 (-0.0050), as asked (change ≥ -0.0050)
    ✗ auc overall fell from 0.6512 to 0.6401 (-0.0111), more than the allowed -0.0050
    ✓ auc overall rose from 0.4100 to 0.4200 (+0.0100), as asked (change ≤ +0.0100)
    ✗ auc overall rose from 0.4100 to 0.4300 (+0.0200), more than the allowed +0.0100
    ✓ auc overall rose from 0.6500 to 0.6550 (+0.0050), as asked (change ≥ +0.0050)
    ✗ auc overall rose from 0.6500 to 0.6510 (+0.0010), and a change of at least +0.0050 is asked for
    ✗ auc overall fell from 0.6500 to 0.6400 (-0.0100), and a change of at least +0.0050 is asked for
    ✗ auc overall fell from 0.4100 to 0.4050 (-0.0050), and a change of at most -0.0100 is asked for
    ✓ auc overall stayed at 0.6500, as asked (change ≥ +0)
    ✓ auc overall rose from 0.6500 to 0.7000 (+0.0500), as asked (change ≤ +0.1000)
    ✗ auc overall rose from 0.6500 to 0.8000 (+0.1500), more than the allowed +0.1000
    ✓ auc overall fell from 0.6500 to 0.6435 (-1.0%), as asked (change ≥ -1.0%)
    ✗ auc overall fell from 0.6500 to 0.6434 (-1.02%), more than the allowed -1.00%
    ✓ auc overall rose from 0.4100 to 0.4300 (+4.9%), as asked (change ≤ +5.0%)
    ✗ auc overall rose from 0.4100 to 0.4400 (+7.3%), more than the allowed +5.0%
    ✓ auc overall rose from -0.1000 to -0.0500 (+50.0%), as asked (change ≥ +1.0%)
    ✗ auc overall fell from -0.1000 to -0.2000 (-100.0%), and a change of at least +1.0% is asked for
    ✗ auc overall fell from -0.1000 to -0.1005 (-0.5%), and a change of at least +1.0% is asked for
    ✓ auc overall fell from -0.1000 to -0.1005 (-0.5%), as asked (change ≥ -1.0%)
    ✓ auc overall rose from 0.0000 to 0.0010 (+0.0010), as asked (change ≥ +1.0%)
    ✗ auc overall stayed at 0.0000, and a change of at least +1.0% is asked for
    ✓ auc overall fell from 0.0000 to -0.0010 (-0.0010), as asked (change ≤ -1.0%)
    ✗ auc overall stayed at 0.0000, and a change of at most -1.0% is asked for
    ✓ auc overall stayed at 0.0000, as asked (change ≥ -1.0%)
    ✗ auc overall fell from 0.0000 to -0.0010 (-0.0010), more than the allowed -1.0%
    ✗ auc overall fell from 0.6500 to 0.6400 (-0.0100), more than the allowed -0.0050
    ✓ auc overall fell from 0.6500 to 0.6400 (-1.5%), as asked (change ≥ -50.0%)
    ✗ auc overall fell from 0.6500 to 0.6400 (-1.5%), more than the allowed -0.5%
    ✓ auc overall fell from 0.6500 to 0.6400 (-0.0100), as asked (change ≥ -0.5000)
    ✓ auc overall fell from 0.6500 to 0.6400 (-0.0100), as asked (change ≥ -0.5000)
    ✓ auc overall fell from 0.6500 to 0.6400 (-1.5%), as asked (change ≥ -50.0%)
    ✗ auc overall rose from 0.6500 to 0.9000 (+0.2500), and a change of at least NaN is asked for
    ");
}

#[test]
fn silence_is_failure() {
    let both = MetricThreshold {
        value_threshold: value(Some(0.6), None).value_threshold,
        ..change(Some(0.0), None, HIGHER)
    };
    let mut missing = overall(0.7, 0.6);
    missing.slices[0].metrics.clear();
    let cases = [
        judge(&gate(both.clone()), &missing),
        judge(&gate(both.clone()), &measured(&[(&[], 100, None, Some(0.5))], true)),
        judge(
            &gate(both.clone()),
            &measured(&[(&[], 100, Some(f64::NAN), Some(0.5))], true),
        ),
        judge(&gate(both.clone()), &measured(&[(&[], 100, Some(0.7), None)], true)),
        judge(
            &Gate {
                slicing_specs: vec![by("origin"), is("carrier", "UA")],
                ..gate(both.clone())
            },
            &overall(0.7, 0.6),
        ),
        judge(&gate(both), &measured(&[], true)),
    ];
    for verdict in &cases {
        assert_eq!(verdict.blessing(), Blessing::NotBlessed);
    }
    insta::assert_snapshot!(cases.iter().map(sentences).collect::<Vec<_>>().join("\n"), @"
    ✗ metric 'auc' was not measured on slice overall: have the evaluator measure it, or take its threshold out
    ✗ auc overall is undefined, since the evaluation has no number for its 100 examples: evaluate other rows, or judge another metric
    ✗ auc overall is undefined, since the evaluation has no number for its 100 examples: evaluate other rows, or judge another metric
    ✗ auc overall is undefined for the model compared with, since the evaluation has no number for its 100 examples, so that its change cannot be judged: keep a value_threshold alone, or judge another metric
    ✓ auc overall is 0.7000, as asked (≥ 0.6)
    ✗ no slice by origin was measured: there were no such examples, or the evaluator does not slice so
    ✗ no slice carrier=UA was measured: there were no such examples, or the evaluator does not slice so
    ✗ no slice overall was measured: there were no such examples, or the evaluator does not slice so
    ");
}

#[test]
fn without_a_baseline_only_values_count() {
    let first = |candidate| measured(&[(&[], 100, Some(candidate), None)], false);
    let both = MetricThreshold {
        value_threshold: value(Some(0.6), None).value_threshold,
        ..change(Some(0.5), None, HIGHER)
    };
    let good = judge(&gate(both.clone()), &first(0.7));
    assert_eq!((good.blessing(), good.rubber_stamp()), (Blessing::Blessed, true));
    let bad = judge(&gate(both), &first(0.5));
    assert_eq!((bad.blessing(), bad.rubber_stamp()), (Blessing::NotBlessed, true));
    let change_only = judge(&gate(change(Some(0.5), None, HIGHER)), &first(0.5));
    assert_eq!(
        (change_only.blessing(), change_only.rubber_stamp()),
        (Blessing::Blessed, true)
    );
    let value_only = judge(&gate(value(Some(0.6), None)), &first(0.7));
    assert_eq!(
        (value_only.blessing(), value_only.rubber_stamp()),
        (Blessing::Blessed, false)
    );
    assert!(good.bless(&model(1).digest, &model(1)).is_some() && bad.bless(&model(1).digest, &model(1)).is_none());
    assert!(
        good.bless(&model(2).digest, &model(1)).is_none(),
        "another model was judged"
    );
}

#[test]
fn no_thresholds_is_no_approval() {
    let mut nothing = gate(value(Some(0.6), None));
    nothing.metrics.clear();
    for gate in [nothing, gate(MetricThreshold::default()), gate(value(None, None))] {
        let verdict = judge(&gate, &overall(0.7, 0.6));
        assert_eq!(verdict.blessing(), Blessing::NotEvaluated);
        assert!(verdict.bless(&model(1).digest, &model(1)).is_none());
        assert_eq!(
            verdict.comparisons()[0].candidate,
            Some(0.7),
            "people still see the numbers"
        );
    }
}

fn by_origin() -> Evaluation {
    let slices: &[Row] = &[
        (&[("origin", "LGA")], 50, Some(0.70), Some(0.69)),
        (&[("origin", "EWR")], 50, Some(0.6401), Some(0.6512)),
        (&[("carrier", "UA"), ("origin", "EWR")], 50, Some(0.1), Some(0.6)),
        (&[("origin", "JFK")], 9, Some(0.5), Some(0.9)),
        (&[], 100, Some(0.66), Some(0.65)),
    ];
    measured(slices, true)
}

#[test]
fn slices_are_looked_at_where_asked() {
    let threshold = || change(Some(-0.005), None, HIGHER);
    let only_overall = judge(&gate(threshold()), &by_origin());
    assert_eq!(only_overall.blessing(), Blessing::Blessed);
    let sliced = Gate {
        slicing_specs: vec![SlicingSpec::default(), by("origin")],
        ..gate(threshold())
    };
    let verdict = judge(&sliced, &by_origin());
    insta::assert_snapshot!(sentences(&verdict), @r#"
    ✗ auc on origin=EWR fell from 0.6512 to 0.6401 (-0.0111), more than the allowed -0.0050
    ✗ auc on origin=JFK fell from 0.9000 to 0.5000 (-0.4000), more than the allowed -0.0050
    ✓ auc overall rose from 0.6500 to 0.6600 (+0.0100), as asked (change ≥ -0.0050)
    ✓ auc on origin=LGA rose from 0.6900 to 0.7000 (+0.0100), as asked (change ≥ -0.0050)
    "#);
    let keys: Vec<_> = verdict
        .comparisons()
        .iter()
        .map(|c| (c.slice_key.values().cloned().collect::<Vec<_>>().join("+"), c.passed))
        .collect();
    assert_eq!(keys[0], (String::new(), Some(true)), "overall first");
    assert_eq!(keys.len(), 4, "the cross of carrier and origin was not asked for");

    let patient = Gate {
        min_slice_size: Some(10),
        ..sliced.clone()
    };
    let verdict = judge(&patient, &by_origin());
    let small = verdict
        .comparisons()
        .iter()
        .find(|c| c.slice_key.values().any(|v| v == "JFK"))
        .unwrap();
    assert_eq!(small.passed, None);
    assert_eq!(verdict.failures().count(), 1, "only EWR");
    let overall_too_small = Gate {
        min_slice_size: Some(1000),
        slicing_specs: vec![],
        ..gate(value(Some(0.9), None))
    };
    assert_eq!(
        judge(&overall_too_small, &by_origin()).blessing(),
        Blessing::NotEvaluated
    );

    let fixed = Gate {
        slicing_specs: vec![is("origin", "LGA")],
        ..gate(threshold())
    };
    assert_eq!(judge(&fixed, &by_origin()).blessing(), Blessing::Blessed);
    let crossed = SlicingSpec {
        feature_values: [("origin".to_owned(), "EWR".to_owned())].into(),
        ..by("carrier")
    };
    assert_eq!(
        judge(
            &Gate {
                slicing_specs: vec![crossed],
                ..fixed
            },
            &by_origin()
        )
        .failures()
        .count(),
        1
    );
}

#[test]
fn thresholds_of_a_slice_add_to_the_metrics_own() {
    let mut threshold = change(Some(-0.005), None, HIGHER);
    threshold.per_slice_thresholds = vec![PerSliceThreshold {
        slicing_specs: vec![is("origin", "EWR"), is("origin", "JFK")],
        value_threshold: Some(ValueThreshold {
            lower_bound: Some(0.5),
            upper_bound: None,
        }),
        change_threshold: None,
        ..PerSliceThreshold::default()
    }];
    let named = judge(&gate(threshold.clone()), &by_origin());
    assert_eq!(named.blessing(), Blessing::Blessed, "{}", sentences(&named));
    let both = Gate {
        slicing_specs: vec![SlicingSpec::default(), by("origin")],
        ..gate(threshold.clone())
    };
    insta::assert_snapshot!(sentences(&judge(&both, &by_origin())), @"
    ✗ auc on origin=EWR fell from 0.6512 to 0.6401 (-0.0111), more than the allowed -0.0050
    ✗ auc on origin=JFK fell from 0.9000 to 0.5000 (-0.4000), more than the allowed -0.0050
    ✓ auc overall rose from 0.6500 to 0.6600 (+0.0100), as asked (change ≥ -0.0050)
    ✓ auc on origin=EWR is 0.6401, as asked (≥ 0.5)
    ✓ auc on origin=JFK is 0.5000, as asked (≥ 0.5)
    ✓ auc on origin=LGA rose from 0.6900 to 0.7000 (+0.0100), as asked (change ≥ -0.0050)
    ");
    // Slices that only these thresholds name must be there as well.
    threshold.per_slice_thresholds[0].slicing_specs = vec![is("origin", "SFO")];
    assert_eq!(judge(&gate(threshold), &by_origin()).blessing(), Blessing::NotBlessed);
}

#[test]
fn verdicts_are_read_again_and_so_are_those_of_before() {
    let gate = Gate {
        slicing_specs: vec![SlicingSpec::default(), by("origin"), by("month")],
        min_slice_size: Some(10),
        ..gate(change(Some(-0.005), Some(-0.1), HIGHER))
    };
    let verdict = judge(&gate, &by_origin());
    let text = serde_json::to_string(&verdict).unwrap();
    let read: Verdict = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (read.blessing(), read.findings(), read.slicing_details()),
        (verdict.blessing(), verdict.findings(), verdict.slicing_details())
    );
    let before = r#"{"blessing":"not_blessed","rubber_stamp":false,
        "findings":[{"slice_key":{},"metric":"auc","passed":false,"sentence":"auc overall is 0.4"}],
        "comparisons":[{"slice_key":{},"metric":"auc","num_examples":9,"candidate":0.4,"baseline":null,"difference":null,"threshold":"≥ 0.5","passed":false}]}"#;
    let before: Verdict = serde_json::from_str(before).unwrap();
    assert_eq!(before.reason(), Some("auc overall is 0.4"));
    assert!(before.comparisons()[0].is_overall());
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-2.0..2.0_f64, Just(0.0), Just(0.5), Just(-0.1)]
}

fn evaluations() -> impl Strategy<Value = Evaluation> {
    let slice = (
        prop::sample::select(vec!["", "a", "b", "c"]),
        0..30_u64,
        prop::option::weighted(0.9, number()),
        prop::option::weighted(0.9, number()),
    );
    (prop::collection::vec(slice, 1..5), any::<bool>()).prop_map(|(slices, baseline)| {
        let mut by_key = BTreeMap::new();
        for (key, rows, candidate, base) in slices {
            by_key.insert(key, (rows, candidate, base));
        }
        let mut evaluation = measured(&[], baseline);
        for (key, (num_examples, candidate, base)) in by_key {
            let slice_key = if key.is_empty() {
                BTreeMap::new()
            } else {
                [("f".to_owned(), key.to_owned())].into()
            };
            let metrics = [(
                "auc".to_owned(),
                Measured {
                    candidate,
                    baseline: base,
                    ..Default::default()
                },
            )]
            .into();
            evaluation.slices.push(Slice {
                slice_key,
                num_examples,
                metrics,
                ..Slice::default()
            });
        }
        evaluation
    })
}

prop_compose! {
    fn thresholds()(lower in prop::option::of(number()), absolute in prop::option::of(number()), relative in prop::option::of(number()), higher in any::<bool>()) -> MetricThreshold {
        let direction = if higher { HIGHER } else { LOWER };
        MetricThreshold { value_threshold: value(lower, None).value_threshold, ..change(absolute, relative, direction) }
    }
}

fn tightened(threshold: &MetricThreshold, by: f64) -> MetricThreshold {
    let mut tight = threshold.clone();
    if let Some(value) = &mut tight.value_threshold {
        value.lower_bound = value.lower_bound.map(|bound| bound + by);
    }
    if let Some(change) = &mut tight.change_threshold {
        let sign = if change.direction == HIGHER { by } else { -by };
        change.absolute = change.absolute.map(|bound| bound + sign);
        change.relative = change.relative.map(|bound| bound + sign);
    }
    tight
}

proptest! {
    #[test]
    fn tightening_never_approves(evaluation in evaluations(), threshold in thresholds(), step in 0.0..1.0_f64, least in prop::option::of(0..30_u64)) {
        let specs = vec![SlicingSpec::default(), by("f")];
        let loose = Gate { slicing_specs: specs.clone(), min_slice_size: least, ..gate(threshold.clone()) };
        let tight = Gate { slicing_specs: specs, min_slice_size: least, ..gate(tightened(&threshold, step)) };
        if judge(&loose, &evaluation).blessing() == Blessing::NotBlessed {
            prop_assert_eq!(judge(&tight, &evaluation).blessing(), Blessing::NotBlessed);
        }
    }

    #[test]
    fn the_order_of_slices_does_not_count(evaluation in evaluations(), threshold in thresholds(), seed in any::<prop::sample::Index>()) {
        let gate = Gate { slicing_specs: vec![SlicingSpec::default(), by("f")], ..gate(threshold) };
        let mut turned = evaluation.clone();
        let middle = seed.index(turned.slices.len());
        turned.slices.rotate_left(middle);
        prop_assert_eq!(judge(&gate, &evaluation), judge(&gate, &turned));
    }

    /// A better candidate is never judged worse, whatever the sign of the baseline.
    #[test]
    fn better_is_never_worse(candidate in number(), gain in 0.0..1.0_f64, baseline in number(), threshold in thresholds()) {
        let change = threshold.change_threshold.clone().unwrap();
        let gate = gate(MetricThreshold { value_threshold: None, ..threshold });
        let better = if change.direction == HIGHER { candidate + gain } else { candidate - gain };
        if judge(&gate, &overall(candidate, baseline)).blessing() == Blessing::Blessed {
            prop_assert_eq!(judge(&gate, &overall(better, baseline)).blessing(), Blessing::Blessed);
        }
    }

    #[test]
    fn failures_come_first_and_decide(evaluation in evaluations(), threshold in thresholds()) {
        let verdict = judge(&Gate { slicing_specs: vec![SlicingSpec::default(), by("f")], ..gate(threshold) }, &evaluation);
        let rank = |passed: Option<bool>| passed.map_or(1, |passed| 2 * i32::from(passed));
        prop_assert!(verdict.findings().is_sorted_by_key(|f| rank(f.passed)));
        if verdict.blessing() != Blessing::NotEvaluated {
            prop_assert_eq!(verdict.failures().count() > 0, verdict.blessing() == Blessing::NotBlessed);
        }
    }
}
