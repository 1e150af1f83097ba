//! Webhooks that never came are found: those that failed, and those that GitHub never tried to deliver.

use crate::yard::{REPO, Yard, until};
use std::time::{Duration, Instant};
use trainyard_core::ids::RepoName;
use trainyard_core::run::RunState;
use trainyard_github::simulator::Fault;

fn repo() -> RepoName {
    RepoName::parse(REPO).unwrap()
}

async fn sweeping() -> Yard {
    Yard::with(|config| {
        if let Some(github) = &mut config.github {
            github.sweep_every = Some(Duration::from_millis(600));
        }
    })
    .await
}

/// The first sweep notes what is there already.
async fn known(yard: &Yard) {
    until("a first sweep", async || {
        let known = yard.engine.reads().known_repositories().await.unwrap();
        known.iter().any(|known| known.swept.is_some()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_failed_while_the_service_was_down_is_sent_again_and_the_newest_counts() {
    let mut yard = sweeping().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    known(&yard).await;
    yard.crash().await;
    yard.push(&[("auc: 0.7", "auc: 0.72")]).await;
    let newest = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    until("two webhooks that failed", async || {
        let failed = yard
            .github
            .deliveries()
            .into_iter()
            .filter(|delivery| delivery.status != "OK")
            .count();
        (failed == 2).then_some(())
    })
    .await;
    yard.restart().await;
    until("a run of the newest commit", async || {
        let runs = yard.runs().await;
        let over = |commit: &Option<_>| commit.as_ref() == Some(&newest);
        runs.iter()
            .find(|run| over(&run.commit) && run.state == RunState::Succeeded)
            .map(drop)
    })
    .await;
    until("no gap", async || {
        let health = yard.engine.webhooks();
        (health.swept_at.is_some() && health.gap == 0 && health.alarms.is_empty()).then_some(())
    })
    .await;
    let again = yard
        .github
        .deliveries()
        .iter()
        .filter(|delivery| delivery.redelivery)
        .count();
    assert!(again >= 2, "both were asked for again");
    let of_newest = yard
        .runs()
        .await
        .iter()
        .filter(|run| run.commit.as_ref() == Some(&newest))
        .count();
    assert_eq!(of_newest, 1, "whichever way it was told");
}

#[tokio::test]
async fn a_branch_and_a_pull_request_of_which_nobody_told_are_found_once() {
    let yard = sweeping().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    known(&yard).await;
    yard.github.lose_webhooks(true);
    let lost = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.commit.as_ref(), Some(&lost));
    yard.work.git(&["switch", "--quiet", "--create", "faster"]).await;
    yard.work
        .git(&["commit", "--quiet", "--allow-empty", "--message", "faster"])
        .await;
    yard.work.git(&["push", "--quiet", "origin", "faster"]).await;
    let number = yard
        .github
        .open_pull_request(REPO, "faster", "faster", "main")
        .await
        .unwrap();
    until("the pull request is seen", async || {
        let seen = yard.engine.reads().pull_request(&repo(), number).await.unwrap();
        seen.filter(|seen| seen.open)
    })
    .await;
    yard.github.set_pull_request_open(REPO, number, false).await.unwrap();
    until("it is seen closed", async || {
        let seen = yard.engine.reads().pull_request(&repo(), number).await.unwrap();
        seen.filter(|seen| !seen.open)
    })
    .await;
    let told = yard.engine.reads().deliveries(50).await.unwrap();
    let found: Vec<_> = told
        .iter()
        .filter(|delivery| delivery.id.as_str().starts_with("sweep-"))
        .collect();
    assert_eq!(
        found.len(),
        4,
        "a push, a new branch, a pull request and its end: {found:?}"
    );
}

#[tokio::test]
async fn what_was_there_before_anybody_looked_starts_nothing() {
    let yard = sweeping().await;
    yard.github.lose_webhooks(true);
    yard.work
        .git(&["commit", "--quiet", "--allow-empty", "--message", "old"])
        .await;
    yard.work
        .git(&["push", "--quiet", "origin", "HEAD:refs/heads/old"])
        .await;
    yard.github.lose_webhooks(false);
    yard.push(&[]).await;
    yard.finished(1).await;
    known(&yard).await;
    let seen = yard.engine.reads().seen_repository(&repo()).await.unwrap();
    assert!(seen.branches.contains_key("old"), "{seen:?}");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_is_an_alarm_until_it_is_on_again() {
    let yard = sweeping().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    yard.github.set_webhook_active(false);
    let alarm = until("an alarm", async || yard.engine.webhooks().alarms.pop()).await;
    insta::assert_snapshot!(alarm, @"the webhook of acme/tiny is disabled: make it active in its settings on GitHub");
    yard.github.set_webhook_active(true);
    until("no alarm", async || {
        yard.engine.webhooks().alarms.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_did_not_change_costs_nothing_and_a_limit_is_kept_to() {
    let yard = sweeping().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    known(&yard).await;
    yard.all_told().await;
    yard.github.inject([Fault::RetryAfter(2)]);
    until("the fault is met", async || {
        (yard.github.faults_left() == 0).then_some(())
    })
    .await;
    let (met, calls) = (Instant::now(), yard.github.calls().len());
    until("the next call", async || {
        (yard.github.calls().len() > calls).then_some(())
    })
    .await;
    assert!(
        met.elapsed() > Duration::from_millis(1500),
        "nobody calls while GitHub asks to wait"
    );
}
