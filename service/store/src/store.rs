//! The door: opening, reading, writing.

use crate::connection::{Connection, Driver};
use crate::database::DatabaseUrl;
use crate::error::{Result, StoreError};
use crate::metadata::memory::Memory;
use crate::metadata::types;
use crate::migrate;
use crate::writer::{Write, Writer};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// More than there are statements, so that each is prepared once per connection.
const STATEMENT_CACHE: usize = 256;

/// How long SQLite waits for another program that writes, for example an ml-metadata client.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The database of one Trainyard. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    url: DatabaseUrl,
    place: Arc<str>,
    memory: Memory,
}

#[derive(Clone)]
enum Backend {
    Sqlite { writer: Writer, readers: SqlitePool },
    Postgres { pool: PgPool },
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.place)
    }
}

impl Store {
    /// Opens the database, creates it if it is not there, and brings its schema up to date. A
    /// schema newer than this program is refused with [`StoreError::SchemaTooNew`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let place: Arc<str> = url.to_string().into();
        let memory = Memory::default();
        let backend = match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, &place, memory.clone()).await?,
            DatabaseUrl::Postgres(text) => open_postgres(text, &place).await?,
        };
        let store = Self {
            backend,
            url: url.clone(),
            place,
            memory,
        };
        store.write(|db| Box::pin(types::register_known(db))).await?;
        Ok(store)
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Waits for running reads and writes and closes every connection; of SQLite no log stays beside the file.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Backend::Postgres { pool } => pool.close().await,
        }
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Connection> {
        let driver = match &self.backend {
            Backend::Sqlite { readers, .. } => readers.acquire().await.map(Driver::SqliteReader),
            Backend::Postgres { pool } => pool.acquire().await.map(Driver::PostgresReader),
        };
        let driver = driver.map_err(|error| StoreError::from_driver(error, &self.place))?;
        Ok(Connection::new(driver, Arc::clone(&self.place), self.memory.clone()))
    }

    /// Performs a write in a transaction; it is on the disk when this returns `Ok`, and nothing of it
    /// is stored when this returns an error.
    pub(crate) async fn write<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T> {
        match &self.backend {
            Backend::Sqlite { writer, .. } => writer.write(write).await,
            Backend::Postgres { pool } => {
                let transaction = pool
                    .begin()
                    .await
                    .map_err(|error| StoreError::from_driver(error, &self.place))?;
                let mut connection = Connection::new(
                    Driver::PostgresTransaction(transaction),
                    Arc::clone(&self.place),
                    self.memory.clone(),
                );
                // Dropping the connection after an error rolls back.
                let value = write(&mut connection).await?;
                connection.commit().await?;
                Ok(value)
            }
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.backend, Backend::Sqlite { .. })
    }
}

async fn open_sqlite(path: &Path, place: &Arc<str>, memory: Memory) -> Result<Backend> {
    let failed = |error| StoreError::from_driver(error, place);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode NORMAL may forget answered deliveries when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENT_CACHE)
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    let mut connection = options
        .clone()
        .create_if_missing(true)
        .connect()
        .await
        .map_err(failed)?;
    migrate::sqlite(&mut connection, place).await?;
    let writer = Writer::start(Connection::new(
        Driver::SqliteWriter(connection),
        Arc::clone(place),
        memory,
    ));
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "on"))
        .await
        .map_err(failed)?;
    Ok(Backend::Sqlite { writer, readers })
}

async fn open_postgres(text: &str, place: &Arc<str>) -> Result<Backend> {
    let failed = |error| StoreError::from_driver(error, place);
    let options: PgConnectOptions = text.parse().map_err(failed)?;
    let options = options
        .application_name("trainyard")
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    // A connection of our own first: it says at once why it fails, where a pool only says that it waited.
    let mut connection = options.connect().await.map_err(failed)?;
    migrate::postgres(&mut connection, place).await?;
    connection.close().await.map_err(failed)?;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy_with(options);
    Ok(Backend::Postgres { pool })
}
