//! Events: what a delivery, a schedule or a person meant, and the runs that follow.

use crate::again::{asked_anew, tell_of};
use crate::checks::{head_of, see, see_branch, tell};
use crate::connection::{Connection, Row, args, json};
use crate::error::Result;
use crate::holds::{end_hold, put_hold};
use crate::runs::insert_run;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::event::Event;
use trainyard_core::ids::{DeliveryId, EventId, Micros, RunId};
use trainyard_core::inbound::{Consequence, Interpretation, NotRunning};
use trainyard_core::stored;
use trainyard_core::trigger::Looks;

statements! {
    INSERT = "INSERT INTO events (id, delivery, at, kind, event, dedupe_key, outcome, looks)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (dedupe_key) DO NOTHING";
    PUT_ASK = "INSERT INTO asks (event, repo_id, ask, at) VALUES ($1, $2, $3, $4) ON CONFLICT (event) DO NOTHING";
    FIRST_WITH_KEY = "SELECT delivery FROM events WHERE dedupe_key = $1";
    NEWEST_MOVE = "SELECT delivery, dedupe_key FROM events WHERE kind = $1 AND substr(dedupe_key, 1, length($2)) = $2
        ORDER BY at DESC, id DESC LIMIT 1";
}

/// An event with all that is stored with it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub event: Event,
    /// [`Event::dedupe_key`]: an event whose key is stored already starts nothing.
    pub dedupe_key: Option<String>,
    /// In one line: the runs that it starts, and why other pipelines do not run.
    pub outcome: String,
    /// What follows.
    pub consequences: Vec<Consequence>,
    /// How each pipeline's triggers met it.
    pub looks: Looks,
    /// Why those that were awaited do not run.
    pub not_running: NotRunning,
}

impl NewEvent {
    /// An event that starts nothing yet, with its own dedupe key.
    pub fn new(id: EventId, event: Event, outcome: impl Into<String>) -> Self {
        let dedupe_key = event.dedupe_key();
        Self {
            id,
            event,
            dedupe_key,
            outcome: outcome.into(),
            consequences: Vec::new(),
            looks: Looks::default(),
            not_running: NotRunning::default(),
        }
    }
}

impl From<Interpretation> for NewEvent {
    fn from(meaning: Interpretation) -> Self {
        let outcome = meaning.outcome();
        let not_running = NotRunning::from(&meaning);
        let new = Self::new(meaning.id, meaning.event, outcome);
        Self {
            consequences: meaning.consequences,
            looks: Looks {
                pipelines: meaning.looks,
            },
            not_running,
            // The same fact may be looked at when it comes again.
            dedupe_key: new.dedupe_key.filter(|_| meaning.looked_at),
            ..new
        }
    }
}

/// What was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The runs that were started.
    pub runs: Vec<RunId>,
    /// The events that were seen before and so started nothing.
    pub duplicates: Vec<EventId>,
}

impl Store {
    /// Stores an event that no delivery, or a delivery that is settled elsewhere, brought.
    pub async fn record_event(&self, event: &NewEvent, delivery: Option<&DeliveryId>, at: Micros) -> Result<Settled> {
        let (event, delivery) = (event.clone(), delivery.cloned());
        self.write(move |db| {
            Box::pin(async move {
                let mut settled = Settled::default();
                store_event(db, &event, (delivery.as_ref(), false), at, &mut settled).await?;
                Ok(settled)
            })
        })
        .await
    }

    /// Ends a wait with the event that starts its run, in one transaction. `Conflict` when the wait
    /// is gone or no longer ends at `until`.
    pub async fn release_hold(&self, key: &str, until: Micros, event: &NewEvent, at: Micros) -> Result<Settled> {
        let (key, event) = (key.to_owned(), event.clone());
        self.write(move |db| {
            Box::pin(async move {
                end_hold(db, &key, until).await?;
                let mut settled = Settled::default();
                store_event(db, &event, (None, false), at, &mut settled).await?;
                Ok(settled)
            })
        })
        .await
    }
}

