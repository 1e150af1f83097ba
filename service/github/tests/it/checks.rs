//! Check runs: the client against the simulator, and the simulator against GitHub's published limits.

use crate::client::{REPO, repo, status};
use crate::workspace::Workspace;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;
use trainyard_core::ids::{CommitSha, Micros};
use trainyard_core::report::{Action, Annotation, CheckRun, CommitStatus, Conclusion, Progress, StatusState};
use trainyard_github::simulator::{Fault, SimulatedApp, Simulator, SimulatorConfig};
use trainyard_github::{GitHub, GitHubAuth, GitHubError};

pub async fn simulator() -> Simulator {
    let app = SimulatedApp {
        app_id: 4711,
        slug: "trainyard".to_owned(),
        public_key: include_str!("keys/public.pem").to_owned(),
        installation_id: 99,
        token_lifetime: Duration::from_secs(3600),
    };
    let config = SimulatorConfig {
        app: Some(app),
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    simulator.create_private_repo(REPO).await.unwrap();
    simulator
}

/// The App of [`simulator`].
pub fn auth() -> GitHubAuth {
    GitHubAuth::App {
        app_id: 4711,
        private_key: SecretString::from(include_str!("keys/private.pem")),
    }
}

fn client(simulator: &Simulator) -> GitHub {
    GitHub::new(simulator.base_url(), simulator.base_url(), auth()).unwrap()
}

pub fn check(progress: Progress, annotations: usize) -> CheckRun {
    let annotation = |number: usize| Annotation {
        path: "pipelines/flights/pipeline.yaml".to_owned(),
        line: u32::try_from(number).unwrap() + 1,
        column: Some(2),
        title: "pipeline.yaml is not right".to_owned(),
        message: format!("problem {number}"),
    };
    CheckRun {
        external_id: "01".to_owned(),
        progress,
        summary: "| a | table |".to_owned(),
        annotations: (0..annotations).map(annotation).collect(),
        actions: Action::ALL.to_vec(),
        started_at: None,
        completed_at: progress.conclusion().map(|_| Micros(1_700_000_060_000_000)),
    }
}

pub fn told(sha: &CommitSha) -> CommitStatus {
    CommitStatus {
        sha: sha.clone(),
        status: status(StatusState::Pending, "waiting to run"),
        check: None,
        target_url: Some("https://trainyard.test/runs/01".to_owned()),
    }
}

async fn commit(simulator: &Simulator) -> CommitSha {
    Workspace::new(simulator, REPO).push_file("a.txt", "1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_run_is_made_changed_and_found_again() {
    let simulator = simulator().await;
    let (github, sha) = (client(&simulator), commit(&simulator).await);
    let (told, at) = (told(&sha), (&sha, "trainyard/flights"));
    let queued = check(Progress::Queued, 0);
    let id = github
        .create_check_run(&repo(), &told, &queued, Some(99))
        .await
        .unwrap();
    let done = check(Progress::Completed(Conclusion::Failure), 120);
    github.update_check_run(&repo(), id, &told, &done, None).await.unwrap();
    // Sent again, it is the same.
    github.update_check_run(&repo(), id, &told, &done, None).await.unwrap();
    let seen = simulator.check_runs(REPO, sha.as_str());
    assert_eq!((seen.len(), seen[0].id), (1, id));
    assert_eq!(seen[0].history, ["queued", "completed failure"]);
    assert_eq!((seen[0].annotations.len(), seen[0].actions.len()), (120, 3));
    assert_eq!(seen[0].annotations[119]["start_line"], 120);
    assert_eq!(seen[0].title.as_deref(), Some("waiting to run"));
    assert_eq!(seen[0].details_url.as_deref(), Some("https://trainyard.test/runs/01"));

    let found = github.find_check_run(&repo(), at, 0, None).await.unwrap().unwrap();
    let end = (found.id, found.external_id.as_str(), found.conclusion);
    assert_eq!(end, (id, "01", Some(Conclusion::Failure)));
    assert_eq!(github.find_check_run(&repo(), at, id, None).await.unwrap(), None);
    let other = (&sha, "trainyard/flights (into dev)");
    assert_eq!(github.find_check_run(&repo(), other, 0, None).await.unwrap(), None);
    let more = check(Progress::Completed(Conclusion::Success), 60);
    let second = github.create_check_run(&repo(), &told, &more, None).await.unwrap();
    let found = github.find_check_run(&repo(), at, id, None).await.unwrap().unwrap();
    assert_eq!(found.id, second);
    assert_eq!(simulator.check_runs(REPO, sha.as_str())[1].annotations.len(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_makes_one_that_can_be_found() {
    let simulator = simulator().await;
    let (github, sha) = (client(&simulator), commit(&simulator).await);
    // The token, then the check run itself.
    simulator.inject([Fault::Pass, Fault::LoseAnswer]);
    let queued = check(Progress::Queued, 0);
    let lost = github.create_check_run(&repo(), &told(&sha), &queued, Some(99)).await;
    assert!(matches!(lost, Err(GitHubError::Unreachable { .. })), "{lost:?}");
    let found = github
        .find_check_run(&repo(), (&sha, "trainyard/flights"), 0, Some(99))
        .await
        .unwrap();
    assert_eq!(found.unwrap().conclusion, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_app_with_the_permission_writes_checks() {
    let simulator = simulator().await;
    let sha = commit(&simulator).await;
    simulator.forbid_checks(true);
    let app = client(&simulator);
    let queued = check(Progress::Queued, 0);
    let refused = app
        .create_check_run(&repo(), &told(&sha), &queued, None)
        .await
        .unwrap_err();
    assert!(matches!(refused, GitHubError::Forbidden { .. }), "{refused}");
    let (token, _work, sha) = crate::client::simulator().await;
    let person = crate::client::client(&token);
    let refused = person
        .create_check_run(&repo(), &told(&sha), &queued, None)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, GitHubError::Forbidden { hint } if hint.contains("GitHub App")),
        "{refused}"
    );
    assert!(app.is_app() && !person.is_app());
}

/// As the API says it, by hand: what it refuses, and how it lists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_keeps_to_the_published_limits() {
    let simulator = simulator().await;
    let (github, sha) = (client(&simulator), commit(&simulator).await);
    let token = github.clone_token(Some(99)).await.unwrap().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("{}/repos/{REPO}", simulator.base_url());
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let method = method.parse::<reqwest::Method>().unwrap();
        let token = secrecy::ExposeSecret::expose_secret(&token);
        let mut request = http.request(method, format!("{base}{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str::<Value>(&text).unwrap_or_default())
    };
    let with = |changes: Value| {
        let mut body = json!({"name": "a", "head_sha": sha.as_str()});
        let fields = changes.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        body
    };
    let annotation =
        json!({"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"});
    let action = json!({"label": "x".repeat(21), "description": "d", "identifier": "i"});
    let refused = [
        json!({"name": ""}),
        json!({"head_sha": "0".repeat(40)}),
        json!({"status": "bogus"}),
        json!({"status": "waiting"}),
        json!({"status": "completed"}),
        json!({"conclusion": "stale"}),
        json!({"started_at": "yesterday"}),
        json!({"details_url": "ftp://x"}),
        json!({"output": {"title": "t"}}),
        json!({"output": {"title": "t", "summary": "x".repeat(65_536)}}),
        json!({"output": {"title": "t", "summary": "s", "annotations": vec![annotation.clone(); 51]}}),
        json!({"output": {"title": "t", "summary": "s", "annotations": [{"path": "a"}]}}),
        json!({"actions": [action]}),
        json!({"actions": vec![json!({"label": "l", "description": "d", "identifier": "i"}); 4]}),
    ];
    for changes in refused {
        let (status, answer) = call("POST", "/check-runs", Some(with(changes.clone()))).await;
        assert_eq!(status, 422, "{changes}: {answer}");
    }
    let output = json!({"title": "t", "summary": "s", "annotations": vec![annotation; 50]});
    let (status, made) = call("POST", "/check-runs", Some(with(json!({"output": output})))).await;
    assert_eq!(
        (status, &made["status"], &made["conclusion"]),
        (201, &json!("queued"), &Value::Null)
    );
    assert_eq!(made["output"]["annotations_count"], 50);
    let id = made["id"].as_u64().unwrap();
    // A conclusion is an end by itself, and what is not named stays.
    let (_, ended) = call(
        "PATCH",
        &format!("/check-runs/{id}"),
        Some(json!({"conclusion": "success"})),
    )
    .await;
    assert_eq!(
        (&ended["status"], &ended["output"]["title"]),
        (&json!("completed"), &json!("t"))
    );
    assert!(ended["completed_at"].is_string());
    let (_, annotations) = call("GET", &format!("/check-runs/{id}/annotations?per_page=20&page=3"), None).await;
    assert_eq!(annotations.as_array().unwrap().len(), 10);
    call("POST", "/check-runs", Some(with(json!({})))).await;
    let listed = async |query: &str| {
        let (_, list) = call("GET", &format!("/commits/{sha}/check-runs{query}"), None).await;
        list["total_count"].as_u64().unwrap()
    };
    assert_eq!((listed("").await, listed("?filter=all").await), (1, 2));
    assert_eq!((listed("?check_name=b").await, listed("?app_id=1").await), (0, 0));
    assert_eq!(listed("?status=completed&filter=all").await, 1);
    let (_, suites) = call("GET", "/commits/main/check-suites", None).await;
    let suite = &suites["check_suites"][0];
    assert_eq!(
        (&suites["total_count"], &suite["status"]),
        (&json!(1), &json!("queued"))
    );
    let (_, of_suite) = call("GET", &format!("/check-suites/{}/check-runs", suite["id"]), None).await;
    assert_eq!(of_suite["total_count"], 1);
    simulator.age_check_runs(REPO, 15);
    let (_, latest) = call("GET", &format!("/commits/{sha}/check-runs"), None).await;
    assert_eq!(latest["check_runs"][0]["conclusion"], "stale");
    assert_eq!(call("GET", "/check-runs/1", None).await.0, 404);
}
