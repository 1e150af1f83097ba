//! The same rows are the same evaluation, whatever their file and types.

use super::guess::guess;
use super::parameters::Parameters;
use super::source::Source;
use super::tests::{floats, ints, texts};
use super::*;
use crate::task::sentence;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, DictionaryArray, DurationSecondArray, Float32Array,
    Int8Array, Int32Array, RecordBatch, TimestampMicrosecondArray, UInt64Array,
};
use arrow_cast::cast;
use arrow_schema::DataType;
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

#[test]
fn types_that_need_more_than_a_cast() {
    let plain = csv("y,p,f\n1,0.1,18446744073709551615\n0,0.7,18446744073709551614\n");
    let specs = json!([{"feature_keys": ["f"]}]);
    let right = evaluation("binary_classification", &specs, &plain.1).unwrap();
    let largest: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX - 1]));
    // The shortest decimals of numbers of 16 bits.
    let scores = cast(&floats(&[0.1, 0.7]), &DataType::Float16).unwrap();
    let (_folder, source) = parquet(&[("y", ints(&[1, 0])), ("p", scores), ("f", largest)]);
    assert_eq!(evaluation("binary_classification", &specs, &source).unwrap(), right);
    // Whatever has a dictionary is read as without it.
    let coded = |array: ArrayRef| {
        let of = DataType::Dictionary(Box::new(DataType::Int8), Box::new(array.data_type().clone()));
        let keys = Int8Array::from(vec![0, 1]);
        let found: ArrayRef = Arc::new(DictionaryArray::try_new(keys, array).unwrap());
        assert_eq!(found.data_type(), &of);
        found
    };
    let days: ArrayRef = Arc::new(Date32Array::from(vec![17_167, 17_168]));
    let plain = csv("y,p,f\nTrue,0.1,2017-01-01\nFalse,0.7,2017-01-02\n");
    let right = evaluation("binary_classification", &specs, &plain.1).unwrap();
    for label in [truths(&[true, false]), ints(&[1, 0]), texts(&["True", "False"])] {
        let (_folder, source) = parquet(&[
            ("y", coded(label)),
            ("p", coded(floats(&[0.1, 0.7]))),
            ("f", coded(days.clone())),
        ]);
        assert_eq!(evaluation("binary_classification", &specs, &source).unwrap(), right);
    }
    let refused = |column: ArrayRef| {
        let (_folder, source) = parquet(&[("y", ints(&[1, 0])), ("p", floats(&[0.1, 0.7])), ("f", column)]);
        evaluation("binary_classification", &specs, &source).unwrap_err()
    };
    insta::assert_snapshot!(refused(Arc::new(BinaryArray::from(vec![&b"a"[..], &b"\xff"[..]]))), @"column 'f' of the candidate's predictions: row 2 is no UTF-8 text, and nothing else is read");
    insta::assert_snapshot!(refused(Arc::new(DurationSecondArray::from(vec![1, 2]))), @"column 'f' of the candidate's predictions is Duration(s), which is not read: write it as a number or text where the predictions are made");
}

