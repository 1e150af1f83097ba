//! GitHub in trouble: errors say what to do, and nothing is done twice.

use crate::client::{REPO, client, pull_request, repo, simulator, status};
use secrecy::SecretString;
use std::time::Duration;
use trainyard_core::report::StatusState;
use trainyard_github::simulator::{Fault, Simulator};
use trainyard_github::{GitHub, GitHubAuth, GitHubError};

const MARKER: &str = "<!-- trainyard:flights -->";

fn posts(simulator: &Simulator) -> usize {
    simulator.calls().iter().filter(|call| call.method == "POST").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_github_are_unreachable_and_sent_once() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator);
    for (at, code) in [500, 502, 503, 504].into_iter().enumerate() {
        simulator.inject([Fault::Status(code)]);
        let error = github
            .create_status(&repo(), &sha, &status(StatusState::Success, "ok"), None, None)
            .await
            .unwrap_err();
        assert!(matches!(error, GitHubError::Unreachable { .. }), "{error}");
        assert_eq!(posts(&simulator), at + 1);
    }
    assert!(simulator.statuses(REPO, sha.as_str()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_say_how_long_and_are_kept() {
    for (fault, seconds) in [
        (Fault::RetryAfter(17), 17..=17),
        (Fault::PrimaryLimit(90), 89..=92),
        (Fault::SecondaryLimit, 60..=60),
        (Fault::Status(429), 60..=60),
    ] {
        let (simulator, _work, sha) = simulator().await;
        let github = client(&simulator);
        simulator.inject([fault]);
        let waits = |error: GitHubError| match error {
            GitHubError::RateLimited { retry_after, .. } => retry_after.as_secs(),
            other => panic!("{fault:?}: {other}"),
        };
        let success = status(StatusState::Success, "ok");
        let first = waits(
            github
                .create_status(&repo(), &sha, &success, None, None)
                .await
                .unwrap_err(),
        );
        assert!(seconds.contains(&first), "{fault:?}: {first}");
        let calls = simulator.calls().len();
        let second = waits(github.default_branch(&repo()).await.unwrap_err());
        assert!((first - 1..=first).contains(&second), "{fault:?}: {second}");
        assert_eq!(simulator.calls().len(), calls, "no call is made while limited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_over_is_forgotten() {
    let (simulator, _work, _sha) = simulator().await;
    let github = client(&simulator);
    simulator.inject([Fault::RetryAfter(0)]);
    let GitHubError::RateLimited { retry_after, .. } = github.default_branch(&repo()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(retry_after, Duration::from_secs(1));
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while let Err(error) = github.default_branch(&repo()).await {
        assert!(
            matches!(error, GitHubError::RateLimited { .. }) && std::time::Instant::now() < deadline,
            "{error}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_call_ends_and_a_gone_host_is_named() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator).with_patience(Duration::from_millis(200));
    simulator.inject([Fault::Hang]);
    let success = status(StatusState::Success, "ok");
    let error = github
        .create_status(&repo(), &sha, &success, None, None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "GitHub cannot be reached: no answer within 0.2 seconds"
    );
    assert_eq!(posts(&simulator), 1);
    let nobody = GitHub::new(
        "http://127.0.0.1:9",
        "http://127.0.0.1:9",
        GitHubAuth::Token(SecretString::from("x")),
    )
    .unwrap();
    let error = nobody.default_branch(&repo()).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_makes_no_second_comment() {
    let (simulator, work, _sha) = simulator().await;
    let github = client(&simulator);
    let number = pull_request(&simulator, &work).await;
    // The account, the list, and then the comment itself.
    simulator.inject([Fault::Pass, Fault::Pass, Fault::LoseAnswer]);
    let error = github
        .upsert_comment(&repo(), number, MARKER, "one", None)
        .await
        .unwrap_err();
    assert!(matches!(error, GitHubError::Unreachable { .. }), "{error}");
    assert_eq!(simulator.comments(REPO, number).len(), 1);
    github
        .upsert_comment(&repo(), number, MARKER, "two", None)
        .await
        .unwrap();
    let comments = simulator.comments(REPO, number);
    assert_eq!(
        (comments.len(), comments[0].body.as_str()),
        (1, "<!-- trainyard:flights -->\ntwo")
    );
}
