//! Counts for metrics, and whether the database is well.

use crate::connection::args;
use crate::error::Result;
use crate::migrate::newest;
use crate::statements::{ALL, statements};
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeMap;

statements! {
    RUNS = "SELECT state, COUNT(*) FROM runs GROUP BY state";
    COUNTS = "SELECT (SELECT COUNT(*) FROM deliveries), (SELECT COUNT(*) FROM deliveries WHERE processed_at IS NULL),
        (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM Artifact), (SELECT COUNT(*) FROM Execution)";
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

/// The database's health, for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The path or address, without a password.
    pub database: String,
    /// `SQLite` or `PostgreSQL` with its version.
    pub engine: String,
    /// The schema version.
    pub schema_version: i64,
    /// What is wrong with the stored pages; empty is well. Only SQLite can tell.
    pub problems: Vec<String>,
}

impl Store {
    /// Counts of the big things.
    pub async fn stats(&self) -> Result<Stats> {
        let mut db = self.reader().await?;
        let mut stats = Stats::default();
        for row in db.rows(RUNS, args![]).await? {
            stats.runs.insert(row.get(0)?, row.count(1)?);
        }
        if let Some(row) = db.row(COUNTS, args![]).await? {
            stats.deliveries = row.count(0)?;
            stats.deliveries_unprocessed = row.count(1)?;
            stats.outbox = row.count(2)?;
            stats.artifacts = row.count(3)?;
            stats.executions = row.count(4)?;
        }
        Ok(stats)
    }

    /// Whether the database takes writes, quickly; the error says why not. For `/readyz`.
    pub async fn check_writable(&self) -> Result<()> {
        self.write(|db| Box::pin(async move { db.execute(TOUCH, args![]).await }))
            .await?;
        Ok(())
    }

    /// Prepares every statement against the schema and, with SQLite, reads every page of the
    /// database and says what is wrong. For `trainyard doctor`.
    pub async fn check(&self) -> Result<Check> {
        self.check_writable().await?;
        let mut db = self.reader().await?;
        for (_, statements) in ALL {
            for (_, statement) in *statements {
                db.prepare(*statement).await?;
            }
        }
        let (engine, problems) = if self.is_sqlite() {
            (
                format!("SQLite {}", db.text("SELECT sqlite_version()").await?.concat()),
                db.text("PRAGMA integrity_check").await?,
            )
        } else {
            (
                format!("PostgreSQL {}", db.text("SHOW server_version").await?.concat()),
                Vec::new(),
            )
        };
        Ok(Check {
            database: self.place().to_owned(),
            engine,
            schema_version: newest(),
            problems: problems.into_iter().filter(|line| line != "ok").collect(),
        })
    }
}
