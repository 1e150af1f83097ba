//! The schema: the files of `migrations/`, compiled in and applied in order.

use crate::error::{Result, StoreError};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqliteConnection};

/// Version, name and the two texts of each migration.
macro_rules! migrations {
    ($($version:literal $name:literal;)*) => {
        const SQLITE: &[(i64, &str, &str)] = &[$((
            $version, $name, include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
        )),*];
        const POSTGRES: &[(i64, &str, &str)] = &[$((
            $version, $name, include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        )),*];
    };
}

migrations! {
    1 "0001_ml_metadata";
    2 "0002_trainyard";
    3 "0003_registry";
    4 "0004_change_number";
    5 "0005_target_holds";
    6 "0006_push_intents";
    7 "0007_set_aside";
    8 "0008_retention";
    9 "0009_delivery_bodies";
    10 "0010_run_requests";
    11 "0011_run_waits";
    12 "0012_checks";
    13 "0013_repositories";
    14 "0014_asks";
    15 "0015_approvals";
    18 "0018_check_runs";
    19 "0019_explained_deliveries";
    20 "0020_news";
    21 "0021_awaited_checks";
    22 "0022_access";
}

/// The newest schema version this program knows.
pub(crate) fn newest() -> i64 {
    SQLITE.last().map_or(0, |(version, ..)| *version)
}

/// In one write transaction, taken before the first look: the driver's own lock, which PostgreSQL has, is none here,
/// and two processes that open a new database at once would both make the first table.
pub(crate) async fn sqlite(connection: &mut SqliteConnection, place: &str) -> Result<()> {
    if is_current(connection).await {
        return apply(connection, SQLITE, place).await;
    }
    let failed = |error| StoreError::from_driver(error, place);
    let mut whole = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    apply(&mut *whole, SQLITE, place).await?;
    whole.commit().await.map_err(failed)
}

/// Whether nothing is to be applied, so that no writer need be waited for.
async fn is_current(connection: &mut SqliteConnection) -> bool {
    let applied = "SELECT COUNT(*) FROM _sqlx_migrations WHERE success";
    let applied = sqlx::query_scalar::<_, i64>(applied).fetch_one(connection).await;
    applied.is_ok_and(|applied| applied >= SQLITE.len() as i64)
}

pub(crate) async fn postgres(connection: &mut PgConnection, place: &str) -> Result<()> {
    apply(connection, POSTGRES, place).await
}

async fn apply<C: Migrate>(connection: &mut C, files: &[(i64, &'static str, &'static str)], place: &str) -> Result<()> {
    let migrations = files
        .iter()
        .map(|(version, name, text)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                (*text).into_sql_str(),
                false,
            )
        })
        .collect();
    let migrator = Migrator::with_migrations(migrations);
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => {
            StoreError::SchemaTooNew { database: place.to_owned(), found, known: newest() }
        }
        MigrateError::VersionMismatch(version) => StoreError::Other {
            database: place.to_owned(),
            problem: format!("its schema version {version} was made by another build of Trainyard; use that build, or a new database"),
        },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::from_driver(error, place),
        other => StoreError::Other { database: place.to_owned(), problem: other.to_string() },
    })
}
