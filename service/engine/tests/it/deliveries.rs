//! Deliveries twice, late, out of order: each fact counts once, and the newest commit stays the newest.

use crate::yard::{REPO, SECRET, Yard, until};
use trainyard_core::run::{RunState, StepState};
use trainyard_engine::{Intake, IntakeError};
use trainyard_github::signature::sign;
use trainyard_github::simulator::DeliveryRecord;
use trainyard_store::AskedAnew;

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
    insta::assert_snapshot!(outcome, @"the same event with the same body came in delivery FIRST within seven days: nothing starts for it a second time");
    assert_eq!(yard.runs().await.len(), 1);
}

/// As GitHub signs it.
async fn send(yard: &Yard, id: &str, kind: &str, body: &[u8]) -> Intake {
    let signed = sign(SECRET, body);
    let header = |name: &str| match name {
        "x-github-delivery" => Some(id),
        "x-github-event" => Some(kind),
        "x-hub-signature-256" => Some(signed.as_str()),
        _ => None,
    };
    yard.engine.accept_webhook(header, body.to_vec().into()).await.unwrap()
}

#[tokio::test]
async fn a_thousand_replays_under_new_ids_and_headers_start_one_run() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    let delivery = until("first webhook", async || yard.github.deliveries().pop()).await;
    let kinds = ["push", "push", "pull_request", "create", "ping", "release"];
    for number in 0..1000 {
        let kind = kinds[number % kinds.len()];
        let taken = send(&yard, &format!("replay-{number}"), kind, &delivery.body).await;
        assert_eq!(
            matches!(taken, Intake::Flagged(..)),
            kind != "push",
            "{kind}: {taken:?}"
        );
    }
    until("all looked at", async || {
        let waiting = yard
            .engine
            .reads()
            .waiting_deliveries(0, 1, &Default::default())
            .await
            .unwrap();
        waiting.deliveries.is_empty().then_some(())
    })
    .await;
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_captured_push_brings_back_no_commit_that_the_branch_left() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    yard.finished(2).await;
    let captured = until("two webhooks", async || yard.github.deliveries().get(1).cloned()).await;
    yard.work.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await;
    yard.work.git(&["push", "--quiet", "--force", "origin", "HEAD"]).await;
    yard.finished(3).await;
    // The branch is where this push began, so that it could have been made again.
    send(&yard, "captured", "push", &captured.body).await;
    let outcome = yard.settled(4).await[0].outcome.clone().unwrap();
    insta::assert_snapshot!(outcome.replace(&captured.guid, "SECOND"), @"the same event with the same body came in delivery SECOND within seven days: nothing starts for it a second time");
    assert_eq!(yard.runs().await.len(), 3);
}

#[tokio::test]
async fn a_person_has_a_delivery_looked_at_anew() {
    let yard = Yard::new().await;
    let commit = yard.push(&[]).await;
    yard.finished(1).await;
    let id = yard.settled(1).await[0].id.clone();
    let asked = yard.engine.replay_delivery(&id, "ada", false).await.unwrap();
    assert!(matches!(asked, AskedAnew::Started(_)));
    assert_eq!(
        yard.engine.replay_delivery(&id, "ada", true).await.unwrap(),
        AskedAnew::Waits
    );
    let (row, _) = yard.last(2).await;
    assert_eq!(row.commit, Some(commit));
    let told = yard.engine.reads().explain_delivery(&id).await.unwrap().unwrap();
    assert_eq!((told.events.len(), told.forced), (2, true));
    let trigger = &told.events[0].looks[0].triggers[0];
    assert_eq!(
        (trigger.trigger.as_str(), trigger.met, trigger.listens),
        ("push", true, true)
    );
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

#[tokio::test]
async fn a_commit_that_asks_for_no_run_gets_none_and_looks_not_approved() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.finished(1).await;
    let commit = async |message: &str| {
        yard.work
            .git(&["commit", "--quiet", "--allow-empty", "--message", message])
            .await;
    };
    commit("typo [skip ci]").await;
    yard.work.git(&["push", "--quiet", "origin", "HEAD"]).await;
    let outcome = yard.settled(2).await[0].outcome.clone().unwrap();
    assert!(
        outcome.ends_with("says [skip ci]: nothing runs for it, and nothing is judged"),
        "{outcome}"
    );
    // What the service knows of the default branch goes on with it.
    let known = yard.engine.reads().pipelines().await.unwrap();
    let head = yard.work.git(&["rev-parse", "HEAD"]).await;
    assert_eq!(known[0].commit.as_str(), head.trim());
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn what_others_announce_starts_the_pipeline_of_the_default_branch_once() {
    let yard = Yard::new().await;
    let commit = yard
        .push(&[("on:\n", "on:\n  repository_dispatch: { types: [retrain] }\n")])
        .await;
    yard.finished(1).await;
    let push = until("first webhook", async || yard.github.deliveries().pop()).await;
    let push: serde_json::Value = serde_json::from_slice(&push.body).unwrap();
    let announce = async |id: &str, action: &str, day: u32| {
        let body = serde_json::json!({
            "action": action, "branch": "main", "client_payload": {"day": day},
            "repository": push["repository"], "sender": {"login": "ada"},
        });
        send(&yard, id, "repository_dispatch", body.to_string().as_bytes()).await
    };
    announce("first", "retrain", 1).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(
        (row.commit, row.trigger.as_str()),
        (Some(commit), "repository_dispatch")
    );
    announce("again", "retrain", 1).await;
    announce("other", "deploy", 1).await;
    let settled = yard.settled(4).await;
    let said = settled[..2].iter().map(|delivery| delivery.outcome.clone().unwrap());
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @"
    repository_dispatch 'deploy' of acme/tiny starts nothing: pipeline 'tiny' listens to types [retrain]
    the same event with the same body came in delivery first within seven days: nothing starts for it a second time
    ");
    announce("next", "retrain", 2).await;
    yard.finished(3).await;
}
