//! What changes underway is never published.

use crate::yard::Yard;
use trainyard_core::run::RunState;

#[tokio::test]
async fn data_that_changed_while_a_step_read_it_trains_no_model() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.data("2013-02", "3,4\n");
    yard.hold("examples");
    yard.arrive("1", "rows", "2013-02").await.unwrap();
    yard.started("examples", 1).await;
    // The same file, in place: its name, and a link to it, show the new content.
    yard.data("2013-02", "6,6\n");
    yard.release("examples");
    let (row, run) = yard.last(2).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap(), @"step 'examples': rows/2013-02.csv changed while the step was reading it: run again on the new content");

    assert!(run.steps.values().all(|step| step.outputs.is_empty()));
    let published = yard
        .engine
        .reads()
        .artifact(&format!("{}/examples/examples", row.id))
        .await;
    assert!(published.unwrap().is_none());
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001"]);
    // What is there now is read under its own digest.
    yard.arrive("2", "rows", "2013-02").await.unwrap();
    let (row, run) = yard.last(3).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let examples = &run.steps["examples"].outputs["examples"].uri;
    assert_eq!(
        std::fs::read_to_string(format!("{examples}/Split-train/data.parquet")).unwrap(),
        "6,6\n"
    );
}

#[tokio::test]
async fn a_model_whose_files_changed_before_the_push_is_not_pushed() {
    let yard = Yard::new().await;
    yard.hold("evaluate");
    yard.push(&[]).await;
    yard.started("evaluate", 1).await;
    let run = yard.runs().await.remove(0).id;
    let model = yard
        .engine
        .reads()
        .artifact(&format!("{run}/train/model"))
        .await
        .unwrap()
        .unwrap();
    let file = std::path::Path::new(&model.uri).join("model.onnx");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::write(&file, r#"{"auc": 0.99, "serve": "well"}"#).unwrap();
    yard.release("evaluate");
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap().replace(&model.uri, "PLACE"), @"the approved model was not pushed: the model's files changed since they were sealed: restore PLACE, or train it again");
    assert_eq!(yard.server.predict(), None);
    assert!(yard.ledger().await.is_empty());
}
