//! A cancel is final: nothing starts, nothing is published, nothing serves after it, or it came too
//! late and everything is as if nobody had asked.

use crate::moment::{Moment, Trap};
use crate::tiny::{self, Task};
use crate::yard::{Yard, until};
use serde_json::Map;
use std::time::Duration;
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::run::RunState;
use trainyard_store::{DatabaseUrl, Store};

#[tokio::test]
async fn a_waiting_run_and_a_running_one_are_cancelled() {
    let yard = Yard::new().await;
    yard.hold("train");
    let first = yard.push(&[]).await;
    yard.started("train", 1).await;
    let second = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let waiting = until("second run", async || yard.runs().await.into_iter().nth(1)).await;
    assert!(yard.engine.cancel(&waiting.id, "ada").await.unwrap());
    insta::assert_snapshot!(yard.status(&second, "error").await.description.unwrap(), @"cancelled by ada");
    let running = yard.runs().await.remove(0);
    assert_eq!(running.state, RunState::Running, "the other one goes on");

    assert!(yard.engine.cancel(&running.id, "ada").await.unwrap());
    let rows = yard.finished(2).await;
    assert!(rows.iter().all(|row| row.state == RunState::Cancelled));
    yard.status(&first, "error").await;
    yard.tidy().await;
    assert!(yard.on_disk().is_empty());
    let trained = yard
        .programs()
        .into_iter()
        .filter(|step| step.as_str() == "train")
        .count();
    assert_eq!(trained, 1, "nothing started after the cancel");
    assert!(!yard.engine.cancel(&running.id, "ada").await.unwrap(), "it is over");
}

#[tokio::test]
async fn a_cancel_during_a_push_comes_too_late() {
    let yard = Yard::new().await;
    yard.server.be_slow(8);
    yard.push(&[]).await;
    until("push at work", async || {
        yard.server.calls().contains(&"ready 000001".to_owned()).then_some(())
    })
    .await;
    let run = yard.runs().await.remove(0);
    yard.engine.cancel(&run.id, "ada").await.unwrap();
    let (row, _) = yard.last(1).await;
    // What serves and what is recorded are the same.
    assert_eq!(
        (row.state, row.summary.as_deref()),
        (RunState::Succeeded, Some("approved, and serving as version 000001"))
    );
    assert_eq!(yard.ledger().await, ["push 000001"]);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

/// Another process asks for the end of the run.
fn cancel_from_outside(database: &DatabaseUrl, run: &RunId) {
    let (database, run) = (database.clone(), run.clone());
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = Store::open(&database).await.unwrap();
            store.request_cancel(&run, "ada", Micros(1)).await.unwrap()
        })
    });
    assert!(asked.join().unwrap(), "the run was over");
}

// The trap holds the thread that drives the run. An image being built may write at that moment too, and
// must come to its end on another thread, or the cancel waits for its transaction for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_while_something_is_recorded_is_final() {
    let mut yard = Yard::with(|config| (config.max_parallel_steps, config.github) = (1, None)).await;
    yard.stop_loops().await;
    let folder = yard.folder().join("repository");
    for (file, content) in [(tiny::FILE, tiny::TINY), (tiny::DOCKERFILE, "FROM base\n")] {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), content).unwrap();
    }
    let pipeline = folder.join("pipelines/tiny");
    let mut served = 0;
    for write in 1..=20 {
        // Nothing of an earlier run stands in.
        yard.data("2013-01", &write.to_string());
        let run = yard
            .engine
            .request_local(&pipeline, &Map::new(), true, "ada")
            .await
            .unwrap();
        let (database, id) = (DatabaseUrl::Sqlite(yard.engine.folders_of().database()), run.clone());
        let guard = Trap::set(Moment::Before(write), move || cancel_from_outside(&database, &id));
        let ended = yard.engine.drive(&run).await.unwrap();
        drop(guard);
        yard.tidy().await;
        // The push and what comes after it.
        let late = write >= 19;
        served += usize::from(late);
        let expected = if late { RunState::Succeeded } else { RunState::Cancelled };
        assert_eq!(ended.state, expected, "before write {write}: {:?}", ended.summary);
        assert_eq!(yard.ledger().await.len(), served, "before write {write}");
        assert_eq!(yard.server.predict().is_some(), served > 0, "before write {write}");
    }
}

/// Hours of hashing are not waited for.
#[tokio::test]
async fn a_cancel_ends_the_hashing_of_outputs() {
    let yard = Yard::new().await;
    yard.script("train", |_, program| {
        let folder = Task::of(program).outputs().join("model");
        std::fs::create_dir_all(&folder).unwrap();
        let sparse = std::fs::File::create(folder.join("sparse")).unwrap();
        sparse.set_len(1 << 42).unwrap();
        tiny::usual(program)
    });
    yard.push(&[]).await;
    let run = until("publication at work", async || {
        let row = yard.runs().await.into_iter().next()?;
        let train = row.steps.iter().find(|step| step.name.as_str() == "train")?;
        (train.state == "publishing").then_some(row)
    })
    .await;
    assert!(yard.engine.cancel(&run.id, "ada").await.unwrap());
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Cancelled);
    yard.tidy().await;
    yard.swept().await;
    // Nobody reads it any more.
    until("end of the hashing", async || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut open = open.filter_map(|file| std::fs::read_link(file.path()).ok());
        let ours = yard.folder().display().to_string();
        let read = |file: &std::path::PathBuf| {
            let name = file.display().to_string();
            name.starts_with(&ours) && name.contains("model/sparse")
        };
        (!open.any(|file| read(&file))).then_some(())
    })
    .await;
}

/// Before its first byte a push is given up, though another one is at work at its target.
#[tokio::test]
async fn a_push_that_waits_for_its_turn_is_given_up() {
    let yard = Yard::with(|config| {
        config.max_parallel_runs = 2;
        config.targets.get_mut("tiny").unwrap().max_loading_time = Duration::from_secs(600);
    })
    .await;
    let two = ("steps:", "concurrency: { max_active_runs: 2 }\nsteps:");
    yard.server.be_slow(1_000_000);
    yard.push(&[two]).await;
    until("first push at work", async || {
        yard.server.calls().contains(&"ready 000001".to_owned()).then_some(())
    })
    .await;
    yard.push(&[two, ("auc: 0.7", "auc: 0.8")]).await;
    let second = until("verdict of the second run", async || {
        let row = yard.runs().await.into_iter().nth(1)?;
        row.blessing.is_some().then_some(row)
    })
    .await;
    assert!(yard.engine.cancel(&second.id, "ada").await.unwrap());
    let second = until("end of the second run", async || {
        yard.runs().await.into_iter().nth(1).filter(|run| run.state.is_final())
    })
    .await;
    assert_eq!(second.state, RunState::Cancelled, "{:?}", second.summary);
    assert_eq!(
        yard.runs().await[0].state,
        RunState::Running,
        "the first push is at work"
    );
}
