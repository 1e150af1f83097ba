//! Who signs in, what each may do, and what is kept of it.

use crate::binary::Place;
use crate::yard::{API_TOKEN, Answer, GITHUB_TOKEN, WEBHOOK_SECRET, Yard, eventually, git, settings};
use serde_json::{Value, json};
use std::time::Duration;
use trainyard_github::simulator::{SimulatedApp, Simulator, SimulatorConfig};

pub const REPO: &str = "acme/models";
const PIPELINE: &str = "name: tiny\nparameters: { rate: 0.1 }\non: { push: { branches: [main] } }\nsteps:\n  train:\n    image: none\n    \
    command: [sh, -c, 'echo \"$2\" > \"$1\"', sh, \"{{outputs.model}}\", \"{{parameters.rate}}\"]\n    outputs: { model: Model }\n";
const HTML: &str = "text/html";

/// A service with a GitHub by which people sign in, and a run that succeeded.
pub struct Town {
    pub github: Simulator,
    pub yard: Yard,
    pub run: String,
}

impl Town {
    async fn new() -> Self {
        Self::with(true).await
    }

    /// With a repository that is private, or not.
    pub async fn with(private: bool) -> Self {
        trainyard_github::install_tls();
        let app = SimulatedApp {
            app_id: 4711,
            slug: "trainyard".to_owned(),
            public_key: include_str!("../../../github/tests/it/keys/public.pem").to_owned(),
            installation_id: 99,
            token_lifetime: Duration::from_secs(3600),
        };
        let github = Simulator::start(SimulatorConfig {
            token: GITHUB_TOKEN.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            app: Some(app),
            ..SimulatorConfig::default()
        });
        let github = github.await.unwrap();
        let made = match private {
            true => github.create_private_repo(REPO).await,
            false => github.create_repo(REPO).await,
        };
        made.unwrap();
        let (id, secret) = github.client_of(4711);
        let text = format!(
            "api_token = \"{API_TOKEN}\"\n[github]\napi_url = \"{url}\"\ngit_url = \"{url}\"\ntoken = \"{GITHUB_TOKEN}\"\n\
             webhook_secret = \"{WEBHOOK_SECRET}\"\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n",
            url = github.base_url().trim_end_matches('/'),
        );
        let yard = Yard::start(&text).await;
        github.set_webhook_url(format!("{}/webhooks/github", yard.url));
        let place = Place::new(&settings("{folder}".as_ref(), ""));
        place.write("clone/pipelines/tiny/pipeline.yaml", PIPELINE);
        let (clone, url) = (place.path().join("clone"), github.push_url(REPO));
        tokio::task::spawn_blocking(move || {
            git(&clone, &["init", "--quiet", "--initial-branch", "main"]);
            git(&clone, &["add", "--all"]);
            git(&clone, &["commit", "--quiet", "--message", "Train"]);
            git(&clone, &["push", "--quiet", &url, "HEAD:main"]);
        })
        .await
        .unwrap();
        let mut town = Self {
            github,
            yard,
            run: String::new(),
        };
        eventually("the run has succeeded", async || {
            town.api("GET", "/api/v1/runs", API_TOKEN, None).await.json()["runs"][0]["state"] == "succeeded"
        })
        .await;
        let runs = town.api("GET", "/api/v1/runs", API_TOKEN, None).await.json();
        town.run = runs["runs"][0]["id"].as_str().unwrap().to_owned();
        town
    }

    pub async fn api(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = self.yard.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.yard.send(request).await
    }

    pub async fn page(&self, path: &str, cookie: &str) -> Answer {
        let request = self.yard.request("GET", path).header("accept", HTML);
        self.yard.send(request.header("cookie", cookie)).await
    }

    pub async fn submit(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let home = self.page("/", cookie).await;
        let (_, proof) = home.text.split_once("name=\"proof\" value=\"").unwrap();
        let mut form = format!("proof={}", proof.split('"').next().unwrap());
        for (name, value) in fields {
            form.push_str(&format!("&{name}={}", trainyard::views::path_part(value)));
        }
        let request = self
            .yard
            .request("POST", path)
            .header("accept", HTML)
            .header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.yard.send(request.body(form)).await
    }

    /// As a browser goes: to GitHub, and back with a code; the address of the way back, and the cookie for it.
    pub async fn at_github(&self, next: &str) -> (String, String) {
        let path = format!("/sign-in/github?next={}", trainyard::views::path_part(next));
        let there = self.yard.get(&path).await;
        assert_eq!(there.status, 303, "{there:?}");
        let cookie = there.header("set-cookie").unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
        let alone = reqwest::redirect::Policy::none();
        let browser = reqwest::Client::builder().no_proxy().redirect(alone).build().unwrap();
        let github = browser.get(there.header("location").unwrap()).send().await.unwrap();
        assert_eq!(github.status(), 302);
        let back = github.headers()["location"].to_str().unwrap().to_owned();
        let back = back.strip_prefix(&self.yard.url).unwrap().to_owned();
        (back, cookie.split(';').next().unwrap().to_owned())
    }

