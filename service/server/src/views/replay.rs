//! Recorded runs under another gate.

use super::time;
use serde::Serialize;
use trainyard_core::gate::{Blessing, Replayed};

/// What `trainyard gate replay --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// Recorded verdicts that were judged anew.
    pub verdicts: usize,
    /// Those that would be others.
    pub changed: usize,
    /// Recorded verdicts that cannot be judged anew.
    pub gone: usize,
    /// All of them, newest first.
    pub runs: Vec<ReplayedItem>,
}

/// One recorded run.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayedItem {
    /// The run.
    pub run: String,
    /// Its pipeline.
    pub pipeline: String,
    /// When it was asked for.
    pub created_at: String,
    /// Its verdict.
    pub then: Blessing,
    /// What the other gate says; absent when the evaluation is gone.
    pub now: Option<Blessing>,
    /// Whether the two differ.
    pub changes: bool,
    /// The first reason of the new verdict; where it has none, after `then: ` the recorded one's; where
    /// the evaluation is gone, why.
    pub reason: Option<String>,
}

impl From<&[Replayed]> for Replay {
    fn from(runs: &[Replayed]) -> Self {
        let gone = runs.iter().filter(|run| run.now.is_none()).count();
        Self {
            verdicts: runs.len() - gone,
            changed: runs.iter().filter(|run| run.changes()).count(),
            gone,
            runs: runs.iter().map(ReplayedItem::from).collect(),
        }
    }
}

impl From<&Replayed> for ReplayedItem {
    fn from(run: &Replayed) -> Self {
        Self {
            run: run.run.to_string(),
            pipeline: run.pipeline.clone(),
            created_at: time(run.created_at),
            then: run.then,
            now: run.now,
            changes: run.changes(),
            reason: run.reason.clone(),
        }
    }
}
