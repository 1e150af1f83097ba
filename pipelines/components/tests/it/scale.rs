//! Long texts and many columns: what statistics keep of them, and what sentences show.

use crate::yard::{Yard, month};
use serde_json::{Value, json};
use std::fs;

/// A table of documents, each of so many words and another one, and a number.
fn documents(words: usize) -> String {
    let document = |number: usize| format!("letter{number} {}", "confidential words ".repeat(words / 2));
    let rows = (0..120).map(|number| format!("{},{number}\n", document(number)));
    "body,n\n".to_owned() + &rows.collect::<String>()
}

/// All that is in a folder.
fn texts(folder: &std::path::Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.is_dir() {
        true => texts(&path),
        false => String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
    };
    entries.map(text).collect()
}

#[test]
fn of_documents_statistics_keep_counts_and_messages_nothing() {
    for (words, shown) in [(1600, false), (90, true)] {
        let yard = Yard::new();
        yard.statistics("now", &documents(words), json!({"splits": {"eval": 1}}));
        let kept = texts(&yard.path("now"));
        assert!(kept.len() < 120_000, "{words}: {}", kept.len());
        assert_eq!(kept.contains("confidential words"), shown, "{words}");
        let read = yard.json("now/Split-eval/statistics.json");
        let body = &read["datasets"][0]["features"][0]["stringStats"];
        assert_eq!(body["unique"], "120");
        let length = documents(words).lines().nth(50).unwrap().len() as f64 - 3.0;
        assert!(
            (body["avgLength"].as_f64().unwrap() - length).abs() < 2.0,
            "{}",
            body["avgLength"]
        );

        // Documents are no vocabulary to infer.
        let inputs = [("statistics", "now")];
        yard.step(
            "schema-gen",
            json!({"max_string_domain_size": 1000}),
            &inputs,
            ("schema", "schema"),
        )
        .success();
        assert!(yard.json("schema/schema.json")["stringDomain"].is_null());

        // A domain that somebody wrote: of the document itself, and of another one.
        let validate = |values: Value| {
            let schema = json!({"feature": [{"name": "body", "type": "BYTES", "stringDomain": {"value": values}}, {"name": "n"}]});
            fs::write(yard.path("schema/schema.json"), schema.to_string()).unwrap();
            let inputs = [("statistics", "now"), ("schema", "schema")];
            yard.step("example-validator", json!({}), &inputs, ("anomalies", "anomalies"))
        };
        let all: Vec<String> = documents(words)
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect();
        validate(json!(all)).success();
        let said = validate(json!(all[1..])).failure();
        assert!(
            said.starts_with("split 'eval', column 'body': 1 of 120 values (0.83%) are outside of the domain"),
            "{said}"
        );
        assert!(
            said.len() < 900 && said.matches("confidential").count() <= if shown { 18 } else { 0 },
            "{said}"
        );
        let anomalies = texts(&yard.path("anomalies"));
        assert!(anomalies.len() < 4000, "{}", anomalies.len());
    }
}

#[test]
fn many_columns_are_examples_like_few() {
    let columns = 700;
    let row = |cells: &dyn Fn(usize) -> String| (0..columns).map(cells).collect::<Vec<_>>().join(",") + "\n";
    let table = |shift: usize| {
        let mut text = row(&|column| format!("c{column}"));
        for number in 0..40_usize {
            text += &row(&|column| match column % 3 {
                0 => format!("{}.5", (number * 7 + column) % 40),
                1 => ["a", "b", "c"][number * column % 3].to_owned(),
                _ if number % 11 == 0 => "NA".to_owned(),
                _ => ((number * column) % 17 + if column == 5 { shift } else { 0 }).to_string(),
            });
        }
        text
    };
    let yard = Yard::new();
    yard.statistics("then", &table(0), json!({"splits": {"eval": 1}}));
    yard.statistics("now", &table(100), json!({"splits": {"eval": 1}}));
    yard.step("schema-gen", json!({}), &[("statistics", "then")], ("schema", "schema"))
        .success();
    let inputs = [
        ("statistics", "now"),
        ("schema", "schema"),
        ("previous_statistics", "then"),
    ];
    let failed = yard
        .step("example-validator", json!({}), &inputs, ("anomalies", "anomalies"))
        .failure();
    assert!(
        failed.starts_with("split 'eval', column 'c5': the Jensen-Shannon divergence"),
        "{failed}"
    );
    assert!(!failed.contains("more anomal"), "{failed}");
    let read = crate::yard::rows(&yard.path("then-examples"), "eval");
    assert_eq!(read[0].num_columns(), columns);
    let (now, then) = (
        yard.json("now/Split-eval/statistics.json"),
        yard.json("then/Split-eval/statistics.json"),
    );
    assert_eq!(now["datasets"][0]["features"].as_array().unwrap().len(), columns);
    assert_eq!(now["datasets"][0]["features"][4], then["datasets"][0]["features"][4]);
}

