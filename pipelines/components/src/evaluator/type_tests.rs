//! The same rows are the same evaluation, whatever their file and types.

use super::guess::guess;
use super::parameters::Parameters;
use super::source::Source;
use super::tests::{floats, ints, texts};
use super::*;
use crate::task::sentence;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Int32Array, RecordBatch, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::sync::Arc;
use tempfile::TempDir;

type Columns<'a> = &'a [(&'a str, ArrayRef)];

fn parquet(columns: Columns) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.parquet");
    let batch = RecordBatch::try_from_iter(columns.iter().map(|(name, array)| (name.to_string(), array.clone())));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let source = Source::open(&path, &crate::example_gen::source::Reading::default(), &[]).unwrap();
    (folder, source)
}

fn csv(text: &str) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.csv");
    fs::write(&path, text).unwrap();
    let source = Source::open(&path, &crate::example_gen::source::Reading::default(), &[]).unwrap();
    (folder, source)
}

fn evaluation(model_type: &str, specs: &Value, source: &Source) -> Result<Value, String> {
    let parameters = json!({"model_type": model_type, "label": "y", "prediction": "p", "slicing_specs": specs, "bootstrap": {"num_samples": 20}});
    let parameters: Parameters = serde_json::from_value(parameters).unwrap();
    let evaluation = measured(&parameters, source, None, None).map_err(|error| sentence(&error))?;
    Ok(serde_json::to_value(&evaluation).unwrap())
}

fn truths(values: &[bool]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

fn singles(values: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from(values.to_vec()))
}

#[test]
fn labels_and_scores_of_every_type() {
    let text = csv("y,p\n1,0.1\n0,0.7\n1,0.30000001\n0,0.2\n");
    let right = evaluation("binary_classification", &json!([]), &text.1).unwrap();
    let scores = singles(&[0.1, 0.7, 0.3, 0.2]);
    let labels: [ArrayRef; 7] = [
        ints(&[1, 0, 1, 0]),
        Arc::new(Int32Array::from(vec![1, 0, 1, 0])),
        floats(&[1.0, 0.0, 1.0, 0.0]),
        singles(&[1.0, 0.0, 0.999_999_94, 1e-9]),
        truths(&[true, false, true, false]),
        texts(&["True", "False", "true", "FALSE"]),
        texts(&["1", "0", "1.0", "0.0"]),
    ];
    for label in labels {
        let (_folder, source) = parquet(&[("y", label), ("p", scores.clone())]);
        let found = evaluation("binary_classification", &json!([]), &source).unwrap();
        let value = |of: &Value, name: &str| of["slices"][0]["metrics"][name]["candidate"].as_f64().unwrap();
        for name in ["auc", "accuracy", "mean_label", "log_loss"] {
            assert!((value(&found, name) - value(&right, name)).abs() < 1e-7, "{name}");
        }
    }
    // The shortest decimal of a number of 32 bits is what CSV has.
    let (_folder, source) = parquet(&[("y", ints(&[1, 0])), ("p", singles(&[0.1, 0.7]))]);
    let other = csv("y,p\nTrue,0.1\nFalse,0.7\n");
    assert_eq!(
        evaluation("binary_classification", &json!([]), &source),
        evaluation("binary_classification", &json!([]), &other.1)
    );
    // Scores that are text, or sure of all, are scores.
    let (_folder, source) = parquet(&[("y", ints(&[1, 0])), ("p", texts(&["0.1", "0.7"]))]);
    assert_eq!(
        evaluation("binary_classification", &json!([]), &source),
        evaluation("binary_classification", &json!([]), &other.1)
    );
    let (_folder, source) = parquet(&[("y", truths(&[true, false])), ("p", truths(&[true, true]))]);
    assert!(evaluation("binary_classification", &json!([]), &source).is_ok());
}

