//! What the service reads of what the components write.

use crate::yard::{Yard, predictions};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use trainyard_core::gate::judge;
use trainyard_core::plan::{CrossSlicingSpec, Direction, MetricThreshold};
use trainyard_core::{evaluation, spec};

/// The evaluation of two rows, as the service's own parser sees it.
fn evaluated(model_type: &str) -> evaluation::Evaluation {
    let yard = Yard::new();
    predictions(&yard.path("candidate"), "y,p,origin\n1,0.5,EWR\n0,0.25,JFK\n");
    let with = json!({"model_type": model_type, "label": "y", "prediction": "p",
        "slicing_specs": [{"feature_keys": ["origin"]}]});
    yard.step(
        "evaluator",
        with,
        &[("candidate", "candidate")],
        ("evaluation", "evaluation"),
    )
    .success();
    evaluation::parse(&yard.json("evaluation/evaluation.json").to_string()).unwrap()
}

#[test]
fn the_service_reads_the_evaluation() {
    let read = evaluated("binary_classification");
    assert_eq!(
        (read.model_type.as_str(), read.label.as_str(), read.prediction.as_str()),
        ("binary_classification", "y", "p")
    );
    assert!(!read.baseline);
    let slices: Vec<String> = read
        .slices
        .iter()
        .map(|slice| evaluation::slice_name(&slice.slice_key))
        .collect();
    assert_eq!(slices, ["overall", "origin=EWR", "origin=JFK"]);
    let auc = |slice: usize| read.slices[slice].metrics["auc"].candidate;
    assert_eq!((auc(0), auc(1)), (Some(1.0), None));
}

/// A good and a bad model of each type, six rows: labels, good and bad predictions.
fn models(model_type: &str) -> [String; 2] {
    let (head, labels, good, bad): (_, [&str; 6], [&str; 6], [&str; 6]) = match model_type {
        "binary_classification" => (
            "y,p",
            ["1", "0", "1", "0", "1", "0"],
            ["0.9", "0.1", "0.8", "0.2", "0.9", "0.1"],
            ["0.3", "0.6", "0.4", "0.7", "0.6", "0.2"],
        ),
        "multiclass_classification" => (
            "y,p,p_a,p_b,p_c",
            ["a", "b", "c", "a", "b", "c"],
            [
                "a,0.8,0.1,0.1",
                "b,0.1,0.8,0.1",
                "c,0.1,0.1,0.8",
                "a,0.8,0.1,0.1",
                "b,0.1,0.8,0.1",
                "c,0.1,0.1,0.8",
            ],
            [
                "b,0.2,0.7,0.1",
                "a,0.7,0.2,0.1",
                "a,0.6,0.3,0.1",
                "c,0.3,0.2,0.5",
                "b,0.3,0.5,0.2",
                "c,0.4,0.1,0.5",
            ],
        ),
        _ => (
            "y,p",
            ["1", "2", "3", "4", "5", "6"],
            ["1.1", "2", "2.9", "4.1", "5", "6"],
            ["3", "1", "2", "7", "5.5", "3"],
        ),
    };
    [good, bad].map(|predictions| {
        let rows = labels.iter().zip(predictions).enumerate();
        let rows = rows.map(|(row, (y, p))| format!("{y},{p},{},{}\n", ["EWR", "JFK"][row / 3], 100 * row));
        format!("{head},origin,distance\n{}", rows.collect::<String>())
    })
}

const MODEL_TYPES: [&str; 3] = ["binary_classification", "multiclass_classification", "regression"];

/// The good model as the candidate, the bad one as the baseline.
fn compared(model_type: &str, with: Value) -> evaluation::Evaluation {
    let yard = Yard::new();
    let [good, bad] = models(model_type);
    predictions(&yard.path("good"), &good);
    predictions(&yard.path("bad"), &bad);
    let mut parameters =
        json!({"model_type": model_type, "label": "y", "prediction": "p", "bootstrap": {"num_samples": 20}});
    for (key, value) in with.as_object().unwrap() {
        parameters[key] = value.clone();
    }
    yard.step(
        "evaluator",
        parameters,
        &[("candidate", "good"), ("baseline", "bad")],
        ("evaluation", "evaluation"),
    )
    .success();
    evaluation::parse(&yard.json("evaluation/evaluation.json").to_string()).unwrap()
}

