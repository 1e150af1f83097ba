//! What another process writes is heard without a signal of this one, and a row that cannot be read stops nobody.

use crate::yard::{Yard, until};
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::run::RunState;

/// Changes the database by a process of its own, while this one goes on: it may be in the middle of a write.
pub async fn sql(yard: &Yard, text: &str) {
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1], timeout=60)\n\
        db.execute(sys.argv[2])\n\
        db.commit()";
    let database = yard.engine.folders_of().database();
    let mut python = tokio::process::Command::new("python3");
    let done = python.args(["-c", script]).arg(database).arg(text).status().await;
    assert!(done.unwrap().success());
}

/// Damages what was asked for of a run that nobody has looked at yet.
async fn damage(yard: &Yard, run: &RunId) {
    sql(
        yard,
        &format!("UPDATE run_requests SET request = substr(request, 1, 100) WHERE run = '{run}'"),
    )
    .await;
}

/// The service dies three times with the same command in hand; what a killed process leaves is written here.
#[tokio::test]
async fn a_run_that_kills_the_service_is_set_aside_and_the_others_go_on() {
    let mut yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    yard.started("train", 1).await;
    let poison = yard.runs().await.remove(0).id;
    for times in 1..=3 {
        yard.crash().await;
        let hands = yard.engine.folders_of().hands();
        std::fs::write(hands.join(format!("dead.{poison}.0")), "").unwrap();
        yard.restart().await;
        until("count of the crash", async || {
            let crashes = yard.engine.reads().crashes().await.unwrap();
            crashes.into_iter().find(|crash| crash.times == times)
        })
        .await;
    }
    yard.release_later("train");
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let rows = until("end of the other run", async || {
        let rows = yard.runs().await;
        (rows.len() == 2 && rows[1].state.is_final()).then_some(rows)
    })
    .await;
    assert_eq!(rows[1].state, RunState::Succeeded, "{:?}", rows[1].summary);
    assert!(!rows[0].state.is_final());
    assert!(
        rows[0].set_aside.as_ref().unwrap().contains("3 times in a row"),
        "{:?}",
        rows[0].set_aside
    );
    // A person ends it all the same.
    assert!(yard.engine.cancel(&poison, "ada").await.unwrap());
    let rows = yard.finished(2).await;
    assert_eq!(rows[0].state, RunState::Cancelled, "{:?}", rows[0].summary);
    yard.tidy().await;
}

#[tokio::test]
async fn a_cancel_by_another_process_is_heard() {
    let yard = Yard::new().await;
    yard.hold("train");
    let commit = yard.push(&[]).await;
    yard.started("train", 1).await;
    let run = yard.runs().await.remove(0).id;
    let other = yard.other_store().await;
    assert!(other.request_cancel(&run, "grace", Micros(1)).await.unwrap());
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Cancelled);
    insta::assert_snapshot!(yard.status(&commit, "error").await.description.unwrap(), @"cancelled by grace");
    yard.tidy().await;
    other.close().await;
}

#[tokio::test]
async fn a_run_that_cannot_be_read_stops_no_other() {
    let mut yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    yard.started("train", 1).await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let waiting = until("second run", async || yard.runs().await.into_iter().nth(1)).await;
    yard.stop_loops().await;
    damage(&yard, &waiting.id).await;
    yard.restart().await;
    yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    yard.release("train");
    let rows = until("end of the runs that can be read", async || {
        let rows = yard.runs().await;
        let over = rows.iter().filter(|row| row.state.is_final()).count();
        (over == 2 && rows.len() == 3).then_some(rows)
    })
    .await;
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [RunState::Succeeded, RunState::Queued, RunState::Succeeded]);
    let unreadable = yard.engine.reads().unreadable();
    let [row] = unreadable.as_slice() else {
        panic!("{unreadable:?}")
    };
    assert!(row.sentence().contains(waiting.id.as_str()), "{}", row.sentence());
    // Data and pull requests go on as well.
    yard.data("2013-02", "3,4\n");
    yard.arrive("1", "rows", "2013-02").await.unwrap();
    until("end of the data's run", async || {
        let rows = yard.runs().await;
        rows.get(3).filter(|row| row.state == RunState::Succeeded).cloned()
    })
    .await;
}
