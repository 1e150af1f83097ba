//! The client as a GitHub App.

use crate::client::{REPO, repo, status};
use crate::workspace::Workspace;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use trainyard_core::report::StatusState;
use trainyard_github::git::{GitError, Mirror};
use trainyard_github::simulator::{Fault, SimulatedApp, Simulator, SimulatorConfig};
use trainyard_github::{GitHub, GitHubAuth, GitHubError};

/// A key for these tests only; no App in the world has it.
const PRIVATE_KEY: &str = include_str!("keys/private.pem");
const PUBLIC_KEY: &str = include_str!("keys/public.pem");
const MARKER: &str = "<!-- trainyard:flights -->";

pub async fn simulator(token_lifetime: Duration) -> Simulator {
    let app = SimulatedApp {
        app_id: 4711,
        slug: "trainyard".to_owned(),
        public_key: PUBLIC_KEY.to_owned(),
        installation_id: 99,
        token_lifetime,
    };
    let simulator = Simulator::start(SimulatorConfig {
        app: Some(app),
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    simulator.create_private_repo(REPO).await.unwrap();
    simulator
}

pub fn client(simulator: &Simulator, app_id: u64) -> GitHub {
    let auth = GitHubAuth::App {
        app_id,
        private_key: SecretString::from(PRIVATE_KEY),
    };
    GitHub::new(simulator.base_url(), simulator.base_url(), auth).unwrap()
}

fn minted(simulator: &Simulator) -> usize {
    simulator
        .calls()
        .iter()
        .filter(|call| call.path.ends_with("/access_tokens"))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_token_serves_statuses_comments_and_git() {
    let simulator = simulator(Duration::from_secs(3600)).await;
    let work = Workspace::new(&simulator, REPO);
    let sha = work.push_file("a.txt", "1");
    let github = Arc::new(client(&simulator, 4711));
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..8 {
        let (github, sha) = (Arc::clone(&github), sha.clone());
        let installation = (at % 2 == 0).then_some(99);
        calls.spawn(async move {
            github
                .create_status(&repo(), &sha, &status(StatusState::Success, "ok"), None, installation)
                .await
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap().unwrap();
    }
    let statuses = simulator.statuses(REPO, sha.as_str());
    assert!(statuses.len() == 8 && statuses.iter().all(|status| status.creator == "trainyard[bot]"));

    work.git(&["checkout", "--quiet", "-b", "faster"]);
    work.push_file("a.txt", "2");
    let number = simulator
        .open_pull_request(REPO, "Faster", "faster", "main")
        .await
        .unwrap();
    for at in 0..130 {
        simulator
            .comment_by("ada", REPO, number, &format!("comment {at}"))
            .unwrap();
    }
    let id = github
        .upsert_comment(&repo(), number, MARKER, "one", Some(99))
        .await
        .unwrap();
    assert_eq!(
        github
            .upsert_comment(&repo(), number, MARKER, "two", None)
            .await
            .unwrap(),
        id
    );
    assert_eq!(
        simulator
            .comments(REPO, number)
            .iter()
            .filter(|c| c.author == "trainyard[bot]")
            .count(),
        1
    );

    let token = github.clone_token(Some(99)).await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mirror = Mirror::new(folder.path().join("m"), github.clone_url(&repo()), Some(token.clone()));
    mirror.fetch(&sha).await.unwrap();
    let stranger = Mirror::new(folder.path().join("n"), github.clone_url(&repo()), None);
    assert!(matches!(stranger.fetch(&sha).await, Err(GitError::NoAccess { .. })));
    assert_eq!(minted(&simulator), 1);
    assert!(!format!("{github:?}").contains(token.expose_secret()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_replaced_once() {
    let simulator = simulator(Duration::from_secs(3600)).await;
    let work = Workspace::new(&simulator, REPO);
    let sha = work.push_file("a.txt", "1");
    let github = client(&simulator, 4711);
    let success = status(StatusState::Success, "ok");
    github
        .create_status(&repo(), &sha, &success, None, Some(99))
        .await
        .unwrap();
    simulator.revoke_installation_tokens();
    github
        .create_status(&repo(), &sha, &success, None, Some(99))
        .await
        .unwrap();
    assert_eq!(
        (minted(&simulator), simulator.statuses(REPO, sha.as_str()).len()),
        (2, 2)
    );
    // Refused, minted, refused again: that is the end.
    simulator.inject([Fault::Status(401), Fault::Pass, Fault::Status(401)]);
    let error = github
        .create_status(&repo(), &sha, &success, None, Some(99))
        .await
        .unwrap_err();
    assert!(matches!(error, GitHubError::Unauthorized { .. }), "{error}");
    assert_eq!((minted(&simulator), simulator.faults_left()), (3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiring_token_is_replaced_before_it_fails() {
    let simulator = simulator(Duration::from_secs(20)).await;
    let github = client(&simulator, 4711);
    for _ in 0..2 {
        assert_eq!(github.default_branch(&repo()).await.unwrap(), "main");
    }
    assert!(minted(&simulator) >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_apps_are_told_what_to_check() {
    let simulator = simulator(Duration::from_secs(3600)).await;
    let other = client(&simulator, 1).default_branch(&repo()).await.unwrap_err();
    let installation = client(&simulator, 4711).clone_token(Some(5)).await.unwrap_err();
    let said = format!("{other}\n{installation}").replace(simulator.base_url(), "https://github.com");
    insta::assert_snapshot!(said, @"
    GitHub refuses us: 'Issuer' claim ('iss') must be an Integer or a client id; check github.app_id, and that github.private_key_file is a key of this App; and this machine's clock, by which GitHub judges what is signed
    GitHub knows no such App installation; if it exists, the App is not installed there: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations
    ");
}
