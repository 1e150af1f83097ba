//! Bad input ends a step with exit code 1 and one sentence, the last line of its log.

use crate::yard::{Yard, month, parquet, predictions};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

fn examples(files: &[(&str, &[u8])], with: Value) -> String {
    let yard = Yard::new();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect();
    yard.examples("examples", &files, with).failure()
}

#[test]
fn span_files_that_cannot_be_read() {
    let said = |files: &[(&str, &[u8])]| examples(files, json!({}));
    insta::assert_snapshot!(said(&[("2013-01.parquet", b"flight,origin\n1,EWR\n")]), @"file 2013-01.parquet is neither Parquet nor named .csv: example-gen reads these two");
    let mut cut = parquet(&month(1));
    cut.truncate(cut.len() - 9);
    insta::assert_snapshot!(said(&[("2013-01.parquet", &cut)]), @"/source-examples/2013-01.parquet is not a whole Parquet file: write it anew: Parquet error: Invalid Parquet file. Corrupt footer");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"")]), @"file 2013-01.csv: it is empty: a CSV file starts with a line of column names");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"flight,origin\n")]), @"there is no row of data in 2013-01.csv: fill the span or leave it out of the window");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"a,b\n1,2\n3\n")]), @"file 2013-01.csv: line 3 has 1 value and the first line names 2 columns: complete it, or look whether the file was cut off there (values are separated by ','; separator sets another)");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"a,b\n1,\xff\xfe\n")]), @"file 2013-01.csv: line 2, byte 3 is 0xFF, which is not UTF-8: find out its encoding (in Latin-1 or Windows-1252, of the West, it would be 'ÿ') and convert it, for example with iconv -f ENCODING -t UTF-8");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n")]), @"file 2013-01.csv: it is an HTML page and no table: look at where it was downloaded from, often it is an error message or a login");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"\x1f\x8b\x08\0\0\0\0\0")]), @"file 2013-01.csv: it is compressed with gzip: unpack it first");
    insta::assert_snapshot!(said(&[("2013-01.parquet", b"PK\x03\x04 xl/workbook.xml")]), @"file 2013-01.parquet: it is an Excel workbook: save the sheet as CSV (UTF-8)");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"\xff\xfea\0,\0b\0\n\0")]), @"file 2013-01.csv: it is UTF-16LE text: save it as UTF-8, for example with iconv -f UTF-16LE -t UTF-8");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"a,b\n1,\"open\n")]), @"file 2013-01.csv: the quote that opens in line 2 is never closed, so that all after it would be one value: close it, write it twice if it is part of the value, or look whether the file was cut off");
    insta::assert_snapshot!(said(&[("2013-01.parquet", b"")]), @"file 2013-01.parquet is empty, without a single byte: bring it again");
    insta::assert_snapshot!(said(&[("2013-01.csv", b"a,b\nx,y\na,b\nz,w\n")]), @"file 2013-01.csv: row 2 is the line of column names once more, as where files were put together: take it away");
    let all = json!({"exclude_columns": ["a", "b"]});
    insta::assert_snapshot!(examples(&[("2013-01.csv", b"a,b\n1,2\n")], all), @"no column is left: exclude_columns and pandas' index are all that the files have");
    insta::assert_snapshot!(said(&[]), @"the input 'source' holds no span: check the source's uri and window");
}

#[test]
fn spans_that_do_not_fit_together() {
    let (january, parquet_january) = (month(1), parquet(&month(1)));
    let said = |february: &str| {
        examples(
            &[
                ("2013-01.csv", january.as_bytes()),
                ("2013-02.csv", february.as_bytes()),
            ],
            json!({}),
        )
    };
    insta::assert_snapshot!(said("flight,origin,distance,temp,late\n1,EWR,far,1.5,0\n"), @"column 'distance' is BYTES in file 2013-02.csv (row 1 is 'far') but INT in file 2013-01.csv: make it one type, name 'far' in missing_values if it stands for none, or say what it is with column_types: { distance: BYTES }");
    let mixed: [(&str, &[u8]); 2] = [
        ("2013-01.parquet", &parquet_january),
        ("2013-02.csv", b"flight,origin,distance,temp,late\n1,7,200,1.5,0\n"),
    ];
    insta::assert_snapshot!(examples(&mixed, json!({})), @"column 'origin' is INT in file 2013-02.csv but BYTES in file 2013-01.parquet: make it one type, or say what it is with column_types: { origin: BYTES }");
}

