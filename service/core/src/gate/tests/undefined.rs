//! What is undefined says why, and what to do.

use super::super::judge;
use super::{by, gate, is, sentences, value};
use crate::evaluation::{Evaluation, Measured, Slice};
use crate::plan::{Gate, MetricThreshold, PerSliceThreshold, SlicingSpec};

/// An evaluation with one slice beside the overall one; `{}` is undefined for both models.
fn sliced(model_type: &str, num_examples: u64, metrics: &[(&str, Option<f64>)]) -> Evaluation {
    let slice = |key: &[(&str, &str)]| Slice {
        slice_key: key.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        num_examples,
        metrics: metrics
            .iter()
            .map(|(name, candidate)| {
                let measured = Measured {
                    candidate: *candidate,
                    ..Measured::default()
                };
                ((*name).to_owned(), measured)
            })
            .collect(),
        ..Slice::default()
    };
    Evaluation {
        schema_version: 2,
        model_type: model_type.to_owned(),
        slices: vec![slice(&[]), slice(&[("payment_type", "Cash")])],
        ..Evaluation::default()
    }
}

fn said(metric: &str, evaluation: &Evaluation) -> String {
    let mut gate = Gate {
        slicing_specs: vec![by("payment_type")],
        ..gate(value(Some(0.5), None))
    };
    let threshold = gate.metrics.shift_remove("auc").unwrap();
    gate.metrics.insert(metric.to_owned(), threshold);
    sentences(&judge(&gate, evaluation))
}

