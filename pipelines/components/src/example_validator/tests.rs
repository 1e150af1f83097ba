use super::*;
use serde_json::{Value, json};

/// Ten rows: origin without gaps, temp with two, n whole, note without any value.
fn dataset() -> DatasetFeatureStatistics {
    let origin = json!([{"label": "EWR", "sampleCount": 6.0}, {"label": "JFK", "sampleCount": 3.0}, {"label": "XXX", "sampleCount": 1.0}]);
    let common = |present: u64| json!({"numNonMissing": present.to_string(), "numMissing": (10 - present).to_string()});
    let statistics = json!({"name": "eval", "numExamples": "10", "features": [
        {"path": {"step": ["origin"]}, "type": "STRING", "stringStats": {"commonStats": common(10), "unique": "3", "rankHistogram": {"buckets": origin}}},
        {"path": {"step": ["temp"]}, "type": "FLOAT", "numStats": {"commonStats": common(8), "min": -4.5, "max": "Infinity", "histograms": [{"numNan": "2"}]}},
        {"path": {"step": ["n"]}, "type": "INT", "numStats": {"commonStats": common(10), "min": -1.0, "max": 12.0}},
        {"path": {"step": ["note"]}, "type": "STRING", "stringStats": {"commonStats": common(0)}},
    ]});
    serde_json::from_value(statistics).unwrap()
}

fn validate(dataset: &DatasetFeatureStatistics, schema: &Schema, overrides: &Overrides) -> Anomalies {
    let severities = Severities {
        all: overrides.clone(),
        ..Severities::default()
    };
    let validation = Validation {
        schema,
        severities: &severities,
        environment: None,
        drift: None,
        skew: None,
        threads: 2,
        empty_spans: &[],
        small_spans: &[],
        proportion: &Comparison::default(),
    };
    validation.judge(dataset)
}

/// Validates against a schema that knows all columns, some of them with demands.
fn validated(demands: Value, overrides: Value) -> Anomalies {
    let mut schema: Schema = serde_json::from_value(demands).unwrap();
    for name in ["origin", "temp", "n", "note"] {
        if schema.feature.iter().all(|feature| feature.name != name) {
            schema.feature.push(crate::tfdv::schema::Feature::named(name));
        }
    }
    validate(&dataset(), &schema, &serde_json::from_value(overrides).unwrap())
}

/// Every finding on a line of its own.
fn found(demands: Value) -> String {
    let anomalies = validated(demands, json!({}));
    let line = |finding: Finding| format!("{}: {}", finding.anomaly_type, finding.sentence);
    let lines: Vec<String> = findings("eval", &anomalies, &Severities::default())
        .into_iter()
        .map(line)
        .collect();
    lines.join("\n")
}

fn of(feature: Value) -> String {
    found(json!({"feature": [feature]}))
}

#[test]
fn a_schema_without_demands_is_satisfied() {
    assert_eq!(found(json!({})), "");
}

#[test]
fn columns() {
    let schema: Schema = serde_json::from_value(json!({"feature": [
        {"name": "origin"}, {"name": "n"}, {"name": "note", "presence": {"minCount": "1"}},
        {"name": "gone", "presence": {"minFraction": 0.5}}, {"name": "maybe"},
        {"name": "planned", "presence": {"minFraction": 1.0}, "lifecycleStage": "PLANNED"},
    ]}))
    .unwrap();
    let anomalies = validate(&dataset(), &schema, &Overrides::new());
    let lines = findings("eval", &anomalies, &Severities::default()).into_iter();
    let lines: Vec<String> = lines
        .map(|finding| format!("{}: {}", finding.anomaly_type, finding.sentence))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    SCHEMA_MISSING_COLUMN: split 'eval', column 'gone': the column is not in the data, and the schema requires it
    FEATURE_TYPE_NOT_PRESENT: split 'eval', column 'note': no row has a value, and the schema requires some
    SCHEMA_NEW_COLUMN: split 'eval', column 'temp': the column is in the data, and the schema does not know it
    ");
}

