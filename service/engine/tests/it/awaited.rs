//! What a commit shows before git has it, and how that ends.

use crate::yard::{REPO, Yard, until};
use trainyard_core::ids::CommitSha;
use trainyard_github::simulator::CheckRunRecord;

/// What a commit showed, oldest first.
fn shown(yard: &Yard, commit: &CommitSha) -> Vec<String> {
    let all = yard.statuses(commit).into_iter();
    all.map(|status| format!("{}: {}", status.state, status.description.unwrap_or_default()))
        .collect()
}

/// A yard with a known pipeline, whose git lags from now on.
async fn lagging(yard: Yard) -> Yard {
    yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    yard.github.lag_git(true);
    yard
}

async fn awaited(yard: &Yard, commit: &CommitSha) -> String {
    until("a first status", async || shown(yard, commit).into_iter().next()).await
}

/// After git has caught up and everything is told: what the commit shows.
async fn ended(yard: &Yard, commit: &CommitSha, deliveries: usize) -> String {
    yard.github.lag_git(false);
    yard.settled(deliveries).await;
    yard.finished(1).await;
    yard.all_told().await;
    shown(yard, commit).pop().unwrap()
}

#[tokio::test]
async fn a_commit_shows_that_it_is_awaited_before_git_has_it() {
    let yard = lagging(Yard::new().await).await;
    let commit = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    insta::assert_snapshot!(awaited(&yard, &commit).await, @"pending: waiting to be looked at: push of main by octocat");
    let ended = ended(&yard, &commit, 2).await;
    assert!(ended.starts_with("success: approved"), "{ended}");
    assert_eq!(yard.runs().await.len(), 2);
}

#[tokio::test]
async fn what_is_awaited_and_starts_nothing_says_why() {
    let yard = lagging(Yard::new().await).await;
    yard.work.remove(crate::tiny::FILE);
    yard.work.write("README.md", "It is gone.\n");
    let removed = yard.work.push("Remove the pipeline").await;
    awaited(&yard, &removed).await;
    insta::assert_snapshot!(ended(&yard, &removed, 2).await, @"success: nothing to do: pipeline 'tiny' is not in this commit");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_second_look_at_a_judged_commit_awaits_nothing() {
    let mut yard = Yard::new().await;
    let commit = yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    let before = shown(&yard, &commit);
    let delivery = yard.github.deliveries().remove(0);
    yard.github.redeliver(&delivery.guid).unwrap();
    yard.restart().await;
    yard.settled(1).await;
    yard.all_told().await;
    assert_eq!(shown(&yard, &commit), before);
}

#[tokio::test]
async fn an_app_has_one_check_run_for_what_was_awaited() {
    let yard = lagging(Yard::as_app().await).await;
    let commit = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    let checks = || yard.github.check_runs(REPO, commit.as_str());
    let queued = until("a check run", async || checks().pop()).await;
    assert_eq!(queued.status, "queued");
    yard.github.lag_git(false);
    yard.finished(2).await;
    yard.all_told().await;
    let all: Vec<CheckRunRecord> = checks();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].conclusion.as_deref(), Some("success"));
}
