//! An approved model that a person must approve, too, before it is pushed.

use crate::tiny;
use crate::yard::{Yard, until};
use std::time::Duration;
use trainyard_core::run::{Person, RunEvent, RunState};
use trainyard_engine::{ApprovalRule, PromoteRequest};
use trainyard_store::RunRow;

const ASKS: (&str, &str) = ("push: { target: tiny }", "push: { target: tiny, approval: required }");

fn ada() -> Person {
    Person::Operator { name: "ada".to_owned() }
}

/// The newest run, when so many are there and it waits.
async fn waiting(yard: &Yard, count: usize) -> RunRow {
    until("a model that waits", async || {
        let runs = yard.runs().await;
        let newest = runs.last().cloned()?;
        (runs.len() == count && newest.state == RunState::WaitingForApproval).then_some(newest)
    })
    .await
}

async fn ended(yard: &Yard, run: &RunRow) -> RunRow {
    until("the end of a run", async || {
        let row = yard.engine.reads().run_row(run.id.as_str()).await.unwrap().unwrap();
        row.state.is_final().then_some(row)
    })
    .await
}

/// The model of 0.7 serves; from now on pushes need a person.
async fn with_first_model() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard
}

/// A property of an execution in ML Metadata.
fn said_of(yard: &Yard, execution: &str, property: &str) -> String {
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        print(db.execute('SELECT p.string_value FROM ExecutionProperty p JOIN Execution e ON e.id = p.execution_id \
        WHERE e.name = ? AND p.name = ?', sys.argv[2:]).fetchone()[0], end='')";
    let database = yard.engine.folders_of().database();
    let mut python = std::process::Command::new("python3");
    let done = python
        .args(["-c", script])
        .arg(database)
        .args([execution, property])
        .output();
    String::from_utf8(done.unwrap().stdout).unwrap()
}

#[tokio::test]
async fn an_approved_model_waits_for_a_person_who_is_in_ledger_and_mlmd() {
    let mut yard = with_first_model().await;
    let commit = yard.push(&[ASKS, ("auc: 0.7", "auc: 0.8")]).await;
    let row = waiting(&yard, 2).await;
    let status = until("a status that says so", async || {
        let said = yard.statuses(&commit).pop()?;
        said.description
            .filter(|said| said.contains("approve") && said.contains(row.id.as_str()))
    })
    .await;
    insta::assert_snapshot!(status.replace(row.id.as_str(), "RUN"), @"approved; its push to tiny waits for a person to approve run RUN");
    insta::assert_snapshot!(row.waits_for.as_deref().unwrap().replace(row.id.as_str(), "RUN"), @"the gate approved the model, and a person must approve its push to 'tiny' within 7 days: `trainyard approve RUN --reason …`, or reject");
    // What serves serves on, others run, and nothing is held.
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    yard.push(&[ASKS, ("auc: 0.7", "auc: 0.5")]).await;
    until("the end of the other run", async || {
        let runs = yard.runs().await;
        (runs.len() == 3 && runs[2].state.is_final()).then_some(())
    })
    .await;
    yard.tidy().await;
    yard.restart().await;
    assert_eq!(yard.runs().await[1].state, RunState::WaitingForApproval);
    yard.engine.approve(&row.id, &ada(), "agreed with risk").await.unwrap();
    let done = ended(&yard, &row).await;
    insta::assert_snapshot!(done.summary.unwrap(), @"approved, and serving as version 000002, also by the word of ada");
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.8)));
    let entry = yard.serving().await;
    assert_eq!(entry.actor, "ada");
    assert_eq!(entry.evidence.reason(), Some("agreed with risk"));
    assert_eq!(entry.evidence.judged().approved.unwrap().by, "ada");
    assert_eq!(said_of(&yard, &format!("{}/push", row.id), "approved_by"), "ada");
    assert_eq!(
        said_of(&yard, &format!("{}/push", row.id), "reason"),
        "agreed with risk"
    );
    let again = yard
        .engine
        .approve(&row.id, &ada(), "again")
        .await
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(again.replace(row.id.as_str(), "RUN"), @"run RUN does not wait for approval: it has succeeded, and ada approved it before: approved, and serving as version 000002, also by the word of ada");
}