/// Stores an event with all that follows from it, unless the same event was stored before: then it says so. One that a
/// person forces is a new one.
pub(crate) async fn store_event(
    db: &mut Connection,
    new: &NewEvent,
    (delivery, forced): (Option<&DeliveryId>, bool),
    at: Micros,
    settled: &mut Settled,
) -> Result<Option<String>> {
    let looks = (!new.looks.pipelines.is_empty()).then(|| stored::write(&new.looks));
    let row = |key: Option<&str>, outcome: &str| {
        args![
            new.id.as_str(),
            delivery.map(DeliveryId::as_str),
            at,
            new.event.kind(),
            json(&new.event),
            key,
            outcome,
            looks.as_deref()
        ]
    };
    let mut stored = 0;
    if forced || !came_there_before(db, new).await? {
        stored = db.execute(INSERT, row(new.dedupe_key.as_deref(), &new.outcome)).await?;
    }
    if stored == 0 && (forced || happened_again(db, &new.event).await?) {
        let key = new.event.key_again(&new.id);
        stored = db.execute(INSERT, row(key.as_deref(), &new.outcome)).await?;
    }
    if stored == 0 {
        // A pull request may be open again, or come back to an earlier base: what it asks then was answered.
        for consequence in &new.consequences {
            if let Consequence::See(seen) = consequence {
                see(db, seen, at).await?;
            }
        }
        let anew = asked_anew(db, &new.event, &new.consequences).await?;
        if !anew.is_empty() {
            db.execute(INSERT, row(None, &new.outcome)).await?;
            for request in &anew {
                insert_run(db, request, &new.id).await?;
                settled.runs.push(request.id.clone());
            }
            tell_of(db, &anew, &new.consequences, at).await?;
            return Ok(None);
        }
        let mut first = db.row(FIRST_WITH_KEY, args![new.dedupe_key.as_deref()]).await?;
        if first.is_none() {
            first = newest_move(db, &new.event).await?;
        }
        let first: Option<String> = first.map(|row| row.optional(0)).transpose()?.flatten();
        let outcome = match first {
            Some(first) => format!("the same event was seen before, in delivery {first}"),
            None => "the same event was seen before".to_owned(),
        };
        db.execute(INSERT, row(None, &outcome)).await?;
        settled.duplicates.push(new.id.clone());
        return Ok(Some(outcome));
    }
    for consequence in &new.consequences {
        match consequence {
            Consequence::Start(request) => {
                insert_run(db, request, &new.id).await?;
                settled.runs.push(request.id.clone());
            }
            Consequence::Hold(hold) => put_hold(db, hold).await?,
            Consequence::Tell(telling) => tell(db, telling, at).await?,
            Consequence::See(seen) => see(db, seen, at).await?,
            Consequence::Ask(ask) => {
                let arguments = args![new.id.as_str(), ask.asked.repo_id, stored::write(ask.as_ref()), at];
                db.execute(PUT_ASK, arguments).await?;
            }
            Consequence::SeeBranch(seen) => see_branch(db, seen, at).await?,
        }
    }
    Ok(None)
}

/// Whether a push of another meaning, which a sweep found or a webhook told, brought the branch where this one says that
/// it came: what was missed in between changes nothing.
async fn came_there_before(db: &mut Connection, new: &NewEvent) -> Result<bool> {
    let (Event::Push(push), Some(key)) = (&new.event, &new.dedupe_key) else {
        return Ok(false);
    };
    if head_of(db, &push.repo, &push.branch).await?.as_ref() != Some(&push.after) {
        return Ok(false);
    }
    let Some(newest) = newest_move(db, &new.event).await? else {
        return Ok(false);
    };
    let newest: String = newest.get(1)?;
    Ok(newest != *key && new.event.came_there(&newest))
}

/// Whether a branch or pull request moved on since and came back, so that the same fact happened again.
async fn happened_again(db: &mut Connection, event: &Event) -> Result<bool> {
    let Some(newest) = newest_move(db, event).await? else {
        return Ok(false);
    };
    Ok(event.is_again(&newest.get::<String>(1)?))
}

/// The newest event of the same branch or pull request: its delivery and its key.
async fn newest_move(db: &mut Connection, event: &Event) -> Result<Option<Row>> {
    match event.moving() {
        Some(moving) => db.row(NEWEST_MOVE, args![event.kind(), moving]).await,
        None => Ok(None),
    }
}
