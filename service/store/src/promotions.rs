//! The ledger of what is served: entries are added, never changed.

use crate::connection::{Connection, args, json};
use crate::error::{Result, StoreError};
use crate::metadata::{MetadataWrite, record};
use crate::statements::statements;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::{Micros, RunId};

statements! {
    INSERT = "INSERT INTO promotions (target, previous, pipeline, action, version, model, run, actor, evidence, at, forced)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    NEWEST_ID = "SELECT MAX(id) FROM promotions WHERE target = $1";
    LIST = "SELECT id, target, pipeline, action, version, model, run, actor, evidence, at FROM promotions
        WHERE CAST($1 AS TEXT) IS NULL OR target = $1 ORDER BY id DESC LIMIT $2";
    LATEST_BLESSED = "SELECT model FROM (
            SELECT blessed_model AS model, created_at, id FROM runs
            WHERE pipeline = $1 AND blessing = 'blessed' AND blessed_model IS NOT NULL AND pull_request IS NULL
            UNION ALL
            SELECT p.model, r.created_at, r.id FROM promotions p JOIN runs r ON r.id = p.run
            WHERE p.pipeline = $1 AND p.forced = TRUE AND r.pull_request IS NULL
        ) blessed ORDER BY created_at DESC, id DESC LIMIT 1";
}

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
        let newest = self.promotions(Some(target), 1).await?.into_iter().next();
        Ok(newest.filter(|entry| entry.action != PromotionAction::Removed))
    }

    /// The ledger, newest first; of one target or of all.
    pub async fn promotions(&self, target: Option<&str>, limit: u32) -> Result<Vec<Promotion>> {
        let rows = self.reader().await?.rows(LIST, args![target, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Promotion {
                    id: row.get(0)?,
                    target: row.get(1)?,
                    pipeline: row.get(2)?,
                    action: row.word(3, "action of a promotion")?,
                    version: row.get(4)?,
                    model: row.json(5, "model of a promotion")?,
                    run: row.optional::<String>(6)?.map(RunId::new),
                    actor: row.get(7)?,
                    evidence: row.json(8, "evidence of a promotion")?,
                    at: row.micros(9)?,
                })
            })
            .collect()
    }

    /// Adds an entry and returns its id, if the target's newest entry is still `newest` (`None`: it
    /// has none); else `Conflict`. What ML Metadata learns of it is stored in the same transaction.
    pub async fn append_promotion(
        &self,
        promotion: &NewPromotion,
        newest: Option<i64>,
        metadata: Vec<MetadataWrite>,
    ) -> Result<i64> {
        let promotion = promotion.clone();
        self.write(move |db| {
            Box::pin(async move {
                if newest_of(db, &promotion.target).await? != newest {
                    return Err(moved(&promotion.target));
                }
                for write in &metadata {
                    record(db, write).await?;
                }
                insert_promotion(db, &promotion, newest).await
            })
        })
        .await
    }

    /// Stores what ML Metadata learns of something that changed nothing else, such as a promotion that was refused.
    pub async fn record_metadata(&self, metadata: Vec<MetadataWrite>) -> Result<()> {
        self.write(move |db| {
            Box::pin(async move {
                for write in &metadata {
                    record(db, write).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The model of the pipeline's newest run with a blessing, be it the gate's or a person's whose
    /// promotion says `forced` in its evidence; pull requests do not count.
    pub async fn latest_blessed(&self, pipeline: &str) -> Result<Option<ArtifactRef>> {
        let row = self.reader().await?.row(LATEST_BLESSED, args![pipeline]).await?;
        row.map(|row| row.json(0, "approved model")).transpose()
    }
}

fn moved(target: &str) -> StoreError {
    StoreError::Conflict(format!(
        "the model of target '{target}' was changed by somebody else meanwhile: look again before changing it"
    ))
}

pub(crate) async fn newest_of(db: &mut Connection, target: &str) -> Result<Option<i64>> {
    let row = db.row(NEWEST_ID, args![target]).await?;
    Ok(row.map(|row| row.optional(0)).transpose()?.flatten())
}

/// Adds an entry after `newest`; two writers cannot both do that.
pub(crate) async fn insert_promotion(db: &mut Connection, new: &NewPromotion, newest: Option<i64>) -> Result<i64> {
    let arguments = args![
        &new.target,
        newest.unwrap_or(0),
        &new.pipeline,
        new.action.as_str(),
        &new.version,
        json(&new.model),
        new.run.as_ref().map(RunId::as_str),
        &new.actor,
        json(&new.evidence),
        new.at,
        new.evidence.get("forced").is_some(),
    ];
    match db.row(INSERT, arguments).await {
        Ok(Some(row)) => row.get(0),
        Ok(None) | Err(StoreError::Conflict(_)) => Err(moved(&new.target)),
        Err(error) => Err(error),
    }
}