#[test]
fn slices_of_every_type() {
    let midnight = |day: i64| day * 86_400_000_000;
    let hours: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        midnight(17_167) + 3_600_000_000,
        midnight(17_168),
    ]));
    let days: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        midnight(17_167),
        midnight(17_168),
    ]));
    // As pandas writes each to CSV.
    let table: [(ArrayRef, [&str; 2]); 10] = [
        (truths(&[true, false]), ["True", "False"]),
        (texts(&["True", "False"]), ["True", "False"]),
        (ints(&[1, 2]), ["1", "2"]),
        (floats(&[1.0, 2.0]), ["1.0", "2.0"]),
        (texts(&["1.0", "2.0"]), ["1.0", "2.0"]),
        (singles(&[0.1, 2.5]), ["0.1", "2.5"]),
        (texts(&["EWR", "1.0"]), ["EWR", "1.0"]),
        (
            Arc::new(Date32Array::from(vec![17_167, 17_168])),
            ["2017-01-01", "2017-01-02"],
        ),
        (hours, ["2017-01-01 01:00:00", "2017-01-02 00:00:00"]),
        (days, ["2017-01-01", "2017-01-02"]),
    ];
    for (column, [first, second]) in table {
        let specs = json!([{"feature_keys": ["f"]}]);
        let (_folder, typed) = parquet(&[("y", ints(&[1, 0])), ("p", floats(&[0.5, 0.25])), ("f", column)]);
        let (_other, text) = csv(&format!("y,p,f\n1,0.5,{first}\n0,0.25,{second}\n"));
        let [typed, text] = [typed, text].map(|source| evaluation("binary_classification", &specs, &source).unwrap());
        assert_eq!(typed, text, "{first}");
        assert_eq!(typed["slices"].as_array().unwrap().len(), 3, "{first}");
    }
    // One value is found and named as it is asked for.
    let specs = json!([{"feature_values": {"f": "True"}}]);
    for column in [truths(&[true, false]), texts(&["true", "False"]), ints(&[1, 0])] {
        let (_folder, typed) = parquet(&[("y", ints(&[1, 0])), ("p", floats(&[0.5, 0.25])), ("f", column)]);
        let found = evaluation("binary_classification", &specs, &typed).unwrap();
        assert_eq!(found["slices"][1]["slice_key"], json!({"f": "True"}));
        assert_eq!(found["slices"][1]["num_examples"], 1);
    }
}

#[test]
fn classes_have_one_name() {
    let right = csv("y,p\n1,1\n2,1\n10,10\n");
    let right = evaluation("multiclass_classification", &json!([]), &right.1).unwrap();
    let columns: [[ArrayRef; 2]; 4] = [
        [ints(&[1, 2, 10]), texts(&["1", "1", "10"])],
        [floats(&[1.0, 2.0, 10.0]), ints(&[1, 1, 10])],
        [texts(&["1.0", "2.0", "10.0"]), ints(&[1, 1, 10])],
        [texts(&["1", "2", "10"]), texts(&["1", "1.0", "10"])],
    ];
    for [label, prediction] in columns {
        let (_folder, source) = parquet(&[("y", label), ("p", prediction)]);
        assert_eq!(
            evaluation("multiclass_classification", &json!([]), &source).unwrap(),
            right
        );
    }
    let (_folder, source) = parquet(&[("y", truths(&[true, false])), ("p", texts(&["True", "True"]))]);
    let read = evaluation("multiclass_classification", &json!([]), &source).unwrap();
    assert_eq!(read["slices"][0]["metrics"]["accuracy"]["candidate"], 0.5);
    let refused = |label: ArrayRef, prediction: ArrayRef| {
        let (_folder, source) = parquet(&[("y", label), ("p", prediction)]);
        evaluation("multiclass_classification", &json!([]), &source).unwrap_err()
    };
    insta::assert_snapshot!(refused(texts(&["cat", "dog"]), ints(&[0, 1])), @"the candidate's predictions have no class that is among the labels: the predicted are '0', '1', the labels 'cat', 'dog': write both by the same names");
    insta::assert_snapshot!(refused(ints(&[0, 1]), texts(&["late", "on time"])), @"the candidate's predictions have no class that is among the labels: the predicted are 'late', 'on time', the labels '0', '1': write both by the same names");
}

