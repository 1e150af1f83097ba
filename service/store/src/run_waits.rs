//! What runs wait for that is none of their own business: a full disk, an engine that does not answer.

use crate::connection::args;
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use std::collections::HashMap;
use trainyard_core::ids::RunId;

statements! {
    NOTE = "INSERT INTO run_waits (run, version, sentence) VALUES ($1, $2, $3)
        ON CONFLICT (run) DO UPDATE SET version = excluded.version, sentence = excluded.sentence";
    ALL = "SELECT w.run, w.sentence FROM run_waits w JOIN runs r ON r.id = w.run
        WHERE r.state IN ('queued', 'running') AND r.version = w.version";
}

impl Store {
    /// Notes what a run waits for at this version; it counts until the run comes further.
    pub async fn run_waits(&self, run: &RunId, version: u64, sentence: &str) -> Result<()> {
        let arguments = args![run.as_str(), version, sentence];
        self.write(move |db| Box::pin(async move { db.execute(NOTE, arguments).await }))
            .await?;
        Ok(())
    }
}

impl Reads {
    /// What runs wait for that are not over.
    pub(crate) async fn waits(&self) -> Result<HashMap<RunId, String>> {
        let rows = self.reader().await?.rows(ALL, args![]).await?;
        let wait = |row: &crate::connection::Row| Ok((RunId::new(row.get::<String>(0)?), row.get(1)?));
        rows.iter().map(wait).collect()
    }
}
