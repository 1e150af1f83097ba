//! The main job: a push becomes a served model.

use crate::tiny;
use crate::yard::Yard;
use trainyard_core::run::RunState;

#[tokio::test]
async fn a_push_becomes_a_served_model() {
    let yard = Yard::new().await;
    yard.hold("train");
    let commit = yard.push(&[]).await;
    let pending = yard.status(&commit, "pending").await;
    assert_eq!(pending.context, "trainyard/tiny");
    yard.started("train", 1).await;
    yard.release("train");
    let (row, _run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let status = yard.status(&commit, "success").await;
    insta::assert_snapshot!(status.description.unwrap(), @"approved, and serving as version 000001");
    assert_eq!(
        status.target_url,
        Some(format!("http://trainyard.test/api/v1/runs/{}", row.id))
    );
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001"]);
    assert_eq!(yard.images.built().len(), 1);
    assert!(yard.images.built()[0].ends_with(tiny::DOCKERFILE));
    yard.all_told().await;
    yard.tidy().await;
}
