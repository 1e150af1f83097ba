//! One connection of either database, with the few things the queries need: typed arguments in,
//! rows out, errors in the caller's words.

use crate::error::{Result, StoreError};
use crate::memory::Memory;
use crate::simulated;
use crate::statement::Statement;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, Connection as _, Executor, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection, Transaction,
};
use std::sync::{Arc, Mutex, PoisonError};
use trainyard_core::ids::Micros;
use trainyard_core::stored::{self, Stored, StoredError};

/// A value for a `$n` placeholder. The drivers need the type of a NULL too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Real(Option<f64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

macro_rules! arg_from {
    ($($from:ty => $variant:ident($value:ident) $convert:expr;)*) => {$(
        impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                Self::$variant($convert)
            }
        }
    )*};
}

arg_from! {
    i64 => Int(v) Some(v);
    Option<i64> => Int(v) v;
    u32 => Int(v) Some(i64::from(v));
    u64 => Int(v) Some(i64::try_from(v).unwrap_or(i64::MAX));
    Option<u64> => Int(v) v.map(|v| i64::try_from(v).unwrap_or(i64::MAX));
    Micros => Int(v) Some(v.0);
    Option<Micros> => Int(v) v.map(|v| v.0);
    Option<f64> => Real(v) v;
    bool => Bool(v) Some(v);
    Option<bool> => Bool(v) v;
    &str => Text(v) Some(v.to_owned());
    String => Text(v) Some(v);
    &String => Text(v) Some(v.clone());
    Option<String> => Text(v) v;
    Option<&str> => Text(v) v.map(str::to_owned);
    Vec<u8> => Bytes(v) v;
}

/// The arguments of a statement, in the order of its placeholders.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::connection::Arg::from($value)),*] };
}
pub(crate) use args;

/// A stored JSON text.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Our types have string keys only, so that this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// One connection, in or outside a transaction.
pub(crate) struct Connection {
    driver: Driver,
    /// The database without a password, for errors.
    place: Arc<str>,
    /// Ids of types and contexts.
    pub(crate) memory: Memory,
    /// Bytes that were bound since they were taken, and a page for each statement.
    written: u64,
}

/// A page of SQLite, in bytes.
const PAGE: u64 = 4096;

/// A reading connection of a simulation, where it goes back to without being asked whether it is well.
pub(crate) struct Lent {
    connection: Option<SqliteConnection>,
    home: Spare,
}

/// Reading connections that a simulation does not use now.
pub(crate) type Spare = Arc<Mutex<Vec<SqliteConnection>>>;

impl Lent {
    pub(crate) fn new(connection: SqliteConnection, home: Spare) -> Self {
        Self {
            connection: Some(connection),
            home,
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        home.extend(self.connection.take());
    }
}

pub(crate) enum Driver {
    SqliteWriter(SqliteConnection),
    SqliteReader(PoolConnection<Sqlite>),
    SqliteLent(Lent),
    PostgresTransaction(Transaction<'static, Postgres>),
    PostgresReader(PoolConnection<Postgres>),
}

enum Either<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    pub(crate) fn new(driver: Driver, place: Arc<str>, memory: Memory) -> Self {
        Self {
            driver,
            place,
            memory,
            written: 0,
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn either(&mut self) -> Either<'_> {
        match &mut self.driver {
            Driver::SqliteWriter(connection) => Either::Sqlite(connection),
            Driver::SqliteReader(connection) => Either::Sqlite(connection),
            #[allow(clippy::unwrap_used, reason = "it is there until the drop")]
            Driver::SqliteLent(lent) => Either::Sqlite(lent.connection.as_mut().unwrap()),
            Driver::PostgresTransaction(transaction) => Either::Postgres(transaction),
            Driver::PostgresReader(connection) => Either::Postgres(connection),
        }
    }

    /// What statements since the last call put into the log of SQLite, in bytes: a guess that is never far too low.
    pub(crate) fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Commits a transaction of PostgreSQL; SQLite's writer commits by itself.
    pub(crate) async fn commit(self) -> Result<()> {
        let Self {
            driver,
            place,
            mut memory,
            ..
        } = self;
        if let Driver::PostgresTransaction(transaction) = driver {
            transaction
                .commit()
                .await
                .map_err(|error| StoreError::from_driver(error, &place))?;
            memory.keep();
        }
        Ok(())
    }

