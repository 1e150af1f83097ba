//! Run requests: who asked, for which commit, with which data.

use super::Inbound;
use crate::house::clock::{new_event_id, new_run_id, now};
use crate::tell::outbox;
use serde_json::Value;
use std::collections::BTreeMap;
use trainyard_core::event::{DataArrived, Event, PullRequest, Push};
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::plan::Plan;
use trainyard_core::run::RunRequest;
use trainyard_core::span::SpanPattern;
use trainyard_store::{Held, KnownPipeline, NewEvent, NewPipeline, NewSchedule, Settled, StoreError};

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) trigger: &'static str,
    pub(crate) repo: Option<RepoName>,
    pub(crate) installation_id: Option<i64>,
    pub(crate) commit: Option<CommitSha>,
    pub(crate) branch: Option<String>,
    pub(crate) pull_request: Option<u64>,
    pub(crate) newest_spans: BTreeMap<String, String>,
}

impl Origin {
    pub(crate) fn push(push: &Push) -> Self {
        Self {
            trigger: "push",
            repo: Some(push.repo.clone()),
            installation_id: push.installation_id,
            commit: Some(push.after.clone()),
            branch: Some(push.branch.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn pull_request(pull: &PullRequest) -> Self {
        Self {
            trigger: "pull_request",
            repo: Some(pull.repo.clone()),
            installation_id: pull.installation_id,
            commit: Some(pull.head_sha.clone()),
            branch: Some(pull.head_branch.clone()),
            pull_request: Some(pull.number),
            ..Self::default()
        }
    }

    /// A pipeline at the head of its default branch, because of new data.
    pub(crate) fn data(pipeline: &KnownPipeline, arrived: &DataArrived) -> Self {
        let newest = arrived
            .span
            .iter()
            .map(|span| (arrived.source.clone(), span.clone()))
            .collect();
        Self {
            newest_spans: newest,
            ..Self::at_head("data", pipeline)
        }
    }

    /// A pipeline at the head of its default branch.
    pub(crate) fn at_head(trigger: &'static str, pipeline: &KnownPipeline) -> Self {
        Self {
            trigger,
            repo: Some(pipeline.repo.clone()),
            installation_id: pipeline.installation_id,
            commit: Some(pipeline.commit.clone()),
            branch: Some(pipeline.branch.clone()),
            ..Self::default()
        }
    }
}

/// A request for one run.
pub(crate) fn new(origin: &Origin, folder: &str, plan: Plan, cause: String, may_push: bool, at: Micros) -> RunRequest {
    RunRequest {
        id: new_run_id(),
        event: None,
        trigger: origin.trigger.to_owned(),
        cause,
        repo: origin.repo.clone(),
        installation_id: origin.installation_id,
        commit: origin.commit.clone(),
        branch: origin.branch.clone(),
        pull_request: origin.pull_request,
        folder: folder.to_owned(),
        newest_spans: origin.newest_spans.clone(),
        may_push,
        created_at: at,
        plan,
    }
}

/// Remembers the pipelines of a default branch: they listen to data, the clock and people.
pub(crate) async fn register(inbound: &Inbound, push: &Push, found: Vec<(String, Plan)>) -> Result<(), StoreError> {
    let at = now();
    let mut schedules = Vec::new();
    let mut known = Vec::new();
    for (folder, plan) in found {
        if let Some(schedule) = plan.triggers.schedule.clone() {
            schedules.push(NewSchedule {
                pipeline: plan.pipeline.clone(),
                folder: folder.clone(),
                schedule,
            });
        }
        known.push(NewPipeline {
            name: plan.pipeline.clone(),
            folder,
            plan,
        });
    }
    let (repo, branch, commit) = (&push.repo, push.branch.as_str(), &push.after);
    inbound
        .store
        .put_pipelines(repo, push.installation_id, branch, commit, &known, at)
        .await?;
    inbound
        .store
        .put_schedules(Some(repo), Some(branch), Some(commit), &schedules, at)
        .await?;
    inbound.signals.schedule.notify_one();
    Ok(())
}

/// One hold for each pipeline and source: later arrivals join the earlier ones.
pub(crate) fn hold_key(pipeline: &KnownPipeline, source: &str) -> String {
    format!("{} {} {source}", pipeline.repo, pipeline.name)
}

/// The spans that wait in a hold's payload.
pub(crate) fn held_labels(payload: &Value) -> Vec<String> {
    let spans = payload["spans"].as_array().into_iter().flatten();
    spans.filter_map(|span| span.as_str().map(str::to_owned)).collect()
}

/// The run for everything that arrived in a quiet period.
pub(crate) async fn release(inbound: &Inbound, held: &Held) -> Result<Settled, StoreError> {
    let source = held.payload["source"].as_str().unwrap_or_default().to_owned();
    let known = inbound.store.pipelines().await?;
    let pipeline = known.into_iter().find(|p| hold_key(p, &source) == held.key);
    let labels = held_labels(&held.payload);
    let span = pipeline.as_ref().and_then(|p| newest(p, &source, &labels));
    let arrived = DataArrived { source, span };
    let id = new_event_id();
    let mut event = NewEvent::new(id.clone(), Event::DataArrived(arrived.clone()), "");
    match pipeline {
        None => event.outcome = "the pipeline is gone from its default branch".to_owned(),
        Some(pipeline) => {
            let cause = format!("data {} {}", arrived.source, labels.join(", "))
                .trim_end()
                .to_owned();
            let origin = Origin::data(&pipeline, &arrived);
            let folder = pipeline.folder.clone();
            let run = new(&origin, &folder, pipeline.plan, cause, true, now());
            event.outbox = outbox::first_status(&inbound.audience, &run);
            event.runs = vec![RunRequest { event: Some(id), ..run }];
        }
    }
    inbound.store.release_hold(&held.key, held.until, &event, now()).await
}

/// The newest of several labels, by their meaning; one without a meaning first, so that the run
/// says what is wrong with it.
fn newest(pipeline: &KnownPipeline, source: &str, labels: &[String]) -> Option<String> {
    let pattern = pipeline
        .plan
        .data
        .get(source)
        .and_then(|data| SpanPattern::parse(&data.uri).ok());
    let meaning = |label: &&String| pattern.as_ref().and_then(|p| p.span_named(label));
    labels
        .iter()
        .max_by_key(|label| (meaning(label).is_none(), meaning(label)))
        .cloned()
}
