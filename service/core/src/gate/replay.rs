//! Gate replay: recorded runs judged anew by another gate, without training.

use super::{Blessing, Verdict};
use crate::ids::{Micros, RunId};
use serde::{Deserialize, Serialize};

/// One recorded run under another gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The first reason of the new verdict; where it has none, after `then: ` that of the recorded one;
    /// where the evaluation is gone, why.
    pub reason: Option<String>,
}

impl Replayed {
    /// A recorded verdict beside the other gate's, or beside why there is none, in half a sentence.
    pub fn new(
        run: RunId,
        pipeline: String,
        created_at: Micros,
        then: &Verdict,
        now: Result<Verdict, impl std::error::Error>,
    ) -> Self {
        let (now, reason) = match now {
            Ok(now) => {
                let past = || then.reason().map(|reason| format!("then: {reason}"));
                (Some(now.blessing()), now.reason().map(str::to_owned).or_else(past))
            }
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            run,
            pipeline,
            created_at,
            then: then.blessing(),
            now,
            reason,
        }
    }

    /// Whether the other gate says something else. Of bytes that served already the recorded one said nothing.
    pub fn changes(&self) -> bool {
        self.then != Blessing::Unchanged && self.now.is_some_and(|now| now != self.then)
    }
}

/// What a gate that a pull request proposes says of that pull request's own model and of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateReplay {
    /// Of the model that was judged by the base's gate.
    pub own: Blessing,
    /// The first reason against that model.
    pub reason: Option<String>,
    /// Recorded verdicts that were judged anew.
    pub verdicts: usize,
    /// Recorded verdicts whose evaluation is gone.
    pub gone: usize,
    /// Those that would be others, newest first.
    pub changed: Vec<Replayed>,
}

impl GateReplay {
    /// From the proposed gate's verdict on this model and on recorded runs, newest first.
    pub fn new(own: &Verdict, past: Vec<Replayed>) -> Self {
        let gone = past.iter().filter(|run| run.now.is_none()).count();
        Self {
            own: own.blessing(),
            reason: own.reason().map(str::to_owned),
            verdicts: past.len() - gone,
            gone,
            changed: past.into_iter().filter(Replayed::changes).collect(),
        }
    }
}
