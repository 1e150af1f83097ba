//! example-validator with what it compares with: the previous span and serving data.

use crate::yard::{Ended, Yard};
use serde_json::{Value, json};

/// Three hundred flights; every origin as often as its weight says.
fn flights(weights: [usize; 3], warmer: f64) -> String {
    let mut text = "origin,temp,late\n".to_owned();
    for row in 0..300_usize {
        let place = row % weights.iter().sum::<usize>();
        let origin =
            ["EWR", "JFK", "LGA"][usize::from(place >= weights[0]) + usize::from(place >= weights[0] + weights[1])];
        let temp = (row * 37 % 100) as f64 / 5.0 + warmer;
        text += &format!("{origin},{temp:.1},{}\n", row * 7 % 2);
    }
    text
}

/// `now`, the `same` in another order, and `other` flights: of another origin and warmer; `serving` is one split.
fn yard() -> Yard {
    let yard = Yard::new();
    let one = || json!({"splits": {"eval": 1}});
    yard.statistics("now", &flights([1, 1, 1], 0.0), one());
    let same: Vec<String> = flights([1, 1, 1], 0.0).lines().map(str::to_owned).collect();
    let same: Vec<&str> = same[..1]
        .iter()
        .chain(same[1..].iter().rev())
        .map(String::as_str)
        .collect();
    yard.statistics("same", &same.join("\n"), one());
    yard.statistics("other", &flights([8, 1, 1], 15.0), one());
    yard.statistics("serving", &flights([8, 1, 1], 0.0), json!({"splits": {"serving": 1}}));
    yard.statistics("bare", "origin\nEWR\nJFK\n", one());
    let with = [("statistics", "now")];
    yard.step("schema-gen", json!({}), &with, ("schema", "schema"))
        .success();
    yard
}

fn validate(yard: &Yard, with: Value, controls: &[(&str, &str)]) -> Ended {
    let mut inputs = vec![("statistics", "now"), ("schema", "schema")];
    inputs.extend(controls);
    yard.step("example-validator", with, &inputs, ("anomalies", "anomalies"))
}

/// What was measured, on a line each.
fn measured(yard: &Yard) -> String {
    let distances = yard.json("anomalies/Split-eval/distances.json");
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        format!(
            "{} of {} by {}: {}",
            text("comparison"),
            text("feature"),
            text("distance"),
            one["fires"]
        )
    };
    let lines: Vec<String> = distances["distances"].as_array().unwrap().iter().map(line).collect();
    lines.join("\n")
}

