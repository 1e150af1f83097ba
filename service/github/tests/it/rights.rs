//! Apps made from a manifest, installations, and what limited Apps and tokens are told.

use crate::client::{REPO, repo, status};
use crate::workspace::Workspace;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use trainyard_core::report::StatusState;
use trainyard_github::simulator::{Simulator, SimulatorConfig};
use trainyard_github::{GitHub, GitHubAuth, GitHubError, NewApp, convert_manifest};

const PERMISSIONS: [(&str, &str); 4] = [
    ("contents", "read"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];
const EVENTS: [&str; 2] = ["push", "pull_request"];

/// A simulator with a private repository.
async fn github() -> (Simulator, Workspace) {
    trainyard_github::install_tls();
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    simulator.create_private_repo(REPO).await.unwrap();
    simulator.create_private_repo("acme/other").await.unwrap();
    let work = Workspace::new(&simulator, REPO);
    work.push_file("a.txt", "1");
    (simulator, work)
}

/// As a browser posts the page's form: where it is sent, or the page that it sees.
pub async fn post_manifest(simulator: &Simulator, manifest: &Value) -> Result<reqwest::Url, String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut form = reqwest::Url::parse("http://x/").unwrap();
    form.query_pairs_mut().append_pair("manifest", &manifest.to_string());
    let answer = client
        .post(format!("{}/settings/apps/new?state=s-1", simulator.base_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.query().unwrap().to_owned())
        .send()
        .await
        .unwrap();
    match answer.headers().get("location") {
        Some(to) => Ok(to.to_str().unwrap().parse().unwrap()),
        None => Err(answer.text().await.unwrap()),
    }
}

pub fn manifest() -> Value {
    json!({
        "name": "Yard", "url": "https://example.com", "redirect_url": "http://127.0.0.1:1/created",
        "default_permissions": PERMISSIONS.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "default_events": EVENTS,
    })
}

async fn new_app(simulator: &Simulator) -> (NewApp, GitHub) {
    let to = post_manifest(simulator, &manifest()).await.unwrap();
    let code = to
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let app = convert_manifest(simulator.base_url(), simulator.base_url(), &code)
        .await
        .unwrap();
    let again = convert_manifest(simulator.base_url(), simulator.base_url(), &code)
        .await
        .unwrap_err();
    assert!(
        matches!(again, GitHubError::NotFound { .. }),
        "a code works once: {again}"
    );
    let auth = GitHubAuth::App {
        app_id: app.id,
        private_key: app.pem.clone(),
    };
    let client = GitHub::new(simulator.base_url(), simulator.base_url(), auth).unwrap();
    (app, client)
}

fn with_token(simulator: &Simulator, token: &str) -> GitHub {
    let auth = GitHubAuth::Token(SecretString::from(token));
    GitHub::new(simulator.base_url(), simulator.base_url(), auth).unwrap()
}

/// The sentence of an error, as if it were GitHub's own.
fn said<T: std::fmt::Debug>(simulator: &Simulator, answer: Result<T, GitHubError>) -> String {
    answer
        .unwrap_err()
        .to_string()
        .replace(simulator.base_url(), "https://github.com")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_becomes_an_app_that_sees_where_it_is_installed() {
    let (simulator, work) = github().await;
    let (app, github) = new_app(&simulator).await;
    assert!(app.pem.expose_secret().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert!(!format!("{app:?}").contains("PRIVATE KEY"));
    let known = github.app_info().await.unwrap();
    assert_eq!(
        (known.id, known.slug.as_str(), known.events),
        (app.id, "yard", EVENTS.map(str::to_owned).to_vec())
    );
    assert_eq!(github.installations().await.unwrap().len(), 0);
    assert!(matches!(
        github.default_branch(&repo()).await,
        Err(GitHubError::NotFound { .. })
    ));

    let id = simulator.install_app(app.id, "acme", Some(&[REPO])).unwrap();
    let installations = github.installations().await.unwrap();
    assert_eq!(installations[0].id, id);
    assert_eq!(installations[0].repository_selection, "selected");
    assert_eq!(
        installations[0].permissions.get("statuses").map(String::as_str),
        Some("write")
    );
    assert_eq!(
        github.installation_repositories(id).await.unwrap(),
        (1, vec![REPO.to_owned()])
    );
    assert_eq!(github.default_branch(&repo()).await.unwrap(), "main");
    let sha = work.head();
    let success = status(StatusState::Success, "ok");
    github.create_status(&repo(), &sha, &success, None, None).await.unwrap();
    assert_eq!(simulator.statuses(REPO, sha.as_str())[0].creator, "yard[bot]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_asks_for_events_without_their_permissions_is_refused() {
    let (simulator, _work) = github().await;
    let mut wrong = manifest();
    wrong["default_events"] = json!(["push", "check_run"]);
    let page = post_manifest(&simulator, &wrong).await.unwrap_err();
    assert!(page.contains("not supported by permissions: check_run"), "{page}");
    assert_eq!(simulator.apps(), [] as [u64; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_app_lacks_is_named() {
    let (simulator, work) = github().await;
    let (app, github) = new_app(&simulator).await;
    let id = simulator.install_app(app.id, "acme", None).unwrap();
    let (sha, success) = (work.head(), status(StatusState::Success, "ok"));
    let mut lines = Vec::new();
    simulator.set_installation_permissions(id, &[("metadata", "read"), ("statuses", "read")], &EVENTS);
    lines.push(said(
        &simulator,
        github.create_status(&repo(), &sha, &success, None, None).await,
    ));
    lines.push(said(&simulator, github.branch_head(&repo(), "main").await));
    lines.push(said(
        &simulator,
        github.upsert_comment(&repo(), 1, "<!-- m -->", "x", None).await,
    ));
    simulator.set_installation_permissions(id, &PERMISSIONS, &EVENTS);
    simulator.select_repositories(id, &["acme/other"]);
    lines.push(said(
        &simulator,
        github
            .create_status(&repo(), &sha, &success, None, Some(id as i64))
            .await,
    ));
    simulator.suspend_installation(id, true);
    lines.push(said(
        &simulator,
        github
            .create_status(&repo(), &sha, &success, None, Some(id as i64))
            .await,
    ));
    let lines = lines
        .join("\n")
        .replace(&sha.to_string(), "SHA")
        .replace(&id.to_string(), "ID");
    insta::assert_snapshot!(lines, @"
    GitHub refuses us: Resource not accessible by integration; the App needs the repository permission 'Commit statuses: read and write': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (ID); `trainyard doctor` has the pages
    GitHub refuses us: Resource not accessible by integration; the App needs the repository permission 'Contents: read-only': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (ID); `trainyard doctor` has the pages
    GitHub refuses us: Resource not accessible by integration; the App needs the repository permission 'Issues: read-only', or 'Pull requests: read-only': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (ID); `trainyard doctor` has the pages
    GitHub knows no commit SHA in acme/flights; if it exists, the App is not installed in acme/flights: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations
    GitHub refuses us: This installation has been suspended; the App's installation of acme is suspended: its owner can unsuspend it in the settings under 'GitHub Apps'
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_token_lacks_is_named() {
    let (simulator, work) = github().await;
    simulator.add_fine_grained_token(
        "github_pat_some",
        &[("metadata", "read"), ("contents", "read")],
        Some(&[REPO]),
    );
    simulator.add_fine_grained_token("github_pat_none", &PERMISSIONS, Some(&["acme/other"]));
    simulator.add_classic_token("ghp_none", &[]);
    simulator.add_classic_token("ghp_all", &["repo"]);
    let (sha, success) = (work.head(), status(StatusState::Success, "ok"));
    let mut lines = Vec::new();
    for token in ["github_pat_some", "github_pat_none", "ghp_none"] {
        let github = with_token(&simulator, token);
        lines.push(said(
            &simulator,
            github.create_status(&repo(), &sha, &success, None, None).await,
        ));
        lines.push(said(&simulator, github.hooks(&repo()).await.map(drop)));
    }
    insta::assert_snapshot!(lines.join("\n").replace(&sha.to_string(), "SHA"), @"
    GitHub refuses us: Resource not accessible by personal access token; the token needs the repository permission 'Commit statuses: read and write': grant it at https://github.com/settings/personal-access-tokens
    GitHub refuses us: Resource not accessible by personal access token; the token needs the repository permission 'Webhooks: read-only': grant it at https://github.com/settings/personal-access-tokens
    GitHub knows no commit SHA in acme/flights; if it exists, the token was not given it: add acme/flights under 'Repository access' at https://github.com/settings/personal-access-tokens
    GitHub knows no webhooks of acme/flights; if it exists, the token was not given it: add acme/flights under 'Repository access' at https://github.com/settings/personal-access-tokens
    GitHub knows no commit SHA in acme/flights; the token has no scope and needs the scope 'repo' or 'repo:status': tick it at https://github.com/settings/tokens
    GitHub knows no webhooks of acme/flights; the token has no scope and needs the scope 'admin:repo_hook' or 'read:repo_hook' or 'repo' or 'write:repo_hook': tick it at https://github.com/settings/tokens
    ");
    let all = with_token(&simulator, "ghp_all");
    all.create_status(&repo(), &sha, &success, None, None).await.unwrap();
    assert_eq!(all.token_info().await.unwrap().scopes, Some(vec!["repo".to_owned()]));
    assert_eq!(
        with_token(&simulator, "github_pat_some")
            .token_info()
            .await
            .unwrap()
            .scopes,
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_of_a_repository_is_made_once_and_pinged() {
    let (simulator, _work) = github().await;
    let github = with_token(&simulator, "simulated-token");
    let url = "http://127.0.0.1:9/webhooks/github";
    let secret = SecretString::from("a secret of the webhook");
    let id = github.create_hook(&repo(), url, &secret, &EVENTS).await.unwrap();
    let again = said(&simulator, github.create_hook(&repo(), url, &secret, &EVENTS).await);
    assert!(again.contains("Hook already exists on this repository"), "{again}");
    let hooks = github.hooks(&repo()).await.unwrap();
    assert_eq!((hooks.len(), hooks[0].id, hooks[0].active), (1, id, true));
    assert_eq!(hooks[0].config.secret.as_deref(), Some("********"));
    github.ping_hook(&repo(), id).await.unwrap();
}
