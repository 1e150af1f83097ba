//! The door for reading: a handle that cannot write.

use crate::connection::{Connection, Driver, Lent, Spare};
use crate::error::{Result, StoreError};
use crate::feed::Feed;
use crate::memory::Memory;
use crate::simulated;
use crate::unreadable::{SetAside, Unreadable};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use std::sync::{Arc, PoisonError};

/// Reading the database of one Trainyard: its connections refuse to write. Cheap to clone.
#[derive(Clone)]
pub struct Reads {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    /// The database without a password, for errors.
    place: Arc<str>,
    memory: Memory,
    feed: Arc<Feed>,
    set_aside: SetAside,
    spare: Spare,
}

/// Connections that refuse to write.
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reads({})", self.place())
    }
}

impl Reads {
    pub(crate) fn new(pool: Pool, place: Arc<str>, memory: Memory, feed: Arc<Feed>) -> Self {
        let shared = Shared {
            pool,
            place,
            memory,
            feed,
            set_aside: SetAside::default(),
            spare: Spare::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Connection> {
        let driver = match self.pool() {
            Pool::Sqlite(pool) if simulated::is_on() => self.lent(pool).await.map(Driver::SqliteLent),
            Pool::Sqlite(pool) => Box::pin(pool.acquire()).await.map(Driver::SqliteReader),
            Pool::Postgres(pool) => Box::pin(pool.acquire()).await.map(Driver::PostgresReader),
        };
        let driver = driver.map_err(|error| StoreError::from_driver(error, self.place()))?;
        Ok(Connection::new(
            driver,
            Arc::clone(&self.shared.place),
            self.memory().clone(),
        ))
    }

    /// A connection of a simulation: the pool's own tasks would go on beside it.
    async fn lent(&self, pool: &SqlitePool) -> sqlx::Result<Lent> {
        let spare = &self.shared.spare;
        let known = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match known {
            Some(connection) => connection,
            None => simulated::done(Box::pin(pool.acquire())).await?.detach(),
        };
        Ok(Lent::new(connection, Arc::clone(spare)))
    }

    /// The newest migration of the database; `None` of one that is none of ours.
    pub(crate) async fn schema_version(&self) -> Result<Option<i64>> {
        let mut db = self.reader().await?;
        let ours = db
            .text("SELECT name FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'")
            .await?;
        if ours.is_empty() {
            return Ok(None);
        }
        let versions = db
            .text("SELECT CAST(MAX(version) AS TEXT) FROM _sqlx_migrations WHERE success")
            .await?;
        Ok(versions.first().and_then(|version| version.parse().ok()))
    }

    /// Stored rows that were met and cannot be read: lists left them out. Those of this process;
    /// one that is read well again is gone from here.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.set_aside().all()
    }

    pub(crate) fn set_aside(&self) -> &SetAside {
        &self.shared.set_aside
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.shared.feed
    }
}
