//! What a GitHub App shows of a commit: check runs with plan, verdict, annotations and buttons, and statuses where it
//! may not write checks.

use crate::tiny;
use crate::yard::{REPO, Yard, until};
use serde_json::Map;
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::run::RunState;
use trainyard_github::simulator::{CheckRunRecord, Fault};

const NAME: &str = "trainyard/tiny";

fn checks(yard: &Yard, commit: &CommitSha) -> Vec<CheckRunRecord> {
    yard.github.check_runs(REPO, commit.as_str())
}

/// Waits until the newest check run of a commit is so far.
async fn check(yard: &Yard, commit: &CommitSha, state: &str) -> CheckRunRecord {
    until(&format!("check run '{state}' of {commit}"), async || {
        let newest = checks(yard, commit).pop()?;
        (newest.history.last().map(String::as_str) == Some(state)).then_some(newest)
    })
    .await
}

async fn with_first_model() -> Yard {
    let yard = Yard::as_app().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    yard
}

/// A text without what is different each time; how long something took is the last cell of a row.
fn plain(text: &str, known: &[(&str, &str)]) -> String {
    let text = known.iter().fold(text.replace('\u{200b}', "␣"), |text, (from, to)| {
        text.replace(from, to)
    });
    let timed = |line: &str| {
        let (row, last) = line.strip_suffix(" |")?.rsplit_once(' ')?;
        let is_time = last.ends_with('s') && last.starts_with(|c: char| c.is_ascii_digit());
        is_time.then(|| format!("{row} TIME |"))
    };
    let lines = text.lines().map(|line| timed(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_pull_request_sees_its_plan_and_then_its_verdict_in_one_check_run() {
    let yard = with_first_model().await;
    let first = yard.runs().await.remove(0);
    yard.work.branch("worse").await;
    yard.hold("train");
    let head = yard.push(&[("auc: 0.7", "auc: 0.65")]).await;
    let number = yard
        .github
        .open_pull_request(REPO, "Be worse", "worse", "main")
        .await
        .unwrap();
    let running = check(&yard, &head, "in_progress").await;
    let run = yard.runs().await.pop().unwrap();
    let short = |id: &str| id.chars().take(13).collect::<String>();
    let (mine, before) = (run.id.to_string(), short(first.id.as_str()));
    let known = [
        (mine.as_str(), "RUN"),
        (before.as_str(), "FIRST"),
        (&head.as_str()[..10], "COMMIT"),
    ];
    assert_eq!(
        (running.name.as_str(), running.external_id.as_deref()),
        (NAME, Some(mine.as_str()))
    );
    insta::assert_snapshot!(plain(running.summary.as_deref().unwrap(), &known), @"
    Running: pull request #␣1 by octocat opened.

    2 of 5 steps run, 1 is cached, of 2 it is not known yet: less than a minute.

    | step | expected | why | usually |
    |---|---|---|--:|
    | examples | cached | nothing it depends on is different since run FIRST | – |
    | left | runs | parameter auc changed from 0.7 to 0.65 | TIME |
    | right | runs | parameter auc changed from 0.7 to 0.65 | TIME |
    | train | not known yet | it depends on what step 'left' makes | TIME |
    | evaluate | not known yet | it depends on what step 'train' makes | TIME |

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");
    let comment = until("the plan as a comment", async || {
        yard.github.comments(REPO, number).pop()
    })
    .await;
    insta::assert_snapshot!(plain(&comment.body, &known), @"
    <!-- trainyard:tiny -->
    ### tiny: running

    2 of 5 steps run, 1 is cached, of 2 it is not known yet: less than a minute.

    | step | expected | why | usually |
    |---|---|---|--:|
    | examples | cached | nothing it depends on is different since run FIRST | – |
    | left | runs | parameter auc changed from 0.7 to 0.65 | TIME |
    | right | runs | parameter auc changed from 0.7 to 0.65 | TIME |
    | train | not known yet | it depends on what step 'left' makes | TIME |
    | evaluate | not known yet | it depends on what step 'train' makes | TIME |

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");

    yard.release("train");
    yard.last(2).await;
    let over = check(&yard, &head, "completed failure").await;
    assert_eq!((over.id, checks(&yard, &head).len()), (running.id, 1), "the same one");
    let summary = over.summary.unwrap();
    let took = summary.lines().find(|line| line.starts_with("All of it took")).unwrap();
    let known = [&known[..], &[(took, "All of it took TIME.")]].concat();
    insta::assert_snapshot!(plain(&summary, &known), @"
    **✗ not approved**

    - auc overall fell from 0.7000 to 0.6500 (-0.0500), more than the allowed -0.0050

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6500 | 0.7000 | -0.0500 | ≥ 0.6, change ≥ -0.005 | ✗ |

    #### Steps

    All of it took TIME.

    1 of 5 steps were cached: nothing that they depend on is different.

    | step | how it ended | took |
    |---|---|--:|
    | image train | there already | |
    | examples | cached |  |
    | left | succeeded | TIME |
    | right | succeeded | TIME |
    | train | succeeded | TIME |
    | evaluate | succeeded | TIME |

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");
    assert_eq!(over.actions.len(), 1);
    assert_eq!(over.actions[0]["identifier"], "rerun");
    assert!(over.completed_at.is_some() && over.details_url.unwrap().ends_with(&mine));
    yard.all_told().await;
    let comments = yard.github.comments(REPO, number);
    assert_eq!((comments.len(), comments[0].id), (1, comment.id), "updated in place");
    assert!(comments[0].body.contains("✗ not approved"), "{}", comments[0].body);
    assert!(yard.statuses(&head).is_empty(), "no status beside it");
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_check_run_and_a_new_run_makes_one() {
    let yard = with_first_model().await;
    yard.hold("train");
    // The check run is made, and nobody hears of it.
    yard.github.inject([Fault::LoseAnswer]);
    let commit = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    yard.started("train", 1).await;
    yard.release("train");
    yard.last(2).await;
    let over = check(&yard, &commit, "completed success").await;
    assert_eq!((yard.github.faults_left(), checks(&yard, &commit).len()), (0, 1));
    yard.all_told().await;
    // Asked for again: what is over stays over, and a new one of the same name begins.
    let repo = RepoName::parse(REPO).unwrap();
    let again = yard
        .engine
        .request_known(&repo, "tiny", &Map::new(), "ada")
        .await
        .unwrap();
    yard.last(3).await;
    yard.all_told().await;
    let all = checks(&yard, &commit);
    assert_eq!((all.len(), all[0].id), (2, over.id));
    assert_eq!(all[0].history, over.history);
    assert_eq!(all[1].external_id.as_deref(), Some(again.as_str()));
    assert_eq!(all[1].status, "completed");
}

#[tokio::test]
async fn without_the_permission_statuses_are_written_and_it_is_tried_again_later() {
    let yard = Yard::as_app().await;
    yard.github.forbid_checks(true);
    let first = yard.push(&[]).await;
    yard.last(1).await;
    let status = yard.status(&first, "success").await;
    assert_eq!(status.context, NAME);
    yard.all_told().await;
    assert!(checks(&yard, &first).is_empty());
    let tries = || {
        let calls = yard.github.calls();
        calls.iter().filter(|call| call.path.ends_with("/check-runs")).count()
    };
    assert_eq!(tries(), 1, "asked once");
    let second = yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    yard.status(&second, "success").await;
    assert_eq!(tries(), 1);
}

#[tokio::test]
async fn a_commit_that_shows_statuses_shows_them_to_the_end() {
    let mut yard = Yard::as_app().await;
    yard.github.forbid_checks(true);
    yard.hold("train");
    let commit = yard.push(&[]).await;
    yard.status(&commit, "pending").await;
    yard.started("train", 1).await;
    // Somebody gives the permission, and the service asks anew.
    yard.github.forbid_checks(false);
    yard.restart().await;
    yard.release("train");
    yard.last(1).await;
    yard.status(&commit, "success").await;
    yard.all_told().await;
    assert!(checks(&yard, &commit).is_empty());
    let next = yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    check(&yard, &next, "completed success").await;
    assert!(yard.statuses(&next).is_empty());
}

#[tokio::test]
async fn a_required_check_never_hangs() {
    let yard = with_first_model().await;
    let open = async |branch: &str| {
        yard.github
            .open_pull_request(REPO, branch, branch, "main")
            .await
            .unwrap();
    };
    yard.work.branch("words").await;
    yard.work.write("README.md", "words");
    let words = yard.work.push("Write words").await;
    open("words").await;
    let skipped = check(&yard, &words, "completed skipped").await;
    insta::assert_snapshot!(skipped.title.unwrap(), @"nothing relevant changed: pipeline 'tiny' listens to paths [pipelines/tiny/**], and no changed file is one of them");

    // Nothing is left to run.
    yard.work.branch("gone").await;
    yard.work.remove(tiny::FILE);
    let gone = yard.work.push("Give it up").await;
    open("gone").await;
    let skipped = check(&yard, &gone, "completed skipped").await;
    insta::assert_snapshot!(skipped.title.unwrap(), @"nothing to do: pipeline 'tiny' of 'main' is not in this commit");

    // Under another name it is another check, and the old one is told, too.
    yard.work.branch("renamed").await;
    let renamed = yard
        .push(&[("name: tiny", "name: small"), ("push: { target: tiny }\n", "")])
        .await;
    open("renamed").await;
    until("both checks", async || {
        let all = checks(&yard, &renamed);
        let ended = |name: &str| {
            all.iter()
                .any(|check| check.name == name && check.status == "completed")
        };
        (ended(NAME) && ended("trainyard/small")).then_some(())
    })
    .await;

    // A file that cannot be read is annotated where it is wrong.
    yard.work.branch("broken").await;
    let broken = yard
        .push(&[
            ("name: tiny", "name: tiny\nstepps: {}"),
            ("on:\n", "on:\n  pusch: {}\n"),
        ])
        .await;
    open("broken").await;
    let failed = check(&yard, &broken, "completed failure").await;
    assert_eq!(failed.name, NAME);
    let places: Vec<String> = failed
        .annotations
        .iter()
        .map(|a| {
            format!(
                "{}:{}:{} {}",
                a["path"], a["start_line"], a["start_column"], a["message"]
            )
        })
        .collect();
    insta::assert_snapshot!(places.join("\n"), @r#"
    "pipelines/tiny/pipeline.yaml":2:1 "unknown key 'stepps': did you mean 'steps'? known are name, parameters, on, concurrency, data, steps, gate, push, notify"
    "pipelines/tiny/pipeline.yaml":5:3 "unknown key 'pusch': did you mean 'push'? known are push, pull_request, release, workflow_run, repository_dispatch, data, schedule"
    "#);
}

#[tokio::test]
async fn what_cannot_be_built_is_annotated_at_its_line() {
    let yard = Yard::as_app().await;
    yard.images
        .fail_at("the build of the Dockerfile failed at `RUN make`", 2);
    let commit = yard.push(&[]).await;
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Failed);
    let failed = check(&yard, &commit, "completed failure").await;
    let found = &failed.annotations;
    assert_eq!((found.len(), &found[0]["start_line"]), (1, &2.into()));
    assert_eq!(found[0]["path"], tiny::DOCKERFILE);
    // A step that fails is annotated where the pipeline file has it.
    yard.images.succeed();
    yard.script("train", |_, _| {
        trainyard_executors::fake::Script::exits(3, "no such column")
    });
    let commit = yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    let failed = check(&yard, &commit, "completed failure").await;
    let line = tiny::TINY
        .lines()
        .position(|line| line.starts_with("  train:"))
        .unwrap()
        + 1;
    let found = &failed.annotations;
    assert_eq!((found.len(), &found[0]["start_line"]), (1, &line.into()));
    assert_eq!(found[0]["path"], tiny::FILE);
}
