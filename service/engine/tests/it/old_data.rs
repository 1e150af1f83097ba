//! Announcements that come late or out of order, corrections, and runs as of an older span.

use crate::yard::{REPO, Yard};
use serde_json::Value;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::RepoName;
use trainyard_core::run::{PushState, Run, RunState, Withheld};
use trainyard_engine::RunAsked;

/// Three spans for training and judging.
const WINDOW: (&str, &str) = (
    "with: { source: rows, splits: { train: 1 } }",
    "with: { source: rows, window: { rolling_range: { num_spans: 3 } }, splits: { train: 1 } }",
);

fn read(run: &Run) -> Vec<String> {
    let spans = run.steps["examples"].inputs["source"].properties["spans"]
        .as_array()
        .unwrap();
    let label = |span: &Value| span["label"].as_str().unwrap().to_owned();
    spans.iter().map(label).collect()
}

/// Data up to 2013-05, announced in order, and the model of it serves.
async fn up_to_may() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[WINDOW]).await;
    yard.last(1).await;
    for (number, span) in ["2013-02", "2013-03", "2013-04", "2013-05"].into_iter().enumerate() {
        yard.data(span, &format!("{number},x\n"));
        yard.arrive(span, "rows", span).await.unwrap();
        yard.last(number + 2).await;
    }
    assert_eq!(yard.ledger().await.len(), 5, "the data is in the model");
    yard
}

async fn as_of(yard: &Yard, span: &str) {
    let asked = RunAsked {
        spans: vec![span.to_owned()],
        actor: "ada".to_owned(),
        ..RunAsked::default()
    };
    let repo = RepoName::parse(REPO).unwrap();
    yard.engine.request_known_so(&repo, "tiny", &asked).await.unwrap();
}

#[tokio::test]
async fn a_correction_means_the_newest_window_with_the_correction_in_it() {
    let yard = up_to_may().await;
    // Not announced yet: nobody reads it.
    yard.data("2013-06", "6,x\n");
    yard.data("2013-04", "corrected\n");
    yard.arrive("again", "rows", "2013-04").await.unwrap();
    let (row, run) = yard.last(6).await;
    assert_eq!(read(&run), ["2013-03", "2013-04", "2013-05"]);
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000006");
    // A repeated announcement of what is older than the window changes nothing.
    yard.arrive("repeated", "rows", "2013-01").await.unwrap();
    let (row, run) = yard.last(7).await;
    assert_eq!(
        (row.state, row.blessing),
        (RunState::Succeeded, Some(Blessing::Unchanged)),
        "{:?}",
        row.summary
    );
    assert_eq!(read(&run), ["2013-03", "2013-04", "2013-05"]);
    assert_eq!(yard.ledger().await.len(), 6);
    // And the next one goes on.
    yard.arrive("next", "rows", "2013-06").await.unwrap();
    let (_, run) = yard.last(8).await;
    assert_eq!(read(&run), ["2013-04", "2013-05", "2013-06"]);
}

#[tokio::test]
async fn what_a_rejected_run_has_seen_counts_too() {
    let yard = up_to_may().await;
    yard.push(&[WINDOW, ("auc: 0.7", "auc: 0.65")]).await;
    yard.last(6).await;
    yard.data("2013-06", "6,x\n");
    yard.arrive("june", "rows", "2013-06").await.unwrap();
    let (row, _) = yard.last(7).await;
    assert_eq!(row.blessing, Some(Blessing::NotBlessed), "{:?}", row.summary);
    yard.arrive("late", "rows", "2013-02").await.unwrap();
    let (_, run) = yard.last(8).await;
    assert_eq!(read(&run), ["2013-04", "2013-05", "2013-06"]);
}

#[tokio::test]
async fn a_run_as_of_an_older_span_is_judged_and_waits_for_a_person() {
    let yard = up_to_may().await;
    as_of(&yard, "2013-03").await;
    let (row, run) = yard.last(6).await;
    insta::assert_snapshot!(row.cause, @"manual request by ada as of rows 2013-03");
    assert_eq!(read(&run), ["2013-01", "2013-02", "2013-03"]);
    assert_eq!(
        (row.state, row.blessing),
        (RunState::Succeeded, Some(Blessing::Blessed))
    );
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, not pushed: it was made of data source 'rows' up to 2013-03, and version 000005, which serves, up to 2013-05: to let older data serve, use `trainyard promote`, or set push.allow_older_data");
    assert!(matches!(
        run.push,
        PushState::Withheld {
            because: Withheld::OlderData { .. }
        }
    ));
    assert_eq!(yard.ledger().await.len(), 5);
    // The file may allow it.
    let allow = (
        "push: { target: tiny }",
        "push: { target: tiny, allow_older_data: true }",
    );
    yard.push(&[WINDOW, allow]).await;
    yard.last(7).await;
    as_of(&yard, "rows=2013-03").await;
    let (row, _) = yard.last(8).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000006");
    // What sees everything there is is never older.
    yard.push(&[WINDOW]).await;
    let (row, _) = yard.last(9).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000007");
    let repo = RepoName::parse(REPO).unwrap();
    let asked = RunAsked {
        spans: vec!["june".to_owned()],
        ..RunAsked::default()
    };
    let refused = yard.engine.request_known_so(&repo, "tiny", &asked).await.unwrap_err();
    insta::assert_snapshot!(refused, @"'june' is no span of data source 'rows': its files are like rows/{YYYY}-{MM}.csv");
}

#[tokio::test]
async fn a_baseline_that_was_trained_on_the_rows_is_no_judge() {
    let yard = Yard::new().await;
    for (span, row) in [("2013-02", "2,x\n"), ("2013-03", "3,x\n"), ("2013-04", "4,x\n")] {
        yard.data(span, row);
    }
    let apart = (
        "  examples: { uses: example-gen, with: { source: rows, splits: { train: 1 } } }",
        "  examples: { uses: example-gen, with: { source: rows, window: { rolling_range: { num_spans: 9, skip_num_recent_spans: 1 } }, splits: { train: 1 } } }
  newest: { uses: example-gen, with: { source: rows, splits: { eval: 1 } } }",
    );
    let judged = (
        "inputs: { model: train.model, baseline: baseline.model }",
        "inputs: { model: train.model, baseline: baseline.model, newest: newest }",
    );
    yard.script("newest", |_, program| {
        let source = crate::tiny::Task::of(program).input("source");
        trainyard_executors::fake::Script::writes(
            "examples/Split-eval/data.parquet",
            crate::tiny::everything_in(&source),
        )
    });
    yard.push(&[apart, judged]).await;
    let (row, _) = yard.last(1).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000001");
    // The next month judges both fairly.
    yard.data("2013-05", "5,x\n");
    yard.arrive("may", "rows", "2013-05").await.unwrap();
    let (row, _) = yard.last(2).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000002");
    // A month that the serving model was trained on does not.
    as_of(&yard, "2013-03").await;
    let (row, run) = yard.last(3).await;
    assert_eq!(
        (row.state, row.blessing),
        (RunState::Succeeded, Some(Blessing::NotEvaluated))
    );
    let summary = row
        .summary
        .unwrap()
        .replace(run.baseline.unwrap().unwrap().name.split('/').next().unwrap(), "RUN");
    insta::assert_snapshot!(summary, @"not judged: the model compared with was trained on the rows that judge it (2013-03 of data source 'rows', in run RUN): judge by spans that neither has seen");
    assert_eq!(yard.ledger().await.len(), 2);
}
