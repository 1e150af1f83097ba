//! Power loss: a child writes, `tests/power_loss.c` records the order of its writes and syncs, and each moment of it is
//! replayed without what was not synced: none of it, all of it, or any part, a page torn.

use crate::arrivals::NewDelivery;
use crate::database::DatabaseUrl;
use crate::store::open_sqlite;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use sqlx::sqlite::SqliteSynchronous;
use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use trainyard_core::ids::{DeliveryId, Micros};

const FOLDER: &str = "POWER_LOSS_FOLDER";
const LOG: &str = "POWER_LOSS_LOG";
const NORMAL: &str = "POWER_LOSS_NORMAL";
const DELIVERIES: usize = 400;
/// What a disk writes whole.
const SECTOR: usize = 512;

/// Runs only as the child of the tests below: accepts deliveries and notes each id after its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the tests of power loss"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let synchronous = match std::env::var_os(NORMAL) {
        Some(_) => SqliteSynchronous::Normal,
        None => SqliteSynchronous::Full,
    };
    let path = folder.join("trainyard.db");
    let store = open_sqlite(&DatabaseUrl::Sqlite(path.clone()), &path, synchronous)
        .await
        .unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (store, noted) = (store.clone(), folder.join(format!("noted-{writer}")));
        writers.spawn(async move {
            for number in 0..DELIVERIES / 4 {
                let id = format!("{writer}-{number}");
                let delivery = NewDelivery {
                    id: DeliveryId::new(id.clone()),
                    origin: "github".to_owned(),
                    kind: "push".to_owned(),
                    received_at: Micros(0),
                    headers: serde_json::Map::new(),
                    body: vec![b'x'; 8192].into(),
                    digest: None,
                    flagged: None,
                };
                store.accept_delivery(&delivery).await.unwrap();
                fs::write(&noted, format!("{id}\n")).unwrap();
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    std::process::exit(0);
}

/// A change of a file, as it was recorded.
#[derive(Clone, Debug)]
enum Change {
    Create,
    Write(usize, Vec<u8>),
    Truncate(usize),
    Sync,
    Unlink,
    Rename(String),
}

/// Runs the child and reads what was recorded.
fn recorded(normal: bool) -> Vec<(String, Change)> {
    let folder = tempfile::tempdir().unwrap();
    let (library, log, yard) = (
        folder.path().join("record.so"),
        folder.path().join("log"),
        folder.path().join("yard"),
    );
    fs::create_dir(&yard).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_loss.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success(), "the C compiler that SQLite is built with");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "power_loss::child", "--ignored"]);
    child.env("LD_PRELOAD", library).env(FOLDER, &yard).env(LOG, &log);
    if normal {
        child.env(NORMAL, "1");
    }
    assert!(child.status().unwrap().success());
    let bytes = fs::read(log).unwrap();
    let mut changes = Vec::new();
    let mut rest = bytes.as_slice();
    let inside = |path: &str| {
        path.strip_prefix(yard.to_str().unwrap())
            .unwrap_or(path)
            .trim_start_matches('/')
            .to_owned()
    };
    while !rest.is_empty() {
        let number =
            |at: usize| usize::try_from(u64::from_ne_bytes(rest[at * 8..at * 8 + 8].try_into().unwrap())).unwrap();
        let (kind, length, offset, size) = (number(0), number(1), number(2), number(3));
        let path = inside(std::str::from_utf8(&rest[32..32 + length]).unwrap());
        let data = rest[32 + length..32 + length + size].to_vec();
        rest = &rest[32 + length + size..];
        let change = match kind {
            1 => Change::Create,
            2 => Change::Write(offset, data),
            3 => Change::Truncate(offset),
            4 => Change::Sync,
            5 => Change::Unlink,
            6 => Change::Rename(inside(&String::from_utf8(data).unwrap())),
            other => panic!("unknown change {other}"),
        };
        changes.push((path, change));
    }
    changes
}

/// What the disk has of a file, and what may or may not have come to it.
#[derive(Clone, Default)]
struct Content {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

/// A disk, which keeps what was synced, and of the rest what it likes.
#[derive(Default)]
struct Disk {
    files: BTreeMap<String, Content>,
    /// Names as the synced folder has them.
    names: BTreeSet<String>,
}

impl Disk {
    fn apply(&mut self, path: &str, change: &Change) {
        match change {
            Change::Create => _ = self.files.insert(path.to_owned(), Content::default()),
            Change::Unlink => _ = self.files.remove(path),
            Change::Rename(to) => {
                let content = self.files.remove(path).unwrap_or_default();
                self.files.insert(to.clone(), content);
            }
            // The folder itself.
            Change::Sync if path.is_empty() => self.names = self.files.keys().cloned().collect(),
            Change::Sync => {
                let content = self.files.entry(path.to_owned()).or_default();
                for change in std::mem::take(&mut content.pending) {
                    write(&mut content.synced, &change, |_| true);
                }
            }
            other => self
                .files
                .entry(path.to_owned())
                .or_default()
                .pending
                .push(other.clone()),
        }
    }

