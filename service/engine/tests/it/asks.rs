//! What people ask for on GitHub: commands in comments and buttons of checks, by those who may, once.

use crate::yard::{APP, REPO, Yard, until};
use trainyard_core::ids::{CommitSha, RunId};
use trainyard_core::run::{RunState, StepState, Which};
use trainyard_executors::fake::Script;
use trainyard_github::simulator::{Click, CommentRecord};

/// A yard with a model that serves and a pull request whose run is over.
async fn with_pull_request(yard: &Yard) -> (u64, CommitSha) {
    yard.push(&[]).await;
    yard.last(1).await;
    yard.work.branch("better").await;
    let commit = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let number = yard.github.open_pull_request(REPO, "Be better", "better", "main").await;
    yard.last(2).await;
    yard.github.set_role(REPO, "ada", "write").unwrap();
    (number.unwrap(), commit)
}

fn with_marker(yard: &Yard, number: u64, marker: &str) -> Vec<CommentRecord> {
    let comments = yard.github.comments(REPO, number).into_iter();
    comments
        .filter(|comment| comment.body.starts_with(&format!("<!-- trainyard:{marker}")))
        .collect()
}

/// Says something and waits for the answer, without its marker and with the ids of runs as their numbers.
async fn ask(yard: &Yard, login: &str, number: u64, body: &str) -> String {
    let commands = trainyard_core::command::commands(body).len();
    let id = yard.github.say(login, REPO, number, body).unwrap();
    answered(yard, number, id, commands).await
}

async fn answered(yard: &Yard, number: u64, id: u64, commands: usize) -> String {
    let answer = until(&format!("answer to comment {id}"), async || {
        let found = with_marker(yard, number, &format!("answer:{id} "));
        assert!(found.len() <= 1, "{found:?}");
        let whole =
            |comment: &CommentRecord| comment.body.lines().filter(|line| line.starts_with("**/")).count() >= commands;
        found.into_iter().next().filter(whole)
    })
    .await;
    let (_, body) = answer.body.split_once('\n').unwrap();
    let mut body = body.trim_end().to_owned();
    for (place, run) in yard.runs().await.iter().enumerate() {
        body = body.replace(run.id.as_str(), &format!("RUN-{}", place + 1));
    }
    // What keeps numbers of pull requests from being links.
    body.replace('\u{200b}', "")
}

/// Until what happened last was taken by the door, which would be closed else.
async fn taken(yard: &Yard, action: &str) {
    until(&format!("'{action}' at the door"), async || {
        let sent = yard.github.deliveries();
        sent.iter()
            .any(|sent| sent.action.as_deref() == Some(action) && sent.status_code.is_some())
            .then_some(())
    })
    .await;
}

