//! What a page can do, the API and the command line can do.

use crate::binary::Place;
use crate::browser::world::{FLIGHTS, World};
use crate::yard::{API_TOKEN, Answer};
use serde_json::{Value, json};
use trainyard::http::{listing, page_listing};

/// Each page and each deed on one: the route of the API and the command that do the same.
const SAME: &[(&str, &str, &str)] = &[
    ("GET /", "GET /api/v1/attention", "attention"),
    ("GET /runs", "GET /api/v1/runs", "runs"),
    ("GET /runs/{id}", "GET /api/v1/runs/{id}", "runs"),
    ("POST /runs/{id}/cancel", "POST /api/v1/runs/{id}/cancel", "cancel"),
    ("POST /runs/{id}/rerun", "POST /api/v1/runs/{id}/rerun", "rerun"),
    ("POST /runs/{id}/approve", "POST /api/v1/runs/{id}/approve", "approve"),
    ("POST /runs/{id}/reject", "POST /api/v1/runs/{id}/reject", "reject"),
    (
        "GET /runs/{id}/logs/{step}",
        "GET /api/v1/runs/{id}/logs/{step}",
        "logs",
    ),
    (
        "GET /runs/{id}/logs/{step}/download",
        "GET /api/v1/runs/{id}/logs/{step}",
        "logs",
    ),
    (
        "GET /runs/{id}/logs/{step}/follow",
        "GET /api/v1/runs/{id}/logs/{step}",
        "logs",
    ),
    ("GET /runs/{id}/curves/live", "GET /api/v1/runs/{id}/curves", "curves"),
    ("GET /runs/{id}/why/{step}", "GET /api/v1/runs/{id}/why/{step}", "why"),
    ("GET /runs/{id}/data", "GET /api/v1/runs/{id}/data", "data"),
    ("GET /runs/{id}/evaluation", "GET /api/v1/runs/{id}/plots", "plots"),
    (
        "POST /runs/{id}/evaluation",
        "POST /api/v1/runs/{id}/gate",
        "gate replay",
    ),
    ("GET /data", "GET /api/v1/data", "data"),
    (
        "GET /data/{owner}/{repo}/{pipeline}/{source}",
        "GET /api/v1/data/{owner}/{repo}/{pipeline}/{source}",
        "data",
    ),
    ("GET /compare", "GET /api/v1/compare", "compare"),
    ("GET /lineage/{*artifact}", "GET /api/v1/lineage/{*artifact}", "lineage"),
    ("GET /pipelines", "GET /api/v1/pipelines", "pipelines"),
    (
        "GET /pipelines/{owner}/{repo}/{name}/metrics",
        "GET /api/v1/pipelines/{owner}/{repo}/{name}/metrics",
        "metrics",
    ),
    (
        "GET /pipelines/{owner}/{repo}/{name}/start",
        "POST /api/v1/runs",
        "trigger",
    ),
    (
        "POST /pipelines/{owner}/{repo}/{name}/start",
        "POST /api/v1/runs",
        "trigger",
    ),
    ("GET /models", "GET /api/v1/targets/{name}/versions", "models versions"),
    (
        "GET /models/{name}/diff",
        "GET /api/v1/targets/{name}/diff",
        "models diff",
    ),
    ("POST /targets/{name}/promote", "POST /api/v1/promotions", "promote"),
    (
        "POST /targets/{name}/rollback",
        "POST /api/v1/targets/{name}/rollback",
        "rollback",
    ),
    ("GET /deliveries", "GET /api/v1/deliveries", "deliveries"),
    (
        "GET /deliveries/{*id}",
        "GET /api/v1/deliveries/explain/{*id}",
        "deliveries explain",
    ),
    (
        "POST /deliveries/{*id}",
        "POST /api/v1/deliveries/replay/{*id}",
        "deliveries replay",
    ),
    ("GET /audit", "GET /api/v1/audit", "audit"),
    ("GET /audit.json", "GET /api/v1/audit", "audit"),
    ("GET /doctor", "GET /api/v1/doctor", "doctor"),
    ("GET /sessions", "GET /api/v1/sessions", "sessions"),
    (
        "POST /sessions/{id}/end",
        "POST /api/v1/sessions/{id}/end",
        "sessions end",
    ),
    ("GET /tokens", "GET /api/v1/tokens", "token list"),
    ("POST /tokens", "POST /api/v1/tokens", "token create"),
    (
        "POST /tokens/{name}/revoke",
        "POST /api/v1/tokens/{name}/revoke",
        "token revoke",
    ),
];

