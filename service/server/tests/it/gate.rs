//! `trainyard gate`: any CI can judge with it, without a service.

use crate::binary::Place;

/// Overall and one slice, with the paired difference of the AUC.
fn evaluation(difference: f64) -> String {
    let candidate = 0.65 + difference;
    let auc = format!(
        r#"{{"candidate":{candidate},"baseline":0.65,"difference":{{"value":{difference},"standard_error":0.002,"lower":-1.0,"upper":1.0}}}}"#
    );
    format!(
        r#"{{"schema_version":2,"model_type":"binary_classification","baseline":true,"confidence_level":0.95,"slices":[
        {{"slice_key":{{}},"num_examples":9000,"metrics":{{"auc":{auc}}}}},
        {{"slice_key":{{"origin":"EWR"}},"num_examples":3000,"metrics":{{"auc":{auc}}}}}]}}"#
    )
}

const GATE: &str =
    "slicing_specs: [{}, { feature_keys: [origin] }]\nmetrics: { auc: { require: no_significant_regression } }\n";

#[test]
fn the_verdict_is_the_exit_code() {
    let place = Place::new("");
    place.write("gate.yaml", GATE);
    place.write("empty.yaml", "min_slice_size: 10\n");
    place.write("good.json", &evaluation(0.001));
    place.write("bad.json", &evaluation(-0.01));
    place.write("artifact/evaluation.json", &evaluation(0.001));
    let judged = |evaluation: &str, gate: &str| {
        let ended = place.run(&["gate", "--evaluation", evaluation, "--gate", gate, "--json"]);
        let said: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        (ended.code, said)
    };
    let (code, said) = judged("good.json", "gate.yaml");
    assert_eq!(
        (code, &said["validation_ok"], &said["verdict"]),
        (Some(0), &true.into(), &"blessed".into())
    );
    let (code, said) = judged("bad.json", "gate.yaml");
    assert_eq!((code, &said["validation_ok"]), (Some(2), &false.into()));
    let failure = &said["metric_validations_per_slice"][1];
    assert_eq!(failure["slice_key"]["origin"], "EWR");
    assert_eq!(failure["failures"][0]["metric_key"]["name"], "auc");
    let (code, said) = judged("good.json", "empty.yaml");
    assert_eq!((code, &said["verdict"]), (Some(3), &"not_evaluated".into()));
    assert_eq!(judged("artifact", "gate.yaml").0, Some(0));
}

