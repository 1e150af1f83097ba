//! Sample values.

use serde_json::{Map, json};
use std::collections::BTreeMap;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::event::{Event, Manual, Push};
use trainyard_core::ids::{CommitSha, DeliveryId, EventId, Micros, RepoName, RunId};
use trainyard_core::inbound::Consequence;
use trainyard_core::node::NodeId;
use trainyard_core::notify::{About, News, NotifyRules, What};
use trainyard_core::plan::Plan;
use trainyard_core::report::{
    Answer, AskedBy, CheckRun, Finding, OutboxItem, Outgoing, Progress, Question, Shown, Status, StatusState, Subject,
    Telling,
};
use trainyard_core::run::{Run, RunEvent, RunRequest, RunState};
use trainyard_store::{
    Append, Bodies, Delivery, ExecutionIdentity, MetadataWrite, NewDelivery, NewEvent, PublishExecution, RunSummary,
    StartExecution, Store,
};

pub const NOW: Micros = Micros(1_700_000_000_000_000);

pub fn at(seconds: u64) -> Micros {
    NOW.plus_seconds(seconds)
}

pub fn repo() -> RepoName {
    RepoName::parse("acme/flights").unwrap()
}

pub fn sha(c: char) -> CommitSha {
    CommitSha::new(c.to_string().repeat(40))
}

pub fn plan() -> Plan {
    let step = |component: &str, inputs: serde_json::Value, outputs: serde_json::Value| {
        json!({
            "component": component, "image": "components", "command": [], "parameters": {}, "inputs": inputs,
            "outputs": outputs, "source": null, "environment": {}, "cpus": null, "memory_bytes": null,
            "timeout_seconds": 60, "network": "none", "cache": true,
            "retry": {"max_retry_count": 0, "backoff_seconds": 0.0, "backoff_factor": 1.0, "backoff_max_seconds": 0.0},
        })
    };
    serde_json::from_value(json!({
        "pipeline": "flights", "parameters": {}, "triggers": {}, "data": {}, "images": {},
        "concurrency": {"max_active_runs": 1, "on_conflict": "queue"},
        "steps": {
            "examples": step("ExampleGen", json!({}), json!({"examples": "Examples"})),
            "train": step("Trainer", json!({"examples": {"output": {"step": "examples", "output": "examples"}}}), json!({"model": "Model"})),
        },
        "gate": null, "push": null,
    }))
    .unwrap()
}

pub fn request(id: &str, seconds: u64) -> RunRequest {
    RunRequest {
        id: RunId::new(id),
        event: None,
        trigger: "push".to_owned(),
        cause: "push of main by ada".to_owned(),
        repo: Some(repo()),
        installation_id: Some(7),
        commit: Some(sha('a')),
        branch: Some("main".to_owned()),
        pull_request: None,
        base: None,
        fork: None,
        folder: "pipelines/flights".to_owned(),
        newest_spans: BTreeMap::new(),
        waited_spans: BTreeMap::new(),
        as_of_spans: Default::default(),
        work_tree: None,
        rerun: None,
        trial: false,
        may_push: true,
        created_at: at(seconds),
        plan: plan(),
    }
}

pub fn manual(id: &str) -> NewEvent {
    let event = Manual {
        repo: None,
        pipeline: "flights".to_owned(),
        git_ref: None,
        actor: "ada".to_owned(),
        parameters: Map::new(),
        spans: Default::default(),
        no_push: false,
    };
    NewEvent::new(EventId::new(id), Event::Manual(event), "no pipeline of that name")
}

pub fn push(id: &str, after: char) -> NewEvent {
    let event = Push {
        repo: repo(),
        repo_id: 42,
        installation_id: Some(7),
        branch: "main".to_owned(),
        before: Some(sha('0')),
        after: sha(after),
        pusher: "ada".to_owned(),
        default_branch: Some("main".to_owned()),
    };
    NewEvent::new(
        EventId::new(id),
        Event::Push(event),
        "no pipeline is triggered by this push",
    )
}

pub fn delivery(id: &str, seconds: u64) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(id),
        origin: "github".to_owned(),
        kind: "push".to_owned(),
        received_at: at(seconds),
        headers: json!({"x-github-event": "push"}).as_object().unwrap().clone(),
        body: vec![0, 159, 146, 150, b'{', b'}'].into(),
        digest: None,
        flagged: None,
    }
}

/// The first of the deliveries that wait.
pub async fn waiting_deliveries(store: &Store, limit: u32) -> Vec<Delivery> {
    let bodies = Bodies {
        largest: Some(u32::MAX),
        webhooks: &["push", "pull_request"],
    };
    let page = store.waiting_deliveries(0, limit, &bodies).await.unwrap();
    page.deliveries
}

