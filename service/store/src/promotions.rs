//! The ledger of what is served: entries are added, never changed.

use crate::error::Result;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::{Micros, RunId};

/// What happened to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionAction {
    /// A run pushed its approved model, or a person promoted one.
    Push,
    /// A person went back to an earlier model.
    Rollback,
    /// Nothing is served any more.
    Removed,
}

impl PromotionAction {
    /// As the API, the CLI and the store write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Rollback => "rollback",
            Self::Removed => "removed",
        }
    }
}

/// An entry to add.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPromotion {
    /// The push target.
    pub target: String,
    /// The pipeline that owns it.
    pub pipeline: String,
    /// What happened.
    pub action: PromotionAction,
    /// The version the server knows the model by.
    pub version: String,
    /// The model.
    pub model: ArtifactRef,
    /// The run that did it, if a run did.
    pub run: Option<RunId>,
    /// Who: a person, or `trainyard`.
    pub actor: String,
    /// Why: the verdict, or the person's reason.
    pub evidence: Value,
    /// When.
    pub at: Micros,
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promotion {
    /// Grows with every entry.
    pub id: i64,
    /// The push target.
    pub target: String,
    /// The pipeline that owns it.
    pub pipeline: String,
    /// What happened.
    pub action: PromotionAction,
    /// The version the server knows the model by.
    pub version: String,
    /// The model.
    pub model: ArtifactRef,
    /// The run that did it, if a run did.
    pub run: Option<RunId>,
    /// Who: a person, or `trainyard`.
    pub actor: String,
    /// Why: the verdict, or the person's reason.
    pub evidence: Value,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at: Micros,
}

impl Store {
    /// What a target serves now: its newest entry, unless that one removed the model.
    pub async fn serving(&self, target: &str) -> Result<Option<Promotion>> {
        let _ = target;
        self.unwritten()
    }

    /// The ledger, newest first; of one target or of all.
    pub async fn promotions(&self, target: Option<&str>, limit: u32) -> Result<Vec<Promotion>> {
        let _ = (target, limit);
        self.unwritten()
    }

    /// Adds an entry and returns its id, if the target's newest entry is still `newest` (`None`: it
    /// has none); else `Conflict`.
    pub async fn append_promotion(&self, promotion: &NewPromotion, newest: Option<i64>) -> Result<i64> {
        let _ = (promotion, newest);
        self.unwritten()
    }

    /// The model of the pipeline's newest run with a blessing; pull requests do not count.
    pub async fn latest_blessed(&self, pipeline: &str) -> Result<Option<ArtifactRef>> {
        let _ = pipeline;
        self.unwritten()
    }
}
