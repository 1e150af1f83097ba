//! Versions of a model on the models page: their metrics over time, what differs between two, and promoting one.

use crate::browser::world::{FLIGHTS, REPO, World};
use crate::yard::{API_TOKEN, Answer};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_compared_and_promoted_for_a_reason() {
    let world = World::with(FLIGHTS).await;
    world.start(FLIGHTS, json!({"serial": 2, "gain": 0.004})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let rejected = world.start(FLIGHTS, json!({"serial": 3, "gain": -0.012})).await;
    world.newest(FLIGHTS, "succeeded").await;
    let get = async |path: &str| -> Answer {
        world
            .yard
            .send(world.yard.request("GET", path).bearer_auth(API_TOKEN))
            .await
    };
    let told = get(&format!("/api/v1/targets/{FLIGHTS}/versions")).await.json();
    let auc: Vec<f64> = told["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["metrics"]["auc"].as_f64().unwrap())
        .collect();
    assert_eq!(auc, [0.651, 0.654], "{told}");
    assert_eq!(told["versions"][1]["aliases"], json!(["champion"]));
    let diff = format!("/api/v1/targets/{FLIGHTS}/diff?from=000001&to=000002");
    let rows = get(&diff).await.json()["rows"].as_array().unwrap().clone();
    let row = |section: &str, name: &str| {
        let found = rows.iter().find(|row| row["section"] == section && row["name"] == name);
        found.unwrap_or_else(|| panic!("{section} {name} in {rows:?}"))["values"].clone()
    };
    assert_eq!(row("parameters", "gain"), json!(["0.001", "0.004"]));
    assert_eq!(row("metrics", "auc"), json!(["0.6510", "0.6540"]));
    for (path, status) in [
        (format!("/api/v1/targets/{FLIGHTS}/diff?from=000001&to=7"), 404),
        (format!("/api/v1/targets/{FLIGHTS}/diff?from=000001"), 400),
        ("/api/v1/targets/nope/versions".to_owned(), 404),
    ] {
        assert_eq!(get(&path).await.status, status, "{path}");
    }

    let metrics = format!("pipelines/{REPO}/{FLIGHTS}/metrics");
    let trend = get(&format!("/api/v1/{metrics}?metric=auc")).await.json();
    let values: Vec<f64> = trend["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| at["value"].as_f64().unwrap())
        .collect();
    assert_eq!(values, [0.651, 0.654, 0.638], "{trend}");
    assert_eq!(trend["points"][1]["baseline"], 0.65);
    assert_eq!(get(&format!("/api/v1/{metrics}?limit=0")).await.status, 400);

    let cookie = world.signed_in().await;
    let page = async |path: &str| -> Answer {
        let request = world.yard.request("GET", path).header("accept", "text/html");
        world.yard.send(request.header("cookie", &cookie)).await
    };
    let models = page("/models").await.text;
    assert!(
        models.contains("<svg class=\"chart") && models.contains(">0.654</td>"),
        "{models}"
    );
    let shown = page(&format!("/models/{FLIGHTS}/diff?from=000001&to=000002")).await;
    assert!(shown.status == 200 && shown.text.contains("gain"), "{shown:?}");

    let listed = world.command(&["metrics", FLIGHTS, "auc"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let gate = world.yard.folder().join("gate.yaml");
    std::fs::write(&gate, "metrics: { auc: { value_threshold: { lower_bound: 0.6 } } }").unwrap();
    let verdict = world.command(&["gate", "replay", "--gate", gate.to_str().unwrap(), "--run", &rejected]);
    assert!(verdict.contains("blessed"), "{verdict}");
    let curves = get(&format!("/api/v1/runs/{rejected}/plots")).await.json();
    assert_eq!(
        curves["curves"]["baseline"]["roc"].as_array().unwrap().len(),
        11,
        "{curves}"
    );
    let evaluation = format!("/runs/{rejected}/evaluation");
    let shown = page(&evaluation).await;
    assert!(
        shown.status == 200 && shown.text.matches("<figure>").count() == 3,
        "{shown:?}"
    );

    let chart = page(&format!("/{metrics}?metric=auc")).await.text;
    assert!(
        chart.contains("what it was compared with") && chart.contains(">0.638</td>"),
        "{chart}"
    );
    let nothing = page(&format!("/{metrics}?metric=<b>")).await;
    assert!(nothing.status == 200 && !nothing.text.contains("<b>"), "{nothing:?}");

    let (_, proof) = models.split_once("name=\"proof\" value=\"").unwrap();
    let proof = proof.split('"').next().unwrap();
    let promote = async |fields: String| -> u16 {
        let request = world.yard.request("POST", &format!("/targets/{FLIGHTS}/promote"));
        let request = request.header("accept", "text/html").header("cookie", &cookie);
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        world.yard.send(form.body(fields)).await.status
    };
    assert_eq!(promote(format!("proof=guessed&model={rejected}&reason=why")).await, 403);
    assert_eq!(promote(format!("proof={proof}&model=&reason=why")).await, 400);
    let judge = async |gate: &str| -> Answer {
        let request = world.yard.request("POST", &evaluation);
        let request = request.header("accept", "text/html").header("cookie", &cookie);
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        let gate = trainyard::views::path_part(gate);
        world.yard.send(form.body(format!("proof={proof}&gate={gate}"))).await
    };
    let lenient = "metrics: { auc: { value_threshold: { lower_bound: 0.6 } } }";
    let told = judge(lenient).await;
    assert!(
        told.status == 200 && told.text.contains("1 of 3 recorded verdicts would be others"),
        "{told:?}"
    );
    let wrong = judge("metrics: { auc: { <b>: 1 } }").await;
    assert!(
        wrong.status == 400 && wrong.text.contains("the gate is wrong") && !wrong.text.contains("<b>"),
        "{wrong:?}"
    );
    assert_eq!(judge(&"x".repeat(70_000)).await.status, 400);
    let asked = world
        .yard
        .request("POST", &format!("/api/v1/runs/{rejected}/gate"))
        .bearer_auth(API_TOKEN);
    let told = world.yard.send(asked.json(&json!({"gate": lenient}))).await.json();
    assert_eq!(
        (told["then"].as_str(), told["verdict"]["blessing"].as_str()),
        (Some("not_blessed"), Some("blessed")),
        "{told}"
    );

    // What the gate did not approve takes a reason.
    assert_eq!(promote(format!("proof={proof}&model={rejected}&reason=")).await, 409);
    assert_eq!(world.serving(FLIGHTS).await, "000002");
    assert_eq!(
        promote(format!("proof={proof}&model={rejected}&reason=holdout+was+wrong")).await,
        303
    );
    assert_eq!(world.serving(FLIGHTS).await, "000003");
    assert!(page("/models").await.text.contains("holdout was wrong"));
    world.yard.stop().await;
}