    /// Closes a connection that belongs to no pool.
    pub(crate) async fn close(self) -> Result<()> {
        let Self { driver, place, .. } = self;
        match driver {
            Driver::SqliteWriter(connection) => connection
                .close()
                .await
                .map_err(|error| StoreError::from_driver(error, &place)),
            _ => Ok(()),
        }
    }

    /// Runs a statement and returns the number of rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement, arguments: Vec<Arg>) -> Result<u64> {
        self.written += weight(&arguments);
        let place = Arc::clone(&self.place);
        let done = async {
            let result = match self.either() {
                Either::Sqlite(connection) => match sqlite_arguments(arguments) {
                    Ok(bound) => connection
                        .execute(sqlx::query_with(statement.text(), bound))
                        .await
                        .map(|done| done.rows_affected()),
                    Err(error) => Err(error),
                },
                Either::Postgres(connection) => match postgres_arguments(arguments) {
                    Ok(bound) => connection
                        .execute(sqlx::query_with(statement.text(), bound))
                        .await
                        .map(|done| done.rows_affected()),
                    Err(error) => Err(error),
                },
            };
            result.map_err(|error| StoreError::from_driver(error, &place))
        };
        simulated::statement(statement.text(), &place, done).await
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn rows(&mut self, statement: Statement, arguments: Vec<Arg>) -> Result<Vec<Row>> {
        self.written += weight(&arguments);
        let place = Arc::clone(&self.place);
        let done = async {
            let result = match self.either() {
                Either::Sqlite(connection) => match sqlite_arguments(arguments) {
                    Ok(bound) => connection
                        .fetch_all(sqlx::query_with(statement.text(), bound))
                        .await
                        .map(|rows| rows.into_iter().map(|row| Row::sqlite(row, &place)).collect()),
                    Err(error) => Err(error),
                },
                Either::Postgres(connection) => match postgres_arguments(arguments) {
                    Ok(bound) => connection
                        .fetch_all(sqlx::query_with(statement.text(), bound))
                        .await
                        .map(|rows| rows.into_iter().map(|row| Row::postgres(row, &place)).collect()),
                    Err(error) => Err(error),
                },
            };
            result.map_err(|error| StoreError::from_driver(error, &place))
        };
        simulated::statement(statement.text(), &place, done).await
    }

    /// Runs a statement and returns its first row.
    pub(crate) async fn row(&mut self, statement: Statement, arguments: Vec<Arg>) -> Result<Option<Row>> {
        Ok(self.rows(statement, arguments).await?.into_iter().next())
    }

    /// Runs text that is not a prepared statement, for example `COMMIT`.
    pub(crate) async fn raw(&mut self, text: &'static str) -> Result<()> {
        let place = Arc::clone(&self.place);
        let done = async {
            let result = match self.either() {
                Either::Sqlite(connection) => connection.execute(text).await.map(drop),
                Either::Postgres(connection) => connection.execute(text).await.map(drop),
            };
            result.map_err(|error| StoreError::from_driver(error, &place))
        };
        simulated::statement(text, &place, done).await
    }

