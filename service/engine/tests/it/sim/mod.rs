//! A simulator: short histories of the real engine in a world that a seed makes, with everything that goes wrong
//! there, and what holds after each. The clock is virtual, so that hours pass in milliseconds.
//!
//! `TRAINYARD_SIM_SEED=123 cargo nextest run -E 'test(sim::)'` plays one history again and prints what the world saw;
//! `TRAINYARD_SIM_HISTORIES=100000` plays more than the usual number.

mod check;
mod dice;
mod endpoint;
mod play;
mod story;
mod time;
mod world;

use play::play;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Histories of every day.
const HISTORIES: u64 = 2_000;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays seeds on two threads; those that failed, with what was wrong.
fn failures(first: u64, histories: u64) -> Vec<(u64, String)> {
    let (next, failed) = (Arc::new(AtomicU64::new(first)), Arc::new(Mutex::new(Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + histories {
                        return;
                    }
                    let played = std::panic::catch_unwind(|| play(seed).1);
                    let found = played.unwrap_or_else(|_| Err("it panicked".to_owned()));
                    if let Err(found) = found {
                        eprintln!("seed {seed}: {found}");
                        failed.lock().unwrap().push((seed, found));
                    }
                }
            });
        }
    });
    let mut failed = failed.lock().unwrap().clone();
    failed.sort();
    failed
}

#[test]
fn after_every_history_all_is_in_order() {
    if let Some(seed) = asked("TRAINYARD_SIM_SEED") {
        let (trace, found) = play(seed);
        println!("{}", trace.join("\n"));
        found.unwrap_or_else(|found| panic!("seed {seed}: {found}"));
        return;
    }
    let histories = asked("TRAINYARD_SIM_HISTORIES").unwrap_or(HISTORIES);
    let failed = failures(asked("TRAINYARD_SIM_FIRST").unwrap_or(1), histories);
    let shown: Vec<String> = failed
        .iter()
        .take(20)
        .map(|(seed, found)| {
            format!(
                "{found}\n    TRAINYARD_SIM_SEED={seed} cargo nextest run --workspace -E 'test(sim::)' --no-capture"
            )
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {histories} histories:\n{}",
        failed.len(),
        shown.join("\n")
    );
}

#[test]
fn a_seed_is_one_history() {
    for seed in 1..=20 {
        let (first, second) = (play(seed), play(seed));
        let differs = first.0.iter().zip(&second.0).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.0.len(), second.0.len(), "seed {seed}");
    }
}
