//! Data arrivals.

use crate::tiny::{Task, everything_in};
use crate::yard::Yard;
use trainyard_core::run::{Run, RunState};
use trainyard_engine::Intake;
use trainyard_executors::fake::Script;

async fn with_first_model() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard
}

#[tokio::test]
async fn arrivals_of_a_quiet_period_are_one_run() {
    let yard = with_first_model().await;
    yard.data("2013-02", "3,4\n");
    yard.data("2013-03", "5,6\n");
    yard.data("2013-04", "7,8\n");
    assert!(matches!(
        yard.arrive("1", "rows", "2013-03").await,
        Ok(Intake::Accepted(_))
    ));
    assert!(matches!(
        yard.arrive("2", "rows", "2013-02").await,
        Ok(Intake::Accepted(_))
    ));
    assert!(matches!(
        yard.arrive("2", "rows", "2013-02").await,
        Ok(Intake::Duplicate(_))
    ));
    let (row, run) = yard.last(2).await;
    assert_eq!((row.state, row.trigger.as_str()), (RunState::Succeeded, "data"));
    insta::assert_snapshot!(row.cause, @"data rows 2013-03, 2013-02");
    assert_eq!(
        run.request.newest_spans["rows"], "2013-03",
        "the newest that arrived, not the newest there is"
    );
    let examples = &run.steps["examples"].outputs["examples"];
    let read = std::fs::read_to_string(format!("{}/Split-train/data.parquet", examples.uri)).unwrap();
    assert_eq!(read, "5,6\n");
    // Both arrivals say that they wait together.
    let settled = yard.settled(3).await;
    insta::assert_snapshot!(settled[0].outcome.as_deref().unwrap(), @"data rows 2013-02: one run starts when nothing more arrives for 1s");
    assert_eq!(yard.runs().await.len(), 2);
}

