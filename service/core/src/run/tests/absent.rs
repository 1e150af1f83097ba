//! A step that was skipped, and steps that can do without it.

use super::*;
use crate::run::{Applied, Command, Decision, Limits, Run, RunState, decide};

/// A validator that compares with the span before; training waits for its word.
const COMPARING: &str = r#"
name: small
data: { rows: { uri: "rows/{SPAN}.csv" } }
steps:
  newest: { uses: example-gen, with: { source: rows } }
  previous: { uses: example-gen, with: { source: rows } }
  newest_statistics: { uses: statistics-gen, inputs: { examples: newest } }
  previous_statistics: { uses: statistics-gen, inputs: { examples: previous } }
  validate:
    uses: example-validator
    inputs: { statistics: newest_statistics, previous_statistics: previous_statistics, schema: file:schema.json }
  train: { image: x, command: [train], outputs: { model: Model }, after: [validate] }
  evaluate: { image: x, command: [e], inputs: { model: train }, outputs: { evaluation: ModelEvaluation } }
gate: { metrics: { auc: { value_threshold: { lower_bound: 0.6 } } } }
"#;

/// What becomes of every step when these skip themselves and these fail: its states, and the end.
fn played(text: &str, skips: &[&str], fails: &[&str]) -> String {
    let mut run = Run::new(request(load("p.yaml", text, &Map::new()).unwrap()));
    run.apply(&RunEvent::Started { baseline: None }, Micros(0));
    while run.state == RunState::Running {
        for decision in decide(&run, &Limits { max_parallel_steps: 9 }, Micros(0)) {
            let event = match decision {
                Decision::Record(event) => event,
                Decision::Perform(Command::Drive { step, .. }) if skips.contains(&step.as_str()) => {
                    RunEvent::StepSkipped {
                        cause: SkipCause::Recorded("too few spans".to_owned()),
                        step,
                    }
                }
                Decision::Perform(Command::Drive { step, .. }) if fails.contains(&step.as_str()) => {
                    failed(&step, 0, None)
                }
                Decision::Perform(Command::Drive { step, .. }) => cached(&step),
                Decision::Perform(Command::Judge) => RunEvent::GateJudged {
                    verdict: verdict(0.7),
                    model: None,
                    blessing: None,
                },
                other => panic!("{other:?}"),
            };
            assert_eq!(run.apply(&event, Micros(0)), Applied::Applied, "{event:?}");
        }
    }
    let states = run
        .steps
        .iter()
        .map(|(name, record)| format!("{name} {}", record.state.as_str()));
    let summary = run.summary.clone().unwrap_or_default();
    format!(
        "{}: {} {summary}",
        states.collect::<Vec<_>>().join(", "),
        run.state.as_str()
    )
}

#[test]
fn a_comparison_with_nothing_yet_is_no_reason_to_skip_the_run() {
    let own = COMPARING.replace("after: [validate]", "after: [validate, previous]");
    let table = [
        played(COMPARING, &["previous"], &[]),
        played(COMPARING, &["newest", "previous"], &[]),
        played(COMPARING, &["newest"], &[]),
        played(COMPARING, &[], &["previous"]),
        played(COMPARING, &["previous"], &["newest"]),
        played(&own, &["previous"], &[]),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    newest cached, previous skipped, newest_statistics cached, previous_statistics skipped, validate cached, train cached, evaluate cached: succeeded approved; the pipeline names no push target
    newest skipped, previous skipped, newest_statistics skipped, previous_statistics skipped, validate skipped, train skipped, evaluate skipped: succeeded skipped: too few spans
    newest skipped, previous cached, newest_statistics skipped, previous_statistics cached, validate skipped, train skipped, evaluate skipped: succeeded skipped: too few spans
    newest cached, previous failed, newest_statistics cached, previous_statistics skipped, validate skipped, train skipped, evaluate skipped: failed step 'previous': it broke
    newest failed, previous skipped, newest_statistics skipped, previous_statistics skipped, validate skipped, train skipped, evaluate skipped: failed step 'newest': it broke
    newest cached, previous skipped, newest_statistics cached, previous_statistics skipped, validate cached, train skipped, evaluate skipped: succeeded skipped: too few spans
    ");
}

#[test]
fn only_what_is_compared_with_may_be_missing() {
    let plan = load("p.yaml", COMPARING, &Map::new()).unwrap();
    let without = |step: &str, upstream: &str| plan.steps[step].can_do_without(&upstream.into());
    assert!(without("validate", "previous_statistics"));
    assert!(!without("validate", "newest_statistics"));
    assert!(!without("train", "validate"));
    assert!(!without("validate", "train"));
    // Of a baseline's predictions that were not made, no gate may hear «there is no baseline».
    let flights = crate::spec::tests::flights();
    assert!(!flights.steps["evaluate"].can_do_without(&"infer".into()));
}
