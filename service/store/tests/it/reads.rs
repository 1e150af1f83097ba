//! What only reads cannot write.

use crate::databases;
use crate::plant;
use crate::samples::start_run;
use std::os::unix::fs::PermissionsExt;
use trainyard_store::{DatabaseUrl, Store};

/// A SELECT that writes: the connection itself refuses it, whatever the statement says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_connection_of_postgres_refuses_to_write() {
    let fresh = databases::postgres().await;
    let sneaky = "ALTER TABLE aliases RENAME TO kept;
        CREATE FUNCTION sneak() RETURNS SETOF kept LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO kept (model, alias, actor, at) VALUES ('m', 'a', 'x', 1); RETURN QUERY SELECT * FROM kept; END $$;
        CREATE VIEW aliases AS SELECT * FROM sneak()";
    plant::sql(&fresh.url, sneaky).await;
    let refused = fresh.store.reads().aliases(None).await.unwrap_err().to_string();
    assert!(refused.contains("read-only transaction"), "{refused}");
    assert_eq!(plant::number(&fresh.url, "SELECT COUNT(*) FROM kept").await, 0);
}

#[tokio::test]
async fn who_only_reads_a_file_changes_nothing_and_needs_no_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trainyard.db");
    let url = DatabaseUrl::Sqlite(path.clone());
    let store = Store::open(&url).await.unwrap();
    start_run(&store, "r1", 0).await;
    for name in ["trainyard.db", "trainyard.db-wal", "trainyard.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let reads = Store::open_reads(&url).await.unwrap();
    assert_eq!(reads.active_runs().await.unwrap().len(), 1);
    start_run(&store, "r2", 1).await;
    assert_eq!(
        reads.active_runs().await.unwrap().len(),
        2,
        "what is written meanwhile is seen"
    );
    store.close().await;
    let before = std::fs::read(&path).unwrap();
    let alone = Store::open_reads(&url).await.unwrap();
    assert_eq!(alone.active_runs().await.unwrap().len(), 2);
    drop(alone);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // A database that an older version made becomes its owner's alone, too.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&url).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    store.close().await;
}
