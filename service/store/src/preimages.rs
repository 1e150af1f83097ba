//! What the cache keys were made of, for `trainyard why`.

use crate::connection::{Row, args, json};
use crate::error::Result;
use crate::reads::Reads;
use crate::rows::Kind;
use crate::statement::statements;
use crate::store::Store;
use serde_json::Value;
use trainyard_core::ids::{Micros, RepoName, RunId, StepName};

statements! {
    PUT = "INSERT INTO preimages (run, step, cache_key, preimage, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (run, step) DO UPDATE SET cache_key = excluded.cache_key, preimage = excluded.preimage, at = excluded.at";
    GET = "SELECT run, cache_key, preimage FROM preimages WHERE run = $1 AND step = $2";
    PREVIOUS = "SELECT r.id, p.cache_key, p.preimage
        FROM runs this JOIN runs r ON r.pipeline = $1 AND r.repo IS NOT DISTINCT FROM this.repo
            AND (r.created_at, r.id) < (this.created_at, this.id)
        JOIN preimages p ON p.run = r.id AND p.step = $2
        WHERE this.id = $3 ORDER BY r.created_at DESC, r.id DESC LIMIT 1";
    NEWEST = "SELECT r.id, p.cache_key, p.preimage
        FROM runs r JOIN preimages p ON p.run = r.id AND p.step = $2
        WHERE r.pipeline = $1 AND r.repo IS NOT DISTINCT FROM CAST($3 AS TEXT)
        ORDER BY r.created_at DESC, r.id DESC LIMIT 1";
}

impl Store {
    /// Stores the pre-image of a step's cache key; a second time replaces it.
    pub async fn put_preimage(
        &self,
        run: &RunId,
        step: &StepName,
        key: &str,
        preimage: &Value,
        at: Micros,
    ) -> Result<()> {
        let arguments = args![run.as_str(), step.as_str(), key, json(preimage), at];
        self.write(move |db| Box::pin(async move { db.execute(PUT, arguments).await }))
            .await?;
        Ok(())
    }
}

const PREIMAGE: Kind = Kind {
    what: "pre-image of a cache key",
    key: |row| row.get(0),
};

impl Reads {
    /// The cache key of a step and what it was made of.
    pub async fn preimage(&self, run: &RunId, step: &StepName) -> Result<Option<(String, Value)>> {
        let row = self
            .reader()
            .await?
            .row(GET, args![run.as_str(), step.as_str()])
            .await?;
        let read = |row: &Row| Ok((row.get(1)?, row.json(2, "content")?));
        row.map(|row| PREIMAGE.strictly(&row, read)).transpose()
    }

    /// The same of the last earlier run of the pipeline that came to this step.
    pub async fn previous_preimage(
        &self,
        pipeline: &str,
        step: &StepName,
        before: &RunId,
    ) -> Result<Option<(RunId, String, Value)>> {
        let arguments = args![pipeline, step.as_str(), before.as_str()];
        let row = self.reader().await?.row(PREVIOUS, arguments).await?;
        row.map(|row| PREIMAGE.strictly(&row, of_run)).transpose()
    }

    /// The same of the last run of the pipeline that came to this step.
    pub async fn newest_preimage(
        &self,
        repo: Option<&RepoName>,
        pipeline: &str,
        step: &StepName,
    ) -> Result<Option<(RunId, String, Value)>> {
        let arguments = args![pipeline, step.as_str(), repo.map(ToString::to_string)];
        let row = self.reader().await?.row(NEWEST, arguments).await?;
        row.map(|row| PREIMAGE.strictly(&row, of_run)).transpose()
    }
}

/// The run, the key, and what it was made of.
fn of_run(row: &Row) -> Result<(RunId, String, Value)> {
    Ok((RunId::new(row.get::<String>(0)?), row.get(1)?, row.json(2, "content")?))
}
