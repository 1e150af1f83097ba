//! A target that a person froze: nothing new serves there until it is released.

use crate::ids::Micros;
use crate::run::Withheld;
use serde::Serialize;

/// A target that is frozen against pushes and promotions. A rollback goes on: it brings nothing new, and is
/// what a person reaches for in the very moment that a target is held for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetHold {
    /// The push target.
    pub target: String,
    /// Who froze it.
    pub actor: String,
    /// Why; never empty.
    pub reason: String,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at: Micros,
}

/// An entry to add: a target is frozen, or released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTargetHold {
    /// The push target.
    pub target: String,
    /// Whether it is frozen from now on.
    pub held: bool,
    /// Who.
    pub actor: String,
    /// Why; a release needs none.
    pub reason: Option<String>,
    /// When.
    pub at: Micros,
}

/// Why a target is not frozen or released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldRefusal {
    /// Somebody froze it already.
    Held(TargetHold),
    /// Nobody froze it.
    NotHeld {
        /// The target.
        target: String,
    },
    /// A hold without a reason helps nobody who finds it.
    NoReason {
        /// The target.
        target: String,
    },
}

impl HoldRefusal {
    /// What stands in the way and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Held(held) => held.withholds().sentence(),
            Self::NotHeld { target } => format!("target '{target}' is not held: see `trainyard models`"),
            Self::NoReason { target } => {
                format!("to hold target '{target}', say why: whoever finds it held reads the reason")
            }
        }
    }
}

impl TargetHold {
    /// Why a run's approved model is not pushed.
    pub fn withholds(&self) -> Withheld {
        Withheld::TargetHeld {
            target: self.target.clone(),
            by: self.actor.clone(),
            at: self.at,
            reason: self.reason.clone(),
        }
    }
}

/// The entry that freezes a target; nobody's reason is written over.
pub fn hold(
    target: &str,
    held: Option<&TargetHold>,
    actor: &str,
    reason: &str,
    at: Micros,
) -> Result<NewTargetHold, HoldRefusal> {
    if let Some(held) = held {
        return Err(HoldRefusal::Held(held.clone()));
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(HoldRefusal::NoReason {
            target: target.to_owned(),
        });
    }
    Ok(NewTargetHold {
        target: target.to_owned(),
        held: true,
        actor: actor.to_owned(),
        reason: Some(reason.to_owned()),
        at,
    })
}

/// The entry that releases a target.
pub fn release(
    target: &str,
    held: Option<&TargetHold>,
    actor: &str,
    reason: Option<&str>,
    at: Micros,
) -> Result<NewTargetHold, HoldRefusal> {
    if held.is_none() {
        return Err(HoldRefusal::NotHeld {
            target: target.to_owned(),
        });
    }
    Ok(NewTargetHold {
        target: target.to_owned(),
        held: false,
        actor: actor.to_owned(),
        reason: reason
            .map(str::trim)
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        at,
    })
}
