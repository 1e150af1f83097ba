//! Counts for metrics, and whether the database is well.

use crate::error::Result;
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeMap;

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
        self.unwritten()
    }

    /// Whether the database takes writes, quickly; the error says why not. For `/readyz`.
    pub async fn check_writable(&self) -> Result<()> {
        self.unwritten()
    }

    /// Reads every page of the database (SQLite) and says what is wrong. For `trainyard doctor`.
    pub async fn check(&self) -> Result<Check> {
        self.unwritten()
    }
}
