//! Old data and newer, and baselines that know the rows.

use super::*;
use crate::artifact::ArtifactRef;
use crate::ids::StepName;
use crate::run::{Run, RunEvent, RunRequest};
use crate::spec::load;
use serde_json::Map;
use std::collections::BTreeMap;

/// Trained on the spans before the newest, judged by the newest; or, `together`, both from one step.
fn plan(together: bool, allow: bool) -> crate::plan::Plan {
    let judged = if together { "examples" } else { "newest" };
    let text = format!(
        r#"
name: flights
data: {{ rows: {{ uri: "rows/{{YYYY}}-{{MM}}.csv" }} }}
steps:
  examples:
    uses: example-gen
    with: {{ source: rows, window: {{ rolling_range: {{ num_spans: 3, skip_num_recent_spans: 1 }} }} }}
  newest: {{ uses: example-gen, with: {{ source: rows, window: {{ rolling_range: {{ num_spans: 1 }} }} }} }}
  train: {{ image: tools, command: [train], inputs: {{ examples: examples }}, outputs: {{ model: Model }} }}
  evaluate:
    image: tools
    command: [evaluate]
    inputs: {{ model: train.model, rows: {judged} }}
    outputs: {{ evaluation: ModelEvaluation }}
gate: {{ metrics: {{ auc: {{ value_threshold: {{ lower_bound: 0.6 }} }} }} }}
push: {{ target: flights, allow_older_data: {allow} }}
"#
    );
    load("p.yaml", &text, &Map::new()).unwrap()
}

/// Of 2014-06 the number 6, and so on.
fn span(month: i64) -> (i64, String) {
    (16_071 + 30 * month, format!("2014-{month:02}"))
}

fn data(months: &[i64]) -> ArtifactRef {
    let spans: Vec<Value> = months
        .iter()
        .map(|month| {
            let (span, label) = span(*month);
            json!({"span": span, "label": label})
        })
        .collect();
    let said = json!({"source": "rows", "spans": spans});
    ArtifactRef {
        name: "external/rows/x".into(),
        type_name: "ExternalData".into(),
        properties: said.as_object().cloned().unwrap(),
        ..model(99)
    }
}

/// A run whose steps read these months; `announced` and `asked` are what it was started for.
fn run(plan: crate::plan::Plan, trained: &[i64], judged: &[i64], announced: Option<i64>, asked: Option<i64>) -> Run {
    let named = |month: Option<i64>| -> BTreeMap<String, String> {
        month
            .map(|month| ("rows".to_owned(), span(month).1))
            .into_iter()
            .collect()
    };
    let mut run = Run::new(RunRequest {
        id: "r1".into(),
        event: None,
        trigger: "data".into(),
        cause: "data rows".into(),
        repo: None,
        installation_id: None,
        commit: None,
        branch: None,
        pull_request: None,
        folder: "pipelines/flights".into(),
        newest_spans: named(announced),
        waited_spans: Default::default(),
        as_of_spans: named(asked),
        work_tree: None,
        may_push: true,
        created_at: Micros(10),
        plan,
    });
    run.apply(&RunEvent::Started { baseline: None }, Micros(1));
    for (step, months) in [("examples", trained), ("newest", judged)] {
        run.steps[step].inputs.insert("source".into(), data(months));
    }
    let newest = trained.iter().chain(judged).max().copied().unwrap();
    let (span, label) = span(newest);
    let (source, as_of) = ("rows".to_owned(), AsOf { span, label });
    run.apply(&RunEvent::WindowRead { source, as_of }, Micros(2));
    run
}

/// A ledger whose newest version was made by this run, with what an older binary wrote of it or today's.
fn ledger(pipeline: &str, maker: &Run, old_form: bool) -> Ledger {
    let mut judged = Judged::of(maker);
    if old_form {
        judged.data.iter_mut().for_each(|read| read.as_of = None);
    }
    Ledger::new(vec![Promotion {
        pipeline: pipeline.into(),
        evidence: Evidence::Gate(judged),
        ..entry(7, PromotionAction::Push, "000007")
    }])
}

