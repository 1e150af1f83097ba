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
    error: nan.json: evaluation.json is not an evaluation: expected value at line 2 column 142
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
