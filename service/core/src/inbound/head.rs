//! Data, the clock and people: they meet the pipelines at the heads of default branches.

use super::hold::HoldPayload;
use super::interpretation::{Draft, Given, Interpretation};
use super::origin::Origin;
use super::pipelines::KnownPipeline;
use super::reason::Reason;
use crate::event::{DataArrived, Event, Manual, RepositoryEvent, ScheduleDue};
use crate::ids::{Micros, RepoName};
use crate::plan::Plan;
use crate::run::{RunRequest, WorkTree};
use crate::trigger::{Cause, Match, NotStarted, matches};
use chrono::DateTime;

/// A data arrival: of the `known` pipelines each starts, or waits together with what is `held` already.
pub fn data(arrived: &DataArrived, known: &[KnownPipeline], held: &[HoldPayload], given: Given<'_>) -> Interpretation {
    let event = Event::DataArrived(arrived.clone());
    let mut draft = Draft::new(given);
    if known.is_empty() {
        draft.because(Reason::NothingKnown);
    }
    for pipeline in known {
        match draft.meet(&pipeline.plan, &pipeline.folder, &event, None) {
            Match::Hold { seconds, cause } => {
                let first = HoldPayload::new(pipeline, &arrived.source);
                let earlier = held.iter().find(|held| held.key() == first.key()).cloned();
                let mut together = earlier.unwrap_or(first);
                together.join(arrived);
                draft.hold(together, seconds);
                draft.because(Reason::Held { cause, seconds });
            }
            matched => {
                let origin = Origin::data(pipeline, arrived);
                draft.start_if(matched, &origin, &pipeline.folder, &pipeline.plan);
            }
        }
    }
    draft.of(event)
}

/// Something that happened in a repository and moved no branch: its pipelines meet it as the default branch has them.
pub fn repository_event(event: &RepositoryEvent, known: &[KnownPipeline], given: Given<'_>) -> Interpretation {
    let event = Event::Repository(event.clone());
    let mut draft = Draft::new(given);
    if known.is_empty() {
        draft.because(Reason::NothingKnown);
    }
    for pipeline in known {
        let matched = draft.meet(&pipeline.plan, &pipeline.folder, &event, None);
        draft.start_if(matched, &Origin::at_head(pipeline), &pipeline.folder, &pipeline.plan);
    }
    draft.of(event)
}

/// The end of a quiet period: one run for everything that arrived in it.
pub fn release(held: &HoldPayload, known: &[KnownPipeline], given: Given<'_>) -> Interpretation {
    let mut draft = Draft::new(given);
    let pipeline = known.iter().find(|pipeline| held.is_for(pipeline));
    let (mut spans, mut slips) = pipeline.map(|pipeline| held.sorted(pipeline)).unwrap_or_default();
    // Where every one is a slip, the run says what is wrong.
    if spans.is_empty() {
        spans = std::mem::take(&mut slips);
    }
    let arrived = DataArrived {
        source: held.source.clone(),
        span: spans.first().cloned(),
    };
    match pipeline {
        None => draft.because(Reason::Gone),
        Some(pipeline) => {
            let named = held.spans.iter().filter(|span| !slips.contains(span));
            let cause = Cause::Data {
                source: held.source.clone(),
                spans: named.cloned().collect(),
            };
            let others = spans.into_iter().skip(1).collect();
            let origin = Origin::waited(pipeline, &arrived, others);
            draft.start(&origin, &pipeline.folder, pipeline.plan.clone(), &cause);
            for span in slips {
                let source = held.source.clone();
                draft.because(Reason::NoSpan { source, span });
            }
        }
    }
    draft.of(Event::DataArrived(arrived))
}

/// A slot of a schedule that came due; the schedule of a folder on this machine has no repository.
pub fn schedule(
    repo: Option<&RepoName>,
    name: &str,
    slot: Micros,
    known: &[KnownPipeline],
    given: Given<'_>,
) -> Interpretation {
    let mut draft = Draft::new(given);
    let pipeline = known
        .iter()
        .find(|known| Some(&known.repo) == repo && known.name == name);
    let Some(pipeline) = pipeline else {
        draft.because(Reason::Gone);
        return draft.of(Event::Manual(Manual {
            repo: repo.cloned(),
            pipeline: name.to_owned(),
            git_ref: None,
            actor: "schedule".to_owned(),
            parameters: serde_json::Map::new(),
            spans: Default::default(),
            no_push: false,
        }));
    };
    let slot = DateTime::from_timestamp_micros(slot.0).map(|slot| slot.to_rfc3339());
    let event = Event::ScheduleDue(ScheduleDue {
        repo: pipeline.repo.clone(),
        pipeline: name.to_owned(),
        slot: slot.unwrap_or_default(),
    });
    let matched = draft.meet(&pipeline.plan, &pipeline.folder, &event, None);
    draft.start_if(matched, &Origin::at_head(pipeline), &pipeline.folder, &pipeline.plan);
    draft.of(event)
}

/// A person's request for a run of a known pipeline; `plan` is the pipeline's with the parameters that were asked for.
pub fn manual(
    manual: &Manual,
    pipeline: &KnownPipeline,
    plan: &Plan,
    given: Given<'_>,
) -> Result<Interpretation, Box<NotStarted>> {
    let event = Event::Manual(manual.clone());
    let mut draft = Draft::new(given);
    match matches(plan, &event, None) {
        Match::Start(cause) | Match::Hold { cause, .. } => {
            let origin = Origin {
                as_of_spans: manual.spans.clone(),
                ..Origin::at_head(pipeline)
            };
            let run = draft.request(&origin, &pipeline.folder, plan.clone(), &cause);
            let may_push = run.may_push && !manual.no_push;
            draft.begin(RunRequest { may_push, ..run });
            Ok(draft.of(event))
        }
        Match::No(not_started) => Err(Box::new(not_started)),
    }
}

/// A person's request for a run of a folder on this machine, whose plan this is.
pub fn local(manual: &Manual, folder: &str, plan: Plan, work_tree: WorkTree, given: Given<'_>) -> Interpretation {
    let cause = Cause::Manual {
        actor: manual.actor.clone(),
        spans: manual.spans.clone(),
    };
    let mut draft = Draft::new(given);
    let origin = Origin {
        as_of_spans: manual.spans.clone(),
        ..Origin::default()
    };
    let run = draft.request(&origin, folder, plan, &cause);
    draft.begin(RunRequest {
        may_push: !manual.no_push,
        work_tree: Some(work_tree),
        ..run
    });
    draft.of(Event::Manual(manual.clone()))
}
