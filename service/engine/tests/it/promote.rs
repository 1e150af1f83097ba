//! Promotion by a person, forced blessing, and the names and baselines that follow.

use crate::yard::Yard;
use serde_json::json;
use trainyard_core::run::{Run, RunState};
use trainyard_engine::{PromoteRequest, Promoted};
use trainyard_store::RunRow;

/// A run per AUC, each asserted to end in this state.
async fn trained(yard: &Yard, models: &[&str]) -> Vec<RunRow> {
    for (count, auc) in models.iter().enumerate() {
        yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
        let (row, _) = yard.last(count + 1).await;
        assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    }
    yard.runs().await
}

async fn promote(yard: &Yard, model: &str, reason: Option<&str>) -> Result<Promoted, String> {
    let request = PromoteRequest {
        model: model.to_owned(),
        target: None,
        reason: reason.map(str::to_owned),
        actor: "ada".to_owned(),
    };
    yard.engine.promote(&request).await.map_err(|error| error.to_string())
}

fn serving(yard: &Yard) -> (String, f64) {
    yard.server.predict().unwrap()
}

#[tokio::test]
async fn an_approved_model_and_an_earlier_version_need_no_reason() {
    let yard = Yard::new().await;
    let runs = trained(&yard, &["0.7", "0.75", "0.8"]).await;
    let done = promote(&yard, runs[1].id.as_str(), None).await.unwrap();
    assert_eq!(
        (done.version.as_str(), done.from.as_deref(), done.forced),
        ("000004", Some("000003"), false)
    );
    assert_eq!(serving(&yard), ("000004".to_owned(), 0.75));
    let done = promote(&yard, "000001", None).await.unwrap();
    assert_eq!(done.version, "000005");
    assert_eq!(serving(&yard), ("000005".to_owned(), 0.7));
    let refused = promote(&yard, "000001", None).await.unwrap_err();
    insta::assert_snapshot!(refused, @"target 'tiny' serves this model already, as version 000005");
    // A rollback goes to what really served before, be it promoted or pushed.
    for version in ["000004", "000003", "000002", "000001"] {
        assert_eq!(yard.engine.roll_back("tiny", "ada", None).await.unwrap().to, version);
        assert_eq!(serving(&yard).0, version);
    }
    let ledger = yard.engine.reads().promotions(Some("tiny"), 10).await.unwrap();
    let promoted = ledger.iter().find(|entry| entry.version == "000005").unwrap();
    let evidence = json!(promoted.evidence);
    assert_eq!(
        (&evidence["promoted"], &evidence["instead_of"]),
        (&json!("000001"), &json!("000004"))
    );
    assert_eq!(evidence["verdict"]["blessing"], "blessed");
    assert_eq!(evidence["data"][0]["spans"][0], "2013-01");
    assert!(evidence["data"][0]["digest"].is_string() && evidence["commit"].is_string());
}

