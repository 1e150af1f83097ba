//! The steps one after the other, as in a pipeline.

use crate::yard::{Yard, month, parquet, predictions, rows};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde_json::{Value, json};

/// Two months to Examples, statistics and schema.
fn training(yard: &Yard, extension: &str, convert: fn(&str) -> Vec<u8>) {
    let (january, february) = (format!("2013-01.{extension}"), format!("2013-02.{extension}"));
    let files = [
        (january.as_str(), convert(&month(1))),
        (february.as_str(), convert(&month(2))),
    ];
    let ended = yard
        .examples("examples", &files, json!({"splits": {"train": 4, "eval": 1}}))
        .success();
    assert!(
        ended.stdout.contains(&format!("{january}: 60 examples")),
        "{}",
        ended.stdout
    );
    yard.step(
        "statistics-gen",
        json!({}),
        &[("examples", "examples")],
        ("statistics", "statistics"),
    )
    .success();
    yard.step(
        "schema-gen",
        json!({}),
        &[("statistics", "statistics")],
        ("schema", "schema"),
    )
    .success();
}

fn validate(yard: &Yard, statistics: &str, with: Value) -> crate::yard::Ended {
    let inputs = [("statistics", statistics), ("schema", "schema")];
    yard.step("example-validator", with, &inputs, ("anomalies", "anomalies"))
}

