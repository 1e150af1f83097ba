//! Counts for metrics, and whether the database takes writes.

use crate::connection::args;
use crate::database::DatabaseUrl;
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::room;
use crate::statement::statements;
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeMap;
use trainyard_core::ids::Micros;

statements! {
    TALLIES = "SELECT what, number FROM tallies";
    OUTBOX = "SELECT COUNT(*) FROM outbox";
    NEWEST_TIME = "SELECT MAX(at) FROM (SELECT MAX(created_at) AS at FROM runs
            UNION ALL SELECT MAX(received_at) FROM deliveries) newest";
    TOUCH = "UPDATE MLMDEnv SET schema_version = schema_version";
}

/// Counts, for `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Runs by state.
    pub runs: BTreeMap<String, u64>,
    /// Deliveries stored.
    pub deliveries: u64,
    /// Deliveries that wait to be processed.
    pub deliveries_unprocessed: u64,
    /// Messages GitHub has not got yet.
    pub outbox: u64,
    /// Artifacts in ML Metadata.
    pub artifacts: u64,
    /// Executions in ML Metadata.
    pub executions: u64,
}

impl Reads {
    /// The newest time at which a run was asked for, or a delivery taken.
    pub async fn newest_time(&self) -> Result<Option<Micros>> {
        let row = self.reader().await?.row(NEWEST_TIME, args![]).await?;
        Ok(row.map(|row| row.optional(0)).transpose()?.flatten().map(Micros))
    }

    /// Counts of the big things.
    pub async fn stats(&self) -> Result<Stats> {
        let mut db = self.reader().await?;
        let mut stats = Stats::default();
        for row in db.rows(TALLIES, args![]).await? {
            let (what, number) = (row.get::<String>(0)?, row.count(1)?);
            match what.as_str() {
                "deliveries" => stats.deliveries = number,
                "waiting" => stats.deliveries_unprocessed = number,
                "artifacts" => stats.artifacts = number,
                "executions" => stats.executions = number,
                _ if number > 0 => drop(stats.runs.insert(what, number)),
                _ => {}
            }
        }
        if let Some(row) = db.row(OUTBOX, args![]).await? {
            stats.outbox = row.count(0)?;
        }
        Ok(stats)
    }
}

impl Store {
    /// Whether the database takes writes; the error says why not. Where the room is small, or was, it looks for some
    /// of it first: a row of one number fits a disk that has no place for a delivery.
    pub async fn check_writable(&self) -> Result<()> {
        if let DatabaseUrl::Sqlite(path) = self.url() {
            let (path, look) = (path.clone(), self.health().is_of_the_disk());
            let taken = path.clone();
            let room = tokio::task::spawn_blocking(move || room::probe(&path, look)).await;
            if let Ok(Err(error)) = room {
                let error = StoreError::from_disk(&error, &taken);
                self.health().failed(error.clone());
                return Err(error);
            }
        }
        self.write_unseen(|db| Box::pin(async move { db.execute(TOUCH, args![]).await }))
            .await?;
        self.health().proved();
        Ok(())
    }
}
