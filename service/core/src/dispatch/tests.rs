//! What commands mean, in a table.

use super::{Action, Facts, PullNow, RunFact, dispatch};
use crate::command::{KNOWN, commands, parse};
use crate::ids::{CommitSha, RunId};
use crate::report::Answering;
use crate::run::RunState;
use proptest::prelude::*;

fn sha(c: char) -> CommitSha {
    CommitSha::new(c.to_string().repeat(40))
}

fn pull() -> PullNow {
    PullNow {
        number: 7,
        open: true,
        head: sha('b'),
        moved: false,
    }
}

fn run(id: &str, pipeline: &str, commit: char, state: RunState) -> RunFact {
    RunFact {
        id: RunId::new(format!("{id}-00000000")),
        pipeline: pipeline.to_owned(),
        commit: Some(sha(commit)),
        pull_request: Some(7),
        state,
        trial: false,
        waits: false,
    }
}

fn waits(run: RunFact) -> RunFact {
    RunFact {
        waits: true,
        state: RunState::Running,
        ..run
    }
}

fn said(line: &str, facts: Facts<'_>) -> String {
    let command = match parse(line) {
        Ok(command) => command,
        Err(unclear) => return unclear.sentence(),
    };
    match dispatch(&command, facts) {
        Ok(action) => format!("{action:?}"),
        Err(refused) => refused.sentence(),
    }
}

