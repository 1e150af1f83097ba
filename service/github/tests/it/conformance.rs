//! Our requests and the simulator's answers against GitHub's published OpenAPI description, with Prism between them.
//! `make conformance` installs both.

use crate::checks::{self, check, told};
use crate::client::{REPO, repo};
use crate::workspace::Workspace;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use trainyard_core::command::Person;
use trainyard_core::report::{Conclusion, Progress};
use trainyard_github::simulator::Simulator;
use trainyard_github::{GitHub, GitHubAuth, HookOf, convert_manifest};

/// Reading the description takes Prism a while.
const PATIENCE: Duration = Duration::from_secs(180);
const INSTALLATION: u64 = 99;

/// Prism in front of a server; it ends with this.
struct Prism {
    child: Child,
    lines: Receiver<String>,
    url: String,
}

impl Prism {
    fn before(upstream: &str, installed: &Path) -> Self {
        let description = installed.join("node_modules/@octokit/openapi/generated/api.github.com.json");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let mut child = Command::new("node")
            .arg(installed.join("node_modules/@stoplight/prism-cli/dist/index.js"))
            .arg("proxy")
            .arg(description)
            .args([upstream, "--host", "127.0.0.1", "--port", &port.port().to_string()])
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("Prism starts: node is installed, and TRAINYARD_PRISM is the folder of `make conformance`");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                _ = send.send(line);
            }
        });
        let prism = Self {
            child,
            lines,
            url: format!("http://{port}"),
        };
        loop {
            let line = prism.lines.recv_timeout(PATIENCE).expect("Prism listens");
            if line.contains("Prism is listening") {
                return prism;
            }
        }
    }
}

impl Prism {
    /// What it found so far, after the calls in which it did.
    fn violations(&self) -> Vec<String> {
        let (mut call, mut found) = (String::new(), Vec::new());
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(1)) {
            if let Some((_, asked)) = line.split_once("[HTTP SERVER] ") {
                call = asked.replace("Request received", "");
            } else if let Some((_, violation)) = line.split_once("Violation: ") {
                found.push(format!("{}: {violation}", call.trim()));
            } else if line.contains("error") {
                found.push(format!("{}: {line}", call.trim()));
            }
        }
        found.dedup();
        found
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Calls without our client.
struct Caller {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/vnd.github+json")
            .header("user-agent", "conformance");
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await
    }
}

/// How the App says who it is.
fn jwt() -> String {
    let now = chrono::Utc::now().timestamp();
    let claims = json!({"iat": now - 10, "exp": now + 300, "iss": "4711"});
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(include_bytes!("keys/private.pem")).unwrap();
    jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256),
        &claims,
        &key,
    )
    .unwrap()
}

