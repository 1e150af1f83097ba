//! An entry of the ledger: a model began to serve, or nothing does any more.

use super::Evidence;
use crate::artifact::ArtifactRef;
use crate::ids::{Micros, RunId};
use serde::{Deserialize, Serialize};

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
    /// The run that made the model, if a run did.
    pub run: Option<RunId>,
    /// Who: a person, or `gate`.
    pub actor: String,
    /// Why.
    pub evidence: Evidence,
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
    /// The run that made the model, if a run did.
    pub run: Option<RunId>,
    /// Who: a person, or `gate`.
    pub actor: String,
    /// Why.
    pub evidence: Evidence,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at: Micros,
}
