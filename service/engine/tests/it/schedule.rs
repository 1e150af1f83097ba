//! The clock, and people.

use crate::second_process::sql;
use crate::tiny;
use crate::yard::{REPO, Yard, open, until};
use serde_json::{Map, json};
use std::time::{SystemTime, UNIX_EPOCH};
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::plan::{Catchup, Schedule};
use trainyard_core::run::RunState;
use trainyard_store::{NewSchedule, RunRow};

const MINUTE: i64 = 60_000_000;
const YEAR: i64 = 365 * 24 * 60 * MINUTE;

fn ago(micros: i64) -> Micros {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Micros(i64::try_from(now.as_micros()).unwrap() - micros)
}

fn repo() -> RepoName {
    RepoName::parse(REPO).unwrap()
}

/// A service that was down for `down` while this schedule went on; not started yet.
async fn after(down: i64, cron: &str, timezone: &str, catchup: Catchup) -> Yard {
    let mut yard = Yard::new().await;
    let scheduled = ("  data: {", "  schedule: { cron: \"0 0 29 2 *\" }\n  data: {");
    yard.push(&[scheduled]).await;
    yard.last(1).await;
    yard.crash().await;
    let schedule = Schedule {
        cron: cron.to_owned(),
        timezone: timezone.to_owned(),
        catchup,
    };
    let new = NewSchedule {
        pipeline: "tiny".to_owned(),
        folder: "pipelines/tiny".to_owned(),
        schedule,
    };
    let store = yard.other_store().await;
    store
        .put_schedules(Some(&repo()), Some("main"), None, &[new], ago(down))
        .await
        .unwrap();
    yard
}

/// A schedule, in UTC, that was due so many minutes ago, and is not again while a test goes on.
fn due<const N: usize>(minutes: [i64; N]) -> String {
    let minute = |before: i64| (ago(before * MINUTE).0 / MINUTE % 60).to_string();
    format!("{} * * * *", minutes.map(minute).join(","))
}

/// A service that was down when one slot was due; not started yet.
pub async fn missed() -> Yard {
    after(7 * MINUTE, &due([4]), "UTC", Catchup::Latest).await
}

/// The runs of slots, when there are as many as expected and the newest slot is taken.
async fn slots(yard: &Yard, count: usize) -> Vec<RunRow> {
    let runs = yard.finished(1 + count).await;
    assert_eq!(runs.len(), 1 + count);
    for run in &runs[1..] {
        assert_eq!(
            (run.trigger.as_str(), run.state),
            ("schedule", RunState::Succeeded),
            "{:?}",
            run.summary
        );
    }
    runs[1..].to_vec()
}

#[tokio::test]
async fn every_missed_slot_is_taken_once_by_one_of_two_engines() {
    let mut yard = after(13 * MINUTE, &due([10, 5]), "UTC", Catchup::All).await;
    let other = open(&yard.config, &yard.executor, &yard.images).await;
    let _loops = other.start();
    yard.restart().await;
    let row = until("newest slot", async || {
        let row = yard.engine.reads().schedules().await.unwrap().remove(0);
        row.last_slot.filter(|slot| slot.0 > ago(8 * MINUTE).0)
    })
    .await;
    let runs = slots(&yard, 2).await;
    let mut causes: Vec<String> = runs.iter().map(|run| run.cause.clone()).collect();
    causes.dedup();
    assert_eq!(causes.len(), 2, "each slot once, oldest first: {causes:?}");
    assert!(causes.is_sorted());
    assert!(row.0 % MINUTE == 0);
}

#[tokio::test]
async fn only_the_newest_missed_slot_is_taken() {
    let mut yard = after(13 * MINUTE, &due([10, 5]), "UTC", Catchup::Latest).await;
    yard.restart().await;
    slots(&yard, 1).await;
}

#[tokio::test]
async fn no_missed_slot_is_taken() {
    // On time is what came due in the last minute: an hour ago is not.
    let mut yard = after(YEAR, "0 0 1 1 *", "UTC", Catchup::None).await;
    yard.restart().await;
    yard.engine
        .request_known(&repo(), "tiny", &Map::new(), "ada")
        .await
        .unwrap();
    let runs = yard.finished(2).await;
    assert_eq!(
        runs[1].trigger, "manual",
        "the schedule was looked at, and started nothing"
    );
    assert_eq!(yard.engine.reads().schedules().await.unwrap()[0].last_slot, None);
}

#[tokio::test]
async fn slots_are_in_the_schedules_own_zone() {
    let mut yard = after(YEAR, "30 1 1 11 *", "America/New_York", Catchup::Latest).await;
    yard.restart().await;
    let run = slots(&yard, 1).await.remove(0);
    // Summer time ends on or after this day, at 2:00; the first 1:30 is still in it.
    assert!(run.cause.ends_with("-11-01T05:30:00+00:00"), "{}", run.cause);
}

#[tokio::test]
async fn a_person_starts_a_run_with_other_parameters() {
    let yard = Yard::new().await;
    let none = Map::new();
    let refused = yard
        .engine
        .request_known(&repo(), "tiny", &none, "ada")
        .await
        .unwrap_err();
    insta::assert_snapshot!(refused, @"acme/tiny has no pipeline 'tiny' on its default branch (known: none): push its pipeline file there first");
    yard.push(&[]).await;
    yard.last(1).await;
    let refused = yard
        .engine
        .request_known(&repo(), "tinny", &none, "ada")
        .await
        .unwrap_err();
    insta::assert_snapshot!(refused, @"acme/tiny has no pipeline 'tinny' on its default branch (known: tiny): push its pipeline file there first");
    let unknown = json!({"acu": 0.8}).as_object().unwrap().clone();
    let refused = yard
        .engine
        .request_known(&repo(), "tiny", &unknown, "ada")
        .await
        .unwrap_err();
    insta::assert_snapshot!(refused, @"pipelines/tiny/pipeline.yaml:2:1: there is no parameter 'acu' to replace: did you mean 'auc'? known are auc, serve");
    let better = json!({"auc": 0.8}).as_object().unwrap().clone();
    yard.engine
        .request_known(&repo(), "tiny", &better, "ada")
        .await
        .unwrap();
    let (row, _) = yard.last(2).await;
    assert_eq!(
        (row.trigger.as_str(), row.cause.as_str()),
        ("manual", "manual request by ada")
    );
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.8)));
    assert!(tiny::TINY.contains("auc: 0.7"), "the file says otherwise");
}

#[tokio::test]
async fn a_slot_of_a_pipeline_that_cannot_be_read_waits_until_it_can() {
    let mut yard = after(13 * MINUTE, &due([10, 5]), "UTC", Catchup::Latest).await;
    sql(&yard, "UPDATE pipelines SET plan = '[' || plan").await;
    yard.restart().await;
    // What it is for, others hear of: an arrival of data is settled, and says what was left out.
    yard.arrive("1", "rows", "2013-01").await.unwrap();
    let settled = yard.settled(2).await;
    let outcome = &settled[0].events[0].outcome;
    assert!(
        outcome.contains("the stored pipeline 'acme/tiny tiny' cannot be read"),
        "{outcome}"
    );
    until("look at the schedules", async || {
        let unreadable = yard.engine.reads().unreadable();
        (!unreadable.is_empty()).then_some(())
    })
    .await;
    assert_eq!(yard.runs().await.len(), 1);
    assert_eq!(
        yard.engine.reads().schedules().await.unwrap()[0].last_slot,
        None,
        "the slot is not used up"
    );
    sql(&yard, "UPDATE pipelines SET plan = substr(plan, 2)").await;
    yard.restart().await;
    slots(&yard, 1).await;
}