#[test]
fn example_gen_parameters() {
    let january = month(1);
    let said = |with: Value| examples(&[("2013-01.csv", january.as_bytes())], with);
    insta::assert_snapshot!(said(json!({"splits": {"train": "most"}})), @r#"split 'train' has "most" buckets: give it a whole number from 1 to 1000000"#);
    insta::assert_snapshot!(said(json!({"splits": ["train"]})), @"the step's parameter 'splits' is wrong: invalid type: sequence, expected a map");
    insta::assert_snapshot!(said(json!({"partition_feature_name": "tail"})), @"there is no column 'tail', which partition_feature_name names");
    insta::assert_snapshot!(said(json!({"partition_feature_name": "temp"})), @"column 'temp' is FLOAT: set partition_feature_name to a column of whole numbers or text");
    let gap = january.replacen(",EWR,", ",NA,", 1);
    insta::assert_snapshot!(examples(&[("2013-01.csv", gap.as_bytes())], json!({"partition_feature_name": "origin"})), @"row 1 of file 2013-01.csv has no value in 'origin', which partition_feature_name needs in every row");
}

#[test]
fn outputs_that_cannot_be_written() {
    let yard = Yard::new();
    yard.source("source", &[("2013-01.csv", month(1).into())]);
    yard.examples("examples", &[("2013-01.csv", month(1).into())], json!({}))
        .success();
    // A file where a folder should be stops even root.
    fs::write(yard.path("blocked"), "").unwrap();
    let ended = yard.step(
        "example-gen",
        json!({}),
        &[("source", "source")],
        ("examples", "blocked/examples"),
    );
    insta::assert_snapshot!(ended.failure(), @"cannot create /blocked/examples/Split-train: Not a directory (os error 20)");
    let ended = yard.step(
        "statistics-gen",
        json!({}),
        &[("examples", "examples")],
        ("statistics", "blocked/statistics"),
    );
    insta::assert_snapshot!(ended.failure(), @"cannot create /blocked/statistics/Split-train/spans: Not a directory (os error 20)");
}

#[test]
fn inputs_that_are_not_what_they_should_be() {
    let yard = Yard::new();
    fs::create_dir_all(yard.path("hollow/Split-eval")).unwrap();
    fs::create_dir(yard.path("empty")).unwrap();
    fs::create_dir(yard.path("prose")).unwrap();
    fs::write(yard.path("prose/schema.json"), "feature: []").unwrap();
    yard.statistics("statistics", &month(1), json!({}));
    let statistics = |examples: &str| {
        yard.step(
            "statistics-gen",
            json!({}),
            &[("examples", examples)],
            ("statistics", "out"),
        )
        .failure()
    };
    insta::assert_snapshot!(statistics("hollow"), @"cannot read /hollow/Split-eval/data.parquet: No such file or directory (os error 2)");
    insta::assert_snapshot!(statistics("empty"), @"/empty has no folder Split-<name>, so there is no split to read");
    let schema = |statistics: &str| {
        yard.step(
            "schema-gen",
            json!({}),
            &[("statistics", statistics)],
            ("schema", "out"),
        )
        .failure()
    };
    insta::assert_snapshot!(schema("statistics-examples"), @"cannot read /statistics-examples/Split-train/statistics.json: No such file or directory (os error 2)");
    let validator = |schema: &str, with: Value| {
        yard.step(
            "example-validator",
            with,
            &[("statistics", "statistics"), ("schema", schema)],
            ("anomalies", "out"),
        )
        .failure()
    };
    insta::assert_snapshot!(validator("prose", json!({})), @"cannot understand /prose/schema.json: expected ident at line 1 column 2");
    insta::assert_snapshot!(validator("statistics", json!({})), @"cannot read /statistics/schema.json: No such file or directory (os error 2)");
    insta::assert_snapshot!(validator("prose", json!({"on_anomaly": "stop"})), @"the step's parameter 'on_anomaly' is wrong: unknown variant `stop`, expected one of `fail`, `warn`, `ignore`");
    insta::assert_snapshot!(validator("prose", json!({"severity_overrides": {"TYPO": "WARNING"}})), @"the step's parameter 'severity_overrides' is wrong: unknown variant `TYPO`, expected one of `SCHEMA_MISSING_COLUMN`, `SCHEMA_NEW_COLUMN`, `UNEXPECTED_DATA_TYPE`, `FEATURE_TYPE_NOT_PRESENT`, `FEATURE_TYPE_LOW_NUMBER_PRESENT`, `FEATURE_TYPE_LOW_FRACTION_PRESENT`, `FEATURE_TYPE_LOW_UNIQUE`, `FEATURE_TYPE_HIGH_UNIQUE`, `ENUM_TYPE_UNEXPECTED_STRING_VALUES`, `INT_TYPE_SMALL_INT`, `INT_TYPE_BIG_INT`, `FLOAT_TYPE_SMALL_FLOAT`, `FLOAT_TYPE_BIG_FLOAT`, `FLOAT_TYPE_HAS_NAN`, `FLOAT_TYPE_HAS_INF`, `DOMAIN_INVALID_FOR_TYPE`, `INVALID_SCHEMA_SPECIFICATION`, `INVALID_DOMAIN_SPECIFICATION`, `DATASET_LOW_NUM_EXAMPLES`, `DATASET_HIGH_NUM_EXAMPLES`, `FEATURE_TYPE_LOW_NUMBER_VALUES`, `FEATURE_TYPE_HIGH_NUMBER_VALUES`, `INVALID_FEATURE_SHAPE`, `FEATURE_TYPE_NO_UNIQUE`, `INT_TYPE_NOT_INT_STRING`, `FLOAT_TYPE_STRING_NOT_FLOAT`, `BOOL_TYPE_SMALL_INT`, `BOOL_TYPE_BIG_INT`, `BOOL_TYPE_UNEXPECTED_FLOAT`, `BOOL_TYPE_UNEXPECTED_STRING`, `COMPARATOR_L_INFTY_HIGH`, `COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH`, `COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH`, `COMPARATOR_KOLMOGOROV_SMIRNOV_HIGH`, `COMPARATOR_WASSERSTEIN_HIGH`, `COMPARATOR_CHI_SQUARE_HIGH`, `COMPARATOR_CONTROL_DATA_MISSING`, `COMPARATOR_LOW_NUM_EXAMPLES`, `COMPARATOR_HIGH_NUM_EXAMPLES`");
    insta::assert_snapshot!(validator("prose", json!({"severity_overrides": {"SCHEMA_NEW_COLUMN": "INFO"}})), @"the step's parameter 'severity_overrides' is wrong: unknown variant `INFO`, expected `WARNING` or `ERROR`");
}

#[test]
fn predictions_that_cannot_be_compared() {
    let yard = Yard::new();
    predictions(&yard.path("three"), "late,score\n1,0.5\n0,0.5\n1,0.5\n");
    predictions(&yard.path("two"), "late,score\n1,0.5\n0,0.5\n");
    fs::create_dir(yard.path("empty")).unwrap();
    let with = json!({"model_type": "binary_classification", "label": "late", "prediction": "score"});
    let evaluate = |candidate: &str, baseline: &str| {
        let inputs = [("candidate", candidate), ("baseline", baseline)];
        yard.step("evaluator", with.clone(), &inputs, ("evaluation", "evaluation"))
    };
    insta::assert_snapshot!(evaluate("three", "two").failure(), @"the candidate has 3 predictions and the baseline 2: let both predict the same examples, in the same order");
    insta::assert_snapshot!(evaluate("empty", "two").failure(), @"cannot read /empty/predictions.parquet: No such file or directory (os error 2)");
    evaluate("three", "none").success();
}

#[test]
fn a_task_that_is_none() {
    let yard = Yard::new();
    let run = |task: &str| {
        fs::write(yard.path("task.json"), task).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard-components"));
        let ended = command
            .arg("schema-gen")
            .arg("--task")
            .arg(yard.path("task.json"))
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stdout)
            .unwrap()
            .replace(&yard.path("").display().to_string(), "")
    };
    insta::assert_snapshot!(run("{"), @"task.json is not a task file: EOF while parsing an object at line 1 column 1");
    insta::assert_snapshot!(run(r#"{"executor_output": "said.json"}"#), @"the task has no input 'statistics': add it to the step's inputs");
}
