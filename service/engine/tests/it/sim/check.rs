//! What holds after every history.

use super::play::History;
use super::world::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{DeliveryId, Micros, RunId};
use trainyard_core::registry::{Evidence, Intent, IntentState, Ledger, PromotionAction};
use trainyard_core::run::{Run, RunEvent, RunState};
use trainyard_engine::Engine;
use trainyard_store::{RunFilter, RunRow};

type Found = Result<(), String>;

/// What is still to be done, if anything is.
pub async fn busy(engine: &Engine) -> Option<String> {
    let reads = engine.reads();
    if let Some(delivery) = reads
        .waiting_deliveries(0, 1, &Default::default())
        .await
        .unwrap()
        .deliveries
        .first()
    {
        return Some(format!("delivery {} waits", delivery.id));
    }
    if let Some(run) = reads.active_runs().await.unwrap().first() {
        return Some(format!("run {} is {:?}", run.id, run.state));
    }
    if reads.next_hold().await.unwrap().is_some() {
        return Some("data wait for their quiet period".to_owned());
    }
    if reads.next_outbox(Micros(i64::MIN)).await.unwrap().is_some() {
        return Some("GitHub was not told".to_owned());
    }
    let open = reads.open_intents().await.unwrap();
    open.first().map(Intent::unknown)
}

struct Seen {
    rows: Vec<RunRow>,
    runs: BTreeMap<RunId, Run>,
    events: BTreeMap<RunId, Vec<(u64, Micros, RunEvent)>>,
    ledger: Ledger,
    intents: Vec<Intent>,
}

/// All of it.
pub async fn all(history: &History, engine: &Engine) -> Found {
    let reads = engine.reads();
    let mut rows = reads.runs(&RunFilter::default()).await.unwrap();
    rows.reverse();
    let (mut runs, mut events) = (BTreeMap::new(), BTreeMap::new());
    for row in &rows {
        runs.insert(row.id.clone(), reads.load_run(&row.id).await.unwrap());
        events.insert(row.id.clone(), reads.run_events(&row.id, 0).await.unwrap());
    }
    let seen = Seen {
        rows,
        runs,
        events,
        ledger: reads.ledger("tiny").await.unwrap(),
        intents: reads.intents("tiny").await.unwrap(),
    };
    deliveries(history, engine).await?;
    seen.runs()?;
    seen.cancels()?;
    seen.pushes()?;
    seen.numbers(history)?;
    seen.order()?;
    statuses(history, &seen)?;
    programs(history, &seen)?;
    serving(history, engine, &seen).await
}

fn must(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}

/// Every delivery that was answered with a 2xx has its row and its outcome.
async fn deliveries(history: &History, engine: &Engine) -> Found {
    let accepted = history.world.lock().unwrap().accepted.clone();
    for id in accepted {
        let view = engine.reads().delivery(&DeliveryId::from(id.as_str())).await.unwrap();
        let view = view.ok_or_else(|| format!("delivery {id} was accepted and is lost"))?;
        let outcome = view.outcome.unwrap_or_default();
        must(view.processed_at.is_some(), || format!("delivery {id} is not settled"))?;
        must(!outcome.contains("defect"), || format!("delivery {id}: {outcome}"))?;
    }
    Ok(())
}

impl Seen {
    fn runs(&self) -> Found {
        for row in &self.rows {
            let summary = row.summary.clone().unwrap_or_default();
            must(row.state.is_final(), || format!("run {} is {:?}", row.id, row.state))?;
            must(!summary.is_empty(), || format!("run {} ended without a word", row.id))?;
            must(!summary.contains("defect"), || format!("run {}: {summary}", row.id))?;
            let mut published = BTreeSet::new();
            let mut finished = 0;
            for (_, _, event) in &self.events[&row.id] {
                match event {
                    RunEvent::StepPublished { step, .. } | RunEvent::StepCached { step, .. } => {
                        let first = published.insert(step.clone());
                        must(first, || format!("step {step} of {} was published twice", row.id))?;
                    }
                    RunEvent::Finished { .. } => finished += 1,
                    _ => {}
                }
            }
            must(finished == 1, || format!("run {} ended {finished} times", row.id))?;
        }
        Ok(())
    }

