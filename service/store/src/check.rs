//! Whether the database is well: its schema, its pages and what is stored in it.

use crate::deliveries::Bodies;
use crate::error::{Result, StoreError};
use crate::listing::RunFilter;
use crate::migrate::newest;
use crate::reads::{Pool, Reads};
use crate::statements::ALL;
use crate::store::Store;
use serde::Serialize;
use trainyard_core::ids::Micros;

/// Rows of a kind that are looked at: enough, and quickly read.
const LOOKED_AT: u32 = 1000;

/// Deliveries that are looked at, with their bodies.
const DELIVERIES: u32 = 100;

/// The database's health, for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The path or address, without a password.
    pub database: String,
    /// `SQLite` or `PostgreSQL` with its version.
    pub engine: String,
    /// The schema version.
    pub schema_version: i64,
    /// What is wrong with the stored pages, which only SQLite can tell, and the rows that cannot be
    /// read, a sentence each; empty is well.
    pub problems: Vec<String>,
}

impl Store {
    /// Prepares every statement against the schema and, with SQLite, reads every page of the
    /// database and says what is wrong; then reads what is stored of each kind. For `trainyard doctor`.
    pub async fn check(&self) -> Result<Check> {
        self.check_writable().await?;
        let mut db = self.reader().await?;
        for (_, statements) in ALL {
            for (_, statement) in *statements {
                db.prepare(*statement).await?;
            }
        }
        let (engine, problems) = if matches!(self.pool(), Pool::Sqlite(_)) {
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
        drop(db);
        let pages = problems.into_iter().filter(|line| line != "ok");
        let rows = self.look_through().await?;
        Ok(Check {
            database: self.place().to_owned(),
            engine,
            schema_version: newest(),
            problems: pages.chain(rows).collect(),
        })
    }
}

impl Reads {
    /// Reads some of everything that is read row by row, and says what cannot be.
    async fn look_through(&self) -> Result<Vec<String>> {
        self.pipelines().await?;
        self.schedules().await?;
        self.next_hold().await?;
        self.due_outbox(Micros(i64::MAX), None, LOOKED_AT).await?;
        self.news_to_route(LOOKED_AT).await?;
        self.waiting_deliveries(0, DELIVERIES, &Bodies::default()).await?;
        self.promotions(None, LOOKED_AT).await?;
        self.aliases(None).await?;
        let newest = RunFilter {
            limit: LOOKED_AT,
            ..RunFilter::default()
        };
        self.runs(&newest).await?;
        for run in self.active_runs().await?.iter().take(LOOKED_AT as usize) {
            match self.load_run(&run.id).await {
                Ok(_) | Err(StoreError::Unreadable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.unreadable().iter().map(|row| row.sentence()).collect())
    }
}
