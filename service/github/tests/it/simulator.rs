//! The simulator by itself: it refuses what GitHub refuses.

use crate::client::{REPO, TOKEN, pull_request, simulator};
use reqwest::Method;
use serde_json::{Value, json};
use trainyard_github::simulator::Simulator;

async fn call(
    simulator: &Simulator,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> (u16, Value) {
    trainyard_github::install_tls();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, format!("{}{path}", simulator.base_url()));
    if let Some(token) = token {
        request = request.header("authorization", format!("token {token}"));
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_needs_a_token() {
    let (simulator, _work, sha) = simulator().await;
    for path in [
        "/user",
        "/rate_limit",
        "/repos/acme/flights",
        "/repos/acme/flights/branches/main",
        "/repos/acme/flights/pulls",
        &format!("/repos/acme/flights/commits/{sha}/statuses"),
        "/nothing",
        "/repos/acme/nothing",
    ] {
        assert_eq!(call(&simulator, Method::GET, path, None, None).await.0, 401, "{path}");
        let (status, body) = call(&simulator, Method::GET, path, Some("wrong"), None).await;
        assert_eq!(
            (status, body["message"].as_str()),
            (401, Some("Bad credentials")),
            "{path}"
        );
    }
    for path in [
        "/repos/acme/nothing",
        "/nothing",
        "/repos/acme/flights/nothing",
        "/repos/..%2f..%2fetc/x",
    ] {
        assert_eq!(
            call(&simulator, Method::GET, path, Some(TOKEN), None).await.0,
            404,
            "{path}"
        );
    }
    assert_eq!(
        call(&simulator, Method::GET, "/rate_limit", Some(TOKEN), None).await.1["rate"]["limit"],
        5000
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_are_validated_and_combined() {
    let (simulator, _work, sha) = simulator().await;
    let path = format!("/repos/{REPO}/statuses/{sha}");
    let post = |body: Value| call(&simulator, Method::POST, &path, Some(TOKEN), Some(body));
    for (body, field) in [
        (json!({"state": "bogus"}), "state"),
        (json!({}), "state"),
        (
            json!({"state": "success", "description": "x".repeat(141)}),
            "description",
        ),
        (json!({"state": "success", "target_url": "javascript:1"}), "target_url"),
    ] {
        let (status, answer) = post(body).await;
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)));
    }
    let state = || async {
        let path = format!("/repos/{REPO}/commits/main/status");
        call(&simulator, Method::GET, &path, Some(TOKEN), None).await.1["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(state().await, "pending");
    let (status, made) = post(json!({"state": "failure", "context": "a", "description": "ü".repeat(140)})).await;
    assert_eq!((status, made["creator"]["login"].as_str()), (201, Some("octocat")));
    post(json!({"state": "success", "context": "b"})).await;
    assert_eq!(state().await, "failure");
    post(json!({"state": "success", "context": "a"})).await;
    assert_eq!(state().await, "success");
    let (_, listed) = call(
        &simulator,
        Method::GET,
        &format!("/repos/{REPO}/commits/{sha}/statuses"),
        Some(TOKEN),
        None,
    )
    .await;
    let states: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["success", "success", "failure"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_requests_and_comments_are_validated() {
    let (simulator, work, _sha) = simulator().await;
    let number = pull_request(&simulator, &work).await;
    let pulls = format!("/repos/{REPO}/pulls");
    for (head, base, said) in [
        ("nothing", "main", "head nothing does not exist"),
        ("faster", "nothing", "base nothing does not exist"),
        ("faster", "main", "A pull request already exists for acme:faster."),
        ("main", "main", "No commits between main and main"),
    ] {
        let body = json!({"title": "x", "head": head, "base": base});
        let (status, answer) = call(&simulator, Method::POST, &pulls, Some(TOKEN), Some(body)).await;
        assert_eq!((status, answer["errors"][0]["message"].as_str()), (422, Some(said)));
    }
    let (_, pull) = call(&simulator, Method::GET, &format!("{pulls}/{number}"), Some(TOKEN), None).await;
    assert_eq!(
        (pull["state"].as_str(), pull["head"]["ref"].as_str()),
        (Some("open"), Some("faster"))
    );
    let (_, closed) = call(
        &simulator,
        Method::PATCH,
        &format!("{pulls}/{number}"),
        Some(TOKEN),
        Some(json!({"state": "closed"})),
    )
    .await;
    assert_eq!(closed["state"], "closed");
    let comments = format!("/repos/{REPO}/issues/{number}/comments");
    for body in [json!({}), json!({"body": ""}), json!({"body": "x".repeat(65_537)})] {
        assert_eq!(
            call(&simulator, Method::POST, &comments, Some(TOKEN), Some(body))
                .await
                .0,
            422
        );
    }
    let (status, made) = call(
        &simulator,
        Method::POST,
        &comments,
        Some(TOKEN),
        Some(json!({"body": "hello"})),
    )
    .await;
    assert_eq!(status, 201);
    let one = format!("/repos/{REPO}/issues/comments/{}", made["id"]);
    let (_, changed) = call(
        &simulator,
        Method::PATCH,
        &one,
        Some(TOKEN),
        Some(json!({"body": "changed"})),
    )
    .await;
    assert_eq!(changed["body"], "changed");
    assert_eq!(call(&simulator, Method::DELETE, &one, Some(TOKEN), None).await.0, 204);
    assert_eq!(call(&simulator, Method::GET, &one, Some(TOKEN), None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_paged_with_absolute_links() {
    let (simulator, work, _sha) = simulator().await;
    let number = pull_request(&simulator, &work).await;
    for at in 0..35 {
        simulator.comment_by("ada", REPO, number, &at.to_string()).unwrap();
    }
    let url = format!("{}/repos/{REPO}/issues/{number}/comments", simulator.base_url());
    trainyard_github::install_tls();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(&url).bearer_auth(TOKEN).send().await.unwrap();
    let link = response.headers()["link"].to_str().unwrap().to_owned();
    assert_eq!(
        link,
        format!("<{url}?per_page=30&page=2>; rel=\"next\", <{url}?per_page=30&page=2>; rel=\"last\"")
    );
    assert_eq!(response.json::<Vec<Value>>().await.unwrap().len(), 30);
    let last = client
        .get(format!("{url}?per_page=30&page=2"))
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(last.json::<Vec<Value>>().await.unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_are_those_of_the_ref() {
    let (simulator, work, first) = simulator().await;
    work.push_file("a.txt", "2");
    let content = |reference: String| {
        let path = format!("/repos/{REPO}/contents/a.txt?ref={reference}");
        let simulator = &simulator;
        async move {
            call(simulator, Method::GET, &path, Some(TOKEN), None).await.1["content"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    assert_eq!(
        (
            content(first.to_string()).await.as_str(),
            content("main".to_owned()).await.as_str()
        ),
        ("MQ==", "Mg==")
    );
}