#[test]
fn what_rounding_explains_and_what_it_does_not() {
    let legal = |score: f64| {
        let (_folder, source) = parquet(&[("y", ints(&[1, 0])), ("p", floats(&[score, 0.5]))]);
        evaluation("binary_classification", &json!([]), &source).is_ok()
    };
    let explained = [1.000_000_1, 1.0 + 2e-7, -1e-9, -1e-7, -0.0];
    assert!(explained.into_iter().all(legal));
    assert!(
        ![1.00001, -1e-5, 1.7, -0.5, f64::NAN, f64::INFINITY]
            .into_iter()
            .any(legal)
    );
}

/// What is guessed, or the sentence that asks.
fn guessed(rows: &[(&str, &str)]) -> String {
    let rows: String = rows.iter().map(|(label, score)| format!("{label},{score}\n")).collect();
    let (_folder, source) = csv(&format!("y,p\n{rows}"));
    match guess(&source, "y", "p", false) {
        Ok(guess) => format!("{} since {}", guess.model_type.name(), guess.since),
        Err(error) => sentence(&error),
    }
}

#[test]
fn one_outlier_is_no_other_model() {
    let labels = |count: usize| ["1", "0"].into_iter().cycle().take(count);
    let with = |label: &'static str, score: &'static str| {
        let mut rows: Vec<(&str, &str)> = labels(2000).map(|label| (label, "0.25")).collect();
        rows[16] = (label, score);
        guessed(&rows)
    };
    let whole: Vec<(&str, &str)> = [("3", "3"), ("4", "3"), ("5", "5")].repeat(4);
    let said = [
        with("1", "1.0000001"),
        with("1", "-1e-9"),
        with("1", "1.7"),
        with("1", "NaN"),
        with("1", "inf"),
        with("1", ""),
        with("", "0.5"),
        with("7", "0.5"),
        with("yes", "0.5"),
        with("0.5", "0.5"),
        guessed(&whole),
        guessed(&[("3.5", "3"), ("4", "3")]),
        guessed(&[("cat", "cat"), ("dog", "cat")]),
        guessed(&[("cat", "0"), ("dog", "1")]),
        guessed(&[("true", "0.5"), ("false", "0.5")]),
        guessed(&[("True", "True"), ("False", "True")]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    column 'y' of the candidate's predictions: row 17 is 7, and 1999 of 2000 labels are 0 or 1: correct the others, or say what the model predicts with --model-type regression
    column 'y' of the candidate's predictions: row 17 is 'yes', and 1999 of 2000 labels are 0 or 1: correct the others
    column 'y' of the candidate's predictions: row 17 is 0.5, and 1999 of 2000 labels are 0 or 1: correct the others, or say what the model predicts with --model-type regression
    columns 'y' and 'p' of the candidate's predictions hold the same 3 whole numbers, which may be classes or amounts: say which with --model-type multiclass_classification or regression
    regression since the labels are numbers other than 0 and 1
    multiclass_classification since the predictions are text
    column 'y' of the candidate's predictions holds 'cat' and 'dog', and a label of binary_classification is 0 or 1, or false or true: write 1 for the one that the predictions are of where these are made, or name the column of the predicted classes as --prediction
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    ");
}

#[test]
fn columns_of_both_probabilities_are_no_typing_error() {
    let (_folder, source) = csv("y,p_0,p_1\n1,0.5,0.5\n");
    insta::assert_snapshot!(evaluation("binary_classification", &json!([]), &source).unwrap_err(), @"the candidate's predictions have no column 'p' (the probability of 1 may be 'p_1'), only y, p_0, p_1: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')");
}