#[test]
fn a_column_that_is_left_out_is_not_there() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.parquet");
    let columns = [
        ("y", ints(&[1, 0])),
        ("p", floats(&[0.1, 0.7])),
        ("q", ints(&[1, 2])),
        ("q", ints(&[1, 2])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let open = |left_out: &[&str]| {
        let left_out: Vec<String> = left_out.iter().map(ToString::to_string).collect();
        Source::parquet(&path, &left_out)
    };
    let twice = open(&[])
        .map(drop)
        .unwrap_err()
        .to_string()
        .replace(&path.display().to_string(), "c.parquet");
    insta::assert_snapshot!(twice, @"file c.parquet has the column 'q' twice: rename one");
    assert!(evaluation("binary_classification", &json!([]), &open(&["q"]).unwrap()).is_ok());
    let gone = evaluation("binary_classification", &json!([]), &open(&["q", "p"]).unwrap()).unwrap_err();
    insta::assert_snapshot!(gone, @"column 'p' of the candidate's predictions is left out by --exclude-columns: take it out there, or name another");
}

#[test]
fn families_of_labels_and_scores() {
    let rows = |labels: &[&'static str], scores: &[&'static str]| {
        let pairs: Vec<_> = labels.iter().copied().zip(scores.iter().copied()).collect();
        guessed(&pairs.repeat(4))
    };
    let columns = |head: &str, rows: &[&str]| {
        let (_folder, source) = csv(&format!("{head}\n{}\n", rows.repeat(4).join("\n")));
        match guess(&source, "y", "p", false) {
            Ok(guess) => format!("{} since {}", guess.model_type.name(), guess.since),
            Err(error) => sentence(&error),
        }
    };
    let said = [
        rows(&["1", "2"], &["1", "2"]),
        rows(&["-1", "1"], &["-0.3", "0.8"]),
        rows(&["5"], &["4.5"]),
        rows(&["0", "1", "2"], &["0.1", "0.2", "0.3"]),
        rows(&["0", "1", "2"], &["0.5", "1.5", "2.5"]),
        rows(&["0.5", "0.25", "0.75"], &["0.6", "0.4", "0.7"]),
        rows(&["0.5", "0.25"], &["0.6", "0.4"]),
        rows(&["0", "1"], &["-3.2", "4.1"]),
        rows(&["0", "1"], &["True", "False"]),
        rows(&["yes", "no"], &["yes", "yes"]),
        rows(&["yes", "no"], &["0.2", "0.8"]),
        rows(&["a", "b", "c"], &["0.2", "0.8", "0.5"]),
        rows(&["1", "2", "x"], &["1", "2", "2"]),
        rows(&["2017-01-01", "2017-01-02"], &["0.5", "0.25"]),
        rows(&["", ""], &["0.5", "0.25"]),
        rows(&["0", "1"], &["", ""]),
        columns(
            "y,p,p_0,p_1,p_2",
            &["0,0,0.7,0.2,0.1", "1,1,0.2,0.5,0.3", "2,1,0.1,0.3,0.6"],
        ),
        columns(
            "y,p,p_0.0,p_1.0,p_2.0",
            &["0,0,0.7,0.2,0.1", "1,1,0.2,0.5,0.3", "2,1,0.1,0.3,0.6"],
        ),
        columns("y,p,p_0,p_1", &["0,0,0.7,0.2", "1,1,0.2,0.5", "2,1,0.1,0.3"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    the labels in column 'y' of the candidate's predictions are 1, 2, which may be classes or amounts: write the labels as 0 and 1 where the predictions are made if these are scores of 1, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification
    the labels in column 'y' of the candidate's predictions are -1, 1, which may be classes or amounts: write the labels as 0 and 1 where the predictions are made if these are scores of 1, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification
    the labels in column 'y' of the candidate's predictions are all 5, which may be classes or amounts: write the labels as 0 and 1 where the predictions are made if these are scores of 1, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification
    the labels in column 'y' of the candidate's predictions are 0, 1, 2, which may be classes or amounts: name the column of the predicted classes as --prediction if they are classes, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification
    regression since the labels are numbers other than 0 and 1
    regression since the labels are numbers other than 0 and 1
    the labels in column 'y' of the candidate's predictions are 0.25, 0.5, which may be classes or amounts: write the labels as 0 and 1 where the predictions are made if these are scores of 1, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification
    binary_classification since all labels are 0 or 1
    binary_classification since all labels are 0 or 1
    multiclass_classification since the predictions are text
    column 'y' of the candidate's predictions holds 'no' and 'yes', and a label of binary_classification is 0 or 1, or false or true: write 1 for the one that the predictions are of where these are made, or name the column of the predicted classes as --prediction
    column 'y' of the candidate's predictions: row 1 is 'a', and a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made, or name the column of the predicted classes as --prediction
    column 'y' of the candidate's predictions: row 3 is 'x' among labels that are numbers: correct it, or say what the model predicts with --model-type multiclass_classification if they are classes
    column 'y' of the candidate's predictions holds '2017-01-01' and '2017-01-02', and a label of binary_classification is 0 or 1, or false or true: write 1 for the one that the predictions are of where these are made, or name the column of the predicted classes as --prediction
    column 'y' of the candidate's predictions has no value in any row: write it where the predictions are made, or name another
    column 'p' of the candidate's predictions has no value in any row: write it where the predictions are made, or name another
    multiclass_classification since there is a column of probabilities for each label
    multiclass_classification since there is a column of probabilities for each label
    columns 'y' and 'p' of the candidate's predictions hold the same 3 whole numbers, which may be classes or amounts: say which with --model-type multiclass_classification or regression
    ");
}

#[test]
fn classes_that_differ_in_their_writing_are_refused() {
    let said = |head: &str, labels: &[&str], rest: &[&str]| {
        let rows: String = labels
            .iter()
            .zip(rest)
            .map(|(label, rest)| format!("{label},{rest}\n"))
            .collect();
        let (_folder, source) = csv(&format!("{head}\n{rows}"));
        evaluation("multiclass_classification", &json!([]), &source)
            .map_or_else(|error| error, |_| "measured".to_owned())
    };
    let said = [
        said("y,p", &["cat", "dog"], &["cat", "Dog"]),
        said("y,p", &["cat", "dog"], &["cat ", "dog "]),
        said("y,p", &["1", "x"], &["1.0", "x"]),
        said("y,p", &["01", "x"], &["1", "x"]),
        said("y,p", &["1", "2"], &["1.0", "2.0"]),
        said("y,p,p_A,p_b", &["a", "b"], &["a,0.6,0.4", "b,0.5,0.5"]),
        said(
            "y,p,p_a,p_b",
            &["a", "b", "c"],
            &["a,0.6,0.4", "b,0.5,0.5", "a,0.5,0.5"],
        ),
        said("y,p,p_a,p_b,p_rank", &["a", "b"], &["a,0.6,0.4,1", "b,0.5,0.5,3"]),
        said("y,p_a,p_b", &["a", "b"], &["0.6,0.4", "0.5,0.5"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    the candidate's predictions have the class 'Dog' and the label 'dog', which differ only in case, blanks or as a number is written: write both by the same name
    the candidate's predictions have the class 'cat ' and the label 'cat', which differ only in case, blanks or as a number is written: write both by the same name
    the candidate's predictions have the class '1.0' and the label '1', which differ only in case, blanks or as a number is written: write both by the same name
    the candidate's predictions have the class '1' and the label '01', which differ only in case, blanks or as a number is written: write both by the same name
    measured
    the candidate's predictions have the class 'a' and a column of probabilities of 'A', which differ only in case, blanks or as a number is written: write both by the same name
    the candidate's predictions have no column with the probability of class 'c': write one for each class, or none
    column 'p_rank' of the candidate's predictions: row 2 is 3, and a column PREDICTION_CLASS holds the probability of that class, from 0 to 1: rename it if it is none, or name those that are as probabilities
    the candidate's predictions have no column 'p' (if p_a, p_b are the probabilities of classes, write the predicted class as 'p' beside them), only y, p_a, p_b: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')
    ");
}

#[test]
fn keys_are_the_same_however_they_are_written() {
    let hours: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![3_600_000_000, 7_200_000_000]));
    for (key, text) in [
        (truths(&[true, false]), ["True", "False"]),
        (hours, ["1970-01-01 01:00:00", "1970-01-01 02:00:00"]),
        (texts(&["1.0", "2.0"]), ["1", "2"]),
    ] {
        let (_folder, typed) = parquet(&[("y", ints(&[1, 0])), ("p", floats(&[0.5, 0.25])), ("k", key)]);
        let (_other, text) = csv(&format!("y,p,k\n0,0.25,{}\n1,0.5,{}\n", text[1], text[0]));
        let parameters = json!({"model_type": "binary_classification", "label": "y", "prediction": "p", "bootstrap": {"num_samples": 0}});
        let parameters: Parameters = serde_json::from_value(parameters).unwrap();
        let paired = measured(&parameters, &typed, Some(&text), Some("k"));
        assert!(paired.is_ok(), "{:?}", paired.map(drop));
    }
}