    /// Signs somebody in who has this role; the session's cookie.
    pub async fn signed_in(&self, login: &str, role: &str) -> String {
        self.github.set_role(REPO, login, role).unwrap();
        self.github.browse_as(Some(login));
        let (back, cookie) = self.at_github("/runs").await;
        let done = self.page(&back, &cookie).await;
        assert_eq!(
            (done.status, done.header("location")),
            (303, Some("/runs".to_owned())),
            "{done:?}"
        );
        let all = done.headers.get_all("set-cookie").into_iter();
        let mut session = all.filter_map(|value| value.to_str().unwrap().strip_prefix("trainyard_session="));
        format!(
            "trainyard_session={}",
            session.next().unwrap().split(';').next().unwrap()
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_what_github_lets_them() {
    let town = Town::new().await;
    let (run, rerun) = (format!("/runs/{}", town.run), format!("/runs/{}/rerun", town.run));
    let roll_back = ("/targets/tiny/rollback", [("reason", "slow")]);
    // What each role sees and does: the run, a rerun, a rollback of a target that is not there, the audit.
    let table = [
        ("reader", "read", (200, 403, 403, 403)),
        ("triager", "triage", (200, 403, 403, 403)),
        ("writer", "write", (200, 303, 403, 403)),
        ("maintainer", "maintain", (200, 303, 404, 403)),
        ("boss", "admin", (200, 303, 404, 200)),
    ];
    for (login, role, expected) in table {
        let cookie = town.signed_in(login, role).await;
        let shown = town.page(&run, &cookie).await;
        let again = town.submit(&rerun, &cookie, &[]).await;
        let back = town.submit(roll_back.0, &cookie, &roll_back.1).await;
        let audit = town.page("/audit", &cookie).await;
        let found = (shown.status, again.status, back.status, audit.status);
        // A run that was repeated already is a conflict, which is after the right to do so.
        let found = (found.0, if found.1 == 409 { 303 } else { found.1 }, found.2, found.3);
        assert_eq!(found, expected, "{login}: {again:?} {back:?}");
        assert_eq!(
            shown.text.contains("Rerun every step"),
            expected.1 == 303,
            "{login}: a button that says no"
        );
        let listed = town.page("/runs", &cookie).await;
        assert_eq!(
            listed.text.contains("href=\"/audit\""),
            expected.3 == 200,
            "{login}: a link that says no"
        );
        assert_eq!(listed.text.contains(&town.run), expected.0 == 200, "{login}");
    }
    let entries = town.api("GET", "/api/v1/audit", API_TOKEN, None).await.json();
    let all = entries["entries"].as_array().unwrap();
    let reruns = all
        .iter()
        .filter(|entry| entry["deed"] == "rerun_run" && entry["done"] == true);
    let actors: Vec<&str> = reruns.map(|entry| entry["actor"].as_str().unwrap()).collect();
    assert_eq!(actors, ["boss", "maintainer", "writer"], "{entries:#}");
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_in_with_what_is_not_theirs() {
    let town = Town::new().await;
    town.github.set_role(REPO, "ada", "read").unwrap();
    town.github.browse_as(Some("ada"));
    let (back, cookie) = town.at_github("/models").await;
    // Another browser has the address, but not the cookie; and another attempt has another state.
    assert_eq!(town.page(&back, "").await.status, 400);
    let (_, other) = town.at_github("/").await;
    assert_eq!(town.page(&back, &other).await.status, 400);
    let done = town.page(&back, &cookie).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/models".to_owned()))
    );
    // The code is good once.
    let again = town.page(&back, &cookie).await;
    assert_eq!(again.status, 401, "{again:?}");
    assert!(again.text.contains("used already"), "{again:?}");
    town.github.browse_as(None);
    let (back, cookie) = town.at_github("/").await;
    let refused = town.page(&back, &cookie).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text.contains("you said no there"), "{refused:?}");
    // With another way in, the service's own token is none.
    let form = town.yard.request("POST", "/sign-in").header("accept", HTML);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = town.yard.send(form.body(format!("token={API_TOKEN}"))).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (303, None));
    let shown = town
        .yard
        .send(town.yard.request("GET", "/sign-in").header("host", "evil.example"))
        .await;
    assert!(!shown.text.contains("evil.example"), "{shown:?}");
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reaches_as_far_as_it_was_made_to() {
    let town = Town::new().await;
    let make = async |body: Value| town.api("POST", "/api/v1/tokens", API_TOKEN, Some(body)).await;
    let made = make(json!({"name": "watch", "role": "viewer", "actor": "grace"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["created_by"], &made["pipelines"]),
        (&json!("api_token (grace)"), &Value::Null)
    );
    let watch = made["token"].as_str().unwrap().to_owned();
    let other = make(json!({"name": "other", "role": "admin", "pipelines": ["other"]}))
        .await
        .json();
    let other = other["token"].as_str().unwrap().to_owned();
    let rerun = format!("/api/v1/runs/{}/rerun", town.run);
    let show = format!("/api/v1/runs/{}", town.run);
    for (method, path, viewer, elsewhere) in [
        ("GET", "/api/v1/runs", 200, 200),
        ("GET", show.as_str(), 200, 404),
        ("GET", "/metrics", 200, 403),
        ("POST", rerun.as_str(), 403, 404),
        ("GET", "/api/v1/tokens", 403, 403),
        ("GET", "/api/v1/deliveries", 200, 403),
        ("POST", "/api/v1/targets/tiny/rollback", 403, 403),
    ] {
        let found = (
            town.api(method, path, &watch, None).await.status,
            town.api(method, path, &other, None).await.status,
        );
        assert_eq!(found, (viewer, elsewhere), "{method} {path}");
    }
    let listed = town.api("GET", "/api/v1/runs", &other, None).await.json();
    assert_eq!(listed["runs"], json!([]), "it sees nothing of other pipelines");
    let refused = town.api("POST", &rerun, &watch, None).await;
    insta::assert_snapshot!(refused.error(), @"to rerun a run takes an operator for pipeline tiny of acme/models, and watch is a viewer there: an admin can give a token or a group with that role");
    assert_eq!(make(json!({"name": "watch", "role": "viewer"})).await.status, 409);
    assert_eq!(make(json!({"name": "x", "role": "root"})).await.status, 400);
    // A list that came out empty is not one of everything.
    assert_eq!(
        make(json!({"name": "x", "role": "admin", "pipelines": []}))
            .await
            .status,
        400
    );
    assert_eq!(make(json!({"name": "api_token", "role": "viewer"})).await.status, 400);
    let here = make(json!({"name": "here", "role": "viewer", "pipelines": ["acme/models:tiny"]}))
        .await
        .json();
    let there = make(json!({"name": "there", "role": "approver", "pipelines": ["acme/others:tiny"]}))
        .await
        .json();
    let (here, there) = (here["token"].as_str().unwrap(), there["token"].as_str().unwrap());
    assert_eq!(town.api("GET", &show, here, None).await.status, 200);
    assert_eq!(town.api("GET", &show, there, None).await.status, 404);
    // A beginning that several runs have names no run of others, and a model of others is none to promote.
    let stolen = town
        .api(
            "POST",
            "/api/v1/promotions",
            there,
            Some(json!({"model": town.run, "target": "x", "reason": "y"})),
        )
        .await;
    assert!(
        [403, 404].contains(&stolen.status) && !stolen.text.contains("tiny"),
        "{stolen:?}"
    );
    let revoke = town.api("POST", "/api/v1/tokens/watch/revoke", API_TOKEN, None).await;
    assert_eq!(revoke.status, 200, "{revoke:?}");
    let after = town.api("GET", "/api/v1/runs", &watch, None).await;
    assert_eq!(after.status, 401);
    assert!(after.error().contains("'watch' is revoked or too old"), "{after:?}");
    assert_eq!(
        town.api("POST", "/api/v1/tokens/watch/revoke", API_TOKEN, None)
            .await
            .status,
        404
    );
    let guessed = format!("trainyard_{}", "0".repeat(64));
    assert_eq!(town.api("GET", "/api/v1/runs", &guessed, None).await.status, 401);
    // What is kept opens nothing: neither the list nor the page has a text.
    let listed = town.api("GET", "/api/v1/tokens", API_TOKEN, None).await;
    assert!(!listed.text.contains(&watch) && !listed.text.contains(&other));
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boss_makes_and_revokes_tokens_on_the_page() {
    let town = Town::new().await;
    let boss = town.signed_in("boss", "admin").await;
    let made = town
        .submit(
            "/tokens",
            &boss,
            &[
                ("name", "ci"),
                ("role", "operator"),
                ("pipelines", "tiny, other"),
                ("days", "30"),
            ],
        )
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    let (_, text) = made.text.split_once("<code class=\"secret\">").unwrap();
    let token = text.split('<').next().unwrap().to_owned();
    assert_eq!(
        town.api("GET", "/api/v1/runs", &token, None).await.json()["runs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let shown = town.page("/tokens", &boss).await;
    assert!(
        shown.text.contains("other, tiny") && !shown.text.contains(&token),
        "{shown:?}"
    );
    assert_eq!(
        town.submit("/tokens", &boss, &[("name", "ci"), ("role", "viewer")])
            .await
            .status,
        409
    );
    assert_eq!(
        town.submit("/tokens", &boss, &[("name", "x"), ("days", "many")])
            .await
            .status,
        400
    );
    assert_eq!(town.submit("/tokens/ci/revoke", &boss, &[]).await.status, 303);
    assert_eq!(town.api("GET", "/api/v1/runs", &token, None).await.status, 401);
    // Who lost the right at GitHub has lost it here, at the latest when the answer is a minute old.
    let audit = town.page("/audit", &boss).await;
    for deed in ["sign in", "create token", "revoke token"] {
        assert!(audit.text.contains(deed), "{deed}: {audit:?}");
    }
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_starts_a_run_compares_it_and_asks_why() {
    let town = Town::new().await;
    let start = "/pipelines/acme/models/tiny/start";
    let reader = town.signed_in("reader", "read").await;
    assert_eq!(town.page(start, &reader).await.status, 403);
    let seen = town.page("/pipelines", &reader).await;
    assert!(
        seen.text.contains("tiny") && !seen.text.contains("Start a run"),
        "{seen:?}"
    );
    let writer = town.signed_in("writer", "write").await;
    let listed = town.page("/pipelines", &writer).await;
    assert!(
        listed.text.contains(start) && listed.text.contains("class=\"bar h"),
        "{listed:?}"
    );
    let form = town.page(start, &writer).await;
    assert!(
        form.text
            .contains("name=\"p.rate\" value=\"0.1\" inputmode=\"decimal\""),
        "{form:?}"
    );
    let wrong = town.submit(start, &writer, &[("p.rate", "fast")]).await;
    assert_eq!(wrong.status, 400);
    // What was typed is still there, with what is wrong with it.
    assert!(
        wrong.text.contains("cannot be the parameter") && wrong.text.contains("value=\"fast\""),
        "{wrong:?}"
    );
    assert_eq!(
        town.submit("/pipelines/acme/models/other/start", &writer, &[])
            .await
            .status,
        404
    );
    let started = town.submit(start, &writer, &[("p.rate", "0.2")]).await;
    assert_eq!(started.status, 303, "{started:?}");
    let second = started.header("location").unwrap();
    eventually("the second run has succeeded", async || {
        let run = town.api("GET", &format!("/api/v1{second}"), API_TOKEN, None).await;
        run.json()["state"] == "succeeded"
    })
    .await;
    let second = second.strip_prefix("/runs/").unwrap();
    let both = format!("/compare?run={}&run={second}&differences=true", town.run);
    let compared = town.page(&both, &writer).await;
    assert!(
        compared
            .text
            .contains("<td class=\"value\">0.1</td><td class=\"value\">0.2</td>"),
        "{compared:?}"
    );
    assert!(
        !compared.text.contains("<small>run</small> pipeline"),
        "what is the same is left out: {compared:?}"
    );
    let told = town
        .api(
            "GET",
            &format!("/api/v1/compare?runs={},{second}", town.run),
            API_TOKEN,
            None,
        )
        .await
        .json();
    let rate = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "rate")
        .unwrap();
    assert_eq!(rate["values"], json!(["0.1", "0.2"]), "{told:#}");
    let why = town.page(&format!("/runs/{second}/why/train"), &writer).await;
    assert!(
        why.text.contains("ran, because since run") && why.text.contains("0.2"),
        "{why:?}"
    );
    let answer = town
        .api("GET", &format!("/api/v1/runs/{second}/why/nothing"), API_TOKEN, None)
        .await;
    assert_eq!((answer.status, answer.error().contains("it has train")), (404, true));
    // Whoever loses the last permission sees no more when the answer is too old; who never had one is not let in.
    town.github.set_role(REPO, "stranger", "none").unwrap();
    town.github.browse_as(Some("stranger"));
    let (back, cookie) = town.at_github("/runs").await;
    let refused = town.page(&back, &cookie).await;
    assert_eq!((refused.status, refused.header("location")), (403, None), "{refused:?}");
    assert!(
        refused.text.contains("stranger has no role in any repository here"),
        "{refused:?}"
    );
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_runs_waited_and_took_are_histograms() {
    let town = Town::new().await;
    let figures = town.api("GET", "/metrics", API_TOKEN, None).await.text;
    for line in [
        "# TYPE trainyard_run_duration_seconds histogram",
        "trainyard_run_queue_seconds_bucket{pipeline=\"tiny\",le=\"+Inf\"} 1",
        "trainyard_run_duration_seconds_count{pipeline=\"tiny\",state=\"succeeded\"} 1",
        "trainyard_step_duration_seconds_bucket{pipeline=\"tiny\",step=\"train\",state=\"succeeded\",le=\"60\"} 1",
    ] {
        assert!(figures.contains(line), "{line:?} is missing in:\n{figures}");
    }
}
