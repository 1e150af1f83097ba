//! The real model server in real containers: candidates on trial, and a rollback under load.

use crate::binary::{Ended, Place};
use crate::docker::docker;
use crate::yard::eventually;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A graph y = factor * x, or one that answers NaN, or nothing that is a graph.
const TRAIN: &str = r#"name: line
parameters: { factor: 2.0, kind: good }
steps:
  train:
    image: trainyard/trainer
    command:
      - python3
      - -c
      - |
        import json, os, sys
        import onnx
        from onnx import TensorProto, helper
        folder, factor, kind = sys.argv[1], float(sys.argv[2]), sys.argv[3]
        os.mkdir(folder)
        column = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1])
        times = helper.make_node("Mul", ["x", "factor"], ["m"])
        last = helper.make_node("Log" if kind == "nan" else "Identity", ["m"], ["y"])
        value = helper.make_tensor("factor", TensorProto.FLOAT, [], [-factor if kind == "nan" else factor])
        graph = helper.make_graph([times, last], "line", [column("x")], [column("y")], [value])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        with open(f"{folder}/model.onnx", "wb") as file:
            file.write(b"no graph" if kind == "corrupt" else model.SerializeToString())
        settings = {"implementation": "trainyard_onnx.OnnxModel", "parameters": {"uri": "./model.onnx"}}
        request = {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [1, 3]}]}
        response = {"outputs": [{"name": "y", "data": [factor, 3 * factor]}]}
        for name, content in [("model-settings", settings), ("sample", {"request": request, "response": response})]:
            with open(f"{folder}/{name}.json", "w") as file:
                json.dump(content, file)
      - "{{outputs.model}}"
      - "{{parameters.factor}}"
      - "{{parameters.kind}}"
    outputs: { model: Model }
"#;

/// Whatever was trained is approved.
const APPROVED: &str = r#"  evaluate:
    image: trainyard/base:bookworm
    command:
      - sh
      - -c
      - |
        mkdir "$1"
        printf '{"schema_version":1,"model_type":"regression","baseline":false,"slices":[{"slice_key":{},"num_examples":100,"metrics":{"auc":{"candidate":0.9}}}]}' >"$1/evaluation.json"
      - sh
      - "{{outputs.evaluation}}"
    inputs: { model: train }
    outputs: { evaluation: ModelEvaluation }
gate:
  baseline: none
  metrics:
    auc: { value_threshold: { lower_bound: 0.6 } }
"#;

/// A pipeline whose model, made by `train`, is approved and pushed.
pub fn write_pipeline(place: &Place, train: &str, max_latency: &str) {
    let push = format!("push: {{ target: line, max_latency: {max_latency} }}\n");
    place.write("pipelines/line/pipeline.yaml", &format!("{train}{APPROVED}{push}"));
}

/// The model server; gone when dropped.
pub struct Serving {
    pub container: String,
    pub url: String,
}

impl Serving {
    /// Serves the folder `models`; `more` goes to `docker run`.
    pub async fn start(place: &Place, more: &[&str]) -> Self {
        let models = place.path().join("models");
        std::fs::create_dir_all(&models).unwrap();
        let volume = format!("{}:/models:ro", models.display());
        let mut arguments = vec!["run", "--detach", "--publish", "127.0.0.1::8080", "--read-only"];
        arguments.extend(["--tmpfs", "/tmp", "--volume", &volume]);
        arguments.extend(more);
        arguments.push("trainyard/serving");
        let mut serving = Self {
            container: docker(&arguments),
            url: String::new(),
        };
        serving.live().await;
        serving
    }

    /// Waits until it answers, at the port it has since it was last started.
    pub async fn live(&mut self) {
        let port = docker(&["port", &self.container, "8080/tcp"]);
        self.url = format!("http://{}", port.lines().next().unwrap_or_default());
        let (live, client) = (format!("{}/v2/health/live", self.url), client());
        eventually("the model server is live", async || {
            client
                .get(&live)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.container]);
    }
}

