//! What check runs show.

use super::*;
use crate::problem::Problem;
use crate::report::check::Finding;
use crate::report::check_run::{Action, CheckRun, Conclusion, Progress};
use crate::run::Exit;
use crate::run::forecast::{Because, Estimate, Expected, Forecast, Until};

fn check(run: &Run) -> CheckRun {
    CheckRun::of_run(run, Some(URL))
}

/// A run whose step was ended when its time was up.
fn timed_out() -> Run {
    let mut run = running(Some(7));
    let step = run.request.plan.steps.keys().next().unwrap().clone();
    let events = [
        RunEvent::StepStarting {
            step: step.clone(),
            attempt: 1,
            key: "k".to_owned(),
            image_id: None,
            inputs: BTreeMap::new(),
            deadline: Micros(50),
        },
        RunEvent::StepEnded {
            step: step.clone(),
            attempt: 1,
            exit: Exit::Code {
                code: 143,
                last_line: None,
            },
            last_lines: Vec::new(),
            drifted: None,
        },
        RunEvent::StepFailed {
            step,
            attempt: 1,
            reason: "stopped".to_owned(),
            retry_at: None,
        },
    ];
    for event in events {
        run.apply(&event, Micros(60));
    }
    ended(run, RunState::Failed, "stopped after 1h")
}

fn skipped(pull_request: Option<u64>) -> Run {
    ended(running(pull_request), RunState::Succeeded, "skipped: no data")
}

#[test]
fn every_end_has_its_conclusion() {
    let failed = || ended(running(Some(7)), RunState::Failed, "step 'train' failed");
    let cancelled = ended(running(Some(7)), RunState::Cancelled, "cancelled by ada");
    let mut open = judged(Some(7), &good());
    let mut gate = open.request.plan.gate.clone().unwrap().gate;
    gate.metrics.clear();
    open.verdict = Some(judge(&gate, &good()));
    let rows = [
        (Run::new(request(Some(7))), Progress::Queued),
        (running(Some(7)), Progress::InProgress),
        (judged(Some(7), &good()), Progress::Completed(Conclusion::Success)),
        (judged(None, &bad()), Progress::Completed(Conclusion::Failure)),
        (open, Progress::Completed(Conclusion::Neutral)),
        (failed(), Progress::Completed(Conclusion::Failure)),
        (timed_out(), Progress::Completed(Conclusion::TimedOut)),
        (cancelled, Progress::Completed(Conclusion::Cancelled)),
        (skipped(None), Progress::Completed(Conclusion::Skipped)),
        (skipped(Some(7)), Progress::Completed(Conclusion::Failure)),
    ];
    for (run, expected) in rows {
        let check = check(&run);
        let name = run.summary.as_deref().unwrap_or(run.state.as_str());
        assert_eq!(check.progress, expected, "{name}");
        assert_eq!(check.external_id, "01", "{name}");
        let over = expected.conclusion().is_some();
        assert_eq!(check.actions, if over { vec![Action::Rerun] } else { vec![] }, "{name}");
        // Both say the same to a merge.
        let lets = expected.conclusion().map(Conclusion::lets_through);
        let state = status(&run).unwrap().state;
        assert_eq!(lets == Some(true), state == StatusState::Success, "{name}");
        assert_eq!(lets.is_none(), state == StatusState::Pending, "{name}");
    }
    let found = [
        Finding::Nothing.conclusion(StatusState::Success),
        Finding::Unjudged.conclusion(StatusState::Error),
        Finding::Unjudged.conclusion(StatusState::Pending),
    ];
    let expected = [Conclusion::Skipped, Conclusion::Failure, Conclusion::ActionRequired];
    assert_eq!(found, expected);
}

