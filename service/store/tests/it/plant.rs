//! SQL of a test's own: what no method of the store would write.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use trainyard_store::DatabaseUrl;

/// Runs SQL on either database, in a connection of its own.
pub async fn sql(url: &DatabaseUrl, text: &str) {
    let text = AssertSqlSafe(text.to_owned());
    match url {
        DatabaseUrl::Sqlite(path) => {
            let address = format!("sqlite://{}?mode=rwc", path.display());
            let mut connection = SqliteConnection::connect(&address).await.unwrap();
            connection.execute(text).await.unwrap();
            connection.close().await.unwrap();
        }
        DatabaseUrl::Postgres(address) => {
            let mut connection = PgConnection::connect(address).await.unwrap();
            connection.execute(text).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// The one number that a query answers with.
pub async fn number(url: &DatabaseUrl, query: &str) -> i64 {
    let query = AssertSqlSafe(query.to_owned());
    match url {
        DatabaseUrl::Sqlite(path) => {
            let address = format!("sqlite://{}", path.display());
            let mut connection = SqliteConnection::connect(&address).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        }
        DatabaseUrl::Postgres(address) => {
            let mut connection = PgConnection::connect(address).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        }
    }
}
