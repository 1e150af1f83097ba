use super::{given, known, named, repo, table, told};
use crate::event::{DataArrived, Manual};
use crate::ids::Micros;
use crate::inbound::{HoldPayload, KnownPipeline, asked_spans, data, local, manual, release, schedule};
use crate::plan::Plan;
use crate::report::Audience;
use crate::run::WorkTree;
use crate::spec::tests::flights;

/// The example without its quiet period.
fn eager(name: &str) -> Plan {
    let mut plan = named(name);
    plan.triggers.data.as_mut().unwrap().quiet_period_seconds = 0;
    plan
}

fn waiting(spans: &[&str]) -> HoldPayload {
    let mut held = HoldPayload::new(&known(flights()), "flights");
    held.spans = spans.iter().map(|span| (*span).to_owned()).collect();
    held
}

#[test]
fn data_start_a_run_or_wait_together_for_their_quiet_period() {
    let arrived = |source: &str, span: Option<&str>| DataArrived {
        source: source.to_owned(),
        span: span.map(str::to_owned),
    };
    let meaning =
        |arrived: DataArrived, known: &[KnownPipeline], held: &[HoldPayload]| data(&arrived, known, held, given());
    let (patient, eager) = ([known(flights())], [known(eager("delays"))]);
    let both = [eager[0].clone(), patient[0].clone()];
    let other = HoldPayload {
        source: "weather".to_owned(),
        ..waiting(&["2012-01"])
    };
    insta::assert_snapshot!(table([
        ("nothing is known", meaning(arrived("flights", None), &[], &[])),
        ("another source", meaning(arrived("weather", Some("2013-04")), &patient, &[])),
        ("no quiet period", meaning(arrived("flights", Some("2013-04")), &eager, &[])),
        ("no quiet period and no span", meaning(arrived("flights", None), &eager, &[])),
        ("the first that waits", meaning(arrived("flights", Some("2013-04")), &patient, &[other])),
        ("one more", meaning(arrived("flights", Some("2013-03")), &patient, &[waiting(&["2013-04"])])),
        ("the same again", meaning(arrived("flights", Some("2013-04")), &patient, &[waiting(&["2013-04", "2013-03"])])),
        ("one without a span", meaning(arrived("flights", None), &patient, &[waiting(&["2013-04"])])),
        ("two pipelines", meaning(arrived("flights", Some("2013-04")), &both, &[])),
    ]), @"
    - nothing is known
    outcome: no pipeline is known yet: push a repository with a pipeline to its default branch first
    - another source
    outcome: data weather 2013-04 starts nothing: pipeline 'flights' listens to data source 'flights'
    - no quiet period
    start r1 (data): data flights 2013-04: pipelines/delays, may push, c of main, flights up to 2013-04
    tell c for main: trainyard/delays Pending: waiting to run: data flights 2013-04
    outcome: run r1 of pipeline 'delays' starts
    - no quiet period and no span
    start r1 (data): data flights: pipelines/delays, may push, c of main
    tell c for main: trainyard/delays Pending: waiting to run: data flights
    outcome: run r1 of pipeline 'delays' starts
    - the first that waits
    hold until 110 s: acme/flights flights flights: 2013-04
    outcome: data flights 2013-04: one run starts when nothing more arrives for 10s
    - one more
    hold until 110 s: acme/flights flights flights: 2013-04, 2013-03
    outcome: data flights 2013-03: one run starts when nothing more arrives for 10s
    - the same again
    hold until 110 s: acme/flights flights flights: 2013-04, 2013-03
    outcome: data flights 2013-04: one run starts when nothing more arrives for 10s
    - one without a span
    hold until 110 s: acme/flights flights flights: 2013-04
    outcome: data flights: one run starts when nothing more arrives for 10s
    - two pipelines
    start r1 (data): data flights 2013-04: pipelines/delays, may push, c of main, flights up to 2013-04
    tell c for main: trainyard/delays Pending: waiting to run: data flights 2013-04
    hold until 110 s: acme/flights flights flights: 2013-04
    outcome: run r1 of pipeline 'delays' starts; data flights 2013-04: one run starts when nothing more arrives for 10s
    ");
}

#[test]
fn what_waited_together_is_one_run_up_to_the_newest() {
    let meaning = |spans: &[&str], known: &[KnownPipeline]| release(&waiting(spans), known, given());
    let here = [known(named("delays")), known(flights())];
    insta::assert_snapshot!(table([
        ("in another order", meaning(&["2013-04", "2013-12", "2013-03"], &here)),
        ("without a span", meaning(&[], &here)),
        ("one that means nothing", meaning(&["2013-04", "yesterday"], &here)),
        ("the pipeline is gone", meaning(&["2013-04"], &here[..1])),
    ]), @"
    - in another order
    start r1 (data): data flights 2013-04, 2013-12, 2013-03: pipelines/flights, may push, c of main, flights up to 2013-12
    tell c for main: trainyard/flights Pending: waiting to run: data flights 2013-04, 2013-12, 2013-03
    outcome: run r1 of pipeline 'flights' starts
    - without a span
    start r1 (data): data flights: pipelines/flights, may push, c of main
    tell c for main: trainyard/flights Pending: waiting to run: data flights
    outcome: run r1 of pipeline 'flights' starts
    - one that means nothing
    start r1 (data): data flights 2013-04: pipelines/flights, may push, c of main, flights up to 2013-04
    tell c for main: trainyard/flights Pending: waiting to run: data flights 2013-04
    outcome: run r1 of pipeline 'flights' starts; 'yesterday' is no span of data source 'flights' and was left out: announce it again as its files are named
    - the pipeline is gone
    outcome: the pipeline is gone from its default branch
    ");
}

#[test]
fn a_slot_starts_the_pipeline_that_still_has_its_schedule() {
    let slot = Micros(1_767_600_000_000_000);
    let mut without = flights();
    without.triggers.schedule = None;
    let meaning = |known: &[KnownPipeline]| schedule(Some(&repo()), "flights", slot, known, given());
    let of_a_folder = schedule(None, "flights", slot, &[known(flights())], given());
    insta::assert_snapshot!(table([
        ("due", meaning(&[known(named("delays")), known(flights())])),
        ("no schedule any more", meaning(&[known(without)])),
        ("the pipeline is gone", meaning(&[known(named("delays"))])),
        ("a folder on this machine", of_a_folder),
    ]), @"
    - due
    start r1 (schedule): schedule of 2026-01-05T08:00:00+00:00: pipelines/flights, may push, c of main
    tell c for main: trainyard/flights Pending: waiting to run: schedule of 2026-01-05T08:00:00+00:00
    outcome: run r1 of pipeline 'flights' starts
    - no schedule any more
    outcome: schedule of 2026-01-05T08:00:00+00:00 starts nothing: pipeline 'flights' no longer has a schedule
    - the pipeline is gone
    outcome: the pipeline is gone from its default branch
    - a folder on this machine
    outcome: the pipeline is gone from its default branch
    ");
}

#[test]
fn a_person_names_spans_and_keeps_the_push_back() {
    let here = known(flights());
    let spans = |asked: &[&str]| {
        let asked: Vec<String> = asked.iter().map(|span| (*span).to_owned()).collect();
        asked_spans(&here.plan, &asked)
    };
    let manual_of = Manual {
        repo: Some(repo()),
        pipeline: "flights".to_owned(),
        git_ref: None,
        actor: "ada".to_owned(),
        parameters: Default::default(),
        spans: spans(&["2014-06"]).unwrap(),
        no_push: true,
    };
    let started = manual(&manual_of, &here, &here.plan, given()).unwrap();
    insta::assert_snapshot!(told(&started), @"
    start r1 (manual): manual request by ada as of flights 2014-06: pipelines/flights, never pushes, c of main, as of flights 2014-06
    tell c for main: trainyard/flights Pending: waiting to run: manual request by ada as of flights 2014-06
    outcome: run r1 of pipeline 'flights' starts
    ");
    let mut two = here.plan.clone();
    two.data.insert("weather".to_owned(), two.data["flights"].clone());
    let mut none = here.plan.clone();
    none.data.clear();
    let said = |plan: &Plan, asked: &[&str]| {
        let asked: Vec<String> = asked.iter().map(|span| (*span).to_owned()).collect();
        match asked_spans(plan, &asked) {
            Ok(spans) => format!("{spans:?}"),
            Err(refusal) => refusal.sentence(),
        }
    };
    let all = [
        said(&here.plan, &["flights=2014-06"]),
        said(&two, &["flights=2014-06", "weather=2014-05"]),
        said(&two, &["2014-06"]),
        said(&none, &["2014-06"]),
        said(&here.plan, &["flight=2014-06"]),
        said(&here.plan, &["2014-13"]),
        said(&here.plan, &["june"]),
        said(&here.plan, &["2014-06", "flights=2014-07"]),
        said(&here.plan, &[]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    {"flights": "2014-06"}
    {"flights": "2014-06", "weather": "2014-05"}
    the span '2014-06' could be of several data sources (flights, weather): write SOURCE=2014-06
    there is no data source for the span '2014-06' (known: none): write SPAN, or SOURCE=SPAN
    there is no data source for the span 'flight=2014-06' (known: flights): write SPAN, or SOURCE=SPAN
    '2014-13' is no span of data source 'flights': its files are like data/flights/{YYYY}-{MM}.parquet
    'june' is no span of data source 'flights': its files are like data/flights/{YYYY}-{MM}.parquet
    data source 'flights' is given two spans: name one
    {}
    "#);
}

#[test]
fn a_person_starts_the_pipeline_that_is_named() {
    let asked = |pipeline: &str| Manual {
        repo: Some(repo()),
        pipeline: pipeline.to_owned(),
        git_ref: None,
        actor: "ada".to_owned(),
        parameters: Default::default(),
        spans: Default::default(),
        no_push: false,
    };
    let here = known(flights());
    let started = manual(&asked("flights"), &here, &here.plan, given()).unwrap();
    insta::assert_snapshot!(told(&started), @"
    start r1 (manual): manual request by ada: pipelines/flights, may push, c of main
    tell c for main: trainyard/flights Pending: waiting to run: manual request by ada
    outcome: run r1 of pipeline 'flights' starts
    ");
    let refused = manual(&asked("delays"), &here, &here.plan, given()).unwrap_err();
    insta::assert_snapshot!(refused.sentence(), @"manual request by ada starts nothing: it is for pipeline 'delays', not 'flights'");
    let work_tree = WorkTree {
        actor: "ada".to_owned(),
        commit: Some("0123456789".into()),
        dirty: true,
    };
    assert_eq!(work_tree.sentence(), "a work tree at 0123456 with changes");
    let judged_only = Manual {
        no_push: true,
        ..asked("flights")
    };
    let folder = "/home/ada/pipelines/flights";
    let on_this_machine = local(&judged_only, folder, flights(), work_tree, given());
    assert!(on_this_machine.runs().all(|run| run.work_tree.is_some()));
    insta::assert_snapshot!(told(&on_this_machine), @"
    start r1 (manual): manual request by ada: /home/ada/pipelines/flights, never pushes
    outcome: run r1 of pipeline 'flights' starts
    ");
}

#[test]
fn without_github_nobody_hears_of_a_run() {
    let quiet = Audience {
        github: false,
        public_url: None,
    };
    let mut given = given();
    given.audience = &quiet;
    let arrived = DataArrived {
        source: "flights".to_owned(),
        span: None,
    };
    let meaning = data(&arrived, &[known(eager("flights"))], &[], given);
    assert_eq!((meaning.consequences.len(), meaning.runs().count()), (1, 1));
}
