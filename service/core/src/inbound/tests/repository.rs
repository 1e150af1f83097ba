use super::{edited, found, given, named, repo, sha, table};
use crate::event::{PullRequest, PullRequestAction, Push};
use crate::inbound::{FoundPipeline, pull_request, push};
use crate::plan::{NetworkAccess, Plan, PlannedSecret, of_stranger};
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
    let own = [found(flights())];
    let meaning = |branch: &str, found: &[FoundPipeline], changed: Option<Vec<String>>| {
        let reviewed = (branch != "main").then_some(&own[..]);
        push(&moved(branch), found, reviewed, changed.as_deref(), given())
    };
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
    see main at a
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a for main: trainyard/flights Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'flights' starts
    - an irrelevant file
    see main at a
    outcome: push to 'main' of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**, !**/*.md], and no changed file is one of them
    - unknown paths
    see main at a
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a for main: trainyard/flights Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'flights' starts
    - another branch
    see feature at a
    outcome: push to 'feature' of acme/flights starts nothing: pipeline 'delays' listens to branches [main]; push to 'feature' of acme/flights starts nothing: pipeline 'flights' listens to branches [main]
    - no pipeline
    see main at a
    outcome: acme/flights has no pipelines/<name>/pipeline.yaml at aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    - one that is wrong beside one that runs
    see main at a
    tell a for main: trainyard/flights Error: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    start r1 (push): push of main by ada: pipelines/delays, may push, a of main
    tell a for main: trainyard/delays Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'delays' starts; p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    - two that run
    see main at a
    start r1 (push): push of main by ada: pipelines/flights, may push, a of main
    tell a for main: trainyard/flights Pending: waiting to run: push of main by ada
    start r2 (push): push of main by ada: pipelines/delays, may push, a of main
    tell a for main: trainyard/delays Pending: waiting to run: push of main by ada
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
        updated_at: None,
        default_branch: None,
        label: None,
        labels: Vec::new(),
    };
    let listens = "pull_request: { branches: [main], paths: [\"pipelines/flights/**\"] }";
    let base = [edited("pull_request: { branches: [main] }", listens)];
    let meaning = |pull: PullRequest, head: &[FoundPipeline], changed: Option<Vec<String>>| {
        pull_request(&pull, &base, None, head, changed.as_deref(), given())
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
        (
            "a fork that is gone",
            meaning(PullRequest { head_repo_id: None, ..opened("main", 2) }, &base, None),
        ),
        ("an irrelevant file of a fork", meaning(opened("main", 2), &base, paths(&["README.md"]))),
        ("a change that listens no more", meaning(opened("main", 1), &[found(deaf)], None)),
        ("no pipeline", meaning(opened("main", 1), &[], None)),
        ("a file that is wrong", meaning(opened("main", 1), &wrong, None)),
        ("a gate without what it judges", meaning(opened("main", 1), &[found(gateless)], None)),
        ("a new pipeline", meaning(opened("main", 1), &[found(named("delays"))], None)),
    ]), @"
    - its own repository
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada opened: pipelines/flights, never pushes, a of faster
    tell a for main: trainyard/flights Pending: waiting to run: pull request #9 by ada opened
    outcome: run r1 of pipeline 'flights' starts
    - an irrelevant file
    see #9 open: a into main
    tell a for main: trainyard/flights Success: nothing relevant changed: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
    outcome: pull request #9 of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
    - another base
    see #9 open: a into dev
    tell a for dev: trainyard/flights Success: nothing to do: it would be merged into 'dev', and pipeline 'flights' listens to branches [main]
    outcome: pull request #9 of acme/flights starts nothing: it would be merged into 'dev', and pipeline 'flights' listens to branches [main]
    - a fork
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada opened: pipelines/flights, never pushes, a of faster, of fork Some(2) by the rules of b
    tell a for main: trainyard/flights Pending: fork's aaaaaaaaaa waits: who has write permission approves run r1, or rejects it
    comment on #9
    outcome: run r1 of pipeline 'flights' waits for approval, since its commit comes from a fork
    - a fork that is gone
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada opened: pipelines/flights, never pushes, a of faster, of fork None by the rules of b
    tell a for main: trainyard/flights Pending: fork's aaaaaaaaaa waits: who has write permission approves run r1, or rejects it
    comment on #9
    outcome: run r1 of pipeline 'flights' waits for approval, since its commit comes from a fork
    - an irrelevant file of a fork
    see #9 open: a into main
    tell a for main: trainyard/flights Success: nothing relevant changed: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
    outcome: pull request #9 of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
    - a change that listens no more
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada opened: pipelines/flights, never pushes, a of faster
    tell a for main: trainyard/flights Pending: waiting to run: pull request #9 by ada opened
    outcome: run r1 of pipeline 'flights' starts
    - no pipeline
    see #9 open: a into main
    tell a for main: trainyard/flights Success: nothing to do: pipeline 'flights' of 'main' is not in this commit
    outcome: acme/flights has no pipelines/<name>/pipeline.yaml at aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; nothing to do: pipeline 'flights' of 'main' is not in this commit
    - a file that is wrong
    see #9 open: a into main
    tell a for main: trainyard/flights Error: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    outcome: p.yaml:1:1: unknown key 'nmae': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
    - a gate without what it judges
    see #9 open: a into main
    tell a for main: trainyard/flights Error: pipeline 'flights' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remo…
    outcome: pipeline 'flights' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remove the gate in the base branch first
    - a new pipeline
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada opened: pipelines/delays, never pushes, a of faster
    tell a for main: trainyard/delays Pending: waiting to run: pull request #9 by ada opened
    tell a for main: trainyard/flights Success: nothing to do: pipeline 'flights' of 'main' is not in this commit
    outcome: run r1 of pipeline 'delays' starts; nothing to do: pipeline 'flights' of 'main' is not in this commit
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
        updated_at: None,
        default_branch: None,
        label: None,
        labels: Vec::new(),
    };
    let lowered = edited("lower_bound: 0.60", "lower_bound: 0.10");
    let meaning = pull_request(
        &pull,
        &[found(flights())],
        None,
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

/// A plan in which a step reaches the network.
fn reaching(mut plan: Plan) -> Plan {
    plan.steps.get_mut("train").unwrap().network = NetworkAccess::Bridge;
    plan
}

/// A plan in which a step asks for a secret.
fn knowing(mut plan: Plan, secret: &str) -> Plan {
    let planned = PlannedSecret {
        name: secret.to_owned(),
        environment: false,
        unreviewed: false,
    };
    let step = plan.steps.get_mut("train").unwrap();
    step.secrets.insert("PASSWORD".to_owned(), planned);
    plan
}

#[test]
fn a_commit_has_the_secrets_that_were_reviewed() {
    let pull = PullRequest {
        repo: repo(),
        repo_id: 1,
        head_repo_id: Some(1),
        installation_id: None,
        action: PullRequestAction::Opened,
        number: 9,
        base_branch: "main".to_owned(),
        base_sha: sha('b'),
        head_branch: "feature".to_owned(),
        head_sha: sha('a'),
        before_sha: None,
        author: "ada".to_owned(),
        updated_at: None,
        default_branch: Some("main".to_owned()),
        label: None,
        labels: Vec::new(),
    };
    let unreviewed = |head: Plan, base: Plan, default: Option<Plan>| {
        let default = default.map(|plan| [found(plan)]);
        let default = default.as_ref().map(|found| found.as_slice());
        let meaning = pull_request(&pull, &[found(base)], default, &[found(head)], None, given());
        let run = meaning.runs().next().unwrap();
        run.plan.steps["train"].secrets["PASSWORD"].unreviewed
    };
    let lake = || knowing(flights(), "lake");
    assert!(!unreviewed(lake(), lake(), None));
    assert!(unreviewed(lake(), flights(), None), "the base gives it none");
    assert!(unreviewed(knowing(flights(), "hub"), lake(), None), "nor that one");
    assert!(
        unreviewed(lake(), lake(), Some(flights())),
        "nobody may have reviewed another base"
    );
    assert!(!unreviewed(lake(), lake(), Some(lake())));
    let stranger = of_stranger(lake());
    assert!(stranger.steps["train"].secrets["PASSWORD"].unreviewed);
}

#[test]
fn a_branch_has_the_rights_that_were_reviewed() {
    let moved = Push {
        repo: repo(),
        repo_id: 1,
        installation_id: None,
        branch: "release".to_owned(),
        before: None,
        after: sha('a'),
        pusher: "ada".to_owned(),
        default_branch: Some("main".to_owned()),
    };
    let run = |head: Plan, reviewed: &[FoundPipeline]| {
        let meaning = push(&moved, &[found(head)], Some(reviewed), None, given());
        meaning.runs().next().cloned().ok_or_else(|| meaning.outcome())
    };
    let listening = |mut plan: Plan| {
        plan.triggers.push.as_mut().unwrap().branches = Some(vec!["main".to_owned(), "release".to_owned()]);
        plan
    };
    let mut own = listening(flights());
    own.push.as_mut().unwrap().target = "elsewhere".to_owned();
    own.gate = edited("lower_bound: 0.60", "lower_bound: 0.10").plan.unwrap().gate;
    // The branch listens to itself: what the default branch says counts.
    let refused = run(own.clone(), &[found(flights())]).unwrap_err();
    assert!(refused.contains("listens to branches [main]"), "{refused}");
    let reviewed = listening(flights());
    let judged = run(reaching(own.clone()), &[found(reviewed.clone())]).unwrap();
    assert!(judged.may_push, "the default branch's file lets this branch push");
    assert_eq!(judged.plan.push, reviewed.push);
    assert_eq!(
        judged.plan.gate.as_ref().unwrap().gate,
        reviewed.gate.as_ref().unwrap().gate
    );
    assert_eq!(judged.plan.steps["train"].network, NetworkAccess::None);
    let allowed = run(reaching(own.clone()), &[found(reaching(reviewed.clone()))]).unwrap();
    assert_eq!(allowed.plan.steps["train"].network, NetworkAccess::Bridge);
    // What nobody reviewed goes nowhere, by whatever gate.
    let new = run(reaching(own.clone()), &[]).unwrap();
    assert_eq!((new.may_push, new.plan.push.is_some()), (false, false));
    assert_eq!(new.plan.steps["train"].network, NetworkAccess::None);
    let gateless = Plan { gate: None, ..reviewed };
    assert_eq!(run(own, &[found(gateless)]).unwrap().plan.push, None);
}

#[test]
fn pipelines_of_one_name_are_told_and_do_not_run() {
    let twice = [
        found(flights()),
        FoundPipeline {
            folder: "pipelines/copy".to_owned(),
            plan: Ok(flights()),
        },
        found(named("delays")),
    ];
    let moved = Push {
        repo: repo(),
        repo_id: 1,
        installation_id: Some(7),
        branch: "main".to_owned(),
        before: None,
        after: sha('a'),
        pusher: "ada".to_owned(),
        default_branch: Some("main".to_owned()),
    };
    insta::assert_snapshot!(table([("a push", push(&moved, &twice, None, None, given()))]), @"
    - a push
    see main at a
    tell a for main: trainyard/flights Error: pipelines/flights/pipeline.yaml and pipelines/copy/pipeline.yaml have the same name 'flights': give each pipeline a name of its own
    start r1 (push): push of main by ada: pipelines/delays, may push, a of main
    tell a for main: trainyard/delays Pending: waiting to run: push of main by ada
    outcome: run r1 of pipeline 'delays' starts; pipelines/flights/pipeline.yaml and pipelines/copy/pipeline.yaml have the same name 'flights': give each pipeline a name of its own
    ");
}

#[test]
fn a_pull_request_that_goes_elsewhere_is_asked_anew() {
    let event = |action| PullRequest {
        repo: repo(),
        repo_id: 1,
        head_repo_id: Some(1),
        installation_id: Some(7),
        action,
        number: 9,
        base_branch: "main".to_owned(),
        base_sha: sha('b'),
        head_branch: "faster".to_owned(),
        head_sha: sha('a'),
        before_sha: None,
        author: "ada".to_owned(),
        updated_at: None,
        default_branch: None,
        label: None,
        labels: Vec::new(),
    };
    let own = [found(flights())];
    let meaning = |action| pull_request(&event(action), &own, None, &own, None, given());
    insta::assert_snapshot!(table([
        ("another base", meaning(PullRequestAction::Edited)),
        ("its end", meaning(PullRequestAction::Closed)),
    ]), @"
    - another base
    see #9 open: a into main
    start r1 (pull_request): pull request #9 by ada sent into another branch: pipelines/flights, never pushes, a of faster
    tell a for main: trainyard/flights Pending: waiting to run: pull request #9 by ada sent into another branch
    outcome: run r1 of pipeline 'flights' starts
    - its end
    see #9 closed: a into main
    outcome: pull request #9 of acme/flights is closed: what its commits were asked for it counts no longer; pull request #9 of acme/flights starts nothing: pipeline 'flights' listens to types [opened, synchronize, reopened, edited]
    ");
}
