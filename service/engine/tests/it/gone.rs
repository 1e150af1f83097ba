//! A pull request that is closed, and a branch that is deleted, while something runs for them.

use crate::yard::{REPO, Yard, until};
use trainyard_core::run::RunState;

const OVERTAKING: (&str, &str) = (
    "steps:",
    "concurrency: { max_active_runs: 1, on_conflict: cancel_previous }\nsteps:",
);

async fn with_pull_request(yard: &Yard, changes: &[(&str, &str)]) -> u64 {
    yard.push(changes).await;
    yard.last(1).await;
    yard.work.branch("better").await;
    let better = [changes, &[("auc: 0.7", "auc: 0.8")]].concat();
    yard.push(&better).await;
    yard.settled(2).await;
    yard.hold("train");
    let opened = yard.github.open_pull_request(REPO, "Be better", "better", "main");
    let number = opened.await.unwrap();
    until("a second run at work", async || {
        yard.runs()
            .await
            .get(1)
            .filter(|run| run.state == RunState::Running)
            .map(drop)
    })
    .await;
    number
}

#[tokio::test]
async fn a_closed_pull_request_ends_its_run_where_what_is_overtaken_ends_and_starts_it_anew_when_it_is_reopened() {
    let yard = Yard::new().await;
    let number = with_pull_request(&yard, &[OVERTAKING]).await;
    yard.github.set_pull_request_open(REPO, number, false).await.unwrap();
    let over = yard.finished(2).await;
    assert_eq!(over[1].state, RunState::Cancelled);
    let commit = over[1].commit.clone().unwrap();
    insta::assert_snapshot!(yard.status(&commit, "error").await.description.unwrap(), @"cancelled by the closing of its pull request");
    yard.release("train");
    yard.github.set_pull_request_open(REPO, number, true).await.unwrap();
    let (row, _) = yard.last(3).await;
    assert_eq!((row.commit, row.state), (Some(commit.clone()), RunState::Succeeded));
    yard.status(&commit, "success").await;
    // Open again is not asked twice.
    yard.github.set_pull_request_open(REPO, number, false).await.unwrap();
    yard.github.set_pull_request_open(REPO, number, true).await.unwrap();
    yard.settled(7).await;
    assert_eq!(yard.runs().await.len(), 3);
    yard.tidy().await;
}

#[tokio::test]
async fn a_closed_pull_request_ends_nothing_where_runs_queue() {
    let yard = Yard::new().await;
    let number = with_pull_request(&yard, &[]).await;
    yard.github.set_pull_request_open(REPO, number, false).await.unwrap();
    yard.settled(4).await;
    yard.release("train");
    assert_eq!(yard.finished(2).await[1].state, RunState::Succeeded);
}

#[tokio::test]
async fn a_deleted_branch_ends_its_run() {
    let yard = Yard::new().await;
    let every = ("push: { branches: [main],", "push: { branches: ['**'],");
    yard.push(&[OVERTAKING, every]).await;
    yard.last(1).await;
    yard.hold("train");
    yard.work.branch("trial").await;
    yard.push(&[OVERTAKING, every, ("auc: 0.7", "auc: 0.8")]).await;
    until("a second run at work", async || {
        yard.runs()
            .await
            .get(1)
            .filter(|run| run.state == RunState::Running)
            .map(drop)
    })
    .await;
    yard.work.git(&["push", "--quiet", "origin", ":trial"]).await;
    let over = yard.finished(2).await;
    assert_eq!(over[1].state, RunState::Cancelled);
    let told = yard.settled(3).await;
    let said = told[0].outcome.clone().unwrap().replace(over[1].id.as_str(), "RUN");
    insta::assert_snapshot!(said, @"branch trial was deleted, and run RUN ends with it");
    yard.tidy().await;
}
