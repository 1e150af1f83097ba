//! Another program that holds the right to write: nobody sees SQLite's own errors, all give up together, reads go on.

use crate::databases::sqlite;
use crate::samples::{delivery, waiting_deliveries};
use sqlx::{Connection, Executor, SqliteConnection};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use trainyard_store::{Accepted, DatabaseUrl, Store, StoreError};

/// Another program's connection.
async fn other(url: &DatabaseUrl) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{url}")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_writes_behind_a_held_lock_give_up_by_one_time() {
    let fresh = sqlite().await;
    let store = &fresh.store;
    let mut holder = other(&fresh.url).await;
    holder.execute("BEGIN EXCLUSIVE").await.unwrap();
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for number in 0..40 {
        let store = store.clone();
        senders.spawn(async move { store.accept_delivery(&delivery(&format!("d{number}"), number)).await });
    }
    let all = async {
        while let Some(sent) = senders.join_next().await {
            let refused = sent.unwrap().unwrap_err();
            assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
            let took = began.elapsed();
            assert!(
                took > Duration::from_secs(4) && took < Duration::from_millis(6500),
                "{took:?}"
            );
        }
    };
    let read = async {
        while store.trouble().is_none() {
            let asked = Instant::now();
            assert_eq!(store.deliveries(10).await.unwrap(), []);
            assert!(asked.elapsed() < Duration::from_secs(1), "reads go on");
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(all, read);
    assert!(matches!(store.trouble(), Some(StoreError::Locked { .. })));
    let late = Instant::now();
    assert!(store.accept_delivery(&delivery("late", 99)).await.is_err());
    assert!(late.elapsed() < Duration::from_secs(2), "who comes later is told soon");
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(store.accept_delivery(&delivery("d0", 0)).await, Ok(Accepted::New));
    assert_eq!(store.trouble(), None);
    assert_eq!(
        store.deliveries(100).await.unwrap().len(),
        1,
        "what was refused is not stored"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_locks_are_waited_for() {
    let fresh = sqlite().await;
    let mut writers = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(6);
    for writer in 0..8 {
        let store = fresh.store.clone();
        writers.spawn(async move {
            let mut number = 0;
            while Instant::now() < until {
                let id = format!("{writer}-{number}");
                store.accept_delivery(&delivery(&id, number)).await.unwrap();
                number += 1;
            }
            number
        });
    }
    let mut holder = other(&fresh.url).await;
    let mut held = 0_u64;
    while Instant::now() < until {
        holder
            .execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")
            .await
            .unwrap();
        // A program that holds the lock for a while is what is tried here.
        tokio::time::sleep(Duration::from_millis(50 + held * 397 % 900)).await;
        holder.execute("ROLLBACK").await.unwrap();
        held += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut stored = 0;
    while let Some(written) = writers.join_next().await {
        stored += usize::try_from(written.unwrap()).unwrap();
    }
    assert!(held > 3 && stored > 8, "{held} locks, {stored} writes");
    let all = waiting_deliveries(&fresh.store, u32::MAX).await;
    assert_eq!(all.len(), stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_locked_can_be_opened() {
    let fresh = sqlite().await;
    fresh.store.close().await;
    let mut holder = other(&fresh.url).await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let began = Instant::now();
    let store = Store::open(&fresh.url).await.unwrap();
    assert_eq!(store.deliveries(10).await.unwrap(), []);
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "it waits for nothing: {:?}",
        began.elapsed()
    );
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(store.accept_delivery(&delivery("d", 0)).await, Ok(Accepted::New));
}
