//! Forced blessing: a person approves a model that the gate did not, and says why.

use super::Blessed;
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

impl TryFrom<Said> for Override {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        Self::new(&said.actor, &said.reason)
    }
}

impl Override {
    /// An empty actor or reason is refused with a sentence.
    pub fn new(actor: &str, reason: &str) -> Result<Self, String> {
        let (actor, reason) = (actor.trim(), reason.trim());
        if actor.is_empty() {
            return Err("a forced blessing needs the name of who gives it".to_owned());
        }
        if reason.is_empty() {
            return Err(
                "a forced blessing needs a reason: it is kept in the ledger for those who ask later".to_owned(),
            );
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

impl<T> Blessed<T> {
    /// The proof of approval by a person, beside [`super::Verdict::bless`] the only other way to one.
    /// Whoever makes it records the override.
    pub fn by_person(candidate: T, _because: &Override) -> Self {
        Self(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(*Blessed::by_person(7, &given).get(), 7);
        assert_eq!(
            serde_json::from_value::<Override>(serde_json::to_value(&given).unwrap()).unwrap(),
            given
        );
    }
}
