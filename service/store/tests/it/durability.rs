//! What was acknowledged is there after kill -9, and concurrent writes share commits.

use crate::databases;
use crate::samples::{delivery, start_run, waiting_deliveries};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use trainyard_store::{Accepted, DatabaseUrl, Store, StoreError};

const FOLDER: &str = "TRAINYARD_TEST_CHILD_FOLDER";

/// Runs only as the child of the test below: accepts deliveries and prints each id after its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of a_killed_process_lost_nothing_it_acknowledged"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(&DatabaseUrl::Sqlite(Path::new(&folder).join("trainyard.db")))
        .await
        .unwrap();
    let mut writers = Vec::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for number in 0_u64.. {
                let id = format!("{}-{writer}-{number}", std::process::id());
                assert_eq!(
                    store.accept_delivery(&delivery(&id, number)).await.unwrap(),
                    Accepted::New
                );
                println!("\naccepted {id}");
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_lost_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            if let Some(id) = line.strip_prefix("accepted ") {
                acknowledged.insert(id.to_owned());
                seen += 1;
            }
            if seen == 100 * round {
                child.kill().unwrap();
                break;
            }
        }
        // What it wrote to the pipe before it died was acknowledged too; the last line may be cut off.
        let rest: Vec<_> = lines.map_while(Result::ok).collect();
        child.wait().unwrap();
        let complete = rest.len().saturating_sub(1);
        acknowledged.extend(
            rest[..complete]
                .iter()
                .filter_map(|line| line.strip_prefix("accepted "))
                .map(str::to_owned),
        );
        assert!(seen >= 100 * round, "the child ended early");
    }
    let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("trainyard.db")))
        .await
        .unwrap();
    let stored: BTreeSet<_> = waiting_deliveries(&store, u32::MAX)
        .await
        .into_iter()
        .map(|d| d.id.to_string())
        .collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged deliveries are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writes_that_share_a_commit_only_the_bad_one_fails() {
    let fresh = databases::sqlite().await;
    start_run(&fresh.store, "taken", 0).await;
    let mut tasks = Vec::new();
    for number in 0..200 {
        let store = fresh.store.clone();
        tasks.push(tokio::spawn(async move {
            if number % 10 == 0 {
                let mut event = crate::samples::manual(&format!("bad-{number}"));
                event.consequences = vec![crate::samples::starts(crate::samples::request("taken", 0))];
                let refused = store.record_event(&event, None, crate::samples::NOW).await;
                assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
            } else {
                let accepted = store
                    .accept_delivery(&delivery(&format!("d{number}"), number))
                    .await
                    .unwrap();
                assert_eq!(accepted, Accepted::New);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(fresh.store.stats().await.unwrap().deliveries, 180);
    assert!(fresh.store.run_row("taken").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_that_writes_is_waited_for() {
    use sqlx::{Connection, Executor};
    let fresh = databases::sqlite().await;
    let DatabaseUrl::Sqlite(path) = &fresh.url else {
        unreachable!()
    };
    let mut other = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let store = fresh.store.clone();
    let waiting = tokio::spawn(async move { store.accept_delivery(&delivery("d1", 0)).await });
    // Readers are not disturbed meanwhile.
    assert_eq!(fresh.store.stats().await.unwrap().deliveries, 0);
    assert!(!waiting.is_finished());
    other.execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Accepted::New);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_close_the_file_alone_is_whole() {
    let fresh = databases::sqlite().await;
    let DatabaseUrl::Sqlite(path) = &fresh.url else {
        unreachable!()
    };
    for number in 0..50 {
        let delivery = delivery(&format!("d{number}"), number);
        fresh.store.accept_delivery(&delivery).await.unwrap();
    }
    // Another program that has the file open keeps the log's file, but nothing stays in it.
    let other = Store::open(&fresh.url).await.unwrap();
    fresh.store.close().await;
    let log = path.with_extension("db-wal");
    assert_eq!(std::fs::metadata(&log).map_or(0, |log| log.len()), 0);
    let copy = path.with_file_name("copy.db");
    std::fs::copy(path, &copy).unwrap();
    let copy = Store::open(&DatabaseUrl::Sqlite(copy)).await.unwrap();
    assert_eq!(copy.stats().await.unwrap().deliveries, 50);
    assert!(fresh.store.accept_delivery(&delivery("late", 99)).await.is_err());
    other.close().await;
    assert!(!log.exists());
}
