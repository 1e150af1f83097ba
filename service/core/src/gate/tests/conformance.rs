//! TFMA's cases (`metrics_validator_test.py`, `metrics_plots_and_validations_writer_test.py`) with TFMA's
//! verdict beside ours; where they differ, TFMA's is one of its traps.

use super::super::{Blessing, judge};
use super::{HIGHER, LOWER, Row, by, change, gate, is, measured, overall, sentences, value};
use crate::evaluation::{CrossSlice, Evaluation};
use crate::plan::{
    CrossSliceThreshold, CrossSlicingSpec, Gate, MetricThreshold, PerSliceThreshold, SlicingSpec, ValueThreshold,
};
use serde_json::json;

/// What TFMA says: `validation_ok`.
const OK: bool = true;
const NOT_OK: bool = false;

/// What it is about, the gate, what was measured, TFMA's verdict, ours.
type Case = (&'static str, Gate, Evaluation, bool, Blessing);

use Blessing::{Blessed, NotBlessed, NotEvaluated};

fn checked(cases: Vec<Case>) -> String {
    let line = |(name, gate, evaluation, tfma, expected): Case| {
        let verdict = judge(&gate, &evaluation);
        let said = sentences(&verdict);
        assert_eq!(verdict.blessing(), expected, "{name}: {said}");
        let result = json!(verdict.validation_result());
        assert_eq!(result["validation_ok"], expected == Blessed, "{name}");
        assert_eq!(
            result["missing_thresholds"],
            expected == NotEvaluated && said.is_empty(),
            "{name}"
        );
        let tfma = match (tfma, expected == Blessed) {
            (true, false) => " (TFMA: ok)",
            (false, true) => " (TFMA: not ok)",
            _ => "",
        };
        format!("{name}: {}{tfma}\n{said}", expected.as_str())
    };
    cases.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn alone(candidate: f64) -> Evaluation {
    measured(&[(&[], 100, Some(candidate), None)], false)
}

#[test]
fn value_thresholds() {
    insta::assert_snapshot!(checked(vec![
        ("upper bound, above", gate(value(None, Some(1.0))), alone(1.5), NOT_OK, NotBlessed),
        ("upper bound, below", gate(value(None, Some(1.0))), alone(0.0), OK, Blessed),
        ("upper bound, at it", gate(value(None, Some(1.0))), alone(1.0), OK, Blessed),
        ("lower bound, below", gate(value(Some(1.0), None)), alone(0.0), NOT_OK, NotBlessed),
        ("lower bound, above", gate(value(Some(1.0), None)), alone(2.0), OK, Blessed),
        ("lower bound, at it", gate(value(Some(1.0), None)), alone(1.0), OK, Blessed),
        ("both bounds, at both", gate(value(Some(1.0), Some(1.0))), alone(1.0), OK, Blessed),
        ("not a number", gate(value(None, Some(1.0))), alone(f64::NAN), NOT_OK, NotBlessed),
        ("infinite", gate(value(Some(1.0), None)), alone(f64::INFINITY), OK, NotBlessed),
    ]), @"
    upper bound, above: not_blessed
    ✗ auc overall is 1.5000, above the upper bound 1.0000
    upper bound, below: blessed
    ✓ auc overall is 0.0000, as asked (≤ 1)
    upper bound, at it: blessed
    ✓ auc overall is 1.0000, as asked (≤ 1)
    lower bound, below: not_blessed
    ✗ auc overall is 0.0000, below the lower bound 1.0000
    lower bound, above: blessed
    ✓ auc overall is 2.0000, as asked (≥ 1)
    lower bound, at it: blessed
    ✓ auc overall is 1.0000, as asked (≥ 1)
    both bounds, at both: blessed
    ✓ auc overall is 1.0000, as asked (≥ 1, ≤ 1)
    not a number: not_blessed
    ✗ auc overall is undefined, since the evaluation has no number for its 100 examples: evaluate other rows, or judge another metric
    infinite: not_blessed (TFMA: ok)
    ✗ auc overall is undefined, since the evaluation has no number for its 100 examples: evaluate other rows, or judge another metric
    ");
}

#[test]
fn change_thresholds() {
    // From 0.333 to 0: a difference of -0.333, or -100 %.
    let fallen = || overall(0.0, 0.333);
    let risen = || overall(0.666, 0.333);
    insta::assert_snapshot!(checked(vec![
        ("absolute, lower is better, not low enough", gate(change(Some(-1.0), None, LOWER)), fallen(), NOT_OK, NotBlessed),
        ("absolute, lower is better", gate(change(Some(0.0), None, LOWER)), fallen(), OK, Blessed),
        ("absolute, higher is better, fallen", gate(change(Some(0.0), None, HIGHER)), fallen(), NOT_OK, NotBlessed),
        ("absolute, higher is better", gate(change(Some(0.0), None, HIGHER)), risen(), OK, Blessed),
        ("absolute, at the bound", gate(change(Some(0.5), None, HIGHER)), overall(1.0, 0.5), OK, Blessed),
        ("relative, lower is better, not low enough", gate(change(None, Some(-2.0), LOWER)), fallen(), NOT_OK, NotBlessed),
        ("relative, lower is better", gate(change(None, Some(0.0), LOWER)), fallen(), OK, Blessed),
        ("relative, higher is better, not high enough", gate(change(None, Some(2.0), HIGHER)), risen(), NOT_OK, NotBlessed),
        ("relative, higher is better, at the bound", gate(change(None, Some(1.0), HIGHER)), overall(1.0, 0.5), OK, Blessed),
        ("absolute holds and relative does not", gate(change(Some(0.0), Some(2.0), HIGHER)), risen(), NOT_OK, NotBlessed),
        ("both hold", gate(change(Some(0.0), Some(0.5), HIGHER)), risen(), OK, Blessed),
        ("both kinds, the value fails", gate(MetricThreshold { value_threshold: value(Some(0.9), None).value_threshold, ..change(Some(0.0), None, HIGHER) }), risen(), NOT_OK, NotBlessed),
        ("negative baseline, better", gate(change(None, Some(0.01), HIGHER)), overall(-0.05, -0.10), NOT_OK, Blessed),
        ("negative baseline, worse", gate(change(None, Some(0.01), HIGHER)), overall(-0.20, -0.10), OK, NotBlessed),
        ("baseline 0, better", gate(change(None, Some(0.01), HIGHER)), overall(0.2, 0.0), NOT_OK, Blessed),
        ("baseline 0, worse", gate(change(None, Some(0.01), HIGHER)), overall(-0.2, 0.0), NOT_OK, NotBlessed),
        ("baseline 0, absolute alone", gate(change(Some(0.1), None, HIGHER)), overall(0.2, 0.0), NOT_OK, Blessed),
        ("not a number", gate(change(Some(0.0), None, HIGHER)), overall(f64::NAN, 0.5), NOT_OK, NotBlessed),
        ("baseline not a number", gate(change(Some(0.0), None, HIGHER)), overall(0.5, f64::NAN), NOT_OK, NotBlessed),
        ("no baseline model", gate(change(Some(0.5), None, HIGHER)), alone(0.1), OK, Blessed),
        ("no baseline model, the value fails", gate(MetricThreshold { value_threshold: value(Some(0.9), None).value_threshold, ..change(Some(0.0), None, HIGHER) }), alone(0.1), NOT_OK, NotBlessed),
    ]), @"
    absolute, lower is better, not low enough: not_blessed
    ✗ auc overall fell from 0.3330 to 0.0000 (-0.3330), and a change of at most -1.0000 is asked for
    absolute, lower is better: blessed
    ✓ auc overall fell from 0.3330 to 0.0000 (-0.3330), as asked (change ≤ +0)
    absolute, higher is better, fallen: not_blessed
    ✗ auc overall fell from 0.3330 to 0.0000 (-0.3330), more than the allowed +0
    absolute, higher is better: blessed
    ✓ auc overall rose from 0.3330 to 0.6660 (+0.3330), as asked (change ≥ +0)
    absolute, at the bound: blessed
    ✓ auc overall rose from 0.5000 to 1.0000 (+0.5000), as asked (change ≥ +0.5000)
    relative, lower is better, not low enough: not_blessed
    ✗ auc overall fell from 0.3330 to 0.0000 (-100.0%), and a change of at most -200.0% is asked for
    relative, lower is better: blessed
    ✓ auc overall fell from 0.3330 to 0.0000 (-100.0%), as asked (change ≤ +0.0%)
    relative, higher is better, not high enough: not_blessed
    ✗ auc overall rose from 0.3330 to 0.6660 (+100.0%), and a change of at least +200.0% is asked for
    relative, higher is better, at the bound: blessed
    ✓ auc overall rose from 0.5000 to 1.0000 (+100.0%), as asked (change ≥ +100.0%)
    absolute holds and relative does not: not_blessed
    ✗ auc overall rose from 0.3330 to 0.6660 (+100.0%), and a change of at least +200.0% is asked for
    ✓ auc overall rose from 0.3330 to 0.6660 (+0.3330), as asked (change ≥ +0)
    both hold: blessed
    ✓ auc overall rose from 0.3330 to 0.6660 (+0.3330), as asked (change ≥ +0)
    ✓ auc overall rose from 0.3330 to 0.6660 (+100.0%), as asked (change ≥ +50.0%)
    both kinds, the value fails: not_blessed
    ✗ auc overall is 0.6660, below the lower bound 0.9000
    ✓ auc overall rose from 0.3330 to 0.6660 (+0.3330), as asked (change ≥ +0)
    negative baseline, better: blessed (TFMA: not ok)
    ✓ auc overall rose from -0.1000 to -0.0500 (+50.0%), as asked (change ≥ +1.0%)
    negative baseline, worse: not_blessed (TFMA: ok)
    ✗ auc overall fell from -0.1000 to -0.2000 (-100.0%), and a change of at least +1.0% is asked for
    baseline 0, better: blessed (TFMA: not ok)
    ✓ auc overall rose from 0.0000 to 0.2000 (+0.2000), as asked (change ≥ +1.0%)
    baseline 0, worse: not_blessed
    ✗ auc overall fell from 0.0000 to -0.2000 (-0.2000), and a change of at least +1.0% is asked for
    baseline 0, absolute alone: blessed (TFMA: not ok)
    ✓ auc overall rose from 0.0000 to 0.2000 (+0.2000), as asked (change ≥ +0.1000)
    not a number: not_blessed
    ✗ auc overall is undefined, since the evaluation has no number for its 100 examples: evaluate other rows, or judge another metric
    baseline not a number: not_blessed
    ✗ auc overall is undefined for the model compared with, since the evaluation has no number for its 100 examples, so that its change cannot be judged: keep a value_threshold alone, or judge another metric
    no baseline model: blessed

    no baseline model, the value fails: not_blessed
    ✗ auc overall is 0.1000, below the lower bound 0.9000
    ");
}

fn at_least(lower_bound: f64) -> Option<ValueThreshold> {
    value(Some(lower_bound), None).value_threshold
}

fn per_slice(specs: Vec<SlicingSpec>) -> Gate {
    gate(MetricThreshold {
        per_slice_thresholds: vec![PerSliceThreshold {
            slicing_specs: specs,
            value_threshold: at_least(0.9),
            change_threshold: None,
            ..PerSliceThreshold::default()
        }],
        ..MetricThreshold::default()
    })
}

#[test]
fn silence_and_slices() {
    let rows: &[Row] = &[
        (&[], 100, Some(0.95), None),
        (&[("feature1", "value1")], 50, Some(0.8), None),
    ];
    let sliced = || measured(rows, false);
    let mut unmeasured = alone(1.0);
    unmeasured.slices[0].metrics.clear();
    let mut nothing = gate(value(Some(0.9), None));
    nothing.metrics.clear();
    let least = |min_slice_size| Gate {
        slicing_specs: vec![SlicingSpec::default(), by("feature1")],
        min_slice_size: Some(min_slice_size),
        ..gate(value(Some(0.9), None))
    };
    let mut both = least(1);
    both.metrics["auc"].per_slice_thresholds = vec![PerSliceThreshold {
        slicing_specs: vec![by("feature1")],
        value_threshold: at_least(0.5),
        change_threshold: None,
        ..PerSliceThreshold::default()
    }];
    insta::assert_snapshot!(checked(vec![
        ("metric not found", gate(value(Some(0.2), None)), unmeasured, NOT_OK, NotBlessed),
        ("nothing measured at all", gate(value(Some(0.2), None)), measured(&[], false), NOT_OK, NotBlessed),
        ("no thresholds", nothing, alone(1.0), NOT_OK, NotEvaluated),
        ("overall alone", gate(value(Some(0.9), None)), sliced(), OK, Blessed),
        ("every value of a feature", per_slice(vec![by("feature1")]), sliced(), NOT_OK, NotBlessed),
        ("one value", per_slice(vec![is("feature1", "value1")]), sliced(), NOT_OK, NotBlessed),
        ("one of two, the other is missing", per_slice(vec![is("feature1", "value1"), is("feature2", "value2")]), sliced(), NOT_OK, NotBlessed),
        ("another feature", per_slice(vec![by("feature2")]), sliced(), NOT_OK, NotBlessed),
        ("looser on a slice, and looked at by the metric's own", both, sliced(), NOT_OK, NotBlessed),
        ("a small slice", least(51), sliced(), NOT_OK, Blessed),
        ("a slice of just that size", least(50), sliced(), NOT_OK, NotBlessed),
        ("few rows overall", least(101), sliced(), NOT_OK, NotEvaluated),
    ]), @"
    metric not found: not_blessed
    ✗ metric 'auc' was not measured on slice overall: have the evaluator measure it, or take its threshold out
    nothing measured at all: not_blessed
    ✗ no slice overall was measured: there were no such examples, or the evaluator does not slice so
    no thresholds: not_evaluated

    overall alone: blessed
    ✓ auc overall is 0.9500, as asked (≥ 0.9)
    every value of a feature: not_blessed
    ✗ auc on feature1=value1 is 0.8000, below the lower bound 0.9000
    one value: not_blessed
    ✗ auc on feature1=value1 is 0.8000, below the lower bound 0.9000
    one of two, the other is missing: not_blessed
    ✗ no slice feature2=value2 was measured: there were no such examples, or the evaluator does not slice so
    ✗ auc on feature1=value1 is 0.8000, below the lower bound 0.9000
    another feature: not_blessed
    ✗ no slice by feature2 was measured: there were no such examples, or the evaluator does not slice so
    looser on a slice, and looked at by the metric's own: not_blessed
    ✗ auc on feature1=value1 is 0.8000, below the lower bound 0.9000
    ✓ auc overall is 0.9500, as asked (≥ 0.9)
    ✓ auc on feature1=value1 is 0.8000, as asked (≥ 0.5)
    a small slice: blessed (TFMA: not ok)
    – not judged, for fewer than the 51 examples of min_slice_size: feature1=value1 (50 examples)
    ✓ auc overall is 0.9500, as asked (≥ 0.9)
    a slice of just that size: not_blessed
    ✗ auc on feature1=value1 is 0.8000, below the lower bound 0.9000
    ✓ auc overall is 0.9500, as asked (≥ 0.9)
    few rows overall: not_evaluated
    – nothing can be concluded from 100 examples overall, fewer than the 101 of min_slice_size
    ");
}

/// Pairs of slices whose difference is asked to be at least 0.1.
fn crossing(specs: &[(SlicingSpec, &[SlicingSpec])]) -> Gate {
    let spec = |(baseline_spec, slicing_specs): &(SlicingSpec, &[SlicingSpec])| CrossSlicingSpec {
        baseline_spec: baseline_spec.clone(),
        slicing_specs: slicing_specs.to_vec(),
    };
    gate(MetricThreshold {
        cross_slice_thresholds: vec![CrossSliceThreshold {
            cross_slicing_specs: specs.iter().map(spec).collect(),
            value_threshold: at_least(0.1),
            ..CrossSliceThreshold::default()
        }],
        ..MetricThreshold::default()
    })
}

type Key<'a> = &'a [(&'a str, &'a str)];

fn crossed(pairs: &[(Key, Key, f64)]) -> Evaluation {
    let mut evaluation = alone(0.5);
    let named = |key: Key| key.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    for (base, slice, difference) in pairs {
        evaluation.cross_slices.push(CrossSlice {
            baseline_slice_key: named(base),
            slice_key: named(slice),
            metrics: alone(*difference).slices.remove(0).metrics,
        });
    }
    evaluation
}

#[test]
fn cross_slices() {
    let overall = SlicingSpec::default;
    let (one, two, three) = (
        &[("feature1", "value1")],
        &[("feature2", "value2")],
        &[("feature3", "value3")],
    );
    let (is_two, is_three) = ([is("feature2", "value2")], [is("feature3", "value3")]);
    let either = [is("feature2", "value2"), by("feature3")];
    let twice = [
        (by("feature1"), is_two.as_slice()),
        (by("feature2"), is_three.as_slice()),
    ];
    insta::assert_snapshot!(checked(vec![
        ("against overall, holds", crossing(&[(overall(), &is_two)]), crossed(&[(&[], two, 0.1)]), OK, Blessed),
        ("against overall, fails", crossing(&[(overall(), &is_two)]), crossed(&[(&[], two, 0.09)]), NOT_OK, NotBlessed),
        ("one pair", crossing(&[(by("feature1"), &is_two)]), crossed(&[(one, two, 0.0)]), NOT_OK, NotBlessed),
        ("two specs", crossing(&twice), crossed(&[(one, two, 0.2), (two, three, 0.0)]), NOT_OK, NotBlessed),
        ("two slicing specs in one", crossing(&[(by("feature1"), &either)]), crossed(&[(one, two, 0.2), (one, three, 0.0)]), NOT_OK, NotBlessed),
        ("two slicing specs, one of them missing", crossing(&[(by("feature1"), &either)]), crossed(&[(one, three, 0.2)]), OK, NotBlessed),
        ("the pair of neither spec", crossing(&twice), crossed(&[(one, three, 0.2)]), NOT_OK, NotBlessed),
        ("turned round", crossing(&[(overall(), &is_two)]), crossed(&[(two, &[], 0.2)]), NOT_OK, NotBlessed),
        ("not a number", crossing(&[(overall(), &is_two)]), crossed(&[(&[], two, f64::NAN)]), NOT_OK, NotBlessed),
    ]), @"
    against overall, holds: blessed
    ✓ auc on overall less feature2=value2 is 0.1000, as asked (≥ 0.1)
    against overall, fails: not_blessed
    ✗ auc on overall less feature2=value2 is 0.0900, below the lower bound 0.1000
    one pair: not_blessed
    ✗ auc on feature1=value1 less feature2=value2 is 0.0000, below the lower bound 0.1000
    two specs: not_blessed
    ✗ auc on feature2=value2 less feature3=value3 is 0.0000, below the lower bound 0.1000
    ✓ auc on feature1=value1 less feature2=value2 is 0.2000, as asked (≥ 0.1)
    two slicing specs in one: not_blessed
    ✗ auc on feature1=value1 less feature3=value3 is 0.0000, below the lower bound 0.1000
    ✓ auc on feature1=value1 less feature2=value2 is 0.2000, as asked (≥ 0.1)
    two slicing specs, one of them missing: not_blessed (TFMA: ok)
    ✗ no slice feature2=value2 against by feature1 was compared: there were no such examples, or the evaluator does not compare so
    ✓ auc on feature1=value1 less feature3=value3 is 0.2000, as asked (≥ 0.1)
    the pair of neither spec: not_blessed
    ✗ no slice feature2=value2 against by feature1 was compared: there were no such examples, or the evaluator does not compare so
    ✗ no slice feature3=value3 against by feature2 was compared: there were no such examples, or the evaluator does not compare so
    turned round: not_blessed
    ✗ no slice feature2=value2 against overall was compared: there were no such examples, or the evaluator does not compare so
    not a number: not_blessed
    ✗ auc on overall less feature2=value2 is undefined, since there are no examples: set min_slice_size above 0, or choose slices by feature_values in cross_slicing_specs
    ");
}

#[test]
fn the_result_has_tfmas_shape() {
    let mut gate = crossing(&[(SlicingSpec::default(), &[by("origin"), by("carrier")])]);
    let threshold = &mut gate.metrics["auc"];
    threshold.value_threshold = at_least(0.9);
    threshold.change_threshold = change(Some(0.0), None, HIGHER).change_threshold;
    gate.slicing_specs = vec![SlicingSpec::default(), by("month")];
    let mut evaluation = overall(0.5, 0.75);
    evaluation.cross_slices = crossed(&[(&[], &[("origin", "EWR")], 0.0)]).cross_slices;
    let mut result = json!(judge(&gate, &evaluation).validation_result());
    let fields = result.as_object_mut().unwrap();
    fields.remove("findings").and(fields.remove("comparisons")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&result).unwrap(), @r#"
    {
      "validation_ok": false,
      "verdict": "not_blessed",
      "missing_thresholds": false,
      "rubber_stamp": false,
      "metric_validations_per_slice": [
        {
          "slice_key": {},
          "failures": [
            {
              "metric_key": {
                "name": "auc"
              },
              "metric_threshold": {
                "value_threshold": {
                  "lower_bound": 0.9
                }
              },
              "metric_value": {
                "double_value": 0.5
              },
              "message": "auc overall is 0.5000, below the lower bound 0.9000"
            },
            {
              "metric_key": {
                "name": "auc",
                "is_diff": true
              },
              "metric_threshold": {
                "change_threshold": {
                  "absolute": 0.0,
                  "direction": "HIGHER_IS_BETTER"
                }
              },
              "metric_value": {
                "double_value": -0.25
              },
              "message": "auc overall fell from 0.7500 to 0.5000 (-0.2500), more than the allowed +0"
            }
          ]
        },
        {
          "cross_slice_key": {
            "baseline_slice_key": {},
            "comparison_slice_key": {
              "origin": "EWR"
            }
          },
          "failures": [
            {
              "metric_key": {
                "name": "auc"
              },
              "metric_threshold": {
                "value_threshold": {
                  "lower_bound": 0.1
                }
              },
              "metric_value": {
                "double_value": 0.0
              },
              "message": "auc on overall less origin=EWR is 0.0000, below the lower bound 0.1000"
            }
          ]
        }
      ],
      "missing_slices": [
        {
          "feature_keys": [
            "month"
          ]
        }
      ],
      "missing_cross_slices": [
        {
          "baseline_spec": {},
          "slicing_specs": [
            {
              "feature_keys": [
                "carrier"
              ]
            }
          ]
        }
      ],
      "validation_details": {
        "slicing_details": [
          {
            "slicing_spec": {},
            "num_matching_slices": 1
          },
          {
            "slicing_spec": {
              "feature_keys": [
                "month"
              ]
            },
            "num_matching_slices": 0
          },
          {
            "cross_slicing_spec": {
              "baseline_spec": {},
              "slicing_specs": [
                {
                  "feature_keys": [
                    "origin"
                  ]
                }
              ]
            },
            "num_matching_slices": 1
          },
          {
            "cross_slicing_spec": {
              "baseline_spec": {},
              "slicing_specs": [
                {
                  "feature_keys": [
                    "carrier"
                  ]
                }
              ]
            },
            "num_matching_slices": 0
          }
        ]
      }
    }
    "#);
}
