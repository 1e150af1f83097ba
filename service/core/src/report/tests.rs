//! Every wording that GitHub shows.

use super::{
    Status, StatusState, comment, difference, difference_heading, invalid_pipeline_status, nothing_to_do_status, status,
};
use crate::evaluation::{Difference, Evaluation, Measured, Slice};
use crate::gate::{Comparison, judge};
use crate::ids::{CommitSha, Micros, RepoName};
use crate::run::{Run, RunEvent, RunRequest, RunState, SkipCause, StepState};
use crate::sentence;
use crate::span::TooFewSpans;
use proptest::prelude::*;
use std::collections::BTreeMap;

mod check_runs;
mod otlp;

const URL: &str = "http://127.0.0.1:8080/runs/01";

fn request(pull_request: Option<u64>) -> RunRequest {
    RunRequest {
        id: "01".into(),
        event: None,
        trigger: "pull_request".to_owned(),
        cause: "pull request #7 by ada opened".to_owned(),
        repo: RepoName::parse("acme/flights").ok(),
        installation_id: None,
        commit: Some(CommitSha::from("0123456789abcdef0123456789abcdef01234567")),
        branch: Some("faster".to_owned()),
        pull_request,
        base: None,
        fork: None,
        folder: "pipelines/flights".to_owned(),
        newest_spans: BTreeMap::new(),
        waited_spans: BTreeMap::new(),
        as_of_spans: Default::default(),
        work_tree: None,
        rerun: None,
        trial: false,
        may_push: pull_request.is_none(),
        created_at: Micros(0),
        plan: crate::spec::tests::flights(),
    }
}

fn evaluation(slices: &[(&str, f64, Option<f64>)]) -> Evaluation {
    let slice = |(origin, candidate, baseline): &(&str, f64, Option<f64>)| Slice {
        slice_key: if origin.is_empty() {
            BTreeMap::new()
        } else {
            [("origin".to_owned(), (*origin).to_owned())].into()
        },
        num_examples: 100,
        metrics: [(
            "auc".to_owned(),
            Measured {
                candidate: Some(*candidate),
                baseline: *baseline,
                ..Default::default()
            },
        )]
        .into(),
        ..Slice::default()
    };
    Evaluation {
        example_weight_key: None,
        schema_version: 1,
        confidence_level: None,
        cross_slices: vec![],
        model_type: "binary_classification".to_owned(),
        label: String::new(),
        prediction: String::new(),
        baseline: slices.iter().any(|s| s.2.is_some()),
        slices: slices.iter().map(slice).collect(),
    }
}

/// A run whose steps are done and whose candidate was measured so.
fn judged(pull_request: Option<u64>, evaluation: &Evaluation) -> Run {
    let mut run = running(pull_request);
    for record in run.steps.values_mut() {
        record.state = StepState::Cached;
    }
    let gate = run.request.plan.gate.clone().unwrap().gate;
    run.apply(
        &RunEvent::GateJudged {
            verdict: judge(&gate, evaluation),
            model: None,
            blessing: None,
        },
        Micros(2),
    );
    let summary = sentence::run_succeeded(&run);
    ended(run, RunState::Succeeded, &summary)
}

fn running(pull_request: Option<u64>) -> Run {
    let mut run = Run::new(request(pull_request));
    run.apply(&RunEvent::Started { baseline: None }, Micros(1));
    run
}

fn ended(mut run: Run, state: RunState, summary: &str) -> Run {
    run.apply(
        &RunEvent::Finished {
            state,
            summary: summary.to_owned(),
            metrics: Default::default(),
        },
        Micros(3),
    );
    run
}

fn good() -> Evaluation {
    evaluation(&[
        ("", 0.6512, Some(0.648)),
        ("EWR", 0.64, Some(0.63)),
        ("JFK", 0.66, Some(0.66)),
    ])
}

fn bad() -> Evaluation {
    evaluation(&[
        ("", 0.5512, Some(0.648)),
        ("EWR", 0.64, Some(0.6512)),
        ("JFK", 0.66, Some(0.66)),
    ])
}

fn shown(status: &Status) -> String {
    format!("{:?} {} {}", status.state, status.context, status.description)
}

