//! A copy of SQLite's database that is whole, made while others write, and read before it takes a database's place.

use crate::connection::{Connection, args};
use crate::database::DatabaseUrl;
use crate::error::{Result, StoreError};
use crate::feed::Feed;
use crate::memory::Memory;
use crate::migrate;
use crate::reads::{Pool, Reads};
use crate::statement::Statement;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use trainyard_core::ids::Micros;

/// How long another program that has the database for itself is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table that only copies have.
const HAS_NOTE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'trainyard_backup'";
const NOTE: &str = "SELECT note FROM trainyard_backup";

/// What a copy says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupNote {
    /// When it was made; microseconds since 1970-01-01 UTC.
    pub made_at: Micros,
    /// The version of the program that made it.
    pub trainyard: String,
    /// The identity of the instance towards model repositories, as its file has it.
    #[serde(default)]
    pub identity: Option<String>,
}

/// A copy that was looked through and is whole.
#[derive(Debug)]
pub struct Copy {
    /// What is in it.
    pub reads: Reads,
    /// What it says of itself; a plain copy of a database file says nothing.
    pub note: Option<BackupNote>,
    /// What is wrong with its pages; empty is well.
    pub problems: Vec<String>,
}

impl Copy {
    /// Opens a copy for reading; `None` if it is no database of Trainyard. A newer schema is refused.
    pub async fn open(file: &Path) -> Result<Option<Self>> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options.disable_statement_logging());
        let place: Arc<str> = file.display().to_string().into();
        let reads = Reads::new(
            Pool::Sqlite(pool),
            Arc::clone(&place),
            Memory::default(),
            Feed::new(None),
        );
        match reads.schema_version().await? {
            None => return Ok(None),
            Some(found) if found > migrate::newest() => {
                return Err(StoreError::SchemaTooNew {
                    database: place.to_string(),
                    found,
                    known: migrate::newest(),
                });
            }
            Some(_) => {}
        }
        let mut db = reads.reader().await?;
        let problems = db.text("PRAGMA integrity_check").await?;
        let note = match db.text(HAS_NOTE).await?.is_empty() {
            true => None,
            false => db
                .text(NOTE)
                .await?
                .first()
                .and_then(|note| serde_json::from_str(note).ok()),
        };
        drop(db);
        Ok(Some(Self {
            reads,
            note,
            problems: problems.into_iter().filter(|line| line != "ok").collect(),
        }))
    }

    /// Waits until nothing reads the file any more.
    pub async fn close(self) {
        if let Pool::Sqlite(pool) = self.reads.pool() {
            pool.close().await;
        }
    }
}

/// Copies the database at `url` into the empty file `to`, as it is at one moment; others read and write meanwhile.
/// The file is not synced. PostgreSQL is `Conflict`.
pub async fn copy_database(url: &DatabaseUrl, to: &Path, note: &BackupNote) -> Result<()> {
    let DatabaseUrl::Sqlite(from) = url else {
        return Err(StoreError::Conflict(format!("{url} is copied by pg_dump")));
    };
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut source = connect(options, from).await?;
    let place = to.display().to_string();
    // The disk that may be full is that of the copy.
    let failed = |error| StoreError::from_driver(error, &place);
    let vacuum = sqlx::query("VACUUM INTO $1").bind(place.clone());
    vacuum.execute(&mut source).await.map_err(failed)?;
    let _ = source.close().await;
    let mut copy = own(to).await?;
    copy.raw("CREATE TABLE trainyard_backup (note TEXT NOT NULL)").await?;
    let insert = Statement::listed("INSERT INTO trainyard_backup (note) VALUES ($1)");
    copy.execute(insert, args![crate::connection::json(note)]).await?;
    copy.close().await
}

/// Makes a copy a database like any other.
pub async fn adopt_copy(file: &Path) -> Result<()> {
    let mut copy = own(file).await?;
    copy.raw("DROP TABLE IF EXISTS trainyard_backup").await?;
    copy.close().await
}

/// Moves everything from the log of a database into its file, so that the file alone is whole.
pub async fn empty_log(file: &Path) -> Result<()> {
    let mut database = own(file).await?;
    database.raw("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    database.close().await
}

async fn own(file: &Path) -> Result<Connection> {
    let connection = connect(SqliteConnectOptions::new().filename(file), file).await?;
    let driver = crate::connection::Driver::SqliteWriter(connection);
    Ok(Connection::new(
        driver,
        file.display().to_string().into(),
        Memory::default(),
    ))
}

async fn connect(options: SqliteConnectOptions, file: &Path) -> Result<SqliteConnection> {
    let options = options.busy_timeout(PATIENCE).disable_statement_logging();
    let failed = |error| StoreError::from_driver(error, &file.display().to_string());
    options.connect().await.map_err(failed)
}
