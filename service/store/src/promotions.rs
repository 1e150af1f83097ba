//! The ledger of what is served: entries are added, never changed.

use crate::connection::{Connection, Row, args, json};
use crate::error::{Result, StoreError};
use crate::metadata::{MetadataWrite, record};
use crate::news::put_news;
use crate::reads::Reads;
use crate::requests::request;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::RunId;
use trainyard_core::notify;
use trainyard_core::plan::Plan;
use trainyard_core::registry::{BaselineFacts, Ledger, NewPromotion, Promotion};

/// Entries read of one target; far more than versions that could still be in a repository.
const LONGEST_LEDGER: u32 = 10_000;

statements! {
    INSERT = "INSERT INTO promotions (target, previous, pipeline, action, version, model, run, actor, evidence, at, forced)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    RECORDED = "UPDATE push_intents SET state = 'recorded', reason = NULL, settled_at = $3
        WHERE target = $1 AND version = $2 AND state IN ('begun', 'unknown')";
    OUT_OF_DATE = "DELETE FROM target_findings WHERE target = $1";
    NEWEST_ID = "SELECT MAX(id) FROM promotions WHERE target = $1";
    LIST = "SELECT id, target, pipeline, action, version, model, run, actor, evidence, at FROM promotions
        WHERE CAST($1 AS TEXT) IS NULL OR target = $1 ORDER BY id DESC LIMIT $2";
    TARGETS = "SELECT DISTINCT target FROM promotions ORDER BY target";
    LATEST_BLESSED = "SELECT id, model FROM (
            SELECT blessed_model AS model, created_at, id FROM runs
            WHERE pipeline = $1 AND blessing = 'blessed' AND blessed_model IS NOT NULL AND pull_request IS NULL
            UNION ALL
            SELECT p.model, r.created_at, r.id FROM promotions p JOIN runs r ON r.id = p.run
            WHERE p.pipeline = $1 AND p.forced = TRUE AND r.pull_request IS NULL
        ) blessed ORDER BY created_at DESC, id DESC LIMIT 1";
}

impl Store {
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
}

const ENTRY: Kind = Kind {
    what: "entry of the ledger",
    key: |row| Ok(format!("{} of target {}", row.get::<i64>(0)?, row.get::<String>(1)?)),
};

const APPROVED: Kind = Kind {
    what: "approved model of run",
    key: |row| row.get(0),
};

impl Reads {
    /// Everything that was ever served at a target.
    pub async fn ledger(&self, target: &str) -> Result<Ledger> {
        let entries = self.promotions(Some(target), LONGEST_LEDGER).await?;
        Ok(Ledger::new(entries).with_begun(self.highest_begun(target).await?))
    }

    /// What the choice of a plan's baseline rests on.
    pub async fn baseline_facts(&self, plan: &Plan) -> Result<BaselineFacts> {
        let (ledger, aliases) = match &plan.push {
            Some(push) => (
                self.ledger(&push.target).await?,
                self.aliases(Some(&push.target)).await?,
            ),
            None => Default::default(),
        };
        Ok(BaselineFacts {
            ledger,
            aliases,
            latest_blessed: self.latest_blessed(&plan.pipeline).await?,
        })
    }

    /// Entries of the ledger, newest first; of one target or of all. Of one target, an entry that cannot
    /// be read is an error: without it another model would seem to serve.
    pub async fn promotions(&self, target: Option<&str>, limit: u32) -> Result<Vec<Promotion>> {
        match target {
            Some(_) => {
                let rows = self.reader().await?.rows(LIST, args![target, limit]).await?;
                rows.iter().map(|row| ENTRY.strictly(row, promotion)).collect()
            }
            None => {
                let all = (LIST, args![target]);
                self.first_readable(ENTRY, Extent::Whole, all, limit, promotion).await
            }
        }
    }

    /// The targets that the ledger has an entry of.
    pub async fn promoted_targets(&self) -> Result<Vec<String>> {
        let rows = self.reader().await?.rows(TARGETS, args![]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The model of the pipeline's newest run with a blessing, be it the gate's or a person's whose
    /// promotion says `forced` in its evidence; pull requests do not count.
    pub async fn latest_blessed(&self, pipeline: &str) -> Result<Option<ArtifactRef>> {
        let row = self.reader().await?.row(LATEST_BLESSED, args![pipeline]).await?;
        row.map(|row| APPROVED.strictly(&row, |row| row.json(1, "model")))
            .transpose()
    }
}

fn promotion(row: &Row) -> Result<Promotion> {
    Ok(Promotion {
        id: row.get(0)?,
        target: row.get(1)?,
        pipeline: row.get(2)?,
        action: row.word(3, "action")?,
        version: row.get(4)?,
        model: row.json(5, "model")?,
        run: row.optional::<String>(6)?.map(RunId::new),
        actor: row.get(7)?,
        evidence: row.json(8, "evidence")?,
        at: row.micros(9)?,
    })
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
        new.evidence.forced().is_some(),
    ];
    match db.row(INSERT, arguments).await {
        Ok(Some(row)) => {
            // What was begun is done, and what was found before is out of date.
            db.execute(RECORDED, args![&new.target, &new.version, new.at]).await?;
            db.execute(OUT_OF_DATE, args![&new.target]).await?;
            let id = row.get(0)?;
            // A run whose record went, or cannot be read, is told without it.
            let made = match &new.run {
                Some(run) => request(db, run).await.ok(),
                None => None,
            };
            if let Some(news) = notify::of_promotion(new, id, made.as_ref()) {
                put_news(db, &news).await?;
            }
            Ok(id)
        }
        Ok(None) | Err(StoreError::Conflict(_)) => Err(moved(&new.target)),
        Err(error) => Err(error),
    }
}