#[test]
fn a_gate_may_ask_for_every_metric_and_for_no_other() {
    for model_type in MODEL_TYPES {
        let measured: Vec<String> = compared(model_type, json!({})).slices[0]
            .metrics
            .keys()
            .cloned()
            .collect();
        let problems = |metrics: &[String]| {
            let thresholds: Vec<String> = metrics
                .iter()
                .map(|name| format!("    {name}: {{ value_threshold: {{ lower_bound: 0 }} }}\n"))
                .collect();
            let pipeline = format!(
                "name: p\nsteps:\n  train:\n    build: {{ dockerfile: Dockerfile, context: . }}\n    command: [train]\n    outputs: {{ model: Model, predictions: InferenceResult }}\n  evaluate:\n    uses: evaluator\n    with: {{ model_type: {model_type}, label: y, prediction: p }}\n    inputs: {{ candidate: train.predictions }}\ngate:\n  metrics:\n{}",
                thresholds.concat()
            );
            let found = spec::load("p.yaml", &pipeline, &Map::new()).err().unwrap_or_default();
            found
                .into_iter()
                .map(|problem| problem.render(&pipeline))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(problems(&measured), "");
        // The linter names all it knows when asked for one that it does not.
        let said = problems(&["nonsense".to_owned()]);
        let said = said.lines().next().unwrap();
        let known = said.rsplit("known are ").next().unwrap().split(", ");
        let mut known: Vec<String> = known
            .flat_map(|name| match name.trim().strip_suffix("CLASS") {
                Some(name) => ["a", "b", "c"].map(|class| format!("{name}{class}")).to_vec(),
                None => vec![name.trim().to_owned()],
            })
            .collect();
        known.sort();
        assert_eq!(known, measured, "{said}");
    }
}

#[test]
fn the_gate_knows_which_way_each_metric_is_better() {
    let mut neither = BTreeSet::new();
    for model_type in MODEL_TYPES {
        let measured = compared(model_type, json!({}));
        for (name, auc) in &measured.slices[0].metrics {
            let (good, bad) = auc.candidate.zip(auc.baseline).unwrap();
            match MetricThreshold::default().better(name) {
                Some(Direction::HigherIsBetter) => assert!(good > bad, "{model_type} {name}: {good} {bad}"),
                Some(Direction::LowerIsBetter) => assert!(good < bad, "{model_type} {name}: {good} {bad}"),
                None => drop(neither.insert(name.clone())),
            }
        }
    }
    let neither: Vec<String> = neither.into_iter().collect();
    assert_eq!(neither, ["calibration", "mean_error", "mean_label", "mean_prediction"]);
}

#[test]
fn the_gate_finds_the_bins_and_pairs_it_asks_for() {
    let file = "slicing_specs: [{}, { bins: { distance: [0, 150.5, 400] } }, { feature_keys: [origin], bins: { distance: [300] } }]\nmetrics:\n  auc:\n    cross_slice_thresholds:\n      - cross_slicing_specs: [{ baseline_spec: { feature_values: { origin: EWR } }, slicing_specs: [{ bins: { distance: [150.5] } }, { feature_keys: [origin] }] }]\n        require: no_significant_regression\n        value_threshold: { lower_bound: -1 }\n";
    let gate = spec::load_gate("gate.yaml", file).unwrap();
    let cross: Vec<CrossSlicingSpec> = gate.asked_cross_slices().collect();
    let measured = compared(
        "binary_classification",
        json!({"slicing_specs": gate.slicing_specs, "cross_slicing_specs": cross}),
    );
    let verdict = judge(&gate, &measured);
    let found = verdict.slicing_details().iter().map(|d| d.num_matching_slices);
    // Distances are 0 to 500 in steps of 100: nothing lies below 0, and EWR is not compared with itself.
    assert_eq!(found.collect::<Vec<_>>(), [1, 3, 2, 2, 1]);
    let rows: Vec<String> = verdict.comparisons().iter().map(|row| row.slice_name()).collect();
    assert_eq!(
        rows,
        [
            "origin=EWR less distance=(-inf, 150.5)",
            "origin=EWR less distance=[150.5, inf)",
            "origin=EWR less origin=JFK"
        ]
    );
}

#[test]
fn slices_are_held_against_others_from_the_command_line() {
    let yard = Yard::new();
    let [good, bad] = models("binary_classification");
    std::fs::write(yard.path("c.csv"), good).unwrap();
    std::fs::write(yard.path("b.csv"), bad).unwrap();
    let arguments = "evaluate --predictions c.csv --baseline b.csv --label y --prediction p --bootstrap-samples 20 --bins distance=250 --out e.json";
    let crossed = ["origin", "distance,origin", "origin=EWR against origin=JFK"];
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_trainyard-components"))
        .args(arguments.split(' '))
        .args(crossed.iter().flat_map(|slice| ["--cross-slice", slice]))
        .current_dir(yard.path("."))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let measured = evaluation::parse(&yard.json("e.json").to_string()).unwrap();
    let pairs = measured
        .cross_slices
        .iter()
        .map(|cross| evaluation::place_name(&cross.slice_key, Some(&cross.baseline_slice_key)));
    insta::assert_snapshot!(pairs.collect::<Vec<_>>().join("\n"), @"
    overall less origin=EWR
    overall less origin=JFK
    overall less distance=(-inf, 250) and origin=EWR
    overall less distance=[250, inf) and origin=JFK
    origin=JFK less origin=EWR
    ");
}