#[test]
fn a_summary_has_the_plan_and_then_what_came_of_it() {
    let queued = Run::new(request(Some(7)));
    insta::assert_snapshot!(check(&queued).summary.replace('\u{200b}', "␣"), @"
    Waiting to run: pull request #␣7 by ada opened.

    8 steps: examples, statistics, schema, validate, transform, train, infer, evaluate. What of it is cached, and how long it takes, is looked up when the run starts.

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    let mut run = running(Some(7));
    let names: Vec<_> = run.request.plan.steps.keys().cloned().collect();
    let mut forecast = Forecast::unlooked(&run.request.plan);
    forecast
        .steps
        .insert(names[0].clone(), Expected::Cached { run: "00".into() });
    let parts = vec!["parameter trees changed from 1 to 2".to_owned()];
    forecast.steps.insert(
        names[1].clone(),
        Expected::Runs {
            because: Because::Changed { parts },
        },
    );
    let until = Until::Step { step: names[1].clone() };
    forecast.steps.insert(names[2].clone(), Expected::Open { until });
    forecast.images = run
        .request
        .plan
        .images
        .keys()
        .map(|name| (name.clone(), false))
        .collect();
    forecast.estimate = Estimate {
        seconds: Some(700),
        steps: [(names[1].clone(), 640)].into(),
    };
    run.apply(&RunEvent::Planned { forecast }, Micros(2));
    insta::assert_snapshot!(check(&run).summary.replace('\u{200b}', "␣"), @"
    Running: pull request #␣7 by ada opened.

    1 of 8 steps runs, 1 is cached, of 6 it is not known yet: at most about 12 minutes, and 6 steps that have not run before.

    Before that an image is built, which is not in this time: transform.

    | step | expected | why | usually |
    |---|---|---|--:|
    | examples | cached | nothing it depends on is different since run 00 | – |
    | statistics | runs | parameter trees changed from 1 to 2 | 10m40s |
    | schema | not known yet | it depends on what step 'statistics' makes | – |
    | validate | not known yet | it is looked up when its turn comes | – |
    | transform | not known yet | it is looked up when its turn comes | – |
    | train | not known yet | it is looked up when its turn comes | – |
    | infer | not known yet | it is looked up when its turn comes | – |
    | evaluate | not known yet | it is looked up when its turn comes | – |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    insta::assert_snapshot!(comment(&run, URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: running

    1 of 8 steps runs, 1 is cached, of 6 it is not known yet: at most about 12 minutes, and 6 steps that have not run before.

    Before that an image is built, which is not in this time: transform.

    | step | expected | why | usually |
    |---|---|---|--:|
    | examples | cached | nothing it depends on is different since run 00 | – |
    | statistics | runs | parameter trees changed from 1 to 2 | 10m40s |
    | schema | not known yet | it depends on what step 'statistics' makes | – |
    | validate | not known yet | it is looked up when its turn comes | – |
    | transform | not known yet | it is looked up when its turn comes | – |
    | train | not known yet | it is looked up when its turn comes | – |
    | infer | not known yet | it is looked up when its turn comes | – |
    | evaluate | not known yet | it is looked up when its turn comes | – |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    // A plan of which nothing comes is not left standing.
    let cancelled = ended(run, RunState::Cancelled, "cancelled by ada");
    insta::assert_snapshot!(comment(&cancelled, URL).unwrap(), @"
    <!-- trainyard:flights -->
    ### flights: cancelled

    cancelled by ada

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
    insta::assert_snapshot!(check(&judged(Some(7), &bad())).summary, @"
    **✗ not approved**

    - auc overall is 0.5512, below the lower bound 0.6000
    - auc overall fell from 0.6480 to 0.5512 (-0.0968), more than the allowed -0.0050
    - auc on origin=EWR fell from 0.6512 to 0.6400 (-0.0112), more than the allowed -0.0050

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.5512 | 0.6480 | -0.0968 | ≥ 0.6, change ≥ -0.005 | ✗ |
    | origin=EWR | auc | 0.6400 | 0.6512 | -0.0112 | ≥ 0.6, change ≥ -0.005 | ✗ |
    | origin=JFK | auc | 0.6600 | 0.6600 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    #### Steps

    All of it took 1s.

    8 of 8 steps were cached: nothing that they depend on is different.

    | step | how it ended | took |
    |---|---|--:|
    | image transform | not built | |
    | examples | cached |  |
    | statistics | cached |  |
    | schema | cached |  |
    | validate | cached |  |
    | transform | cached |  |
    | train | cached |  |
    | infer | cached |  |
    | evaluate | cached |  |

    commit 0123456789 · [details](http://127.0.0.1:8080/runs/01)
    ");
}

#[test]
fn what_failed_is_annotated_where_it_is() {
    let shown = |check: &CheckRun| {
        let line = |a: &crate::report::Annotation| format!("{}:{}: {}: {}", a.path, a.line, a.title, a.message);
        check.annotations.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let mut run = running(Some(7));
    let image = run.request.plan.images.keys().next().unwrap().clone();
    run.apply(
        &RunEvent::ImageFailed {
            image,
            reason: "the build failed at `RUN make`".to_owned(),
            last_lines: Vec::new(),
            line: Some(3),
        },
        Micros(2),
    );
    let built = ended(run, RunState::Failed, "the build failed");
    insta::assert_snapshot!(shown(&check(&built)), @"dockerfiles/trainer.Dockerfile:3: The image 'transform' cannot be built: the build failed at `RUN make`");
    let mut run = wrote(&["loading", "https://me:hunter2@example.com"]);
    run.forecast = Some(Forecast {
        lines: [("steps.examples".to_owned(), 12)].into(),
        ..Forecast::default()
    });
    insta::assert_snapshot!(shown(&check(&run)), @"pipelines/flights/pipeline.yaml:12: Step 'examples' failed: it broke");
    let problem = Problem {
        file: "pipelines/flights/pipeline.yaml".to_owned(),
        line: Some(4),
        column: Some(2),
        message: "unknown key 'nmae'".to_owned(),
        hint: Some("did you mean 'name'?".to_owned()),
    };
    let wrong = CheckRun::of_finding(
        ("e1", Micros(1)),
        Conclusion::Failure,
        "2 problems",
        &[problem.clone(), problem],
    );
    insta::assert_snapshot!(format!("{}\n---\n{}", shown(&wrong), wrong.summary), @"
    pipelines/flights/pipeline.yaml:4: pipeline.yaml is not right: unknown key 'nmae': did you mean 'name'?
    pipelines/flights/pipeline.yaml:4: pipeline.yaml is not right: unknown key 'nmae': did you mean 'name'?
    ---
    2 problems

    - pipelines/flights/pipeline.yaml:4:2: unknown key 'nmae': did you mean 'name'?
    - pipelines/flights/pipeline.yaml:4:2: unknown key 'nmae': did you mean 'name'?
    ");
    // Whatever a step writes: it all fits.
    let long = "x|<`".repeat(200);
    let all: Vec<&str> = (0..20).map(|_| long.as_str()).collect();
    assert!(check(&wrote(&all)).summary.len() <= 65_535);
}
