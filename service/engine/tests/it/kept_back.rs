//! What is approved and yet not pushed: what serves already, what a person withdrew, what a held target would get.

use crate::tiny::FILE;
use crate::yard::{REPO, Yard};
use serde_json::Map;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::RepoName;
use trainyard_core::run::{PushState, RunState, Withheld};
use trainyard_engine::PromoteRequest;

async fn trained(yard: &Yard, models: &[&str]) {
    for auc in models {
        let runs = yard.runs().await.len();
        yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
        let (row, _) = yard.last(runs + 1).await;
        assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    }
}

async fn trigger(yard: &Yard) {
    let repo = RepoName::parse(REPO).unwrap();
    yard.engine
        .request_known(&repo, "tiny", &Map::new(), "ada")
        .await
        .unwrap();
}

async fn promote(yard: &Yard, model: &str) -> Result<String, String> {
    let request = PromoteRequest {
        model: model.to_owned(),
        target: None,
        reason: None,
        actor: "ada".to_owned(),
    };
    let done = yard.engine.promote(&request).await;
    done.map(|done| done.version).map_err(|error| error.to_string())
}

#[tokio::test]
async fn unchanged_bytes_are_no_new_version_whoever_asks() {
    let yard = Yard::new().await;
    trained(&yard, &["0.7", "0.75"]).await;
    // By hand, by a push that changes no step, and by an announcement that was made before.
    trigger(&yard).await;
    let (row, run) = yard.last(3).await;
    assert_eq!(
        (row.state, row.blessing),
        (RunState::Succeeded, Some(Blessing::Unchanged))
    );
    insta::assert_snapshot!(row.summary.unwrap(), @"unchanged: the model is, byte for byte, what serves as version 000002");
    assert!(matches!(
        run.push,
        PushState::Withheld {
            because: Withheld::Unchanged { .. }
        }
    ));
    assert!(run.blessing.is_some());
    let commit = yard
        .push(&[("auc: 0.7", "auc: 0.75"), ("steps:", "# words\nsteps:")])
        .await;
    yard.last(4).await;
    insta::assert_snapshot!(yard.status(&commit, "success").await.description.unwrap(), @"unchanged: the model is, byte for byte, what serves as version 000002");
    yard.arrive("1", "rows", "2013-01").await.unwrap();
    let (row, _) = yard.last(5).await;
    assert_eq!(row.blessing, Some(Blessing::Unchanged), "{:?}", row.summary);
    assert_eq!(yard.ledger().await, ["push 000001", "push 000002"]);
    // A gate that demands a gain does not call the serving model a failure.
    let gain = ("absolute: -0.005", "absolute: 0.001");
    yard.push(&[("auc: 0.7", "auc: 0.75"), gain]).await;
    let (row, _) = yard.last(6).await;
    assert_eq!(row.blessing, Some(Blessing::Unchanged), "{:?}", row.summary);
    // One that it does not reach by itself does.
    yard.push(&[("auc: 0.7", "auc: 0.75"), ("lower_bound: 0.6", "lower_bound: 0.8")])
        .await;
    let (row, _) = yard.last(7).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"not approved: auc overall is 0.7500, below the lower bound 0.8000");
    assert_eq!(yard.ledger().await.len(), 2);
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.75)));
}

#[tokio::test]
async fn a_rollback_holds_until_a_person_says_otherwise() {
    let yard = Yard::new().await;
    trained(&yard, &["0.7", "0.75"]).await;
    yard.engine
        .roll_back("tiny", "ada", Some("answers late"))
        .await
        .unwrap();
    trigger(&yard).await;
    let (row, run) = yard.last(3).await;
    assert_eq!(row.state, RunState::Succeeded);
    let PushState::Withheld { because } = run.push else {
        panic!("{:?}", run.push)
    };
    let Withheld::Withdrawn {
        version, by, reason, ..
    } = &because
    else {
        panic!("{because:?}")
    };
    assert_eq!(
        (version.as_str(), by.as_str(), reason.as_deref()),
        ("000002", "ada", Some("answers late"))
    );
    assert!(row.summary.unwrap().starts_with(
        "approved, not pushed: version 000002 of target 'tiny', which is these very bytes, was withdrawn by ada on "
    ));
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001", "push 000002", "rollback 000001"]);
    // Other bytes are another model.
    trained(&yard, &["0.72"]).await;
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.72)));
    // Still withdrawn beneath it.
    trained(&yard, &["0.75"]).await;
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.72)));
    assert_eq!(promote(&yard, "000002").await.unwrap(), "000004");
    assert_eq!(yard.server.predict(), Some(("000004".to_owned(), 0.75)));
    let ledger = yard.engine.reads().promotions(Some("tiny"), 9).await.unwrap();
    let rollback = ledger.iter().find(|entry| entry.evidence.reason().is_some()).unwrap();
    assert_eq!(
        (rollback.actor.as_str(), rollback.evidence.reason()),
        ("ada", Some("answers late"))
    );
}

#[tokio::test]
async fn a_held_target_takes_nothing_new_by_any_path() {
    let yard = Yard::new().await;
    trained(&yard, &["0.7", "0.75"]).await;
    yard.engine.hold_target("tiny", "bob", "incident 7").await.unwrap();
    let again = yard
        .engine
        .hold_target("tiny", "ada", "mine")
        .await
        .unwrap_err()
        .to_string();
    assert!(again.starts_with("target 'tiny' is held by bob since 20"), "{again}");
    assert!(
        again.ends_with("(incident 7): release it with `trainyard release tiny`"),
        "{again}"
    );
    trained(&yard, &["0.8"]).await;
    let (row, run) = yard.last(3).await;
    assert_eq!(row.blessing, Some(Blessing::Blessed));
    assert!(
        row.summary
            .unwrap()
            .starts_with("approved, not pushed: target 'tiny' is held by bob since ")
    );
    assert_eq!(promote(&yard, run.request.id.as_str()).await.unwrap_err(), again);
    assert_eq!(promote(&yard, "000001").await.unwrap_err(), again);
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.75)));
    // Back is always possible, and the hold stays.
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(promote(&yard, run.request.id.as_str()).await.unwrap_err(), again);
    yard.engine.release_target("tiny", "bob", None).await.unwrap();
    let refused = yard.engine.release_target("tiny", "bob", None).await.unwrap_err();
    insta::assert_snapshot!(refused, @"target 'tiny' is not held: see `trainyard models`");
    assert_eq!(promote(&yard, run.request.id.as_str()).await.unwrap(), "000003");
    let unknown = yard.engine.hold_target("tinny", "bob", "x").await.unwrap_err();
    insta::assert_snapshot!(unknown, @"there is no push target 'tinny' (known: tiny): see [targets] in trainyard.toml");
}

#[tokio::test]
async fn a_hold_outlives_the_service_and_meets_a_run_at_work() {
    let mut yard = Yard::new().await;
    trained(&yard, &["0.7"]).await;
    yard.hold("evaluate");
    yard.work.write(FILE, &crate::tiny::tiny(&[("auc: 0.7", "auc: 0.8")]));
    yard.work.push("Learn more").await;
    yard.started("evaluate", 1).await;
    yard.engine.hold_target("tiny", "bob", "incident 7").await.unwrap();
    yard.restart().await;
    yard.release("evaluate");
    let (row, _) = yard.last(2).await;
    assert!(row.summary.unwrap().contains("is held by bob"));
    assert_eq!(yard.ledger().await, ["push 000001"]);
}