#[test]
fn the_verdict_for_people_has_the_intervals() {
    let place = Place::new("");
    place.write("gate.yaml", &format!("{GATE}min_slice_size: 4000\n"));
    place.write(
        "bad.json",
        &evaluation(-0.01).replace("-1.0", "-0.0139").replace("1.0", "-0.0061"),
    );
    let difference = r#""baseline":0.65,"difference":{"value":-0.01,"standard_error":0.002,"lower":-1.0,"upper":1.0}"#;
    let alone = evaluation(-0.01).replace(difference, "\"baseline\":null");
    place.write("alone.json", &alone.replace("\"baseline\":true", "\"baseline\":false"));
    place.write("empty.yaml", "min_slice_size: 10\n");
    let judged = |evaluation: &str, gate: &str| place.run(&["gate", "--evaluation", evaluation, "--gate", gate]).out;
    let shown = |evaluation: &str| judged(evaluation, "gate.yaml");
    insta::assert_snapshot!(judged("alone.json", "empty.yaml"), @"
    gate: not evaluated
      – the gate has no thresholds
    SLICE    METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall  auc        0.6400  –         –
    ");
    insta::assert_snapshot!(shown("bad.json"), @"
    gate: not blessed
      ✗ auc overall went from 0.6500 to 0.6400 (-0.0100, standard error 0.0020; p < 0.0001): a significant regression at 95% confidence
      – not judged, for fewer than the 4000 examples of min_slice_size: origin=EWR (3000 examples)
    SLICE       METRIC  CANDIDATE  BASELINE    DIFFERENCE, 95% INTERVAL  THRESHOLD
    overall     auc        0.6400    0.6500  -0.0100 [-0.0139, -0.0061]  no significant regression  ✗
    origin=EWR  auc        0.6400    0.6500  -0.0100 [-0.0139, -0.0061]  no significant regression  too small
    ");
    insta::assert_snapshot!(shown("alone.json"), @"
    gate: blessed
      – not judged, for fewer than the 4000 examples of min_slice_size: origin=EWR (3000 examples)
      there is no model to compare with yet, so that changes were not judged
    SLICE       METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall     auc        0.6400  –         –           no significant regression  ✓
    origin=EWR  auc        0.6400  –         –           no significant regression  too small
    ");
}

#[test]
fn unreadable_files_are_explained() {
    let place = Place::new("");
    place.write("gate.yaml", GATE);
    place.write("wrong.yaml", "metrics: { auc: { require: no_regression } }\n");
    place.write(
        "way.yaml",
        "metrics: { lift: { require: no_significant_regression, margin: -1 } }\n",
    );
    place.write("good.json", &evaluation(0.001));
    place.write("nan.json", &evaluation(0.001).replace("0.002", "NaN"));
    place.write("empty.json", "");
    let cases = [
        ("nan.json", "gate.yaml"),
        ("empty.json", "gate.yaml"),
        ("absent.json", "gate.yaml"),
        ("good.json", "wrong.yaml"),
        ("good.json", "way.yaml"),
        ("good.json", "absent.yaml"),
    ];
    let mut said = String::new();
    for (evaluation, gate) in cases {
        let ended = place.run(&["gate", "--evaluation", evaluation, "--gate", gate]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        said.push_str(&ended.err);
    }
    insta::assert_snapshot!(said, @"
    error: nan.json: evaluation.json gives auc on overall NaN for standard_error, which is no number in JSON: write null for what is undefined
    error: empty.json: evaluation.json is not an evaluation: EOF while parsing a value at line 1 column 0
    error: absent.json cannot be read: No such file or directory (os error 2); make it with `trainyard-components evaluate`
    error: the gate is wrong
    wrong.yaml:1:28: 'no_regression' is not one of the values this key takes: known are no_significant_regression, significant_improvement
     1 | metrics: { auc: { require: no_regression } }
       |                            ^
    error: the gate is wrong
    way.yaml:1:20: which way 'lift' is better is not known: write direction: HIGHER_IS_BETTER or LOWER_IS_BETTER beside it
     1 | metrics: { lift: { require: no_significant_regression, margin: -1 } }
       |                    ^
    way.yaml:1:56: a margin is a number of 0 or more
     1 | metrics: { lift: { require: no_significant_regression, margin: -1 } }
       |                                                        ^
    error: absent.yaml cannot be read: No such file or directory (os error 2)
    ");
    assert_eq!(place.run(&["gate", "--evaluation", "good.json"]).code, Some(64));
}

#[test]
fn odd_evaluations_are_explained_in_a_sentence() {
    let place = Place::new("");
    place.write("gate.yaml", GATE);
    let good = evaluation(0.001);
    let cross = r#""cross_slices":[{"baseline_slice_key":{},"slice_key":{"origin":"LGA"},"metrics":{}}],"slices""#;
    let cases = [
        ("twice", good.replace(r#"{"origin":"EWR"}"#, "{}")),
        ("nan", good.replace("0.002", r#""NaN""#)),
        ("infinite", good.replace("0.002", "Infinity")),
        ("huge", good.replace("0.002", "1e999")),
        ("future", r#"{"schema_version":9,"segments":[]}"#.to_owned()),
        (
            "no-slices",
            r#"{"schema_version":2,"model_type":"regression","baseline":false,"slices":[]}"#.to_owned(),
        ),
        ("no-slice", good.replace(r#""slices""#, cross)),
        ("list", "[]".to_owned()),
    ];
    let mut said = String::new();
    for (name, text) in cases {
        place.write(&format!("{name}.json"), &text);
        let ended = place.run(&["gate", "--evaluation", &format!("{name}.json"), "--gate", "gate.yaml"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
        said.push_str(&ended.err);
    }
    insta::assert_snapshot!(said, @"
    error: twice.json: evaluation.json has the slice overall twice
    error: nan.json: evaluation.json gives auc on overall NaN for standard_error, which is no number in JSON: write null for what is undefined
    error: infinite.json: evaluation.json gives auc on overall Infinity for standard_error, which is no number in JSON: write null for what is undefined
    error: huge.json: evaluation.json gives auc on overall 1e999 for standard_error, which is no number in JSON: write null for what is undefined
    error: future.json: evaluation.json has schema_version 9, and this version of Trainyard reads 1 to 2: use evaluator and service of the same version
    error: no-slices.json: evaluation.json lacks the overall slice, the one with an empty slice_key
    error: no-slice.json: evaluation.json has the cross-slice overall less origin=LGA and no slice origin=LGA
    error: list.json: evaluation.json is not an evaluation: it is no JSON object
    ");
}

#[test]
fn few_rows_and_differences_between_slices_have_their_exit_codes() {
    let place = Place::new("");
    let crossed = "metrics: { auc: { cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }], value_threshold: { upper_bound: 0.05 } }] } }\n";
    place.write("cross.yaml", &format!("{{gate: {{{}}}}}\n", crossed.trim()));
    place.write("few.yaml", &format!("min_slice_size: 10000\n{GATE}"));
    place.write("small.yaml", &format!("min_slice_size: 5000\n{GATE}"));
    place.write("plain.json", &evaluation(0.001));
    let pair = |difference: &str| {
        let pairs = format!(
            r#""cross_slices":[{{"baseline_slice_key":{{}},"slice_key":{{"origin":"EWR"}},"metrics":{{"auc":{{"candidate":{difference},"baseline":0.0}}}}}}],"slices""#
        );
        evaluation(0.001).replace(r#""slices""#, &pairs)
    };
    place.write("near.json", &pair("0.04"));
    place.write("far.json", &pair("0.06"));
    let mut said = String::new();
    for (evaluation, gate, code) in [
        ("near.json", "cross.yaml", 0),
        ("far.json", "cross.yaml", 2),
        ("plain.json", "cross.yaml", 2),
        ("plain.json", "few.yaml", 3),
        ("plain.json", "small.yaml", 0),
    ] {
        let ended = place.run(&["gate", "--evaluation", evaluation, "--gate", gate]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        said.push_str(&ended.out);
    }
    insta::assert_snapshot!(said, @"
    gate: blessed
    SLICE                    METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall less origin=EWR  auc        0.0400    0.0000     +0.0400  ≤ 0.05     ✓
    gate: not blessed
      ✗ auc on overall less origin=EWR is 0.0600, above the upper bound 0.0500
    SLICE                    METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall less origin=EWR  auc        0.0600    0.0000     +0.0600  ≤ 0.05     ✗
    gate: not blessed
      ✗ no slice by origin against overall was compared: there were no such examples, or the evaluator does not compare so
    slices are measured by `trainyard-components evaluate` with --slice and --bins, pairs of them with --cross-slice
    gate: not evaluated
      – nothing can be concluded from 9000 examples overall, fewer than the 10000 of min_slice_size
    SLICE       METRIC  CANDIDATE  BASELINE    DIFFERENCE, 95% INTERVAL  THRESHOLD
    overall     auc        0.6510    0.6500  +0.0010 [-1.0000, +1.0000]  no significant regression  too small
    origin=EWR  auc        0.6510    0.6500  +0.0010 [-1.0000, +1.0000]  no significant regression  too small
    gate: blessed
      – not judged, for fewer than the 5000 examples of min_slice_size: origin=EWR (3000 examples)
    SLICE       METRIC  CANDIDATE  BASELINE    DIFFERENCE, 95% INTERVAL  THRESHOLD
    overall     auc        0.6510    0.6500  +0.0010 [-1.0000, +1.0000]  no significant regression  ✓
    origin=EWR  auc        0.6510    0.6500  +0.0010 [-1.0000, +1.0000]  no significant regression  too small
    ");
}
