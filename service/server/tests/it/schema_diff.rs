//! `trainyard schema-diff`: from `{}` to a schema, and on when the data moved.

use crate::binary::Place;

const STATISTICS: &str = r#"{"datasets": [{"name": "train", "numExamples": "4", "features": [
    {"path": {"step": ["origin"]}, "type": "STRING", "stringStats": {
        "commonStats": {"numNonMissing": "4", "minNumValues": "1", "maxNumValues": "1"}, "unique": "2",
        "topValues": [{"value": "EWR", "frequency": 3.0}, {"value": "JFK", "frequency": 1.0}],
        "rankHistogram": {"buckets": [{"lowRank": "0", "highRank": "0", "label": "EWR", "sampleCount": 3.0},
                                      {"lowRank": "1", "highRank": "1", "label": "JFK", "sampleCount": 1.0}]}}}]}]}"#;

#[test]
fn an_empty_schema_becomes_one_and_follows_the_data() {
    let place = Place::new("");
    place.write("schema.json", "{}");
    place.write("statistics/Split-train/statistics.json", STATISTICS);
    place.write("later.json", &STATISTICS.replace("JFK", "LGA"));
    let diff = |statistics: &str, more: &[&str]| {
        let arguments = [
            &["schema-diff", "--schema", "schema.json", "--statistics", statistics],
            more,
        ]
        .concat();
        let ended = place.run(&arguments);
        format!("{:?} {}{}", ended.code, ended.out, ended.err)
    };
    let said = [
        diff("statistics", &["--write"]),
        diff("statistics", &[]),
        diff("later.json", &[]),
        diff("later.json", &["--write"]),
        diff("later.json", &[]),
        diff("nothing", &[]),
    ];
    insta::assert_snapshot!(said.join(""), @"
    Some(0) ~ origin: new feature of type BYTES  (the column is in the data, and the schema does not know it)
    written: review the change and commit it
    Some(0) the data fit the schema
    Some(2) ~ origin: domain: + 'LGA'  (1 of 4 values are outside of the domain)
    add --write to change the file
    Some(0) ~ origin: domain: + 'LGA'  (1 of 4 values are outside of the domain)
    written: review the change and commit it
    Some(0) the data fit the schema
    Some(1) error: nothing cannot be read: No such file or directory (os error 2)
    ");
    // Whatever stops the writing, here a folder in its way, leaves the schema of before.
    place.write("schema.json.part/in-the-way", "");
    place.write("newest.json", &STATISTICS.replace("JFK", "BOS"));
    let stopped = diff("newest.json", &["--write"]);
    assert!(
        stopped.contains("schema.json cannot be written: Is a directory"),
        "{stopped}"
    );
    assert!(
        diff("later.json", &[]).starts_with("Some(0)"),
        "the schema is as it was"
    );
    place.write("empty/note.txt", "");
    assert!(diff("empty", &[]).contains("has no Split-*/statistics.json"));
}

#[test]
fn a_run_brings_both_or_something_must() {
    let place = Place::new("");
    let without = place.run(&["schema-diff"]);
    assert_eq!(without.code, Some(64), "{without:?}");
    let unknown = place.run(&["schema-diff", "0192f0c1"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}
