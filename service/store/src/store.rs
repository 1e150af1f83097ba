//! The door for writing: opening, writing, closing. What only reads is [`Reads`].

use crate::arrivals::Accepts;
use crate::connection::{Connection, Driver};
use crate::database::DatabaseUrl;
use crate::error::{Result, StoreError};
use crate::feed::Feed;
use crate::fence::Fence;
use crate::health::Health;
use crate::log;
use crate::memory::Memory;
use crate::metadata::types;
use crate::migrate;
use crate::number;
use crate::patience::Patience;
use crate::reads::{Pool, Reads};
use crate::simulated;
use crate::writer::{Shown, Write, Writer};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// More than there are statements, so that each is prepared once per connection.
const STATEMENT_CACHE: usize = 256;

/// How long opening waits for another program that has the database for itself.
const OPENING: Duration = Duration::from_secs(10);

/// How long SQLite itself waits for another program; the writer tries again for as long as its callers want.
const BUSY_TIMEOUT: &str = "250";

/// How long a read waits for another program, or for a connection.
const READING: Duration = Duration::from_secs(5);

/// How long a write waits for a connection to PostgreSQL: its sender waits for the answer.
const CONNECTING: Duration = Duration::from_millis(2500);

/// Connections for reading, and on PostgreSQL as many for writing.
const CONNECTIONS: u32 = 4;

/// The database of one Trainyard. Cheap to clone; all clones share one writer. Reads as [`Reads`] does.
#[derive(Clone)]
pub struct Store {
    reads: Reads,
    writes: Writes,
    health: Arc<Health>,
    accepts: Arc<Accepts>,
    url: DatabaseUrl,
    /// What must be ours when something is stored.
    fence: Option<Fence>,
}

#[derive(Clone)]
enum Writes {
    Sqlite(Writer),
    Postgres(PgPool),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.place())
    }
}

impl std::ops::Deref for Store {
    type Target = Reads;

    fn deref(&self) -> &Reads {
        &self.reads
    }
}

