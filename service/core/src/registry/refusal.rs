//! Why nothing in the registry changed; every reason with its sentence.

use super::{HoldRefusal, NoModel, NotApproved, TargetHold};
use crate::run::Disagreement;

/// Something that was named does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No such push target in the settings.
    Target {
        /// What was named.
        name: String,
        /// What there is, for people.
        known: String,
    },
    /// Neither a run nor a version.
    Model {
        /// What was named.
        asked: String,
    },
}

impl Unknown {
    /// What is missing and where to look.
    pub fn sentence(&self) -> String {
        match self {
            Self::Target { name, known } => {
                format!("there is no push target '{name}' (known: {known}): see [targets] in trainyard.toml")
            }
            Self::Model { asked } => format!(
                "there is no run and no version '{asked}': see `trainyard runs` and `trainyard models`, and name the --target of a version"
            ),
        }
    }
}

/// A promotion or rollback that is not possible so; what serves still serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The run has no model to serve.
    NoModel(NoModel),
    /// The pipeline of the run names no target, and neither did the person.
    NoTarget {
        /// The pipeline.
        pipeline: String,
        /// The targets there are, for people.
        known: String,
    },
    /// Nobody approved it.
    NotApproved(NotApproved),
    /// It serves already.
    ServesAlready {
        /// The target.
        target: String,
        /// The version.
        version: String,
    },
    /// Nothing served before.
    NoWayBack {
        /// The target.
        target: String,
    },
    /// A person froze the target.
    Held(TargetHold),
    /// It cannot be frozen or released.
    Hold(HoldRefusal),
    /// The bytes of the version are not here any more.
    Gone {
        /// The target.
        target: String,
        /// The version.
        version: String,
        /// Where they should be.
        place: String,
    },
    /// The target and its ledger contradict each other, and nobody has decided yet.
    Disagrees {
        /// The target.
        target: String,
        /// What was found.
        disagreement: Disagreement,
    },
    /// There is nothing to decide.
    Agrees {
        /// The target.
        target: String,
    },
    /// Whoever decides says why.
    NoReason,
    /// What serves cannot be kept: nobody can tell which model it is.
    NoDigest {
        /// The target.
        target: String,
        /// What serves.
        version: String,
    },
    /// What serves cannot be kept: its number is another model's.
    NumberTaken {
        /// The target.
        target: String,
        /// The number.
        version: String,
    },
    /// The ledger says that nothing serves: there is nothing to restore.
    NothingToRestore {
        /// The target.
        target: String,
    },
}

impl Refusal {
    /// What stands in the way and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoModel(none) => none.to_string(),
            Self::NoTarget { pipeline, known } => {
                format!("pipeline '{pipeline}' has no push target: name one with --target (known: {known})")
            }
            Self::NotApproved(why) => why.sentence(),
            Self::ServesAlready { target, version } => {
                format!("target '{target}' serves this model already, as version {version}")
            }
            Self::NoWayBack { target } => {
                format!("target '{target}' has no earlier version to go back to: see `trainyard models`")
            }
            Self::Held(held) => held.withholds().sentence(),
            Self::Hold(refusal) => refusal.sentence(),
            Self::Disagrees { target, disagreement } => disagreement.of_target(target),
            Self::Agrees { target } => {
                format!("target '{target}' and its ledger do not disagree: there is nothing to reconcile")
            }
            Self::NoReason => "say why with --reason \"…\", which the ledger keeps".to_owned(),
            Self::NoDigest { target, version } => format!(
                "which model target '{target}' serves as version {version} is not known here, so that it cannot be kept: let its status answer {{\"version\": …, \"digest\": …}}, or use --restore-ledger"
            ),
            Self::NumberTaken { target, version } => format!(
                "what target '{target}' serves as version {version} cannot be kept, since a number names one model and this one is another model's in the ledger: use --restore-ledger, which pushes that model under a new number"
            ),
            Self::NothingToRestore { target } => format!(
                "the ledger says that nothing serves at target '{target}': use --keep-served, or promote a model"
            ),
            Self::Gone { target, version, place } => {
                format!(
                    "the files of version {version} of target '{target}' are not in the artifact folder any more, where \
                     [retention] keeps the newest versions only: restore {place} from a backup, or train again"
                )
            }
        }
    }
}