#[tokio::test]
async fn a_no_the_newer_model_and_a_change_at_the_target_end_a_wait() {
    let yard = with_first_model().await;
    yard.push(&[ASKS, ("auc: 0.7", "auc: 0.8")]).await;
    let rejected = waiting(&yard, 2).await;
    yard.engine
        .reject(&rejected.id, &ada(), "too good to be true")
        .await
        .unwrap();
    let done = ended(&yard, &rejected).await;
    assert_eq!(done.state, RunState::Succeeded);
    let summary = done.summary.unwrap();
    assert!(
        summary.starts_with("approved, not pushed: rejected by ada on "),
        "{summary}"
    );
    assert!(summary.ends_with("(too good to be true)"), "{summary}");

    // The newer one takes the older one's place.
    yard.push(&[ASKS, ("auc: 0.7", "auc: 0.81")]).await;
    let older = waiting(&yard, 3).await;
    yard.push(&[ASKS, ("auc: 0.7", "auc: 0.82")]).await;
    let newer = waiting(&yard, 4).await;
    let summary = ended(&yard, &older).await.summary.unwrap();
    insta::assert_snapshot!(summary.replace(newer.id.as_str(), "NEWER"), @"approved, not pushed: the newer run NEWER has an approved model that waits in its place");

    // A held target is for a person to release first: the model waits on.
    yard.engine.hold_target("tiny", "bob", "incident 7").await.unwrap();
    let held = yard
        .engine
        .approve(&newer.id, &ada(), "go")
        .await
        .unwrap_err()
        .to_string();
    assert!(held.contains("incident 7"), "{held}");
    assert_eq!(waiting(&yard, 4).await.id, newer.id);
    yard.engine.release_target("tiny", "bob", None).await.unwrap();

    // Another model began to serve: the verdict is about none that serves.
    let request = PromoteRequest {
        model: rejected.id.to_string(),
        target: None,
        reason: Some("after all".to_owned()),
        actor: "bob".to_owned(),
    };
    yard.engine.promote(&request).await.unwrap();
    insta::assert_snapshot!(ended(&yard, &newer).await.summary.unwrap(), @"approved, not pushed: another model began to serve at 'tiny' while this one waited for a person: start the run again to have it compared with that");
    assert!(yard.engine.approve(&newer.id, &ada(), "go").await.is_err());
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.8)));
}

#[tokio::test]
async fn a_target_may_ask_itself_and_nobody_in_time_is_a_no() {
    let yard = Yard::with(|config| {
        let target = config.targets.get_mut("tiny").unwrap();
        target.approval = Some(ApprovalRule {
            expires: Some(Duration::from_millis(1500)),
        });
    })
    .await;
    yard.push(&[]).await;
    let row = waiting(&yard, 1).await;
    let done = ended(&yard, &row).await;
    insta::assert_snapshot!(done.summary.unwrap(), @"approved, not pushed: nobody approved its push within 1s: start the run again, and approve it in time");
    assert!(yard.ledger().await.is_empty());
    let events = yard.events(&row.id).await;
    assert!(
        events
            .iter()
            .any(|event| matches!(event, RunEvent::ApprovalRequested { seconds: 1 }))
    );
}

#[tokio::test]
async fn a_model_that_waits_can_be_cancelled() {
    let yard = with_first_model().await;
    yard.push(&[ASKS, ("auc: 0.7", "auc: 0.8")]).await;
    let row = waiting(&yard, 2).await;
    assert!(yard.engine.cancel(&row.id, "ada").await.unwrap());
    let done = ended(&yard, &row).await;
    assert_eq!(
        (done.state, done.summary.as_deref()),
        (RunState::Cancelled, Some("cancelled by ada"))
    );
    assert_eq!(yard.ledger().await, ["push 000001"]);
}

/// Whether a person must approve is reviewed, as the gate is: a branch that may push cannot leave it out.
#[tokio::test]
async fn a_branch_does_not_free_itself_from_approval() {
    let yard = Yard::new().await;
    let both = ("push: { branches: [main], ", "push: { branches: [main, sly], ");
    yard.push(&[ASKS, both]).await;
    let first = waiting(&yard, 1).await;
    yard.engine.approve(&first.id, &ada(), "the first").await.unwrap();
    ended(&yard, &first).await;
    yard.work.branch("sly").await;
    yard.work
        .write(tiny::FILE, &tiny::tiny(&[both, ("auc: 0.7", "auc: 0.9")]));
    yard.work.push("Ask nobody").await;
    let row = waiting(&yard, 2).await;
    assert_eq!(row.branch.as_deref(), Some("sly"));
}
