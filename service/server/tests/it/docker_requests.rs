//! What the real model server was asked, as the serving data of a skew comparison.

use crate::binary::Place;
use crate::docker::docker;
use crate::docker_serving::{Serving, client};
use crate::yard::eventually;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A graph that answers its inputs: a number and a text.
const MODEL: &str = r#"
import json, os
import onnx
from onnx import TensorProto, helper
columns = [("distance", TensorProto.FLOAT), ("carrier", TensorProto.STRING)]
inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in columns]
outputs = [helper.make_tensor_value_info(f"same_{name}", kind, [None, 1]) for name, kind in columns]
nodes = [helper.make_node("Identity", [name], [f"same_{name}"]) for name, _ in columns]
graph = helper.make_graph(nodes, "same", inputs, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
folder = "/models/line/000001"
os.makedirs(folder)
onnx.save(model, f"{folder}/model.onnx")
settings = {"name": "line", "implementation": "trainyard_onnx.OnnxModel",
            "parameters": {"uri": "./model.onnx", "version": "000001"}}
with open(f"{folder}/model-settings.json", "w") as file:
    json.dump(settings, file)
"#;

/// The steps of pipelines/tfdv/SKEW.md.
const PIPELINE: &str = r#"name: skew
data:
  flights: { uri: "flights/{YYYY}-{MM}.csv" }
  requests: { uri: "requests/line/{YYYY}-{MM}-{DD}*.csv", window: { rolling_range: { num_spans: 7 } } }
steps:
  examples: { uses: example-gen, with: { source: flights, splits: { train: 1 } } }
  statistics: { uses: statistics-gen, inputs: { examples: examples } }
  schema: { uses: schema-gen, inputs: { statistics: statistics } }
  requests: { uses: example-gen, with: { source: requests, splits: { serving: 1 } } }
  requests_statistics: { uses: statistics-gen, inputs: { examples: requests } }
  validate:
    uses: example-validator
    inputs: { statistics: statistics, schema: schema, serving_statistics: requests_statistics }
    with:
      skew:
        jensen_shannon_divergence: { threshold: 0.05 }
        features: { carrier: { infinity_norm: { threshold: 0.1 } } }
"#;

const ROWS: usize = 20;

/// Row `number` of the training data and of honest clients; of others, carrier 'AA, Inc' is gone.
fn row(number: usize, skewed: bool) -> (f64, &'static str) {
    let carrier = match number % 10 {
        0..5 if skewed => "UA",
        0..5 => "AA, Inc",
        5..8 => "B6",
        _ => "UA",
    };
    (100.0 + (number * 37 % 900) as f64, carrier)
}

async fn ask(url: &str, request: usize, skewed: bool, header: Option<&'static str>) {
    let rows: Vec<_> = (request * ROWS..(request + 1) * ROWS)
        .map(|number| row(number, skewed))
        .collect();
    let (distances, carriers): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let body = json!({"inputs": [
        {"name": "distance", "shape": [ROWS, 1], "datatype": "FP32", "data": distances},
        {"name": "carrier", "shape": [ROWS, 1], "datatype": "BYTES", "data": carriers},
    ]});
    let mut call = client().post(format!("{url}/v2/models/line/infer")).json(&body);
    if let Some(header) = header {
        call = call.header(header, "1");
    }
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (&answer["outputs"][0]["data"][0], &answer["outputs"][1]["data"][0]),
        (&json!(distances[0]), &json!(carriers[0]))
    );
}

/// Files of requests: those that are published, or those being written.
fn files(folder: &Path, hidden: bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("line")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('.') == hidden)
        .collect()
}

fn lines(files: &[PathBuf]) -> usize {
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap().lines().count())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_kept_and_a_planted_skew_is_found() {
    trainyard_github::install_tls();
    // `make test` makes this image.
    let place = Place::new(
        "data_dir = \"{folder}/yard\"\ndata_root = \"{folder}/data\"\n\
         [executor]\ncomponents_image = \"trainyard/components:test\"\n",
    );
    let requests = place.path().join("data/requests");
    let training: String = (0..1000)
        .map(|number| row(number, false))
        .map(|(distance, carrier)| format!("{distance},\"{carrier}\"\n"))
        .collect();
    place.write("data/flights/2013-01.csv", &format!("distance,carrier\n{training}"));
    place.write("pipelines/skew/pipeline.yaml", PIPELINE);
    let models = place.path().join("models");
    for folder in [&requests, &models] {
        fs::create_dir_all(folder).unwrap();
        // The server is another user.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let volume = format!("{}:/models", models.display());
    docker(&[
        "run",
        "--rm",
        "--volume",
        &volume,
        "trainyard/trainer",
        "python3",
        "-c",
        MODEL,
    ]);
    let volume = format!("{}:/requests", requests.display());
    let log = ["--env", "TRAINYARD_REQUEST_LOG=/requests", "--volume", &volume];
    let mut serving = Serving::start(&place, &log).await;

    // Two hundred rows of a sample nobody asked for, and a thousand of clients.
    for request in 0..10 {
        ask(&serving.url, request, true, Some("x-trainyard-sample")).await;
    }
    for request in 0..1000 / ROWS {
        ask(&serving.url, request, false, None).await;
    }
    assert_eq!(
        files(&requests, false),
        Vec::<PathBuf>::new(),
        "nothing before its time"
    );
    docker(&["stop", &serving.container]);
    let published = files(&requests, false);
    assert_eq!(lines(&published), 1001, "{published:?}: a header and every row");
    assert_eq!(files(&requests, true), Vec::<PathBuf>::new());
    let ended = place.run(&["run", "pipelines/skew"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    published.iter().for_each(|file| fs::remove_file(file).unwrap());
    docker(&["start", &serving.container]);
    serving.live().await;
    for request in 0..1000 / ROWS {
        ask(&serving.url, request, true, None).await;
    }
    eventually("the rows are on their way to the disk", async || {
        lines(&files(&requests, true)) == 1001
    })
    .await;
    docker(&["kill", &serving.container]);
    // As if the kill had come in the middle of a line.
    let left = files(&requests, true).remove(0);
    let text = fs::read_to_string(&left).unwrap();
    fs::write(&left, format!("{text}2013-05-01T00:00:00.000Z,12,\"half\na line")).unwrap();
    docker(&["start", &serving.container]);
    serving.live().await;
    ask(&serving.url, 0, true, None).await;
    eventually("what was left is published", async || {
        files(&requests, false).len() == 1
    })
    .await;
    let published = fs::read_to_string(&files(&requests, false)[0]).unwrap();
    assert!(published == text, "whole lines only: {:?}", published.lines().last());
    let ended = place.run(&["run", "pipelines/skew"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let reason = ended
        .out
        .lines()
        .find(|line| line.contains("carrier"))
        .unwrap_or_default();
    assert!(reason.contains("'AA, Inc' (50% here, 0% in serving)"), "{ended:?}");
    assert!(!ended.out.contains("'distance'"), "{ended:?}");
}
