//! `trainyard schema-diff` on files as they come: right, wrong, missing, and of something else.

use crate::binary::{Ended, Place};
use serde_json::{Value, json};

/// A split of ten rows with one column of text and one of numbers.
fn statistics(words: &[&str], most: f64) -> String {
    let bucket = |word: &&str| json!({"label": word, "sampleCount": 10.0 / words.len() as f64});
    let buckets: Vec<Value> = words.iter().map(bucket).collect();
    let common = json!({"numNonMissing": "10", "minNumValues": "1", "maxNumValues": "1"});
    let split = json!({"name": "train", "numExamples": "10", "features": [
        {"path": {"step": ["origin"]}, "type": "STRING", "stringStats": {"commonStats": common,
            "unique": words.len(), "rankHistogram": {"buckets": buckets}}},
        {"path": {"step": ["hour"]}, "type": "INT", "numStats": {"commonStats": common, "min": 0.0, "max": most}}]});
    json!({"datasets": [split]}).to_string()
}

const SCHEMA: &str = r#"{"feature": [
    {"name": "origin", "type": "BYTES", "domain": "airports"},
    {"name": "hour", "type": "INT", "int_domain": {"min": "0", "max": "23"}}],
    "string_domain": [{"name": "airports", "value": ["EWR", "JFK"]}]}"#;

fn place() -> Place {
    let place = Place::new("");
    place.write("schema.json", SCHEMA);
    place.write("fits.json", &statistics(&["EWR"], 23.0));
    place.write("moved.json", &statistics(&["EWR", "LGA"], 24.0));
    place
}

fn diff(place: &Place, schema: &str, statistics: &str, more: &[&str]) -> Ended {
    let named = ["schema-diff", "--schema", schema, "--statistics", statistics];
    place.run(&[&named, more].concat())
}

fn said(ended: &Ended) -> String {
    format!("{:?} {}{}", ended.code, ended.out, ended.err)
}

#[test]
fn the_exit_code_tells_whether_the_data_fit() {
    let place = place();
    insta::assert_snapshot!(said(&diff(&place, "schema.json", "fits.json", &[])), @"Some(0) the data fit the schema");
    insta::assert_snapshot!(said(&diff(&place, "schema.json", "moved.json", &[])), @"
    Some(2) ~ origin: domain: + 'LGA'  (5 of 10 values are outside of the domain)
    ~ hour: int_domain.max: 24  (the largest value is 24)
    add --write to change the file
    ");
    assert_eq!(
        std::fs::read_to_string(place.path().join("schema.json")).unwrap(),
        SCHEMA,
        "only --write writes"
    );
    // Two splits are one proposal.
    let both = diff(&place, "schema.json", "fits.json", &["--statistics", "moved.json"]);
    assert_eq!(both.code, Some(2));
}

#[test]
fn json_is_the_proposal_and_write_makes_it_so() {
    let place = place();
    let ended = diff(&place, "schema.json", "moved.json", &["--json", "--write"]);
    assert_eq!(ended.code, Some(0), "they fit now");
    let proposal: Value = serde_json::from_str(&ended.out).unwrap();
    let changes = proposal["changes"].as_array().unwrap().iter();
    let changes: Vec<String> = changes
        .map(|change| format!("{}: {}", change["feature"], change["change"]))
        .collect();
    assert_eq!(
        changes,
        [r#""origin": "domain: + 'LGA'""#, r#""hour": "int_domain.max: 24""#]
    );
    assert_eq!(proposal["remaining"], json!([]));
    let written = std::fs::read_to_string(place.path().join("schema.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), proposal["schema"]);
    let fits = diff(&place, "schema.json", "moved.json", &["--json"]);
    assert_eq!(fits.code, Some(0));
    let fits: Value = serde_json::from_str(&fits.out).unwrap();
    assert_eq!((&fits["changes"], &fits["remaining"]), (&json!([]), &json!([])));
}

#[test]
fn what_no_schema_excuses_remains() {
    let place = place();
    place.write("schema.json", &SCHEMA.replace("BYTES", "FLOAT"));
    let ended = diff(&place, "schema.json", "fits.json", &["--write"]);
    insta::assert_snapshot!(said(&ended), @"
    Some(2) ! origin: the values are BYTES, and the schema says FLOAT  (no change of the schema is proposed for this)
    no change is proposed: look at the data
    ");
}

#[test]
fn files_that_are_missing_or_something_else() {
    let place = place();
    place.write("corrupt.json", "{\"feature\": [");
    place.write("list.json", "[]");
    place.write(
        "typed-wrong.json",
        r#"{"feature": [{"name": "origin", "type": "TEXT"}]}"#,
    );
    place.write("none.json", r#"{"datasets": [{"name": "train", "numExamples": "0"}]}"#);
    let cases = [
        ("absent.json", "fits.json"),
        ("schema.json", "absent.json"),
        ("corrupt.json", "fits.json"),
        ("schema.json", "corrupt.json"),
        ("list.json", "fits.json"),
        ("typed-wrong.json", "fits.json"),
        ("schema.json", "none.json"),
        ("schema.json", "schema.json"),
        ("moved.json", "fits.json"),
    ];
    let lines = cases.map(|(schema, statistics)| said(&diff(&place, schema, statistics, &["--write"])));
    insta::assert_snapshot!(lines.join(""), @"
    Some(1) error: absent.json cannot be read: No such file or directory (os error 2)
    Some(1) error: absent.json cannot be read: No such file or directory (os error 2)
    Some(1) error: corrupt.json is not what it should be: EOF while parsing a list at line 1 column 13
    Some(1) error: corrupt.json is not what it should be: EOF while parsing a list at line 1 column 13
    Some(1) error: list.json is not what it should be: invalid type: sequence, expected struct Schema at line 1 column 0
    Some(1) error: typed-wrong.json is not what it should be: unknown variant `TEXT`, expected one of `BYTES`, `INT`, `FLOAT` at line 1 column 46
    Some(1) error: the statistics have no example to compare the schema with: name those of a split that has some
    Some(1) error: the statistics have no example to compare the schema with: name those of a split that has some
    Some(1) error: moved.json holds statistics and no schema: name what schema-gen writes
    ");
    for file in ["corrupt.json", "moved.json"] {
        let text = std::fs::read_to_string(place.path().join(file)).unwrap();
        assert!(!text.contains("presence"), "{file} was written over");
    }
}

#[test]
fn the_statistics_of_quite_another_table() {
    let place = place();
    let other = statistics(&["x"], 9.0)
        .replace("origin", "colour")
        .replace("hour", "weight");
    place.write("other.json", &other);
    insta::assert_snapshot!(said(&diff(&place, "schema.json", "other.json", &[])), @"
    Some(2) ~ colour: new feature of type BYTES  (the column is in the data, and the schema does not know it)
    ~ weight: new feature of type INT  (the column is in the data, and the schema does not know it)
    add --write to change the file
    ");
}

#[test]
fn a_wrong_call_is_64() {
    let place = place();
    for arguments in [
        &["schema-diff"][..],
        &["schema-diff", "--schema", "schema.json"],
        &["schema-diff", "--statistics", "fits.json"],
        &[
            "schema-diff",
            "--schema",
            "schema.json",
            "--statistics",
            "fits.json",
            "--wirte",
        ],
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(64), "{ended:?}");
    }
}
