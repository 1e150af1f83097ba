//! GitHub in trouble: the run succeeds, and the status arrives later.

use crate::yard::{REPO, Yard};
use trainyard_core::run::RunState;
use trainyard_github::simulator::Fault;

#[tokio::test]
async fn failures_and_limits_delay_only_the_status() {
    let yard = Yard::new().await;
    let faults = [Fault::Status(401), Fault::RetryAfter(1), Fault::PrimaryLimit(1)];
    yard.github.inject(faults);
    let commit = yard.push(&[]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert!(yard.github.faults_left() > 0, "the run waited for GitHub");
    let status = yard.status(&commit, "success").await;
    insta::assert_snapshot!(status.description.unwrap(), @"approved, and serving as version 000001");
    yard.all_told().await;
    assert_eq!(yard.github.faults_left(), 0);
}

#[tokio::test]
async fn a_comment_whose_answer_is_lost_is_made_once() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    yard.work.branch("better").await;
    yard.github.inject_at("POST", "/comments", Fault::LoseAnswer);
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let number = yard
        .github
        .open_pull_request(REPO, "Be better", "better", "main")
        .await
        .unwrap();
    yard.last(2).await;
    yard.all_told().await;
    assert_eq!(yard.github.faults_left(), 0);
    assert_eq!(yard.github.comments(REPO, number).len(), 1);
}

#[tokio::test]
async fn a_status_that_was_not_told_survives_a_restart() {
    let mut yard = Yard::new().await;
    yard.github.inject([Fault::Status(500)]);
    let commit = yard.push(&[]).await;
    yard.last(1).await;
    yard.restart().await;
    yard.status(&commit, "success").await;
    yard.all_told().await;
}
