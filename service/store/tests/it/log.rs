//! The log of SQLite stays small, whatever readers do.

use crate::databases::sqlite;
use crate::samples::{delivery, waiting_deliveries};
use sqlx::{Connection, Executor, SqliteConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use trainyard_store::{NewDelivery, Store, StoreError};

const MIB: u64 = 1 << 20;

fn large(id: &str) -> NewDelivery {
    NewDelivery {
        body: vec![b'x'; MIB as usize].into(),
        ..delivery(id, 0)
    }
}

/// Writes at full speed until told to stop: how many were stored, and how many refused because of the reader.
fn load(store: &Store, stop: &Arc<AtomicBool>, stored: &Arc<AtomicU64>) -> JoinSet<u64> {
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (store, stop, stored) = (store.clone(), Arc::clone(stop), Arc::clone(stored));
        writers.spawn(async move {
            let mut refused = 0;
            for number in 0_u64.. {
                match store.accept_delivery(&large(&format!("{writer}-{number}"))).await {
                    Ok(_) => _ = stored.fetch_add(1, Ordering::SeqCst),
                    Err(StoreError::Pinned { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            refused
        });
    }
    writers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_without_an_end_stops_the_log_at_its_limit() {
    let fresh = sqlite().await;
    let store = &fresh.store;
    let mut reader = SqliteConnection::connect(&format!("sqlite://{}", fresh.url))
        .await
        .unwrap();
    reader.execute("BEGIN; SELECT COUNT(*) FROM deliveries").await.unwrap();
    let (stop, stored) = (Arc::default(), Arc::default());
    let mut writers = load(store, &stop, &stored);
    let began = Instant::now();
    let log = || store.log_bytes().unwrap();
    // One transaction of all writers may go beyond the limit.
    let most = (256 + 8) * MIB;
    while !matches!(store.trouble(), Some(StoreError::Pinned { .. })) {
        assert!(log() <= most, "{} MiB", log() / MIB);
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the limit was never met: {} MiB",
            log() / MIB
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(log() > 250 * MIB, "{} MiB", log() / MIB);
    reader.execute("COMMIT").await.unwrap();
    let before = stored.load(Ordering::SeqCst);
    while stored.load(Ordering::SeqCst) < before + 100 {
        assert!(log() <= most, "{} MiB", log() / MIB);
        assert!(began.elapsed() < Duration::from_secs(60), "it does not go on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(refused) = writers.join_next().await {
        refused.unwrap();
    }
    store.check_writable().await.unwrap();
    assert!(log() <= 64 * MIB, "it is small again: {} MiB", log() / MIB);
    assert_eq!(store.trouble(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_short_readers_do_not_let_it_grow() {
    let fresh = sqlite().await;
    let store = &fresh.store;
    let (stop, stored) = (Arc::default(), Arc::default());
    let mut writers = load(store, &stop, &stored);
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        readers.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                waiting_deliveries(&store, 4).await;
            }
        });
    }
    let began = Instant::now();
    let mut largest = 0;
    while stored.load(Ordering::SeqCst) < 400 {
        largest = largest.max(store.log_bytes().unwrap());
        assert!(began.elapsed() < Duration::from_secs(60), "{stored:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::SeqCst);
    while writers.join_next().await.is_some() {}
    while readers.join_next().await.is_some() {}
    assert!(largest < 128 * MIB, "{} MiB", largest / MIB);
}
