//! The API with input that is wrong, and its health and figures.

use crate::yard::{API_TOKEN, Yard, with_secrets};

#[tokio::test]
async fn wrong_questions_get_a_sentence() {
    let yard = Yard::start("").await;
    let mut said = Vec::new();
    for (path, status) in [
        ("/api/v1/runs?limit=0", 400),
        ("/api/v1/runs?limit=501", 400),
        ("/api/v1/runs?limit=many", 400),
        ("/api/v1/runs?limit=99999999999999999999", 400),
        ("/api/v1/runs?state=bogus", 400),
        ("/api/v1/runs?colour=red", 400),
        ("/api/v1/runs?limit=1&limit=2", 400),
        ("/api/v1/runs?limit=-1", 400),
        ("/api/v1/runs?limit=1e9", 400),
        ("/api/v1/runs?before=nope", 400),
        ("/api/v1/runs?before=", 400),
        ("/api/v1/runs/x?limit=1", 400),
        ("/api/v1/deliveries?before=x", 400),
        ("/api/v1/models?x", 400),
        ("/metrics?name=x", 400),
        ("/api/v1/runs/x/logs/train?attempt=0", 400),
        ("/api/v1/runs/x/logs/train?tail=99999999999", 400),
        ("/api/v1/lineage/x?hops=101", 400),
        ("/api/v1/runs/0192f0c1", 404),
        ("/api/v1/runs/%ff", 400),
        ("/api/v1/runs/x/logs/train", 404),
        ("/api/v1/runs/x/logs/train?attempt=-1", 400),
        ("/api/v1/runs/..%2f..%2fetc%2fpasswd/logs/x", 404),
        ("/api/v1/deliveries/unknown", 404),
        ("/api/v1/lineage/unknown", 404),
        ("/api/v1/lineage/x?direction=sideways", 400),
        ("/api/v1/nothing", 404),
    ] {
        let answer = yard.get(path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        said.push(format!("{path}: {}", answer.error()));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    /api/v1/runs?limit=0: limit is 0: ask for 1 to 500
    /api/v1/runs?limit=501: limit is 501: ask for 1 to 500
    /api/v1/runs?limit=many: the query string is wrong: limit: not a whole number
    /api/v1/runs?limit=99999999999999999999: the query string is wrong: limit: too large a number
    /api/v1/runs?state=bogus: 'bogus' is not a state: ask for waiting_for_approval, queued, running, succeeded, failed or cancelled
    /api/v1/runs?colour=red: the query string is wrong: colour: unknown field `colour`, expected one of `pipeline`, `state`, `verdict`, `branch`, `trigger`, `since`, `limit`, `before`
    /api/v1/runs?limit=1&limit=2: the query string is wrong: duplicate field `limit`
    /api/v1/runs?limit=-1: the query string is wrong: limit: not a whole number
    /api/v1/runs?limit=1e9: the query string is wrong: limit: not a whole number
    /api/v1/runs?before=nope: there is no run 'nope' for before: take `next` of the page before
    /api/v1/runs?before=: there is no run '' for before: take `next` of the page before
    /api/v1/runs/x?limit=1: /api/v1/runs/x takes no parameters, and 'limit=1' is one: leave it out
    /api/v1/deliveries?before=x: the query string is wrong: before: unknown field `before`, expected `limit`
    /api/v1/models?x: /api/v1/models takes no parameters, and 'x' is one: leave it out
    /metrics?name=x: /metrics takes no parameters, and 'name=x' is one: leave it out
    /api/v1/runs/x/logs/train?attempt=0: attempt is 0: attempts are counted from 1
    /api/v1/runs/x/logs/train?tail=99999999999: tail is 99999999999: ask for 0 to 33554432 bytes
    /api/v1/lineage/x?hops=101: hops is 101: ask for 0 to 100
    /api/v1/runs/0192f0c1: there is no run '0192f0c1'
    /api/v1/runs/%ff: the path cannot be read: its parts are percent-encoded UTF-8
    /api/v1/runs/x/logs/train: there is no run 'x'
    /api/v1/runs/x/logs/train?attempt=-1: the query string is wrong: attempt: not a whole number
    /api/v1/runs/..%2f..%2fetc%2fpasswd/logs/x: there is no run '../../etc/passwd'
    /api/v1/deliveries/unknown: there is no delivery 'unknown': records older than 90 days are removed, as [retention] says; none has arrived yet
    /api/v1/lineage/unknown: there is no artifact 'unknown'
    /api/v1/lineage/x?direction=sideways: 'sideways' is not a direction: ask for upstream, downstream or both
    /api/v1/nothing: there is nothing at /api/v1/nothing: see /api/openapi.json
    ");
    yard.stop().await;
}

#[tokio::test]
async fn wrong_bodies_get_a_sentence() {
    let yard = Yard::start("").await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"actor\": \"{}\"}}", "a".repeat(2 << 20));
    let mut said = Vec::new();
    for (path, kind, body, status) in [
        ("/api/v1/runs", "application/json", "{", 400),
        ("/api/v1/runs", "application/json", deep.as_str(), 400),
        ("/api/v1/runs", "application/json", "[]", 400),
        ("/api/v1/runs", "application/json", "", 400),
        (
            "/api/v1/runs",
            "application/json",
            r#"{"repo": "../x", "pipeline": "p"}"#,
            400,
        ),
        (
            "/api/v1/runs",
            "application/json",
            r#"{"repo": "a/b", "pipeline": "p", "nonsense": 1}"#,
            400,
        ),
        (
            "/api/v1/runs",
            "application/json",
            r#"{"repo": "a/b", "pipeline": "p"}"#,
            404,
        ),
        ("/api/v1/runs", "text/plain", r#"{"repo": "a/b", "pipeline": "p"}"#, 415),
        ("/api/v1/runs/x/cancel", "application/json", "", 404),
        ("/api/v1/runs/x/cancel", "application/json", "7", 400),
        ("/api/v1/runs/x/rerun", "application/json", "", 404),
        ("/api/v1/runs/x/rerun", "application/json", r#"{"all": "yes"}"#, 400),
        (
            "/api/v1/runs/x/approve",
            "application/json",
            r#"{"reason": "fine"}"#,
            404,
        ),
        ("/api/v1/runs/x/approve", "application/json", r#"{"reason": 7}"#, 400),
        ("/api/v1/runs/x/reject", "application/json", r#"{"why": "no"}"#, 400),
        ("/api/v1/runs/x/reject", "text/plain", "no", 415),
        ("/api/v1/targets/x/rollback", "application/json", "", 404),
        ("/api/v1/targets/x/rollback", "application/json", r#"{"actor": 7}"#, 400),
        ("/api/v1/targets/x/rollback", "application/json", long.as_str(), 413),
        ("/api/v1/targets/x/hold", "application/json", r#"{"reason": "y"}"#, 404),
        ("/api/v1/targets/x/release", "application/json", "", 404),
        ("/api/v1/promotions", "application/json", r#"{"model": "x"}"#, 404),
        ("/api/v1/promotions", "application/json", r#"{"modle": "x"}"#, 400),
        (
            "/api/v1/promotions",
            "application/json",
            r#"{"model": "x", "target": "x"}"#,
            404,
        ),
    ] {
        let request = yard
            .request("POST", path)
            .header("content-type", kind)
            .body(body.to_owned());
        let answer = yard.send(request).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        said.push(answer.error());
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    the body is not what is asked for here: EOF while parsing an object at line 1 column 1
    the body is not what is asked for here: invalid type: sequence, expected a string at line 1 column 1
    '' is not a repository name: write it as owner/name
    '' is not a repository name: write it as owner/name
    '../x' is not a repository name: write it as owner/name
    the body is not what is asked for here: unknown field `nonsense`, expected one of `repo`, `pipeline`, `parameters`, `spans`, `no_push`, `actor` at line 1 column 43
    a/b has no pipeline 'p' on its default branch (known: none): push its pipeline file there first
    the body is taken as JSON only: send it with content-type: application/json
    there is no run 'x'
    the body is not what is asked for here: invalid type: integer `7`, expected an object such as {"actor": "ada"} at line 1 column 1
    there is no run 'x'
    the body is not what is asked for here: invalid type: string "yes", expected a boolean at line 1 column 13
    there is no run 'x'
    the body is not what is asked for here: invalid type: integer `7`, expected a string at line 1 column 12
    the body is not what is asked for here: unknown field `why`, expected `actor` or `reason` at line 1 column 6
    the body is taken as JSON only: send it with content-type: application/json
    there is no push target 'x' (known: none): see [targets] in trainyard.toml
    the body is not what is asked for here: invalid type: integer `7`, expected a string at line 1 column 11
    the body has more than 1 MiB, which is the most that is taken
    there is no push target 'x' (known: none): see [targets] in trainyard.toml
    there is no push target 'x' (known: none): see [targets] in trainyard.toml
    there is no run and no version 'x': see `trainyard runs` and `trainyard models`, and name the --target of a version
    the body is not what is asked for here: unknown field `modle`, expected one of `model`, `target`, `reason`, `actor` at line 1 column 8
    there is no push target 'x' (known: none): see [targets] in trainyard.toml
    "#);
    yard.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_request_are_answered_and_harm_nothing() {
    let yard = Yard::start("").await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let answer = yard.raw(bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert_eq!(yard.get("/readyz").await.status, 200);
    yard.stop().await;
}

#[tokio::test]
async fn health_and_figures_tell_what_happened() {
    let yard = Yard::start(&with_secrets()).await;
    let health = yard.get("/healthz").await.json();
    assert_eq!(health["status"], "ok");
    assert!(
        health["instance"].as_str().is_some_and(|instance| instance.len() == 12),
        "{health}"
    );
    assert_eq!(yard.get("/readyz").await.json()["status"], "ready");
    assert_eq!(yard.send(yard.webhook("1", "ping", b"{}")).await.status, 202);
    yard.outcome("1").await;
    let figures = yard.get("/metrics").await;
    assert_eq!(figures.status, 200);
    for line in [
        "trainyard_deliveries_stored 1",
        "trainyard_deliveries_waiting 0",
        "trainyard_outbox_waiting 0",
        "trainyard_runs{state=\"queued\"} 0",
        "trainyard_runs{state=\"failed\"} 0",
        "# TYPE trainyard_http_requests_total counter",
        "path=\"/api/v1/deliveries/{*id}\"",
        "trainyard_deliveries_total{origin=\"github\"}",
    ] {
        assert!(figures.text.contains(line), "{line:?} is missing in:\n{}", figures.text);
    }
    // A path that a stranger made up must not become a label.
    yard.get("/made/up").await;
    assert!(!yard.get("/metrics").await.text.contains("made/up"));
    yard.stop().await;
}

#[tokio::test]
async fn lists_of_nothing_are_empty() {
    let yard = Yard::start("[targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"/nowhere\"").await;
    let paths = ["/api/v1/runs", "/api/v1/deliveries", "/api/v1/models"];
    let mut said = Vec::new();
    for path in paths {
        said.push(yard.get(path).await.text);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    {"runs":[],"next":null}
    {"deliveries":[]}
    {"targets":[{"name":"flights","url":"http://127.0.0.1:9","state":"in_step","finding":null,"hold":null,"serving":null,"aliases":[],"ledger":[]}]}
    "#);
    let nothing = yard
        .send(yard.request("POST", "/api/v1/targets/flights/rollback"))
        .await;
    assert_eq!(nothing.status, 409);
    insta::assert_snapshot!(nothing.error(), @"target 'flights' has no earlier version to go back to: see `trainyard models`");
    yard.stop().await;
}

#[tokio::test]
async fn a_method_that_is_not_known_is_told_first_and_null_is_no_body() {
    let yard = Yard::start(&with_secrets()).await;
    let refused = yard.send(
        yard.request("POST", "/api/v1/deliveries?limit=0")
            .bearer_auth(API_TOKEN),
    );
    assert_eq!(refused.await.status, 405);
    for body in ["null", " null\n", "", "{}"] {
        let cancel = yard
            .request("POST", "/api/v1/runs/0192f0c1/cancel")
            .bearer_auth(API_TOKEN);
        let answer = yard
            .send(cancel.header("content-type", "application/json").body(body))
            .await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (404, "there is no run '0192f0c1'"),
            "{body:?}"
        );
    }
    yard.stop().await;
}
