//! What the service reads of what the components write.

use crate::yard::{Yard, predictions};
use serde_json::{Map, json};
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

#[test]
fn a_gate_may_ask_for_every_metric_and_for_no_other() {
    for model_type in ["binary_classification", "regression"] {
        let measured: Vec<String> = evaluated(model_type).slices[0].metrics.keys().cloned().collect();
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
        let known = said
            .rsplit("known are ")
            .next()
            .unwrap()
            .split(", ")
            .map(|name| name.trim().to_owned());
        let mut known: Vec<String> = known.collect();
        known.sort();
        assert_eq!(known, measured, "{said}");
    }
}
