//! Forced blessing: a person approves a model that the gate did not, and says why.

use super::Blessed;
use crate::artifact::ArtifactRef;
use serde::{Deserialize, Serialize};

/// Who approved a model against the gate or without it, and why. Never without a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said")]
pub struct Override {
    actor: String,
    reason: String,
}

#[derive(Deserialize)]
struct Said {
    actor: String,
    reason: String,
}

/// Why a person's approval is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOverride {
    /// It does not say who.
    #[error("a forced blessing needs the name of who gives it")]
    NoActor,
    /// It does not say why.
    #[error("a forced blessing needs a reason: it is kept in the ledger for those who ask later")]
    NoReason,
}

impl TryFrom<Said> for Override {
    type Error = InvalidOverride;

    fn try_from(said: Said) -> Result<Self, InvalidOverride> {
        Self::new(&said.actor, &said.reason)
    }
}

impl Override {
    /// An empty actor or reason is refused with a sentence.
    pub fn new(actor: &str, reason: &str) -> Result<Self, InvalidOverride> {
        let (actor, reason) = (actor.trim(), reason.trim());
        if actor.is_empty() {
            return Err(InvalidOverride::NoActor);
        }
        if reason.is_empty() {
            return Err(InvalidOverride::NoReason);
        }
        Ok(Self {
            actor: actor.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// Who.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Blessed {
    /// The proof of approval by a person, beside [`super::Verdict::bless`] the only other way to one.
    /// Whoever makes it records the override.
    pub fn by_person(model: ArtifactRef, _because: &Override) -> Self {
        Self(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::samples::model;
    use serde_json::json;

    #[test]
    fn nobody_forces_without_a_name_and_a_reason() {
        for (actor, reason) in [("", "because"), ("ada", ""), ("ada", " \n"), (" ", "because")] {
            assert!(Override::new(actor, reason).is_err());
            let stored = json!({"actor": actor, "reason": reason});
            assert!(serde_json::from_value::<Override>(stored).is_err(), "nor from a file");
        }
        insta::assert_snapshot!(Override::new("ada", " ").unwrap_err(), @"a forced blessing needs a reason: it is kept in the ledger for those who ask later");
        let given = Override::new(" ada ", "the old one answers NaN ").unwrap();
        assert_eq!((given.actor(), given.reason()), ("ada", "the old one answers NaN"));
        assert_eq!(*Blessed::by_person(model(7), &given).model(), model(7));
        assert_eq!(
            serde_json::from_value::<Override>(serde_json::to_value(&given).unwrap()).unwrap(),
            given
        );
    }
}