    /// Nothing is published after a cancel, and nothing begun at a target.
    fn cancels(&self) -> Found {
        for (id, events) in &self.events {
            let asked = |event: &RunEvent| matches!(event, RunEvent::CancelRequested { .. });
            let Some((seq, at, _)) = events.iter().find(|(_, _, event)| asked(event)) else {
                continue;
            };
            for (later, _, event) in events.iter().filter(|(later, ..)| later > seq) {
                let published = matches!(event, RunEvent::StepPublished { .. } | RunEvent::StepCached { .. });
                must(!published, || format!("run {id}: {event:?} ({later}) after its cancel"))?;
                let starts = matches!(event, RunEvent::StepStarting { .. });
                must(!starts, || format!("run {id}: {event:?} ({later}) after its cancel"))?;
            }
            for intent in self
                .intents
                .iter()
                .filter(|intent| intent.entry.run.as_ref() == Some(id))
            {
                let rollback = intent.entry.action == PromotionAction::Rollback;
                must(rollback || intent.at <= *at, || {
                    format!("run {id}: push {} was begun after its cancel", intent.entry.version)
                })?;
            }
        }
        Ok(())
    }

    /// No push without approval, at most one of each approval, and the run knows of it.
    fn pushes(&self) -> Found {
        let mut approvals = BTreeSet::new();
        for entry in self.ledger.entries() {
            let version = &entry.version;
            if entry.action != PromotionAction::Push {
                continue;
            }
            must(matches!(entry.evidence, Evidence::Gate(_)), || {
                format!("{version} has no approval")
            })?;
            let id = entry.run.clone().ok_or_else(|| format!("{version} has no run"))?;
            must(approvals.insert(id.clone()), || format!("run {id} was pushed twice"))?;
            let run = &self.runs[&id];
            let blessing = run.verdict.as_ref().map(|verdict| verdict.blessing());
            let good = matches!(blessing, Some(Blessing::Blessed | Blessing::Unchanged));
            must(good, || format!("{version} of run {id} serves with {blessing:?}"))?;
            let judged = run.candidate().is_some_and(|model| model.digest == entry.model.digest);
            must(judged, || format!("{version} is not the model that run {id} judged"))?;
        }
        for (id, events) in &self.events {
            let pushed = |event: &&RunEvent| matches!(event, RunEvent::ModelPushed { .. });
            let pushed = events.iter().map(|(_, _, event)| event).filter(pushed).count();
            let entries = usize::from(approvals.contains(id));
            must(pushed <= 1, || {
                format!("run {id} says {pushed} times that it was pushed")
            })?;
            let cancelled = self.runs[id].state == RunState::Cancelled;
            must(pushed == entries || (cancelled && pushed == 0), || {
                format!("run {id} says {pushed} pushes, the ledger {entries}")
            })?;
        }
        Ok(())
    }

    /// No number names two models, and none is given twice.
    fn numbers(&self, history: &History) -> Found {
        let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let entries = self
            .ledger
            .entries()
            .iter()
            .map(|entry| (&entry.version, &entry.model.digest));
        let begun = self
            .intents
            .iter()
            .map(|intent| (&intent.entry.version, &intent.entry.model.digest));
        for (version, digest) in entries.chain(begun) {
            named.entry(version.clone()).or_default().insert(digest.to_string());
        }
        for (version, digest) in &history.world.lock().unwrap().receiver.told {
            named.entry(version.clone()).or_default().insert(digest.clone());
        }
        for (version, models) in &named {
            must(models.len() == 1, || format!("{version} names {models:?}"))?;
        }
        let mut given = BTreeSet::new();
        for intent in self
            .intents
            .iter()
            .filter(|intent| intent.entry.action == PromotionAction::Push)
        {
            must(!intent.state.is_open(), || intent.unknown())?;
            let version = &intent.entry.version;
            must(given.insert(version), || format!("{version} was given twice"))?;
        }
        let recorded = |intent: &&Intent| intent.state == IntentState::Recorded;
        let recorded = self.intents.iter().filter(recorded).count();
        must(recorded == self.ledger.entries().len(), || {
            format!(
                "{recorded} intents came to pass, and the ledger has {}",
                self.ledger.entries().len()
            )
        })
    }

