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
        base: None,
        fork: None,
        folder: "pipelines/flights".into(),
        newest_spans: named(announced),
        waited_spans: Default::default(),
        as_of_spans: named(asked),
        work_tree: None,
        rerun: None,
        trial: false,
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
        judged.data.iter_mut().for_each(|read| {
            *read = DataRead {
                as_of: None,
                uri: None,
                newest: None,
                judges: false,
                ..read.clone()
            };
        });
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
    announced: it was made of data source 'rows' up to 2014-05, and version 000007, which serves, up to 2014-09: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    asked for by a person: it was made of data source 'rows' up to 2014-05, and version 000007, which serves, up to 2014-09: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    what an older binary wrote: it was made of data source 'rows' up to 2014-06, and version 000007, which serves, up to 2014-10: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    the newest window, whatever it holds: it was made of data source 'rows' up to 2014-05, and version 000007, which serves, up to 2014-09: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    the same span again: may be pushed
    the file allows it: may be pushed
    another pipeline's model serves: it was made of data source 'rows' up to 2014-05, and version 000007, which serves, up to 2014-09: to let older data serve, use `trainyard promote`, or set push.allow_older_data
    nothing serves: may be pushed
    ");
}

/// A pipeline that reads these sources for training, each `name uri`.
fn reading(sources: &[(&str, &str)]) -> crate::plan::Plan {
    let data: Vec<String> = sources
        .iter()
        .map(|(name, uri)| format!("{name}: {{ uri: \"{uri}\" }}"))
        .collect();
    let steps = sources
        .iter()
        .map(|(name, _)| format!("  of_{name}: {{ uses: example-gen, with: {{ source: {name} }} }}\n"));
    let inputs: Vec<String> = sources.iter().map(|(name, _)| format!("{name}: of_{name}")).collect();
    let text = format!(
        "name: flights\ndata: {{ {} }}\nsteps:\n{}  train: {{ image: tools, command: [train], inputs: {{ {} }}, outputs: {{ model: Model }} }}
  evaluate: {{ image: tools, command: [evaluate], inputs: {{ model: train.model }}, outputs: {{ evaluation: ModelEvaluation }} }}
gate: {{ metrics: {{ auc: {{ value_threshold: {{ lower_bound: 0.6 }} }} }} }}\npush: {{ target: flights }}\n",
        data.join(", "),
        steps.collect::<String>(),
        inputs.join(", ")
    );
    load("p.yaml", &text, &Map::new()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A run of [`reading`] that read one span of each source: `name`, `uri`, and the span by label.
fn made_of(reads: &[(&str, &str, &str)]) -> Run {
    let plan = reading(&reads.iter().map(|(name, uri, _)| (*name, *uri)).collect::<Vec<_>>());
    let mut made = run(super::data::plan(false, false), &[1], &[1], None, None);
    made.request.plan = plan.clone();
    let mut made = Run::new(made.request);
    for (name, uri, label) in reads {
        let pattern = crate::span::SpanPattern::parse(uri).unwrap();
        let span = pattern.parse_label(label).unwrap_or_default();
        let said = json!({"source": name, "spans": [{"span": span, "label": label}]});
        let read = ArtifactRef {
            properties: said.as_object().cloned().unwrap(),
            ..data(&[1])
        };
        made.steps[format!("of_{name}").as_str()]
            .inputs
            .insert("source".into(), read);
    }
    made
}

#[test]
fn older_is_what_the_model_was_made_of_whatever_it_is_called() {
    const MONTHS: &str = "rows/{YYYY}-{MM}.csv";
    const OTHERS: &str = "others/{YYYY}-{MM}.csv";
    const NUMBERS: &str = "rows/{SPAN}.csv";
    let may = |name| (name, MONTHS, "2014-05");
    let june = |name| (name, MONTHS, "2014-06");
    let other = |name, label| (name, OTHERS, label);
    type Reads<'a> = &'a [(&'a str, &'a str, &'a str)];
    let cases: [(&str, Reads<'_>, Reads<'_>); 15] = [
        ("the newest file was removed", &[june("rows")], &[may("rows")]),
        ("the same", &[june("rows")], &[june("rows")]),
        ("newer", &[may("rows")], &[june("rows")]),
        (
            "one of two went back",
            &[june("rows"), other("b", "2014-06")],
            &[june("rows"), other("b", "2014-01")],
        ),
        (
            "one of two went back, another on",
            &[may("rows"), other("b", "2014-06")],
            &[june("rows"), other("b", "2014-01")],
        ),
        ("one was added", &[june("rows")], &[june("rows"), other("b", "2014-01")]),
        (
            "one was removed",
            &[june("rows"), other("b", "2014-09")],
            &[june("rows")],
        ),
        ("renamed", &[june("rows")], &[june("lines")]),
        ("renamed and older", &[june("rows")], &[may("lines")]),
        (
            "renamed and older, and a newer one added",
            &[june("rows")],
            &[may("lines"), other("b", "2015-01")],
        ),
        ("another one, older", &[june("rows")], &[other("b", "2014-01")]),
        ("another one, newer", &[june("rows")], &[other("b", "2014-07")]),
        ("numbers after dates", &[june("rows")], &[("rows", NUMBERS, "5")]),
        ("an older number", &[("rows", NUMBERS, "7")], &[("rows", NUMBERS, "5")]),
        (
            "a file without a span",
            &[("rows", NUMBERS, "7")],
            &[("rows", "rows/all.csv", "0")],
        ),
    ];
    let said = cases.map(|(case, served, now)| {
        let ledger = ledger("flights", &made_of(served), false);
        let older = crate::registry::as_of::older_data(&made_of(now), &ledger);
        let said = older.map_or("may be pushed".to_owned(), |older| older.sentence());
        format!("{case}: {}", said.split(": to let").next().unwrap())
    });
    insta::assert_snapshot!(said.join("\n"), @"
    the newest file was removed: it was made of data source 'rows' up to 2014-05, and version 000007, which serves, up to 2014-06
    the same: may be pushed
    newer: may be pushed
    one of two went back: it was made of data source 'b' up to 2014-01, and version 000007, which serves, up to 2014-06
    one of two went back, another on: it was made of data source 'b' up to 2014-01, and version 000007, which serves, up to 2014-06
    one was added: may be pushed
    one was removed: may be pushed
    renamed: may be pushed
    renamed and older: it was made of data source 'lines' up to 2014-05, and version 000007, which serves, of 'rows' up to 2014-06
    renamed and older, and a newer one added: it was made of data source 'lines' up to 2014-05, and version 000007, which serves, of 'rows' up to 2014-06
    another one, older: it was made of data source 'b' up to 2014-01, and version 000007, which serves, of 'rows' up to 2014-06
    another one, newer: may be pushed
    numbers after dates: may be pushed
    an older number: it was made of data source 'rows' up to 5, and version 000007, which serves, up to 7
    a file without a span: may be pushed
    ");
}

#[test]
fn what_only_judged_a_model_says_nothing_about_its_age() {
    let newest = run(plan(false, false), &[7, 8, 9], &[10], None, None);
    let older = |trained: &[i64], judged: &[i64], old_form| {
        let candidate = run(plan(false, false), trained, judged, None, None);
        crate::registry::as_of::older_data(&candidate, &ledger("flights", &newest, old_form)).is_some()
    };
    assert!(older(&[6, 7, 8], &[10], false), "its window ends earlier");
    assert!(!older(&[7, 8, 9], &[8], false), "judged by older rows");
    assert!(older(&[7, 8, 9], &[9], true), "an older binary did not say what judged");
    assert!(!older(&[6, 7, 8], &[10], true));
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
