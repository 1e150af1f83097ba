use crate::databases::{on_both, on_empty};
use crate::samples::start_run;
use sqlx::{Connection, Executor};
use trainyard_store::{DatabaseUrl, Store, StoreError};

on_both! {
    async fn opening_twice_changes_nothing(fresh) {
        start_run(&fresh.store, "r1", 0).await;
        let again = Store::open(&fresh.url).await.unwrap();
        assert_eq!(again.active_runs().await.unwrap().len(), 1);
        assert_eq!(again.stats().await.unwrap(), fresh.store.stats().await.unwrap());
    }

    async fn every_statement_fits_the_schema(fresh) {
        let check = fresh.store.check().await.unwrap();
        assert_eq!((check.schema_version, check.problems), (22, vec![]));
        let engine = if matches!(fresh.url, DatabaseUrl::Sqlite(_)) { "SQLite 3." } else { "PostgreSQL 1" };
        assert!(check.engine.starts_with(engine), "{}", check.engine);
    }

    async fn a_newer_schema_is_refused(fresh) {
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (999, 'from the future', TRUE, 'x', 0)";
        match &fresh.url {
            DatabaseUrl::Sqlite(path) => {
                let url = format!("sqlite://{}", path.display());
                sqlx::SqliteConnection::connect(&url).await.unwrap().execute(newer).await.unwrap();
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                connection.execute(newer).await.unwrap();
            }
        }
        let refused = Store::open(&fresh.url).await.unwrap_err();
        let StoreError::SchemaTooNew { found, known, .. } = refused else { panic!("{refused}") };
        assert_eq!((found, known), (999, 22));
    }
}

on_empty! {
    async fn many_may_open_a_new_one_at_once(url) {
        let opening: Vec<_> = (0..12)
            .map(|_| {
                let url = url.clone();
                // Each on a thread of its own, as each is a process elsewhere.
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        let store = Store::open(&url).await?;
                        let problems = store.check().await?.problems;
                        store.close().await;
                        Ok::<_, StoreError>(problems)
                    })
                })
            })
            .collect();
        for opened in opening {
            assert_eq!(opened.join().unwrap().unwrap(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named_without_its_password() {
    let url = DatabaseUrl::parse("postgres://ada:secret@127.0.0.1:1/trainyard?sslmode=disable").unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("the database postgres://127.0.0.1:1/trainyard does not answer: "),
        "{error}"
    );
    assert!(!error.to_string().contains("secret") && !format!("{url:?}").contains("secret"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let error = Store::open(&DatabaseUrl::parse("sqlite:///no/such/folder/trainyard.db").unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/no/such/folder/trainyard.db"), "{error}");
}

#[test]
fn other_addresses_are_refused() {
    for text in ["", "mysql://x", "trainyard.db", "sqlite://"] {
        let error = DatabaseUrl::parse(text).unwrap_err();
        assert!(error.to_string().contains("write sqlite:///"), "{error}");
    }
}
