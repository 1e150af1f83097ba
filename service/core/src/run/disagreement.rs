//! What a push target was found to be instead of what its ledger says, and what of it only a person decides.

use super::Drift;
use crate::artifact::Digest;
use serde::{Deserialize, Serialize};

/// A target and its ledger contradict each other, and no intent explains it: one of them was restored from a backup,
/// or lost. Nothing is changed until a person says which of them is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Disagreement {
    /// The target serves a version of this instance that the ledger does not know.
    Unrecorded {
        /// The version that serves.
        version: String,
        /// Its model, where the target can tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<Digest>,
        /// The version that the ledger says serves.
        ledger: Option<String>,
    },
    /// The target serves another model under a number of the ledger.
    OtherModel {
        /// The number.
        version: String,
        /// What serves.
        model: Digest,
        /// What the ledger says.
        recorded: Digest,
    },
    /// The target serves an earlier version of the ledger, which nobody went back to.
    Earlier {
        /// The version that serves.
        version: String,
        /// The version that the ledger says serves.
        ledger: Option<String>,
    },
}

impl Disagreement {
    /// The version that serves.
    pub fn version(&self) -> &str {
        match self {
            Self::Unrecorded { version, .. } | Self::OtherModel { version, .. } | Self::Earlier { version, .. } => {
                version
            }
        }
    }

    /// The model that serves, where that is told.
    pub fn model(&self) -> Option<&Digest> {
        match self {
            Self::Unrecorded { model, .. } => model.as_ref(),
            Self::OtherModel { model, .. } => Some(model),
            Self::Earlier { .. } => None,
        }
    }

    /// What was found, without a word on what to do.
    pub fn sentence(&self) -> String {
        let says = |ledger: &Option<String>| match ledger {
            Some(version) => format!("says that version {version} serves"),
            None => "says that nothing serves".to_owned(),
        };
        match self {
            Self::Unrecorded { version, model, ledger } => {
                let model = model.as_ref().map(|model| format!(" (model {})", model.short()));
                format!(
                    "it has version {version}{}, which this instance seems to have pushed and its ledger does not know: the ledger {}",
                    model.unwrap_or_default(),
                    says(ledger)
                )
            }
            Self::OtherModel {
                version,
                model,
                recorded,
            } => format!(
                "it serves model {} as version {version}, which is model {} in the ledger",
                model.short(),
                recorded.short()
            ),
            Self::Earlier { version, ledger } => format!(
                "it serves version {version}, which nobody went back to: the ledger {}",
                says(ledger)
            ),
        }
    }

    /// What was found at a target, and who decides.
    pub fn of_target(&self, target: &str) -> String {
        format!(
            "target '{target}' and its ledger disagree: {}; nothing is changed and nothing is pushed there until a person decides with `trainyard targets reconcile {target} --keep-served --reason WHY`, or `--restore-ledger` in place of `--keep-served`",
            self.sentence()
        )
    }
}

/// What the last look at a target found that its ledger does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// What serves was harmed or outdone by others: the next push goes above it.
    Drifted {
        /// What was found.
        drift: Drift,
    },
    /// A person decides.
    Disagrees {
        /// What was found.
        disagreement: Disagreement,
    },
}

impl Finding {
    /// What was found at a target, and what follows.
    pub fn of_target(&self, target: &str) -> String {
        match self {
            Self::Drifted { drift } => format!(
                "target '{target}' does not serve what its ledger says: {}; it is left so until the next push goes above it, or a person asks for `trainyard targets reconcile {target} --restore-ledger --reason WHY`",
                drift.sentence()
            ),
            Self::Disagrees { disagreement } => disagreement.of_target(target),
        }
    }

    /// What a person has to decide.
    pub fn disagreement(&self) -> Option<&Disagreement> {
        match self {
            Self::Disagrees { disagreement } => Some(disagreement),
            Self::Drifted { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::samples::model;

    #[test]
    fn each_says_what_was_found_and_who_decides() {
        let version = || "000007".to_owned();
        let all = [
            Disagreement::Unrecorded {
                version: version(),
                model: None,
                ledger: Some("000005".to_owned()),
            },
            Disagreement::Unrecorded {
                version: version(),
                model: Some(model(7).digest),
                ledger: None,
            },
            Disagreement::OtherModel {
                version: version(),
                model: model(1).digest,
                recorded: model(2).digest,
            },
            Disagreement::Earlier {
                version: version(),
                ledger: Some("000009".to_owned()),
            },
        ];
        let said: Vec<_> = all.iter().map(Disagreement::sentence).collect();
        assert!(
            said[0].ends_with("the ledger says that version 000005 serves"),
            "{}",
            said[0]
        );
        assert!(said[1].ends_with("the ledger says that nothing serves"), "{}", said[1]);
        for (number, found) in all.into_iter().enumerate() {
            let finding = Finding::Disagrees {
                disagreement: found.clone(),
            };
            let text = finding.of_target("flights");
            assert!(
                text.contains(&said[number]) && text.contains("trainyard targets reconcile flights"),
                "{text}"
            );
            let stored = serde_json::to_string(&finding).unwrap();
            assert_eq!(serde_json::from_str::<Finding>(&stored).unwrap(), finding);
            assert_eq!(found.version(), "000007");
        }
    }
}
