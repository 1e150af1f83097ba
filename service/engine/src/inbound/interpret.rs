//! From an event to runs, or the reason for none.

use super::Inbound;
use crate::house::clock::{new_event_id, now};
use crate::inbound::request::{self, Origin};
use crate::source::checkout::{self, SourceError};
use crate::source::project::{self, FoundPipeline};
use crate::tell::outbox::{self, status_item};
use serde_json::json;
use trainyard_core::event::{DataArrived, Event, PullRequest, Push};
use trainyard_core::ids::EventId;
use trainyard_core::report::{self, StatusState};
use trainyard_core::run::RunRequest;
use trainyard_core::trigger::{Match, matches};
use trainyard_store::{Held, KnownPipeline, NewEvent, OutboxItem, StoreError};

/// Why an event has no meaning yet: its delivery waits.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InterpretError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Again(String),
}

/// An event with the runs it starts, or the reason for none.
pub(crate) async fn interpret(inbound: &Inbound, event: Event) -> Result<NewEvent, InterpretError> {
    let id = new_event_id();
    let mut verdict = Interpretation::default();
    match &event {
        Event::Push(push) => interpret_push(inbound, push, &event, &mut verdict).await?,
        Event::PullRequest(pull) => interpret_pull_request(inbound, pull, &event, &mut verdict).await?,
        Event::DataArrived(arrived) => interpret_data(inbound, arrived, &event, &id, &mut verdict).await?,
        Event::ScheduleDue(_) | Event::Manual(_) => verdict
            .reasons
            .push("this event is made by the service itself".to_owned()),
    }
    Ok(verdict.into_event(inbound, id, event))
}

#[derive(Default)]
struct Interpretation {
    runs: Vec<RunRequest>,
    reasons: Vec<String>,
    outbox: Vec<OutboxItem>,
    holds: Vec<Held>,
}

impl Interpretation {
    fn into_event(mut self, inbound: &Inbound, id: EventId, event: Event) -> NewEvent {
        for run in &mut self.runs {
            run.event = Some(id.clone());
            self.outbox.extend(outbox::first_status(&inbound.audience, run));
        }
        let (runs, outbox, holds) = (self.runs, self.outbox, self.holds);
        NewEvent {
            runs,
            outbox,
            holds,
            ..NewEvent::new(id, event, self.reasons.join("; "))
        }
    }

    /// A pull request that starts no run hears why.
    fn tell(&mut self, pull: &PullRequest, pipeline: &str, state: StatusState, reason: String) {
        let status = report::Status {
            state,
            ..report::nothing_to_do_status(pipeline, &reason)
        };
        self.outbox.push(status_item(
            &pull.repo,
            pull.installation_id,
            &pull.head_sha,
            &status,
            None,
        ));
        self.reasons.push(reason);
    }

    /// A file that cannot be run is told to the commit, not only to the log.
    fn invalid(&mut self, found: &FoundPipeline, origin: &Origin) {
        let Err(problems) = &found.plan else { return };
        if let Some(first) = problems.first() {
            self.reasons.push(first.to_string());
        }
        let (Some(repo), Some(commit)) = (&origin.repo, &origin.commit) else {
            return;
        };
        let status = report::invalid_pipeline_status(found.name(), problems);
        self.outbox
            .push(status_item(repo, origin.installation_id, commit, &status, None));
    }
}

/// Either the answer, or a reason that goes into the delivery's outcome, or "try later".
fn source<T>(result: Result<T, SourceError>, verdict: &mut Interpretation) -> Result<Option<T>, InterpretError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(SourceError::Again(reason)) => Err(InterpretError::Again(reason)),
        Err(SourceError::Broken(reason)) => {
            verdict.reasons.push(reason);
            Ok(None)
        }
    }
}

async fn interpret_push(
    inbound: &Inbound,
    push: &Push,
    event: &Event,
    verdict: &mut Interpretation,
) -> Result<(), InterpretError> {
    let origin = Origin::push(push);
    let found = project::pipelines(&inbound.source, &push.repo, push.installation_id, &push.after).await;
    let Some(found) = source(found, verdict)? else {
        return Ok(());
    };
    if found.is_empty() {
        verdict.reasons.push(format!(
            "{} has no pipelines/<name>/pipeline.yaml at {}",
            push.repo, push.after
        ));
    }
    let changed = match &push.before {
        Some(before) => checkout::changed(&inbound.source, &push.repo, push.installation_id, before, &push.after).await,
        None => None,
    };
    for pipeline in &found {
        let Ok(plan) = &pipeline.plan else {
            verdict.invalid(pipeline, &origin);
            continue;
        };
        match matches(plan, event, changed.as_deref()) {
            Match::Start { cause, may_push } => {
                verdict.runs.push(request::new(
                    &origin,
                    &pipeline.folder,
                    plan.clone(),
                    cause,
                    may_push,
                    now(),
                ));
            }
            Match::Hold { cause, .. } => tracing::error!(cause, "a push is never held"),
            Match::No { reason } => verdict.reasons.push(reason),
        }
    }
    register(inbound, push, found).await
}

/// The default branch says which pipelines listen to data and the clock.
async fn register(inbound: &Inbound, push: &Push, found: Vec<FoundPipeline>) -> Result<(), InterpretError> {
    let default = match (&push.default_branch, &inbound.source.github) {
        (Some(told), _) => told.clone(),
        (None, Some(github)) => {
            let asked = github.default_branch(&push.repo).await;
            asked.map_err(|error| InterpretError::Again(error.to_string()))?
        }
        (None, None) => return Ok(()),
    };
    if default != push.branch || overtaken(inbound, push).await? {
        return Ok(());
    }
    let known = found
        .into_iter()
        .filter_map(|f| Some((f.folder, f.plan.ok()?)))
        .collect();
    Ok(request::register(inbound, push, known).await?)
}