#[test]
fn statuses() {
    let queued = Run::new(request(Some(7)));
    let failed = ended(
        running(Some(7)),
        RunState::Failed,
        "step 'train' exited with code 1: ValueError: no column\n'x'",
    );
    let cancelled = ended(
        running(Some(7)),
        RunState::Cancelled,
        &sentence::run_cancelled("a newer commit"),
    );
    let runs = [
        queued,
        running(Some(7)),
        judged(Some(7), &good()),
        judged(Some(7), &bad()),
        judged(None, &bad()),
        failed,
        cancelled,
    ];
    let all: Vec<String> = runs.iter().map(|run| shown(&status(run).unwrap())).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    Pending trainyard/flights waiting to run: pull request #7 by ada opened
    Pending trainyard/flights running: pull request #7 by ada opened
    Success trainyard/flights approved; a pull request's model is not pushed
    Failure trainyard/flights not approved: auc overall is 0.5512, below the lower bound 0.6000
    Failure trainyard/flights not approved: auc overall is 0.5512, below the lower bound 0.6000
    Error trainyard/flights step 'train' exited with code 1: ValueError: no column 'x'
    Error trainyard/flights cancelled by a newer commit
    "#);
    let mut local = request(None);
    local.commit = None;
    assert_eq!(status(&Run::new(local)), None);
}

