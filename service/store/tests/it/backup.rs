//! Copies of a database that is written to are whole, each as it was at one moment.

use crate::databases::{postgres, sqlite};
use crate::samples::{at, delivery, waiting_deliveries};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use trainyard_store::{BackupNote, Copy, DatabaseUrl, Store, StoreError, adopt_copy, copy_database};

fn note() -> BackupNote {
    BackupNote {
        made_at: at(7),
        trainyard: "0".to_owned(),
        identity: Some("{}".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_twenty_copies_under_load_has_what_was_acknowledged() {
    let fresh = sqlite().await;
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (store, acknowledged) = (fresh.store.clone(), Arc::clone(&acknowledged));
        writers.spawn(async move {
            for number in 0_u64.. {
                let id = format!("{writer}-{number}");
                store.accept_delivery(&delivery(&id, number)).await.unwrap();
                acknowledged.lock().unwrap().insert(id);
            }
        });
    }
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let before = acknowledged.lock().unwrap().clone();
        let file = folder.path().join(format!("{round}.db"));
        copy_database(&fresh.url, &file, &note()).await.unwrap();
        let copy = Copy::open(&file).await.unwrap().unwrap();
        assert_eq!(
            (copy.note.as_ref(), copy.problems.as_slice()),
            (Some(&note()), [].as_slice())
        );
        copy.close().await;
        adopt_copy(&file).await.unwrap();
        let restored = Store::open(&DatabaseUrl::Sqlite(file)).await.unwrap();
        assert_eq!(restored.check().await.unwrap().problems, [""; 0]);
        let all = waiting_deliveries(&restored, u32::MAX).await;
        let all: BTreeSet<_> = all.into_iter().map(|one| one.id.to_string()).collect();
        assert_eq!(before.difference(&all).next(), None, "round {round}");
        restored.close().await;
    }
    writers.shutdown().await;
    assert!(acknowledged.lock().unwrap().len() > 100);
}

#[tokio::test]
async fn what_is_no_copy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    std::fs::write(&file, "no database at all, but some text that is longer than its head").unwrap();
    assert!(Copy::open(&file).await.is_err());
    std::fs::write(&file, "").unwrap();
    assert!(Copy::open(&file).await.unwrap().is_none());
    let on_server = copy_database(&postgres().await.url, &file, &note()).await.unwrap_err();
    assert!(matches!(on_server, StoreError::Conflict(_)), "{on_server}");
}