#[test]
fn a_month_that_is_suddenly_small_is_told() {
    let yard = Yard::new();
    let some = |number, rows: usize| {
        let lines: Vec<String> = month(number).lines().take(1 + rows).map(str::to_owned).collect();
        (lines.join("\n") + "\n").into_bytes()
    };
    let files = [
        ("2013-01.csv", month(1).into_bytes()),
        ("2013-02.csv", some(2, 5)),
        ("2013-03.csv", month(3).into_bytes()),
    ];
    yard.examples("examples", &files, json!({})).success();
    let inputs = [("examples", "examples")];
    yard.step("statistics-gen", json!({}), &inputs, ("statistics", "statistics"))
        .success();
    let inputs = [("statistics", "statistics")];
    yard.step("schema-gen", json!({}), &inputs, ("schema", "schema"))
        .success();
    let validate = |with: Value| {
        let inputs = [("statistics", "statistics"), ("schema", "schema")];
        yard.step("example-validator", with, &inputs, ("anomalies", "anomalies"))
    };
    insta::assert_snapshot!(validate(json!({})).failure(), @"split 'train': the span 2013-02.csv has 5 examples, 0.0833 times the 60 that are usual for the others, and at least 0.1 times is required (and 1 more anomaly in its log): correct the data or the schema, or set severity_overrides: { COMPARATOR_LOW_NUM_EXAMPLES: WARNING }");
    validate(json!({"severity_overrides": {"COMPARATOR_LOW_NUM_EXAMPLES": "WARNING"}})).success();
    // Somebody knows better, or asks for nothing.
    validate(json!({"drift": {"num_examples": {"min_fraction_threshold": 0.001}}})).success();
    validate(json!({"drift": {"num_examples": {}}})).success();
}

#[test]
fn a_month_with_nothing_but_a_header_is_told() {
    let yard = Yard::new();
    let header = month(2).lines().next().unwrap().to_owned() + "\n";
    let files = [
        ("2013-01.csv", month(1).into_bytes()),
        ("2013-02.csv", header.into_bytes()),
    ];
    yard.examples("examples", &files, json!({})).success();
    let ended = yard.step(
        "statistics-gen",
        json!({}),
        &[("examples", "examples")],
        ("statistics", "statistics"),
    );
    assert!(
        ended
            .success()
            .stdout
            .contains("warning: the span 2013-02.csv has no examples\n")
    );
    yard.step(
        "schema-gen",
        json!({}),
        &[("statistics", "statistics")],
        ("schema", "schema"),
    )
    .success();
    let validate = |with: Value| {
        let inputs = [("statistics", "statistics"), ("schema", "schema")];
        yard.step("example-validator", with, &inputs, ("anomalies", "anomalies"))
    };
    insta::assert_snapshot!(validate(json!({})).failure(), @"split 'train': the span 2013-02.csv has no examples (and 1 more anomaly in its log): correct the data or the schema, or set severity_overrides: { DATASET_LOW_NUM_EXAMPLES: WARNING }");
    validate(json!({"severity_overrides": {"DATASET_LOW_NUM_EXAMPLES": "WARNING"}})).success();
}
