//! GitHub's limits, kept before they are met.

use crate::app;
use crate::client::{REPO, client, pull_request, repo, simulator, status};
use crate::workspace::Workspace;
use std::time::Duration;
use trainyard_core::ids::RepoName;
use trainyard_core::report::{StatusState, Urgency};
use trainyard_github::simulator::{Limits, Simulator};
use trainyard_github::{Allowance, GitHub, GitHubError};

fn write_limit(simulator: &Simulator, writes: usize) {
    simulator.set_limits(Limits {
        writes_per_minute: Some(writes),
        ..Limits::default()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_as_it_is_told_is_never_refused() {
    let (simulator, work, sha) = simulator().await;
    let github = client(&simulator).with_allowance(Some(Allowance::per_minute(10)));
    write_limit(&simulator, 10);
    let may = |urgency| github.wait(&repo(), None, urgency).is_none();
    let mut written = 0;
    while may(Urgency::Progress) {
        let pending = status(StatusState::Pending, "running");
        github.create_status(&repo(), &sha, &pending, None, None).await.unwrap();
        written += 1;
        assert!(written < 20, "a minute has an end");
    }
    assert_eq!(written, 9, "a tenth is kept for verdicts");
    assert!(may(Urgency::Verdict) && !may(Urgency::Comment));
    let success = status(StatusState::Success, "ok");
    github.create_status(&repo(), &sha, &success, None, None).await.unwrap();
    assert!(!may(Urgency::Verdict));
    let wait = github.wait(&repo(), None, Urgency::Verdict).unwrap();
    assert!(
        wait > Duration::from_secs(30) && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    // What is only read is no write.
    let number = pull_request(&simulator, &work).await;
    github.pull_request(&repo(), number).await.unwrap();
    assert_eq!(simulator.refused_by_limits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secondary_limit_that_is_met_all_the_same_is_kept() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator).with_allowance(None);
    write_limit(&simulator, 2);
    let success = status(StatusState::Success, "ok");
    for _ in 0..2 {
        github.create_status(&repo(), &sha, &success, None, None).await.unwrap();
    }
    let error = github
        .create_status(&repo(), &sha, &success, None, None)
        .await
        .unwrap_err();
    let limited = GitHubError::RateLimited {
        retry_after: Duration::from_secs(60),
        named: true,
    };
    assert_eq!(error, limited);
    assert!(github.wait(&repo(), None, Urgency::Verdict).is_some());
    assert_eq!(simulator.refused_by_limits(), 1);
    github
        .create_status(&repo(), &sha, &success, None, None)
        .await
        .unwrap_err();
    assert_eq!(simulator.refused_by_limits(), 1, "no call is made while limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_used_up_are_not_made_and_those_that_cost_nothing_are_not_counted() {
    let (simulator, _work, _sha) = simulator().await;
    let github = client(&simulator);
    simulator.set_limits(Limits {
        calls_per_hour: 8,
        ..Limits::default()
    });
    for _ in 0..5 {
        github.default_branch(&repo()).await.unwrap();
    }
    assert_eq!(github.calls_left(), [(None, 3, 8)]);
    assert!(github.can_spare(&repo(), None));
    github.default_branch(&repo()).await.unwrap();
    assert!(!github.can_spare(&repo(), None), "a quarter is kept");
    for _ in 0..2 {
        github.default_branch(&repo()).await.unwrap();
    }
    let error = github.default_branch(&repo()).await.unwrap_err();
    assert!(matches!(error, GitHubError::RateLimited { named: true, .. }), "{error}");
    assert!(github.wait(&repo(), None, Urgency::Verdict).is_some());
    assert_eq!(simulator.refused_by_limits(), 0, "nothing was asked for in vain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_installations_limit_is_no_others() {
    const OTHER: &str = "globex/routes";
    let simulator = app::simulator(Duration::from_secs(3600)).await;
    let sha = Workspace::new(&simulator, REPO).push_file("a.txt", "1");
    simulator.create_repo(OTHER).await.unwrap();
    let elsewhere = Workspace::new(&simulator, OTHER).push_file("a.txt", "1");
    let other = simulator.install_app(4711, "globex", None).unwrap();
    let other = i64::try_from(other).unwrap();
    let github: GitHub = app::client(&simulator, 4711).with_allowance(Some(Allowance::per_minute(2)));
    write_limit(&simulator, 2);
    let success = status(StatusState::Success, "ok");
    for _ in 0..2 {
        github
            .create_status(&repo(), &sha, &success, None, Some(99))
            .await
            .unwrap();
    }
    let there = RepoName::parse(OTHER).unwrap();
    assert!(github.wait(&repo(), Some(99), Urgency::Verdict).is_some());
    assert_eq!(github.wait(&there, Some(other), Urgency::Verdict), None);
    github
        .create_status(&there, &elsewhere, &success, None, Some(other))
        .await
        .unwrap();
    // A token that is made anew has the limits of the one before.
    simulator.revoke_installation_tokens();
    github
        .create_status(&there, &elsewhere, &success, None, Some(other))
        .await
        .unwrap();
    assert!(github.wait(&repo(), Some(99), Urgency::Verdict).is_some());
    assert!(github.wait(&there, Some(other), Urgency::Verdict).is_some());
    assert_eq!(simulator.refused_by_limits(), 0);
}