#[test]
fn a_run_as_of_an_older_span_never_replaces_a_newer_model() {
    let newest = run(plan(false, false), &[7, 8, 9], &[10], Some(10), None);
    let old = |announced, asked| run(plan(false, false), &[3, 4, 5], &[6], announced, asked);
    let said = |run: &Run, ledger: &Ledger| match crate::registry::as_of::older_data(run, ledger) {
        Some(older) => older.sentence(),
        None => "may be pushed".to_owned(),
    };
    let now = ledger("flights", &newest, false);
    let all = [
        ("announced", said(&old(Some(6), None), &now)),
        ("asked for by a person", said(&old(None, Some(6)), &now)),
        (
            "what an older binary wrote",
            said(&old(None, Some(6)), &ledger("flights", &newest, true)),
        ),
        ("the newest window, whatever it holds", said(&old(None, None), &now)),
        ("the same span again", said(&newest, &now)),
        (
            "the file allows it",
            said(&run(plan(false, true), &[3], &[6], Some(6), None), &now),
        ),
        (
            "another pipeline's model serves",
            said(&old(Some(6), None), &ledger("delays", &newest, false)),
        ),
        ("nothing serves", said(&old(Some(6), None), &Ledger::default())),
    ]
    .map(|(name, said)| format!("{name}: {said}"));
    insta::assert_snapshot!(all.join("\n"), @"
    announced: it was made as of 2014-06 of data source 'rows', and version 000007, which serves, as of 2014-10: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    asked for by a person: it was made as of 2014-06 of data source 'rows', and version 000007, which serves, as of 2014-10: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    what an older binary wrote: it was made as of 2014-06 of data source 'rows', and version 000007, which serves, as of 2014-10: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    the newest window, whatever it holds: may be pushed
    the same span again: may be pushed
    the file allows it: may be pushed
    another pipeline's model serves: may be pushed
    nothing serves: may be pushed
    ");
}

#[test]
fn what_earlier_runs_have_seen_is_the_least_that_a_late_announcement_means() {
    let request = |announced| run(plan(false, false), &[3], &[6], announced, None).request;
    let rejected = run(plan(false, false), &[7, 8, 9], &[10], Some(10), None);
    let serving = run(plan(false, false), &[6, 7, 8], &[9], Some(9), None);
    let mut of_pull_request = run(plan(false, false), &[9, 10], &[11], None, None);
    of_pull_request.request.pull_request = Some(7);
    let number = |month| BTreeMap::from([("rows".to_owned(), span(month).0)]);
    let served = ledger("flights", &serving, false);
    assert_eq!(seen(&request(Some(6)), &[], &served), number(9));
    assert_eq!(
        seen(&request(Some(6)), &[rejected.clone(), of_pull_request], &served),
        number(10)
    );
    assert_eq!(seen(&request(Some(6)), &[], &Ledger::default()), BTreeMap::new());
    assert_eq!(
        seen(&request(None), &[rejected], &served),
        BTreeMap::new(),
        "it sees all there is"
    );
}

#[test]
fn a_baseline_that_knows_the_rows_judges_nobody() {
    let step = StepName::from("train");
    let maker = run(plan(false, false), &[5, 6, 7, 8, 9], &[10], None, None);
    let said = |run: &Run, maker: &Run| match unfair_baseline(run, maker, &step) {
        Some(unfair) => unfair.sentence(),
        None => "fair".to_owned(),
    };
    let of = |together, trained: &[i64], judged: &[i64]| run(plan(together, false), trained, judged, None, None);
    let all = [
        ("as of an older span", said(&of(false, &[3, 4, 5], &[6]), &maker)),
        ("the next month", said(&of(false, &[8, 9, 10], &[11]), &maker)),
        (
            "the same window again",
            said(&of(false, &[5, 6, 7, 8, 9], &[10]), &maker),
        ),
        (
            "judged by more months than before",
            said(&of(false, &[7], &[8, 9, 10]), &maker),
        ),
        ("the candidate knows them, too", said(&of(false, &[5, 6], &[6]), &maker)),
        (
            "one step for both, split",
            said(&of(true, &[4, 5, 6], &[6]), &of(true, &[3, 4, 5, 6], &[6])),
        ),
    ]
    .map(|(name, said)| format!("{name}: {said}"));
    insta::assert_snapshot!(all.join("\n"), @"
    as of an older span: the model compared with was trained on the rows that judge it (2014-06 of data source 'rows', in run r1): judge by spans that neither has seen
    the next month: fair
    the same window again: fair
    judged by more months than before: the model compared with was trained on the rows that judge it (2014-08, 2014-09 of data source 'rows', in run r1): judge by spans that neither has seen
    the candidate knows them, too: fair
    one step for both, split: fair
    ");
}
