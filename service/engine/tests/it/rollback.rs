//! A rollback: the version before serves again, proved loadable first.

use crate::yard::Yard;
use trainyard_core::run::RunState;

/// Three approved models: 0.7, 0.75, 0.8.
async fn three_versions() -> Yard {
    let yard = Yard::new().await;
    for (count, auc) in ["0.7", "0.75", "0.8"].into_iter().enumerate() {
        yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
        let (row, _) = yard.last(count + 1).await;
        assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    }
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.8)));
    assert_eq!(
        yard.on_disk(),
        ["000002", "000003"],
        "the one that serves, and the way back"
    );
    yard
}

#[tokio::test]
async fn two_rollbacks_and_then_nothing_earlier() {
    let yard = three_versions().await;
    let done = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!((done.from.as_str(), done.to.as_str()), ("000003", "000002"));
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.75)));
    // Its folder was removed long ago; its artifact is there.
    let done = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!((done.from.as_str(), done.to.as_str()), ("000002", "000001"));
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    let refused = yard.engine.roll_back("tiny", "ada", None).await.unwrap_err();
    insta::assert_snapshot!(refused, @"target 'tiny' has no earlier version to go back to: see `trainyard models`");
    insta::assert_snapshot!(yard.engine.roll_back("tinny", "ada", None).await.unwrap_err(), @"there is no push target 'tinny' (known: tiny): see [targets] in trainyard.toml");
    assert_eq!(
        yard.ledger().await,
        [
            "push 000001",
            "push 000002",
            "push 000003",
            "rollback 000002",
            "rollback 000001"
        ]
    );
    // The next candidate is compared with what serves now, and takes a new number.
    yard.push(&[("auc: 0.7", "auc: 0.72")]).await;
    yard.last(4).await;
    assert_eq!(yard.server.predict(), Some(("000004".to_owned(), 0.72)));
    assert_eq!(yard.on_disk(), ["000001", "000004"]);
}

#[tokio::test]
async fn an_earlier_version_that_cannot_serve_leaves_the_current_one() {
    let yard = three_versions().await;
    let before = yard.folder().join("models/tiny/000002/model.onnx");
    std::fs::write(&before, r#"{"auc": 0.75, "serve": "broken"}"#).unwrap();
    let refused = yard.not_rolled_back().await;
    let refused = refused.replace(&yard.folder().display().to_string(), "FOLDER");
    insta::assert_snapshot!(refused, @"target 'tiny' was not rolled back: FOLDER/models/tiny/000002 held other bytes than the model that was approved, and was removed: ask again to write it anew");
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.8)));
    assert_eq!(
        yard.on_disk(),
        ["000003"],
        "what cannot be loaded would fail every later load"
    );
    assert_eq!(yard.ledger().await.len(), 3);
    // The damage was in the folder, not in the artifact.
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.75)));
}

#[tokio::test]
async fn a_server_that_is_down_or_refuses_keeps_what_serves() {
    let mut yard = three_versions().await;
    // The proof succeeds, the switch does not.
    yard.server.refuse_after(1, 1);
    yard.engine.roll_back("tiny", "ada", None).await.unwrap_err();
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.8)));
    assert_eq!(yard.on_disk(), ["000002", "000003"]);
    yard.server.die();
    let refused = yard.engine.roll_back("tiny", "ada", None).await.unwrap_err();
    let refused = refused.to_string().replace(&yard.server.url(), "URL");
    insta::assert_snapshot!(refused, @"target 'tiny' was not rolled back: the model server at URL does not answer: connection refused or broken; start it, or correct its url in [targets]");
    yard.server.live_again();
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.8)));
    assert_eq!(yard.ledger().await.len(), 3);
}

#[tokio::test]
async fn an_artifact_that_is_gone_is_named() {
    let yard = three_versions().await;
    let ledger = yard.engine.reads().promotions(Some("tiny"), 10).await.unwrap();
    trainyard_engine::artifacts::remove_tree(std::path::Path::new(&ledger[1].model.uri)).unwrap();
    let refused = yard.not_rolled_back().await;
    let refused = refused.replace(&ledger[1].model.uri, "PLACE");
    insta::assert_snapshot!(refused, @"the files of version 000002 of target 'tiny' are not in the artifact folder any more, where [retention] keeps the newest versions only: restore PLACE from a backup, or train again");
    assert_eq!(yard.server.predict(), Some(("000003".to_owned(), 0.8)));
}
