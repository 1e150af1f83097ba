//! Every page that there is, in a service that has something to show on each.

use super::driver::Browser;
use super::world::{FLIGHTS, REPO, TRAINS, World};
use crate::yard::API_TOKEN;
use serde_json::json;
use trainyard::http::{Access, page_listing};

/// Fails with a word to its reader.
const BROKEN: &str = r#"name: broken
on: { push: { branches: [main], paths: ["pipelines/broken/**"] } }
steps:
  train:
    image: none
    command: [sh, -c, 'echo "reading 12 months"; echo "ValueError: column dep_delay has no values in 2013-02" >&2; exit 1']
    outputs: { model: Model }
  report:
    image: none
    command: [cp, "{{inputs.model}}", "{{outputs.report}}"]
    inputs: { model: train }
    outputs: { report: Report }
"#;

/// A page: what it is called, where it is, and the pattern that serves it.
pub struct Page {
    pub name: &'static str,
    pub path: String,
    pattern: &'static str,
}

/// What went wrong is a page, too, and the browser says that it was asked for.
const PROBLEM: &str = "problem";
/// For who is not signed in.
pub const SIGN_IN: &str = "sign-in";

impl Page {
    /// The one for who is not signed in.
    pub fn signed_out() -> Self {
        page(SIGN_IN, "/sign-in", "/sign-in")
    }
}

fn page(name: &'static str, pattern: &'static str, path: impl Into<String>) -> Page {
    let path = path.into();
    Page { name, path, pattern }
}

/// A service with runs in every state, and its pages; those of a signed-out browser are not among them.
pub async fn all() -> (World, Vec<Page>) {
    let world = World::with(FLIGHTS).await;
    let rejected = world.start(FLIGHTS, json!({"serial": 2, "gain": -0.012})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let pushed = world.start(FLIGHTS, json!({"serial": 3, "gain": 0.004})).await;
    world.newest(FLIGHTS, "succeeded").await;
    world.push_ours(TRAINS);
    let waiting = world.newest(TRAINS, "waiting_for_approval").await;
    world.push("broken", BROKEN, "Add broken");
    let failed = world.newest("broken", "failed").await;
    crate::data::write_rows(|name, text| world.write_data(name, text));
    world.push("measured", crate::data::PIPELINE, "Add measured");
    let measured = world.newest("measured", "failed").await;
    let running = world.start_waiting(FLIGHTS, 4).await;
    world.newest(FLIGHTS, "running").await;
    let list = world.yard.request("GET", "/api/v1/deliveries").bearer_auth(API_TOKEN);
    let deliveries = world.yard.send(list).await.json();
    let delivery = deliveries["deliveries"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{deliveries}"));
    let pages = vec![
        page("home", "/", "/"),
        page("runs", "/runs", "/runs"),
        page("runs-none", "/runs", "/runs?pipeline=nobody"),
        page("run-pushed", "/runs/{id}", format!("/runs/{pushed}")),
        page("run-rejected", "/runs/{id}", format!("/runs/{rejected}")),
        page("run-waiting", "/runs/{id}", format!("/runs/{waiting}")),
        page("run-failed", "/runs/{id}", format!("/runs/{failed}")),
        page("run-running", "/runs/{id}", format!("/runs/{running}")),
        page("log", "/runs/{id}/logs/{step}", format!("/runs/{failed}/logs/train")),
        page(
            "log-running",
            "/runs/{id}/logs/{step}",
            format!("/runs/{running}/logs/train"),
        ),
        page(
            "log-none",
            "/runs/{id}/logs/{step}",
            format!("/runs/{failed}/logs/report"),
        ),
        page("why", "/runs/{id}/why/{step}", format!("/runs/{pushed}/why/train")),
        page(
            "lineage",
            "/lineage/{*artifact}",
            format!("/lineage/{pushed}/train/model?direction=both"),
        ),
        page("data", "/data", "/data"),
        page(
            "data-source",
            "/data/{owner}/{repo}/{pipeline}/{source}",
            format!("/data/{REPO}/measured/rows"),
        ),
        page("data-run", "/runs/{id}/data", format!("/runs/{measured}/data")),
        page(
            "evaluation",
            "/runs/{id}/evaluation",
            format!("/runs/{rejected}/evaluation"),
        ),
        page(
            "evaluation-none",
            "/runs/{id}/evaluation",
            format!("/runs/{failed}/evaluation"),
        ),
        page("data-none", "/runs/{id}/data", format!("/runs/{failed}/data")),
        page("compare", "/compare", format!("/compare?run={rejected}&run={pushed}")),
        page("pipelines", "/pipelines", "/pipelines"),
        page(
            "start",
            "/pipelines/{owner}/{repo}/{name}/start",
            format!("/pipelines/{REPO}/{FLIGHTS}/start"),
        ),
        page(
            "metrics",
            "/pipelines/{owner}/{repo}/{name}/metrics",
            format!("/pipelines/{REPO}/{FLIGHTS}/metrics"),
        ),
        page("audit", "/audit", "/audit"),
        page("tokens", "/tokens", "/tokens"),
        page("sessions", "/sessions", "/sessions"),
        page("doctor", "/doctor", "/doctor"),
        page("models", "/models", "/models"),
        page(
            "model-diff",
            "/models/{name}/diff",
            format!("/models/{FLIGHTS}/diff?from=000001&to=000002"),
        ),
        page("deliveries", "/deliveries", "/deliveries"),
        page("delivery", "/deliveries/{*id}", format!("/deliveries/{delivery}")),
        page(PROBLEM, "", "/nothing/here"),
    ];
    (world, pages)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_without_errors_in_a_browser() {
    let (world, pages) = all().await;
    // A page that is added is looked at, too.
    let served = page_listing()
        .into_iter()
        .filter(|(method, _, access)| (*method, *access) == ("GET", Access::Page));
    for (_, pattern, _) in served.filter(|(_, pattern, _)| {
        !["/live", "/download", "/follow", ".json"]
            .iter()
            .any(|end| pattern.ends_with(end))
    }) {
        assert!(
            pages.iter().any(|page| page.pattern == pattern),
            "{pattern} is not looked at"
        );
    }
    let browser = Browser::open(&world.yard.url).await;
    browser.go("/sign-in").await;
    browser.says("h1", "Sign in").await;
    assert_eq!(browser.errors().await, Vec::<String>::new(), "sign-in");
    drop(browser);
    let browser = world.browser().await;
    for page in &pages {
        browser.go(&page.path).await;
        browser
            .until("the page hears of changes", async || {
                browser
                    .script("return !document.getElementById('live').hidden", &[])
                    .await
                    == true
            })
            .await;
        let mut errors = browser.errors().await;
        if page.name == PROBLEM {
            assert!(errors.len() == 1 && errors[0].contains("status of 404"), "{errors:?}");
            errors.clear();
        }
        assert_eq!(errors, Vec::<String>::new(), "{}", page.name);
    }
    world.finish();
    world.newest(FLIGHTS, "succeeded").await;
    world.yard.stop().await;
}