    /// The first column of what one database's own question answers, for example `PRAGMA integrity_check`.
    pub(crate) async fn text(&mut self, question: &'static str) -> Result<Vec<String>> {
        self.rows(Statement::listed(question), Vec::new())
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// Lets the database parse a statement against its schema.
    pub(crate) async fn prepare(&mut self, statement: Statement) -> Result<()> {
        use sqlx::SqlSafeStr;
        let text = statement.text().into_sql_str();
        let result = match self.either() {
            Either::Sqlite(connection) => connection.prepare(text).await.map(drop),
            Either::Postgres(connection) => connection.prepare(text).await.map(drop),
        };
        result.map_err(|error| self.typed(error))
    }

    fn typed(&self, error: sqlx::Error) -> StoreError {
        StoreError::from_driver(error, &self.place)
    }
}

fn weight(arguments: &[Arg]) -> u64 {
    let bytes = arguments.iter().map(|argument| match argument {
        Arg::Text(Some(text)) => text.len(),
        Arg::Bytes(bytes) => bytes.len(),
        Arg::Int(_) | Arg::Real(_) | Arg::Bool(_) | Arg::Text(None) => 0,
    });
    PAGE + bytes.sum::<usize>() as u64
}

fn sqlite_arguments(arguments: Vec<Arg>) -> sqlx::Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    for argument in arguments {
        match argument {
            Arg::Int(value) => bound.add(value),
            Arg::Real(value) => bound.add(value),
            Arg::Bool(value) => bound.add(value),
            Arg::Text(value) => bound.add(value),
            Arg::Bytes(value) => bound.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

fn postgres_arguments(arguments: Vec<Arg>) -> sqlx::Result<PgArguments> {
    let mut bound = PgArguments::default();
    for argument in arguments {
        match argument {
            Arg::Int(value) => bound.add(value),
            Arg::Real(value) => bound.add(value),
            Arg::Bool(value) => bound.add(value),
            // PostgreSQL's text cannot hold NUL; a log line or a name with one must not stop a run.
            Arg::Text(value) => bound.add(value.map(|text| {
                if text.contains('\0') {
                    text.replace('\0', "\u{fffd}")
                } else {
                    text
                }
            })),
            Arg::Bytes(value) => bound.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// A row of either database; columns are read by their position.
pub(crate) struct Row {
    row: DriverRow,
    place: Arc<str>,
}

enum DriverRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What both drivers can decode.
pub(crate) trait Column:
    for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>
{
}

impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
{
}

impl Row {
    fn sqlite(row: SqliteRow, place: &Arc<str>) -> Self {
        Self {
            row: DriverRow::Sqlite(row),
            place: Arc::clone(place),
        }
    }

    fn postgres(row: PgRow, place: &Arc<str>) -> Self {
        Self {
            row: DriverRow::Postgres(row),
            place: Arc::clone(place),
        }
    }

    /// A column. Unchecked in the driver's sense: an `i64` may come from a narrower integer.
    pub(crate) fn get<T: Column>(&self, column: usize) -> Result<T> {
        match &self.row {
            DriverRow::Sqlite(row) => row.try_get_unchecked(column),
            DriverRow::Postgres(row) => row.try_get_unchecked(column),
        }
        .map_err(|error| StoreError::from_driver(error, &self.place))
    }

    /// A column that may be NULL.
    pub(crate) fn optional<T: Column>(&self, column: usize) -> Result<Option<T>> {
        match &self.row {
            DriverRow::Sqlite(row) => row.try_get_unchecked(column),
            DriverRow::Postgres(row) => row.try_get_unchecked(column),
        }
        .map_err(|error| StoreError::from_driver(error, &self.place))
    }

    /// A time.
    pub(crate) fn micros(&self, column: usize) -> Result<Micros> {
        self.get::<i64>(column).map(Micros)
    }

    /// A number that is never negative.
    pub(crate) fn count(&self, column: usize) -> Result<u64> {
        let number = self.get::<i64>(column)?;
        u64::try_from(number).map_err(|error| StoreError::column(&self.place, "number", error))
    }

    /// A JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize, what: &str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| StoreError::column(&self.place, what, error))
    }

    /// What [`trainyard_core::stored::write`] wrote, in this version of the program or an earlier one.
    pub(crate) fn stored<T: Stored>(&self, column: usize, what: &str) -> Result<T> {
        let text: String = self.get(column)?;
        stored::read(&text).map_err(|error| {
            let problem = match error {
                StoredError::Unreadable { what, error } if what == T::WHAT => error,
                other => other.to_string(),
            };
            StoreError::column(&self.place, what, problem)
        })
    }

    /// What is wrong with a column that was read.
    pub(crate) fn damaged(&self, what: &str, problem: &str) -> StoreError {
        StoreError::damaged(&self.place, what, problem)
    }

    /// A word that is one of a closed set, stored as serde names it.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: usize, what: &str) -> Result<T> {
        let text: String = self.get(column)?;
        let value = serde_json::Value::String(text);
        serde_json::from_value(value).map_err(|error| StoreError::column(&self.place, what, error))
    }

    /// The same, or NULL.
    pub(crate) fn optional_word<T: DeserializeOwned>(&self, column: usize, what: &str) -> Result<Option<T>> {
        match self.optional::<String>(column)? {
            None => Ok(None),
            Some(_) => self.word(column, what).map(Some),
        }
    }
}