/// A status of a check whose name decides the message's key.
pub fn status(check: &str, state: StatusState) -> OutboxItem {
    let status = Status {
        state,
        context: check.to_owned(),
        description: "for the test".to_owned(),
    };
    let check = CheckRun {
        external_id: "r1".to_owned(),
        progress: Progress::InProgress,
        summary: "for the test".to_owned(),
        annotations: Vec::new(),
        actions: Vec::new(),
        started_at: None,
        completed_at: None,
    };
    let shown = Shown {
        status,
        check,
        target_url: None,
        installation_id: Some(7),
    };
    OutboxItem::status(&repo(), &sha('a'), shown)
}

/// An answer to what a branch asks about the commit, with a check whose name decides the message's key.
pub fn answer(check: &str, state: StatusState) -> Telling {
    Telling::Answer(Box::new(Answer {
        subject: Subject {
            repo: repo(),
            commit: sha('a'),
            pipeline: check.to_owned(),
        },
        question: Question {
            asked_by: AskedBy::Branch,
            base: "main".to_owned(),
        },
        asked: "r1".to_owned(),
        pull_request: None,
        finding: Finding::Run,
        status: Status {
            state,
            context: check.to_owned(),
            description: "for the test".to_owned(),
        },
        check: None,
        target_url: None,
        installation_id: Some(7),
    }))
}

pub fn starts(request: RunRequest) -> Consequence {
    Consequence::Start(Box::new(request))
}

/// Stores a run with nothing but its request.
pub async fn start_run(store: &Store, id: &str, seconds: u64) -> Run {
    let request = request(id, seconds);
    let mut event = manual(&format!("event-of-{id}"));
    event.consequences.push(starts(request.clone()));
    store.record_event(&event, None, at(seconds)).await.unwrap();
    Run::new(request)
}

/// That a run of `main` is over.
pub fn finished(run: &str, state: RunState, seconds: u64) -> News {
    News {
        id: format!("{run}/finished"),
        at: at(seconds),
        about: About {
            pipeline: "flights".to_owned(),
            repo: Some(repo()),
            branch: Some("main".to_owned()),
            run: Some(RunId::new(run)),
            asked_at: Some(at(seconds)),
            ..About::default()
        },
        rules: NotifyRules::default(),
        what: What::Finished {
            state,
            blessing: None,
            summary: "it is over".to_owned(),
            failures: Vec::new(),
            drifted: None,
        },
    }
}

/// A message that is to GitHub.
pub fn github(message: Outgoing) -> OutboxItem {
    match message {
        Outgoing::GitHub(item) => item,
        Outgoing::Notice(notice) => panic!("{notice:?}"),
    }
}

/// The append that takes `run` forward by `events`; `run` is taken forward too.
pub fn forward(run: &mut Run, events: Vec<RunEvent>, when: Micros) -> Append {
    let expected_version = run.version;
    for event in &events {
        run.apply(event, when);
    }
    Append {
        run: run.request.id.clone(),
        expected_version,
        lease: None,
        at: when,
        summary: RunSummary::of(run, &events),
        events,
        metadata: Vec::new(),
        outbox: Vec::new(),
        news: Vec::new(),
        promotion: None,
    }
}

pub fn artifact(name: &str, type_name: &str, content: u8) -> ArtifactRef {
    ArtifactRef {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        digest: Digest::from_sha256(&[content; 32]),
        uri: format!("/data/artifacts/{content}"),
        properties: Map::new(),
    }
}

pub fn identity(run: &str, step: &str, component: &str) -> ExecutionIdentity {
    ExecutionIdentity {
        run: RunId::new(run),
        pipeline: "flights".to_owned(),
        node: NodeId::parse(step),
        component: component.to_owned(),
    }
}

pub fn named<const N: usize>(artifacts: [(&str, ArtifactRef); N]) -> BTreeMap<String, ArtifactRef> {
    artifacts
        .into_iter()
        .map(|(name, artifact)| (name.to_owned(), artifact))
        .collect()
}

pub fn start(identity: &ExecutionIdentity, inputs: BTreeMap<String, ArtifactRef>, when: Micros) -> MetadataWrite {
    MetadataWrite::StartExecution(StartExecution {
        identity: identity.clone(),
        inputs,
        properties: json!({"cache_key": "k", "image_id": "sha256:1"})
            .as_object()
            .unwrap()
            .clone(),
        at: when,
    })
}

pub fn publish(
    identity: &ExecutionIdentity,
    key: &str,
    outputs: BTreeMap<String, ArtifactRef>,
    when: Micros,
) -> MetadataWrite {
    MetadataWrite::Publish(PublishExecution {
        identity: identity.clone(),
        cache_key: Some(key.to_owned()),
        outputs,
        properties: json!({"auc": 0.65, "log_loss": 3.0}).as_object().unwrap().clone(),
        at: when,
    })
}

/// Stores metadata as a step forward of a run, with a harmless event.
pub async fn store_metadata(store: &Store, run: &mut Run, metadata: Vec<MetadataWrite>, when: Micros) {
    let mut append = forward(
        run,
        vec![RunEvent::PushFailed {
            reason: "for the test".to_owned(),
        }],
        when,
    );
    append.metadata = metadata;
    store.append(append).await.unwrap();
}
