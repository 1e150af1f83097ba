//! The events of the samples, one by one.

use serde_json::{Map, json};
use std::collections::BTreeMap;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::{Micros, RunId, StepName};
use trainyard_core::run::forecast::{Because, Estimate, Expected, Forecast, Until};
use trainyard_core::run::{Exit, RunEvent, RunState, SkipCause, Withheld, Word};
use trainyard_core::span::{AsOf, TooFewSpans};

fn digest(byte: u8) -> Digest {
    Digest::from_sha256(&[byte; 32])
}

fn artifact(step: &str, output: &str, type_name: &str, byte: u8) -> (String, ArtifactRef) {
    let artifact = ArtifactRef {
        name: format!("0192/{step}/{output}"),
        type_name: type_name.to_owned(),
        digest: digest(byte),
        uri: format!("/data/artifacts/0192/{step}/{output}"),
        properties: Map::from_iter([("rows".to_owned(), json!(30000))]),
    };
    (output.to_owned(), artifact)
}

/// What the samples hold beside the gate's answers, in their order, up to `cause` of the skipped steps.
pub fn expected(causes: impl IntoIterator<Item = SkipCause>) -> Vec<RunEvent> {
    let model = |byte| artifact("train", "model", "Model", byte);
    let baseline = Some(model(9).1);
    let mut events = vec![RunEvent::Started { baseline }, RunEvent::Started { baseline: None }];
    events.extend(of_images());
    events.extend(of_a_step());
    events.extend(causes.into_iter().map(|cause| RunEvent::StepSkipped {
        step: "evaluate".into(),
        cause,
    }));
    events.extend([
        RunEvent::ModelPushed {
            target: "line".to_owned(),
            version: "3".to_owned(),
            destination: "/models/line/3".to_owned(),
            model: model(2).1,
            restored: None,
        },
        RunEvent::PushFailed {
            reason: "the server does not answer".to_owned(),
        },
        RunEvent::CancelRequested { by: "ada".to_owned() },
    ]);

    events.extend(ends());
    events
}

/// Why the step of the samples was skipped; a binary that wrote version 1 knew only the sentences.
pub fn causes() -> [SkipCause; 3] {
    let too_few = TooFewSpans {
        source: "flights".to_owned(),
        spans: 2,
        newest: Some("2013-02".to_owned()),
        in_window: 1,
        min_spans: 3,
    };
    let (step, by) = ("train".into(), "ada".to_owned());
    [
        SkipCause::NoData(too_few),
        SkipCause::UpstreamDidNotFinish { step },
        SkipCause::Cancelled { by },
    ]
}

/// What version 3 added, after everything else.
pub fn news() -> Vec<RunEvent> {
    let withheld = withheld().map(|because| RunEvent::PushWithheld { because });
    let (source, label) = ("flights".to_owned(), "2013-04".to_owned());
    let step = |name: &str| StepName::from(name);
    let spans = [
        RunEvent::SpansSeen {
            seen: [(source.clone(), 15_796)].into(),
        },
        RunEvent::WindowRead {
            source,
            as_of: AsOf { span: 15_796, label },
        },
    ];
    let forecast = Forecast {
        steps: [
            (step("examples"), Expected::Cached { run: "00".into() }),
            (
                step("train"),
                Expected::Runs {
                    because: Because::Changed {
                        parts: vec!["parameter trees changed from 1 to 2".to_owned()],
                    },
                },
            ),
            (
                step("evaluate"),
                Expected::Open {
                    until: Until::Step { step: step("train") },
                },
            ),
        ]
        .into(),
        images: [("train".to_owned(), false)].into(),
        estimate: Estimate {
            seconds: Some(700),
            steps: [(step("train"), 700)].into(),
        },
        lines: [("steps.train".to_owned(), 12)].into(),
    };
    withheld
        .into_iter()
        .chain(spans)
        .chain([RunEvent::Planned { forecast }])
        .collect()
}

/// What version 4 added: runs that wait for a person.
pub fn waits() -> Vec<RunEvent> {
    let word = |account, reason: &str| Word {
        by: "ada".to_owned(),
        account,
        reason: reason.to_owned(),
    };
    let withheld = [
        Withheld::Rejected {
            by: "ada".to_owned(),
            account: Some(7),
            at: Micros(1_700_000_000_000_000),
            reason: "too risky".to_owned(),
        },
        Withheld::Expired { seconds: 604_800 },
        Withheld::Superseded {
            run: RunId::from("0193"),
        },
        Withheld::Outdated {
            target: "line".to_owned(),
        },
    ];
    let events = [
        RunEvent::ApprovalRequested { seconds: 604_800 },
        RunEvent::Approved {
            word: word(Some(7), "read it"),
        },
        RunEvent::Rejected {
            word: word(None, "it reads what it should not"),
        },
    ];
    let withheld = withheld.map(|because| RunEvent::PushWithheld { because });
    events.into_iter().chain(withheld).collect()
}

