//! What only reads cannot write.

use crate::databases;
use crate::plant;

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