#[test]
fn a_skipped_run_is_a_success_but_no_approval_of_a_pull_request() {
    let skipped = |pull_request| {
        let too_few = TooFewSpans {
            source: "flights".to_owned(),
            spans: 1,
            newest: None,
            in_window: 1,
            min_spans: 3,
        };
        let summary = sentence::run_skipped(&SkipCause::NoData(too_few));
        ended(running(pull_request), RunState::Succeeded, &summary)
    };
    insta::assert_snapshot!(shown(&status(&skipped(None)).unwrap()), @"Success trainyard/flights skipped: data source 'flights' has 1 span, its window needs at least 3");
    insta::assert_snapshot!(shown(&status(&skipped(Some(7))).unwrap()), @"Failure trainyard/flights not judged, skipped: data source 'flights' has 1 span, its window needs at least 3");
    insta::assert_snapshot!(comment(&skipped(Some(7)), URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: ✗ not judged

    skipped: data source 'flights' has 1 span, its window needs at least 3

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
}

#[test]
fn a_pipeline_without_a_judgement_succeeds() {
    let mut nothing = bad();
    nothing.slices.truncate(1);
    let mut request = request(Some(7));
    if let Some(gate) = &mut request.plan.gate {
        gate.gate.metrics.clear();
    }
    let mut run = Run::new(request);
    run.apply(&RunEvent::Started { baseline: None }, Micros(1));
    for record in run.steps.values_mut() {
        record.state = StepState::Cached;
    }
    let gate = run.request.plan.gate.clone().unwrap().gate;
    run.apply(
        &RunEvent::GateJudged {
            verdict: judge(&gate, &nothing),
            model: None,
            blessing: None,
        },
        Micros(2),
    );
    let summary = sentence::run_succeeded(&run);
    let run = ended(run, RunState::Succeeded, &summary);
    assert_eq!(status(&run).unwrap().state, StatusState::Success);
    insta::assert_snapshot!(comment(&run, URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: not judged

    The gate has no thresholds.

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.5512 | 0.6480 | -0.0968 |  |  |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
}

#[test]
fn comments() {
    insta::assert_snapshot!(comment(&judged(Some(7), &good()), URL).unwrap(), @r#"
    <!-- trainyard:flights -->
    ### flights: ✓ approved

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6512 | 0.6480 | +0.0032 | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=EWR | auc | 0.6400 | 0.6300 | +0.0100 | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    "#);
    insta::assert_snapshot!(comment(&judged(Some(7), &bad()), URL).unwrap(), @r#"
    <!-- trainyard:flights -->
    ### flights: ✗ not approved

    - auc overall is 0.5512, below the lower bound 0.6000
    - auc overall fell from 0.6480 to 0.5512 (-0.0968), more than the allowed -0.0050
    - auc on origin=EWR fell from 0.6512 to 0.6400 (-0.0112), more than the allowed -0.0050

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.5512 | 0.6480 | -0.0968 | ≥ 0.6, change ≥ -0.005 | ✗ |
    | origin=EWR | auc | 0.6400 | 0.6512 | -0.0112 | ≥ 0.6, change ≥ -0.005 | ✗ |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    "#);
    let first = evaluation(&[("", 0.6512, None), ("EWR", 0.64, None)]);
    insta::assert_snapshot!(comment(&judged(Some(7), &first), URL).unwrap(), @r#"
    <!-- trainyard:flights -->
    ### flights: ✓ approved

    There is no model to compare with yet, so that changes were not judged.

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6512 | – | – | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=EWR | auc | 0.6400 | – | – | ≥ 0.6, change ≥ -0.005 | ✓ |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    "#);
    let failed = ended(
        running(Some(7)),
        RunState::Failed,
        "step 'train' exited with code 1: no column <b>x</b>",
    );
    insta::assert_snapshot!(comment(&failed, URL).unwrap(), @r#"
    <!-- trainyard:flights -->
    ### flights: the run failed

    step 'train' exited with code 1: no column &lt;b&gt;x&lt;/b&gt;

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    "#);
}

/// A run whose step wrote these lines before it failed.
fn wrote(lines: &[&str]) -> Run {
    let mut run = running(Some(7));
    let record = &mut run.steps[0];
    record.state = StepState::Failed {
        attempt: 1,
        reason: "it broke".to_owned(),
    };
    record.last_lines = lines.iter().map(|line| (*line).to_owned()).collect();
    ended(run, RunState::Failed, "it broke")
}

#[test]
fn a_comment_quotes_the_end_of_the_log() {
    let run = wrote(&[
        "epoch 1",
        "```",
        "````` <!-- trainyard:flights --> @ada",
        "https://me:hunter2@example.com",
        "ValueError: x\nnext",
    ]);
    insta::assert_snapshot!(comment(&run, URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: the run failed

    it broke

    The end of what step 'examples' wrote:

    ``````text
    epoch 1
    ```
    ````` <!-- trainyard:flights --> @ada
    https://***@example.com
    ValueError: x next
    ``````

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    assert!(!shown(&status(&run).unwrap()).contains("epoch"));
    let mut image = running(Some(7));
    let name = image.images.keys().next().unwrap().clone();
    image.apply(
        &RunEvent::ImageFailed {
            image: name.clone(),
            reason: "no package".to_owned(),
            last_lines: vec!["ERROR: no package".to_owned()],
            line: None,
        },
        Micros(2),
    );
    let image = ended(image, RunState::Failed, "no package");
    let told = comment(&image, URL).unwrap();
    let block = format!("The end of what the build of image '{name}' wrote:\n\n```text\nERROR: no package\n```\n");
    assert!(told.contains(&block), "{told}");
    // The longest log there can be leaves the comment readable by GitHub.
    let long = "`".repeat(500);
    let all: Vec<&str> = (0..20).map(|_| long.as_str()).collect();
    assert!(comment(&wrote(&all), URL).unwrap().chars().count() < 65_535);
}

#[test]
fn differences_have_their_interval() {
    let mut measured = good();
    measured.confidence_level = Some(0.999);
    for (slice, [value, lower, upper]) in measured.slices.iter_mut().zip([
        [0.0032, -0.0011, 0.0075],
        [0.01, 0.00998, 0.01001],
        [f64::NAN, 0.0, 0.1],
    ]) {
        let auc = slice.metrics.get_mut("auc").unwrap();
        auc.difference = Some(Difference {
            value: Some(value),
            lower: Some(lower),
            upper: Some(upper).filter(|_| value.is_finite()),
            ..Difference::default()
        });
    }
    insta::assert_snapshot!(comment(&judged(Some(7), &measured), URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: ✓ approved

    | slice | metric | candidate | serving | difference, 99.9% interval | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6512 | 0.6480 | +0.0032 [-0.0011, +0.0075] | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=EWR | auc | 0.6400 | 0.6300 | +0.010000 [+0.009980, +0.010010] | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    measured.baseline = false;
    let alone = judged(Some(7), &measured);
    assert_eq!(difference_heading(alone.verdict.as_ref().unwrap()), "difference");
}

#[test]
fn decimals_show_the_width_of_the_interval() {
    let shown = |interval: [f64; 2]| {
        difference(&Comparison {
            slice_key: BTreeMap::new(),
            baseline_slice_key: None,
            metric: "auc".to_owned(),
            num_examples: 1,
            candidate: None,
            baseline: None,
            difference: Some(0.001_234_567_891),
            interval: Some(interval),
            threshold: String::new(),
            passed: None,
        })
    };
    let intervals = [
        [-10.0, 20.0],
        [0.0, 0.01],
        [0.001, 0.0011],
        [0.0, 1e-12],
        [0.0, 0.0],
        [1.0, 0.0],
    ];
    insta::assert_snapshot!(intervals.map(shown).join("\n"), @"
    +0.0012 [-10.0000, +20.0000]
    +0.0012 [+0.0000, +0.0100]
    +0.00123 [+0.00100, +0.00110]
    +0.00123 [+0.0000, +1e-12]
    +0.0012 [+0.0000, +0.0000]
    +0.0012 [+1.0000, +0.0000]
    ");
}

#[test]
fn slices_that_are_too_small_are_named() {
    let mut run = judged(Some(7), &good());
    let judged_by = |run: &mut Run, least| {
        let gate = run.request.plan.gate.as_mut().unwrap();
        gate.gate.min_slice_size = Some(least);
        let mut measured = good();
        measured.slices[1].num_examples = 30;
        run.verdict = Some(judge(&gate.gate, &measured));
        comment(run, URL).unwrap()
    };
    insta::assert_snapshot!(judged_by(&mut run, 50), @"
    <!-- trainyard:flights -->
    ### flights: ✓ approved

    - not judged, for fewer than the 50 examples of min&#95;slice&#95;size: origin=EWR (30 examples)

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6512 | 0.6480 | +0.0032 | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=EWR | auc | 0.6400 | 0.6300 | +0.0100 | ≥ 0.6, change ≥ -0.005 | too small |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    insta::assert_snapshot!(judged_by(&mut run, 500), @"
    <!-- trainyard:flights -->
    ### flights: not judged

    - nothing can be concluded from 100 examples overall, fewer than the 500 of min&#95;slice&#95;size

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6512 | 0.6480 | +0.0032 | ≥ 0.6, change ≥ -0.005 | too small |
    | origin=EWR | auc | 0.6400 | 0.6300 | +0.0100 | ≥ 0.6, change ≥ -0.005 | too small |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | too small |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
}

#[test]
fn of_very_many_slices_the_failures_are_shown_first() {
    let names: Vec<String> = (0..20_000).map(|n| format!("airport-{n:05}")).collect();
    let slices = names.iter().map(|name| (name.as_str(), 0.7, Some(0.7)));
    let mut slices: Vec<_> = [("", 0.7, Some(0.6))].into_iter().chain(slices).collect();
    slices[19_999].1 = 0.5;
    let text = comment(&judged(Some(7), &evaluation(&slices)), URL).unwrap();
    assert!(text.chars().count() <= 65_535 && text.chars().count() > 60_000);
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with("| o")).collect();
    insta::assert_snapshot!(table[..3].join("\n"), @"
    | overall | auc | 0.7000 | 0.6000 | +0.1000 | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=airport-19998 | auc | 0.5000 | 0.7000 | -0.2000 | ≥ 0.6, change ≥ -0.005 | ✗ |
    | origin=airport-00000 | auc | 0.7000 | 0.7000 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |
    ");
    assert!(text.contains("more rows are left out here"));
}

#[test]
fn no_comment_without_an_end_or_a_pull_request() {
    assert_eq!(comment(&running(Some(7)), URL), None);
    assert_eq!(comment(&judged(None, &good()), URL), None);
    assert_eq!(
        comment(&ended(running(Some(7)), RunState::Cancelled, "cancelled by x"), URL),
        None
    );
}

#[test]
fn hostile_slices_stay_text() {
    let hostile = "|`</td><script>@admin #1 [x](http://evil) ![i](x)\n\n# *h* \\| -->";
    let text = comment(
        &judged(Some(7), &evaluation(&[("", 0.7, Some(0.6)), (hostile, 0.1, Some(0.6))])),
        "http://x/) [a](b)",
    )
    .unwrap();
    insta::assert_snapshot!(text.replace('\u{200b}', "␣"), @r#"
    <!-- trainyard:flights -->
    ### flights: ✗ not approved

    - auc on origin=&#124;&#96;&lt;/td&gt;&lt;script&gt;@␣admin #␣1 &#91;x&#93;(http://evil) &#33;&#91;i&#93;(x) #␣ &#42;h&#42; &#92;&#124; --&gt; is 0.1000, below the lower bound 0.6000
    - auc on origin=&#124;&#96;&lt;/td&gt;&lt;script&gt;@␣admin #␣1 &#91;x&#93;(http://evil) &#33;&#91;i&#93;(x) #␣ &#42;h&#42; &#92;&#124; --&gt; fell from 0.6000 to 0.1000 (-0.5000), more than the allowed -0.0050

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.7000 | 0.6000 | +0.1000 | ≥ 0.6, change ≥ -0.005 | ✓ |
    | origin=&#124;&#96;&lt;/td&gt;&lt;script&gt;@␣admin #␣1 &#91;x&#93;(http://evil) &#33;&#91;i&#93;(x) #␣ &#42;h&#42; &#92;&#124; --&gt; | auc | 0.1000 | 0.6000 | -0.5000 | ≥ 0.6, change ≥ -0.005 | ✗ |

    commit 0123456789 · [details](http://x/%29[a]%28b%29)
    "#);
    assert_eq!(text.matches("-->").count(), 1, "only the marker's own");
}

#[test]
fn long_comments_lose_rows_and_say_so() {
    let names: Vec<String> = (0..3000).map(|n| format!("airport-{n}-{}", "x".repeat(300))).collect();
    let mut slices = vec![("", 0.7, Some(0.6))];
    slices.extend(names.iter().map(|name| (name.as_str(), 0.1, Some(0.6))));
    let text = comment(&judged(Some(7), &evaluation(&slices)), URL).unwrap();
    assert!(text.chars().count() <= 65_535);
    assert!(text.chars().count() > 60_000, "it is filled as far as it goes");
    let tail: Vec<&str> = text.lines().rev().take(3).collect();
    insta::assert_snapshot!(tail.join("\n"), @"
    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)

    2779 more rows are left out here: the details have them.
    ");
    assert!(text.contains("- and 5980 more"));
}

#[test]
fn wrong_pipeline_files() {
    let problems =
        |text: &str| crate::spec::load("pipelines/flights/pipeline.yaml", text, &Default::default()).unwrap_err();
    let one = problems("name: flights\nstpes: {}\n");
    let two = problems("name: Flights\nsteps: {}\n");
    let all = [
        invalid_pipeline_status("flights", &one),
        invalid_pipeline_status("flights", &two),
        invalid_pipeline_status("flights", &[]),
        nothing_to_do_status("flights", "no changed file is one of its paths"),
    ];
    insta::assert_snapshot!(all.iter().map(shown).collect::<Vec<_>>().join("\n"), @r#"
    Error trainyard/flights pipelines/flights/pipeline.yaml:2:1: unknown key 'stpes': did you mean 'steps'? known are name, parameters, on, concurrency, data, steps, g…
    Error trainyard/flights 2 problems, the first: pipelines/flights/pipeline.yaml:1:1: 'Flights' cannot be the name of a pipeline: names are a-z, 0-9, - and _, begin…
    Error trainyard/flights the pipeline file is wrong
    Success trainyard/flights no changed file is one of its paths
    "#);
}

proptest! {
    #[test]
    fn statuses_and_comments_keep_githubs_limits(text in ".{0,400}", value in ".{0,80}") {
        let run = ended(running(Some(7)), RunState::Failed, &text);
        prop_assert!(status(&run).unwrap().description.chars().count() <= 140);
        let judged = judged(Some(7), &evaluation(&[("", 0.7, Some(0.6)), (&value, 0.1, None)]));
        let text = comment(&judged, URL).unwrap();
        prop_assert!(text.chars().count() <= 65_535);
        prop_assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| line.matches('|').count() == 8));
    }
}

mod proposed_gate {
    use super::*;
    use crate::gate::{Blessing, GateReplay, Replayed};
    use crate::ids::RunId;

    /// A run of the past that would now be judged like this.
    fn changed(number: usize, then: Blessing, now: Option<Blessing>, reason: &str) -> Replayed {
        Replayed {
            run: RunId::new(format!("0192f0c1-2b3c-7{number:03}")),
            pipeline: "flights".to_owned(),
            created_at: Micros(1_383_641_000_000_000 - number as i64 * 3_600_000_000),
            then,
            now,
            reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        }
    }

    fn commented(past: Vec<Replayed>) -> String {
        let proposed = "metrics: { auc: { value_threshold: { lower_bound: 0.655 } } }";
        let proposed = crate::spec::load_gate("gate.yaml", proposed).unwrap();
        let mut run = judged(Some(7), &good());
        run.gate_replay = Some(GateReplay::new(&judge(&proposed, &good()), past));
        run.request.plan.gate.as_mut().unwrap().proposed_gate = Some(proposed);
        comment(&run, URL).unwrap()
    }

    /// The section alone.
    fn section(past: Vec<Replayed>) -> String {
        let text = commented(past);
        let start = text.find("####").unwrap();
        text[start..text.rfind("commit").unwrap()].trim_end().to_owned()
    }

    #[test]
    fn the_past_under_the_proposed_gate() {
        use Blessing::{Blessed, NotBlessed, NotEvaluated};
        let past = vec![
            changed(
                1,
                Blessed,
                Some(NotBlessed),
                "auc overall is 0.6400, below the lower bound 0.6550",
            ),
            changed(2, Blessed, Some(Blessed), ""),
            changed(
                3,
                NotBlessed,
                Some(Blessed),
                "then: auc on origin=<b> fell from 0.6512 to 0.6400 (-0.0112), more than the allowed -0.0050",
            ),
            changed(4, NotEvaluated, Some(Blessed), ""),
            changed(5, Blessed, None, "its evaluation.json cannot be read"),
        ];
        insta::assert_snapshot!(commented(past), @"
        <!-- trainyard:flights -->
        ### flights: ✓ approved

        | slice | metric | candidate | serving | difference | threshold | |
        |---|---|--:|--:|--:|---|:-:|
        | overall | auc | 0.6512 | 0.6480 | +0.0032 | ≥ 0.6, change ≥ -0.005 | ✓ |
        | origin=EWR | auc | 0.6400 | 0.6300 | +0.0100 | ≥ 0.6, change ≥ -0.005 | ✓ |
        | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

        #### This change proposes another gate

        The verdict above is by the gate of the base branch. By the proposed one this model would be ✗ not approved: auc overall is 0.6512, below the lower bound 0.6550.

        Of the newest 4 recorded verdicts 3 would change. One more cannot be judged anew, because its evaluation is gone.

        | run | when (UTC) | then | now | |
        |---|---|---|---|---|
        | 0192f0c1-2b3c | 2013-11-05 07:43 | ✓ approved | ✗ not approved | auc overall is 0.6400, below the lower bound 0.6550 |
        | 0192f0c1-2b3c | 2013-11-05 05:43 | ✗ not approved | ✓ approved | then: auc on origin=&lt;b&gt; fell from 0.6512 to 0.6400 (-0.0112), more than the allowed -0.0050 |
        | 0192f0c1-2b3c | 2013-11-05 04:43 | not judged | ✓ approved |  |

        commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
        ");
    }

    #[test]
    fn counts_in_words() {
        use Blessing::{Blessed, NotBlessed};
        let same = |number| changed(number, Blessed, Some(Blessed), "");
        let gone = |number| changed(number, Blessed, None, "gone");
        let said = |past| section(past).lines().nth(4).unwrap().to_owned();
        let all = [
            said(vec![]),
            said(vec![same(1)]),
            said(vec![changed(1, Blessed, Some(NotBlessed), "worse"), gone(2)]),
            said(vec![same(1), same(2), gone(3), gone(4)]),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        There is no recorded verdict to try it on.
        The one recorded verdict would not change.
        The one recorded verdict would change. One more cannot be judged anew, because its evaluation is gone.
        Of the newest 2 recorded verdicts none would change. 2 more cannot be judged anew, because their evaluations are gone.
        ");
    }

    #[test]
    fn many_changes_are_counted_and_never_too_long() {
        let reason = "|".repeat(300);
        let past: Vec<Replayed> = (0..50)
            .map(|number| changed(number, Blessing::Blessed, Some(Blessing::NotBlessed), &reason))
            .collect();
        let names: Vec<String> = (0..3000).map(|n| format!("airport-{n}-{}", "|".repeat(300))).collect();
        let slices: Vec<_> = names.iter().map(|name| (name.as_str(), 0.1, Some(0.6))).collect();
        let mut run = judged(
            Some(7),
            &evaluation(&[&[("", 0.1, Some(0.6))], slices.as_slice()].concat()),
        );
        run.gate_replay = Some(GateReplay::new(run.verdict.as_ref().unwrap(), past));
        let text = comment(&run, URL).unwrap();
        assert!(text.chars().count() <= 65_535, "{}", text.chars().count());
        assert!(text.contains("\n30 older ones are left out here.\n"));
        assert!(text.contains("more rows are left out here"));
    }

    #[test]
    fn another_baseline_cannot_be_replayed() {
        let mut run = judged(Some(7), &good());
        run.gate_replay = Some(GateReplay::new(run.verdict.as_ref().unwrap(), vec![]));
        let gate = run.request.plan.gate.as_mut().unwrap();
        gate.proposed_gate = Some(crate::plan::Gate {
            baseline: crate::plan::Baseline::Alias("champ|ion".to_owned()),
            ..gate.gate.clone()
        });
        let text = comment(&run, URL).unwrap();
        assert!(
            text.contains(
                "\nIt compares with champ&#124;ion; recorded evaluations keep the model that they were compared with.\n"
            ),
            "{text}"
        );
    }
}