impl Store {
    /// Opens the database, creates it if it is not there, and brings its schema up to date. A
    /// schema newer than this program is refused with [`StoreError::SchemaTooNew`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let store = match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(url, path, SqliteSynchronous::Full).await?,
            DatabaseUrl::Postgres(text) => open_postgres(url, text).await?,
        };
        let known = types::are_known(&mut store.reader().await?).await?;
        if !known {
            store.write_unseen(|db| Box::pin(types::register_known(db))).await?;
        }
        Ok(store)
    }

    /// The same for who only reads, on connections that refuse to write: nothing is made, and nothing brought up to
    /// date, unless there is no database yet, or one of an older schema.
    pub async fn open_reads(url: &DatabaseUrl) -> Result<Reads> {
        if let DatabaseUrl::Sqlite(path) = url
            && let Some(reads) = open_sqlite_reads(url, path).await?
        {
            return Ok(reads);
        }
        Ok(Self::open(url).await?.reads())
    }

    /// Whether processes of other machines may use the same database.
    pub fn is_shared(&self) -> bool {
        matches!(self.url, DatabaseUrl::Postgres(_))
    }

    /// Deliveries at the door.
    pub(crate) fn accepts(&self) -> &Arc<Accepts> {
        &self.accepts
    }

    /// The same database for the holder of a named lease: nothing that could be shown is stored once another one has
    /// it. The check and what is stored are one transaction.
    #[must_use]
    pub fn fenced(&self, lease: &str, epoch: u64) -> Self {
        Self {
            fence: Some(Fence {
                name: lease.to_owned(),
                epoch,
            }),
            ..self.clone()
        }
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The same database for who only reads it.
    pub fn reads(&self) -> Reads {
        self.reads.clone()
    }

    /// Waits for running reads and writes and closes every connection; of SQLite no log stays beside the file.
    pub async fn close(&self) {
        match self.pool() {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
        match &self.writes {
            Writes::Sqlite(writer) => writer.close().await,
            Writes::Postgres(pool) => pool.close().await,
        }
    }

    /// Why writes do not go through now, at once; `None` as far as is known.
    pub fn trouble(&self) -> Option<StoreError> {
        self.health.trouble()
    }

    /// How long ago it was last seen whether writes go through.
    pub fn seen(&self) -> Option<Duration> {
        self.health.seen()
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Performs a write in a transaction; it is on the disk when this returns `Ok`, and nothing of it
    /// is stored when this returns an error. The change number moves with it.
    pub(crate) async fn write<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T> {
        // On the heap: a driver's transaction is large, and the futures that wait for it lie within each other.
        let Some(fence) = self.fence.clone() else {
            return Box::pin(self.perform(write, Shown::Yes, Patience::Own)).await;
        };
        let fenced = self.perform(
            move |db| {
                Box::pin(async move {
                    fence.hold(db).await?;
                    write(db).await
                })
            },
            Shown::Yes,
            Patience::Own,
        );
        Box::pin(fenced).await
    }

    /// The same for who is waited for outside: a late error helps him more than a later answer. After one that the
    /// database did not answer it may be stored all the same, so that it must be safe to repeat.
    pub(crate) async fn write_for_sender<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T> {
        Box::pin(self.perform(write, Shown::Yes, Patience::Sender)).await
    }

    /// The same for what no page and no command could show: a lease, a probe.
    pub(crate) async fn write_unseen<T: Send + 'static>(&self, write: impl Write<T>) -> Result<T> {
        Box::pin(self.perform(write, Shown::No, Patience::Own)).await
    }

    async fn perform<T: Send + 'static>(&self, write: impl Write<T>, shown: Shown, patience: Patience) -> Result<T> {
        let silent = |_| StoreError::Unreachable {
            database: self.place().to_owned(),
            problem: "no answer came in time".to_owned(),
        };
        let result = match &self.writes {
            Writes::Sqlite(writer) => {
                let written = writer.write(write, shown, patience);
                match patience.of_a_disk() {
                    Some(longest) => timeout(longest, written).await.unwrap_or_else(|late| Err(silent(late))),
                    None => written.await,
                }
            }
            Writes::Postgres(pool) => {
                let written = self.perform_there(pool, write, shown);
                timeout(patience.of_a_server(), written)
                    .await
                    .unwrap_or_else(|late| Err(silent(late)))
            }
        };
        self.health.note(&result);
        result
    }

    async fn perform_there<T: Send + 'static>(&self, pool: &PgPool, write: impl Write<T>, shown: Shown) -> Result<T> {
        let transaction = pool.begin().await;
        let transaction = transaction.map_err(|error| StoreError::from_driver(error, self.place()))?;
        let driver = Driver::PostgresTransaction(transaction);
        let mut connection = Connection::new(driver, self.place().into(), self.memory().clone());
        // Dropping the connection after an error rolls back.
        let value = write(&mut connection).await?;
        let number = match shown {
            Shown::Yes => Some(number::advance(&mut connection).await?),
            Shown::No => None,
        };
        connection.commit().await?;
        number.into_iter().for_each(|number| self.feed().committed(number));
        Ok(value)
    }
}

/// In WAL mode any but `Full` may forget answered deliveries when the power fails.
pub(crate) async fn open_sqlite(url: &DatabaseUrl, path: &Path, synchronous: SqliteSynchronous) -> Result<Store> {
    let place: Arc<str> = url.to_string().into();
    let failed = |error| StoreError::from_driver(error, &place);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(OPENING)
        .statement_cache_capacity(STATEMENT_CACHE)
        .pragma("journal_size_limit", log::KEPT)
        .disable_statement_logging();
    keep_private(path);
    let creating = options.clone().create_if_missing(true);
    let mut connection = simulated::done(creating.connect()).await.map_err(failed)?;
    simulated::done(migrate::sqlite(&mut connection, &place)).await?;
    let short = format!("PRAGMA busy_timeout = {BUSY_TIMEOUT}");
    simulated::done(connection.execute(AssertSqlSafe(short.clone())))
        .await
        .map_err(failed)?;
    let mover = match simulated::is_on() {
        true => None,
        false => {
            // The log is emptied by another connection, never by a commit; and what a statement may have to take back is
            // a few pages, for which SQLite would make a file each time.
            let own = format!("{short}; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = memory");
            connection.execute(AssertSqlSafe(own)).await.map_err(failed)?;
            let mut mover = options.clone().connect().await.map_err(failed)?;
            mover.execute(AssertSqlSafe(short)).await.map_err(failed)?;
            Some(mover)
        }
    };
    let (memory, feed) = (Memory::default(), Feed::new(Some(path.to_owned())));
    let own = |connection| Connection::new(Driver::SqliteWriter(connection), Arc::clone(&place), memory.clone());
    let health = Arc::new(Health::default());
    let writer = Writer::start(own(connection), mover.map(own), Arc::clone(&feed), Arc::clone(&health));
    let options = options.busy_timeout(READING);
    let readers = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(READING)
        .test_before_acquire(false);
    let options = options.pragma("query_only", "on");
    let readers = match simulated::is_on() {
        true => readers.connect_lazy_with(options),
        false => readers.connect_with(options).await.map_err(failed)?,
    };
    Ok(Store {
        reads: Reads::new(Pool::Sqlite(readers), place, memory, feed),
        writes: Writes::Sqlite(writer),
        health,
        accepts: Arc::default(),
        url: url.clone(),
        fence: None,
    })
}

