//! What a delivery means, and the storing of it: alone, or many in one transaction where nothing follows.

use super::{Inbound, InterpretError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::awaited::Awaited;
use crate::inbound::cloud_event::{CloudEvent, CloudEventError, NoArrival};
use crate::inbound::interpret::{Arrival, interpret};
use crate::inbound::{gone, identity};
use crate::source::checkout::SourceError;
use bytes::Bytes;
use futures_util::FutureExt;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use trainyard_core::event::Event;
use trainyard_core::inbound::{Consequence, Failure, TurnEnd};
use trainyard_github::webhook::{
    BranchGone, Derived, Ignored, PayloadError, Repo, WITH_BODY, event_of_stored, pushed_at,
};
use trainyard_store::{Delivery, NewEvent, SettleDelivery, StoreError};

/// So many that settle together are told one by one.
const TOLD: usize = 4;

/// What deliveries have in common that need something from outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    /// Arrivals of data; they need no git.
    Data,
    /// What happens in a repository, by its number: its name may change on the way.
    Repository(i64),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("data"),
            Self::Repository(id) => write!(f, "repository {id}"),
        }
    }
}

/// What becomes of a delivery that was read.
pub(crate) enum Meaning {
    /// It starts nothing, whatever is outside.
    Nothing(SettleDelivery),
    /// It needs something from outside; what its commit shows meanwhile.
    Waits(Lane, Option<Box<Awaited>>),
    /// Somebody else settled it, or its row cannot be read.
    Gone,
}

/// How a turn of a lane ended.
pub(crate) struct Turn {
    pub(crate) end: TurnEnd,
    /// Why it stopped, for people.
    pub(crate) why: Option<String>,
}

/// Looks at a delivery by itself.
pub(crate) async fn meaning(inbound: &Inbound, delivery: Delivery) -> Result<Meaning, StoreError> {
    if delivery.origin != "github" {
        return Ok(Meaning::Waits(Lane::Data, None));
    }
    if delivery.flagged.is_some() || delivery.body.is_some() || !WITH_BODY.contains(&delivery.kind.as_str()) {
        return Ok(meaning_of(&delivery));
    }
    // One large body at a time.
    let _one = inbound.large_body.lock().await;
    let whole = read(inbound, delivery.number).await?;
    Ok(whole.as_ref().map_or(Meaning::Gone, meaning_of))
}

fn meaning_of(delivery: &Delivery) -> Meaning {
    match fact_safely(delivery) {
        Ok(Fact::Event(event)) => {
            let awaited = match event.as_ref() {
                Event::Push(push) => Awaited::of(push, delivery).map(Box::new),
                _ => None,
            };
            Meaning::Waits(lane_of(&event), awaited)
        }
        Ok(Fact::Repository(repo)) => Meaning::Waits(Lane::Repository(repo.id), None),
        Ok(Fact::BranchGone(gone)) => Meaning::Waits(Lane::Repository(gone.repo_id), None),
        Err(nothing) => Meaning::Nothing(settled(delivery, Vec::new(), nothing)),
    }
}

fn lane_of(event: &Event) -> Lane {
    match event {
        Event::Push(push) => Lane::Repository(push.repo_id),
        Event::PullRequest(pull) => Lane::Repository(pull.repo_id),
        Event::Asked(asked) => Lane::Repository(asked.repo_id),
        Event::Repository(event) => Lane::Repository(event.repo_id),
        Event::DataArrived(_) | Event::ScheduleDue(_) | Event::Manual(_) => Lane::Data,
    }
}

/// A delivery with its body, if it still waits and can be read.
async fn read(inbound: &Inbound, number: u64) -> Result<Option<Delivery>, StoreError> {
    match inbound.store.waiting_delivery(number).await {
        // The store has said so.
        Err(StoreError::Unreadable(_)) => Ok(None),
        other => other,
    }
}

