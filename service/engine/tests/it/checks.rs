//! What the check of a commit says while several questions are asked about it, and what a branch may decide for itself.

use crate::yard::{REPO, SECRET, Yard, until};
use serde_json::json;
use trainyard_core::ids::CommitSha;
use trainyard_engine::Intake;
use trainyard_github::signature::sign;

/// Both branches judge pull requests.
const LISTENS: (&str, &str) = (
    "pull_request: { branches: [main], ",
    "pull_request: { branches: [main, dev], ",
);
const LENIENT: [(&str, &str); 2] = [
    ("lower_bound: 0.6", "lower_bound: 0.1"),
    ("absolute: -0.005", "absolute: -0.9"),
];

/// A model of 0.7 serves; `dev` is content with less than `main`.
async fn with_two_bars() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[LISTENS]).await;
    yard.last(1).await;
    yard.work.branch("dev").await;
    yard.push(&[LISTENS, LENIENT[0], LENIENT[1]]).await;
    yard.settled(2).await;
    yard
}

async fn last_told(yard: &Yard, commit: &CommitSha) -> (String, String) {
    yard.all_told().await;
    let status = yard
        .statuses(commit)
        .into_iter()
        .rfind(|status| status.context == "trainyard/tiny");
    let status = status.unwrap();
    (status.state, status.description.unwrap())
}

#[tokio::test]
async fn a_verdict_for_one_branch_is_none_for_another() {
    let yard = with_two_bars().await;
    yard.work.git(&["checkout", "--quiet", "-B", "worse", "dev"]).await;
    let worse = yard
        .push(&[LISTENS, LENIENT[0], LENIENT[1], ("auc: 0.7", "auc: 0.65")])
        .await;
    let number = yard
        .github
        .open_pull_request(REPO, "Be worse", "worse", "dev")
        .await
        .unwrap();
    yard.last(2).await;
    assert_eq!(last_told(&yard, &worse).await.0, "success");
    // It would go into main instead: there the bar is another.
    yard.github.retarget_pull_request(REPO, number, "main").await.unwrap();
    let (row, _) = yard.last(3).await;
    assert_eq!(row.pull_request, Some(number));
    let (state, said) = last_told(&yard, &worse).await;
    assert_eq!(state, "failure", "{said}");
    // Another pull request with the same commit has nothing to do; the verdict stays.
    yard.work.git(&["checkout", "--quiet", "-B", "quiet", "main"]).await;
    yard.work.git(&["push", "--quiet", "origin", "HEAD"]).await;
    let other = yard
        .github
        .open_pull_request(REPO, "Elsewhere", "worse", "quiet")
        .await
        .unwrap();
    let outcome = until("the second pull request", async || {
        let views = yard.engine.reads().deliveries(1).await.unwrap();
        views[0]
            .outcome
            .clone()
            .filter(|outcome| outcome.contains(&format!("#{other}")))
    })
    .await;
    assert!(outcome.contains("starts nothing"), "{outcome}");
    assert_eq!(last_told(&yard, &worse).await.0, "failure");
    // Back in dev: it is judged anew, at no cost.
    yard.github.retarget_pull_request(REPO, number, "dev").await.unwrap();
    let success = until("the verdict for dev", async || {
        let last = last_told(&yard, &worse).await;
        (last.0 == "success").then_some(last)
    })
    .await;
    assert!(success.1.contains("approved"), "{success:?}");
    yard.finished(4).await;
    yard.all_told().await;
    let comment = &yard.github.comments(REPO, number)[0];
    assert!(
        comment.body.contains("✓ approved"),
        "of the newest run: {}",
        comment.body
    );
}

#[tokio::test]
async fn a_branch_gives_itself_neither_a_trigger_nor_a_bar() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.work.branch("sly").await;
    let own = ("push: { branches: [main], ", "push: { branches: [main, sly], ");
    yard.push(&[own, LENIENT[0], LENIENT[1], ("auc: 0.7", "auc: 0.2")])
        .await;
    let refused = &yard.settled(2).await[0].outcome;
    assert!(
        refused.as_deref().unwrap().contains("listens to branches [main]"),
        "{refused:?}"
    );
    // Reviewed: the branch may push, by the bar of main.
    yard.work.git(&["checkout", "--quiet", "main"]).await;
    yard.push(&[own]).await;
    yard.finished(2).await;
    yard.work.branch("sly").await;
    let sly = yard
        .push(&[own, LENIENT[0], LENIENT[1], ("auc: 0.7", "auc: 0.25")])
        .await;
    yard.last(3).await;
    assert_eq!(last_told(&yard, &sly).await.0, "failure");
    assert_eq!(yard.ledger().await, ["push 000001"]);
    let good = yard.push(&[own, ("auc: 0.7", "auc: 0.9")]).await;
    let (row, run) = yard.last(4).await;
    assert_eq!((row.commit, run.request.may_push), (Some(good), true));
    assert_eq!(yard.ledger().await.len(), 2);
}

#[tokio::test]
async fn two_files_of_one_name_are_told_and_the_repair_runs_alone() {
    let yard = Yard::new().await;
    yard.work.write("pipelines/copy/pipeline.yaml", crate::tiny::TINY);
    let double = yard.push(&[]).await;
    let status = yard.status(&double, "error").await;
    insta::assert_snapshot!(status.description.unwrap(), @"pipelines/copy/pipeline.yaml and pipelines/tiny/pipeline.yaml have the same name 'tiny': give each pipeline a name of its own");
    yard.settled(1).await;
    assert!(yard.runs().await.is_empty());
    yard.work.remove("pipelines/copy/pipeline.yaml");
    let repaired = yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.commit, Some(repaired));
}

#[tokio::test]
async fn a_webhook_that_is_quicker_than_git_waits_for_it() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    let sent = yard.github.deliveries().pop().unwrap();
    yard.github.set_webhook_url("http://127.0.0.1:9/nobody");
    yard.work
        .write(crate::tiny::FILE, &crate::tiny::tiny(&[("auc: 0.7", "auc: 0.8")]));
    yard.work
        .git(&["commit", "--quiet", "--all", "--message", "Later"])
        .await;
    let later = CommitSha::new(yard.work.git(&["rev-parse", "HEAD"]).await.trim());
    let mut body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
    body["before"] = body["after"].clone();
    body["after"] = json!(later);
    let body = body.to_string();
    let signed = sign(SECRET, body.as_bytes());
    let header = |name: &str| match name {
        "x-github-delivery" => Some("early"),
        "x-github-event" => Some("push"),
        "x-hub-signature-256" => Some(signed.as_str()),
        _ => None,
    };
    let taken = yard.engine.accept_webhook(header, body.clone().into()).await;
    assert!(matches!(taken, Ok(Intake::Accepted(_))));
    let waits = until("a reason to wait", async || {
        let views = yard.engine.reads().deliveries(1).await.unwrap();
        views[0].waits_for.clone()
    })
    .await;
    assert!(waits.contains("is not in"), "{waits}");
    yard.work.git(&["push", "--quiet", "origin", "HEAD"]).await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.commit, Some(later));
}