/// The readers of a file that has our schema.
async fn open_sqlite_reads(url: &DatabaseUrl, path: &Path) -> Result<Option<Reads>> {
    let place: Arc<str> = url.to_string().into();
    if !path.is_file() {
        return Ok(None);
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(OPENING)
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false)
        .connect_lazy_with(options);
    let reads = Reads::new(
        Pool::Sqlite(pool),
        Arc::clone(&place),
        Memory::default(),
        Feed::new(Some(path.to_owned())),
    );
    match reads.schema_version().await? {
        Some(found) if found > migrate::newest() => Err(StoreError::SchemaTooNew {
            database: place.to_string(),
            found,
            known: migrate::newest(),
        }),
        Some(found) if found == migrate::newest() => Ok(Some(reads)),
        _ => Ok(None),
    }
}

async fn open_postgres(url: &DatabaseUrl, text: &str) -> Result<Store> {
    let place: Arc<str> = url.to_string().into();
    let failed = |error| StoreError::from_driver(error, &place);
    let options: PgConnectOptions = text.parse().map_err(failed)?;
    let options = options
        .application_name("trainyard")
        .statement_cache_capacity(STATEMENT_CACHE)
        .disable_statement_logging();
    // A connection of our own first: it says at once why it fails, where a pool only says that it waited.
    let connected = timeout(OPENING, options.connect()).await;
    let mut connection = connected
        .unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
        .map_err(failed)?;
    migrate::postgres(&mut connection, &place).await?;
    connection.close().await.map_err(failed)?;
    let pool = |patience| {
        PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(patience)
    };
    let readers = pool(READING).after_connect(|connection, _| {
        Box::pin(async move {
            connection
                .execute("SET default_transaction_read_only = on")
                .await
                .map(drop)
        })
    });
    let readers = Pool::Postgres(readers.connect_lazy_with(options.clone()));
    Ok(Store {
        reads: Reads::new(readers, place, Memory::default(), Feed::new(None)),
        writes: Writes::Postgres(pool(CONNECTING).connect_lazy_with(options)),
        health: Arc::default(),
        accepts: Arc::default(),
        url: url.clone(),
        fence: None,
    })
}

/// The file is its owner's alone, and so are those beside it, which SQLite makes with the same rights. A file that
/// is not there is made so; a failure is told by who opens it.
fn keep_private(path: &Path) {
    // One that is there is not opened: closing a file gives back the locks that SQLite of this process has on it.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(beside);
        if let Ok(found) = fs::metadata(&file)
            && found.permissions().mode() & 0o077 != 0
        {
            let _ = fs::set_permissions(&file, Permissions::from_mode(0o600));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::args;
    use crate::statement::Statement;

    const WRITE: Statement = Statement::listed("UPDATE change_number SET number = 99");

    #[tokio::test]
    async fn a_reading_connection_of_sqlite_refuses_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("trainyard.db"));
        let store = Store::open(&url).await.unwrap();
        let refused = store.reader().await.unwrap().execute(WRITE, args![]).await.unwrap_err();
        assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
        assert_eq!(store.change_number().await.unwrap(), 1);
    }
}