/// Settles deliveries of one lane in order, as far as it goes. A defect of ours is one of the first of them.
pub(crate) async fn turn(inbound: &Inbound, lane: &Lane, numbers: Vec<u64>) -> Turn {
    let ended = AssertUnwindSafe(in_order(inbound, lane, &numbers)).catch_unwind().await;
    ended.unwrap_or_else(|_| Turn {
        end: TurnEnd {
            left: numbers,
            failure: Some(Failure::Own),
            reached: false,
        },
        why: Some(NoEvent::Defect.to_string()),
    })
}

async fn in_order(inbound: &Inbound, lane: &Lane, numbers: &[u64]) -> Turn {
    let mut settling = Settling::default();
    let mut failed = None;
    for (place, number) in numbers.iter().enumerate() {
        let done = Box::pin(one(inbound, *number, &mut settling)).await;
        if let Err(error) = done {
            failed = Some((place, error));
            break;
        }
    }
    if let Err(error) = settling.flush(inbound).await {
        // Those that were to be settled together are the first that are left.
        let place = numbers.iter().position(|number| settling.numbers.contains(number));
        failed = Some((place.unwrap_or(0), error.into()));
    }
    let Some((place, error)) = failed else {
        let end = TurnEnd {
            left: Vec::new(),
            failure: None,
            reached: *lane != Lane::Data,
        };
        return Turn { end, why: None };
    };
    let left = numbers[place..].to_vec();
    note(inbound, &left, &error).await;
    let failure = match &error {
        InterpretError::Source(SourceError::Again(_))
        | InterpretError::Store(StoreError::Unreachable { .. } | StoreError::DiskFull { .. }) => Failure::Outage,
        InterpretError::Source(_) | InterpretError::Store(_) => Failure::Own,
    };
    let end = TurnEnd {
        left,
        failure: Some(failure),
        reached: false,
    };
    Turn {
        end,
        why: Some(error.to_string()),
    }
}

/// Deliveries from which nothing follows; they are stored together, before the next from which something does.
#[derive(Default)]
struct Settling {
    numbers: Vec<u64>,
    all: Vec<SettleDelivery>,
}

impl Settling {
    async fn flush(&mut self, inbound: &Inbound) -> Result<(), StoreError> {
        if self.all.is_empty() {
            return Ok(());
        }
        store(inbound, self.all.clone()).await?;
        say(&self.all);
        self.all.clear();
        self.numbers.clear();
        Ok(())
    }
}