#[test]
fn presence() {
    let temp = |presence: Value| of(json!({"name": "temp", "presence": presence}));
    assert_eq!(temp(json!({"min_fraction": 0.8, "min_count": 8})), "");
    insta::assert_snapshot!(temp(json!({"min_fraction": 0.801})), @"FEATURE_TYPE_LOW_FRACTION_PRESENT: split 'eval', column 'temp': 8 of 10 rows (80%) have a value, and the schema requires 80.1%");
    insta::assert_snapshot!(temp(json!({"min_count": 9})), @"FEATURE_TYPE_LOW_NUMBER_PRESENT: split 'eval', column 'temp': 8 rows have a value, and the schema requires 9");
    insta::assert_snapshot!(temp(json!({"min_fraction": 1.0, "min_count": 100})), @"
    FEATURE_TYPE_LOW_NUMBER_PRESENT: split 'eval', column 'temp': 8 rows have a value, and the schema requires 100
    FEATURE_TYPE_LOW_FRACTION_PRESENT: split 'eval', column 'temp': 8 of 10 rows (80%) have a value, and the schema requires 100%
    ");
}

#[test]
fn types() {
    assert_eq!(of(json!({"name": "n", "type": "FLOAT"})), "", "whole numbers fit FLOAT");
    insta::assert_snapshot!(of(json!({"name": "temp", "type": "INT"})), @"UNEXPECTED_DATA_TYPE: split 'eval', column 'temp': the values are FLOAT, and the schema says INT");
    insta::assert_snapshot!(of(json!({"name": "origin", "type": "FLOAT", "float_domain": {"min": 0.0}})), @"UNEXPECTED_DATA_TYPE: split 'eval', column 'origin': the values are BYTES, and the schema says FLOAT");
    let retired = json!({"name": "origin", "type": "FLOAT", "lifecycle_stage": "DEPRECATED"});
    assert_eq!(of(retired), "", "not checked at all");
    // A column without any value has no type either.
    assert_eq!(of(json!({"name": "note", "type": "INT"})), "");
}

#[test]
fn vocabularies() {
    let origin = |values: Value, mass: Option<f64>| {
        of(json!({"name": "origin", "string_domain": {"value": values},
            "distribution_constraints": mass.map(|mass| json!({"min_domain_mass": mass}))}))
    };
    assert_eq!(origin(json!(["EWR", "JFK", "XXX", "LGA"]), None), "");
    assert_eq!(
        origin(json!(["EWR", "JFK"]), Some(0.9)),
        "",
        "exactly the mass that must be inside"
    );
    insta::assert_snapshot!(origin(json!(["EWR", "JFK"]), None), @"ENUM_TYPE_UNEXPECTED_STRING_VALUES: split 'eval', column 'origin': 1 of 10 values (10%) are outside of the domain, such as 'XXX', and the schema allows only 'EWR' and 'JFK'");
    insta::assert_snapshot!(origin(json!(["EWR", "JFK"]), Some(0.91)), @"ENUM_TYPE_UNEXPECTED_STRING_VALUES: split 'eval', column 'origin': 1 of 10 values (10%) are outside of the domain, such as 'XXX', and the schema allows at most 9% of them other than 'EWR' and 'JFK'");
    insta::assert_snapshot!(origin(json!(["A", "B", "C", "D", "E", "F", "EWR"]), Some(0.7)), @"ENUM_TYPE_UNEXPECTED_STRING_VALUES: split 'eval', column 'origin': 4 of 10 values (40%) are outside of the domain, such as 'JFK' and 'XXX', and the schema allows at most 30% of them other than 'A', 'B', 'C', 'D', 'E' and 2 more");
}

#[test]
fn domains_by_name() {
    let demands = json!({"feature": [{"name": "origin", "domain": "airports"}],
        "string_domain": [{"name": "airports", "value": ["EWR", "JFK", "XXX"]}]});
    assert_eq!(found(demands), "");
    insta::assert_snapshot!(of(json!({"name": "origin", "domain": "airports"})), @"INVALID_DOMAIN_SPECIFICATION: split 'eval', column 'origin': the schema gives it the domain 'airports' and does not define that");
    insta::assert_snapshot!(of(json!({"name": "n", "float_domain": {"min": 0.0}})), @"DOMAIN_INVALID_FOR_TYPE: split 'eval', column 'n': the values are INT, and the float_domain that the schema gives them is for FLOAT");
    insta::assert_snapshot!(of(json!({"name": "origin", "int_domain": {"min": "0"}})), @"INT_TYPE_NOT_INT_STRING: split 'eval', column 'origin': there are values such as 'EWR', 'JFK' and 'XXX', and the schema wants whole numbers");
}

#[test]
fn ranges() {
    assert_eq!(of(json!({"name": "n", "int_domain": {"min": "-1", "max": 12}})), "");
    insta::assert_snapshot!(of(json!({"name": "n", "int_domain": {"min": "0", "max": "11"}})), @"
    INT_TYPE_SMALL_INT: split 'eval', column 'n': the smallest value is -1, and the schema allows none below 0
    INT_TYPE_BIG_INT: split 'eval', column 'n': the largest value is 12, and the schema allows none above 11
    ");
    assert_eq!(of(json!({"name": "temp", "float_domain": {"min": -4.5}})), "");
    insta::assert_snapshot!(of(json!({"name": "temp", "float_domain": {"min": 0.0, "max": 40.0, "disallow_nan": true, "disallow_inf": true}})), @"
    FLOAT_TYPE_SMALL_FLOAT: split 'eval', column 'temp': the smallest value is -4.5, and the schema allows none below 0
    FLOAT_TYPE_BIG_FLOAT: split 'eval', column 'temp': the largest value is inf, and the schema allows none above 40
    FLOAT_TYPE_HAS_NAN: split 'eval', column 'temp': 2 of 8 values are NaN, and the schema allows none
    FLOAT_TYPE_HAS_INF: split 'eval', column 'temp': some values are infinite, and the schema allows none
    ");
}

#[test]
fn nothing_but_nan_has_no_range() {
    let mut dataset = dataset();
    let numbers = dataset.features[1].num_stats.as_mut().unwrap();
    (numbers.min, numbers.max, numbers.histograms[0].num_nan) = (0.0, 0.0, 8);
    let demand = json!({"feature": [{"name": "temp", "float_domain": {"min": 5.0}}]});
    let schema: Schema = serde_json::from_value(demand).unwrap();
    assert!(
        !validate(&dataset, &schema, &Overrides::new())
            .anomaly_info
            .contains_key("temp")
    );
}

#[test]
fn distinct_values() {
    assert_eq!(
        of(json!({"name": "origin", "unique_constraints": {"min": "3", "max": "3"}})),
        ""
    );
    insta::assert_snapshot!(of(json!({"name": "origin", "unique_constraints": {"min": "4"}})), @"FEATURE_TYPE_LOW_UNIQUE: split 'eval', column 'origin': there are 3 distinct values, and the schema requires 4");
    insta::assert_snapshot!(of(json!({"name": "origin", "unique_constraints": {"max": "2"}})), @"FEATURE_TYPE_HIGH_UNIQUE: split 'eval', column 'origin': there are 3 distinct values, and the schema allows 2");
}

#[test]
fn numbers_of_examples() {
    let rows = |constraints: Value| found(json!({"dataset_constraints": constraints}));
    assert_eq!(
        rows(json!({"min_examples_count": "10", "max_examples_count": "10"})),
        ""
    );
    insta::assert_snapshot!(rows(json!({"min_examples_count": "11"})), @"DATASET_LOW_NUM_EXAMPLES: split 'eval': there are 10 examples, and the schema requires 11");
    insta::assert_snapshot!(rows(json!({"max_examples_count": "9"})), @"DATASET_HIGH_NUM_EXAMPLES: split 'eval': there are 10 examples, and the schema allows 9");
    let empty = DatasetFeatureStatistics {
        num_examples: 0,
        ..dataset()
    };
    let anomalies = validate(&empty, &Schema::default(), &Overrides::new());
    insta::assert_snapshot!(serde_json::to_string(&anomalies).unwrap(), @r#"{"anomalyInfo":{},"datasetAnomalyInfo":{"severity":"ERROR","shortDescription":"Low num examples","description":"there are no examples, so that nothing can be checked","reason":[{"type":"DATASET_LOW_NUM_EXAMPLES","shortDescription":"Low num examples","description":"there are no examples, so that nothing can be checked"}]},"dataMissing":true}"#);
}

#[test]
fn severities() {
    let both = json!({"feature": [{"name": "n", "int_domain": {"min": "0", "max": "11"}}]});
    let severity = |overrides: Value| validated(both.clone(), overrides).anomaly_info["n"].severity;
    assert_eq!(severity(json!({})), Severity::Error);
    assert_eq!(
        severity(json!({"INT_TYPE_SMALL_INT": "WARNING"})),
        Severity::Error,
        "the worst counts"
    );
    assert_eq!(
        severity(json!({"INT_TYPE_SMALL_INT": "WARNING", "INT_TYPE_BIG_INT": "WARNING"})),
        Severity::Warning
    );
}

#[test]
fn several_reasons_are_one_info() {
    let demands = json!({"feature": [{"name": "n", "presence": {"min_count": "20"}, "int_domain": {"min": "0"}}]});
    let anomalies = validated(demands, json!({"INT_TYPE_SMALL_INT": "WARNING"}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&anomalies).unwrap(), @r#"
    {
      "anomalyInfo": {
        "n": {
          "path": {
            "step": [
              "n"
            ]
          },
          "severity": "ERROR",
          "shortDescription": "Multiple errors",
          "description": "10 rows have a value, and the schema requires 20; the smallest value is -1, and the schema allows none below 0",
          "reason": [
            {
              "type": "FEATURE_TYPE_LOW_NUMBER_PRESENT",
              "shortDescription": "Column dropped",
              "description": "10 rows have a value, and the schema requires 20"
            },
            {
              "type": "INT_TYPE_SMALL_INT",
              "shortDescription": "Out-of-range values",
              "description": "the smallest value is -1, and the schema allows none below 0"
            }
          ]
        }
      }
    }
    "#);
}

#[test]
fn words_numbers_and_truth() {
    assert_eq!(
        of(json!({"name": "origin", "bool_domain": {"true_value": "yes"}}))
            .lines()
            .count(),
        1
    );
    insta::assert_snapshot!(of(json!({"name": "origin", "float_domain": {"min": 0.0}})), @"FLOAT_TYPE_STRING_NOT_FLOAT: split 'eval', column 'origin': there are values such as 'EWR', 'JFK' and 'XXX', and the schema wants numbers");
    insta::assert_snapshot!(of(json!({"name": "n", "bool_domain": {}})), @"
    BOOL_TYPE_SMALL_INT: split 'eval', column 'n': the smallest value is -1, and the schema allows none below 0
    BOOL_TYPE_BIG_INT: split 'eval', column 'n': the largest value is 12, and the schema allows none above 1
    ");
    insta::assert_snapshot!(of(json!({"name": "n", "unique_constraints": {"min": "1"}})), @"FEATURE_TYPE_NO_UNIQUE: split 'eval', column 'n': the schema bounds the distinct values, and those of INT are not counted");
}

#[test]
fn numbers_of_values() {
    let mut dataset = dataset();
    let common = &mut dataset.features[2].num_stats.as_mut().unwrap().common_stats;
    (common.min_num_values, common.max_num_values) = (1, 3);
    let found = |feature: Value| {
        let schema = serde_json::from_value(json!({"feature": [feature]})).unwrap();
        let anomalies = validate(&dataset, &schema, &Overrides::new());
        anomalies
            .anomaly_info
            .get("n")
            .map(|info| info.description.clone())
            .unwrap_or_default()
    };
    assert_eq!(found(json!({"name": "n", "value_count": {"min": "1", "max": "3"}})), "");
    insta::assert_snapshot!(found(json!({"name": "n", "value_count": {"min": "2", "max": "2"}})), @"a row has 1 values, and the schema requires 2; a row has 3 values, and the schema allows 2");
    insta::assert_snapshot!(found(json!({"name": "n", "shape": {"dim": [{"size": "1"}]}})), @"rows have 1 to 3 values, and the shape in the schema holds 1");
}

#[test]
fn environments() {
    let schema: Schema = serde_json::from_value(json!({"default_environment": ["TRAINING"], "feature": [
        {"name": "label", "presence": {"min_fraction": 1.0}, "not_in_environment": ["SERVING"]},
        {"name": "asked", "presence": {"min_fraction": 1.0}, "in_environment": ["SERVING"]},
        {"name": "both", "presence": {"min_fraction": 1.0}}]}))
    .unwrap();
    let missing = |environment| {
        let validation = Validation {
            schema: &schema,
            severities: &Severities::default(),
            environment,
            drift: None,
            skew: None,
            threads: 2,
            empty_spans: &[],
            small_spans: &[],
            proportion: &Comparison::default(),
        };
        let anomalies = validation.judge(&dataset());
        let missing = anomalies.anomaly_info.iter();
        let missing = missing.filter(|(_, info)| info.reason[0].anomaly_type == AnomalyType::SchemaMissingColumn);
        missing.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(missing(None), ["asked", "both", "label"]);
    assert_eq!(missing(Some("TRAINING")), ["asked", "both", "label"]);
    assert_eq!(missing(Some("SERVING")), ["asked"]);
}
