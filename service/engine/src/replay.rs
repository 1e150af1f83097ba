//! Gate replay: recorded runs judged anew by another gate, without training.

use crate::effects::judge;
use serde::Serialize;
use std::path::Path;
use trainyard_core::gate::{Blessing, judge as judge_evaluation};
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::spec::Gate;
use trainyard_store::{RunFilter, Store, StoreError};

/// One recorded run under another gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// The run.
    pub run: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// When it was asked for.
    pub created_at: Micros,
    /// Its verdict.
    pub then: Blessing,
    /// What the other gate says; `None` when the evaluation is gone.
    pub now: Option<Blessing>,
    /// The first reason of the new verdict, or why there is none.
    pub reason: Option<String>,
}

impl Replayed {
    /// Whether the other gate says something else.
    pub fn changes(&self) -> bool {
        self.now.is_some_and(|now| now != self.then)
    }
}

/// The newest `limit` runs (of one pipeline or of all), of these the judged ones, newest first.
pub async fn replay(
    store: &Store,
    gate: &Gate,
    pipeline: Option<&str>,
    limit: u32,
) -> Result<Vec<Replayed>, StoreError> {
    let filter = RunFilter {
        pipeline: pipeline.map(str::to_owned),
        limit,
        ..RunFilter::default()
    };
    let mut replayed = Vec::new();
    for row in store.runs(&filter).await? {
        let run = store.load_run(&row.id).await?;
        let (Some(verdict), Some(planned)) = (&run.verdict, &run.request.plan.gate) else {
            continue;
        };
        let evaluation = judge::found(&run, &planned.evaluation)
            .ok_or_else(|| "the run has no evaluation".to_owned())
            .and_then(|artifact| judge::read_evaluation(Path::new(&artifact.uri)));
        let (now, reason) = match evaluation {
            Ok(evaluation) => {
                let verdict = judge_evaluation(gate, &evaluation);
                let reason = verdict.failures().next().map(|finding| finding.sentence.clone());
                (Some(verdict.blessing()), reason)
            }
            Err(reason) => (None, Some(reason)),
        };
        replayed.push(Replayed {
            run: run.request.id.clone(),
            pipeline: run.request.plan.pipeline.clone(),
            created_at: run.request.created_at,
            then: verdict.blessing(),
            now,
            reason,
        });
    }
    Ok(replayed)
}
