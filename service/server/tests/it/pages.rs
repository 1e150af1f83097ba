//! The pages: who sees them, what they may do there, and that what others wrote stays text.

use crate::binary::{Place, Running};
use crate::yard::{API_TOKEN, Answer, PATIENCE, Yard, block_on, settings, with_secrets};
use serde_json::json;
use trainyard::http::{Access, page_listing};

/// What a browser asks for.
const HTML: &str = "text/html,application/xhtml+xml";

fn with_token() -> String {
    format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets())
}

async fn page(yard: &Yard, path: &str, cookie: Option<&str>) -> Answer {
    let mut request = yard.request("GET", path).header("accept", HTML);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    yard.send(request).await
}

async fn submit(yard: &Yard, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let mut request = yard.request("POST", path).header("accept", HTML);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", trainyard::views::path_part(value)))
        .collect();
    let form = request.header("content-type", "application/x-www-form-urlencoded");
    yard.send(form.body(fields.join("&"))).await
}

/// Signs in; the cookie, and the proof that its pages have in their forms.
async fn signed_in(yard: &Yard) -> (String, String) {
    let answer = submit(yard, "/sign-in", None, &[("token", API_TOKEN), ("next", "/runs")]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/runs".to_owned()))
    );
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let home = page(yard, "/", Some(&cookie)).await;
    let (_, proof) = home.text.split_once("name=\"proof\" value=\"").unwrap();
    (cookie, proof.split('"').next().unwrap().to_owned())
}

#[tokio::test]
async fn who_is_not_signed_in_sees_the_way_to_it_and_nothing_else() {
    let yard = Yard::start(&with_token()).await;
    for (method, pattern, access) in page_listing() {
        let path = pattern
            .replace("{*id}", "x")
            .replace("{*artifact}", "x")
            .replace("{id}", "x")
            .replace("{step}", "x")
            .replace("{name}", "x");
        let answer = match method {
            "GET" => page(&yard, &path, Some("trainyard_session=guessed")).await,
            _ => submit(&yard, &path, None, &[("proof", ""), ("reason", "because")]).await,
        };
        let expected = match (access, method) {
            (Access::Open, "GET") => 200,
            (Access::Page, "GET") => 303,
            _ => 401,
        };
        let expected = match (method, pattern) {
            // The form of the sign-in is wrong without a token in it.
            ("POST", "/sign-in") => 422,
            // Nothing of that is configured, and nobody came from there.
            ("GET", "/sign-in/github" | "/sign-in/oidc") => 404,
            ("GET", "/sign-in/github/back" | "/sign-in/oidc/back") => 400,
            _ => expected,
        };
        assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
        if expected == 303 {
            assert!(
                answer.header("location").unwrap().starts_with("/sign-in?next=%2F"),
                "{answer:?}"
            );
        }
    }
    let wrong = submit(&yard, "/sign-in", None, &[("token", "wrong")]).await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    assert!(!wrong.text.contains(API_TOKEN));
    yard.stop().await;
}

#[tokio::test]
async fn every_page_is_whole_strict_and_helps_where_there_is_nothing() {
    let yard = Yard::start(&with_token()).await;
    let (cookie, _) = signed_in(&yard).await;
    for path in [
        "/",
        "/runs",
        "/runs?state=failed&pipeline=",
        "/models",
        "/deliveries",
        "/data",
    ] {
        let answer = page(&yard, path, Some(&cookie)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(
            answer.text.contains("<main id=\"main\"") && answer.text.contains("</html>"),
            "{path}"
        );
        // What the policy forbids would be without effect.
        assert!(
            !answer.text.contains(" style=") && !answer.text.contains("<script>"),
            "{path}"
        );
    }
    for (path, status) in [
        ("/runs/nope", 404),
        ("/runs?state=nope", 400),
        ("/runs?x=1", 400),
        ("/models?x=1", 400),
        ("/deliveries/nope", 404),
        ("/nothing/here", 404),
        ("/runs/%ff", 400),
    ] {
        let answer = page(&yard, path, Some(&cookie)).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            answer.text.contains("<h1>") && answer.text.contains("href=\"/\""),
            "{path}: {answer:?}"
        );
    }
    // Programs are told as programs are.
    let answer = yard
        .send(yard.request("GET", "/nothing/here").bearer_auth(API_TOKEN))
        .await;
    assert_eq!(answer.status, 404);
    assert!(answer.error().contains("/api/openapi.json"));
    yard.stop().await;
}

