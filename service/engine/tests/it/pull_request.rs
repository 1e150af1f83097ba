//! Pull requests: judged by their base, never pushed.

use crate::tiny;
use crate::yard::{REPO, Yard, until};
use std::path::Path;
use trainyard_core::ids::StepName;
use trainyard_core::run::{RunState, StepState};

async fn with_first_model() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard
}

#[tokio::test]
async fn a_pull_request_is_judged_by_its_base_and_never_pushed() {
    let yard = with_first_model().await;
    yard.work.branch("worse").await;
    // It tries to lower the bar, too.
    let lowered = [
        ("lower_bound: 0.6", "lower_bound: 0.1"),
        ("absolute: -0.005", "absolute: -0.9"),
    ];
    let worse = yard.push(&[lowered[0], lowered[1], ("auc: 0.7", "auc: 0.65")]).await;
    let number = yard
        .github
        .open_pull_request(REPO, "Be worse", "worse", "main")
        .await
        .unwrap();
    let (row, run) = yard.last(2).await;
    assert_eq!((row.state, row.pull_request), (RunState::Succeeded, Some(number)));
    assert!(!run.request.may_push);
    insta::assert_snapshot!(yard.status(&worse, "failure").await.description.unwrap(), @"not approved: auc overall fell from 0.7000 to 0.6500 (-0.0500), more than the allowed -0.0050");
    yard.all_told().await;
    let comments = yard.github.comments(REPO, number);
    assert_eq!(comments.len(), 1);
    let body = comments[0]
        .body
        .replace(row.id.as_str(), "RUN")
        .replace(&worse.as_str()[..10], "COMMIT");
    insta::assert_snapshot!(body, @"
    <!-- trainyard:tiny -->
    ### tiny: ✗ not approved

    - auc overall fell from 0.7000 to 0.6500 (-0.0500), more than the allowed -0.0050

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.6500 | 0.7000 | -0.0500 | ≥ 0.6, change ≥ -0.005 | ✗ |

    #### This change proposes another gate

    The verdict above is by the gate of the base branch. By the proposed one this model would be ✓ approved.

    The one recorded verdict would not change.

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");

    let better = yard.push(&[lowered[0], lowered[1], ("auc: 0.7", "auc: 0.8")]).await;
    let (row, _) = yard.last(3).await;
    assert_eq!(row.commit.as_ref(), Some(&better));
    insta::assert_snapshot!(yard.status(&better, "success").await.description.unwrap(), @"approved; a pull request's model is not pushed");
    yard.all_told().await;
    let updated = yard.github.comments(REPO, number);
    assert_eq!((updated.len(), updated[0].id), (1, comments[0].id), "updated in place");
    assert!(updated[0].body.contains("✓ approved"), "{}", updated[0].body);
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
    assert_eq!(yard.ledger().await, ["push 000001"]);
}

#[tokio::test]
async fn a_pull_request_that_edits_the_gate_hears_whom_of_the_past_it_would_judge_differently() {
    let yard = with_first_model().await;
    yard.push(&[("auc: 0.7", "auc: 0.65")]).await;
    let (rejected, _) = yard.last(2).await;
    yard.work.branch("gate").await;
    let edited = [
        ("lower_bound: 0.6", "lower_bound: 0.62"),
        ("absolute: -0.005", "absolute: -0.1"),
    ];
    let head = yard.push(&edited).await;
    let number = yard
        .github
        .open_pull_request(REPO, "Allow more", "gate", "main")
        .await
        .unwrap();
    let (row, run) = yard.last(3).await;
    assert_eq!(
        run.steps[&StepName::from("train")].state,
        StepState::Cached,
        "nothing is trained"
    );
    yard.all_told().await;
    let shown = |body: &str| {
        let body = body.replace(row.id.as_str(), "RUN");
        let body = body.replace(&head.as_str()[..10], "COMMIT");
        let body = body.replace(&rejected.id.as_str()[..13], "REJECTED");
        let when = chrono::DateTime::from_timestamp_micros(rejected.created_at.0).unwrap();
        body.replace(&when.format("%Y-%m-%d %H:%M").to_string(), "WHEN")
    };
    let first = yard.github.comments(REPO, number);
    insta::assert_snapshot!(shown(&first[0].body), @"
    <!-- trainyard:tiny -->
    ### tiny: ✓ unchanged

    - the model is, byte for byte, what serves as version 000001

    | slice | metric | candidate | serving | difference | threshold | |
    |---|---|--:|--:|--:|---|:-:|
    | overall | auc | 0.7000 | 0.7000 | +0.0000 | ≥ 0.6, change ≥ -0.005 | ✓ |

    #### This change proposes another gate

    The verdict above is by the gate of the base branch. By the proposed one this model would be ✓ approved.

    Of the newest 2 recorded verdicts 1 would change.

    | run | when (UTC) | then | now | |
    |---|---|---|---|---|
    | REJECTED | WHEN | ✗ not approved | ✓ approved | then: auc overall fell from 0.7000 to 0.6500 (-0.0500), more than the allowed -0.0050 |

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");

    // The next commit leaves the gate alone: the section goes, the comment stays.
    yard.push(&[]).await;
    yard.last(4).await;
    yard.all_told().await;
    let second = yard.github.comments(REPO, number);
    assert_eq!((second.len(), second[0].id), (1, first[0].id));
    assert!(!second[0].body.contains("another gate"), "{}", second[0].body);
}

#[tokio::test]
async fn an_evaluation_that_is_gone_is_counted() {
    let yard = with_first_model().await;
    let (_, first) = yard.last(1).await;
    let evaluation = &first.steps[&StepName::from("evaluate")].outputs["evaluation"];
    yard.push(&[("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    trainyard_engine::artifacts::remove_tree(Path::new(&evaluation.uri)).unwrap();
    yard.work.branch("gate").await;
    yard.push(&[("auc: 0.7", "auc: 0.71"), ("lower_bound: 0.6", "lower_bound: 0.5")])
        .await;
    let number = yard
        .github
        .open_pull_request(REPO, "Allow more", "gate", "main")
        .await
        .unwrap();
    yard.last(3).await;
    yard.all_told().await;
    let body = &yard.github.comments(REPO, number)[0].body;
    assert!(
        body.contains(
            "The one recorded verdict would not change. One more cannot be judged anew, because its evaluation is gone."
        ),
        "{body}"
    );
}

#[tokio::test]
async fn a_pull_request_without_a_relevant_file_is_not_kept_waiting() {
    let yard = with_first_model().await;
    yard.work.branch("words").await;
    yard.work.write("README.md", "words");
    let head = yard.work.push("Write words").await;
    yard.github
        .open_pull_request(REPO, "Words", "words", "main")
        .await
        .unwrap();
    let status = yard.status(&head, "success").await;
    insta::assert_snapshot!(status.description.unwrap(), @"nothing relevant changed: pipeline 'tiny' listens to paths [pipelines/tiny/**], and no changed file is one of them");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_pull_request_that_takes_the_model_out_of_the_gate_hears_why() {
    let yard = with_first_model().await;
    yard.work.branch("gateless").await;
    let without_gate = &tiny::TINY[..tiny::TINY.find("gate:").unwrap()];
    let renamed = without_gate
        .replace("  evaluate:", "  measure:")
        .replace("ModelEvaluation", "Numbers");
    yard.work.write(tiny::FILE, &renamed);
    let head = yard.work.push("Judge nothing").await;
    yard.github
        .open_pull_request(REPO, "Judge nothing", "gateless", "main")
        .await
        .unwrap();
    let status = until("a final status", async || {
        yard.statuses(&head).pop().filter(|status| status.state != "pending")
    })
    .await;
    assert_eq!(status.state, "error");
    insta::assert_snapshot!(status.description.unwrap(), @"pipeline 'tiny' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remove…");
}