#[tokio::test]
async fn an_arrival_that_starts_nothing_says_why() {
    let yard = Yard::new().await;
    yard.arrive("0", "rows", "2013-02").await.unwrap();
    insta::assert_snapshot!(yard.settled(1).await[0].outcome.as_deref().unwrap(), @"no pipeline is known yet: push a repository with a pipeline to its default branch first");
    yard.push(&[]).await;
    yard.last(1).await;
    yard.arrive("1", "weather", "2013-02").await.unwrap();
    insta::assert_snapshot!(yard.settled(3).await[0].outcome.as_deref().unwrap(), @"data weather 2013-02 starts nothing: pipeline 'tiny' listens to data source 'rows'");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_span_that_does_not_exist_fails_the_run_and_says_so() {
    let yard = with_first_model().await;
    yard.arrive("1", "rows", "2013-09").await.unwrap();
    let (row, run) = yard.last(2).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(row.summary.unwrap(), @"step 'examples': span 2013-09 of data source 'rows' does not exist: expected the file rows/2013-09.csv under the data root");
    let status = yard.status(run.request.commit.as_ref().unwrap(), "error").await;
    insta::assert_snapshot!(status.description.unwrap(), @"step 'examples': span 2013-09 of data source 'rows' does not exist: expected the file rows/2013-09.csv under the data root");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

#[tokio::test]
async fn a_quiet_period_goes_on_while_the_service_is_down() {
    let mut yard = with_first_model().await;
    yard.data("2013-02", "3,4\n");
    yard.arrive("1", "rows", "2013-02").await.unwrap();
    yard.settled(2).await;
    yard.restart().await;
    let (row, _) = yard.last(2).await;
    assert_eq!((row.state, row.trigger.as_str()), (RunState::Succeeded, "data"));
    assert_eq!(yard.runs().await.len(), 2);
}

#[tokio::test]
async fn a_window_that_is_not_full_skips_the_run_and_the_next_arrival_may_fill_it() {
    let yard = Yard::new().await;
    let window = "rows/{YYYY}-{MM}.csv\", window: { rolling_range: { num_spans: 3, min_spans: 3 } }";
    let commit = yard.push(&[("rows/{YYYY}-{MM}.csv\"", window)]).await;
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded);
    insta::assert_snapshot!(row.summary.unwrap(), @"skipped: data source 'rows' has 1 span, its window needs at least 3");
    let skipped = run
        .steps
        .values()
        .filter(|record| record.state.as_str() == "skipped")
        .count();
    assert_eq!((skipped, run.verdict.is_none()), (run.steps.len(), true));
    assert!(yard.programs().is_empty());
    insta::assert_snapshot!(yard.status(&commit, "success").await.description.unwrap(), @"skipped: data source 'rows' has 1 span, its window needs at least 3");
    yard.data("2013-02", "3,4\n");
    yard.data("2013-03", "5,6\n");
    yard.arrive("1", "rows", "2013-03").await.unwrap();
    let (row, _) = yard.last(2).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000001");
}

#[tokio::test]
async fn data_is_what_its_bytes_are_never_its_time_or_size() {
    let yard = with_first_model().await;
    let file = yard.config.data_root.join("rows/2013-01.csv");
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    let set_time = |at: std::time::SystemTime| {
        let file = std::fs::File::options().write(true).open(&file).unwrap();
        file.set_modified(at).unwrap();
    };
    // Touched, and nothing else: everything is there already.
    set_time(written + std::time::Duration::from_secs(3600));
    yard.arrive("1", "rows", "2013-01").await.unwrap();
    let (_, run) = yard.last(2).await;
    for step in ["examples", "left", "right", "train"] {
        assert_eq!(run.steps[step].state.as_str(), "cached", "{step}");
    }
    // Other bytes, as many, of the same moment.
    let before = std::fs::read_to_string(&file).unwrap();
    let after: String = before.chars().rev().collect();
    assert!(after != before && after.len() == before.len());
    std::fs::write(&file, &after).unwrap();
    set_time(written);
    yard.arrive("2", "rows", "2013-01").await.unwrap();
    let (_, run) = yard.last(3).await;
    assert_eq!(run.steps["examples"].state.as_str(), "succeeded");
    let examples = &run.steps["examples"].outputs["examples"];
    let read = std::fs::read_to_string(format!("{}/Split-train/data.parquet", examples.uri)).unwrap();
    assert_eq!(read, after);
}

/// The tiny pipeline with a validator that compares the newest span with the one before.
const COMPARING: (&str, &str) = (
    "  left: {",
    "  before:
    uses: example-gen
    with: { source: rows, window: { rolling_range: { num_spans: 1, skip_num_recent_spans: 1 } } }
  statistics: { uses: statistics-gen, inputs: { examples: examples } }
  before_statistics: { uses: statistics-gen, inputs: { examples: before } }
  validate:
    uses: example-validator
    inputs: { statistics: statistics, previous_statistics: before_statistics, schema: file:pipelines/tiny/schema.json }
  left: {",
);

#[tokio::test]
async fn the_first_span_has_none_before_it_and_is_judged_and_served_all_the_same() {
    let yard = Yard::new().await;
    yard.work.write("pipelines/tiny/schema.json", "{}");
    yard.script("before", |_, program| {
        Script::writes(
            "examples/Split-train/data.parquet",
            everything_in(&Task::of(program).input("source")),
        )
    });
    for step in ["statistics", "before_statistics"] {
        yard.script(step, |_, _| {
            Script::writes("statistics/Split-train/statistics.json", "{}")
        });
    }
    yard.script("validate", |_, program| {
        let before = std::fs::read_dir(Task::of(program).input("previous_statistics"))
            .unwrap()
            .count();
        Script::writes("anomalies/Split-train/anomalies.json", before.to_string())
    });
    let seen = |run: &Run| {
        let anomalies = &run.steps["validate"].outputs["anomalies"].uri;
        std::fs::read_to_string(format!("{anomalies}/Split-train/anomalies.json")).unwrap()
    };
    yard.push(&[COMPARING]).await;
    let (_, run) = yard.last(1).await;
    insta::assert_snapshot!(run.summary.as_deref().unwrap(), @"approved, and serving as version 000001");
    assert_eq!(run.steps["before_statistics"].state.as_str(), "skipped");
    assert_eq!(seen(&run), "0", "an empty folder");

    yard.data("2013-02", "3,4\n");
    yard.arrive("1", "rows", "2013-02").await.unwrap();
    let (_, run) = yard.last(2).await;
    // The run before has made them already.
    assert_eq!(run.steps["before_statistics"].state.as_str(), "cached");
    assert_eq!(seen(&run), "1", "the split of the span before");
}

#[tokio::test]
async fn what_is_only_compared_with_may_have_no_file_yet() {
    let yard = Yard::new().await;
    yard.work.write("pipelines/tiny/schema.json", "{}");
    yard.script("statistics", |_, _| {
        Script::writes("statistics/Split-train/statistics.json", "{}")
    });
    yard.script("validate", |_, _| {
        Script::writes("anomalies/Split-train/anomalies.json", "{}")
    });
    let requests = (
        "data:\n  rows:",
        "data:\n  requests: { uri: \"requests/{YYYY}-{MM}.csv\" }\n  rows:",
    );
    let serving = (
        "  left: {",
        "  before: { uses: example-gen, with: { source: requests } }
  statistics: { uses: statistics-gen, inputs: { examples: examples } }
  before_statistics: { uses: statistics-gen, inputs: { examples: before } }
  validate:
    uses: example-validator
    inputs: { statistics: statistics, serving_statistics: before_statistics, schema: file:pipelines/tiny/schema.json }
  left: {",
    );
    yard.push(&[requests, serving]).await;
    let (_, run) = yard.last(1).await;
    insta::assert_snapshot!(run.summary.as_deref().unwrap(), @"approved, and serving as version 000001");
    for step in ["before", "before_statistics"] {
        assert_eq!(run.steps[step].state.as_str(), "skipped", "{step}");
    }
    assert_eq!(run.steps["validate"].state.as_str(), "succeeded");
}