#[tokio::test]
async fn what_the_gate_did_not_approve_needs_a_reason_that_is_kept() {
    let yard = Yard::new().await;
    let runs = trained(&yard, &["0.7", "0.5"]).await;
    let rejected = runs[1].id.as_str();
    let refused = promote(&yard, rejected, None).await.unwrap_err();
    insta::assert_snapshot!(refused, @r#"the gate did not approve this model: auc overall is 0.5000, below the lower bound 0.6000; to promote it nevertheless, say why with --reason "…", which the ledger keeps"#);
    let refused = promote(&yard, rejected, Some(" ")).await.unwrap_err();
    insta::assert_snapshot!(refused, @"a forced blessing needs a reason: it is kept in the ledger for those who ask later");
    assert_eq!(serving(&yard), ("000001".to_owned(), 0.7));

    let done = promote(&yard, rejected, Some("the holdout was mislabelled"))
        .await
        .unwrap();
    assert!(done.forced);
    assert_eq!(serving(&yard), ("000002".to_owned(), 0.5));
    let store = yard.engine.reads();
    let entry = yard.serving().await;
    assert_eq!(entry.actor, "ada");
    let evidence = json!(entry.evidence);
    assert_eq!(evidence["forced"]["reason"], "the holdout was mislabelled");
    assert_eq!(evidence["verdict"]["blessing"], "not_blessed");
    let blessed = store.latest_blessed("tiny").await.unwrap().unwrap();
    assert_eq!(blessed.name, entry.model.name, "a forced blessing is one");
    let blessing = store.artifact("promote/tiny/000002/blessing").await.unwrap().unwrap();
    assert_eq!(
        (&blessing.properties["blessed"], &blessing.properties["forced_by"]),
        (&1.into(), &"ada".into())
    );
    assert_eq!(blessing.properties["reason"], "the holdout was mislabelled");
    assert!(std::path::Path::new(&blessing.uri).join("BLESSED").exists());
    assert!(
        store
            .artifact("promote/tiny/000002/pushed_model")
            .await
            .unwrap()
            .is_some()
    );
    // Coming back to it later is forced again.
    promote(&yard, "000001", None).await.unwrap();
    promote(&yard, "000002", None).await.unwrap_err();
    promote(&yard, "000002", Some("again")).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_or_cannot_serve_leaves_what_serves() {
    let yard = Yard::new().await;
    trained(&yard, &["0.7"]).await;
    yard.push(&[("auc: 0.7", "auc: 0.8"), ("serve: well", "serve: broken")])
        .await;
    let (row, _) = yard.last(2).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(promote(&yard, "nonsense", None).await.unwrap_err(), @"there is no run and no version 'nonsense': see `trainyard runs` and `trainyard models`, and name the --target of a version");
    insta::assert_snapshot!(promote(&yard, "", None).await.unwrap_err(), @"there is no run and no version '': see `trainyard runs` and `trainyard models`, and name the --target of a version");
    insta::assert_snapshot!(promote(&yard, row.id.as_str(), None).await.unwrap_err(), @"the model was not promoted to target 'tiny': the model server refused to load model 'tiny' (500 Internal Server Error): see its log");
    let elsewhere = PromoteRequest {
        model: row.id.to_string(),
        target: Some("tinny".to_owned()),
        ..PromoteRequest::default()
    };
    insta::assert_snapshot!(yard.engine.promote(&elsewhere).await.unwrap_err(), @"there is no push target 'tinny' (known: tiny): see [targets] in trainyard.toml");
    assert_eq!(serving(&yard), ("000001".to_owned(), 0.7));
    assert_eq!(yard.ledger().await, ["push 000001"]);
    assert_eq!(yard.on_disk(), ["000001"]);
}

#[tokio::test]
async fn files_that_changed_since_they_were_sealed_never_serve() {
    let yard = Yard::new().await;
    let runs = trained(&yard, &["0.7", "0.75"]).await;
    let ledger = yard.engine.reads().promotions(Some("tiny"), 10).await.unwrap();
    let sealed = std::path::Path::new(&ledger[1].model.uri).join("model.onnx");
    let mut permissions = std::fs::metadata(&sealed).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&sealed, permissions).unwrap();
    std::fs::write(&sealed, r#"{"auc": 0.99, "serve": "well"}"#).unwrap();
    let place = ledger[1].model.uri.as_str();
    let promoted = promote(&yard, runs[0].id.as_str(), None).await.unwrap_err();
    insta::assert_snapshot!(promoted.replace(place, "PLACE"), @"the model's files changed since they were sealed: restore PLACE, or train it again");
    let rolled_back = yard.not_rolled_back().await;
    insta::assert_snapshot!(rolled_back.replace(place, "PLACE"), @"target 'tiny' was not rolled back: the model's files changed since they were sealed: restore PLACE, or train it again");
    assert_eq!(serving(&yard), ("000002".to_owned(), 0.75));
    assert_eq!(yard.ledger().await.len(), 2);
}

/// The model a new run was compared with.
async fn compared(yard: &Yard, count: usize, baseline: &str, auc: &str) -> (RunRow, Run) {
    let gate = format!("gate:\n  baseline: {baseline}\n");
    yard.push(&[("gate:\n", &gate), ("auc: 0.7", &format!("auc: {auc}"))])
        .await;
    yard.last(count).await
}

#[tokio::test]
async fn each_baseline_is_what_its_name_says() {
    let yard = Yard::new().await;
    let runs = trained(&yard, &["0.7", "0.75", "0.8"]).await;
    yard.engine
        .set_alias("tiny", "challenger", "000001", "ada", None)
        .await
        .unwrap();
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    for (count, (baseline, made_by)) in [
        ("serving", Some(1)),
        ("alias:champion", Some(1)),
        ("latest_pushed", Some(2)),
        ("latest_blessed", Some(2)),
        ("alias:challenger", Some(0)),
        ("pinned:000002", Some(1)),
    ]
    .into_iter()
    .enumerate()
    {
        // Rejected, so that nothing moves.
        let (row, run) = compared(&yard, 4 + count, baseline, "0.61").await;
        assert_eq!(row.state, RunState::Succeeded, "{baseline}: {:?}", row.summary);
        let expected = made_by.map(|index: usize| format!("{}/train/model", runs[index].id));
        assert_eq!(run.baseline.unwrap().map(|model| model.name), expected, "{baseline}");
    }
    let (row, _) = compared(&yard, 10, "alias:chalenger", "0.61").await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap(), @"model 'tiny' has no alias 'chalenger' (known: challenger, champion): give it with `trainyard alias set tiny chalenger VERSION`");
    let (row, _) = compared(&yard, 11, "pinned:000009", "0.61").await;
    insta::assert_snapshot!(row.summary.unwrap(), @"model 'tiny' has no version '000009': see `trainyard models tiny`");
    assert_eq!(serving(&yard), ("000002".to_owned(), 0.75));
}

#[tokio::test]
async fn names_are_given_to_versions_that_are_there() {
    let yard = Yard::new().await;
    trained(&yard, &["0.7"]).await;
    let set = async |model: &str, alias: &str, version: &str| {
        let set = yard.engine.set_alias(model, alias, version, "ada", None).await;
        set.map(|_| ()).map_err(|error| error.to_string())
    };
    insta::assert_snapshot!(set("tiny", "champion", "000001").await.unwrap_err(), @"'champion' follows what serves and is never set by hand: use `trainyard promote` or `trainyard rollback`");
    insta::assert_snapshot!(set("tiny", "challenger", "000009").await.unwrap_err(), @"model 'tiny' has no version '000009': see `trainyard models tiny`");
    insta::assert_snapshot!(set("tinny", "challenger", "000001").await.unwrap_err(), @"there is no registered model 'tinny': nothing was ever pushed to a target of this name; see `trainyard models`");
    insta::assert_snapshot!(set("tiny", "a b", "000001").await.unwrap_err(), @"'a b' cannot be an alias: write letters, digits, '.', '_' or '-', at most 64");
    set("tiny", "challenger", "000001").await.unwrap();
    let remove = async |alias: &str| {
        let removed = yard.engine.remove_alias("tiny", alias, "ada", None).await;
        removed.map(|_| ()).map_err(|error| error.to_string())
    };
    insta::assert_snapshot!(remove("chalenger").await.unwrap_err(), @"model 'tiny' has no alias 'chalenger' (known: challenger, champion): give it with `trainyard alias set tiny chalenger VERSION`");
    remove("challenger").await.unwrap();
    remove("challenger").await.unwrap_err();
    assert_eq!(yard.engine.reads().alias_history("tiny").await.unwrap().len(), 2);
}
