//! Planted anomalies and the types that TFDV 1.16.1 was seen to find in such data, feature by feature.
//!
//! Measured with `tfdv.validate_statistics` on 127 data sets; kept here as facts. Where we differ on purpose the row
//! says so in its second expectation, and why.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use trainyard_tfdv::schema::Schema;
use trainyard_tfdv::statistics::DatasetFeatureStatistics;
use trainyard_tfdv::validate::{Severities, Validation};

/// Counts of 200 rows, of which some have no value.
fn common(missing: u64) -> Value {
    let values = json!({"minNumValues": "1", "maxNumValues": "1"});
    let mut common = json!({"numNonMissing": 200 - missing, "numMissing": missing});
    common
        .as_object_mut()
        .unwrap()
        .extend(values.as_object().unwrap().clone());
    common
}

/// A column of text, where each word is as frequent as the others but the last, which occurs once.
fn words(words: &[&str], missing: u64) -> Value {
    let others = (200 - missing - 1) as f64 / (words.len() - 1).max(1) as f64;
    let bucket = |(rank, word): (usize, &&str)| json!({"label": word, "sampleCount": if rank + 1 == words.len() { 1.0 } else { others }});
    let buckets: Vec<Value> = words.iter().enumerate().map(bucket).collect();
    json!({"name": "x", "type": "STRING", "stringStats": {"commonStats": common(missing), "unique": words.len(), "rankHistogram": {"buckets": buckets}}})
}

fn numbers(kind: &str, min: f64, max: f64, nan: u64) -> Value {
    let text = |value: f64| {
        if value.is_finite() {
            json!(value)
        } else {
            json!("Infinity")
        }
    };
    json!({"name": "x", "type": kind, "numStats": {"commonStats": common(0), "min": text(min), "max": text(max), "histograms": [{"numNan": nan}]}})
}

/// What is found, by type, in a column `x` that the schema describes so.
fn found(feature: &Value, data: Option<Value>) -> Vec<String> {
    let mut described = json!({"name": "x"});
    described
        .as_object_mut()
        .unwrap()
        .extend(feature.as_object().unwrap().clone());
    let schema: Schema = serde_json::from_value(
        json!({"feature": [described], "default_environment": ["TRAINING", "SERVING"],
        "string_domain": [{"name": "airports", "value": ["EWR", "JFK", "LGA"]}]}),
    )
    .unwrap();
    let mut environment = None;
    let mut features = Vec::new();
    if let Some(mut data) = data {
        environment = data["environment"].take().as_str().map(str::to_owned);
        data.as_object_mut().unwrap().remove("environment");
        features.push(data);
    }
    let dataset: DatasetFeatureStatistics =
        serde_json::from_value(json!({"name": "eval", "numExamples": 200, "features": features})).unwrap();
    let validation = Validation {
        schema: &schema,
        severities: &Severities::default(),
        environment: environment.as_deref(),
        drift: None,
        skew: None,
        threads: 2,
        empty_spans: &[],
        small_spans: &[],
        proportion: &trainyard_tfdv::comparator::Comparison::default(),
    };
    let anomalies = validation.judge(&dataset).anomaly_info;
    let reasons = anomalies.values().flat_map(|info| &info.reason);
    let mut types: Vec<String> = reasons.map(|reason| reason.anomaly_type.to_string()).collect();
    types.sort();
    types
}

