//! Many things at once, in an order that a seed decides: whatever happens, in the end every run is
//! over, every step was published at most once, and what serves is what the ledger says.

use crate::yard::{Yard, until};
use std::collections::BTreeSet;
use trainyard_core::run::{RunEvent, RunState};
use trainyard_github::simulator::Fault;

/// Marsaglia's xorshift: the same storm for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Waits until the runs moved on by some steps, or nothing is left to do.
async fn progress(yard: &Yard, steps: u64) {
    let moved = async || -> (u64, bool) {
        let runs = yard.runs().await;
        let over = runs.iter().all(|run| run.state.is_final());
        (runs.iter().map(|run| run.version).sum(), over)
    };
    let (before, _) = moved().await;
    until("progress", async || {
        let (now, over) = moved().await;
        (over || now >= before + steps).then_some(())
    })
    .await;
}

async fn one_thing(yard: &mut Yard, dice: &mut Dice, happened: u64) {
    match dice.roll(9) {
        0..=2 => {
            let auc = format!("auc: 0.{}", 60 + dice.roll(39));
            let two = ("steps:", "concurrency: { max_active_runs: 2 }\nsteps:");
            yard.push(&[("auc: 0.7", &auc), two]).await;
        }
        3 => {
            let span = format!("2013-{:02}", 2 + dice.roll(11));
            yard.data(&span, &format!("{happened}\n"));
            yard.arrive(&happened.to_string(), "rows", &span).await.unwrap();
        }
        4 | 5 => yard.restart().await,
        6 => yard.executor.unreachable(1 + u32::try_from(dice.roll(2)).unwrap()),
        7 => {
            let active = yard.engine.reads().active_runs().await.unwrap();
            if let Some(run) = active.first() {
                yard.engine.cancel(&run.id, "the storm").await.unwrap();
            }
        }
        _ => {
            // With nothing earlier, or while the executor is away, it is refused.
            let _ = yard.engine.roll_back("tiny", "the storm", None).await;
            yard.github.inject([Fault::RetryAfter(1)]);
        }
    }
}

async fn calm(yard: &Yard, seed: u64) {
    // An arrival may still wait for its quiet period.
    until("an end of all waiting", async || {
        let store = yard.engine.reads();
        let held = store.next_hold().await.unwrap();
        let waiting = store
            .waiting_deliveries(0, 1, &Default::default())
            .await
            .unwrap()
            .deliveries;
        (held.is_none() && waiting.is_empty()).then_some(())
    })
    .await;
    let runs = yard.finished(1).await;
    yard.all_told().await;
    for run in &runs {
        let mut published = BTreeSet::new();
        for event in yard.events(&run.id).await {
            if let RunEvent::StepPublished { step, .. } = event {
                assert!(
                    published.insert(step.clone()),
                    "seed {seed}: {step} of {} twice",
                    run.id
                );
            }
        }
        assert_ne!(run.state, RunState::Queued);
    }
    let starts = yard.executor.starts();
    let once: BTreeSet<_> = starts.iter().collect();
    assert_eq!(once.len(), starts.len(), "seed {seed}: an attempt was started twice");
    let ledger = yard.ledger().await;
    let serving = ledger.last().map(|entry| entry.rsplit(' ').next().unwrap().to_owned());
    assert_eq!(
        yard.server.predict().map(|(version, _)| version),
        serving,
        "seed {seed}: {ledger:?}"
    );
    let pushes = ledger.iter().filter(|entry| entry.starts_with("push")).count();
    let pushed = runs.iter().filter(|run| {
        let summary = run.summary.as_deref().unwrap_or_default();
        summary.starts_with("approved, and serving")
    });
    assert_eq!(pushed.count(), pushes, "seed {seed}: each approval is one push");
    for run in runs {
        let Some(commit) = &run.commit else { continue };
        let told = yard.statuses(commit).pop().map(|status| status.state);
        assert_ne!(
            told.as_deref(),
            Some("pending"),
            "seed {seed}: {commit} was not told the end"
        );
    }
}

fn storm(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut yard = Yard::new().await;
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        yard.push(&[]).await;
        // A delivery that meets a closed door is not sent again: without this one there may be no run at all.
        yard.settled(1).await;
        for happened in 0..14 {
            one_thing(&mut yard, &mut dice, happened).await;
            let steps = dice.roll(12);
            progress(&yard, steps).await;
        }
        calm(&yard, seed).await;
        // Leftovers that met an absent executor go at the next start.
        yard.restart().await;
        yard.tidy().await;
    });
}

#[test]
fn after_every_storm_all_is_in_order() {
    std::thread::scope(|scope| {
        for first in 1..=4 {
            scope.spawn(move || [first, first + 4].into_iter().for_each(storm));
        }
    });
}