/// Of browsers alone: how they sign in and out, hear of changes, and look.
const OF_BROWSERS: &[&str] = &["/live", "/live.js", "/style.css", "/sign-out", "/sign-in"];

#[test]
fn what_a_page_can_do_the_api_and_the_command_line_can() {
    let place = Place::new("");
    let routes: Vec<String> = listing()
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    for (method, path, _) in page_listing() {
        if OF_BROWSERS.contains(&path) || path.starts_with("/sign-in/") {
            continue;
        }
        let page = format!("{method} {path}");
        let same = SAME.iter().find(|(of, _, _)| *of == page);
        let (_, route, command) = same.unwrap_or_else(|| panic!("{page} is not in this test"));
        assert!(routes.iter().any(|known| known == route), "{page}: there is no {route}");
        let mut asked: Vec<&str> = command.split(' ').collect();
        asked.push("--help");
        let ended = place.run(&asked);
        assert_eq!(ended.code, Some(0), "{page}: {ended:?}");
        let usage = format!("Usage: trainyard {command} ");
        assert!(ended.out.contains(&usage), "{page}: {}", ended.out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_says_what_the_api_says() {
    let world = World::with(FLIGHTS).await;
    let run = world.start(FLIGHTS, json!({"serial": 2, "gain": 0.004})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let get = async |path: &str| -> Answer {
        let request = world.yard.request("GET", path).bearer_auth(API_TOKEN);
        world.yard.send(request).await
    };
    let artifact = format!("{run}/train/model");
    for (path, command) in [
        (format!("runs/{run}/plots"), vec!["plots", &run]),
        (format!("runs/{run}/curves"), vec!["curves", &run]),
        (
            format!("lineage/{artifact}?direction=upstream&hops=3"),
            vec!["lineage", &artifact, "--direction", "upstream", "--hops", "3"],
        ),
        ("pipelines".to_owned(), vec!["pipelines"]),
        (
            format!("targets/{FLIGHTS}/versions"),
            vec!["models", "versions", FLIGHTS],
        ),
    ] {
        let there = get(&format!("/api/v1/{path}")).await.json();
        let here = world.command(&[command.as_slice(), &["--json"]].concat());
        let here: Value = serde_json::from_str(&here).unwrap();
        assert_eq!(here, there, "{path}");
    }
    let pipelines = get("/api/v1/pipelines").await.json();
    let served = json!([{"target": FLIGHTS, "version": "000002"}]);
    assert_eq!(pipelines["pipelines"][0]["serves"], served, "{pipelines}");
    insta::assert_snapshot!(world.command(&["pipelines"]), @"
    PIPELINE  REPOSITORY   FILE IN            SERVES             NEXT SLOT  DATA
    flights   acme/models  pipelines/flights  000002 on flights  –          –
    ");
    let plots = world.command(&["plots", &run]);
    insta::assert_snapshot!(plots.lines().take(4).collect::<Vec<_>>().join("\n"), @"
    Reliability
    MODEL      MEAN PREDICTION  SHARE OF POSITIVES
    candidate           0.0500              0.0950
    candidate           0.1500              0.1860
    ");
    assert!(plots.contains("\n\nROC\n") && plots.contains("serving"), "{plots}");
    let lineage = world.command(&["lineage", &artifact, "--direction", "upstream", "--hops", "1"]);
    let words = |line: &str| {
        line.split("  ")
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let lineage: Vec<String> = lineage.replace(&run, "RUN").lines().map(words).collect();
    insta::assert_snapshot!(lineage.join("\n"), @"
    HOPS | WHAT | TYPE | STATE | NAME | MADE OF
    0 | artifact | Model | live | RUN/train/model | RUN/train
    1 | execution | Trainer | complete | RUN/train
    ");
    let versions = world.command(&["models", "versions", FLIGHTS]);
    assert_eq!(versions.lines().count(), 3, "{versions}");
    world.yard.stop().await;
}
