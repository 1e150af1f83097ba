//! The client with a personal access token.

use crate::workspace::Workspace;
use secrecy::{ExposeSecret, SecretString};
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::report::{Status, StatusState};
use trainyard_github::simulator::{Simulator, SimulatorConfig};
use trainyard_github::{GitHub, GitHubAuth, GitHubError};

pub const REPO: &str = "acme/flights";
pub const TOKEN: &str = "ghp_very-secret-token";
const MARKER: &str = "<!-- trainyard:flights -->";

pub async fn simulator() -> (Simulator, Workspace, CommitSha) {
    let config = SimulatorConfig {
        token: TOKEN.to_owned(),
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    simulator.create_repo(REPO).await.unwrap();
    let work = Workspace::new(&simulator, REPO);
    let sha = work.push_file("a.txt", "1");
    (simulator, work, sha)
}

pub fn client(simulator: &Simulator) -> GitHub {
    GitHub::new(
        simulator.base_url(),
        simulator.base_url(),
        GitHubAuth::Token(SecretString::from(TOKEN)),
    )
    .unwrap()
}

pub fn repo() -> RepoName {
    RepoName::parse(REPO).unwrap()
}

pub fn status(state: StatusState, description: &str) -> Status {
    Status {
        state,
        context: "trainyard/flights".to_owned(),
        description: description.to_owned(),
    }
}

pub async fn pull_request(simulator: &Simulator, work: &Workspace) -> u64 {
    work.git(&["checkout", "--quiet", "-b", "faster"]);
    work.push_file("a.txt", "2");
    simulator
        .open_pull_request(REPO, "Faster", "faster", "main")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_are_set_and_long_ones_cut_on_a_character() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator);
    let long = "ü".repeat(200);
    github
        .create_status(&repo(), &sha, &status(StatusState::Pending, "running"), None, None)
        .await
        .unwrap();
    let url = Some("http://127.0.0.1/runs/1");
    github
        .create_status(&repo(), &sha, &status(StatusState::Failure, &long), url, None)
        .await
        .unwrap();
    let seen = simulator.statuses(REPO, sha.as_str());
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (
            seen[0].state.as_str(),
            seen[0].description.as_deref(),
            &seen[0].target_url
        ),
        ("pending", Some("running"), &None)
    );
    let cut = seen[1].description.clone().unwrap();
    assert_eq!(
        (cut.chars().count(), cut.ends_with('…'), seen[1].state.as_str()),
        (140, true, "failure")
    );
    assert_eq!(seen[1].target_url.as_deref(), url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_typed() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator);
    let nowhere = RepoName::parse("acme/nothing").unwrap();
    let unknown = CommitSha::new("1".repeat(40));
    let running = status(StatusState::Pending, "running");
    let mut said = vec![
        github
            .create_status(&repo(), &unknown, &running, None, None)
            .await
            .unwrap_err(),
        github
            .create_status(&repo(), &sha, &running, Some("ftp://x"), None)
            .await
            .unwrap_err(),
        github.default_branch(&nowhere).await.unwrap_err(),
        github.branch_head(&repo(), "no such branch").await.unwrap_err(),
        github.upsert_comment(&repo(), 7, MARKER, "x", None).await.unwrap_err(),
        github.pull_request(&repo(), 7).await.unwrap_err(),
    ];
    let wrong = GitHubAuth::Token(SecretString::from("ghp_wrong"));
    let stranger = GitHub::new(simulator.base_url(), simulator.base_url(), wrong).unwrap();
    said.push(stranger.default_branch(&repo()).await.unwrap_err());
    let here = simulator.base_url();
    let said: Vec<String> = said
        .iter()
        .map(|error| error.to_string().replace(here, "https://github.com"))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    GitHub rejected the request: No commit found for SHA: 1111111111111111111111111111111111111111 (422)
    GitHub rejected the request: Validation Failed, target_url must use http(s) scheme (422)
    GitHub knows no repository acme/nothing; if it exists, the token's account may not see acme/nothing: invite the account, or use a token with the scope 'repo' (https://github.com/settings/tokens)
    GitHub knows no branch 'no such branch' of acme/flights; if it exists, the token's account may not see acme/flights: invite the account, or use a token with the scope 'repo' (https://github.com/settings/tokens)
    GitHub knows no pull request 7 in acme/flights; if it exists, the token's account may not see acme/flights: invite the account, or use a token with the scope 'repo' (https://github.com/settings/tokens)
    GitHub knows no pull request 7 in acme/flights; if it exists, the token's account may not see acme/flights: invite the account, or use a token with the scope 'repo' (https://github.com/settings/tokens)
    GitHub refuses us: Bad credentials; github.token is wrong, expired or was taken back: make a new one at https://github.com/settings/tokens
    ");
    assert!(!said.join("").contains("ghp_"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_takes_a_thousand_statuses_of_one_context() {
    let (simulator, _work, sha) = simulator().await;
    let github = client(&simulator);
    let running = status(StatusState::Pending, "running");
    for _ in 0..1000 {
        github.create_status(&repo(), &sha, &running, None, None).await.unwrap();
    }
    let full = github
        .create_status(&repo(), &sha, &running, None, None)
        .await
        .unwrap_err();
    assert!(
        matches!(&full, GitHubError::Rejected { message } if message.contains("maximum number of statuses")),
        "{full}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_tell_what_git_has() {
    let (simulator, work, sha) = simulator().await;
    let github = client(&simulator);
    assert_eq!(github.default_branch(&repo()).await.unwrap(), "main");
    assert_eq!(github.branch_head(&repo(), "main").await.unwrap(), sha);
    work.git(&["push", "--quiet", "origin", "HEAD:feature/größe#1"]);
    assert_eq!(github.branch_head(&repo(), "feature/größe#1").await.unwrap(), sha);
    let number = pull_request(&simulator, &work).await;
    let pull = github.pull_request(&repo(), number).await.unwrap();
    assert_eq!(
        (pull.open, pull.draft, pull.head_sha, pull.base_branch.as_str()),
        (true, false, work.head(), "main")
    );
    simulator.set_pull_request_open(REPO, number, false).await.unwrap();
    assert!(!github.pull_request(&repo(), number).await.unwrap().open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_comment_is_updated_in_place_among_many() {
    let (simulator, work, _sha) = simulator().await;
    let github = client(&simulator);
    let number = pull_request(&simulator, &work).await;
    for at in 0..120 {
        simulator
            .comment_by("ada", REPO, number, &format!("comment {at}"))
            .unwrap();
    }
    simulator
        .comment_by("mallory", REPO, number, &format!("{MARKER} not yours"))
        .unwrap();
    let id = github
        .upsert_comment(&repo(), number, MARKER, "first", None)
        .await
        .unwrap();
    for at in 0..120 {
        simulator
            .comment_by("ada", REPO, number, &format!("later comment {at}"))
            .unwrap();
    }
    let text = format!("{MARKER}\nsecond");
    assert_eq!(
        github
            .upsert_comment(&repo(), number, MARKER, &text, None)
            .await
            .unwrap(),
        id
    );
    let ours: Vec<_> = simulator
        .comments(REPO, number)
        .into_iter()
        .filter(|c| c.author == "octocat")
        .collect();
    assert_eq!((ours.len(), ours[0].id, ours[0].body.as_str()), (1, id, text.as_str()));
    assert!(
        simulator
            .comments(REPO, number)
            .iter()
            .any(|c| c.body.ends_with("not yours"))
    );

    let writes = |simulator: &Simulator| simulator.calls().iter().filter(|call| call.method != "GET").count();
    let before = writes(&simulator);
    github
        .upsert_comment(&repo(), number, MARKER, &text, None)
        .await
        .unwrap();
    assert_eq!(writes(&simulator), before, "an unchanged comment is not written again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_printed() {
    let (simulator, _work, _sha) = simulator().await;
    let github = client(&simulator);
    assert_eq!(github.clone_token(None).await.unwrap().unwrap().expose_secret(), TOKEN);
    assert_eq!(
        github.clone_url(&repo()),
        format!("{}/{REPO}.git", simulator.base_url())
    );
    for printed in [
        format!("{github:?}"),
        format!("{:?}", GitHubAuth::Token(SecretString::from(TOKEN))),
    ] {
        assert!(!printed.contains(TOKEN), "{printed}");
    }
    let nonsense = GitHubAuth::App {
        app_id: 1,
        private_key: SecretString::from("-----BEGIN nonsense"),
    };
    let refused = GitHub::new(simulator.base_url(), simulator.base_url(), nonsense).unwrap_err();
    assert!(
        matches!(&refused, GitHubError::Unauthorized { hint } if hint.contains("PEM")),
        "{refused}"
    );
}