#[test]
fn the_same_data_in_another_order_are_no_drift() {
    let yard = yard();
    let ended = validate(
        &yard,
        json!({}),
        &[("previous_statistics", "same"), ("serving_statistics", "same")],
    )
    .success();
    insta::assert_snapshot!(ended.stdout, @"split eval: 300 examples, anomalies: 0");
    insta::assert_snapshot!(measured(&yard), @"
    drift of origin by JENSEN_SHANNON_DIVERGENCE: false
    skew of origin by JENSEN_SHANNON_DIVERGENCE: false
    drift of temp by JENSEN_SHANNON_DIVERGENCE: false
    skew of temp by JENSEN_SHANNON_DIVERGENCE: false
    drift of late by JENSEN_SHANNON_DIVERGENCE: false
    skew of late by JENSEN_SHANNON_DIVERGENCE: false
    ");
    assert_eq!(yard.properties("anomalies")["blessed"], json!({"eval": 1}));
    assert_eq!(yard.properties("anomalies")["drifted"], json!([]));
    // Nothing to compare with, nothing measured.
    let yard = self::yard();
    validate(&yard, json!({}), &[]).success();
    assert_eq!(yard.properties("anomalies").get("drifted"), None);
    assert!(!yard.path("anomalies/Split-eval/distances.json").exists());
}

#[test]
fn drift_and_skew_are_told_apart_and_stop_the_run() {
    let yard = yard();
    let controls = [("previous_statistics", "other"), ("serving_statistics", "serving")];
    let ended = validate(&yard, json!({}), &controls);
    insta::assert_snapshot!(ended.stdout, @"
    split eval: 300 examples, anomalies: 3
    ERROR: split 'eval', column 'origin': the Jensen-Shannon divergence from the previous data is 0.167, and at most 0.01 is allowed; 300 and 300 values of the same origin are farther apart than 0.0117 only 1% of the time
    ERROR: split 'eval', column 'origin': the Jensen-Shannon divergence from the serving data is 0.167, and at most 0.01 is allowed; 300 and 300 values of the same origin are farther apart than 0.0111 only 1% of the time
    ERROR: split 'eval', column 'temp': the Jensen-Shannon divergence from the previous data is 0.739, and at most 0.01 is allowed; 300 and 300 values of the same origin are farther apart than 0.0435 only 1% of the time
    split 'eval', column 'origin': the Jensen-Shannon divergence from the previous data is 0.167, and at most 0.01 is allowed; 300 and 300 values of the same origin are farther apart than 0.0117 only 1% of the time (and 2 more anomalies in its log): correct the data or the threshold, or set severity_overrides: { COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH: WARNING }
    ");
    insta::assert_snapshot!(ended.failure(), @"split 'eval', column 'origin': the Jensen-Shannon divergence from the previous data is 0.167, and at most 0.01 is allowed; 300 and 300 values of the same origin are farther apart than 0.0117 only 1% of the time (and 2 more anomalies in its log): correct the data or the threshold, or set severity_overrides: { COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH: WARNING }");
    insta::assert_snapshot!(measured(&yard), @"
    drift of origin by JENSEN_SHANNON_DIVERGENCE: true
    skew of origin by JENSEN_SHANNON_DIVERGENCE: true
    drift of temp by JENSEN_SHANNON_DIVERGENCE: true
    skew of temp by JENSEN_SHANNON_DIVERGENCE: false
    drift of late by JENSEN_SHANNON_DIVERGENCE: false
    skew of late by JENSEN_SHANNON_DIVERGENCE: false
    ");
    assert_eq!(yard.properties("anomalies")["blessed"], json!({"eval": 0}));
    let drifted = yard.properties("anomalies")["drifted"].clone();
    assert_eq!(drifted.as_array().unwrap().len(), 3, "{drifted}");
    assert!(drifted[2].as_str().unwrap().contains("column 'temp'"), "{drifted}");
    let written = yard.json("anomalies/Split-eval/anomalies.json");
    let types = |column: &str| -> Vec<String> {
        let reasons = written["anomalyInfo"][column]["reason"].as_array().unwrap();
        reasons
            .iter()
            .map(|reason| reason["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        types("origin"),
        ["COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"; 2],
        "drift and skew"
    );
    assert_eq!(
        types("temp"),
        ["COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"],
        "drift only"
    );
    assert_eq!(
        written["driftSkewInfo"][0]["skewMeasurements"][0]["type"],
        "JENSEN_SHANNON_DIVERGENCE"
    );
}

#[test]
fn what_an_anomaly_does() {
    let yard = yard();
    let controls = [("previous_statistics", "other")];
    let says = |ended: &Ended| {
        (
            ended.stdout.contains("ERROR: split"),
            ended.stdout.contains("WARNING: split"),
        )
    };
    let with = |with: Value| {
        let ended = validate(&yard, with, &controls);
        (
            ended.code,
            says(&ended),
            yard.properties("anomalies")["blessed"]["eval"].as_i64().unwrap(),
        )
    };
    assert_eq!(with(json!({"on_anomaly": "fail"})), (1, (true, false), 0));
    assert_eq!(with(json!({"on_anomaly": "warn"})), (0, (true, false), 0));
    assert_eq!(with(json!({"on_anomaly": "ignore"})), (0, (false, false), 0));
    let name = "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH";
    // All of that type only warn, but those of a column that says otherwise.
    assert_eq!(
        with(json!({"severity_overrides": {name: "WARNING"}})),
        (0, (false, true), 1)
    );
    let one = json!({"feature_severity_overrides": {"origin": {name: "WARNING"}}});
    assert_eq!(with(one), (1, (true, true), 0));
    let strict =
        json!({"severity_overrides": {name: "WARNING"}, "feature_severity_overrides": {"origin": {name: "ERROR"}}});
    assert_eq!(with(strict.clone()), (1, (true, true), 0));
    let ended = validate(&yard, strict, &controls);
    assert!(ended.last_line.contains("column 'origin'"), "{}", ended.last_line);
    let severity =
        |column: &str| yard.json("anomalies/Split-eval/anomalies.json")["anomalyInfo"][column]["severity"].clone();
    assert_eq!(
        (severity("origin"), severity("temp")),
        (json!("ERROR"), json!("WARNING"))
    );
}

#[test]
fn how_to_compare_is_said_for_each_side() {
    let yard = yard();
    let controls = [("previous_statistics", "other"), ("serving_statistics", "serving")];
    let with = json!({"on_anomaly": "ignore",
        "drift": {"kolmogorov_smirnov": {}, "features": {"origin": {"infinity_norm": {"threshold": 0.9}}}},
        "skew": {"chi_square": {}, "num_examples": {"min_fraction_threshold": 1.5}}});
    validate(&yard, with, &controls).success();
    insta::assert_snapshot!(measured(&yard), @"
    drift of origin by L_INFTY: false
    skew of origin by CHI_SQUARE: true
    drift of temp by KOLMOGOROV_SMIRNOV: true
    skew of temp by CHI_SQUARE: false
    drift of late by KOLMOGOROV_SMIRNOV: false
    skew of late by CHI_SQUARE: false
    ");
    let written = yard.json("anomalies/Split-eval/anomalies.json");
    assert_eq!(
        written["datasetAnomalyInfo"]["reason"][0]["type"],
        "COMPARATOR_LOW_NUM_EXAMPLES"
    );
    // A distance that TFMD has no name for is a custom validation to its parser; the sentence names it.
    assert_eq!(written["anomalyInfo"]["temp"]["reason"][0]["type"], "CUSTOM_VALIDATION");
    // Asked for by name, a column must be there to compare with; else there is nothing to say.
    let asked = json!({"drift": {"features": {"temp": {"kolmogorov_smirnov": {}}}}});
    insta::assert_snapshot!(validate(&yard, asked, &[("previous_statistics", "bare")]).failure(), @"split 'eval', column 'temp': the previous data have no value of it, and a comparator asks for some: correct the data or the schema, or set severity_overrides: { COMPARATOR_CONTROL_DATA_MISSING: WARNING }");
    let unasked = json!({"drift": {"kolmogorov_smirnov": {}}});
    validate(&yard, unasked, &[("previous_statistics", "bare")]).success();
}

#[test]
fn an_environment_that_the_schema_does_not_name() {
    let yard = yard();
    let with = || json!({"environment": "SERVNG"});
    validate(&yard, with(), &[]).success();
    let mut schema = yard.json("schema/schema.json");
    schema["defaultEnvironment"] = json!(["SERVING"]);
    std::fs::write(yard.path("schema/schema.json"), schema.to_string()).unwrap();
    insta::assert_snapshot!(validate(&yard, with(), &[]).failure(), @"the environment 'SERVNG' is not named in the schema: name it in default_environment, or in a feature's in_environment or not_in_environment");
}

#[test]
fn a_comparison_of_an_unknown_column_is_no_silent_approval() {
    let yard = yard();
    let with = |key: &str, column: &str| json!({key: {"features": {column: {"infinity_norm": {"threshold": 0.1}}}}});
    let drift = validate(&yard, with("drift", "orign"), &[]).failure();
    insta::assert_snapshot!(drift, @"'drift' names the column 'orign' (did you mean 'origin'?), which neither the schema nor the data have: correct it under the step's 'with', or take it out");
    let skew = validate(&yard, with("skew", "carrier"), &[]).failure();
    insta::assert_snapshot!(skew, @"'skew' names the column 'carrier', which neither the schema nor the data have: correct it under the step's 'with', or take it out");
}
