//! Who ended a container: itself, somebody outside, or the engine that went down under it. The engine remembers its
//! newest events, and none from before its own start.

use super::connection::Connection;
use crate::contract::{ExecutorError, ProgramExit};
use bollard::models::{ContainerInspectResponse, EventMessage};
use bollard::query_parameters::EventsOptionsBuilder;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::Duration;
use trainyard_core::run::ENDS;

/// Events that an engine remembers.
const REMEMBERED: usize = 256;
/// How long it may take to tell them, beyond the time that is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// An end is told by an event so soon after it, or later on a busy machine. The engine answers only when the time that
/// it is asked for is over.
const SOON: TimeDelta = TimeDelta::milliseconds(200);
const LATE: TimeDelta = TimeDelta::milliseconds(2500);
const SIGTERM: i32 = 15;

/// One thing that the engine remembers of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remembered {
    action: String,
    signal: Option<i32>,
}

/// What these say of a container that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// By itself, as far as anybody can tell.
    Itself,
    /// By this signal from outside.
    By(i32),
    /// Nobody saw it: it is not remembered at all.
    Unseen,
}

/// The exit of a container that ended with a code other than 0, by nothing that we did.
pub(super) async fn of(
    connection: &Connection,
    found: &ContainerInspectResponse,
    code: i32,
) -> Result<ProgramExit, ExecutorError> {
    let (Some(id), Some(finished)) = (found.id.as_deref(), finished(found)) else {
        return Ok(ProgramExit::Code(code));
    };
    let mut ended = ended(&events(connection, Some(id), finished + SOON).await?);
    if ended == Ended::Unseen {
        ended = self::ended(&events(connection, Some(id), finished + LATE).await?);
    }
    Ok(match ended {
        Ended::Itself => ProgramExit::Code(code),
        Ended::By(signal) => ProgramExit::Signal(signal),
        // An engine that forgets the oldest events knows nothing of an end that is long ago.
        Ended::Unseen if events(connection, None, finished + LATE).await?.len() >= REMEMBERED => {
            ProgramExit::Code(code)
        }
        Ended::Unseen => ProgramExit::Unseen,
    })
}

/// Whether somebody outside ended a container whose end is this very moment; no if that cannot be told.
pub(super) async fn is_from_outside(connection: &Connection, id: &str) -> bool {
    let events = events(connection, Some(id), Utc::now()).await;
    events.is_ok_and(|events| matches!(ended(&events), Ended::By(_)))
}

fn finished(found: &ContainerInspectResponse) -> Option<DateTime<Utc>> {
    let text = found.state.as_ref()?.finished_at.as_deref()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

/// What the engine remembers until then, of one container or of everything.
async fn events(
    connection: &Connection,
    container: Option<&str>,
    until: DateTime<Utc>,
) -> Result<Vec<Remembered>, ExecutorError> {
    let until_text = format!("{}.{:09}", until.timestamp(), until.timestamp_subsec_nanos());
    let options = EventsOptionsBuilder::new().since("1").until(&until_text);
    let options = match container {
        Some(id) => options.filters(&HashMap::from([("container", vec![id])])),
        None => options,
    };
    let told = connection.api()?.events(Some(options.build()));
    let read = async {
        let mut all = Vec::new();
        let mut told = std::pin::pin!(told);
        while let Some(event) = told.next().await {
            let event = event.map_err(|error| connection.unanswered("tell its events", error))?;
            all.push(remembered(event));
        }
        Ok(all)
    };
    let wait = (until - Utc::now()).to_std().unwrap_or_default().min(PATIENCE);
    let read = tokio::time::timeout(wait + PATIENCE, read).await;
    read.map_err(|_| connection.silent())?
}

fn remembered(event: EventMessage) -> Remembered {
    let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
    Remembered {
        action: event.action.unwrap_or_default(),
        signal: attributes.get("signal").and_then(|signal| signal.parse().ok()),
    }
}

/// Of one container, oldest first.
fn ended(events: &[Remembered]) -> Ended {
    // Somebody may have started it anew: what was before counts no more.
    let last_start = events.iter().rposition(|event| event.action == "start");
    let since = &events[last_start.map_or(0, |at| at + 1)..];
    let signals = since.iter().filter(|event| event.action == "kill");
    let signal = signals
        .filter_map(|event| event.signal)
        .rfind(|signal| ENDS.contains(signal));
    let stopped = since.iter().any(|event| event.action == "stop");
    match signal.or(stopped.then_some(SIGTERM)) {
        Some(signal) => Ended::By(signal),
        None if events.is_empty() => Ended::Unseen,
        None => Ended::Itself,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_remembers_says_who_ended_a_container() {
        let table: [(&[(&str, i32)], Ended); 10] = [
            (&[("create", 0), ("start", 0), ("die", 0)], Ended::Itself),
            // The engine was restarted while it ran on, and saw its end.
            (&[("die", 0)], Ended::Itself),
            (&[("start", 0), ("kill", 9), ("die", 0)], Ended::By(9)),
            (&[("start", 0), ("kill", 15), ("die", 0), ("stop", 0)], Ended::By(15)),
            (
                &[("start", 0), ("kill", 15), ("kill", 9), ("die", 0), ("stop", 0)],
                Ended::By(9),
            ),
            // A signal that ends nothing, and one that its image names to be stopped by.
            (&[("start", 0), ("kill", 10), ("die", 0)], Ended::Itself),
            (&[("start", 0), ("kill", 10), ("die", 0), ("stop", 0)], Ended::By(15)),
            // A person started it once more.
            (
                &[("start", 0), ("kill", 15), ("die", 0), ("start", 0), ("die", 0)],
                Ended::Itself,
            ),
            (&[("start", 0), ("kill", 9)], Ended::By(9)),
            (&[], Ended::Unseen),
        ];
        for (events, expected) in table {
            let remembered = |(action, signal): &(&str, i32)| Remembered {
                action: (*action).to_owned(),
                signal: Some(*signal).filter(|signal| *signal > 0),
            };
            let events: Vec<_> = events.iter().map(remembered).collect();
            assert_eq!(ended(&events), expected, "{events:?}");
        }
    }
}
