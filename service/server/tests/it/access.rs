//! Who may ask for what: every route, with and without a token, by its own name and by others.

use crate::yard::{API_TOKEN, Yard, with_secrets};
use trainyard::http::{Access, listing};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A path of the table with something in its variable parts.
fn path(pattern: &str) -> String {
    pattern
        .replace("{*id}", "x")
        .replace("{*artifact}", "x")
        .replace("{id}", "x")
        .replace("{step}", "x")
        .replace("{name}", "x")
}

#[tokio::test]
async fn without_the_token_every_route_says_401() {
    let settings = format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets());
    let yard = Yard::start(&settings).await;
    let listing = listing();
    assert!(listing.len() >= 16);
    for (method, pattern, access) in &listing {
        for asked in METHODS {
            let answer = yard.send(yard.request(asked, &path(pattern))).await;
            let own = asked == *method || (asked == "HEAD" && *method == "GET");
            let expected = match access {
                Access::ApiToken => 401,
                Access::Open if own => 200,
                Access::Signature | Access::EventsToken if own => 401,
                _ => 405,
            };
            assert_eq!(answer.status, expected, "{asked} {pattern}: {answer:?}");
        }
    }
    // A stranger does not even learn which paths there are.
    for unknown in [
        "/api",
        "/api/v1/secret",
        "/healthz/x",
        "/../etc/passwd",
        "/api/v1/runs/x/y/z",
    ] {
        assert_eq!(yard.get(unknown).await.status, 401, "{unknown}");
    }
    yard.stop().await;
}

#[tokio::test]
async fn with_the_token_every_route_answers_for_itself() {
    let settings = format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets());
    let yard = Yard::start(&settings).await;
    for (method, pattern, access) in listing() {
        if access != Access::ApiToken {
            continue;
        }
        let answer = yard
            .send(yard.request(method, &path(pattern)).bearer_auth(API_TOKEN))
            .await;
        assert!(
            [200, 400, 404].contains(&answer.status),
            "{method} {pattern}: {answer:?}"
        );
        let mut taken: Vec<&str> = listing()
            .iter()
            .filter(|(_, path, _)| *path == pattern)
            .map(|(method, _, _)| *method)
            .collect();
        if taken.contains(&"GET") {
            taken.push("HEAD");
        }
        let others = METHODS.into_iter().filter(|other| !taken.contains(other));
        for other in others {
            let answer = yard
                .send(yard.request(other, &path(pattern)).bearer_auth(API_TOKEN))
                .await;
            assert_eq!(answer.status, 405, "{other} {pattern}: {answer:?}");
        }
    }
    let wrong = yard
        .send(yard.request("GET", "/api/v1/runs").bearer_auth("wrong"))
        .await;
    insta::assert_snapshot!(wrong.error(), @"this needs the header 'authorization: Bearer …' with the service's api_token");
    assert!(!wrong.text.contains(API_TOKEN));
    yard.stop().await;
}

/// The check is by path, so that a path must not have two answers.
#[test]
fn a_path_has_one_policy() {
    let listing = listing();
    for (_, path, access) in &listing {
        assert!(
            listing
                .iter()
                .all(|(_, other, policy)| other != path || policy == access),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_name_that_only_points_here_is_refused() {
    let yard = Yard::start("").await;
    let own = [
        yard.address.to_string(),
        "localhost".to_owned(),
        "[::1]:8787".to_owned(),
    ];
    let foreign = ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:80", ""];
    let hosts = own
        .iter()
        .map(|host| (host.as_str(), 200))
        .chain(foreign.map(|host| (host, 403)));
    for (host, status) in hosts {
        let request = format!("GET /api/v1/runs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = yard.raw(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host:?}: {answer}");
    }
    // No Host at all, and a page of another site that a browser here shows.
    assert!(
        yard.raw(b"GET /api/v1/runs HTTP/1.0\r\n\r\n")
            .await
            .starts_with("HTTP/1.0 403")
    );
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 404),
    ] {
        let request = yard
            .request("POST", "/api/v1/targets/x/rollback")
            .header("origin", origin);
        assert_eq!(yard.send(request).await.status, status, "{origin}");
    }
    // Health says nothing that is worth stealing.
    let health = yard
        .raw(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        .await;
    assert!(health.starts_with("HTTP/1.1 200"));
    let refused = yard
        .raw(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        .await;
    insta::assert_snapshot!(refused.rsplit("\r\n").next().unwrap(), @r#"{"error":"without an api_token the API answers only to localhost, not to 'evil.example': set api_token"}"#);
    yard.stop().await;
}
