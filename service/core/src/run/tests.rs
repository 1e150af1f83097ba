//! Tables and properties of the state machine.

mod absent;
mod disk;
mod matrix;
mod properties;

use super::{Exit, RunEvent, RunRequest, SkipCause};
use crate::artifact::{ArtifactRef, Digest};
use crate::evaluation::{Evaluation, Measured, Slice};
use crate::gate::{Verdict, judge};
use crate::ids::{Micros, StepName};
use crate::plan::Plan;
use crate::spec::load;
use serde_json::Map;
use std::collections::BTreeMap;

/// Two steps that need an image, one after the other, with retries, a gate and a push.
fn plan() -> Plan {
    let text = r#"
name: small
steps:
  train:
    build: { dockerfile: D, context: . }
    command: [train]
    outputs: { model: Model }
    retry: { max_retry_count: 2, backoff_duration: 10s }
  evaluate:
    build: { dockerfile: D, context: . }
    command: [evaluate]
    inputs: { model: train }
    outputs: { evaluation: ModelEvaluation }
gate: { metrics: { auc: { value_threshold: { lower_bound: 0.6 } } } }
push: { target: small }
"#;
    load("p.yaml", text, &Map::new()).unwrap()
}

fn request(plan: Plan) -> RunRequest {
    RunRequest {
        id: "01".into(),
        event: None,
        trigger: "manual".to_owned(),
        cause: "manual request by ada".to_owned(),
        repo: None,
        installation_id: None,
        commit: None,
        branch: None,
        pull_request: None,
        folder: "pipelines/small".to_owned(),
        newest_spans: BTreeMap::new(),
        may_push: true,
        created_at: Micros(0),
        plan,
    }
}

fn verdict(auc: f64) -> Verdict {
    let overall = Slice {
        slice_key: BTreeMap::new(),
        num_examples: 100,
        metrics: [(
            "auc".to_owned(),
            Measured {
                candidate: Some(auc),
                baseline: None,
                ..Default::default()
            },
        )]
        .into(),
        ..Slice::default()
    };
    let evaluation = Evaluation {
        schema_version: 1,
        confidence_level: None,
        cross_slices: vec![],
        model_type: "binary_classification".to_owned(),
        label: String::new(),
        prediction: String::new(),
        baseline: false,
        slices: vec![overall],
        ..Evaluation::default()
    };
    judge(&plan().gate.unwrap().gate, &evaluation)
}

fn model() -> ArtifactRef {
    ArtifactRef {
        name: "01/train/model".to_owned(),
        type_name: "Model".to_owned(),
        digest: Digest::from_sha256(&[7; 32]),
        uri: "/artifacts/model".to_owned(),
        properties: Map::new(),
    }
}

fn starting(step: &StepName, attempt: u32, deadline: Micros) -> RunEvent {
    RunEvent::StepStarting {
        step: step.clone(),
        attempt,
        key: "key".to_owned(),
        image_id: Some("sha256:1".to_owned()),
        inputs: BTreeMap::new(),
        deadline,
    }
}

fn cached(step: &StepName) -> RunEvent {
    RunEvent::StepCached {
        step: step.clone(),
        key: "key".to_owned(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        metrics: BTreeMap::new(),
    }
}

fn ended(step: &StepName, attempt: u32, exit: Exit) -> RunEvent {
    RunEvent::StepEnded {
        step: step.clone(),
        attempt,
        exit,
    }
}

fn published(step: &StepName, attempt: u32) -> RunEvent {
    RunEvent::StepPublished {
        step: step.clone(),
        attempt,
        outputs: BTreeMap::new(),
        metrics: BTreeMap::new(),
    }
}

fn failed(step: &StepName, attempt: u32, retry_at: Option<Micros>) -> RunEvent {
    RunEvent::StepFailed {
        step: step.clone(),
        attempt,
        reason: "it broke".to_owned(),
        retry_at,
    }
}

fn built(image: &str) -> RunEvent {
    RunEvent::ImageBuilt {
        image: image.to_owned(),
        key: "key".to_owned(),
        image_id: "sha256:1".to_owned(),
        reused: false,
    }
}

fn image_failed(image: &str) -> RunEvent {
    RunEvent::ImageFailed {
        image: image.to_owned(),
        reason: "no Dockerfile".to_owned(),
        last_lines: Vec::new(),
    }
}

fn pushed() -> RunEvent {
    RunEvent::ModelPushed {
        target: "small".to_owned(),
        version: "1".to_owned(),
        destination: "/models".to_owned(),
        model: model(),
    }
}

fn push_failed() -> RunEvent {
    RunEvent::PushFailed {
        reason: "the server did not load it".to_owned(),
    }
}

fn cancel() -> RunEvent {
    RunEvent::CancelRequested { by: "ada".to_owned() }
}
