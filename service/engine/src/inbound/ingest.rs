//! From an accepted delivery to its events: settled once, tried again while something outside does
//! not answer.

use super::{Inbound, InterpretError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::cloud_event::{CloudEvent, CloudEventError, NoArrival};
use crate::inbound::interpret::interpret;
use futures_util::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use trainyard_core::event::Event;
use trainyard_core::ids::DeliveryId;
use trainyard_core::inbound::Consequence;
use trainyard_github::webhook::{Derived, Ignored, PayloadError, event_of_stored};
use trainyard_store::{Delivery, NewEvent, SettleDelivery, StoreError};

/// Deliveries looked at in one go.
const BATCH: u32 = 50;
/// How long a delivery waits after something outside did not answer; twice as long each time.
const AGAIN: Duration = Duration::from_secs(5);
/// It never waits longer.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where an engine of another machine takes deliveries and may be gone.
const OTHERS: Duration = Duration::from_secs(2);

/// Settles deliveries until the task is dropped.
pub(crate) async fn run(inbound: Arc<Inbound>) {
    let mut waits: HashMap<DeliveryId, (Instant, Duration)> = HashMap::new();
    loop {
        let shared = inbound.store.is_shared();
        let mut wake = Instant::now() + if shared { OTHERS } else { LOOK_AGAIN };
        // Those that wait take no place from those that came after them.
        let most = BATCH.saturating_add(u32::try_from(waits.len()).unwrap_or(u32::MAX));
        match inbound.store.unprocessed_deliveries(most).await {
            Err(error) => {
                tracing::error!(%error, "deliveries cannot be read");
                wake = Instant::now() + AGAIN;
            }
            Ok(deliveries) => {
                waits.retain(|id, _| deliveries.iter().any(|d| d.id == *id));
                if deliveries.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                    wake = Instant::now();
                }
                for delivery in deliveries {
                    let waited = waits.get(&delivery.id).copied();
                    if let Some((later, _)) = waited.filter(|(later, _)| *later > Instant::now()) {
                        wake = wake.min(later);
                        continue;
                    }
                    let settled = settle_safely(&inbound, &delivery).await;
                    // Another engine settled it meanwhile.
                    if let Err(InterpretError::Store(StoreError::Conflict(_))) = settled {
                        continue;
                    }
                    if let Err(error) = settled {
                        tracing::warn!(delivery = %delivery.id, %error, "a delivery waits");
                        note(&inbound, &delivery, &error).await;
                        let wait = waited.map_or(AGAIN, |(_, wait)| (wait * 2).min(LONGEST_WAIT));
                        let later = Instant::now() + wait;
                        waits.insert(delivery.id.clone(), (later, wait));
                        wake = wake.min(later);
                    }
                }
            }
        }
        tokio::select! {
            () = inbound.signals.ingest.notified() => {}
            () = sleep_until(wake) => {}
        }
    }
}

/// Says in the delivery's row why it waits: whoever looks at it sees that it is not lost.
async fn note(inbound: &Inbound, delivery: &Delivery, why: &InterpretError) {
    let sentence = format!("it will be tried again: {why}");
    let noted = passing(
        Effect::NoteDelivery,
        inbound.store.delivery_waits(&delivery.id, &sentence),
    );
    if let Err(error) = noted.await {
        tracing::debug!(delivery = %delivery.id, %error, "why it waits is not noted");
    }
}

/// One poisonous delivery must not stop the others.
async fn settle_safely(inbound: &Inbound, delivery: &Delivery) -> Result<(), InterpretError> {
    if let Ok(settled) = AssertUnwindSafe(settle(inbound, delivery)).catch_unwind().await {
        return settled;
    }
    let outcome = "this delivery met a defect of Trainyard: see the service's log and report it";
    let settle = SettleDelivery {
        delivery: delivery.id.clone(),
        at: now(),
        events: Vec::new(),
        outcome: outcome.to_owned(),
    };
    passing(Effect::SettleDelivery, inbound.store.settle_delivery(&settle)).await?;
    Ok(())
}

async fn settle(inbound: &Inbound, delivery: &Delivery) -> Result<(), InterpretError> {
    let (events, outcome) = match fact(delivery) {
        Err(nothing) => (Vec::new(), nothing.to_string()),
        Ok(event) => {
            let new = NewEvent::from(interpret(inbound, event).await?);
            let outcome = new.outcome.clone();
            (vec![new], outcome)
        }
    };
    let consequences = events.iter().flat_map(|event| &event.consequences);
    let runs = consequences
        .filter(|follows| matches!(follows, Consequence::Start(_)))
        .count();
    tracing::info!(delivery = %delivery.id, kind = delivery.kind, runs, outcome, "delivery settled");
    let settle = SettleDelivery {
        delivery: delivery.id.clone(),
        at: now(),
        events,
        outcome,
    };
    passing(Effect::SettleDelivery, inbound.store.settle_delivery(&settle)).await?;
    inbound.signals.schedule.notify_one();
    inbound.signals.report.notify_one();
    Ok(())
}

/// Why a delivery is no event.
#[derive(Debug, thiserror::Error)]
enum NoEvent {
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("{}", .0.sentence())]
    Ignored(Ignored),
    #[error(transparent)]
    CloudEvent(#[from] CloudEventError),
    #[error(transparent)]
    Arrival(#[from] NoArrival),
}

/// What the delivery says that happened.
fn fact(delivery: &Delivery) -> Result<Event, NoEvent> {
    if delivery.origin == "github" {
        return match event_of_stored(&delivery.kind, &delivery.body)? {
            Derived::Event(event) => Ok(*event),
            Derived::Nothing(ignored) => Err(NoEvent::Ignored(ignored)),
        };
    }
    let header = |name: &str| delivery.headers.get(name).and_then(|value| value.as_str());
    let event = CloudEvent::parse(header, &delivery.body)?;
    Ok(Event::DataArrived(event.data_arrived()?))
}