/// The paths of the routes that are served as GitHub's REST API.
fn served() -> BTreeSet<String> {
    let source = include_str!("../../src/simulator/api/mod.rs");
    let (_, rest) = source.split_once("pub(crate) fn router").unwrap();
    let (repository, rest) = rest.split_once("let api =").unwrap();
    let (api, _) = rest.split_once(".fallback").unwrap();
    let paths = |text: &'static str| text.split('"').filter(|part| part.starts_with('/'));
    let of_repository =
        paths(repository).map(|path| format!("/repos/{{owner}}/{{name}}{}", path.trim_end_matches('/')));
    let others = paths(api).filter(|path| !path.starts_with("/repo")).map(str::to_owned);
    of_repository.chain(others).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Prism and GitHub's description: make conformance"]
async fn requests_and_answers_follow_githubs_description() {
    let installed = std::env::var_os("TRAINYARD_PRISM").expect("TRAINYARD_PRISM names the folder of Prism");
    trainyard_github::install_tls();
    let simulator = checks::simulator().await;
    let receiver = crate::receiver::Receiver::start().await;
    simulator.set_webhook_url(receiver.url.clone());
    let work = Workspace::new(&simulator, REPO);
    work.push_file("a.txt", "1");
    work.git(&["checkout", "-q", "-b", "feature"]);
    let head = work.push_file("b.txt", "2");
    let prism = Prism::before(simulator.base_url(), Path::new(&installed));

    let mut user = Caller {
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        url: prism.url.clone(),
        token: "simulated-token".to_owned(),
    };
    let base = format!("/repos/{REPO}");
    for path in [
        "/user".to_owned(),
        "/rate_limit".to_owned(),
        base.clone(),
        format!("{base}/branches"),
        format!("{base}/branches/main"),
        format!("{base}/contents/a.txt?ref=main"),
        format!("{base}/commits/{head}"),
    ] {
        user.get(&path).await;
    }
    let pull = user
        .call(
            "POST",
            &format!("{base}/pulls"),
            Some(json!({"title": "A better model", "head": "feature", "base": "main"})),
        )
        .await;
    let number = pull["number"].as_u64().unwrap();
    let account = user.get("/user").await["id"].as_u64().unwrap();
    user.get(&format!("/user/{account}")).await;
    user.get(&format!("{base}/pulls")).await;
    user.get(&format!("{base}/pulls/{number}")).await;
    user.get(&format!("{base}/pulls/{number}/files")).await;
    user.call(
        "PATCH",
        &format!("{base}/pulls/{number}"),
        Some(json!({"title": "Better"})),
    )
    .await;
    user.call(
        "POST",
        &format!("{base}/statuses/{head}"),
        Some(json!({"state": "success", "context": "trainyard/flights", "target_url": "https://x.example/1"})),
    )
    .await;
    user.get(&format!("{base}/commits/{head}/status")).await;
    user.get(&format!("{base}/commits/{head}/statuses")).await;
    let comments = format!("{base}/issues/{number}/comments");
    let comment = user.call("POST", &comments, Some(json!({"body": "hello"}))).await["id"].clone();
    user.get(&comments).await;
    let comment = format!("{base}/issues/comments/{comment}");
    user.get(&comment).await;
    user.call("PATCH", &comment, Some(json!({"body": "hello again"}))).await;
    user.call("DELETE", &comment, None).await;
    user.get(&format!("{base}/collaborators/acme/permission")).await;
    user.get(&format!("{base}/collaborators/acme")).await;
    let hook = json!({"name": "web", "events": ["push"], "config": {"url": receiver.url.as_str(), "content_type": "json", "secret": "s"}});
    let hook = user.call("POST", &format!("{base}/hooks"), Some(hook)).await["id"].clone();
    let hook = format!("{base}/hooks/{hook}");
    user.get(&format!("{base}/hooks")).await;
    user.get(&hook).await;
    user.call(
        "PATCH",
        &hook,
        Some(json!({"active": true, "events": ["push", "pull_request"]})),
    )
    .await;
    user.call("POST", &format!("{hook}/pings"), None).await;
    crate::receiver::wait_until("a delivery of the hook is noted", || {
        simulator
            .deliveries()
            .iter()
            .any(|one| one.event == "ping")
            .then_some(())
    })
    .await;
    let delivery = user.get(&format!("{hook}/deliveries")).await[0]["id"].clone();
    user.get(&format!("{hook}/deliveries/{delivery}")).await;
    user.call("POST", &format!("{hook}/deliveries/{delivery}/attempts"), None)
        .await;
    user.call("DELETE", &hook, None).await;

    // The App, by our client: its requests are checked, too.
    let github = GitHub::new(&prism.url, simulator.base_url(), checks::auth()).unwrap();
    let told = told(&head);
    let run = github
        .create_check_run(&repo(), &told, &check(Progress::InProgress, 1), None)
        .await
        .unwrap();
    let done = check(Progress::Completed(Conclusion::Failure), 1);
    github.update_check_run(&repo(), run, &told, &done, None).await.unwrap();
    let found = github
        .find_check_run(&repo(), (&head, "trainyard/flights"), 0, None)
        .await;
    assert!(found.unwrap().is_some());
    github
        .create_status(&repo(), &head, &told.status, None, None)
        .await
        .unwrap();
    github
        .upsert_comment(&repo(), number, "<!-- m -->", "x", None)
        .await
        .unwrap();
    github
        .upsert_comment(&repo(), number, "<!-- m -->", "y", None)
        .await
        .unwrap();
    github.branch_head(&repo(), "main").await.unwrap();
    github.default_branch(&repo()).await.unwrap();
    github.pull_request(&repo(), number).await.unwrap();
    github.pull_request_now(&repo(), number, None).await.unwrap();
    github.changed_files(&repo(), number, &head, None).await.unwrap();
    let person = Person {
        id: i64::from(simulator.account_number("acme")),
        login: "acme".to_owned(),
    };
    github.standing(&repo(), &person, None).await.unwrap();
    github.app_info().await.unwrap();
    github.installations().await.unwrap();
    github.installation_repositories(INSTALLATION).await.unwrap();
    github.app_hook().await.unwrap();
    let sent = github.hook_deliveries(&HookOf::App).await.unwrap();
    let attempt = sent.first().unwrap().id;
    github.hook_delivery(&HookOf::App, attempt).await.unwrap();
    github.redeliver(&HookOf::App, attempt).await.unwrap();
    github.account().await.unwrap();
    let token = GitHub::new(
        &prism.url,
        simulator.base_url(),
        GitHubAuth::Token("simulated-token".to_owned().into()),
    )
    .unwrap();
    token.token_info().await.unwrap();
    token.repository_rights(&repo()).await.unwrap();
    token.try_pull_requests(&repo()).await.unwrap();
    let secret = SecretString::from("a secret");
    let made = token
        .create_hook(&repo(), &receiver.url, &secret, &["push"])
        .await
        .unwrap();
    token.hooks(&repo()).await.unwrap();
    token.ping_hook(&repo(), made).await.unwrap();

    let page = crate::rights::post_manifest(&simulator, &crate::rights::manifest())
        .await
        .unwrap();
    let (_, code) = page.query_pairs().find(|(name, _)| name == "code").unwrap();
    convert_manifest(&prism.url, simulator.base_url(), &code).await.unwrap();
    user.token = jwt();
    user.get(&format!("/app/installations/{INSTALLATION}")).await;

    // What our client does not ask as an App.
    user.token = github
        .clone_token(Some(INSTALLATION as i64))
        .await
        .unwrap()
        .map_or_else(String::new, |token| {
            use secrecy::ExposeSecret as _;
            token.expose_secret().to_owned()
        });
    user.get(&format!("{base}/check-runs/{run}")).await;
    user.get(&format!("{base}/check-runs/{run}/annotations")).await;
    user.get(&format!("{base}/commits/{head}/check-runs")).await;
    let suites = user.get(&format!("{base}/commits/{head}/check-suites")).await;
    let suite = suites["check_suites"][0]["id"].clone();
    user.get(&format!("{base}/check-suites/{suite}")).await;
    user.get(&format!("{base}/check-suites/{suite}/check-runs")).await;
    user.call("POST", &format!("{base}/check-runs/{run}/rerequest"), None)
        .await;
    user.call("POST", &format!("{base}/check-suites/{suite}/rerequest"), None)
        .await;

    let wrong = prism.violations();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<_> = served().into_iter().filter(|path| !seen(&simulator, path)).collect();
    assert!(unseen.is_empty(), "nothing calls {unseen:?}");
}

/// Whether a route was called.
fn seen(simulator: &Simulator, route: &str) -> bool {
    let fits = |path: &str| {
        let (mut wanted, mut given) = (route.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(_)) if part.starts_with("{*") => return true,
                (Some(part), Some(_)) if part.starts_with('{') => {}
                (Some(part), Some(other)) if part == other => {}
                _ => return false,
            }
        }
    };
    simulator.calls().iter().any(|call| fits(&call.path))
}