#[test]
fn each_metric_has_its_own_reason() {
    let binary = |metric: &str, mean_label: f64| {
        let metrics = [(metric, None), ("mean_label", Some(mean_label))];
        said(metric, &sliced("binary_classification", 120, &metrics))
    };
    let regression = |metric: &str, squares: Option<f64>| {
        let metrics = [
            ("mean_absolute_error", Some(1.0)),
            ("mean_squared_error", squares),
            (metric, None),
        ];
        said(metric, &sliced("regression", 1, &metrics))
    };
    let classes = |metric: &str, log_loss: Option<f64>| {
        let metrics = [("accuracy", Some(1.0)), ("log_loss", log_loss), (metric, None)];
        said(metric, &sliced("multiclass_classification", 120, &metrics))
    };
    let weightless = |mut evaluation: Evaluation| {
        evaluation
            .slices
            .iter_mut()
            .for_each(|slice| slice.effective_num_examples = Some(0.0));
        evaluation
    };
    let all = [
        binary("auc", 0.0),
        binary("pr_auc", 1.0),
        binary("recall", 0.0),
        binary("precision", 0.5),
        binary("f1", 0.0),
        regression("r_squared", Some(1.0)),
        regression("r_squared", None),
        regression("mean_absolute_percentage_error", Some(1.0)),
        classes("recall:ant", None),
        classes("precision:ant", None),
        classes("auc", None),
        classes("auc", Some(0.5)),
        said("auc", &sliced("binary_classification", 0, &[("auc", None)])),
        said("auc", &sliced("binary_classification", 120, &[("auc", None)])),
        said("lift", &sliced("ranking", 120, &[("lift", None)])),
        said(
            "auc",
            &weightless(sliced("binary_classification", 120, &[("auc", None)])),
        ),
        said("auc", &sliced("regression", 120, &[("mean_error", Some(0.5))])),
        said("lift", &sliced("regression", 120, &[("mean_error", Some(0.5))])),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ pr_auc on payment_type=Cash is undefined, since none of its 120 examples is negative: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ recall on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ precision on payment_type=Cash is undefined for the candidate, since none of its 120 examples is predicted to be positive (above 0.5): judge another metric, or look at the model
    ✗ f1 on payment_type=Cash is undefined, since none of its 120 examples is positive or predicted to be: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ r_squared on payment_type=Cash is undefined, since the labels of its 1 example do not differ: set min_slice_size above 1, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ r_squared on payment_type=Cash is undefined for the candidate, since its errors are too large to be squared: judge another metric, or look at the model
    ✗ mean_absolute_percentage_error on payment_type=Cash is undefined, since its error is divided by the label, which is 0 in one of its examples: set min_slice_size above 1, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ recall:ant on payment_type=Cash is undefined, since none of its 120 examples is of class 'ant': set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ precision:ant on payment_type=Cash is undefined for the candidate, since class 'ant' is predicted for none of its 120 examples: judge another metric, or look at the model
    ✗ auc on payment_type=Cash is undefined for the candidate, since the predictions have no columns with the probabilities of the classes: write them, or judge another metric
    ✗ auc on payment_type=Cash is undefined, since its 120 examples are all of one class: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ auc on payment_type=Cash is undefined, since there are no examples: set min_slice_size above 0, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ auc on payment_type=Cash is undefined, since the evaluation has no number for its 120 examples: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ lift on payment_type=Cash is undefined, since the evaluation has no number for its 120 examples: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ auc on payment_type=Cash is undefined, since none of its examples has a weight above 0: set min_slice_size above 0, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ metric 'auc' was not measured on slice payment_type=Cash, since the evaluation is of regression: give the evaluator model_type binary_classification or multiclass_classification if the model is one, or ask for another metric
    ✗ metric 'lift' was not measured on slice payment_type=Cash: have the evaluator measure it, or take its threshold out
    ");
}

#[test]
fn weights_count_in_min_slice_size() {
    let mut evaluation = sliced("binary_classification", 120, &[("auc", Some(0.7))]);
    evaluation.slices[1].effective_num_examples = Some(9.9);
    let gate = Gate {
        slicing_specs: vec![SlicingSpec::default(), by("payment_type")],
        min_slice_size: Some(10),
        ..gate(value(Some(0.5), None))
    };
    insta::assert_snapshot!(sentences(&judge(&gate, &evaluation)), @"
    – not judged, for fewer than the 10 examples of min_slice_size: payment_type=Cash (120 examples, by weight as good as 9)
    ✓ auc overall is 0.7000, as asked (≥ 0.5)
    ");
    // What rounding takes off equal weights is no row.
    evaluation.slices[1].effective_num_examples = Some(10.0 - 1e-13);
    assert_eq!(judge(&gate, &evaluation).unjudged().count(), 0);
    evaluation.slices[0].effective_num_examples = Some(1.0);
    insta::assert_snapshot!(judge(&gate, &evaluation).reason().unwrap(), @"nothing can be concluded from 120 examples, by weight as good as 1 overall, fewer than the 10 of min_slice_size");
}

#[test]
fn the_way_out_is_none_that_the_gate_has_already() {
    let cash = sliced(
        "binary_classification",
        120,
        &[("auc", None), ("mean_label", Some(0.0))],
    );
    let own = |spec: SlicingSpec| {
        vec![PerSliceThreshold {
            slicing_specs: vec![spec],
            value_threshold: value(Some(0.5), None).value_threshold,
            ..PerSliceThreshold::default()
        }]
    };
    let said = |general: &[SlicingSpec], per_slice: Vec<PerSliceThreshold>| {
        let threshold = MetricThreshold {
            per_slice_thresholds: per_slice,
            ..value(None, Some(1.0))
        };
        let gate = Gate {
            slicing_specs: general.to_vec(),
            ..gate(threshold)
        };
        let said = sentences(&judge(&gate, &cash));
        let of_cash: Vec<&str> = said.lines().filter(|line| line.contains("payment_type=")).collect();
        of_cash.join("\n")
    };
    let all = [
        said(&[by("payment_type")], Vec::new()),
        said(&[by("payment_type")], own(is("payment_type", "Cash"))),
        said(&[], own(by("payment_type"))),
        said(&[is("payment_type", "Cash")], Vec::new()),
        said(&[], own(is("payment_type", "Cash"))),
        said(&[is("payment_type", "Nope")], Vec::new()),
        said(&[], own(is("payment_type", "Nope"))),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or choose slices by feature_values in slicing_specs or per_slice_thresholds
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or choose slices by feature_values in slicing_specs
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or choose slices by feature_values in its per_slice_thresholds
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or take the slice out of the gate
    ✗ auc on payment_type=Cash is undefined, since none of its 120 examples is positive: set min_slice_size above 120, or take the slice out of the gate
    ✗ no slice payment_type=Nope was measured: there were no such examples, or the evaluator does not slice so
    ✗ no slice payment_type=Nope was measured: there were no such examples, or the evaluator does not slice so
    ");
}
