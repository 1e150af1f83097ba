//! The data folder is moved: content is found by what it is, and proved where it is today.

use crate::yard::Yard;
use std::path::Path;
use trainyard_core::run::RunState;
use trainyard_engine::PromoteRequest;

/// Two models served, and the data folder somewhere else.
async fn moved() -> Yard {
    let mut yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.push(&[("auc: 0.7", "auc: 0.75")]).await;
    yard.last(2).await;
    yard.swept().await;
    yard.crash().await;
    yard.engine.close().await;
    let place = yard.folder().join("elsewhere");
    std::fs::rename(&yard.config.data_dir, &place).unwrap();
    yard.config.data_dir = place;
    yard.restart().await;
    yard
}

#[tokio::test]
async fn after_a_move_everything_goes_on() {
    let yard = moved().await;
    let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!((back.from.as_str(), back.to.as_str()), ("000002", "000001"));
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    let request = PromoteRequest {
        model: "000002".to_owned(),
        actor: "ada".to_owned(),
        ..PromoteRequest::default()
    };
    let promoted = yard.engine.promote(&request).await.unwrap();
    assert_eq!(promoted.version, "000003");
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.75)));
    // Steps whose bytes are there stand in, and a new candidate is compared with what serves.
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let (row, run) = yard.last(3).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["examples"].state.as_str(), "cached");
    assert_eq!(yard.server.predict(), Some(("000004".to_owned(), 0.8)));
}

#[tokio::test]
async fn what_changed_where_it_is_today_is_refused() {
    let yard = moved().await;
    let ledger = yard.engine.reads().ledger("tiny").await.unwrap();
    let first = ledger.version("000001").unwrap().model.clone();
    let (shard, rest) = first.digest.hex().split_at(2);
    let place = yard.config.data_dir.join("artifacts/sha256").join(shard).join(rest);
    assert!(!Path::new(&first.uri).exists(), "the label tells where it was");
    let file = place.join("model.onnx");
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a stranger's hand")]
    permissions.set_readonly(false);
    std::fs::set_permissions(&file, permissions).unwrap();
    std::fs::write(&file, "{}").unwrap();
    let refused = yard.not_rolled_back().await;
    let place = std::fs::canonicalize(&place).unwrap().display().to_string();
    insta::assert_snapshot!(refused.replace(&place, "PLACE"), @"target 'tiny' was not rolled back: the model's files changed since they were sealed: restore PLACE, or train it again");
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.75)));
}
