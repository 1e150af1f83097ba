use super::{edited, found, given, named, repo, sha, table};
use crate::event::{PullRequest, PullRequestAction, Push};
use crate::inbound::{FoundPipeline, pull_request, push};
use crate::spec::tests::flights;

fn paths(paths: &[&str]) -> Option<Vec<String>> {
    Some(paths.iter().map(|path| (*path).to_owned()).collect())
}

#[test]
fn a_push_is_what_the_pipelines_at_its_head_make_of_it() {
    let moved = |branch: &str| Push {
        repo: repo(),
        repo_id: 1,
        installation_id: Some(7),
        branch: branch.to_owned(),
        before: None,
        after: sha('a'),
        pusher: "ada".to_owned(),
        default_branch: Some("main".to_owned()),
    };
    let meaning = |branch: &str, found: &[FoundPipeline], changed: Option<Vec<String>>| {
        push(&moved(branch), found, changed.as_deref(), given())
    };
    let own = [found(flights())];
    let wrong = edited("name: flights", "nmae: flights");
    insta::assert_snapshot!(table([
        ("a relevant file", meaning("main", &own, paths(&["pipelines/flights/train.py"]))),
        ("an irrelevant file", meaning("main", &own, paths(&["README.md"]))),
        ("unknown paths", meaning("main", &own, None)),
        ("another branch", meaning("feature", &[found(named("delays")), found(flights())], None)),
        ("no pipeline", meaning("main", &[], None)),
        ("one that is wrong beside one that runs", meaning("main", &[wrong, found(named("delays"))], None)),
        ("two that run", meaning("main", &[found(flights()), found(named("delays"))], None)),
    ]), @"
    - a relevant file
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a: trainyard/flights Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'flights' starts
    - an irrelevant file
    outcome: push to 'main' of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**, !**/*.md], and no changed file is one of them
    - unknown paths
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a: trainyard/flights Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'flights' starts
    - another branch
    outcome: push to 'feature' of acme/flights starts nothing: pipeline 'delays' listens to branches [main]; push to 'feature' of acme/flights starts nothing: pipeline 'flights' listens to branches [main]
    - no pipeline
    outcome: acme/flights has no pipelines/<name>/pipeline.yaml at aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    - one that is wrong beside one that runs
    tell a: trainyard/flights Error: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push
    start r1 (push): push of main by ada: pipelines/delays, may push, a of main
    tell a: trainyard/delays Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'delays' starts; p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push
    - two that run
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a: trainyard/flights Pending: waiting to run: push of main by ada
    start r2 (push): push of main by ada: pipelines/delays, may push, a of main
    tell a: trainyard/delays Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'flights' starts; run r2 of pipeline 'delays' starts
    ");
}

#[test]
fn a_pull_request_is_judged_by_its_base_or_hears_why_it_is_not() {
    let opened = |base: &str, head_repo_id: i64| PullRequest {
        repo: repo(),
        repo_id: 1,
        head_repo_id: Some(head_repo_id),
        installation_id: Some(7),
        action: PullRequestAction::Opened,
        number: 9,
        base_branch: base.to_owned(),
        base_sha: sha('b'),
        head_branch: "faster".to_owned(),
        head_sha: sha('a'),
        before_sha: None,
        author: "ada".to_owned(),
    };
    let listens = "pull_request: { branches: [main], paths: [\"pipelines/flights/**\"] }";
    let base = [edited("pull_request: { branches: [main] }", listens)];
    let meaning = |pull: PullRequest, head: &[FoundPipeline], changed: Option<Vec<String>>| {
        pull_request(&pull, &base, head, changed.as_deref(), given())
    };
    let mut deaf = flights();
    deaf.triggers.pull_request = None;
    let mut gateless = flights();
    gateless.gate = None;
    gateless.steps.shift_remove("evaluate");
    let wrong = [edited("name: flights", "nmae: flights")];
    insta::assert_snapshot!(table([
        ("its own repository", meaning(opened("main", 1), &base, paths(&["pipelines/flights/train.py"]))),
        ("an irrelevant file", meaning(opened("main", 1), &base, paths(&["README.md"]))),
        ("another base", meaning(opened("dev", 1), &base, None)),
        ("a fork", meaning(opened("main", 2), &base, None)),
        ("nobody listens", meaning(opened("main", 1), &[found(deaf)], None)),
        ("no pipeline", meaning(opened("main", 1), &[], None)),
        ("a file that is wrong", meaning(opened("main", 1), &wrong, None)),
        ("a gate without what it judges", meaning(opened("main", 1), &[found(gateless)], None)),
        ("a new pipeline", meaning(opened("main", 1), &[found(named("delays"))], None)),
    ]), @"
    - its own repository
    start r1 (pull_request): pull request #9 by ada opened: pipelines/flights, never pushes, a of faster
    tell a: trainyard/flights Pending: waiting to run: pull request #9 by ada opened
    outcome: run r1 of pipeline 'flights' starts
    - an irrelevant file
    tell a: trainyard/flights Success: pull request #9 of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of t…
    outcome: pull request #9 of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
    - another base
    tell a: trainyard/flights Success: pull request #9 of acme/flights starts nothing: it would be merged into 'dev', and pipeline 'flights' listens to branches [main]
    outcome: pull request #9 of acme/flights starts nothing: it would be merged into 'dev', and pipeline 'flights' listens to branches [main]
    - a fork
    tell a: trainyard/flights Pending: pull request #9 of acme/flights starts nothing: it comes from a fork; push its branch to the repository to have it judged
    outcome: pull request #9 of acme/flights starts nothing: it comes from a fork; push its branch to the repository to have it judged
    - nobody listens
    outcome: pull request #9 of acme/flights starts nothing: pipeline 'flights' does not listen to pull requests
    - no pipeline
    outcome: acme/flights has no pipelines/<name>/pipeline.yaml at aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    - a file that is wrong
    tell a: trainyard/flights Error: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push
    outcome: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push
    - a gate without what it judges
    tell a: trainyard/flights Error: pipeline 'flights' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remo…
    outcome: pipeline 'flights' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remove the gate in the base branch first
    - a new pipeline
    start r1 (pull_request): pull request #9 by ada opened: pipelines/delays, never pushes, a of faster
    tell a: trainyard/delays Pending: waiting to run: pull request #9 by ada opened
    outcome: run r1 of pipeline 'delays' starts
    ");
}

#[test]
fn a_pull_request_does_not_choose_its_bar() {
    let pull = PullRequest {
        repo: repo(),
        repo_id: 1,
        head_repo_id: Some(1),
        installation_id: None,
        action: PullRequestAction::Reopened,
        number: 9,
        base_branch: "main".to_owned(),
        base_sha: sha('b'),
        head_branch: "lower".to_owned(),
        head_sha: sha('a'),
        before_sha: None,
        author: "ada".to_owned(),
    };
    let lowered = edited("lower_bound: 0.60", "lower_bound: 0.10");
    let meaning = pull_request(
        &pull,
        &[found(flights())],
        std::slice::from_ref(&lowered),
        None,
        given(),
    );
    let run = meaning.runs().next().unwrap();
    let (gate, proposed) = (flights().gate.unwrap().gate, lowered.plan.unwrap().gate.unwrap().gate);
    let judged = run.plan.gate.as_ref().unwrap();
    assert_eq!((&judged.gate, &judged.proposed_gate), (&gate, &Some(proposed)));
    assert_eq!((run.pull_request, run.may_push), (Some(9), false));
}
