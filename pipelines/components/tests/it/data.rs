//! Data as people bring it: from Spark, pandas and spreadsheets, of months that differ.

use crate::yard::{Yard, month, rows};
use arrow_array::builder::{Int64Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float16Array,
    Float64Array, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray, StructArray, TimestampSecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use std::sync::Arc;

fn table(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, array.clone(), true)))
            .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A column `day` of INT96 as Spark writes it: Julian days.
fn spark(days: &[u32]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message spark { required int96 day; }").unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = |day: &u32| {
        let mut value = Int96::new();
        value.set_data(1_500, 0, *day);
        value
    };
    let values: Vec<Int96> = days.iter().map(value).collect();
    column.typed::<Int96Type>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// Every row of the Examples, one split, values as text.
fn values(yard: &Yard, examples: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for batch in rows(&yard.path(examples), "all") {
        for row in 0..batch.num_rows() {
            let value = |column: &ArrayRef| {
                let text = arrow_cast::cast(column, &DataType::Utf8).unwrap();
                if text.is_null(row) {
                    "-".to_owned()
                } else {
                    text.as_string::<i32>().value(row).to_owned()
                }
            };
            found.push(batch.columns().iter().map(value).collect());
        }
    }
    found
}

fn one_split(mut with: Value) -> Value {
    with["splits"] = json!({"all": 1});
    with
}

#[test]
fn the_dates_of_spark_are_the_same_dates() {
    let yard = Yard::new();
    // 9999-12-31, 1970-01-01, 0001-01-01 and 1600-01-01, the last two of the proleptic calendar.
    let file = spark(&[5_373_484, 2_440_588, 1_721_426, 2_305_448]);
    yard.examples("examples", &[("2013-01.parquet", file)], one_split(json!({})))
        .success();
    assert_eq!(
        values(&yard, "examples").concat(),
        [
            "9999-12-31T00:00:00.000001",
            "1970-01-01T00:00:00.000001",
            "0001-01-01T00:00:00.000001",
            "1600-01-01T00:00:00.000001"
        ]
    );
    let said = yard
        .examples(
            "beyond",
            &[("2013-01.parquet", spark(&[2_440_588, 2_147_483_647]))],
            json!({}),
        )
        .failure();
    insta::assert_snapshot!(said, @"file 2013-01.parquet: row 2 of column 'day' is a time of INT96 beyond 292,000 years from 1970: correct it, or leave the column out with exclude_columns");
    let large: ArrayRef = Arc::new(arrow_array::UInt64Array::from(vec![1, u64::MAX]));
    let said = yard
        .examples("large", &[("2013-01.parquet", table(&[("n", large)]))], json!({}))
        .failure();
    insta::assert_snapshot!(said, @"file 2013-01.parquet: row 2 of column 'n' does not fit (correct it, say what the column is in column_types, or leave it out with exclude_columns): it has 18446744073709551615, and whole numbers reach to 9223372036854775807: write it as floating point or text");
    let far: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(0), Some(i64::MAX / 2), None]));
    let said = yard
        .examples("far", &[("2013-01.parquet", table(&[("day", far)]))], json!({}))
        .failure();
    insta::assert_snapshot!(said, @"file 2013-01.parquet: row 2 of column 'day' does not fit (correct it, say what the column is in column_types, or leave it out with exclude_columns): it has a value that cannot be read: Cast error: Failed to convert 4611686018427387903 to datetime for Timestamp(s)");
}