/// Why an approved model was kept back; a binary that wrote version 2 knew no such thing.
fn withheld() -> [Withheld; 4] {
    let (target, version) = (String::from("line"), String::from("3"));
    let (by, at, span) = ("ada".to_owned(), Micros(1_700_000_000_000_000), |span: &str| {
        span.to_owned()
    });
    [
        Withheld::Unchanged {
            version: version.clone(),
        },
        Withheld::TargetHeld {
            target: target.clone(),
            by: by.clone(),
            at,
            reason: "incident 7".to_owned(),
        },
        Withheld::Withdrawn {
            target,
            version: version.clone(),
            by,
            at,
            reason: Some("answers late".to_owned()),
        },
        Withheld::OlderData {
            source: "flights".to_owned(),
            span: span("2014-06"),
            serving_source: None,
            serving_span: span("2015-10"),
            version,
        },
    ]
}

fn of_images() -> [RunEvent; 2] {
    [
        RunEvent::ImageBuilt {
            image: "train".to_owned(),
            key: "k".repeat(64),
            image_id: digest(7).to_string(),
            reused: true,
        },
        RunEvent::ImageFailed {
            image: "train".to_owned(),
            reason: "no such Dockerfile".to_owned(),
            last_lines: vec!["step 1".to_owned(), "oh ü".to_owned()],
            line: None,
        },
    ]
}

fn of_a_step() -> Vec<RunEvent> {
    let step = || StepName::from("train");
    let key = || "a".repeat(64);
    let inputs = || BTreeMap::from([artifact("examples", "examples", "Examples", 1)]);
    let outputs = || {
        BTreeMap::from([
            artifact("train", "model", "Model", 2),
            artifact("train", "notes", "Notes", 3),
        ])
    };
    let metrics = || BTreeMap::from([("auc".to_owned(), 0.669), ("trees".to_owned(), 100.0)]);
    let starting = |attempt, image_id, inputs, deadline| RunEvent::StepStarting {
        step: step(),
        attempt,
        key: key(),
        image_id,
        inputs,
        deadline: Micros(deadline),
    };
    let failed = |attempt, reason: &str, retry_at| RunEvent::StepFailed {
        step: step(),
        attempt,
        reason: reason.to_owned(),
        retry_at,
    };
    let cached = RunEvent::StepCached {
        step: step(),
        key: key(),
        inputs: inputs(),
        outputs: outputs(),
        metrics: metrics(),
    };
    let mut events = vec![
        cached,
        starting(1, Some(digest(7).to_string()), inputs(), 1_725_000_000_000_001),
        starting(2, None, BTreeMap::new(), 1_725_000_000_000_002),
    ];
    events.extend(exits().map(|exit| RunEvent::StepEnded {
        step: step(),
        attempt: 1,
        exit,
        last_lines: Vec::new(),
        drifted: None,
    }));
    events.push(RunEvent::StepPublished {
        step: step(),
        attempt: 1,
        outputs: outputs(),
        metrics: metrics(),
    });
    let again = Some(Micros(1_725_000_000_000_003));
    events.push(failed(1, "step 'train' exited with code 1", again));
    events.push(failed(0, "no such image", None));
    events
}

fn exits() -> [Exit; 7] {
    let code = |code, last_line: Option<&str>| Exit::Code {
        code,
        last_line: last_line.map(str::to_owned),
    };
    let not_started = Exit::NotStarted {
        reason: "no such image".to_owned(),
        permanent: true,
    };
    [
        Exit::Success,
        code(1, Some("ValueError: no rows")),
        code(3, None),
        Exit::OutOfMemory { limit: None },
        Exit::Signal {
            signal: 15,
            last_line: None,
        },
        not_started,
        Exit::Lost { reason: None },
    ]
}

fn ends() -> [RunEvent; 3] {
    let end = |state, summary: &str, metrics| RunEvent::Finished {
        state,
        summary: summary.to_owned(),
        metrics,
    };
    let auc = ("auc".to_owned(), json!({"candidate": 0.669, "baseline": null}));
    let figures = Map::from_iter([auc, ("blessed".to_owned(), json!(true))]);
    [
        end(RunState::Succeeded, "approved, and serving as version 3", figures),
        end(RunState::Failed, "step 'train': no such image", Map::new()),
        end(RunState::Cancelled, "cancelled by ada", Map::new()),
    ]
}
