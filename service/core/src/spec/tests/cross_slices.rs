//! What a gate asks of slices, and what the evaluator is told to measure for it.

use super::{FLIGHTS, flights, problems};
use crate::ids::StepName;
use crate::plan::{Plan, with_base_gate};
use crate::spec::load;
use serde_json::{Map, Value, json};

const AUC: &str = "    auc:\n";
const CROSS: &str = "    auc:\n      cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{ bins: { distance: [500, 1000] } }, { feature_keys: [origin] }] }], value_threshold: { lower_bound: -0.1 } }]\n";

fn crossed() -> Plan {
    load("p.yaml", &FLIGHTS.replace(AUC, CROSS), &Map::new()).unwrap()
}

fn measured<'a>(plan: &'a Plan, parameter: &str) -> Option<&'a Value> {
    plan.steps[&StepName::from("evaluate")].parameters.get(parameter)
}

fn pairs() -> Value {
    json!([
        {"baseline_spec": {}, "slicing_specs": [{"bins": {"distance": [500.0, 1000.0]}}]},
        {"baseline_spec": {}, "slicing_specs": [{"feature_keys": ["origin"]}]},
    ])
}

#[test]
fn the_evaluator_compares_what_the_gate_asks_for() {
    assert_eq!(measured(&crossed(), "cross_slicing_specs"), Some(&pairs()));
    assert_eq!(measured(&flights(), "cross_slicing_specs"), None, "and nothing else");
    let bins = FLIGHTS.replace("[{}, { feature_keys: [origin] }]", "[{ bins: { distance: [500] } }]");
    let plan = load("p.yaml", &bins, &Map::new()).unwrap();
    assert_eq!(
        measured(&plan, "slicing_specs"),
        Some(&json!([{}, {"bins": {"distance": [500.0]}}]))
    );
}

#[test]
fn a_pull_request_measures_what_the_base_compares() {
    let judged = with_base_gate(flights(), Some(&crossed())).unwrap();
    assert_eq!(measured(&judged, "cross_slicing_specs"), Some(&pairs()));
    let own = FLIGHTS.replace(
        "prediction: score }",
        "prediction: score, cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [carrier] }] }] }",
    );
    let judged = with_base_gate(load("p.yaml", &own, &Map::new()).unwrap(), Some(&crossed())).unwrap();
    let found = measured(&judged, "cross_slicing_specs").and_then(Value::as_array);
    assert_eq!(found.map(Vec::len), Some(3), "beside its own");
}

#[test]
fn every_mistake_has_its_sentence() {
    let cross = |threshold: &str| format!("    auc:\n      cross_slice_thresholds: [{{ {threshold} }}]\n");
    let bound = "value_threshold: { lower_bound: 0 }";
    let of = |specs: &str| cross(&format!("cross_slicing_specs: {specs}, {bound}"));
    let said = [
        problems(AUC, &of("[]")),
        problems(AUC, &of("[{ slicing_specs: [] }]")),
        problems(AUC, &of("[{ slicing_specs: [{}] }]")),
        problems(AUC, &of("[{ slicing_specs: [{ bins: { distance: [2, 1] } }] }]")),
        problems(
            AUC,
            &cross("cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }]"),
        ),
        problems(
            AUC,
            &cross(
                "cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }], margin: -1, require: no_significant_regression, change_threshold: { direction: HIGHER_IS_BETTER }",
            ),
        ),
        problems(AUC, &cross(bound)),
        problems(AUC, &cross("cross_slicing_specs: [{ base_spec: {} }]")),
        problems("[{}, { feature_keys: [origin] }]", "[{ bins: { distance: [] } }]"),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    p.yaml:43:32: cross_slice_thresholds need cross_slicing_specs with slicing_specs: without them no pair of slices matches
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [], value_threshold: { lower_bound: 0 } }]
        |                                ^
    p.yaml:43:32: cross_slice_thresholds need cross_slicing_specs with slicing_specs: without them no pair of slices matches
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [] }], value_threshold: { lower_bound: 0 } }]
        |                                ^
    p.yaml:43:32: slice overall is compared with itself: give another baseline_spec
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{}] }], value_threshold: { lower_bound: 0 } }]
        |                                ^
    p.yaml:43:32: the bins of 'distance' are [2.0, 1.0]: give them at least one edge, each above the one before
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{ bins: { distance: [2, 1] } }] }], value_threshold: { lower_bound: 0 } }]
        |                                ^
    p.yaml:43:32: this entry of cross_slice_thresholds has no threshold
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }] }]
        |                                ^
    p.yaml:43:106: a margin is a number of 0 or more
     43 | lds: [{ cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }], margin: -1, require: no_significant_regression, change_threshold: { direction: H
        |                                                                                 ^
    p.yaml:43:154: the change_threshold has no bound: give it absolute or relative
     43 | { feature_keys: [origin] }] }], margin: -1, require: no_significant_regression, change_threshold: { direction: HIGHER_IS_BETTER } }]
        |                                                                                 ^
    p.yaml:43:34: the key 'cross_slicing_specs' is missing here
     43 |       cross_slice_thresholds: [{ value_threshold: { lower_bound: 0 } }]
        |                                  ^
    p.yaml:43:32: this entry of cross_slice_thresholds has no threshold
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ base_spec: {} }] }]
        |                                ^
    p.yaml:43:58: the key 'slicing_specs' is missing here
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ base_spec: {} }] }]
        |                                                          ^
    p.yaml:43:58: unknown key 'base_spec': known are baseline_spec, slicing_specs
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ base_spec: {} }] }]
        |                                                          ^
    p.yaml:40:19: the bins of 'distance' are []: give them at least one edge, each above the one before
     40 |   slicing_specs: [{ bins: { distance: [] } }]
        |                   ^
    ");
}

