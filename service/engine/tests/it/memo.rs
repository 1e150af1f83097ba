//! What a step remembers of its earlier executions: a help, never a difference.

use crate::tiny::{Task, everything_in};
use crate::yard::{REPO, Yard};
use std::sync::{Arc, Mutex};
use trainyard_core::run::Run;
use trainyard_executors::fake::Script;

const WITH_STATISTICS: (&str, &str) = (
    "  left: { image",
    "  statistics: { uses: statistics-gen, inputs: { examples: examples } }\n  left: { image",
);

/// A yard whose statistics-gen notes what it was given to remember.
async fn yard() -> (Yard, Arc<Mutex<Vec<String>>>) {
    let yard = Yard::new().await;
    let remembered: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&remembered);
    yard.script("statistics", move |_, program| {
        let task = Task::of(program);
        let rows = everything_in(&task.input("examples").join("Split-train"));
        notes
            .lock()
            .unwrap()
            .push(everything_in(&task.input("stored_statistics")));
        Script::writes("statistics/statistics.json", format!("of {rows}"))
    });
    (yard, remembered)
}

/// The artifact that a run's statistics-gen was given to remember.
fn given(run: &Run) -> Option<&str> {
    let memo = run.steps["statistics"].inputs.get("stored_statistics");
    memo.map(|artifact| artifact.name.as_str())
}

#[tokio::test]
async fn statistics_gen_is_given_what_it_published_last() {
    let (yard, remembered) = yard().await;
    yard.push(&[WITH_STATISTICS]).await;
    let (_, first) = yard.last(1).await;
    assert_eq!(given(&first), None, "an empty folder");

    yard.data("2013-02", "3,4\n");
    yard.arrive("1", "rows", "2013-02").await.unwrap();
    let (_, second) = yard.last(2).await;
    let of_first = first.steps["statistics"].outputs["statistics"].clone();
    assert_eq!(given(&second), Some(of_first.name.as_str()));
    let (key, preimage) = yard
        .engine
        .reads()
        .preimage(&second.request.id, &"statistics".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(second.steps["statistics"].key.as_ref(), Some(&key));
    let text = preimage.to_string();
    assert!(!text.contains("stored_statistics") && !text.contains(of_first.digest.as_str()));

    // A late word of the first data means the newest: the key knows nothing of the memo, so its execution stands in.
    yard.arrive("2", "rows", "2013-01").await.unwrap();
    let (_, third) = yard.last(3).await;
    assert_eq!(third.steps["statistics"].state.as_str(), "cached");
    assert_eq!(third.steps["statistics"].key, second.steps["statistics"].key);

    // A pull request reads what the branch remembers, and leaves nothing behind.
    yard.work.branch("other").await;
    yard.data("2013-03", "5,6\n");
    yard.push(&[WITH_STATISTICS, ("auc: 0.7", "auc: 0.71")]).await;
    yard.github
        .open_pull_request(REPO, "Other", "other", "main")
        .await
        .unwrap();
    let (_, pull) = yard.last(4).await;
    assert!(pull.request.pull_request.is_some());
    let of_second = second.steps["statistics"].outputs["statistics"].clone();
    assert_eq!(given(&pull), Some(of_second.name.as_str()));

    // What has lost its bytes is not offered.
    std::fs::rename(&of_second.uri, yard.folder().join("away")).unwrap();
    yard.data("2013-04", "7,8\n");
    yard.arrive("3", "rows", "2013-04").await.unwrap();
    let (_, last) = yard.last(5).await;
    assert_eq!(given(&last), Some(of_first.name.as_str()));
    assert_eq!(*remembered.lock().unwrap(), ["", "of 1,2\n", "of 3,4\n", "of 1,2\n"]);
}
