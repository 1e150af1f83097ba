//! A fresh store on either database.

use crate::postgres;
use tempfile::TempDir;
use trainyard_store::{DatabaseUrl, Store};

/// A store with its address, and the folder that goes away with it.
pub struct Fresh {
    pub store: Store,
    pub url: DatabaseUrl,
    _folder: Option<TempDir>,
}

pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("trainyard.db"));
    Fresh {
        store: Store::open(&url).await.unwrap(),
        url,
        _folder: Some(folder),
    }
}

pub async fn postgres() -> Fresh {
    let url = DatabaseUrl::parse(&postgres::new_database().await).unwrap();
    Fresh {
        store: Store::open(&url).await.unwrap(),
        url,
        _folder: None,
    }
}

/// Makes two tests of one: against SQLite and against PostgreSQL.
macro_rules! on_both {
    ($(async fn $name:ident($fresh:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs all of them")]
            use super::*;

            async fn check($fresh: &crate::databases::Fresh) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check(&crate::databases::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check(&crate::databases::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// The same for a database in which nothing is yet.
macro_rules! on_empty {
    ($(async fn $name:ident($url:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($url: trainyard_store::DatabaseUrl) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let folder = tempfile::tempdir().unwrap();
                check(DatabaseUrl::Sqlite(folder.path().join("trainyard.db"))).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check(DatabaseUrl::parse(&crate::postgres::new_database().await).unwrap()).await;
            }
        }
    )*};
}
pub(crate) use on_empty;