#[test]
fn evidence_and_pairs_must_be_measured() {
    let file = |with: &str, threshold: &str| {
        let text = FLIGHTS
            .replace("prediction: score }", &format!("prediction: score, {with} }}"))
            .replace(AUC, threshold);
        let found = load("p.yaml", &text, &Map::new()).err().unwrap_or_default();
        found.iter().map(|p| p.render(&text)).collect::<Vec<_>>().join("\n")
    };
    let demand = CROSS.replace(
        "value_threshold: { lower_bound: -0.1 }",
        "require: no_significant_regression",
    );
    let said = [
        file(
            "cross_slicing_specs: [{ slicing_specs: [{ feature_keys: [origin] }] }]",
            CROSS,
        ),
        file("bootstrap: { num_samples: 0 }", &demand),
        file("bootstrap: { num_samples: 100 }", &demand),
        file(
            "bootstrap: { num_samples: 0 }",
            "    auc:\n      require: significant_improvement\n",
        ),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    p.yaml:43:32: the evaluator does not compare slices by distance cut at 500, 1000 against overall: add it to the evaluator's cross_slicing_specs, or leave those out to measure what the gate asks for
     43 |       cross_slice_thresholds: [{ cross_slicing_specs: [{ slicing_specs: [{ bins: { distance: [500, 1000] } }, { feature_keys: [origin] }] }], value_threshold: {
        |                                ^
    p.yaml:43:143: require needs standard errors, and the evaluator's bootstrap has num_samples 0: take that parameter out, or leave thresholds only
     43 | ng_specs: [{ bins: { distance: [500, 1000] } }, { feature_keys: [origin] }] }], require: no_significant_regression }]
        |                                                                                 ^

    p.yaml:43:7: require needs standard errors, and the evaluator's bootstrap has num_samples 0: take that parameter out, or leave thresholds only
     43 |       require: significant_improvement
        |       ^
    ");
}

#[test]
fn metrics_of_classes_are_known() {
    let of = |metric: &str| {
        let text = FLIGHTS
            .replace("binary_classification", "multiclass_classification")
            .replace(
                AUC,
                &format!("    {metric}:\n      require: no_significant_regression\n"),
            );
        let found = load("p.yaml", &text, &Map::new()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said = ["macro_f1", "precision:late", "f1:a:b", "auc:late", "brier_score"].map(of);
    insta::assert_snapshot!(said.join("\n"), @"



    p.yaml:42:5: the evaluator measures no metric 'auc:late' for multiclass_classification: known are accuracy, macro_precision, macro_recall, macro_f1, weighted_precision, weighted_recall, weighted_f1, log_loss, auc, precision:CLASS, recall:CLASS, f1:CLASS
    p.yaml:43:7: which way 'auc:late' is better is not known: write direction: HIGHER_IS_BETTER or LOWER_IS_BETTER beside it
    p.yaml:42:5: the evaluator measures no metric 'brier_score' for multiclass_classification: known are accuracy, macro_precision, macro_recall, macro_f1, weighted_precision, weighted_recall, weighted_f1, log_loss, auc, precision:CLASS, recall:CLASS, f1:CLASS
    ");
}
