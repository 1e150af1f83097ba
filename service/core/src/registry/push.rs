//! Whether a run's approved model may still be pushed when its turn comes.

use super::as_of::older_data;
use super::{Ledger, TargetHold};
use crate::gate::Blessed;
use crate::ids::{Micros, RunId};
use crate::plan::Baseline;
use crate::run::{Disagreement, Drift, Run, Withheld};

/// Why an approved model is not pushed after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushRefusal {
    /// The pipeline has no gate, no push or no verdict.
    NothingToPush,
    /// The gate did not approve this content.
    NotApproved,
    /// Nothing went wrong, and yet it is kept back.
    Withheld(Withheld),
    /// The verdict compares with a model that no longer serves.
    AnotherServes,
    /// A newer run's model serves.
    NewerServes(RunId),
    /// The settings do not know the target.
    NoTarget {
        /// As the pipeline file names it.
        name: String,
        /// The targets there are, for people.
        known: String,
    },
}

impl PushRefusal {
    /// What happened and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::NothingToPush => "there is nothing to push".to_owned(),
            Self::NotApproved => "the model is not approved".to_owned(),
            Self::Withheld(because) => because.sentence(),
            Self::AnotherServes => {
                "another model began to serve while this one was judged: start the run again to compare with it"
                    .to_owned()
            }
            Self::NewerServes(run) => format!(
                "the model of the newer run {run} began to serve while this run was held up: start it again to have its model judged anew"
            ),
            Self::NoTarget { name, known } => format!(
                "push target '{name}' is not configured (known: {known}): add [targets.{name}] to trainyard.toml, or run with --no-push"
            ),
        }
    }
}

/// The run whose model serves, and when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerRun {
    /// The run.
    pub id: RunId,
    /// When it was asked for.
    pub created_at: Micros,
}

impl NewerRun {
    /// The run that has to be looked up before [`may_push`]: the one of the same pipeline whose model serves.
    pub fn to_look_up<'a>(ledger: &'a Ledger, pipeline: &str) -> Option<&'a RunId> {
        let pushed = ledger.serving()?.pushed;
        pushed.run.as_ref().filter(|_| pushed.pipeline == pipeline)
    }
}

/// What the decision on a push rests on, read while nobody else may change the target.
#[derive(Clone, Copy, Debug)]
pub struct PushFacts<'a> {
    /// The target's ledger.
    pub ledger: &'a Ledger,
    /// Whether a person froze the target.
    pub hold: Option<&'a TargetHold>,
    /// The run of [`NewerRun::to_look_up`].
    pub serving_run: Option<&'a NewerRun>,
    /// What was found at the target in place of what the ledger says.
    pub drift: Option<&'a Drift>,
    /// What of the target a person has to decide.
    pub disagreement: Option<&'a Disagreement>,
}

/// The candidate with its approval by the gate, now or when the same bytes began to serve.
pub fn approved(run: &Run) -> Result<Blessed, PushRefusal> {
    let candidate = run.candidate().ok_or(PushRefusal::NotApproved)?;
    let blessed = run.bless(candidate).or_else(|| run.bless_unchanged(candidate));
    blessed.ok_or(PushRefusal::NotApproved)
}

/// Why a model that waits for a person's approval is not worth to be waited for any more: the verdict is about another
/// model than the one that serves now, or these very bytes serve by now.
pub fn outdated(run: &Run, ledger: &Ledger) -> Option<Withheld> {
    let (push, gate) = (run.request.plan.push.as_ref()?, run.request.plan.gate.as_ref()?);
    if let Some(version) = ledger.serves(&run.candidate()?.digest) {
        let version = version.to_owned();
        return Some(Withheld::Unchanged { version });
    }
    let judged = run.baseline.iter().flatten().next().map(|model| &model.digest);
    let serving = ledger.serving().map(|serving| &serving.pushed.model.digest);
    let moved = gate.gate.baseline == Baseline::Serving && judged != serving;
    moved.then(|| Withheld::Outdated {
        target: push.target.clone(),
    })
}

/// The model with its approval, if nothing keeps it back and what the verdict says is still about what serves.
pub fn may_push(run: &Run, facts: PushFacts<'_>) -> Result<Blessed, PushRefusal> {
    let PushFacts {
        ledger,
        hold,
        serving_run,
        drift,
        disagreement,
    } = facts;
    let plan = &run.request.plan;
    let (Some(_), Some(push), Some(gate)) = (&run.verdict, &plan.push, &plan.gate) else {
        return Err(PushRefusal::NothingToPush);
    };
    let blessed = approved(run)?;
    // What serves is in doubt, and with it all that follows here from the ledger.
    if let Some(disagreement) = disagreement {
        return Err(PushRefusal::Withheld(Withheld::Disagrees {
            target: push.target.clone(),
            disagreement: disagreement.clone(),
        }));
    }
    // The ledger's own word is kept, whatever else may be said of the model: what serves is not replaced by another.
    if let Some(version) = ledger.serves(blessed.digest()) {
        let version = version.to_owned();
        return match (drift, hold) {
            (None, _) => Err(PushRefusal::Withheld(Withheld::Unchanged { version })),
            (Some(_), Some(hold)) => Err(PushRefusal::Withheld(hold.withholds())),
            (Some(_), None) => Ok(blessed),
        };
    }
    if run.candidate().and_then(|candidate| run.bless(candidate)).is_none() {
        return Err(PushRefusal::AnotherServes);
    }
    if let Some(because) = withheld(run, &blessed, ledger, hold) {
        return Err(PushRefusal::Withheld(because));
    }
    // A verdict is about two models: if another one serves by now, it says nothing.
    let judged = run.baseline.iter().flatten().next().map(|model| &model.digest);
    let serving = ledger.serving().map(|serving| &serving.pushed.model.digest);
    if gate.gate.baseline == Baseline::Serving && judged != serving {
        return Err(PushRefusal::AnotherServes);
    }
    // A run that was held up does not replace the model of a newer one, whatever it was compared with.
    match serving_run {
        Some(newer) if newer.created_at > run.request.created_at => Err(PushRefusal::NewerServes(newer.id.clone())),
        _ => Ok(blessed),
    }
}

/// What keeps an approved model back that does not serve yet.
fn withheld(run: &Run, blessed: &Blessed, ledger: &Ledger, hold: Option<&TargetHold>) -> Option<Withheld> {
    let withdrawn = || {
        let withdrawal = ledger.withdrawal(blessed.digest())?;
        Some(Withheld::Withdrawn {
            target: withdrawal.by.target.clone(),
            version: withdrawal.version.version.clone(),
            by: withdrawal.by.actor.clone(),
            at: withdrawal.by.at,
            reason: withdrawal.by.evidence.reason().map(str::to_owned),
        })
    };
    hold.map(TargetHold::withholds)
        .or_else(|| older_data(run, ledger))
        .or_else(withdrawn)
}
