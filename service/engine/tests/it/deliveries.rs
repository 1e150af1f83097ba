//! Deliveries twice, late, out of order: each fact counts once, and the newest commit stays the newest.

use crate::yard::{REPO, Yard, until};
use trainyard_core::run::{RunState, StepState};
use trainyard_engine::{Intake, IntakeError};
use trainyard_github::simulator::DeliveryRecord;

/// Hands a webhook in again, under another delivery id.
async fn replay(yard: &Yard, delivery: &DeliveryRecord, id: &str) -> Result<Intake, IntakeError> {
    let header = |name: &str| match name {
        "x-github-delivery" => Some(id),
        name => {
            let found = delivery.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str())
        }
    };
    yard.engine.accept_webhook(header, delivery.body.clone()).await
}

#[tokio::test]
async fn a_replayed_webhook_starts_nothing() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    let delivery = until("first webhook", async || yard.github.deliveries().pop()).await;
    assert!(matches!(
        replay(&yard, &delivery, "another-id").await,
        Ok(Intake::Accepted(_))
    ));
    let settled = yard.settled(2).await;
    let outcome = settled[0].events[0].outcome.replace(&delivery.guid, "FIRST");
    insta::assert_snapshot!(outcome, @"the same event was seen before, in delivery FIRST");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn an_older_push_that_arrives_late_does_not_become_the_head() {
    let mut yard = Yard::new().await;
    yard.crash().await;
    yard.push(&[]).await;
    let new = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    let refused = until("two webhooks", async || {
        Some(yard.github.deliveries()).filter(|all| all.len() == 2)
    })
    .await;
    assert!(refused.iter().all(|delivery| delivery.status_code == Some(503)));
    yard.restart().await;
    yard.github.redeliver(&refused[1].guid).unwrap();
    yard.finished(1).await;
    yard.github.redeliver(&refused[0].guid).unwrap();
    let late = &yard.settled(2).await[0].events[0];
    insta::assert_snapshot!(late.outcome, @"push to 'main' of acme/tiny starts nothing: the branch had moved on when it could be looked at");
    assert_eq!(yard.finished(1).await[0].commit.as_ref(), Some(&new));
    let known = yard.engine.reads().pipelines().await.unwrap();
    assert_eq!(known[0].commit, new, "data and the clock go on with the newest commit");
    // Going back on purpose is something else.
    yard.work.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await;
    yard.work.git(&["push", "--quiet", "--force", "origin", "HEAD"]).await;
    yard.settled(3).await;
    assert_ne!(
        yard.engine.reads().pipelines().await.unwrap()[0].commit,
        new,
        "{REPO} went back"
    );
}

#[tokio::test]
async fn a_branch_forced_there_and_back_and_there_again_ends_with_the_model_of_its_head() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    let forward = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    yard.finished(2).await;
    let go = async |to: &str| {
        yard.work.git(&["reset", "--quiet", "--hard", to]).await;
        yard.work.git(&["push", "--quiet", "--force", "origin", "HEAD"]).await;
    };
    go("HEAD~1").await;
    yard.finished(3).await;
    go(forward.as_str()).await;
    let (row, _) = yard.last(4).await;
    assert_eq!(row.commit, Some(forward));
}

/// What a killed git leaves in the mirror, and one that is none any more.
#[tokio::test]
async fn a_push_is_not_lost_to_a_damaged_mirror() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    let mirror = yard.config.data_dir.join(format!("repos/{REPO}.git"));
    std::fs::write(mirror.join("HEAD"), "").unwrap();
    std::fs::write(mirror.join("packed-refs.lock"), "").unwrap();
    yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
}

#[tokio::test]
async fn a_cache_hit_requires_that_the_bytes_are_there() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    let (_, run) = yard.last(1).await;
    let half = &run.steps["left"].outputs["half"];
    trainyard_engine::artifacts::remove_tree(std::path::Path::new(&half.uri)).unwrap();
    yard.push(&[("steps:", "# again\nsteps:")]).await;
    let (row, run) = yard.last(2).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["left"].state, StepState::Succeeded { attempt: 1 });
    assert_eq!(run.steps["right"].state, StepState::Cached);
    assert_eq!(run.steps["train"].state, StepState::Cached, "the same bytes came of it");
}

#[tokio::test]
async fn deliveries_that_wait_hold_up_no_others() {
    let yard = Yard::with(|config| {
        // Nobody listens there, so that every push waits for its source.
        config.github.as_mut().unwrap().git_url = "http://127.0.0.1:9".to_owned();
    })
    .await;
    yard.push(&[]).await;
    let push = until("first webhook", async || yard.github.deliveries().pop()).await;
    let body: serde_json::Value = serde_json::from_slice(&push.body).unwrap();
    for number in 0..120_u32 {
        let mut other = push.clone();
        let mut body = body.clone();
        body["after"] = format!("{number:040x}").into();
        other.body = body.to_string().into();
        let signature = trainyard_github::signature::sign(crate::yard::SECRET, &other.body);
        other.headers.insert("X-Hub-Signature-256".to_owned(), signature.into());
        replay(&yard, &other, &format!("waits-{number}")).await.unwrap();
    }
    yard.arrive("late-comer", "rows", "2013-01").await.unwrap();
    until("the late-comer is settled", async || {
        let all = yard.engine.reads().deliveries(200).await.unwrap();
        let late = all.into_iter().find(|view| view.id.as_str().ends_with("late-comer"));
        late.filter(|view| view.processed_at.is_some())
    })
    .await;
}