    /// The files after the power came back; `kept` says of each piece that was not synced whether it is there.
    fn image(&self, folder: &Path, mut kept: impl FnMut() -> bool) {
        for (name, content) in self.files.iter().filter(|(name, _)| !name.starts_with("noted")) {
            if !self.names.contains(name) && !kept() {
                continue;
            }
            let mut bytes = content.synced.clone();
            for change in &content.pending {
                write(&mut bytes, change, |_| kept());
            }
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

/// Writes those sectors of a change that are kept.
fn write(bytes: &mut Vec<u8>, change: &Change, mut kept: impl FnMut(usize) -> bool) {
    match change {
        Change::Truncate(length) if kept(0) => bytes.resize(*length, 0),
        Change::Truncate(_) => {}
        Change::Write(offset, data) => {
            let mut at = 0;
            while at < data.len() {
                // To the next border of a sector.
                let end = (at + SECTOR - (offset + at) % SECTOR).min(data.len());
                if kept(at) {
                    let place = offset + at..offset + end;
                    if bytes.len() < place.end {
                        bytes.resize(place.end, 0);
                    }
                    bytes[place].copy_from_slice(&data[at..end]);
                }
                at = end;
            }
        }
        _ => {}
    }
}

/// What is wrong after the power came back; `None` if all that was acknowledged is there and whole.
async fn wrong(folder: &Path, acknowledged: &BTreeSet<String>) -> Option<String> {
    let path = folder.join("trainyard.db");
    let address = format!("sqlite://{}", path.display());
    let mut database = match SqliteConnection::connect(&address).await {
        Ok(database) => database,
        Err(error) => return Some(error.to_string()),
    };
    let well: Result<String, _> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut database)
        .await;
    let ids: Result<Vec<String>, _> = sqlx::query_scalar("SELECT id FROM deliveries")
        .fetch_all(&mut database)
        .await;
    match (well, ids) {
        (Ok(well), Ok(ids)) if well == "ok" => {
            let there: BTreeSet<String> = ids.into_iter().collect();
            acknowledged
                .difference(&there)
                .next()
                .map(|lost| format!("delivery {lost} was acknowledged and is lost"))
        }
        (well, ids) => Some(format!("{well:?} {:?}", ids.err())),
    }
}

/// Cuts the power at so many moments, thrice each: what went wrong, and the number of images.
async fn losses(changes: &[(String, Change)], moments: usize, seed: u8) -> (Vec<String>, usize) {
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut disk = Disk::default();
    let mut acknowledged = BTreeSet::new();
    let (mut losses, mut images) = (Vec::new(), 0);
    let notes = changes.iter().filter(|(path, _)| path.starts_with("noted")).count();
    let others = changes.len() - notes;
    for (path, change) in changes {
        let noted = path.starts_with("noted");
        if let (true, Change::Write(_, id)) = (noted, change) {
            acknowledged.insert(String::from_utf8(id.clone()).unwrap().trim().to_owned());
        }
        disk.apply(path, change);
        // Half of the moments are just after an answer.
        let among = if noted { notes } else { others };
        if acknowledged.is_empty() || random.random_range(0..among) >= moments / 2 {
            continue;
        }
        let share = random.random_range(0.05..0.95);
        for mode in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            disk.image(folder.path(), || match mode {
                0 => false,
                1 => true,
                _ => random.random_bool(share),
            });
            images += 1;
            if let Some(wrong) = wrong(folder.path(), &acknowledged).await {
                losses.push(wrong);
            }
        }
    }
    (losses, images)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_loss_of_power() {
    let changes = recorded(false);
    let (losses, images) = losses(&changes, 420, 1).await;
    assert!(images >= 1000, "{images} images of {} changes", changes.len());
    assert_eq!(losses, [""; 0], "{images} images");
}

/// The replay would see it: without a sync at each commit, answers are forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_fewer_syncs_the_same_test_fails() {
    let (losses, images) = losses(&recorded(true), 60, 2).await;
    assert!(
        losses.iter().any(|wrong| wrong.ends_with("is lost")),
        "{images} images: {losses:?}"
    );
}
