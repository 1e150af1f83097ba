//! The change number and those who follow it.

use crate::databases::on_both;
use crate::plant;
use crate::samples::{at, delivery, forward, request, start_run, starts, status};
use std::process::Command;
use std::time::Duration;
use tokio::time::timeout;
use trainyard_core::ids::RunId;
use trainyard_core::report::StatusState;
use trainyard_core::run::RunEvent;
use trainyard_store::{Changes, DatabaseUrl, Reads, Store};

/// Well below the time after which a follower looks without a signal.
const DEADLINE: Duration = Duration::from_secs(20);

const ADDRESS: &str = "TRAINYARD_TEST_CHILD_DATABASE";

async fn next(changes: &mut Changes) -> u64 {
    timeout(DEADLINE, changes.next())
        .await
        .expect("a change that nobody heard of")
}

/// Follows until the number is there; nothing else wakes it.
async fn reach(changes: &mut Changes, number: u64) {
    while next(changes).await < number {}
}

/// Runs only as the child of the test below: stores one delivery.
#[tokio::test]
#[ignore = "the child of another_process_is_heard"]
async fn child() {
    let Some(address) = std::env::var_os(ADDRESS) else {
        return;
    };
    let url = DatabaseUrl::parse(address.to_str().unwrap()).unwrap();
    let store = Store::open(&url).await.unwrap();
    store.accept_delivery(&delivery("from outside", 0)).await.unwrap();
}

async fn deliveries(reads: &Reads) -> u64 {
    reads.stats().await.unwrap().deliveries
}

on_both! {
    async fn every_write_that_could_be_shown_moves_the_number(fresh) {
        let store = &fresh.store;
        let first = store.change_number().await.unwrap();
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        assert_eq!(store.change_number().await.unwrap(), first + 1);
        let mut run = start_run(store, "r1", 0).await;
        store.append(forward(&mut run, vec![RunEvent::Started { baseline: None }], at(1))).await.unwrap();
        store.put_outbox(&[status("s", StatusState::Pending)], at(1)).await.unwrap();
        assert_eq!(store.change_number().await.unwrap(), first + 4);
        // A write that fails is none.
        let mut again = crate::samples::manual("e9");
        again.consequences = vec![starts(request("r1", 0))];
        store.record_event(&again, None, at(1)).await.unwrap_err();
        assert_eq!(store.change_number().await.unwrap(), first + 4);
        let opened = Store::open(&fresh.url).await.unwrap();
        assert_eq!(opened.change_number().await.unwrap(), first + 4, "opening changes nothing");
    }

    async fn a_follower_hears_of_this_process_at_once(fresh) {
        let store = &fresh.store;
        let mut changes = store.reads().changes();
        let first = next(&mut changes).await;
        assert_eq!(first, store.change_number().await.unwrap());
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        assert_eq!(next(&mut changes).await, first + 1);
        let mut late = store.changes();
        assert_eq!(next(&mut late).await, first + 1, "who comes later begins with the number now");
    }

    async fn another_store_is_heard(fresh) {
        let other = Store::open(&fresh.url).await.unwrap();
        let mut changes = fresh.store.changes();
        let first = next(&mut changes).await;
        for number in 1..=3 {
            other.accept_delivery(&delivery(&format!("d{number}"), number)).await.unwrap();
            assert_eq!(next(&mut changes).await, first + number);
            assert_eq!(deliveries(&fresh.store).await, number);
        }
    }

    async fn another_process_is_heard(fresh) {
        let mut changes = fresh.store.changes();
        let first = next(&mut changes).await;
        let address = match &fresh.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(address) => address.clone(),
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "changes::child", "--ignored"])
            .env(ADDRESS, address)
            .spawn()
            .unwrap();
        assert_eq!(next(&mut changes).await, first + 1);
        assert_eq!(deliveries(&fresh.store).await, 1);
        assert!(child.wait().unwrap().success());
    }

    async fn leases_and_probes_wake_nobody(fresh) {
        let other = Store::open(&fresh.url).await.unwrap();
        start_run(&fresh.store, "r1", 0).await;
        let id = RunId::new("r1");
        let mut changes = fresh.store.changes();
        let first = next(&mut changes).await;
        for (store, owner) in [(&fresh.store, "one"), (&other, "two")] {
            let epoch = store.acquire_lease(&id, owner, None).await.unwrap().unwrap();
            for _ in 1..20 {
                assert_eq!(store.renew_lease(&id, epoch).await.unwrap(), Some(0));
            }
            store.check_writable().await.unwrap();
            store.release_lease(&id, epoch).await.unwrap();
        }
        assert_eq!(fresh.store.change_number().await.unwrap(), first);
        other.accept_delivery(&delivery("d1", 0)).await.unwrap();
        assert_eq!(next(&mut changes).await, first + 1, "the next that is heard of is the next that counts");
    }

    async fn no_change_is_missed(fresh) {
        let other = Store::open(&fresh.url).await.unwrap();
        let mut stored = 0;
        for round in 0..25 {
            let mut changes = fresh.store.changes();
            let mut writers = Vec::new();
            for writer in 0..4 {
                let store = if writer < round % 5 { fresh.store.clone() } else { other.clone() };
                writers.push(tokio::spawn(async move {
                    for number in 0..round % 4 + 1 {
                        let id = format!("{round} {writer} {number}");
                        store.accept_delivery(&delivery(&id, 0)).await.unwrap();
                    }
                }));
            }
            stored += 4 * (round % 4 + 1);
            // Whoever reads after each change has seen everything after the last.
            loop {
                next(&mut changes).await;
                if deliveries(&fresh.store).await == stored {
                    break;
                }
            }
            for writer in writers {
                writer.await.unwrap();
            }
            let last = fresh.store.change_number().await.unwrap();
            reach(&mut fresh.store.changes(), last).await;
        }
    }
}

async fn listeners(url: &DatabaseUrl) -> i64 {
    let query = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    plant::number(url, query).await
}

async fn wait_for_listeners(url: &DatabaseUrl, wanted: i64) {
    let waiting = async { while listeners(url).await != wanted {} };
    timeout(DEADLINE, waiting)
        .await
        .expect("another number of connections that listen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_listens_for_all_followers_and_for_no_longer() {
    let fresh = crate::databases::postgres().await;
    assert_eq!(listeners(&fresh.url).await, 0);
    let (mut one, mut two) = (fresh.store.changes(), fresh.store.changes());
    next(&mut one).await;
    next(&mut two).await;
    wait_for_listeners(&fresh.url, 1).await;
    drop(one);
    wait_for_listeners(&fresh.url, 1).await;
    drop(two);
    wait_for_listeners(&fresh.url, 0).await;
    let mut three = fresh.store.changes();
    next(&mut three).await;
    wait_for_listeners(&fresh.url, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_lost_its_connection_hears_again() {
    let fresh = crate::databases::postgres().await;
    let other = Store::open(&fresh.url).await.unwrap();
    let mut changes = fresh.store.changes();
    let first = next(&mut changes).await;
    wait_for_listeners(&fresh.url, 1).await;
    let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(plant::number(&fresh.url, end).await, 1);
    other.accept_delivery(&delivery("d1", 0)).await.unwrap();
    assert_eq!(next(&mut changes).await, first + 1);
    other.accept_delivery(&delivery("d2", 0)).await.unwrap();
    assert_eq!(next(&mut changes).await, first + 2);
}
