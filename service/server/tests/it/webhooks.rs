//! Webhooks at the door: who is believed, and what is never lost.

use crate::binary::{Place, Running};
use crate::yard::{API_TOKEN, WEBHOOK_SECRET, Yard, with_secrets};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use trainyard_github::signature::sign;
use trainyard_store::{DatabaseUrl, Store};

const LIMIT: usize = 25 * 1024 * 1024;
const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;

#[tokio::test]
async fn only_what_is_signed_with_the_secret_is_stored() {
    let yard = Yard::start(&with_secrets()).await;
    let good = sign(WEBHOOK_SECRET, BODY);
    let sha1 = "sha1=5f1a4a5e0a5b0d0f3c4b2a1908070605040302aa";
    let cases: [(&str, Option<&str>, &[u8], u16); 9] = [
        ("good", Some(&good), BODY, 202),
        ("wrong secret", Some(&sign("another", BODY)), BODY, 401),
        (
            "another body",
            Some(&good),
            br#"{"zen":"Keep it logically awful."}"#,
            401,
        ),
        ("missing", None, BODY, 401),
        ("empty", Some(""), BODY, 401),
        ("sha1 in its place", Some(sha1), BODY, 401),
        ("not hex", Some("sha256=zz"), BODY, 401),
        ("no digits", Some("sha256="), BODY, 401),
        ("capital letters", Some(&good.to_uppercase()), BODY, 401),
    ];
    let mut said = Vec::new();
    for (name, signature, body, status) in cases {
        let request = yard
            .request("POST", "/webhooks/github")
            .header("content-type", "application/json");
        let request = request
            .header("x-github-delivery", name)
            .header("x-github-event", "ping");
        // The old signature never counts, alone or beside a wrong one.
        let request = request.header("x-hub-signature", sha1);
        let request = match signature {
            Some(signature) => request.header("x-hub-signature-256", signature),
            None => request,
        };
        let answer = yard.send(request.body(body.to_vec())).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        if status == 401 {
            said.push(answer.error());
        }
    }
    said.dedup();
    insta::assert_snapshot!(said.join("\n"), @r"
    the signature does not fit the body: is the secret the same here and in the webhook's settings on GitHub?
    the delivery is not signed (header X-Hub-Signature-256): set the secret in the webhook's settings on GitHub
    the header X-Hub-Signature-256 is not 'sha256=' followed by 64 hex digits
    ");
    assert_eq!(yard.deliveries().await, ["good"]);
    yard.stop().await;
}

#[tokio::test]
async fn without_a_secret_nothing_is_believed() {
    let no_secret = "[github]\ntoken = \"t\"\napi_url = \"http://127.0.0.1:9\"\n";
    let empty_secret = format!("{no_secret}webhook_secret = \"\"\n");
    for settings in ["", no_secret, &empty_secret] {
        let yard = Yard::start(settings).await;
        for secret in ["", WEBHOOK_SECRET] {
            let signed = yard
                .webhook("1", "ping", BODY)
                .header("x-hub-signature-256", sign(secret, BODY));
            let answer = yard.send(signed).await;
            assert_eq!(answer.status, 401, "{settings}: {answer:?}");
        }
        assert!(yard.deliveries().await.is_empty());
        yard.stop().await;
    }
}

#[tokio::test]
async fn the_secret_before_is_good_during_a_rotation() {
    let settings = with_secrets() + "webhook_secret_previous = \"old\"\n";
    let yard = Yard::start(&settings).await;
    for (id, secret, status) in [("1", "old", 202), ("2", WEBHOOK_SECRET, 202), ("3", "older", 401)] {
        let request = yard.request("POST", "/webhooks/github").header("x-github-delivery", id);
        let request = request
            .header("x-github-event", "ping")
            .header("x-hub-signature-256", sign(secret, BODY));
        assert_eq!(yard.send(request.body(BODY)).await.status, status, "{secret}");
    }
    yard.stop().await;
}

#[tokio::test]
async fn the_limit_is_25_mib_exactly() {
    let yard = Yard::start(&with_secrets()).await;
    let whole = vec![b' '; LIMIT];
    assert_eq!(yard.send(yard.webhook("whole", "ping", &whole)).await.status, 202);
    let more = vec![b' '; LIMIT + 1];
    let answer = yard.send(yard.webhook("more", "ping", &more)).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    insta::assert_snapshot!(answer.error(), @"the body has more than 25 MiB, which is the most that is taken");
    // Who asks first is told before the body is sent.
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    assert!(yard.raw(head.as_bytes()).await.starts_with("HTTP/1.1 413"));
    assert_eq!(yard.deliveries().await, ["whole"]);
    yard.stop().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_has_the_same_limit() {
    let yard = Yard::start(&with_secrets()).await;
    let mut request =
        b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..26 {
        request.extend_from_slice(b"100000\r\n");
        request.resize(request.len() + (1 << 20), b' ');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    assert!(yard.raw(&request).await.starts_with("HTTP/1.1 413"));
    yard.stop().await;
}

#[tokio::test]
async fn what_starts_nothing_is_stored_with_its_reason() {
    let yard = Yard::start(&with_secrets()).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: [(&str, &str, &[u8]); 5] = [
        ("broken", "push", br#"{"ref": "refs/heads/"#),
        ("no push", "push", b"{}"),
        ("deep", "push", deep.as_bytes()),
        ("unknown", "galactic_alignment", BODY),
        ("ping", "ping", BODY),
    ];
    let mut said = Vec::new();
    for (id, event, body) in cases {
        assert_eq!(yard.send(yard.webhook(id, event, body)).await.status, 202, "{id}");
        let delivery = yard.outcome(id).await;
        assert_eq!(
            (&delivery["kind"], &delivery["events"]),
            (&json!(event), &json!([])),
            "{id}"
        );
        said.push(format!("{id}: {}", delivery["outcome"].as_str().unwrap()));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    broken: the body of this push event is no JSON object: EOF while parsing a string at line 1 column 20
    no push: the body of this push event cannot be used: missing field `ref` at line 1 column 2
    deep: the body of this push event is no JSON object: it is something else
    unknown: galactic_alignment events start nothing
    ping: GitHub's ping arrived and was verified: the webhook works
    ");
    yard.stop().await;
}

#[tokio::test]
async fn a_repeated_delivery_is_answered_and_not_stored_again() {
    let yard = Yard::start(&with_secrets()).await;
    let answers = [
        yard.send(yard.webhook("7", "ping", BODY)).await,
        yard.send(yard.webhook("7", "ping", BODY)).await,
        yard.send(yard.webhook("7", "push", b"{}")).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [202, 200, 200]);
    assert_eq!(answers[1].json(), json!({"delivery": "7", "status": "duplicate"}));
    assert_eq!(yard.deliveries().await, ["7"]);
    assert_eq!(yard.outcome("7").await["kind"], "ping");
    yard.stop().await;
}

#[tokio::test]
async fn what_is_no_webhook_is_told_what_is_wrong() {
    let yard = Yard::start(&with_secrets()).await;
    let signed = |request: reqwest::RequestBuilder| {
        request
            .header("x-hub-signature-256", sign(WEBHOOK_SECRET, BODY))
            .body(BODY)
    };
    let post = || yard.request("POST", "/webhooks/github");
    let answers = [
        yard.send(signed(post().header("x-github-event", "push"))).await,
        yard.send(signed(post().header("x-github-delivery", "1"))).await,
        yard.send(signed(
            post()
                .header("x-github-delivery", "1".repeat(201))
                .header("x-github-event", "push"),
        ))
        .await,
        yard.send(
            post()
                .header("content-type", "application/x-www-form-urlencoded")
                .body("payload=x"),
        )
        .await,
        yard.send(post().header("content-type", "text/xml").body("<x/>")).await,
    ];
    assert_eq!(
        answers.each_ref().map(|answer| answer.status),
        [202, 202, 202, 415, 415]
    );
    let said = answers.map(|answer| {
        let answer = answer.json();
        let why = [&answer["reason"], &answer["error"]]
            .into_iter()
            .find_map(|why| why.as_str());
        format!("{}: {}", answer["status"].as_str().unwrap_or("-"), why.unwrap())
    });
    insta::assert_snapshot!(said.join("\n"), @"
    flagged: the delivery has no id that can be used (header X-GitHub-Delivery): is something between GitHub and here that takes headers away?
    flagged: the delivery does not say what happened (header X-GitHub-Event): is something between GitHub and here that takes headers away?
    flagged: the delivery has no id that can be used (header X-GitHub-Delivery): is something between GitHub and here that takes headers away?
    -: the webhook sends a form: choose 'application/json' as its content type in GitHub's settings
    -: the webhook sends 'text/xml', and only application/json is taken: choose it in GitHub's settings
    ");
    // Who signs must see what is wrong: each is kept, the same twice under one id.
    let kept = yard.deliveries().await;
    assert_eq!(kept.len(), 2, "{kept:?}");
    let unnamed = kept.iter().find(|id| id.starts_with("unnamed-")).unwrap();
    assert_eq!(
        yard.outcome(unnamed).await["flagged"],
        yard.outcome(unnamed).await["outcome"]
    );
    yard.stop().await;
}

#[tokio::test]
async fn a_delivery_is_explained_and_looked_at_anew() {
    let yard = Yard::start(&with_secrets()).await;
    for id in ["72d3162e-cc78", "72d3162e-dd00"] {
        assert_eq!(yard.send(yard.webhook(id, "ping", BODY)).await.status, 202);
        yard.outcome(id).await;
    }
    let told = yard.get("/api/v1/deliveries/explain/72d3162e-cc").await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.json()["delivery"]["id"], "72d3162e-cc78");
    assert_eq!(told.json()["events"], json!([]));
    let replay = |id: &str| yard.request("POST", &format!("/api/v1/deliveries/replay/{id}"));
    let answer = yard.send(replay("72d3162e-cc78").json(&json!({"actor": "ada"}))).await;
    assert_eq!(
        (answer.status, answer.json()["status"].as_str()),
        (202, Some("replaying"))
    );
    yard.outcome("72d3162e-cc78").await;
    let answers = [
        yard.get("/api/v1/deliveries/explain/72d3162e").await,
        yard.get("/api/v1/deliveries/explain/72d3162e-cc79").await,
        yard.get("/api/v1/deliveries/72d3162e-cc79").await,
        yard.send(replay("another")).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [409, 404, 404, 404]);
    insta::assert_snapshot!(answers.map(|answer| answer.error()).join("\n"), @"
    more than one delivery begins with '72d3162e', for example 72d3162e-cc78 and 72d3162e-dd00: write more of the id
    there is no delivery '72d3162e-cc79': records older than 90 days are removed, as [retention] says; did you mean '72d3162e-cc78'?
    there is no delivery '72d3162e-cc79': records older than 90 days are removed, as [retention] says; did you mean '72d3162e-cc78'?
    there is no delivery 'another': records older than 90 days are removed, as [retention] says; the newest is '72d3162e-dd00'
    ");
    yard.stop().await;
}

#[tokio::test]
async fn giteas_headers_count_before_those_of_github_that_it_sends_as_well() {
    let yard = Yard::start(&with_secrets()).await;
    let digits = sign(WEBHOOK_SECRET, BODY).replace("sha256=", "");
    let post = || {
        let request = yard
            .request("POST", "/webhooks/github")
            .header("x-github-event", "push");
        request
            .header("x-gitea-event", "create")
            .header("x-gitea-event-type", "create")
            .body(BODY)
    };
    let sent = post()
        .header("x-gitea-delivery", "tea")
        .header("x-github-delivery", "hub");
    let answer = yard.send(sent.header("x-gitea-signature", &digits)).await;
    assert_eq!((answer.status, answer.json()["delivery"].as_str()), (202, Some("tea")));
    assert_eq!(yard.outcome("tea").await["kind"], "create");
    // Without a secret Gitea signs with nothing.
    let unsigned = post()
        .header("x-hub-signature-256", "sha256=")
        .header("x-gitea-signature", "");
    assert_eq!(yard.send(unsigned).await.status, 401);
    yard.stop().await;
}

/// Posts a signed ping over a plain socket; whether it was answered with 202.
pub fn post(address: SocketAddr, id: &str) -> bool {
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Delivery: {id}\r\nX-GitHub-Event: ping\r\n\
         X-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
        sign(WEBHOOK_SECRET, BODY),
        BODY.len()
    );
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = [0; 12];
    stream.write_all(&[head.as_bytes(), BODY].concat()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"HTTP/1.1 202"
}

#[test]
fn killed_right_after_the_answer_the_row_is_there() {
    let place = Place::new(&format!(
        "data_dir = \"yard\"\nlisten = \"127.0.0.1:0\"\napi_token = \"{API_TOKEN}\"\n{}",
        with_secrets()
    ));
    for round in 0..3 {
        let (service, address) = Running::serve(&place);
        // Several at once, so that the kill meets some of them half way.
        let accepted: Vec<String> = std::thread::scope(|scope| {
            let posts: Vec<_> = (0..8)
                .map(|number| {
                    let id = format!("{round}-{number}");
                    scope.spawn(move || post(address, &id).then_some(id))
                })
                .collect();
            let first = posts.into_iter().map(|post| post.join().unwrap());
            let mut accepted: Vec<String> = first.flatten().collect();
            let last = format!("{round}-last");
            if post(address, &last) {
                service.signal("KILL");
                accepted.push(last);
            }
            accepted
        });
        assert_eq!(accepted.len(), 9, "{}", service.log());
        assert_eq!(service.end().0, None, "it was not killed");
        let stored = crate::yard::block_on(async {
            let store = Store::open(&DatabaseUrl::Sqlite(place.path().join("yard/trainyard.db")))
                .await
                .unwrap();
            store.deliveries(500).await.unwrap()
        });
        for id in accepted {
            assert!(
                stored.iter().any(|delivery| delivery.id.as_str() == id),
                "{id} was answered 202 and is lost"
            );
        }
    }
}