/// A column of each type that Parquet knows beside those of CSV.
fn of_every_type() -> Vec<(&'static str, ArrayRef)> {
    let mut tags = ListBuilder::new(StringBuilder::new());
    let mut counts = ListBuilder::new(Int64Builder::new());
    for row in 0..4_i64 {
        for value in 0..row {
            tags.values().append_value(format!("t{value}"));
            counts.values().append_value(value);
        }
        tags.append(true);
        counts.append(row != 1);
    }
    let half = [1.5_f32, 2.0, 0.25, 4.0].map(half);
    let coded: DictionaryArray<Int32Type> = ["a", "b", "a", "b"].into_iter().collect();
    vec![
        ("tags", Arc::new(tags.finish())),
        ("counts", Arc::new(counts.finish())),
        ("half", Arc::new(Float16Array::from(half.to_vec()))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![150, 225, 300, 1])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("coded", Arc::new(coded)),
        ("large", Arc::new(LargeStringArray::from(vec!["x", "y", "z", "é"]))),
        (
            "old_text",
            Arc::new(BinaryArray::from(vec![&b"JFK"[..], b"EWR", b"JFK", b"LGA"])),
        ),
        (
            "image",
            Arc::new(BinaryArray::from(vec![
                &b"\xff\xd8\0"[..],
                b"\xff\xd9",
                b"\x89PNG",
                b"ok",
            ])),
        ),
        (
            "uuid",
            Arc::new(FixedSizeBinaryArray::try_from_iter([[0xff_u8; 16]; 4].into_iter()).unwrap()),
        ),
        ("flag", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
        ("nothing", Arc::new(NullArray::new(4))),
    ]
}

fn half(value: f32) -> <arrow_array::types::Float16Type as arrow_array::ArrowPrimitiveType>::Native {
    let array = arrow_cast::cast(&arrow_array::Float32Array::from(vec![value]), &DataType::Float16).unwrap();
    array.as_primitive::<arrow_array::types::Float16Type>().value(0)
}

#[test]
fn lists_bytes_and_all_other_types_get_statistics() {
    let yard = Yard::new();
    let ended = yard.examples(
        "examples",
        &[("2013-01.parquet", table(&of_every_type()))],
        one_split(json!({})),
    );
    insta::assert_snapshot!(ended.success().stdout, @"
    column 'nothing' has no value: its type is left open (column_types can say it)
    2013-01.parquet: 4 examples
    split all: 4 examples
    ");
    yard.step(
        "statistics-gen",
        json!({}),
        &[("examples", "examples")],
        ("statistics", "statistics"),
    )
    .success();
    let statistics = yard.json("statistics/Split-all/statistics.json");
    let mut said = Vec::new();
    for feature in statistics["datasets"][0]["features"].as_array().unwrap() {
        let stats = [&feature["numStats"], &feature["stringStats"]]
            .into_iter()
            .find(|stats| !stats.is_null())
            .unwrap();
        let common = &stats["commonStats"];
        let number = |name: &str| common[name].to_string().replace('"', "");
        said.push(format!(
            "{} {}: {} rows, {} to {} values, {} in all, {} missing",
            feature["path"]["step"][0].as_str().unwrap(),
            feature["type"].as_str().unwrap_or("INT"),
            number("numNonMissing"),
            number("minNumValues"),
            number("maxNumValues"),
            number("totNumValues"),
            number("numMissing"),
        ));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    tags STRING: 4 rows, 0 to 3 values, 6 in all, 0 missing
    counts INT: 3 rows, 0 to 3 values, 5 in all, 1 missing
    half FLOAT: 4 rows, 1 to 1 values, 4 in all, 0 missing
    price FLOAT: 4 rows, 1 to 1 values, 4 in all, 0 missing
    coded STRING: 4 rows, 1 to 1 values, 4 in all, 0 missing
    large STRING: 4 rows, 1 to 1 values, 4 in all, 0 missing
    old_text STRING: 4 rows, 1 to 1 values, 4 in all, 0 missing
    image STRING: 4 rows, 1 to 1 values, 4 in all, 0 missing
    uuid STRING: 4 rows, 1 to 1 values, 4 in all, 0 missing
    flag INT: 4 rows, 1 to 1 values, 4 in all, 0 missing
    nothing STRING: 0 rows, 0 to 0 values, 0 in all, 4 missing
    ");
    yard.step(
        "schema-gen",
        json!({}),
        &[("statistics", "statistics")],
        ("schema", "schema"),
    )
    .success();
    let schema = yard.json("schema/schema.json");
    insta::assert_snapshot!(schema["feature"][0], @r#"{"name":"tags","type":"BYTES","presence":{"minFraction":1.0,"minCount":"1"},"valueCount":{"min":"0"},"domain":"tags"}"#);
    insta::assert_snapshot!(schema["feature"][10], @r#"{"name":"nothing"}"#);
    let inputs = [("statistics", "statistics"), ("schema", "schema")];
    let ended = yard.step("example-validator", json!({}), &inputs, ("anomalies", "anomalies"));
    insta::assert_snapshot!(ended.success().stdout, @"split all: 4 examples, anomalies: 0");
}

#[test]
fn columns_that_examples_cannot_hold_are_refused_or_left_out() {
    let yard = Yard::new();
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let place = StructArray::from(vec![(
        Arc::new(Field::new("lat", DataType::Int64, true)),
        inner.clone(),
    )]);
    let file = table(&[("n", inner), ("place", Arc::new(place))]);
    let said = yard
        .examples("refused", &[("2013-01.parquet", file.clone())], json!({}))
        .failure();
    insta::assert_snapshot!(said, @r#"file 2013-01.parquet: column 'place': its type is Struct("lat": Int64), and Examples hold only numbers, booleans, text, dates, times, bytes and lists of them: convert it, or leave it out with exclude_columns"#);
    yard.examples(
        "examples",
        &[("2013-01.parquet", file)],
        one_split(json!({"exclude_columns": ["place"]})),
    )
    .success();
    assert_eq!(values(&yard, "examples"), [["1"], ["2"]]);
}

#[test]
fn evaluate_reads_only_what_is_asked_for() {
    let yard = Yard::new();
    let mut columns = of_every_type();
    columns.push(("y", Arc::new(Int64Array::from(vec![1, 0, 1, 0]))));
    columns.push(("p", Arc::new(Float64Array::from(vec![0.9, 0.2, 0.7, 0.4]))));
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let place = StructArray::from(vec![(Arc::new(Field::new("lat", DataType::Int64, true)), inner)]);
    columns.push(("place", Arc::new(place)));
    std::fs::write(yard.path("c.parquet"), table(&columns)).unwrap();
    let evaluate = |arguments: &[&str]| {
        let ended = std::process::Command::new(env!("CARGO_BIN_EXE_trainyard-components"))
            .args([
                "evaluate",
                "--predictions",
                "c.parquet",
                "--bootstrap-samples",
                "0",
                "--out",
                "e.json",
            ])
            .args(arguments)
            .current_dir(yard.path("."))
            .output()
            .unwrap();
        crate::yard::Ended::of(&ended, &yard)
    };
    evaluate(&["--label", "y", "--prediction", "p", "--slice", "coded"]).success();
    let said = evaluate(&["--label", "y", "--prediction", "tags"]).failure();
    insta::assert_snapshot!(said, @"column 'tags' of the candidate's predictions is List(Utf8), and one value in a row is needed: write it so where the predictions are made");
    let said = evaluate(&["--label", "y", "--prediction", "p", "--slice", "place"]).failure();
    insta::assert_snapshot!(said, @r#"column 'place' of the candidate's predictions is Struct("lat": Int64), and one value in a row is needed: write it so where the predictions are made"#);
}

#[test]
fn a_slice_may_have_a_comma_and_a_code_its_zero() {
    let yard = Yard::new();
    let table = "y,p,place,store\n1,0.9,\"Washington, DC\",02134\n0,0.2,Boston,02134\n1,0.8,\"Washington, DC\",2134\n0,0.1,\"Washington, DC\",2134\n";
    std::fs::write(yard.path("c.csv"), table).unwrap();
    let arguments = "evaluate --predictions c.csv --label y --prediction p --bootstrap-samples 0 --out e.json";
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_trainyard-components"))
        .args(arguments.split(' '))
        .args(["--slice", "place=\"Washington, DC\"", "--slice", "store=02134"])
        .current_dir(yard.path("."))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let evaluation = yard.json("e.json");
    let slices = evaluation["slices"].as_array().unwrap().iter();
    let slices: Vec<String> = slices
        .map(|slice| format!("{} {}", slice["slice_key"], slice["num_examples"]))
        .collect();
    insta::assert_snapshot!(slices.join("\n"), @r#"
    {} 4
    {"place":"Washington, DC"} 3
    {"store":"02134"} 2
    "#);
}

#[test]
fn a_column_that_some_months_lack_is_judged_by_the_schema() {
    let yard = Yard::new();
    let with_gate: String = month(2)
        .lines()
        .enumerate()
        .map(|(row, line)| format!("{line},{}\n", if row == 0 { "gate" } else { "7" }))
        .collect();
    let window = |name: &str, files: &[(&str, &str)]| {
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, text)| (*name, (*text).into())).collect();
        let examples = format!("{name}-examples");
        let ended = yard.examples(&examples, &files, json!({})).success();
        yard.step(
            "statistics-gen",
            json!({}),
            &[("examples", &examples)],
            ("statistics", name),
        )
        .success();
        ended.stdout
    };
    let january = month(1);
    window("old", &[("2013-01.csv", &january)]);
    let said = window("mixed", &[("2013-01.csv", &january), ("2013-02.csv", &with_gate)]);
    insta::assert_snapshot!(said, @"
    column 'gate' is not in 2013-01.csv: it is missing in those rows
    2013-01.csv: 60 examples
    2013-02.csv: 60 examples
    split train: 77 examples
    split eval: 43 examples
    ");
    yard.step("schema-gen", json!({}), &[("statistics", "old")], ("schema", "schema"))
        .success();
    let judge = |statistics: &str| {
        let inputs = [("statistics", statistics), ("schema", "schema")];
        yard.step("example-validator", json!({}), &inputs, ("anomalies", "anomalies"))
    };
    insta::assert_snapshot!(judge("mixed").failure(), @"split 'train', column 'gate': the column is in the data, and the schema does not know it (and 1 more anomaly in its log): correct the data or the schema, or set severity_overrides: { SCHEMA_NEW_COLUMN: WARNING }");
    yard.step(
        "schema-gen",
        json!({}),
        &[("statistics", "mixed")],
        ("schema", "schema2"),
    )
    .success();
    let schema = yard.json("schema2/schema.json");
    insta::assert_snapshot!(schema["feature"][5], @r#"{"name":"gate","type":"INT","presence":{"minCount":"1"},"valueCount":{"min":"1","max":"1"}}"#);
    // The rows of January are in the splits in which they were.
    let flights = |examples: &str, split: &str| -> Vec<i64> {
        let batches = rows(&yard.path(examples), split);
        let all = batches.iter().flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<arrow_array::types::Int64Type>()
                .values()
                .to_vec()
        });
        all.filter(|flight| *flight < 200).collect()
    };
    assert_eq!(flights("old-examples", "eval"), flights("mixed-examples", "eval"));
}

#[test]
fn months_of_csv_and_parquet_and_of_other_kinds() {
    let yard = Yard::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993, 2]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    let index: ArrayRef = Arc::new(Int64Array::from(vec![7, 9]));
    let file = table(&[
        ("x", numbers),
        ("late", flags),
        ("gust", nothing),
        ("__index_level_0__", index),
    ]);
    let csv = ",x,late,gust\n0,0.5,1,3.5\n1,NULL,0,-inf\n";
    let files = [("2013-01.parquet", file), ("2013-02.csv", csv.into())];
    let ended = yard.examples("examples", &files, one_split(json!({}))).success();
    insta::assert_snapshot!(ended.stdout, @"
    2013-01.parquet: column '__index_level_0__' is pandas' index: it is left out
    2013-02.csv: the first column has no name and only numbers the rows, as pandas' index: it is left out
    column 'x' is INT in 2013-01.parquet and FLOAT in 2013-02.csv: it is read as FLOAT; beyond 2^53 that is not exact, and file 2013-01.parquet has 9007199254740993; column_types: { x: BYTES } keeps it
    column 'late' is true or false in 2013-01.parquet and numbers in 2013-02.csv: true and false are read as 1 and 0
    2013-01.parquet: 2 examples
    2013-02.csv: 2 examples
    split all: 4 examples
    ");
    let batches = rows(&yard.path("examples"), "all");
    let gust: Vec<Option<f64>> = batches
        .iter()
        .flat_map(|batch| batch.column(2).as_primitive::<Float64Type>().iter().collect::<Vec<_>>())
        .collect();
    assert_eq!(gust, [None, None, Some(3.5), Some(f64::NEG_INFINITY)]);

    let stores: ArrayRef = Arc::new(Int64Array::from(vec![421]));
    let files = [
        ("2013-01.parquet", table(&[("store", stores)])),
        ("2013-02.csv", "store,n\n0421,1\n".into()),
    ];
    let said = yard.examples("codes", &files, json!({})).failure();
    insta::assert_snapshot!(said, @"column 'store' is BYTES in file 2013-02.csv (row 1 is '0421') but INT in file 2013-01.parquet: make it one type, or say what it is with column_types: { store: BYTES }");
    yard.examples("forced", &files, one_split(json!({"column_types": {"store": "BYTES"}})))
        .success();
    assert_eq!(
        values(&yard, "forced")
            .iter()
            .map(|row| row[0].as_str())
            .collect::<Vec<_>>(),
        ["421", "0421"]
    );
    let words: ArrayRef = Arc::new(StringArray::from(vec!["7", "x"]));
    let files = [("2013-01.parquet", table(&[("n", words)]))];
    let said = yard
        .examples("wrong", &files, json!({"column_types": {"n": "INT"}}))
        .failure();
    insta::assert_snapshot!(said, @"file 2013-01.parquet: row 2 of column 'n' does not fit (correct it, say what the column is in column_types, or leave it out with exclude_columns): it has a value that cannot be read: Cast error: Cannot cast string 'x' to value of Int64 type");
}