fn table(pull: &PullNow, runs: &[RunFact], targets: &[(&str, &str)], lines: &[&str]) -> String {
    let targets: Vec<(String, String)> = targets
        .iter()
        .map(|(pipeline, target)| ((*pipeline).to_owned(), (*target).to_owned()))
        .collect();
    let facts = Facts {
        pull,
        runs,
        targets: &targets,
    };
    let rows = lines.iter().map(|line| format!("{line}: {}", said(line, facts)));
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_asked_of_an_open_pull_request() {
    use RunState::{Failed, Running, Succeeded};
    let runs = [
        run("r5", "weather", 'b', Running),
        RunFact {
            trial: true,
            ..run("r4", "flights", 'b', Succeeded)
        },
        run("r3", "flights", 'b', Failed),
        run("r2", "trains", 'a', Failed),
        run("r1", "flights", 'a', Succeeded),
    ];
    let lines = [
        "/trainyard",
        "/trainyard run",
        "/trainyard run flights rate=2",
        "/trainyard rerun",
        "/trainyard rerun --all",
        "/trainyard rerun flights",
        "/trainyard rerun weather",
        "/trainyard rerun trains",
        "/trainyard rerun r4-00000",
        "/trainyard rerun r1-00000",
        "/trainyard rerun r1",
        "/trainyard rerun flihgts",
        "/trainyard cancel",
        "/trainyard cancel weather",
        "/trainyard cancel flights",
        "/trainyard approve",
        "/trainyard approve flights",
        "/trainyard explain",
        "/trainyard explain trains",
        "/trainyard rollback",
    ];
    insta::assert_snapshot!(table(&pull(), &runs, &[], &lines), @r#"
    /trainyard: Help
    /trainyard run: Run { pipeline: None, parameters: {} }
    /trainyard run flights rate=2: Run { pipeline: Some("flights"), parameters: {"rate": Number(2)} }
    /trainyard rerun: Rerun { runs: [RunId("r3-00000000")], which: Failed }
    /trainyard rerun --all: Rerun { runs: [RunId("r3-00000000")], which: All }
    /trainyard rerun flights: Rerun { runs: [RunId("r3-00000000")], which: Failed }
    /trainyard rerun weather: Rerun { runs: [RunId("r5-00000000")], which: Failed }
    /trainyard rerun trains: run r2-00000000 is of an older commit: the head of the pull request is bbbbbbbbbb by now, so ask for what concerns that one
    /trainyard rerun r4-00000: Rerun { runs: [RunId("r4-00000000")], which: Failed }
    /trainyard rerun r1-00000: run r1-00000000 is of an older commit: the head of the pull request is bbbbbbbbbb by now, so ask for what concerns that one
    /trainyard rerun r1: 'r1' is neither a pipeline that ran for this pull request nor one of its runs: known are flights, trains, weather
    /trainyard rerun flihgts: 'flihgts' is neither a pipeline that ran for this pull request nor one of its runs: did you mean 'flights'? known are flights, trains, weather
    /trainyard cancel: Cancel([RunId("r5-00000000")])
    /trainyard cancel weather: Cancel([RunId("r5-00000000")])
    /trainyard cancel flights: run r4-00000000 is over already: succeeded
    /trainyard approve: nothing waits for an approval here
    /trainyard approve flights: nothing waits for an approval here
    /trainyard explain: Explain([RunId("r5-00000000"), RunId("r3-00000000")])
    /trainyard explain trains: Explain([RunId("r2-00000000")])
    /trainyard rollback: no pipeline on the default branch of this repository pushes a model: there is nothing to roll back
    "#);
}

#[test]
fn nothing_is_run_for_what_is_over_or_moved_on() {
    let runs = [waits(run("r2", "flights", 'b', RunState::Running))];
    let lines = [
        "/trainyard run",
        "/trainyard rerun",
        "/trainyard approve",
        "/trainyard cancel",
        "/trainyard rollback",
        "/trainyard help",
    ];
    let targets = [("flights", "prod")];
    let closed = PullNow { open: false, ..pull() };
    let moved = PullNow { moved: true, ..pull() };
    let [closed, moved] = [closed, moved].map(|pull| table(&pull, &runs, &targets, &lines));
    let old = PullNow {
        head: sha('c'),
        ..pull()
    };
    let old = table(&old, &runs, &targets, &["/trainyard approve", "/trainyard rerun"]);
    insta::assert_snapshot!(format!("{closed}\n\n{moved}\n\n{old}"), @r#"
    /trainyard run: pull request #7 is closed, and nothing is run for it: reopen it first
    /trainyard rerun: pull request #7 is closed, and nothing is run for it: reopen it first
    /trainyard approve: pull request #7 is closed, and nothing is run for it: reopen it first
    /trainyard cancel: Cancel([RunId("r2-00000000")])
    /trainyard rollback: RollBack { target: "prod", why: None }
    /trainyard help: Help

    /trainyard run: nothing was done, since the pull request may have moved on after this was written: look at its head bbbbbbbbbb, and ask again
    /trainyard rerun: nothing was done, since the pull request may have moved on after this was written: look at its head bbbbbbbbbb, and ask again
    /trainyard approve: nothing was done, since the pull request may have moved on after this was written: look at its head bbbbbbbbbb, and ask again
    /trainyard cancel: Cancel([RunId("r2-00000000")])
    /trainyard rollback: RollBack { target: "prod", why: None }
    /trainyard help: Help

    /trainyard approve: run r2-00000000 is of an older commit: the head of the pull request is cccccccccc by now, so ask for what concerns that one
    /trainyard rerun: run r2-00000000 is of an older commit: the head of the pull request is cccccccccc by now, so ask for what concerns that one
    "#);
}

#[test]
fn approvals_and_rollbacks_find_what_is_meant() {
    let of_branch = |id: &str, pipeline: &str| RunFact {
        pull_request: None,
        ..waits(run(id, pipeline, 'm', RunState::Running))
    };
    let one = [
        waits(run("r2", "flights", 'b', RunState::Running)),
        of_branch("r1", "trains"),
    ];
    let lines = [
        "/trainyard approve",
        "/trainyard approve it is fine",
        "/trainyard reject flights too slow",
        "/trainyard approve trains",
        "/trainyard approve r1-00000 seen",
    ];
    let several = [of_branch("r2", "flights"), of_branch("r1", "trains")];
    let merged = PullNow { open: false, ..pull() };
    let targets = [("flights", "prod"), ("trains", "lab")];
    let back = [
        "/trainyard rollback",
        "/trainyard rollback prod",
        "/trainyard rollback trains too slow",
        "/trainyard rollback others",
    ];
    let all = [
        table(&pull(), &one, &[], &lines),
        table(
            &merged,
            &several,
            &[],
            &["/trainyard approve", "/trainyard approve trains ok"],
        ),
        table(&pull(), &[], &targets, &back),
        table(
            &pull(),
            &[],
            &targets[..1],
            &["/trainyard rollback it is slow", "/trainyard rerun"],
        ),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    /trainyard approve: Approve { run: RunId("r2-00000000"), why: None }
    /trainyard approve it is fine: Approve { run: RunId("r2-00000000"), why: Some("it is fine") }
    /trainyard reject flights too slow: Reject { run: RunId("r2-00000000"), why: Some("too slow") }
    /trainyard approve trains: Approve { run: RunId("r1-00000000"), why: None }
    /trainyard approve r1-00000 seen: Approve { run: RunId("r1-00000000"), why: Some("seen") }

    /trainyard approve: several runs wait for an approval: name a pipeline (flights, trains) or a run
    /trainyard approve trains ok: Approve { run: RunId("r1-00000000"), why: Some("ok") }

    /trainyard rollback: this repository has several targets: name one of lab, prod
    /trainyard rollback prod: RollBack { target: "prod", why: None }
    /trainyard rollback trains too slow: RollBack { target: "lab", why: Some("too slow") }
    /trainyard rollback others: 'others' is none of the targets of this repository: name one of lab, prod

    /trainyard rollback it is slow: RollBack { target: "prod", why: Some("it is slow") }
    /trainyard rerun: nothing ran for this pull request yet (its head is bbbbbbbbbb): ask for a run with /trainyard run
    "#);
}

#[test]
fn an_answer_says_what_came_of_each() {
    let commands = ["/trainyard run", "/trainyard `rnu` <b>@ada"].map(str::to_owned);
    let said = ["run 1 starts", "there is no such command"].map(str::to_owned);
    let answer = |said| Answering {
        comment: 4711,
        login: "ada",
        commands: &commands,
        left_out: 3,
        said,
    };
    insta::assert_snapshot!(format!("{}---\n{}", answer(&said[..1]).body(), answer(&said).body()).replace('\u{200b}', ""), @"
    <!-- trainyard:answer:4711 -->
    **/trainyard run** (ada): run 1 starts

    ---
    <!-- trainyard:answer:4711 -->
    **/trainyard run** (ada): run 1 starts

    **/trainyard &#96;rnu&#96; &lt;b&gt;@ada** (ada): there is no such command

    3 more were left out: at most 2 commands of a comment are looked at.
    ");
}

fn facts() -> impl Strategy<Value = (PullNow, Vec<RunFact>)> {
    let state = prop_oneof![
        Just(RunState::Queued),
        Just(RunState::Running),
        Just(RunState::Succeeded),
        Just(RunState::Failed),
        Just(RunState::Cancelled)
    ];
    let one = (
        0..4_u8,
        prop_oneof![Just('a'), Just('b')],
        state,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let runs = proptest::collection::vec(one, 0..6).prop_map(|all| {
        let runs = all.into_iter().enumerate();
        let runs = runs.map(|(number, (pipeline, commit, state, trial, waits, of_pull))| RunFact {
            trial,
            waits: waits && !state.is_final(),
            pull_request: of_pull.then_some(7),
            ..run(&format!("r{number}"), &format!("p{pipeline}"), commit, state)
        });
        runs.collect()
    });
    let pull = (any::<bool>(), any::<bool>()).prop_map(|(open, moved)| PullNow { open, moved, ..pull() });
    (pull, runs)
}

proptest! {
    /// Whatever there is, and whatever is asked.
    #[test]
    fn what_the_asker_did_not_see_is_not_run((pull, runs) in facts(), which in 0..KNOWN.len(), word in "(p[0-3]|r[0-5]-0000|x)?") {
        let line = format!("/trainyard {} {word}", KNOWN[which].0);
        let targets = [("p0".to_owned(), "prod".to_owned())];
        let facts = Facts { pull: &pull, runs: &runs, targets: &targets };
        let Ok(command) = parse(&line) else { return Ok(()) };
        let current = pull.open && !pull.moved;
        let of = |id: &RunId| runs.iter().find(|run| run.id == *id).unwrap();
        match dispatch(&command, facts) {
            Ok(Action::Run { .. }) => prop_assert!(current),
            Ok(Action::Rerun { runs, .. }) => {
                prop_assert!(current && !runs.is_empty());
                for run in &runs {
                    let run = of(run);
                    prop_assert!(run.pull_request.is_none() || run.commit.as_ref() == Some(&pull.head));
                }
            }
            Ok(Action::Approve { run, .. } | Action::Reject { run, .. }) => {
                let run = of(&run);
                prop_assert!(run.waits);
                prop_assert!(run.pull_request.is_none() || current && run.commit.as_ref() == Some(&pull.head));
            }
            Ok(Action::Cancel(runs)) => prop_assert!(!runs.is_empty() && runs.iter().all(|run| !of(run).state.is_final())),
            Ok(Action::RollBack { target, .. }) => prop_assert_eq!(target, "prod"),
            Ok(Action::Help | Action::Explain(_)) => {}
            Err(refused) => prop_assert!(!refused.sentence().is_empty()),
        }
    }

    /// Or we would answer ourselves.
    #[test]
    fn no_answer_is_a_command(asked in "\\PC{0,60}", said in "\\PC{0,80}") {
        let lines = [format!("/trainyard {asked}")];
        let said = [crate::report::escape(&said)];
        let answer = Answering { comment: 1, login: "/trainyard", commands: &lines, left_out: 2, said: &said };
        prop_assert_eq!(commands(&answer.body()), Vec::<String>::new());
    }
}