#[test]
fn from_spans_to_an_evaluation() {
    let yard = Yard::new();
    training(&yard, "csv", |text| text.into());
    insta::assert_snapshot!(yard.properties("examples"), @r#"{"span":15707,"span_name":"2013-02","split_names":["train","eval"],"num_examples":120}"#);
    insta::assert_snapshot!(serde_json::to_string(&yard.json("schema/schema.json")).unwrap(), @r#"{"feature":[{"name":"flight","type":"INT","presence":{"minFraction":1.0,"minCount":"1"},"shape":{"dim":[{"size":"1"}]}},{"name":"origin","type":"BYTES","presence":{"minFraction":1.0,"minCount":"1"},"shape":{"dim":[{"size":"1"}]},"domain":"origin"},{"name":"distance","type":"INT","presence":{"minFraction":1.0,"minCount":"1"},"shape":{"dim":[{"size":"1"}]}},{"name":"temp","type":"FLOAT","presence":{"minCount":"1"},"valueCount":{"min":"1","max":"1"}},{"name":"late","type":"INT","presence":{"minFraction":1.0,"minCount":"1"},"shape":{"dim":[{"size":"1"}]},"boolDomain":{}}],"stringDomain":[{"name":"origin","value":["EWR","JFK","LGA"]}]}"#);

    let ended = validate(&yard, "statistics", json!({"on_anomaly": "fail"})).success();
    insta::assert_snapshot!(ended.stdout, @"
    split train: 107 examples, anomalies: 0
    split eval: 13 examples, anomalies: 0
    ");
    insta::assert_snapshot!(yard.properties("anomalies"), @r#"{"span":15707,"span_name":"2013-02","split_names":["train","eval"],"blessed":{"train":1,"eval":1}}"#);
    assert_eq!(
        yard.json("anomalies/Split-eval/anomalies.json"),
        json!({"anomalyInfo": {}})
    );

    // A model that knows the rule, and one that has learned nothing.
    let mut table = "late,score,origin\n".to_owned();
    let mut none = "late,score\n".to_owned();
    for batch in rows(&yard.path("examples"), "eval") {
        let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
        let (late, distance) = (number("late"), number("distance"));
        let origin = batch.column_by_name("origin").unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            let score = if distance.value(row) % 4 == 0 { "0.9" } else { "0.2" };
            table += &format!("{},{score},{}\n", late.value(row), origin.value(row));
            none += &format!("{},0.25\n", late.value(row));
        }
    }
    predictions(&yard.path("candidate"), &table);
    predictions(&yard.path("baseline"), &none);
    let with = json!({"model_type": "binary_classification", "label": "late", "prediction": "score",
        "slicing_specs": [{}, {"feature_keys": ["origin"]}], "bootstrap": {"num_samples": 0}});
    let inputs = [("candidate", "candidate"), ("baseline", "baseline")];
    let ended = yard
        .step("evaluator", with, &inputs, ("evaluation", "evaluation"))
        .success();
    insta::assert_snapshot!(ended.stdout, @"candidate and baseline: 13 examples, 4 slices");
    let evaluation = yard.json("evaluation/evaluation.json");
    assert_eq!(
        evaluation["slices"][0]["metrics"]["auc"],
        json!({"candidate": 1.0, "baseline": 0.5})
    );
    let examples: Vec<u64> = evaluation["slices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slice| slice["num_examples"].as_u64().unwrap())
        .collect();
    assert_eq!(
        examples[0],
        examples[1..].iter().sum::<u64>(),
        "the origins are all of the examples"
    );
}

#[test]
fn csv_and_parquet_are_the_same_data() {
    let (csv, columns) = (Yard::new(), Yard::new());
    training(&csv, "csv", |text| text.into());
    training(&columns, "parquet", parquet);
    for file in [
        "statistics/Split-train/statistics.json",
        "statistics/Split-eval/statistics.json",
        "schema/schema.json",
    ] {
        assert_eq!(csv.json(file), columns.json(file), "{file}");
    }
}

#[test]
fn a_step_done_again_is_byte_for_byte_the_same() {
    let (first, second) = (Yard::new(), Yard::new());
    for yard in [&first, &second] {
        training(yard, "csv", |text| text.into());
    }
    for file in [
        "examples/Split-train/data.parquet",
        "statistics/Split-eval/statistics.json",
        "schema/schema.json",
    ] {
        assert_eq!(
            std::fs::read(first.path(file)).unwrap(),
            std::fs::read(second.path(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn equal_rows_are_never_on_both_sides() {
    let yard = Yard::new();
    // The second month repeats the first.
    let files = [("2013-01.csv", month(1).into()), ("2013-02.csv", month(1).into())];
    yard.examples("examples", &files, json!({})).success();
    let flights = |split: &str| -> std::collections::BTreeSet<i64> {
        let batches = rows(&yard.path("examples"), split);
        batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect()
    };
    let (train, eval) = (flights("train"), flights("eval"));
    assert!(train.is_disjoint(&eval));
    assert_eq!(train.len() + eval.len(), 60);
    let total: usize = ["train", "eval"]
        .iter()
        .flat_map(|split| rows(&yard.path("examples"), split))
        .map(|b| b.column(0).len())
        .sum();
    assert_eq!(total, 120);
}

#[test]
fn the_next_month_is_held_against_the_schema() {
    let yard = Yard::new();
    training(&yard, "csv", |text| text.into());
    let one = json!({"splits": {"eval": 1}});
    let march = month(3);
    let without_temp: Vec<String> = march
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            [&cells[..3], &cells[4..]].concat().join(",")
        })
        .collect();
    yard.statistics("fine", &march, one.clone());
    yard.statistics("dropped", &without_temp.join("\n"), one.clone());
    yard.statistics(
        "added",
        &march
            .lines()
            .enumerate()
            .map(|(row, line)| format!("{line},{}\n", if row == 0 { "gate" } else { "7" }))
            .collect::<String>(),
        one.clone(),
    );
    yard.statistics("words", &march.replace(",EWR,2", ",EWR,far2"), one.clone());
    yard.statistics("unseen", &march.replacen("LGA", "SWF", 3), one.clone());
    yard.statistics("gaps", &march.replacen(",JFK,", ",NA,", 2), one);

    validate(&yard, "fine", json!({})).success();
    let failed = |statistics: &str| validate(&yard, statistics, json!({})).failure();
    insta::assert_snapshot!(failed("dropped"), @"split 'eval', column 'temp': the column is not in the data, and the schema requires it: correct the data or the schema, or set severity_overrides: { SCHEMA_MISSING_COLUMN: WARNING }");
    insta::assert_snapshot!(failed("added"), @"split 'eval', column 'gate': the column is in the data, and the schema does not know it: correct the data or the schema, or set severity_overrides: { SCHEMA_NEW_COLUMN: WARNING }");
    insta::assert_snapshot!(failed("words"), @"split 'eval', column 'distance': the values are BYTES, and the schema says INT: correct the data or the schema, or set severity_overrides: { UNEXPECTED_DATA_TYPE: WARNING }");
    insta::assert_snapshot!(failed("gaps"), @"split 'eval', column 'origin': 58 of 60 rows (96.67%) have a value, and the schema requires 100% (and 1 more anomaly in its log): correct the data or the schema, or set severity_overrides: { FEATURE_TYPE_LOW_FRACTION_PRESENT: WARNING, INVALID_FEATURE_SHAPE: WARNING }");
    insta::assert_snapshot!(failed("unseen"), @"split 'eval', column 'origin': 3 of 60 values (5%) are outside of the domain, such as 'SWF', and the schema allows only 'EWR', 'JFK' and 'LGA': correct the data or the schema, or set severity_overrides: { ENUM_TYPE_UNEXPECTED_STRING_VALUES: WARNING }");
    assert_eq!(yard.properties("anomalies")["blessed"], json!({"eval": 0}));

    let warned = validate(&yard, "unseen", json!({"on_anomaly": "warn"})).success();
    insta::assert_snapshot!(warned.stdout, @"
    split eval: 60 examples, anomalies: 1
    ERROR: split 'eval', column 'origin': 3 of 60 values (5%) are outside of the domain, such as 'SWF', and the schema allows only 'EWR', 'JFK' and 'LGA'
    ");
    assert_eq!(yard.properties("anomalies")["blessed"], json!({"eval": 0}));
    let overrides = json!({"severity_overrides": {"ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING"}});
    validate(&yard, "unseen", overrides.clone()).success();
    assert_eq!(yard.properties("anomalies")["blessed"], json!({"eval": 1}));
    assert_eq!(
        yard.json("anomalies/Split-eval/anomalies.json")["anomalyInfo"]["origin"]["severity"],
        "WARNING"
    );
    validate(&yard, "dropped", overrides).failure();
}

#[test]
fn a_window_that_moved_on_reads_only_what_is_new() {
    let yard = Yard::new();
    let file = |number: usize| (format!("2013-0{number}.csv"), month(number).into_bytes());
    let window = |name: &str, months: std::ops::RangeInclusive<usize>, with: Value| {
        let files: Vec<_> = months.map(file).collect();
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        yard.examples(name, &files, with).success();
    };
    let measure = |inputs: &[(&str, &str)], output: &str| {
        let ended = yard.step("statistics-gen", json!({}), inputs, ("statistics", output));
        ended.success().stdout
    };
    window("first", 1..=3, json!({}));
    measure(&[("examples", "first")], "old");
    window("second", 2..=4, json!({}));
    measure(&[("examples", "second")], "anew");
    let said = measure(&[("examples", "second"), ("stored_statistics", "old")], "extended");
    insta::assert_snapshot!(said, @"
    span 15706 (2013-02.csv): taken from stored statistics
    span 15707 (2013-03.csv): taken from stored statistics
    span 15708 (2013-04.csv): read
    split train: 119 examples, 5 features
    split eval: 61 examples, 5 features
    ");
    for split in ["train", "eval"] {
        let folder = format!("Split-{split}");
        for (file, bytes) in files_below(&yard.path("anew").join(&folder)) {
            let extended = std::fs::read(yard.path("extended").join(&folder).join(&file)).unwrap();
            assert!(extended == bytes, "{folder}/{}", file.display());
        }
    }
    assert_eq!(files_below(&yard.path("anew")).len(), 2 * (1 + 3));

    // The same files in other splits are other rows.
    window("other", 2..=4, json!({"splits": {"train": 1, "eval": 1}}));
    let said = measure(&[("examples", "other"), ("stored_statistics", "old")], "split-anew");
    assert!(!said.contains("taken"), "{said}");
}

#[test]
fn a_slice_has_the_statistics_of_its_rows_alone() {
    let yard = Yard::new();
    let window = |name: &str, months: std::ops::RangeInclusive<usize>, airport: &str| {
        let file = |number: usize| {
            let text = month(number);
            let lines = text
                .lines()
                .enumerate()
                .filter(|(row, line)| *row == 0 || line.contains(airport));
            let lines: Vec<&str> = lines.map(|(_, line)| line).collect();
            (format!("2013-0{number}.csv"), (lines.join("\n") + "\n").into_bytes())
        };
        let files: Vec<_> = months.map(file).collect();
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        yard.examples(name, &files, json!({})).success();
    };
    let measure = |with: &Value, inputs: &[(&str, &str)], output: &str| {
        let ended = yard.step("statistics-gen", with.clone(), inputs, ("statistics", output));
        ended.success().stdout
    };
    let by_origin = json!({"slicing_specs": [{}, {"feature_keys": ["origin"]}]});
    window("first", 1..=2, "");
    measure(&by_origin, &[("examples", "first")], "old");
    measure(&json!({}), &[("examples", "first")], "unsliced");
    window("second", 1..=3, "");
    measure(&by_origin, &[("examples", "second")], "sliced");
    let said = measure(
        &by_origin,
        &[("examples", "second"), ("stored_statistics", "old")],
        "extended",
    );
    insta::assert_snapshot!(said, @"
    span 15706 (2013-01.csv): taken from stored statistics
    span 15707 (2013-02.csv): taken from stored statistics
    span 15708 (2013-03.csv): read
    split train: 121 examples, 5 features, 3 slices
    split eval: 59 examples, 5 features, 3 slices
    ");
    assert_eq!(files_below(&yard.path("sliced")), files_below(&yard.path("extended")));
    let said = measure(
        &by_origin,
        &[("examples", "second"), ("stored_statistics", "unsliced")],
        "anew",
    );
    assert!(!said.contains("taken"), "states without slices have none: {said}");

    // Of all rows, as without slices; of a slice, as of Examples that have nothing else.
    measure(&json!({}), &[("examples", "second")], "whole");
    window("jfk", 1..=3, ",JFK,");
    measure(&json!({}), &[("examples", "jfk")], "alone");
    for split in ["train", "eval"] {
        let datasets = |folder: &str| yard.json(&format!("{folder}/Split-{split}/statistics.json"))["datasets"].clone();
        let sliced = datasets("sliced");
        let names: Vec<&str> = sliced
            .as_array()
            .unwrap()
            .iter()
            .map(|dataset| dataset["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["All Examples", "origin_EWR", "origin_JFK", "origin_LGA"]);
        for (place, alone) in [(0, "whole"), (2, "alone")] {
            let alone = &datasets(alone)[0];
            assert_eq!(sliced[place]["numExamples"], alone["numExamples"]);
            assert_eq!(sliced[place]["features"], alone["features"]);
        }
    }

    // The schema is of all rows, and so is what is validated.
    let schema = |statistics: &str, output: &str| {
        let ended = yard.step(
            "schema-gen",
            json!({}),
            &[("statistics", statistics)],
            ("schema", output),
        );
        ended.success();
        yard.json(&format!("{output}/schema.json"))
    };
    assert_eq!(schema("sliced", "schema"), schema("whole", "schema-whole"));
    let inputs = [("statistics", "sliced"), ("schema", "schema")];
    yard.step("example-validator", json!({}), &inputs, ("anomalies", "anomalies"))
        .success();

    let with = json!({"slicing_specs": [{"feature_keys": ["dest"]}]});
    let failed = yard
        .step("statistics-gen", with, &[("examples", "first")], ("statistics", "none"))
        .failure();
    insta::assert_snapshot!(failed, @"slicing_specs name the column 'dest', but split 'train' has only flight, origin, distance, temp, late");
    let with = json!({"slicing_specs": [{"feature_keys": "origin"}]});
    let failed = yard
        .step("statistics-gen", with, &[("examples", "first")], ("statistics", "none"))
        .failure();
    insta::assert_snapshot!(failed, @r#"the step's parameter 'slicing_specs[0].feature_keys' is wrong: invalid type: string "origin", expected a sequence"#);
}

/// Files by their path in the folder.
fn files_below(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    files
}
