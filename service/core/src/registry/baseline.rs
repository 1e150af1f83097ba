//! What a candidate is compared with, by the gate's `baseline`.

use super::{Alias, CHAMPION, Ledger};
use crate::artifact::ArtifactRef;
use crate::plan::Baseline;
use crate::plan::Plan;

/// What the choice rests on; all of it is small.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BaselineFacts {
    /// The ledger of the plan's push target, if it has one.
    pub ledger: Ledger,
    /// The names of that target's versions.
    pub aliases: Vec<Alias>,
    /// The newest blessed model of the pipeline; pull requests do not count.
    pub latest_blessed: Option<ArtifactRef>,
}

/// Why there is no telling what to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineRefusal {
    /// It names a version of a push target, and there is none.
    NoTarget {
        /// As the file says it.
        baseline: String,
        /// The pipeline.
        pipeline: String,
    },
    /// The version does not exist.
    NoVersion {
        /// The target.
        model: String,
        /// The version.
        version: String,
    },
    /// The name does not exist.
    NoAlias {
        /// The target.
        model: String,
        /// The name.
        alias: String,
        /// The names there are.
        known: Vec<String>,
    },
}

impl BaselineRefusal {
    pub(super) fn no_alias(model: String, alias: &str, given: &[Alias]) -> Self {
        let known = given.iter().map(|entry| entry.alias.clone());
        Self::NoAlias {
            model,
            alias: alias.to_owned(),
            known: known.chain([CHAMPION.to_owned()]).collect(),
        }
    }

    pub(super) fn no_version(model: String, version: &str) -> Self {
        Self::NoVersion {
            model,
            version: version.to_owned(),
        }
    }

    /// What is missing and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoTarget { baseline, pipeline } => format!(
                "gate.baseline is {baseline}, but pipeline '{pipeline}' has no push target whose versions it could name"
            ),
            Self::NoVersion { model, version } => {
                format!("model '{model}' has no version '{version}': see `trainyard models {model}`")
            }
            Self::NoAlias { model, alias, known } => format!(
                "model '{model}' has no alias '{alias}' (known: {}): give it with `trainyard alias set {model} {alias} VERSION`",
                known.join(", ")
            ),
        }
    }
}

/// The model that a run's candidate is compared with; `None` when there is nothing to compare with.
pub fn choose_baseline(plan: &Plan, facts: &BaselineFacts) -> Result<Option<ArtifactRef>, BaselineRefusal> {
    let default = Baseline::default();
    let baseline = plan.gate.as_ref().map_or(&default, |planned| &planned.gate.baseline);
    let target = plan.push.as_ref().map(|push| push.target.clone());
    let named = || {
        target.clone().ok_or_else(|| BaselineRefusal::NoTarget {
            baseline: baseline.to_string(),
            pipeline: plan.pipeline.clone(),
        })
    };
    let serving = || facts.ledger.serving().map(|serving| serving.pushed.model.clone());
    let version = |model: String, version: &str| match facts.ledger.version(version) {
        Some(entry) => Ok(Some(entry.model.clone())),
        None => Err(BaselineRefusal::no_version(model, version)),
    };
    match baseline {
        Baseline::None => Ok(None),
        Baseline::LatestBlessed => Ok(facts.latest_blessed.clone()),
        Baseline::Serving if target.is_none() => Ok(facts.latest_blessed.clone()),
        Baseline::Serving => Ok(serving()),
        Baseline::LatestPushed => {
            named()?;
            Ok(facts.ledger.latest_pushed().map(|entry| entry.model.clone()))
        }
        Baseline::Pinned(pinned) => version(named()?, pinned),
        Baseline::Alias(alias) => {
            let model = named()?;
            if alias == CHAMPION {
                return Ok(serving());
            }
            let given = facts.aliases.iter().find(|entry| entry.alias == *alias);
            match given.and_then(|entry| entry.version.as_deref()) {
                Some(given) => version(model, given),
                None => Err(BaselineRefusal::no_alias(model, alias, &facts.aliases)),
            }
        }
    }
}
