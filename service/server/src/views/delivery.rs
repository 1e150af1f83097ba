//! Deliveries: what came in, what it meant, and what it started.

use super::time;
use serde::Serialize;
use serde_json::{Map, Value};
use trainyard_core::ids::{DeliveryId, RunId};
use trainyard_core::suggest::closest;
use trainyard_core::trigger::{FilterLook, Look, TriggerLook, What};
use trainyard_store::{DeliveryView, EventView, ExplainedEvent, Explanation, Reads, StoreError};
use utoipa::ToSchema;

/// The newest deliveries, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// The deliveries.
    pub deliveries: Vec<DeliveryItem>,
    /// Deliveries that were set aside because their rows cannot be read, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A delivery with what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryItem {
    /// The sender's id: GitHub's `X-GitHub-Delivery`, or source and id of a CloudEvent.
    pub id: String,
    /// `github` or `cloudevents`.
    pub origin: String,
    /// The sender's name for what happened.
    pub kind: String,
    /// When it arrived.
    pub received_at: String,
    /// When it was looked at; absent while it waits.
    pub processed_at: Option<String>,
    /// What came of it, in one sentence; absent while it waits.
    pub outcome: Option<String>,
    /// Why it still waits, if something is wrong; it is tried again by itself.
    pub waits_for: Option<String>,
    /// What was wrong with it when it came; it starts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flagged: Option<String>,
    /// What it meant.
    pub events: Vec<EventItem>,
}

/// An event with the runs it started, or the reason for none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventItem {
    /// The event.
    pub id: String,
    /// `push`, `pull_request`, `data`, `schedule` or `manual`.
    pub kind: String,
    /// When it was stored.
    pub at: String,
    /// The runs that it starts, and why other pipelines do not run.
    pub outcome: String,
    /// The runs it started.
    pub runs: Vec<String>,
}

impl From<DeliveryView> for DeliveryItem {
    fn from(view: DeliveryView) -> Self {
        Self {
            id: view.id.to_string(),
            origin: view.origin,
            kind: view.kind,
            received_at: time(view.received_at),
            processed_at: view.processed_at.map(time),
            outcome: view.outcome,
            waits_for: view.waits_for,
            flagged: view.flagged,
            events: view.events.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<EventView> for EventItem {
    fn from(view: EventView) -> Self {
        Self {
            id: view.id.to_string(),
            kind: view.kind,
            at: time(view.at),
            outcome: view.outcome,
            runs: view.runs.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A delivery with all that is known of how it was taken: every trigger, every filter, and which one failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryExplanation {
    /// What came of it.
    pub delivery: DeliveryItem,
    /// The headers that were kept.
    #[schema(value_type = Object)]
    pub headers: Map<String, Value>,
    /// Bytes of its body.
    pub bytes: u64,
    /// SHA-256 of its body in hex; of webhooks only.
    pub body_sha256: Option<String>,
    /// Who had it looked at anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed_by: Option<String>,
    /// Whether although something had followed from it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// Its events, and how pipelines met them.
    pub events: Vec<ExplainedItem>,
}

/// An event, and how pipelines met it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedItem {
    /// The event.
    pub id: String,
    /// What happened, in words.
    pub what: Option<String>,
    /// The same in fields.
    #[schema(value_type = Object)]
    pub event: Value,
    /// Each pipeline that was looked at.
    pub pipelines: Vec<LookItem>,
}

/// A pipeline, as it met an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LookItem {
    /// Its name.
    pub pipeline: String,
    /// The folder of its file.
    pub folder: String,
    /// Why its triggers were not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The filter that failed, if one did: `push.branches` for example.
    pub failed: Option<String>,
    /// Its triggers, the one for this event first.
    pub triggers: Vec<TriggerItem>,
}

/// A trigger of a pipeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TriggerItem {
    /// Its key in the pipeline file.
    pub trigger: String,
    /// Whether it is the one for this kind of event.
    pub met: bool,
    /// Whether the pipeline file has it.
    pub listens: bool,
    /// Its filters, in the order in which they count.
    pub filters: Vec<FilterItem>,
}

/// A filter of a trigger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FilterItem {
    /// Its key in the pipeline file.
    pub filter: String,
    /// What it lets through; empty for everything.
    pub asks: Vec<String>,
    /// What the event has of it, the first of them.
    pub found: Vec<String>,
    /// How many that are in all.
    pub found_in_all: usize,
    /// `passed`, `failed` or `unknown`, which lets through.
    #[schema(value_type = String)]
    pub result: trainyard_core::trigger::FilterResult,
    /// The same in words.
    pub sentence: String,
}

impl From<Explanation> for DeliveryExplanation {
    fn from(told: Explanation) -> Self {
        Self {
            delivery: told.delivery.into(),
            headers: told.headers,
            bytes: told.bytes,
            body_sha256: told.digest,
            replayed_by: told.replayed_by,
            forced: told.forced,
            events: told.events.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ExplainedEvent> for ExplainedItem {
    fn from(told: ExplainedEvent) -> Self {
        Self {
            id: told.id.to_string(),
            what: told.event.as_ref().map(|event| What::from(event).words()),
            event: told
                .event
                .and_then(|event| serde_json::to_value(event).ok())
                .unwrap_or_default(),
            pipelines: told.looks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Look> for LookItem {
    fn from(look: Look) -> Self {
        let failed = look
            .failed()
            .map(|(trigger, filter)| format!("{}.{}", trigger.trigger, filter.filter));
        let deaf = || {
            let met = look.triggers.iter().find(|trigger| trigger.met && !trigger.listens)?;
            Some(met.trigger.clone())
        };
        Self {
            failed: failed.or_else(deaf),
            pipeline: look.pipeline,
            folder: look.folder,
            problem: look.problem,
            triggers: look.triggers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TriggerLook> for TriggerItem {
    fn from(look: TriggerLook) -> Self {
        Self {
            trigger: look.trigger,
            met: look.met,
            listens: look.listens,
            filters: look.filters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<FilterLook> for FilterItem {
    fn from(look: FilterLook) -> Self {
        Self {
            sentence: look.sentence(),
            filter: look.filter,
            asks: look.asks,
            found: look.found,
            found_in_all: look.found_in_all,
            result: look.result,
        }
    }
}

/// Why there is no such delivery, and which one may be meant; `gone` says how long deliveries are kept.
pub async fn no_delivery(store: &Reads, asked: &str, gone: &str) -> Result<String, StoreError> {
    let newest = store.newest_deliveries().await?;
    let meant = closest(asked, newest.iter().map(DeliveryId::as_str));
    let hint = match (meant, newest.first()) {
        (Some(meant), _) => format!("; did you mean '{meant}'?"),
        (None, Some(newest)) => format!("; the newest is '{newest}'"),
        (None, None) => "; none has arrived yet".to_owned(),
    };
    Ok(format!("there is no delivery '{asked}'{gone}{hint}"))
}

/// Why a delivery is not looked at anew, and how it would be.
pub fn started_already(delivery: &DeliveryId, runs: &[RunId]) -> String {
    let runs: Vec<&str> = runs.iter().map(RunId::as_str).collect();
    let word = if runs.len() == 1 { "run" } else { "runs" };
    format!(
        "{word} {} followed from delivery {delivery}: with force it is looked at anew, and new runs start",
        runs.join(", ")
    )
}

/// Why a delivery in which a person asked for something is not looked at anew.
pub fn heard_already(delivery: &DeliveryId) -> String {
    format!("what was asked for in delivery {delivery} was heard: with force it is done again")
}