#[test]
fn one_column() {
    let airports = ["EWR", "JFK", "LGA"];
    let (text, required) = (json!("BYTES"), json!({"min_fraction": 1.0, "min_count": 1}));
    let domain = |mass: f64| json!({"type": "BYTES", "domain": "airports", "distribution_constraints": {"min_domain_mass": mass}});
    let int = |min: &str, max: &str| json!({"type": "INT", "int_domain": {"min": min, "max": max}});
    let float = |more: Value| json!({"type": "FLOAT", "float_domain": more});
    let serving = |mut data: Value| {
        data["environment"] = json!("SERVING");
        data
    };
    let not_serving = json!({"type": "BYTES", "not_in_environment": ["SERVING"]});
    let of_text = |key: &str, value: Value| json!({"type": "BYTES", key: value});
    let cases: Vec<(&str, Value, Option<Value>, &[&str])> = vec![
        (
            "as it should be",
            json!({"type": text, "presence": required, "shape": {"dim": [{"size": 1}]}, "domain": "airports"}),
            Some(words(&airports, 0)),
            &[],
        ),
        (
            "required and absent",
            json!({"type": text, "presence": required}),
            None,
            &["SCHEMA_MISSING_COLUMN"],
        ),
        ("optional and absent", json!({"type": text}), None, &[]),
        (
            "beta and absent",
            json!({"type": text, "presence": required, "lifecycle_stage": "BETA"}),
            None,
            &["SCHEMA_MISSING_COLUMN"],
        ),
        (
            "deprecated and absent",
            json!({"type": text, "presence": required, "lifecycle_stage": "DEPRECATED"}),
            None,
            &[],
        ),
        (
            "deprecated and of another type",
            json!({"type": "INT", "lifecycle_stage": "DEPRECATED"}),
            Some(words(&airports, 0)),
            &[],
        ),
        (
            "gaps where a shape wants none",
            json!({"type": text, "presence": required, "shape": {"dim": [{"size": 1}]}}),
            Some(words(&airports, 1)),
            &["FEATURE_TYPE_LOW_FRACTION_PRESENT", "INVALID_FEATURE_SHAPE"],
        ),
        (
            "gaps and a shape without presence",
            json!({"type": text, "shape": {"dim": [{"size": 1}]}}),
            Some(words(&airports, 40)),
            &["INVALID_FEATURE_SHAPE"],
        ),
        (
            "just the least share",
            json!({"type": text, "presence": {"min_fraction": 0.8}}),
            Some(words(&airports, 40)),
            &[],
        ),
        (
            "less than the least share",
            json!({"type": text, "presence": {"min_fraction": 0.9}}),
            Some(words(&airports, 40)),
            &["FEATURE_TYPE_LOW_FRACTION_PRESENT"],
        ),
        (
            "fewer than the least number",
            json!({"type": text, "presence": {"min_count": 1000}}),
            Some(words(&airports, 0)),
            &["FEATURE_TYPE_LOW_NUMBER_PRESENT"],
        ),
        (
            "text for numbers",
            json!({"type": "INT"}),
            Some(words(&airports, 0)),
            &["UNEXPECTED_DATA_TYPE"],
        ),
        (
            "fractions for whole numbers",
            json!({"type": "INT"}),
            Some(numbers("FLOAT", 0.0, 9.5, 0)),
            &["UNEXPECTED_DATA_TYPE"],
        ),
        (
            "whole numbers for text",
            json!({"type": "BYTES"}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["UNEXPECTED_DATA_TYPE"],
        ),
        (
            "another word",
            domain(1.0),
            Some(words(&["EWR", "JFK", "XXX"], 0)),
            &["ENUM_TYPE_UNEXPECTED_STRING_VALUES"],
        ),
        (
            "an empty word",
            domain(1.0),
            Some(words(&["EWR", "JFK", ""], 0)),
            &["ENUM_TYPE_UNEXPECTED_STRING_VALUES"],
        ),
        (
            "another word within the mass",
            domain(0.99),
            Some(words(&["EWR", "JFK", "XXX"], 0)),
            &[],
        ),
        (
            "just the mass",
            domain(0.995),
            Some(words(&["EWR", "JFK", "XXX"], 0)),
            &[],
        ),
        (
            "less than the mass",
            domain(0.999),
            Some(words(&["EWR", "JFK", "XXX"], 0)),
            &["ENUM_TYPE_UNEXPECTED_STRING_VALUES"],
        ),
        (
            "a domain that is not there",
            of_text("domain", json!("nowhere")),
            Some(words(&airports, 0)),
            &["INVALID_DOMAIN_SPECIFICATION"],
        ),
        (
            "words for numbers",
            json!({"type": "INT", "string_domain": {"value": ["x"]}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["DOMAIN_INVALID_FOR_TYPE"],
        ),
        (
            "too small",
            int("300", "5000"),
            Some(numbers("INT", 100.0, 900.0, 0)),
            &["INT_TYPE_SMALL_INT"],
        ),
        (
            "too big",
            int("0", "500"),
            Some(numbers("INT", 100.0, 900.0, 0)),
            &["INT_TYPE_BIG_INT"],
        ),
        (
            "both ends",
            int("100", "900"),
            Some(numbers("INT", 100.0, 900.0, 0)),
            &[],
        ),
        (
            "a range of fractions for whole numbers",
            json!({"type": "INT", "float_domain": {"min": 0.0}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["DOMAIN_INVALID_FOR_TYPE"],
        ),
        (
            "a range of whole numbers for fractions",
            json!({"type": "FLOAT", "int_domain": {}}),
            Some(numbers("FLOAT", 0.0, 9.5, 0)),
            &["DOMAIN_INVALID_FOR_TYPE"],
        ),
        (
            "fractions too small and too big",
            float(json!({"min": 10.0, "max": 20.0})),
            Some(numbers("FLOAT", 1.0, 30.0, 0)),
            &["FLOAT_TYPE_BIG_FLOAT", "FLOAT_TYPE_SMALL_FLOAT"],
        ),
        (
            "NaN where nobody forbids it",
            float(json!({"min": 0.0, "max": 99.0})),
            Some(numbers("FLOAT", 1.0, 30.0, 1)),
            &[],
        ),
        (
            "NaN",
            float(json!({"disallow_nan": true})),
            Some(numbers("FLOAT", 1.0, 30.0, 1)),
            &["FLOAT_TYPE_HAS_NAN"],
        ),
        (
            "an infinity",
            float(json!({"disallow_inf": true})),
            Some(numbers("FLOAT", 1.0, f64::INFINITY, 0)),
            &["FLOAT_TYPE_HAS_INF"],
        ),
        (
            "an infinity out of range",
            float(json!({"max": 99.0})),
            Some(numbers("FLOAT", 1.0, f64::INFINITY, 0)),
            &["FLOAT_TYPE_BIG_FLOAT"],
        ),
        (
            "nothing but NaN has no range",
            float(json!({"min": 0.0, "max": 1.0})),
            Some(numbers("FLOAT", 0.0, 0.0, 200)),
            &[],
        ),
        (
            "whole numbers as text",
            of_text("int_domain", json!({})),
            Some(words(&["1", "03", "-7"], 0)),
            &[],
        ),
        (
            "other text",
            of_text("int_domain", json!({})),
            Some(words(&["1", "abc"], 0)),
            &["INT_TYPE_NOT_INT_STRING"],
        ),
        (
            "fractions as text",
            of_text("int_domain", json!({})),
            Some(words(&["1", "1.5"], 0)),
            &["INT_TYPE_NOT_INT_STRING"],
        ),
        (
            "a range of text",
            of_text("int_domain", json!({"min": "10", "max": "20"})),
            Some(words(&["1", "50"], 0)),
            &["INT_TYPE_BIG_INT", "INT_TYPE_SMALL_INT"],
        ),
        (
            "a range of fractions as text",
            of_text("float_domain", json!({"min": 10.0, "max": 20.0})),
            Some(words(&["1", "50.5"], 0)),
            &["FLOAT_TYPE_BIG_FLOAT", "FLOAT_TYPE_SMALL_FLOAT"],
        ),
        (
            "text that is no number",
            of_text("float_domain", json!({})),
            Some(words(&airports, 0)),
            &["FLOAT_TYPE_STRING_NOT_FLOAT"],
        ),
        (
            "truth above 1",
            json!({"type": "INT", "bool_domain": {}}),
            Some(numbers("INT", 0.0, 2.0, 0)),
            &["BOOL_TYPE_BIG_INT"],
        ),
        (
            "truth below 0",
            json!({"type": "INT", "bool_domain": {}}),
            Some(numbers("INT", -1.0, 1.0, 0)),
            &["BOOL_TYPE_SMALL_INT"],
        ),
        (
            "truth in fractions",
            json!({"type": "FLOAT", "bool_domain": {}}),
            Some(numbers("FLOAT", 0.5, 0.5, 0)),
            &["BOOL_TYPE_UNEXPECTED_FLOAT"],
        ),
        (
            "truth as 0.0 and 1.0",
            json!({"type": "FLOAT", "bool_domain": {}}),
            Some(numbers("FLOAT", 0.0, 1.0, 0)),
            &[],
        ),
        (
            "truth in two words",
            of_text("bool_domain", json!({"true_value": "A", "false_value": "B"})),
            Some(words(&["A", "B"], 0)),
            &[],
        ),
        (
            "truth in three words",
            of_text("bool_domain", json!({"true_value": "A", "false_value": "B"})),
            Some(words(&["A", "B", "C"], 0)),
            &["BOOL_TYPE_UNEXPECTED_STRING"],
        ),
        (
            "few different",
            of_text("unique_constraints", json!({"min": 5, "max": 10})),
            Some(words(&airports, 0)),
            &["FEATURE_TYPE_LOW_UNIQUE"],
        ),
        (
            "many different",
            of_text("unique_constraints", json!({"min": 1, "max": 2})),
            Some(words(&airports, 0)),
            &["FEATURE_TYPE_HIGH_UNIQUE"],
        ),
        (
            "different numbers",
            json!({"type": "INT", "unique_constraints": {"min": 1, "max": 2}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["FEATURE_TYPE_NO_UNIQUE"],
        ),
        (
            "one value where two are wanted",
            json!({"type": "INT", "value_count": {"min": 2, "max": 2}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["FEATURE_TYPE_LOW_NUMBER_VALUES"],
        ),
        (
            "one value where none is wanted",
            json!({"type": "INT", "value_count": {"min": 0, "max": 0}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["FEATURE_TYPE_HIGH_NUMBER_VALUES"],
        ),
        (
            "at least more than at most",
            json!({"type": "INT", "value_count": {"min": 1, "max": 0}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["INVALID_SCHEMA_SPECIFICATION"],
        ),
        (
            "a shape of two",
            json!({"type": "INT", "shape": {"dim": [{"size": 2}]}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &["INVALID_FEATURE_SHAPE"],
        ),
        (
            "a scalar",
            json!({"type": "INT", "shape": {}}),
            Some(numbers("INT", 0.0, 9.0, 0)),
            &[],
        ),
        (
            "a label in serving data",
            not_serving.clone(),
            Some(serving(words(&airports, 0))),
            &["SCHEMA_NEW_COLUMN"],
        ),
        (
            "no label in serving data",
            json!({"type": "BYTES", "presence": required, "not_in_environment": ["TRAINING"]}),
            Some(json!({"name": "y", "type": "INT", "environment": "TRAINING"})),
            &["SCHEMA_NEW_COLUMN"],
        ),
    ];
    for (case, feature, data, expected) in cases {
        assert_eq!(found(&feature, data), expected, "{case}: {feature}");
    }
}

/// What TFDV says of the case, what we say, and why.
#[test]
fn where_we_differ_on_purpose() {
    let whole = Some(numbers("INT", 0.0, 9.0, 0));
    let cases: [(Value, &str, &[&str], &str); 2] = [
        (
            json!({"type": "FLOAT"}),
            "UNEXPECTED_DATA_TYPE",
            &[],
            "a month of a CSV column without a fraction reads as INT",
        ),
        (
            json!({}),
            "FEATURE_MISSING_TYPE",
            &[],
            "a feature without a type is one that may have any",
        ),
    ];
    for (feature, of_tfdv, ours, why) in cases {
        let found = found(&feature, whole.clone());
        assert_eq!(found, ours, "{why}");
        assert!(!found.iter().any(|found| found == of_tfdv));
    }
}
