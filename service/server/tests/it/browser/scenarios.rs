//! What people do with the pages, done in a browser.

use super::driver::Browser;
use super::world::{FLIGHTS, TRAINS, World};
use crate::yard::API_TOKEN;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_and_out_again() {
    let world = World::empty().await;
    let browser = Browser::open(&world.yard.url).await;
    browser.go("/runs?state=failed").await;
    assert!(
        browser.path().await.starts_with("/sign-in?"),
        "{}",
        browser.path().await
    );
    browser.fill("token", "wrong").await;
    browser.press("Sign in").await;
    browser.says("[role=alert]", "not the service's token").await;
    browser.fill("token", API_TOKEN).await;
    browser.press("Sign in").await;
    browser.says("h1", "Runs").await;
    assert_eq!(
        browser.path().await,
        "/runs?state=failed",
        "it is where they wanted to go"
    );
    browser.press("Sign out").await;
    browser.says("h1", "Sign in").await;
    browser.go("/runs").await;
    browser.says("h1", "Sign in").await;
    world.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_to_its_verdict_without_loading_the_page_again() {
    let world = World::with(FLIGHTS).await;
    let browser = world.browser().await;
    let run = world.start_waiting(FLIGHTS, 2).await;
    browser.go(&format!("/runs/{run}")).await;
    browser
        .until("the page hears of changes", async || {
            browser
                .script("return !document.getElementById('live').hidden", &[])
                .await
                == true
        })
        .await;
    // What is set here is gone when the page is loaded again.
    browser.script("window.loaded = 'once'", &[]).await;
    browser.says("#step-train", "running").await;
    browser.says("h1 .chip", "running").await;
    assert_eq!(browser.texts("#verdict").await, Vec::<String>::new());
    world.finish();
    browser.says("h1 .chip", "succeeded").await;
    browser.says("#verdict .chip", "blessed").await;
    let rows = browser.texts("[aria-labelledby=verdict] tbody tr").await;
    assert!(
        rows.len() == 4 && rows.iter().all(|row| row.contains("auc")),
        "{rows:?}"
    );
    assert!(browser.texts("title").await[0].contains("succeeded"));
    assert_eq!(browser.script("return window.loaded", &[]).await, json!("once"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
    world.yard.stop().await;
}

/// Reports, and reports again when a file is there; ends with another one, or with the test.
const REPORTS: &str = r#"name: reports
on: { push: { branches: [main], paths: ["pipelines/reports/**"] } }
steps:
  train:
    image: none
    command:
      - sh
      - -c
      - |
        echo '{"step": 1, "loss": 0.75, "<b>": 1}'
        while [ ! -e MORE ] && [ -d "$2" ]; do sleep 0.05; done
        echo '{"step": 2, "loss": 0.5}'
        while [ ! -e FINISH ] && [ -d "$2" ]; do sleep 0.05; done
        echo done >"$1"
      - sh
      - "{{outputs.model}}"
      - FOLDER
    outputs: { model: Model }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_training_reports_is_a_curve_that_grows_while_it_runs() {
    let world = World::with(FLIGHTS).await;
    let text = REPORTS
        .replace("MORE", &world.path("more"))
        .replace("FINISH", &world.path("finish"))
        .replace("FOLDER", &world.path(""));
    world.push("reports", &text, "Add reports");
    let run = world.newest("reports", "running").await;
    let browser = world.browser().await;
    browser.go(&format!("/runs/{run}")).await;
    browser.says(".curves", "0.75 at 1").await;
    assert_eq!(browser.texts(".curves figcaption").await, ["<b>", "loss"]);
    browser.script("window.loaded = 'once'", &[]).await;
    // Nothing changes in the store: only the log grows.
    world.signal("more");
    browser.says(".curves", "0.5 at 2").await;
    world.signal("finish");
    browser.says("h1 .chip", "succeeded").await;
    assert_eq!(browser.script("return window.loaded", &[]).await, json!("once"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
    let other = world.newest(FLIGHTS, "succeeded").await;
    browser.go(&format!("/compare?runs={run},{other}")).await;
    assert_eq!(browser.texts(".curves figcaption").await, ["<b>", "auc", "loss"]);
    world.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_approves_a_model_on_its_page() {
    let world = World::with(TRAINS).await;
    let browser = world.browser().await;
    let run = world.newest(TRAINS, "waiting_for_approval").await;
    assert_eq!(world.serving(TRAINS).await, json!(null));
    browser.says("h2", "Waits for a person").await;
    browser.go(&format!("/runs/{run}")).await;
    browser.press("Approve").await;
    assert_eq!(
        world.newest(TRAINS, "waiting_for_approval").await,
        run,
        "nobody said why"
    );
    browser.fill("reason", "the slices are fine").await;
    browser.press("Approve").await;
    browser.says("h1 .chip", "succeeded").await;
    browser.says(".facts", "the slices are fine").await;
    assert_eq!(world.serving(TRAINS).await, json!("000001"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
    world.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_typed_stays_while_the_page_around_it_changes() {
    let world = World::with(FLIGHTS).await;
    world.start(FLIGHTS, json!({"serial": 2})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let browser = world.browser().await;
    browser.go("/models").await;
    browser.fill("reason", "answers late").await;
    // The mouse is on its way to the button.
    browser.script("document.activeElement.blur()", &[]).await;
    world.start(FLIGHTS, json!({"serial": 3})).await;
    browser.says("main .lead", "Version 000003 of flights serves").await;
    let typed = "return document.querySelector('main [name=reason]').value";
    assert_eq!(browser.script(typed, &[]).await, json!("answers late"));
    world.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_rolls_back_on_the_page_of_the_models() {
    let world = World::with(FLIGHTS).await;
    world.start(FLIGHTS, json!({"serial": 2})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let browser = world.browser().await;
    browser.go("/models").await;
    browser.says("main .lead", "Version 000002 of flights serves").await;
    browser.fill("reason", "answers late").await;
    browser.press("Roll back to the version before").await;
    browser.says("main .lead", "Version 000001 of flights serves").await;
    let newest = browser.texts(".ledger tbody tr:first-child").await;
    assert!(
        newest[0].contains("rollback") && newest[0].contains("answers late"),
        "{newest:?}"
    );
    assert_eq!(world.serving(FLIGHTS).await, json!("000001"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
    world.yard.stop().await;
}