    /// Older data and older runs never replace newer ones by themselves.
    fn order(&self) -> Found {
        let span = |run: &Run| run.events_span();
        for pair in self.ledger.entries().windows(2) {
            let [before, after] = pair else { continue };
            let (Some(older), Some(newer)) = (&before.run, &after.run) else {
                continue;
            };
            if after.action != PromotionAction::Push {
                continue;
            }
            let (older, newer) = (&self.runs[older], &self.runs[newer]);
            let (was, is) = (span(older), span(newer));
            must(was.is_none() || is >= was, || {
                format!("{} of {is:?} replaced {} of {was:?}", after.version, before.version)
            })?;
        }
        Ok(())
    }
}

trait Spans {
    fn events_span(&self) -> Option<i64>;
}

impl Spans for Run {
    fn events_span(&self) -> Option<i64> {
        self.as_of.values().map(|as_of| as_of.span).max()
    }
}

/// What GitHub was told last of a commit is how one of its runs ended.
fn statuses(history: &History, seen: &Seen) -> Found {
    let world = history.world.lock().unwrap();
    let mut ends: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for row in &seen.rows {
        let blessing = seen.runs[&row.id].verdict.as_ref().map(|verdict| verdict.blessing());
        let end = match row.state {
            RunState::Succeeded if blessing == Some(Blessing::NotBlessed) => "failure",
            RunState::Succeeded => "success",
            _ => "error",
        };
        let Some(commit) = &row.commit else { continue };
        ends.entry(commit.as_str().to_owned()).or_default().insert(end);
    }
    for (commit, ends) in ends {
        let told = world.statuses.get(&(commit.clone(), "trainyard/tiny".to_owned()));
        let last = told.and_then(|told| told.last()).cloned().unwrap_or_default();
        must(ends.contains(last.as_str()), || {
            format!("GitHub was told '{last}' of {commit}, whose runs ended with {ends:?}")
        })?;
    }
    Ok(())
}

/// No program is left, and none was started twice.
fn programs(history: &History, seen: &Seen) -> Found {
    let left = history.executor.remaining();
    must(left.is_empty(), || format!("programs are left: {left:?}"))?;
    let starts = history.executor.starts();
    let mut once = BTreeSet::new();
    for key in &starts {
        let lost = || {
            history
                .world
                .lock()
                .unwrap()
                .trace
                .iter()
                .any(|line| line.ends_with(&format!("{key} is lost")))
        };
        must(once.insert(key) || lost(), || {
            format!("attempt {key} was started twice")
        })?;
    }
    let known = starts.iter().find(|key| !seen.runs.contains_key(&key.run));
    must(known.is_none(), || format!("{known:?} is of no run"))
}

/// What serves is what the ledger says, or the difference is told.
async fn serving(history: &History, engine: &Engine, seen: &Seen) -> Found {
    let says = seen.ledger.serving().map(|serving| {
        let entry = serving.pushed;
        (entry.version.clone(), Some(entry.model.digest.to_string()))
    });
    let (kind, receiver) = {
        let world = history.world.lock().unwrap();
        (world.kind, world.receiver.serves())
    };
    let found = match kind {
        Kind::Folder => folder(history),
        Kind::Status | Kind::NoStatus => receiver,
    };
    if says == found {
        return Ok(());
    }
    let said = |words: &str| {
        let world = history.world.lock().unwrap();
        world.trace.iter().any(|line| line.contains(words))
    };
    let late = said("acts late");
    // Nobody can know of what is done late and in secret.
    if kind == Kind::NoStatus && late {
        return Ok(());
    }
    let look = engine.look_at_target("tiny").await.map_err(|error| error.to_string())?;
    must(look.undecided.is_some() || look.drift.is_some(), || {
        format!("{found:?} serves, the ledger says {says:?}, and nobody is told")
    })
}

/// Number and digest of what a folder has highest.
fn folder(history: &History) -> Option<(String, Option<String>)> {
    let entries = fs::read_dir(history.models()).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let highest = names
        .filter(|name| name.parse::<u64>().is_ok())
        .max_by_key(|name| name.parse::<u64>().unwrap_or(0))?;
    let marker = fs::read(history.models().join(highest).join(".trainyard.json")).ok()?;
    let marker: Value = serde_json::from_slice(&marker).ok()?;
    let text = |key: &str| marker[key].as_str().map(str::to_owned);
    Some((text("version")?, text("model")))
}