/// Whether a later push of this branch was looked at already, because this delivery had to wait: the
/// known commit has this one behind it, and this push did not go back from there.
async fn overtaken(inbound: &Inbound, push: &Push) -> Result<bool, InterpretError> {
    let known = inbound.store.pipelines().await?;
    let Some(known) = known.into_iter().find(|known| known.repo == push.repo) else {
        return Ok(false);
    };
    let same_branch = known.branch == push.branch && known.commit != push.after;
    let went_back = push.before.as_ref() == Some(&known.commit);
    Ok(same_branch
        && !went_back
        && checkout::is_ancestor(
            &inbound.source,
            &push.repo,
            push.installation_id,
            &push.after,
            &known.commit,
        )
        .await)
}

async fn interpret_pull_request(
    inbound: &Inbound,
    pull: &PullRequest,
    event: &Event,
    verdict: &mut Interpretation,
) -> Result<(), InterpretError> {
    let origin = Origin::pull_request(pull);
    let base = project::pipelines(&inbound.source, &pull.repo, pull.installation_id, &pull.base_sha).await;
    let Some(base) = source(base, verdict)? else {
        return Ok(());
    };
    // Of a fork nothing is fetched, not even its pipeline file: what the base says decides.
    let head = if pull.is_fork() {
        Ok(base.clone())
    } else {
        project::pipelines(&inbound.source, &pull.repo, pull.installation_id, &pull.head_sha).await
    };
    let Some(head) = source(head, verdict)? else {
        return Ok(());
    };
    let changed = if pull.is_fork() {
        None
    } else {
        let (repo, installation) = (&pull.repo, pull.installation_id);
        checkout::changed_since_fork(&inbound.source, repo, installation, &pull.base_sha, &pull.head_sha).await
    };
    if head.is_empty() {
        verdict.reasons.push(format!(
            "{} has no pipelines/<name>/pipeline.yaml at {}",
            pull.repo, pull.head_sha
        ));
    }
    for pipeline in &head {
        let Ok(plan) = &pipeline.plan else {
            verdict.invalid(pipeline, &origin);
            continue;
        };
        match matches(plan, event, changed.as_deref()) {
            Match::Start { cause, .. } | Match::Hold { cause, .. } => {
                // The bar is the base's: a change cannot lower what it is judged by.
                let same = base
                    .iter()
                    .filter_map(|b| b.plan.as_ref().ok())
                    .find(|b| b.pipeline == plan.pipeline);
                match trainyard_core::plan::with_base_gate(plan.clone(), same) {
                    Ok(plan) => verdict
                        .runs
                        .push(request::new(&origin, &pipeline.folder, plan, cause, false, now())),
                    Err(gone) => verdict.tell(pull, &plan.pipeline, StatusState::Error, gone.to_string()),
                }
            }
            Match::No { reason } if plan.triggers.pull_request.is_none() => verdict.reasons.push(reason),
            // What nobody looked at must not look approved.
            Match::No { reason } if pull.is_fork() => {
                verdict.tell(pull, &plan.pipeline, StatusState::Pending, reason);
            }
            // A required check that is never set would block the pull request for ever.
            Match::No { reason } => verdict.tell(pull, &plan.pipeline, StatusState::Success, reason),
        }
    }
    Ok(())
}

async fn interpret_data(
    inbound: &Inbound,
    arrived: &DataArrived,
    event: &Event,
    id: &EventId,
    verdict: &mut Interpretation,
) -> Result<(), InterpretError> {
    let known = inbound.store.pipelines().await?;
    if known.is_empty() {
        let reason = "no pipeline is known yet: push a repository with a pipeline to its default branch first";
        verdict.reasons.push(reason.to_owned());
    }
    for pipeline in known {
        match matches(&pipeline.plan, event, None) {
            Match::No { reason } => verdict.reasons.push(reason),
            Match::Start { cause, may_push } => {
                let origin = Origin::data(&pipeline, arrived);
                let folder = pipeline.folder.clone();
                verdict
                    .runs
                    .push(request::new(&origin, &folder, pipeline.plan, cause, may_push, now()));
            }
            Match::Hold { seconds, cause } => {
                verdict.reasons.push(format!(
                    "{cause}: one run starts when nothing more arrives for {seconds}s"
                ));
                verdict
                    .holds
                    .push(hold(inbound, &pipeline, arrived, id, seconds).await?);
            }
        }
    }
    Ok(())
}

/// The wait for more, joined with what waits already.
async fn hold(
    inbound: &Inbound,
    pipeline: &KnownPipeline,
    arrived: &DataArrived,
    event: &EventId,
    seconds: u64,
) -> Result<Held, StoreError> {
    let key = request::hold_key(pipeline, &arrived.source);
    let before = inbound.store.held(&key).await?.map(|held| held.payload);
    let mut labels = before.as_ref().map(request::held_labels).unwrap_or_default();
    labels.extend(arrived.span.clone().filter(|span| !labels.contains(span)));
    let payload = json!({"repo": pipeline.repo, "pipeline": pipeline.name, "source": arrived.source, "spans": labels});
    let until = now().plus_seconds(seconds);
    Ok(Held {
        key,
        until,
        event: event.clone(),
        payload,
        events: Vec::new(),
    })
}
