use super::{edited, found, given, known, named, repo, sha, table};
use crate::event::{PullRequest, PullRequestAction};
use crate::ids::RunId;
use crate::inbound::{FoundPipeline, NotRerun, PullRun, Repeated, may_push_again, may_rerun, pull_run, push, rerun};
use crate::report::PullRequestSeen;
use crate::run::{RunRequest, RunState, Which};
use crate::spec::tests::flights;
use serde_json::{Map, Value, json};

fn pull(head_repo: i64) -> PullRequest {
    PullRequest {
        repo: repo(),
        repo_id: 1,
        head_repo_id: Some(head_repo),
        installation_id: Some(7),
        action: PullRequestAction::Synchronize,
        number: 3,
        base_branch: "main".to_owned(),
        base_sha: sha('b'),
        head_branch: "faster".to_owned(),
        head_sha: sha('a'),
        before_sha: None,
        author: "grace".to_owned(),
        updated_at: None,
        default_branch: Some("main".to_owned()),
        label: None,
        labels: Vec::new(),
    }
}

#[test]
fn a_pull_request_runs_when_a_person_asks() {
    let none = Map::new();
    let other: Map<String, Value> = json!({"learning_rate": 0.5}).as_object().unwrap().clone();
    let base = [found(flights())];
    let wrong = edited("name: flights", "nmae: flights");
    let lower = edited("lower_bound: 0.60", "lower_bound: 0.10");
    let ask = |pipeline: Option<&str>, parameters: &Map<String, Value>, head: &[FoundPipeline], from: i64| {
        let pull = pull(from);
        let asked = PullRun {
            pull: &pull,
            actor: "ada",
            pipeline,
            parameters,
        };
        pull_run(&asked, &base, None, head, given())
    };
    let two = [found(flights()), found(named("delays"))];
    insta::assert_snapshot!(table([
        ("all", ask(None, &none, &two, 1).unwrap()),
        ("one", ask(Some("delays"), &none, &two, 1).unwrap()),
        ("a trial", ask(Some("flights"), &other, &two, 1).unwrap()),
        ("a file that is wrong", ask(None, &none, std::slice::from_ref(&wrong), 1).unwrap()),
    ]), @"
    - all
    see #3 open: a into main
    start r1 (pull_request): pull request #3, asked for by ada: pipelines/flights, never pushes, a of faster
    tell a for main: trainyard/flights Pending: waiting to run: pull request #3, asked for by ada
    start r2 (pull_request): pull request #3, asked for by ada: pipelines/delays, never pushes, a of faster
    tell a for main: trainyard/delays Pending: waiting to run: pull request #3, asked for by ada
    outcome: run r1 of pipeline 'flights' starts; run r2 of pipeline 'delays' starts
    - one
    see #3 open: a into main
    start r1 (pull_request): pull request #3, asked for by ada: pipelines/delays, never pushes, a of faster
    tell a for main: trainyard/delays Pending: waiting to run: pull request #3, asked for by ada
    outcome: run r1 of pipeline 'delays' starts
    - a trial
    see #3 open: a into main
    start r1 (manual): pull request #3, asked for by ada with other parameters: pipelines/flights, never pushes, a of faster
    outcome: run r1 of pipeline 'flights' starts
    - a file that is wrong
    see #3 open: a into main
    tell a for main: trainyard/flights Error: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    outcome: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    ");
    let gate = |made: &crate::inbound::Interpretation| made.runs().next().unwrap().plan.gate.clone().unwrap().gate;
    let trial = ask(None, &other, &[lower], 1).unwrap();
    assert_eq!(
        gate(&trial),
        flights().gate.unwrap().gate,
        "the base's, whatever is asked"
    );
    let refused = [
        ask(None, &none, &two, 2),
        ask(None, &none, &[], 1),
        ask(Some("flihgts"), &none, &two, 1),
        ask(None, &other, &two, 1),
        ask(Some("flights"), &none, &[found(flights()), found(flights())], 1),
        ask(Some("flights"), &other, &[wrong], 1),
    ];
    let said = refused.map(|refused| refused.unwrap_err().sentence());
    insta::assert_snapshot!(said.join("\n"), @"
    pull request #3 comes from a fork: it runs when a person who may write has approved it, with /trainyard approve
    acme/flights has no pipelines/<name>/pipeline.yaml at aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: there is nothing to run
    there is no pipeline 'flihgts' at the head of this pull request: did you mean 'flights'? known are flights, delays
    parameters are of one pipeline: write its name before them (flights, delays)
    pipelines/flights/pipeline.yaml and pipelines/flights/pipeline.yaml have the same name 'flights': give each pipeline a name of its own
    nothing was run: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    ");
}

fn made() -> RunRequest {
    let moved = crate::event::Push {
        repo: repo(),
        repo_id: 1,
        installation_id: Some(7),
        branch: "main".to_owned(),
        before: None,
        after: sha('c'),
        pusher: "ada".to_owned(),
        default_branch: Some("main".to_owned()),
    };
    let meaning = push(&moved, &[found(flights())], None, None, given());
    meaning.runs().next().unwrap().clone()
}

#[test]
fn a_rerun_is_of_the_same_commit_plan_and_kind() {
    let first = made();
    let again = rerun(&first, Which::Failed, "ada", true, given());
    let second = again.runs().next().unwrap();
    assert_eq!(
        (&second.plan, &second.commit, &second.trigger, second.may_push),
        (&first.plan, &first.commit, &first.trigger, true)
    );
    let third = rerun(second, Which::All, "grace", false, given());
    insta::assert_snapshot!(table([("again", again.clone()), ("every step, of a run again", third)]), @"
    - again
    start r1 (push): rerun by ada of what did not succeed: push of main by ada: pipelines/flights, may push, c of main
    tell c for main: trainyard/flights Pending: waiting to run: rerun by ada of what did not succeed: push of main by ada
    outcome: run r1 of pipeline 'flights' starts
    - every step, of a run again
    start r1 (push): rerun by grace of every step: push of main by ada: pipelines/flights, never pushes, c of main
    tell c for main: trainyard/flights Pending: waiting to run: rerun by grace of every step: push of main by ada
    outcome: run r1 of pipeline 'flights' starts; the model of pipeline 'flights' is judged and not pushed: its branch has moved on since, or the reviewed file has another gate or target now
    ");
}

#[test]
fn a_rerun_pushes_what_would_be_pushed_today() {
    let first = made();
    let today = known(flights());
    let other = |change: fn(&mut crate::plan::Plan)| {
        let mut known = known(flights());
        change(&mut known.plan);
        vec![known]
    };
    let moved = crate::inbound::KnownPipeline {
        commit: sha('d'),
        ..today.clone()
    };
    let judged_only = RunRequest {
        may_push: false,
        ..first.clone()
    };
    let rows = [
        ("the head", first.clone(), vec![today.clone()], true),
        ("an older commit", first.clone(), vec![moved], false),
        ("gone", first.clone(), Vec::new(), false),
        ("another gate", first.clone(), other(|plan| plan.gate = None), false),
        ("another target", first.clone(), other(|plan| plan.push = None), false),
        ("of a pull request", judged_only, vec![today], false),
    ];
    for (name, request, known, expected) in rows {
        assert_eq!(may_push_again(&request, &known, None), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_run_again_says_why() {
    let first = made();
    let of_pull = RunRequest {
        pull_request: Some(3),
        ..first.clone()
    };
    let local = RunRequest {
        repo: None,
        ..first.clone()
    };
    let seen = |head: char, open: bool| PullRequestSeen {
        repo: repo(),
        number: 3,
        open,
        base: "main".to_owned(),
        head: sha(head),
        at: crate::ids::Micros(0),
    };
    let (old, same, closed) = (seen('d', true), seen('c', true), seen('d', false));
    let by = RunId::from("r9");
    let of = |request, state| Repeated {
        request,
        state,
        by: None,
        pull: None,
    };
    let over = RunState::Failed;
    let fine = [
        of(&first, over),
        Repeated {
            pull: Some(&same),
            ..of(&of_pull, over)
        },
        Repeated {
            pull: Some(&closed),
            ..of(&of_pull, over)
        },
    ];
    assert!(fine.into_iter().all(|of| may_rerun(of).is_ok()));
    let refused = [
        of(&first, RunState::Running),
        of(&first, RunState::Queued),
        of(&local, over),
        Repeated {
            by: Some(&by),
            ..of(&first, over)
        },
        Repeated {
            pull: Some(&old),
            ..of(&of_pull, over)
        },
    ];
    let said: Vec<String> = refused
        .into_iter()
        .filter_map(|of| may_rerun(of).err())
        .map(|refused: NotRerun| refused.sentence())
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    run r1 is not over yet: wait for its end, or cancel it first
    run r1 is not over yet: wait for its end, or cancel it first
    run r1 is of a folder on a machine, which may have changed: run it there with `trainyard run pipelines/flights`
    run r9 repeats run r1 already, and is not over yet
    run r1 is of an older commit of pull request #3, whose head is dddddddddddddddddddddddddddddddddddddddd by now: ask for a run of that one
    ");
}