/// Settles one delivery, or leaves it in `settling`.
async fn one(inbound: &Inbound, number: u64, settling: &mut Settling) -> Result<(), InterpretError> {
    // The body goes before anything is fetched, and no two large ones are held at once.
    let (delivery, fact, pushed) = {
        let _one = inbound.large_body.lock().await;
        let Some(mut delivery) = read(inbound, number).await? else {
            return Ok(());
        };
        let fact = fact_safely(&delivery);
        let pushed = delivery.body.take().and_then(|body| pushed_at(&delivery.kind, &body));
        (delivery, fact, pushed)
    };
    let settle = match fact {
        Err(nothing) => settled(&delivery, Vec::new(), nothing),
        Ok(Fact::Repository(repo)) => {
            let news = identity::news(inbound, &repo, delivery.received_at).await?;
            settled(&delivery, Vec::new(), news)
        }
        Ok(Fact::BranchGone(branch)) => {
            let said = gone::branch(inbound, &branch, delivery.received_at).await?;
            settled(&delivery, Vec::new(), said)
        }
        Ok(Fact::Event(event)) => {
            let caught = AssertUnwindSafe(interpret(inbound, *event, &Arrival::of(&delivery, pushed)))
                .catch_unwind()
                .await;
            match caught {
                // One poisonous delivery must not stop the others.
                Err(_) => settled(&delivery, Vec::new(), NoEvent::Defect.to_string()),
                Ok(meaning) => {
                    let event = NewEvent::from(meaning?);
                    let outcome = event.outcome.clone();
                    settled(&delivery, vec![event], outcome)
                }
            }
        }
    };
    let follows = settle.events.iter().any(|event| !event.consequences.is_empty());
    if !follows {
        settling.numbers.push(number);
        settling.all.push(settle);
        return Ok(());
    }
    settling.flush(inbound).await?;
    match passing(Effect::SettleDelivery, inbound.store.settle_delivery(&settle)).await {
        Ok(_) => say(std::slice::from_ref(&settle)),
        // Another engine settled it meanwhile.
        Err(StoreError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    inbound.signals.schedule.notify_one();
    inbound.signals.report.notify_one();
    inbound.signals.asks.notify_one();
    inbound.signals.sweep.notify_one();
    Ok(())
}

/// Stores what became of many.
pub(crate) async fn store(inbound: &Inbound, all: Vec<SettleDelivery>) -> Result<(), StoreError> {
    passing(Effect::SettleDelivery, inbound.store.settle_deliveries(all, now())).await
}

/// For the log: each, unless they are many.
pub(crate) fn say(all: &[SettleDelivery]) {
    for settle in all.iter().take(if all.len() > TOLD { 0 } else { TOLD }) {
        let consequences = settle.events.iter().flat_map(|event| &event.consequences);
        let runs = consequences
            .filter(|follows| matches!(follows, Consequence::Start(_)))
            .count();
        tracing::info!(delivery = %settle.delivery, runs, outcome = settle.outcome, "delivery settled");
    }
    if all.len() > TOLD {
        tracing::info!(deliveries = all.len(), "deliveries settled, which start nothing");
    }
}

/// Says in the rows why they wait: whoever looks at one sees that it is not lost.
async fn note(inbound: &Inbound, left: &[u64], why: &InterpretError) {
    let mut sentences = vec![format!("it will be tried again: {why}")];
    if left.len() > 1 {
        let behind = format!("it waits behind an earlier delivery, which will be tried again: {why}");
        sentences.extend(std::iter::repeat_n(behind, left.len() - 1));
    }
    let why = left.iter().copied().zip(sentences).collect();
    let noted = passing(Effect::NoteDelivery, inbound.store.deliveries_wait(why)).await;
    if let Err(error) = noted {
        tracing::debug!(%error, "why deliveries wait is not noted");
    }
}

fn settled(delivery: &Delivery, events: Vec<NewEvent>, outcome: impl ToString) -> SettleDelivery {
    SettleDelivery {
        delivery: delivery.id.clone(),
        at: now(),
        events,
        outcome: outcome.to_string(),
    }
}

/// Why a delivery is no event.
#[derive(Debug, thiserror::Error)]
enum NoEvent {
    #[error("{0}")]
    Flagged(String),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("{}", .0.sentence())]
    Ignored(Ignored),
    #[error(transparent)]
    CloudEvent(#[from] CloudEventError),
    #[error(transparent)]
    Arrival(#[from] NoArrival),
    #[error("this delivery met a defect of Trainyard: see the service's log and report it")]
    Defect,
}

/// What a delivery says.
enum Fact {
    Event(Box<Event>),
    Repository(Repo),
    BranchGone(BranchGone),
}

/// What the delivery says that happened; a defect of ours stops no other.
fn fact_safely(delivery: &Delivery) -> Result<Fact, NoEvent> {
    catch_unwind(|| fact(delivery)).unwrap_or(Err(NoEvent::Defect))
}

fn fact(delivery: &Delivery) -> Result<Fact, NoEvent> {
    if let Some(why) = &delivery.flagged {
        return Err(NoEvent::Flagged(why.clone()));
    }
    let body = delivery.body.as_ref().map_or(&[][..], Bytes::as_ref);
    if delivery.origin == "github" {
        return match event_of_stored(&delivery.kind, body)? {
            Derived::Event(event) => Ok(Fact::Event(event)),
            Derived::Repository(repo) => Ok(Fact::Repository(repo)),
            Derived::BranchGone(gone) => Ok(Fact::BranchGone(gone)),
            Derived::Nothing(ignored) => Err(NoEvent::Ignored(ignored)),
        };
    }
    let header = |name: &str| delivery.headers.get(name).and_then(|value| value.as_str());
    let event = CloudEvent::parse(header, body)?;
    Ok(Fact::Event(Box::new(Event::DataArrived(event.data_arrived()?))))
}
