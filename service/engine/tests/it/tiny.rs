//! The pipeline of the tests, and what its programs do when no test says otherwise.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use trainyard_executors::Program;
use trainyard_executors::fake::Script;

pub const FILE: &str = "pipelines/tiny/pipeline.yaml";
pub const DOCKERFILE: &str = "pipelines/tiny/code/Dockerfile";

/// Examples, two steps side by side, a trained model and its evaluation.
pub const TINY: &str = r#"name: tiny
parameters: { auc: 0.7, serve: well }
on:
  push: { branches: [main], paths: ["pipelines/tiny/**"] }
  pull_request: { branches: [main], paths: ["pipelines/tiny/**"] }
  data: { source: rows, quiet_period: 1s }
data:
  rows: { uri: "rows/{YYYY}-{MM}.csv" }
steps:
  examples: { uses: example-gen, with: { source: rows, splits: { train: 1 } } }
  left: { image: tools, command: [left], inputs: { examples: examples }, outputs: { half: Half } }
  right: { image: tools, command: [right], inputs: { examples: examples }, outputs: { half: Half } }
  train:
    build: { dockerfile: pipelines/tiny/code/Dockerfile, context: pipelines/tiny/code }
    command: [train, "{{inputs.left}}", "{{inputs.right}}", "{{outputs.model}}", "{{parameters.auc}}"]
    inputs: { left: left.half, right: right.half }
    outputs: { model: Model }
  evaluate:
    image: tools
    command: [evaluate]
    inputs: { model: train.model, baseline: baseline.model }
    outputs: { evaluation: ModelEvaluation }
gate:
  metrics:
    auc:
      value_threshold: { lower_bound: 0.6 }
      change_threshold: { absolute: -0.005, direction: HIGHER_IS_BETTER }
push: { target: tiny }
"#;

/// The pipeline with pieces of its text replaced.
pub fn tiny(changes: &[(&str, &str)]) -> String {
    let mut text = TINY.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// A program's view of its task.
pub struct Task(Value);

impl Task {
    pub fn of(program: &Program) -> Self {
        let path = program.environment.get("TRAINYARD_TASK").expect("a path of task.json");
        Self(serde_json::from_slice(&std::fs::read(path).expect("task.json")).expect("JSON"))
    }

    pub fn step(&self) -> &str {
        self.0["step"].as_str().unwrap()
    }

    pub fn input(&self, name: &str) -> PathBuf {
        PathBuf::from(self.0["inputs"][name]["path"].as_str().unwrap())
    }

    pub fn outputs(&self) -> PathBuf {
        let beside = PathBuf::from(self.0["executor_output"].as_str().unwrap());
        beside.parent().unwrap().to_owned()
    }

    pub fn parameter(&self, name: &str) -> &Value {
        &self.0["parameters"][name]
    }
}

/// What a step does by default.
pub fn usual(program: &Program) -> Script {
    let task = Task::of(program);
    match task.step() {
        "examples" => Script::writes(
            "examples/Split-train/data.parquet",
            everything_in(&task.input("source")),
        ),
        side @ ("left" | "right") => {
            let rows = std::fs::read_to_string(task.input("examples").join("Split-train/data.parquet")).unwrap();
            Script::writes("half", format!("{side} of {rows}"))
        }
        "train" => train(&task),
        "evaluate" => evaluate(&task),
        other => Script::exits(2, &format!("nobody knows step {other}")),
    }
}

fn train(task: &Task) -> Script {
    let half = |name: &str| std::fs::read_to_string(task.input(name)).unwrap();
    train_on(task, &[half("left"), half("right")])
}

/// A model of what was seen.
pub fn train_on(task: &Task, seen: &[String]) -> Script {
    let (auc, serve) = (task.parameter("auc"), task.parameter("serve"));
    let model = json!({"auc": auc, "serve": serve, "seen": seen});
    let sample = json!({
        "request": {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]},
        "response": {"outputs": [{"name": "score", "data": [auc]}]},
    });
    Script::writes("model/model.onnx", model.to_string())
        .and("model/model-settings.json", r#"{"implementation": "onnx.Model"}"#)
        .and("model/sample.json", sample.to_string())
        .and("executor_output.json", json!({"metrics": {"trees": 7.0}}).to_string())
}

fn evaluate(task: &Task) -> Script {
    let auc = |name: &str| {
        let text = std::fs::read(task.input(name).join("model.onnx")).ok()?;
        serde_json::from_slice::<Value>(&text).ok()?["auc"].as_f64()
    };
    let (candidate, baseline) = (auc("model"), auc("baseline"));
    let overall = json!({
        "slice_key": {}, "num_examples": 1000,
        "metrics": {"auc": {"candidate": candidate, "baseline": baseline}},
    });
    let evaluation = json!({
        "schema_version": 1, "model_type": "binary_classification",
        "baseline": baseline.is_some(), "slices": [overall],
    });
    Script::writes("evaluation/evaluation.json", evaluation.to_string())
}

/// The files of a folder, by name.
pub fn everything_in(folder: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    files.iter().map(read).collect::<Vec<_>>().join("")
}