#[tokio::test]
async fn what_is_done_needs_the_proof_of_its_page() {
    let yard = Yard::start(&with_token()).await;
    let (cookie, proof) = signed_in(&yard).await;
    for wrong in ["", "guessed"] {
        let answer = submit(&yard, "/runs/x/cancel", Some(&cookie), &[("proof", wrong)]).await;
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    let answer = submit(&yard, "/runs/x/cancel", Some(&cookie), &[("proof", &proof)]).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = submit(&yard, "/sign-out", Some(&cookie), &[("proof", &proof)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        page(&yard, "/", Some(&cookie)).await.status,
        303,
        "the cookie is of no use any more"
    );
    yard.stop().await;
}

#[tokio::test]
async fn without_a_token_only_this_machine_sees_them() {
    let yard = Yard::start("").await;
    assert_eq!(page(&yard, "/", None).await.status, 200);
    let foreign = yard
        .request("GET", "/")
        .header("accept", HTML)
        .header("host", "evil.example");
    assert_eq!(yard.send(foreign).await.status, 421);
    let across = yard
        .request("POST", "/runs/x/cancel")
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("proof=");
    assert_eq!(yard.send(across).await.status, 403);
    yard.stop().await;
}

/// A step that fails with a log as a stranger would write it.
const HOSTILE: &str = r#"name: hostile
parameters: { note: "<img src=x onerror=alert(2)>" }
steps:
  train:
    image: none
    command:
      - sh
      - -c
      - |
        printf '<script>alert(1)</script>\n'
        printf '\033]8;;https://evil.example\033\\link\033]8;;\033\\ \342\200\256reversed\n'
        exit 1
    outputs: { model: Model }
"#;

#[test]
fn what_others_wrote_is_text() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    place.write("pipelines/hostile/pipeline.yaml", HOSTILE);
    let ended = place.run(&["run", "pipelines/hostile", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let run = ended.json()["id"].as_str().unwrap().to_owned();
    let (_service, address) = Running::serve(&place);
    block_on(async {
        trainyard_github::install_tls();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let show = async |path: &str| {
            let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.text().await.unwrap()
        };
        let log = show(&format!("/runs/{run}/logs/train")).await;
        assert!(log.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{log}");
        let one = show(&format!("/runs/{run}")).await;
        assert!(one.contains("&#60;img src=x onerror=alert(2)&#62;"), "{one}");
        for (path, text) in [
            ("log", log),
            ("run", one),
            ("runs", show("/runs").await),
            ("home", show("/").await),
        ] {
            for forbidden in ["<script>", "<img", "\u{1b}", "\u{202e}"] {
                assert!(!text.contains(forbidden), "{path} has {forbidden:?}: {text}");
            }
        }
        let whole = show(&format!("/runs/{run}/logs/train/download")).await;
        assert!(whole.starts_with("<script>"), "it is as it was written");
    });
}

/// The next change number of a stream.
async fn number(stream: &mut reqwest::Response) -> u64 {
    let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await;
    let chunk = chunk.expect("a change in time").unwrap().expect("the stream goes on");
    let text = String::from_utf8_lossy(&chunk).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("data: "));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test]
async fn a_page_hears_of_every_change() {
    let yard = Yard::start(&with_secrets()).await;
    let mut stream = reqwest::get(format!("{}/live", yard.url)).await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = number(&mut stream).await;
    let arrived = json!({"specversion": "1.0", "id": "1", "source": "/lake", "type": "io.trainyard.data.arrived",
        "data": {"source": "flights"}});
    assert_eq!(yard.send(yard.event(&arrived)).await.status, 202);
    assert!(number(&mut stream).await > first);
    drop(stream);
    yard.stop().await;
}

/// A step that writes a line whenever it is told to, in colour.
const SLOW: &str = r#"name: slow
steps:
  train:
    image: none
    command:
      - sh
      - -c
      - 'echo first; while [ ! -e "$2" ]; do sleep 0.05; done; printf "\033[32msecond\033[0m\n"; echo weights > "$1"'
      - sh
      - "{{outputs.model}}"
      - "{{parameters.go}}"
    outputs: { model: Model }
  after:
    image: none
    command: [sh, -c, 'while [ ! -e "$1.2" ]; do sleep 0.05; done; cat "$2" > "$3"', sh, "{{parameters.go}}", "{{inputs.model}}", "{{outputs.copy}}"]
    inputs: { model: train.model }
    outputs: { copy: Model }
"#;

#[test]
fn a_log_is_followed_to_the_step_that_goes_on() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    let go = place.path().join("go");
    let text = format!("{SLOW}parameters: {{ go: {} }}\n", go.display());
    place.write("pipelines/slow/pipeline.yaml", &text);
    let (_service, address) = Running::serve(&place);
    let mut running = place.command(&["run", "pipelines/slow"]).spawn().unwrap();
    block_on(async {
        trainyard_github::install_tls();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let show = async |path: &str| {
            let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
            answer.text().await.unwrap()
        };
        let mut log = String::new();
        crate::yard::eventually("the first line", async || {
            let runs = show("/runs").await;
            let Some((_, rest)) = runs.split_once("href=\"/runs/") else {
                return false;
            };
            let run = rest.split(['"', '?']).next().unwrap();
            log = show(&format!("/runs/{run}/logs/train")).await;
            log.contains(">first") || log.contains("first\n")
        })
        .await;
        let (_, rest) = log
            .split_once("data-follow=\"")
            .expect("a log that is written is followed");
        let path = rest.split('"').next().unwrap().replace("&amp;", "&");
        let mut stream = client.get(format!("http://{address}{path}")).send().await.unwrap();
        std::fs::write(&go, "").unwrap();
        let mut told = String::new();
        while !told.contains("event: over") {
            let chunk = tokio::time::timeout(PATIENCE, stream.chunk())
                .await
                .expect("an event in time");
            let Some(chunk) = chunk.unwrap() else { break };
            told.push_str(&String::from_utf8_lossy(&chunk));
        }
        assert!(told.contains("<span class=\"ansi-2\">second</span>"), "{told}");
        assert!(!told.contains("first"), "each line once: {told}");
        assert!(told.contains("/logs/after"), "the way to the step that goes on: {told}");
    });
    std::fs::write(place.path().join("go.2"), "").unwrap();
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_long_log_is_shown_in_parts_and_looked_through() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    let long = HOSTILE.replace(
        "printf '<script>alert(1)</script>\\n'",
        "i=0; while [ $i -lt 4000 ]; do echo \"row $i of very many rows\"; i=$((i+1)); done; echo ValueError: no rows",
    );
    place.write("pipelines/hostile/pipeline.yaml", &long);
    let ended = place.run(&["run", "pipelines/hostile", "--json"]);
    let run = ended.json()["id"].as_str().unwrap().to_owned();
    let (_service, address) = Running::serve(&place);
    block_on(async {
        trainyard_github::install_tls();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let show = async |query: &str| {
            let url = format!("http://{address}/runs/{run}/logs/train{query}");
            let answer = client.get(url).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (_, end) = show("").await;
        assert!(
            end.contains("row 3999") && !end.contains("row 100 "),
            "the end is shown first"
        );
        assert!(end.contains("line fault") && end.contains("Earlier"), "{end}");
        let (_, begin) = show("?at=0").await;
        assert!(
            begin.contains(">1</a>row 0 ") && begin.contains("Later") && !begin.contains("row 3999"),
            "{begin}"
        );
        let (_, found) = show("?q=row+2500+").await;
        assert!(
            found.contains("line hit") && found.contains(">2501</a>row 2500 "),
            "{found}"
        );
        assert!(
            begin.len() < 150_000 && end.len() < 150_000,
            "a page is not longer than that"
        );
        assert!(show("?q=nowhere").await.1.contains("is not in the rest of it"));
        assert_eq!(show("?at=-1").await.0, 400);
        assert_eq!(show("?attempt=0").await.0, 400);
    });
}