/// An engine's proxy that has just started may accept a connection and never hand it on.
pub fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
    client.build().unwrap()
}

/// What clients get: version and prediction for 1.
pub async fn ask(client: &reqwest::Client, url: &str) -> Option<(String, f64)> {
    let request = json!({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]});
    let answer = client
        .post(format!("{url}/v2/models/line/infer"))
        .json(&request)
        .send()
        .await
        .ok()?;
    let answer: Value = answer.error_for_status().ok()?.json().await.ok()?;
    Some((
        answer["model_version"].as_str()?.to_owned(),
        answer["outputs"][0]["data"][0].as_f64()?,
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_are_tried_aside_and_push_and_rollback_cost_no_request() {
    trainyard_github::install_tls();
    let place = Place::new("");
    let serving = Serving::start(&place, &[]).await;
    place.write(
        "trainyard.toml",
        &format!(
            "data_dir = \"{folder}/yard\"\n[targets.line]\nurl = \"{url}\"\nrepository = \"{folder}/models\"\n\
             image = \"trainyard/serving\"\n",
            folder = place.path().display(),
            url = serving.url
        ),
    );
    write_pipeline(&place, TRAIN, "10s");
    let place = Arc::new(place);
    let run = async |arguments: &[&str]| -> Ended {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let place = Arc::clone(&place);
        let ended =
            tokio::task::spawn_blocking(move || place.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
        ended.await.unwrap()
    };
    let train = async |factor: &str, kind: &str| {
        let (factor, kind) = (format!("factor={factor}"), format!("kind={kind}"));
        run(&[
            "run",
            "pipelines/line",
            "--push",
            "--parameter",
            &factor,
            "--parameter",
            &kind,
        ])
        .await
    };
    let client = client();
    for (factor, version) in [("2.0", "000001"), ("3.0", "000002")] {
        let ended = train(factor, "good").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = (version.to_owned(), factor.parse().unwrap());
        assert_eq!(ask(&client, &serving.url).await, Some(expected));
    }
    for (kind, reason) in [
        (
            "corrupt",
            "infra validation refused the model: the model server refused to load model 'line'",
        ),
        (
            "nan",
            "infra validation refused the model: the served model answers NaN",
        ),
    ] {
        let ended = train("4.0", kind).await;
        assert!(ended.out.contains(reason), "{ended:?}");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(
            ask(&client, &serving.url).await,
            Some(("000002".to_owned(), 3.0)),
            "the old version serves"
        );
    }
    let owner = std::fs::read_to_string(place.path().join("yard/instance")).unwrap();
    let label = format!("label=io.trainyard.owner={owner}");
    assert_eq!(
        docker(&["ps", "--all", "--quiet", "--filter", &label]),
        "",
        "no container is left"
    );

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
            let (client, url) = (client.clone(), serving.url.clone());
            tokio::spawn(async move {
                let mut failed = 0;
                while !over.load(Ordering::SeqCst) {
                    if ask(&client, &url)
                        .await
                        .is_some_and(|(_, factor)| [3.0, 5.0].contains(&factor))
                    {
                        answered.fetch_add(1, Ordering::SeqCst);
                    } else {
                        failed += 1;
                    }
                }
                failed
            })
        })
        .collect();
    eventually("clients are at work", async || answered.load(Ordering::SeqCst) > 100).await;
    let ended = train("5.0", "good").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run(&["rollback", "line"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let before = answered.load(Ordering::SeqCst);
    eventually("clients went on", async || {
        answered.load(Ordering::SeqCst) > before + 100
    })
    .await;
    over.store(true, Ordering::SeqCst);
    let mut failed = 0;
    for client in clients {
        failed += client.await.unwrap();
    }
    assert_eq!(failed, 0, "of {} requests", answered.load(Ordering::SeqCst));
    assert_eq!(ask(&client, &serving.url).await, Some(("000002".to_owned(), 3.0)));
}
