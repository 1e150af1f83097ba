//! What needs somebody's attention: on the home page, by the API and on the command line.

use crate::browser::world::{REPO, World};
use crate::yard::{API_TOKEN, eventually};
use serde_json::{Value, json};

const TINY: &str = "name: NAME\non: { push: { branches: [main], paths: [never] } }\nsteps:\n  train:\n    image: none\n    \
    command: [touch, \"{{outputs.model}}\"]\n    outputs: { model: Model }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipeline_files_that_cannot_run_are_told_until_they_are_mended() {
    let world = World::empty().await;
    let tiny = |name: &str| TINY.replace("NAME", name);
    let items = async || -> Vec<Value> {
        let request = world.yard.request("GET", "/api/v1/attention").bearer_auth(API_TOKEN);
        let told = world.yard.send(request).await.json();
        told["items"].as_array().unwrap().clone()
    };
    world.push("flights", &tiny("flights"), "Add flights");
    world.push("copy", &tiny("flights"), "Copy it");
    eventually("two files of one name are told", async || items().await.len() == 1).await;
    let item = items().await.remove(0);
    assert_eq!(
        (&item["about"], &item["name"], &item["branch"], &item["pipeline"]),
        (&json!("repository"), &json!(REPO), &json!("main"), &json!("flights"))
    );
    let told = world.command(&["attention"]);
    insta::assert_snapshot!(told, @"! acme/models, branch main: pipelines/copy/pipeline.yaml and pipelines/flights/pipeline.yaml have the same name 'flights': give each pipeline a name of its own");
    let cookie = world.signed_in().await;
    let request = world.yard.request("GET", "/").header("accept", "text/html");
    let home = world.yard.send(request.header("cookie", cookie)).await.text;
    assert!(
        home.contains("Needs attention") && home.contains("have the same name"),
        "{home}"
    );
    world.push("copy", &tiny("copies"), "Call it otherwise");
    eventually("nothing is wrong any more", async || items().await.is_empty()).await;
    assert_eq!(world.command(&["attention"]), "nothing needs attention\n");
    world.push("broken", "name: broken\nsteps: 7\n", "Break one");
    eventually("a broken file is told", async || items().await.len() == 1).await;
    assert_eq!(items().await[0]["pipeline"], "broken");
    world.yard.stop().await;
}