/// Until what was said is settled and everything is told; nothing was started by it.
async fn nothing_follows(yard: &Yard, runs: usize) {
    let sent = until("every webhook at the door", async || {
        (yard.github.on_the_way() == 0).then(|| yard.github.deliveries())
    })
    .await;
    let before = sent
        .into_iter()
        .map(|delivery| delivery.guid)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    yard.settled(before).await;
    until("what was asked", async || {
        yard.engine
            .reads()
            .open_asks(0, 1)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    yard.all_told().await;
    assert_eq!(yard.runs().await.len(), runs);
}

#[tokio::test]
async fn commands_are_done_in_their_order_and_answered_in_place() {
    let yard = Yard::new().await;
    let (number, commit) = with_pull_request(&yard).await;
    let asked =
        "Thanks!\r\n\r\n/trainyard rerun\r\n/trainyard rnu\r\n\r\n```\r\n/trainyard cancel\r\n```\r\n> /trainyard run";
    insta::assert_snapshot!(ask(&yard, "ada", number, asked).await, @"
    **/trainyard rerun** (ada): run RUN-3 repeats what did not succeed of run RUN-2

    **/trainyard rnu** (ada): there is no command 'rnu': did you mean 'run'? known are run, rerun, cancel, approve, reject, rollback, explain, help

    What people who may write to this repository can ask, at the beginning of a line:

    - `/trainyard run [pipeline] [key=value …]`: run the pull request as it is; with other parameters it is a trial, whose verdict is no check
    - `/trainyard rerun [pipeline or run] [--all]`: run again what failed, keeping what succeeded; with `--all` every step
    - `/trainyard cancel [pipeline or run]`: end what is at work
    - `/trainyard approve [pipeline or run] [why …]`: let a run or model go on that waits for a person
    - `/trainyard reject [pipeline or run] [why …]`: keep it from going on
    - `/trainyard rollback [target or pipeline] [why …]`: have the model serve that served before
    - `/trainyard explain [pipeline or run]`: say what ran, what did not, and why
    - `/trainyard help`: this list
    ");
    let (row, run) = yard.last(3).await;
    assert_eq!((row.commit.as_ref(), row.pull_request), (Some(&commit), Some(number)));
    assert!(
        run.steps.values().all(|step| step.state == StepState::Cached),
        "{:?}",
        run.steps
    );
    yard.status(&commit, "success").await;

    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard run").await, @"**/trainyard run** (ada): run RUN-4 of pipeline 'tiny' starts");
    yard.last(4).await;
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard explain").await, @"
    **/trainyard explain** (ada): 
    **tiny**: run RUN-4 (pull request #1, asked for by ada) is succeeded: approved; a pull request's model is not pushed

    | step | state | why |
    |---|---|---|
    | examples | cached | made before of the same, which stands in |
    | left | cached | made before of the same, which stands in |
    | right | cached | made before of the same, which stands in |
    | train | cached | made before of the same, which stands in |
    | evaluate | cached | made before of the same, which stands in |
    ");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard run nothing").await, @"**/trainyard run nothing** (ada): there is no pipeline 'nothing' at the head of this pull request: the only one is tiny");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard cancel").await, @"**/trainyard cancel** (ada): no run of pull request #1 is at work");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard approve").await, @"**/trainyard approve** (ada): nothing waits for an approval here");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard rollback").await, @"**/trainyard rollback** (ada): target 'tiny' has no earlier version to go back to: see &#96;trainyard models&#96;");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard").await, @"
    **/trainyard** (ada): What people who may write to this repository can ask, at the beginning of a line:

    - `/trainyard run [pipeline] [key=value …]`: run the pull request as it is; with other parameters it is a trial, whose verdict is no check
    - `/trainyard rerun [pipeline or run] [--all]`: run again what failed, keeping what succeeded; with `--all` every step
    - `/trainyard cancel [pipeline or run]`: end what is at work
    - `/trainyard approve [pipeline or run] [why …]`: let a run or model go on that waits for a person
    - `/trainyard reject [pipeline or run] [why …]`: keep it from going on
    - `/trainyard rollback [target or pipeline] [why …]`: have the model serve that served before
    - `/trainyard explain [pipeline or run]`: say what ran, what did not, and why
    - `/trainyard help`: this list
    ");
    // Our own comments were told to us as well, and started nothing.
    nothing_follows(&yard, 4).await;
    assert_eq!(with_marker(&yard, number, "answer:").len(), 8);
}

#[tokio::test]
async fn who_may_not_write_is_told_so_once() {
    let yard = Yard::new().await;
    let (number, _) = with_pull_request(&yard).await;
    yard.github
        .say("grace", REPO, number, "/trainyard run\n/trainyard cancel")
        .unwrap();
    nothing_follows(&yard, 2).await;
    let refused = with_marker(&yard, number, "refused:");
    assert_eq!(refused.len(), 1);
    let body = refused[0].body.split_once('\n').unwrap().1;
    insta::assert_snapshot!(body.trim(), @"Sorry, grace: commands are for people who may write to this repository, and GitHub says that grace has the role 'none' in acme/tiny. Somebody who may can ask instead.");
    yard.github.say("grace", REPO, number, "/trainyard help").unwrap();
    yard.github.say("robot[bot]", REPO, number, "/trainyard run").unwrap();
    nothing_follows(&yard, 2).await;
    assert_eq!(
        yard.github.comments(REPO, number).len(),
        1 + 3 + 1,
        "the verdict, what was said, one answer"
    );
    // Looked up anew each time.
    yard.github.set_role(REPO, "grace", "maintain").unwrap();
    ask(&yard, "grace", number, "/trainyard run").await;
    yard.last(3).await;
    for role in ["triage", "read", "none"] {
        yard.github.set_role(REPO, "grace", role).unwrap();
        yard.github.say("grace", REPO, number, "/trainyard run").unwrap();
        nothing_follows(&yard, 3).await;
    }
}

#[tokio::test]
async fn a_name_that_somebody_else_has_by_now_gives_no_right() {
    let mut yard = Yard::new().await;
    let (number, _) = with_pull_request(&yard).await;
    yard.stop_loops().await;
    let asked = yard.github.say("ada", REPO, number, "/trainyard run").unwrap();
    taken(&yard, "created").await;
    yard.github.rename_account("ada", "ada-lovelace");
    yard.github.take_name("ada");
    yard.restart().await;
    // The number is still hers.
    answered(&yard, number, asked, 1).await;
    yard.last(3).await;
    yard.github.say("ada", REPO, number, "/trainyard run").unwrap();
    nothing_follows(&yard, 3).await;
    assert_eq!(with_marker(&yard, number, "refused:").len(), 1);
}

#[tokio::test]
async fn what_is_sent_again_edited_or_deleted_does_nothing() {
    let mut yard = Yard::new().await;
    let (number, _) = with_pull_request(&yard).await;
    let id = yard.github.say("ada", REPO, number, "/trainyard run").unwrap();
    answered(&yard, number, id, 1).await;
    yard.last(3).await;
    let deliveries = yard.github.deliveries();
    let comment = deliveries
        .iter()
        .find(|delivery| delivery.event == "issue_comment")
        .unwrap();
    yard.github.redeliver(&comment.guid).unwrap();
    // The same under another id, as somebody replays it.
    let body = comment.body.clone();
    let headers = comment.headers.clone();
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        match name {
            "x-github-delivery" => Some("another-id"),
            _ => found.and_then(|(_, value)| value.as_str()),
        }
    };
    yard.engine.accept_webhook(header, body).await.unwrap();
    yard.github
        .edit_comment(REPO, id, "/trainyard run\n/trainyard rerun")
        .unwrap();
    nothing_follows(&yard, 3).await;
    // A crash after it was done does not do it again.
    yard.restart().await;
    nothing_follows(&yard, 3).await;
    assert_eq!(with_marker(&yard, number, "answer:").len(), 1);
}

#[tokio::test]
async fn what_is_closed_or_moved_on_says_so() {
    let mut yard = Yard::new().await;
    let (number, _) = with_pull_request(&yard).await;
    // The new commit comes before what was said is looked at.
    yard.stop_loops().await;
    let asked = yard.github.say("ada", REPO, number, "/trainyard run").unwrap();
    taken(&yard, "created").await;
    let head = yard.push(&[("auc: 0.7", "auc: 0.81")]).await;
    taken(&yard, "synchronize").await;
    yard.restart().await;
    let said = answered(&yard, number, asked, 1)
        .await
        .replace(&head.as_str()[..10], "HEAD");
    insta::assert_snapshot!(said, @"**/trainyard run** (ada): nothing was done, since the pull request may have moved on after this was written: look at its head HEAD, and ask again");
    yard.last(3).await;
    yard.github.set_pull_request_open(REPO, number, false).await.unwrap();
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard run\n/trainyard rerun").await, @"
    **/trainyard run** (ada): pull request #1 is closed, and nothing is run for it: reopen it first

    **/trainyard rerun** (ada): pull request #1 is closed, and nothing is run for it: reopen it first
    ");
    nothing_follows(&yard, 3).await;
}

#[tokio::test]
async fn other_parameters_are_a_trial_and_no_check() {
    let yard = Yard::new().await;
    let (number, commit) = with_pull_request(&yard).await;
    yard.all_told().await;
    let before = yard.statuses(&commit);
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard run tiny auc=0.2").await, @"**/trainyard run tiny auc=0.2** (ada): run RUN-3 of pipeline 'tiny' starts; it is a trial with other parameters than the file's, so that its verdict comes as a comment and is no check");
    let (row, run) = yard.last(3).await;
    assert_eq!(
        (row.trigger.as_str(), run.request.trial, run.request.may_push),
        ("manual", true, false)
    );
    assert!(run.is_rejected(), "{:?}", run.summary);
    yard.all_told().await;
    assert_eq!(yard.statuses(&commit), before);
    let told = with_marker(&yard, number, "trial:");
    assert!(told[0].body.contains("✗ not approved"), "{}", told[0].body);
    assert_eq!(with_marker(&yard, number, "tiny").len(), 1, "the verdict stays");
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard run tiny lr=1 auc=2").await, @"**/trainyard run tiny lr=1 auc=2** (ada): nothing was run: pipelines/tiny/pipeline.yaml:2:1: there is no parameter 'lr' to replace: known are auc, serve");
}

#[tokio::test]
async fn a_rollback_is_done_once() {
    let yard = Yard::new().await;
    let (number, _) = with_pull_request(&yard).await;
    yard.work.git(&["checkout", "--quiet", "--force", "main"]).await;
    yard.push(&[("auc: 0.7", "auc: 0.9")]).await;
    yard.last(3).await;
    insta::assert_snapshot!(ask(&yard, "ada", number, "/trainyard rollback tiny too slow").await, @"**/trainyard rollback tiny too slow** (ada): target 'tiny' serves version 000001 again, and version 000002 no longer");
    assert_eq!(yard.ledger().await, ["push 000001", "push 000002", "rollback 000001"]);
    let newest = yard.engine.reads().promotions(None, 1).await.unwrap();
    assert_eq!(newest[0].actor, "ada");
}

#[tokio::test]
async fn a_rerun_keeps_what_succeeded_or_nothing() {
    let yard = Yard::new().await;
    yard.script("train", |_, _| Script::exits(1, "no"));
    // What the cache may not keep is kept, too.
    let uncached = "right: { cache: false, image";
    let commit = yard.push(&[("right: { image", uncached)]).await;
    let (failed, _) = yard.last(1).await;
    assert_eq!(failed.state, RunState::Failed);
    yard.release_later("train");
    let before = yard.programs().len();
    let again = yard.engine.rerun(&failed.id, Which::Failed, "ada").await.unwrap();
    let (row, run) = yard.last(2).await;
    assert_eq!(
        (&row.id, row.commit.as_ref(), run.request.may_push),
        (&again, Some(&commit), true)
    );
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    let programs: Vec<String> = yard.programs()[before..].iter().map(ToString::to_string).collect();
    assert_eq!(programs, ["train", "evaluate"]);
    insta::assert_snapshot!(row.cause, @"rerun by ada of what did not succeed: push of main by octocat");
    yard.status(&commit, "success").await;
    assert_eq!(yard.ledger().await, ["push 000001"]);

    let all = yard.engine.rerun(&again, Which::All, "ada").await.unwrap();
    let (row, run) = yard.last(3).await;
    assert_eq!(row.id, all);
    assert!(
        run.steps
            .values()
            .all(|step| matches!(step.state, StepState::Succeeded { .. })),
        "{:?}",
        run.steps
    );
    insta::assert_snapshot!(row.cause, @"rerun by ada of every step: push of main by octocat");

    // An older commit is judged, and takes no target from a newer one.
    yard.push(&[("auc: 0.7", "auc: 0.9")]).await;
    yard.last(4).await;
    yard.engine.rerun(&again, Which::Failed, "ada").await.unwrap();
    let (_, run) = yard.last(5).await;
    assert!(!run.request.may_push);
    yard.hold("train");
    let held = yard.push(&[("auc: 0.7", "auc: 0.95")]).await;
    yard.started("train", 1).await;
    let at_work = yard
        .runs()
        .await
        .into_iter()
        .find(|run| run.commit.as_ref() == Some(&held))
        .unwrap();
    let refused = async |run: &RunId| {
        yard.engine
            .rerun(run, Which::Failed, "ada")
            .await
            .unwrap_err()
            .to_string()
    };
    let said = refused(&at_work.id).await.replace(at_work.id.as_str(), "RUN");
    insta::assert_snapshot!(said, @"run RUN is not over yet: wait for its end, or cancel it first");
    insta::assert_snapshot!(refused(&RunId::from("none")).await, @"there is no run 'none'");
    yard.release("train");
    yard.last(6).await;
}

#[tokio::test]
async fn buttons_of_our_own_checks_run_again() {
    let yard = Yard::as_app().await;
    let (number, commit) = with_pull_request(&yard).await;
    let run = yard.runs().await[1].id.clone();
    let click = |run: Option<&str>, button: Option<&str>, app: u64| Click {
        check_run: 77,
        external_id: run.map(str::to_owned),
        head_sha: commit.to_string(),
        app,
        button: button.map(str::to_owned),
    };
    let press = |login: &str, click: &Click| yard.github.press(login, REPO, click).unwrap();
    // Of another App, of no run, of no known button, and by who may not.
    press("ada", &click(Some(run.as_str()), Some("rerun"), APP + 1));
    press("ada", &click(Some("nothing"), Some("rerun"), APP));
    press("ada", &click(None, None, APP));
    press("ada", &click(Some(run.as_str()), Some("deploy"), APP));
    press("ada", &click(Some(run.as_str()), Some("approve"), APP));
    press("grace", &click(Some(run.as_str()), Some("rerun"), APP));
    press("robot[bot]", &click(Some(run.as_str()), Some("rerun"), APP));
    nothing_follows(&yard, 2).await;
    let clicks = until("seven answers", async || {
        let reads = yard.engine.reads();
        let open = reads.open_asks(0, 1).await.unwrap();
        let views = reads.deliveries(100).await.unwrap().into_iter();
        let settled = views.filter(|view| view.kind == "check_run" && view.processed_at.is_some());
        let settled: Vec<_> = settled.collect();
        (settled.len() == 7 && open.is_empty()).then_some(settled)
    })
    .await;
    let outcomes: Vec<String> = clicks
        .into_iter()
        .rev()
        .map(|view| {
            view.outcome
                .unwrap_or_default()
                .replace(run.as_str(), "RUN")
                .replace(commit.as_str(), "COMMIT")
        })
        .collect();
    insta::assert_snapshot!(outcomes.join("\n"), @"
    the check is not one of this App's: nothing is done for it
    ada asks by button: rerun of run nothing: there is no run 'nothing' of acme/tiny at COMMIT: it may be too old
    ada asks by button: rerun of run that is not named: there is no run 'without a name' of acme/tiny at COMMIT: it may be too old
    'deploy' is no button of Trainyard: known are rerun, approve, reject
    ada asks by button: approve of run RUN: run RUN does not wait for approval: it has succeeded: approved; a pull request's model is not pushed
    grace asks by button: rerun of run RUN: refused, since GitHub says that grace has the role 'none' in acme/tiny
    robot[bot] is a bot, and only people ask
    ");
    press("ada", &click(Some(run.as_str()), Some("rerun"), APP));
    let (row, again) = yard.last(3).await;
    assert_eq!(
        (row.pull_request, again.request.rerun.unwrap().of),
        (Some(number), run.clone())
    );
    // The same click once more.
    press("ada", &click(Some(run.as_str()), Some("rerun"), APP));
    nothing_follows(&yard, 3).await;
    press("ada", &click(Some(row.id.as_str()), None, APP));
    yard.last(4).await;
    yard.github
        .rerequest_suite("ada", REPO, 9, APP, commit.as_str())
        .unwrap();
    let (row, _) = yard.last(5).await;
    assert_eq!(row.commit, Some(commit));
}
