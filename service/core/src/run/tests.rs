//! Tables and properties of the state machine.

mod absent;
mod disk;
mod matrix;
mod properties;
mod step_matrix;

use super::decide::{Decision, Limits, decide};
use super::{Exit, Run, RunEvent, RunRequest, SkipCause, Withheld, Word, sentence};
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
        base: None,
        fork: None,
        folder: "pipelines/small".to_owned(),
        newest_spans: BTreeMap::new(),
        waited_spans: BTreeMap::new(),
        as_of_spans: Default::default(),
        work_tree: None,
        rerun: None,
        trial: false,
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
        last_lines: Vec::new(),
        drifted: None,
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
        line: None,
    }
}

fn pushed() -> RunEvent {
    RunEvent::ModelPushed {
        target: "small".to_owned(),
        version: "1".to_owned(),
        destination: "/models".to_owned(),
        model: model(),
        restored: None,
    }
}

fn push_failed() -> RunEvent {
    RunEvent::PushFailed {
        reason: "the server did not load it".to_owned(),
    }
}

fn push_withheld() -> RunEvent {
    RunEvent::PushWithheld {
        because: Withheld::Unchanged {
            version: "1".to_owned(),
        },
    }
}

fn word() -> Word {
    Word {
        by: "ada".to_owned(),
        account: Some(7),
        reason: "read it".to_owned(),
    }
}

fn approved() -> RunEvent {
    RunEvent::Approved { word: word() }
}

fn cancel() -> RunEvent {
    RunEvent::CancelRequested { by: "ada".to_owned() }
}

#[test]
fn a_step_that_a_cancel_stopped_is_cancelled_and_not_failed() {
    let train = StepName::from("train");
    let stopped = |is_cancelled: bool| {
        let mut run = Run::new(request(plan()));
        run.apply(&RunEvent::Started { baseline: None }, Micros(1));
        run.apply(&starting(&train, 1, Micros(50)), Micros(2));
        if is_cancelled {
            run.apply(&cancel(), Micros(3));
        }
        let exit = Exit::Code {
            code: 143,
            last_line: None,
        };
        run.apply(&ended(&train, 1, exit), Micros(4));
        let decisions = decide(&run, &Limits { max_parallel_steps: 1 }, Micros(5));
        for decision in decisions {
            if let Decision::Record(event) = decision {
                run.apply(&event, Micros(5));
            }
        }
        run.steps["train"].state.as_str()
    };
    assert_eq!((stopped(true), stopped(false)), ("cancelled", "waiting"));
}

#[test]
fn how_a_program_ended_is_told_with_its_last_line() {
    let step = StepName::from("train");
    let code = |code, line: Option<&str>| Exit::Code {
        code,
        last_line: line.map(str::to_owned),
    };
    let signal = |signal, line: Option<&str>| Exit::Signal {
        signal,
        last_line: line.map(str::to_owned),
    };
    let exits = [
        code(1, Some("ValueError: x")),
        code(1, None),
        code(130, Some("interrupted")),
        code(137, Some("killed")),
        code(150, Some("own code")),
        code(134, Some("terminate called")),
        code(139, Some("Fatal Python error: Segmentation fault")),
        code(139, None),
        code(-1, Some("odd")),
        signal(11, Some("it said")),
        signal(6, None),
        signal(9, None),
    ];
    let said: Vec<String> = exits
        .iter()
        .map(|exit| sentence::step_ended(&step, exit, None).0)
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    step 'train' exited with code 1: ValueError: x
    step 'train' exited with code 1 and wrote nothing: see its log
    step 'train' exited with code 130, as after SIGINT: interrupted
    step 'train' exited with code 137, as after SIGKILL: killed
    step 'train' exited with code 150: own code
    step 'train' crashed with SIGABRT (exit code 134): terminate called
    step 'train' crashed with SIGSEGV (exit code 139): Fatal Python error: Segmentation fault
    step 'train' crashed with SIGSEGV (exit code 139) and wrote nothing: see its log
    step 'train' exited with code -1: odd
    step 'train' crashed with SIGSEGV: it said
    step 'train' crashed with SIGABRT and wrote nothing: see its log
    step 'train' was ended by SIGKILL from outside: look for who stops programs or containers there
    ");
}
