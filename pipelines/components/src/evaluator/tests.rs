use super::*;
use crate::task::sentence;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

pub(super) fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(super) fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub(super) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn write(folder: &Path, columns: &[(&str, ArrayRef)]) {
    fs::create_dir(folder).unwrap();
    let batch = RecordBatch::try_from_iter(columns.iter().map(|(name, array)| (name.to_string(), array.clone())));
    let batch = batch.unwrap();
    let file = File::create(folder.join("predictions.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

pub(super) type Columns<'a> = &'a [(&'a str, ArrayRef)];

/// Runs the evaluator; evaluation and executor output, or the sentence with the folder's name cut out.
pub(super) fn evaluated(with: Value, candidate: Columns, baseline: Option<Columns>) -> Result<(Value, Value), String> {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    write(&place("candidate"), candidate);
    match baseline {
        Some(columns) => write(&place("baseline"), columns),
        None => fs::create_dir(place("baseline")).unwrap(),
    }
    let mut parameters = json!({"model_type": "binary_classification", "label": "late", "prediction": "score", "bootstrap": {"num_samples": 0}});
    parameters
        .as_object_mut()
        .unwrap()
        .extend(with.as_object().unwrap().clone());
    let task = json!({
        "parameters": parameters,
        "inputs": {"candidate": {"path": place("candidate"), "digest": "sha256:1"}, "baseline": {"path": place("baseline"), "digest": null}},
        "outputs": {"evaluation": {"path": place("evaluation")}},
        "executor_output": place("executor_output.json"),
    });
    let task: Task = serde_json::from_value(task).unwrap();
    let read = |name: &str| serde_json::from_slice(&fs::read(place(name)).unwrap()).unwrap();
    run(&task)
        .map(|()| (read("evaluation/evaluation.json"), read("executor_output.json")))
        .map_err(|error| sentence(&error).replace(&folder.path().display().to_string(), ""))
}

pub(super) fn said(with: Value, candidate: Columns, baseline: Option<Columns>) -> String {
    evaluated(with, candidate, baseline).unwrap_err()
}

fn four_flights() -> [(&'static str, ArrayRef); 3] {
    [
        ("late", ints(&[1, 0, 1, 0])),
        ("score", floats(&[0.75, 0.25, 0.25, 0.25])),
        ("origin", texts(&["EWR", "EWR", "JFK", "JFK"])),
    ]
}

#[test]
fn the_file_for_the_gate() {
    let baseline = [("score", floats(&[0.5, 0.5, 0.5, 0.5])), ("late", ints(&[1, 0, 1, 0]))];
    let slicing = json!({"slicing_specs": [{}, {"feature_values": {"origin": "EWR"}}]});
    let (evaluation, output) = evaluated(slicing, &four_flights(), Some(&baseline)).unwrap();
    // The plots are long, and checked on their own.
    let mut evaluation = evaluation;
    for slice in evaluation["slices"].as_array_mut().unwrap() {
        slice.as_object_mut().unwrap().remove("plots").unwrap();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&evaluation).unwrap(), @r#"
    {
      "schema_version": 2,
      "model_type": "binary_classification",
      "label": "late",
      "prediction": "score",
      "baseline": true,
      "confidence_level": 0.95,
      "bootstrap": null,
      "slices": [
        {
          "slice_key": {},
          "num_examples": 4,
          "metrics": {
            "accuracy": {
              "candidate": 0.75,
              "baseline": 0.5
            },
            "auc": {
              "candidate": 0.75,
              "baseline": 0.5
            },
            "brier_score": {
              "candidate": 0.1875,
              "baseline": 0.25
            },
            "calibration": {
              "candidate": 0.75,
              "baseline": 1.0
            },
            "expected_calibration_error": {
              "candidate": 0.125,
              "baseline": 0.0
            },
            "f1": {
              "candidate": 0.6666666666666666,
              "baseline": 0.0
            },
            "log_loss": {
              "candidate": 0.5623351446188083,
              "baseline": 0.6931471805599453
            },
            "max_calibration_error": {
              "candidate": 0.25,
              "baseline": 0.0
            },
            "mean_label": {
              "candidate": 0.5,
              "baseline": 0.5
            },
            "mean_prediction": {
              "candidate": 0.375,
              "baseline": 0.5
            },
            "pr_auc": {
              "candidate": 0.75,
              "baseline": 0.5
            },
            "precision": {
              "candidate": 1.0,
              "baseline": null
            },
            "recall": {
              "candidate": 0.5,
              "baseline": 0.0
            }
          }
        },
        {
          "slice_key": {
            "origin": "EWR"
          },
          "num_examples": 2,
          "metrics": {
            "accuracy": {
              "candidate": 1.0,
              "baseline": 0.5
            },
            "auc": {
              "candidate": 1.0,
              "baseline": 0.5
            },
            "brier_score": {
              "candidate": 0.0625,
              "baseline": 0.25
            },
            "calibration": {
              "candidate": 1.0,
              "baseline": 1.0
            },
            "expected_calibration_error": {
              "candidate": 0.25,
              "baseline": 0.0
            },
            "f1": {
              "candidate": 1.0,
              "baseline": 0.0
            },
            "log_loss": {
              "candidate": 0.2876820724517809,
              "baseline": 0.6931471805599453
            },
            "max_calibration_error": {
              "candidate": 0.25,
              "baseline": 0.0
            },
            "mean_label": {
              "candidate": 0.5,
              "baseline": 0.5
            },
            "mean_prediction": {
              "candidate": 0.5,
              "baseline": 0.5
            },
            "pr_auc": {
              "candidate": 1.0,
              "baseline": 0.5
            },
            "precision": {
              "candidate": 1.0,
              "baseline": null
            },
            "recall": {
              "candidate": 1.0,
              "baseline": 0.0
            }
          }
        }
      ],
      "cross_slices": []
    }
    "#);
    insta::assert_snapshot!(output, @r#"{"metrics":{"accuracy":0.75,"auc":0.75,"baseline_accuracy":0.5,"baseline_auc":0.5,"baseline_brier_score":0.25,"baseline_calibration":1.0,"baseline_expected_calibration_error":0.0,"baseline_f1":0.0,"baseline_log_loss":0.6931471805599453,"baseline_max_calibration_error":0.0,"baseline_mean_label":0.5,"baseline_mean_prediction":0.5,"baseline_pr_auc":0.5,"baseline_recall":0.0,"brier_score":0.1875,"calibration":0.75,"expected_calibration_error":0.125,"f1":0.6666666666666666,"log_loss":0.5623351446188083,"max_calibration_error":0.25,"mean_label":0.5,"mean_prediction":0.375,"pr_auc":0.75,"precision":1.0,"recall":0.5},"artifacts":{"evaluation":{"properties":{"num_examples":4,"baseline":true}}}}"#);
}

#[test]
fn plots_of_a_binary_model() {
    let (evaluation, _) = evaluated(json!({}), &four_flights(), None).unwrap();
    let plots = &evaluation["slices"][0]["plots"];
    assert_eq!(plots.get("baseline"), None);
    let row = |plot: &str, row: usize| plots["candidate"][plot][row].to_string();
    insta::assert_snapshot!(row("confusion_at_thresholds", 5), @r#"{"threshold":0.5,"true_positives":1,"false_positives":0,"true_negatives":2,"false_negatives":1}"#);
    insta::assert_snapshot!(row("reliability", 2), @r#"{"lower":0.2,"upper":0.3,"num_examples":3,"mean_prediction":0.25,"mean_label":0.3333333333333333}"#);
    insta::assert_snapshot!(row("reliability", 9), @r#"{"lower":0.9,"upper":1.0,"num_examples":0,"mean_prediction":null,"mean_label":null}"#);
}

/// Rows above a threshold, counted one by one.
#[test]
fn curves_of_all_rows_have_thresholds_at_quantiles_of_the_scores() {
    let scores: Vec<f64> = (0..1_000).map(|row| f64::from(row * row % 997) / 9_970.0).collect();
    let labels: Vec<i64> = (0..1_000).map(|row| i64::from(row % 3 == 0)).collect();
    let places: Vec<&str> = (0..1_000).map(|row| if row % 2 == 0 { "EWR" } else { "JFK" }).collect();
    let columns = [
        ("late", ints(&labels)),
        ("score", floats(&scores)),
        ("origin", texts(&places)),
    ];
    let slicing = json!({"slicing_specs": [{}, {"feature_keys": ["origin"]}]});
    let (evaluation, _) = evaluated(slicing, &columns, None).unwrap();
    let at = |slice: usize| {
        let plots = &evaluation["slices"][slice]["plots"]["candidate"]["confusion_at_thresholds"];
        plots.as_array().unwrap().clone()
    };
    let all = at(0);
    assert!((90..=101).contains(&all.len()), "{}", all.len());
    assert_eq!(at(1).len(), 9, "the files stay small");
    for confusion in &all {
        let threshold = confusion["threshold"].as_f64().unwrap();
        let count = |above: bool, label: i64| {
            let rows = scores.iter().zip(&labels);
            rows.filter(|(score, of)| (**score > threshold) == above && **of == label)
                .count() as u64
        };
        let told = ["true_positives", "false_positives", "true_negatives", "false_negatives"]
            .map(|name| confusion[name].as_u64().unwrap());
        let counted = [count(true, 1), count(true, 0), count(false, 0), count(false, 1)];
        assert_eq!(told, counted, "{confusion}");
    }
    let thresholds: Vec<f64> = all.iter().map(|at| at["threshold"].as_f64().unwrap()).collect();
    assert!(thresholds.windows(2).all(|pair| pair[0] < pair[1]));
    // No score is above 0.1, so that nine thresholds would have seen one point.
    let text = evaluation.to_string();
    let roc = trainyard_core::evaluation::curves(&text)
        .unwrap()
        .candidate
        .unwrap()
        .roc;
    assert!(roc.len() > 85, "{roc:?}");
}

#[test]
fn no_baseline_is_an_empty_folder_or_a_table_without_rows() {
    let empty = [("late", ints(&[])), ("score", floats(&[]))];
    for baseline in [None, Some(empty.as_slice())] {
        let (evaluation, output) = evaluated(json!({}), &four_flights(), baseline).unwrap();
        assert_eq!(evaluation["baseline"], false);
        assert_eq!(
            evaluation["slices"][0]["metrics"]["auc"],
            json!({"candidate": 0.75, "baseline": null})
        );
        assert_eq!(output["metrics"].get("baseline_auc"), None);
    }
}

#[test]
fn nothing_predicted_is_nothing_measured() {
    let empty = [("late", ints(&[])), ("score", floats(&[])), ("origin", texts(&[]))];
    let (evaluation, output) =
        evaluated(json!({"slicing_specs": [{"feature_keys": ["origin"]}]}), &empty, None).unwrap();
    assert_eq!(evaluation["slices"].as_array().unwrap().len(), 1);
    assert_eq!(evaluation["slices"][0]["num_examples"], 0);
    assert_eq!(
        evaluation["slices"][0]["metrics"]["auc"],
        json!({"candidate": null, "baseline": null})
    );
    assert_eq!(output.get("metrics"), None);
    insta::assert_snapshot!(said(json!({}), &empty, Some(&four_flights())), @"the candidate has 0 predictions and the baseline 4: let both predict the same examples, in the same order");
}

#[test]
fn regression_of_whole_labels() {
    let rows = [("late", ints(&[1, 2])), ("score", floats(&[1.5, 2.5]))];
    let (evaluation, _) = evaluated(json!({"model_type": "regression"}), &rows, None).unwrap();
    assert_eq!(evaluation["model_type"], "regression");
    assert_eq!(evaluation["slices"][0]["metrics"]["mean_error"]["candidate"], 0.5);
}

#[test]
fn slices_by_numbers() {
    let rows = [
        ("late", ints(&[1, 0])),
        ("score", floats(&[0.5, 0.5])),
        ("month", ints(&[1, 12])),
    ];
    let (evaluation, _) = evaluated(json!({"slicing_specs": [{"feature_keys": ["month"]}]}), &rows, None).unwrap();
    assert_eq!(evaluation["slices"][2]["slice_key"], json!({"month": "12"}));
}

#[test]
fn illegal_values_are_refused_by_row() {
    let scores = |values: &[f64]| said(json!({}), &[("late", ints(&[0, 1])), ("score", floats(values))], None);
    insta::assert_snapshot!(scores(&[0.5, f64::NAN]), @"column 'score' of the candidate's predictions: row 2 is NaN, and a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row");
    insta::assert_snapshot!(scores(&[1.01, 0.5]), @"column 'score' of the candidate's predictions: row 1 is 1.01, and a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row");
    let labels = |array: ArrayRef| said(json!({}), &[("late", array), ("score", floats(&[0.5, 0.5]))], None);
    insta::assert_snapshot!(labels(ints(&[0, 2])), @"column 'late' of the candidate's predictions: row 2 is 2, and a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made");
    insta::assert_snapshot!(labels(texts(&["true", "yes"])), @"column 'late' of the candidate's predictions: row 2 is 'yes', and a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made");
    insta::assert_snapshot!(labels(Arc::new(Int64Array::from(vec![Some(1), None]))), @"column 'late' of the candidate's predictions: row 2 has no value, and a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made");
    let infinite = [("late", ints(&[0])), ("score", floats(&[f64::INFINITY]))];
    insta::assert_snapshot!(said(json!({"model_type": "regression"}), &infinite, None), @"column 'score' of the candidate's predictions: row 1 is inf, and a prediction is a finite number: look at what the model makes of this row");
}

#[test]
fn models_on_different_rows_are_not_compared() {
    let baseline = |labels: &[i64]| {
        let scores = vec![0.5; labels.len()];
        said(
            json!({}),
            &four_flights(),
            Some(&[("late", ints(labels)), ("score", floats(&scores))]),
        )
    };
    insta::assert_snapshot!(baseline(&[1, 0, 1]), @"the candidate has 4 predictions and the baseline 3: let both predict the same examples, in the same order");
    insta::assert_snapshot!(baseline(&[1, 0, 0, 1]), @"row 3 has the label 1 for the candidate and 0 for the baseline: let both predict the same examples, in the same order");
}

#[test]
fn wrong_parameters_are_explained() {
    let with = |with: Value| said(with, &four_flights(), None);
    insta::assert_snapshot!(with(json!({"model_type": "ranking"})), @"the step's parameter 'model_type' is wrong: unknown variant `ranking`, expected one of `binary_classification`, `multiclass_classification`, `regression`");
    insta::assert_snapshot!(with(json!({"label": null})), @"the step's parameter 'label' is wrong: invalid type: null, expected a string");
    insta::assert_snapshot!(with(json!({"label": "delayed"})), @"the candidate's predictions have no column 'delayed', only late, score, origin: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')");
    insta::assert_snapshot!(with(json!({"slicing_specs": [{"feature_keys": ["carrier"]}]})), @"the candidate's predictions have no column 'carrier', only late, score, origin: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')");
    insta::assert_snapshot!(with(json!({"slicing_specs": [{"feature_key": ["origin"]}]})), @"the step's parameter 'slicing_specs[0].feature_key' is wrong: unknown field `feature_key`, expected one of `feature_keys`, `feature_values`, `bins`");
}
