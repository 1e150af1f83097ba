//! The unmodified ml-metadata client reads what we wrote.

use crate::databases;
use crate::metadata::record_run;
use crate::ml_metadata::python;
use crate::samples::{artifact, at, identity, manual, named, publish, request, start, start_run, store_metadata};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use trainyard_core::run::Run;
use trainyard_store::DatabaseUrl;

#[tokio::test]
async fn the_client_sees_what_we_wrote() {
    let fresh = databases::sqlite().await;
    record_run(&fresh.store, "r1").await;
    let mut asked = request("p1", 0);
    (asked.branch, asked.pull_request) = (None, Some(7));
    let mut event = manual("event-of-p1");
    event.consequences.push(crate::samples::starts(asked.clone()));
    fresh.store.record_event(&event, None, at(0)).await.unwrap();
    let started = start(&identity("p1", "train", "Trainer"), named([]), at(1));
    store_metadata(&fresh.store, &mut Run::new(asked), vec![started], at(1)).await;
    let DatabaseUrl::Sqlite(path) = &fresh.url else {
        unreachable!()
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlmd_client.py");
    let empty = path.with_file_name("empty.db");
    let (path, empty) = (path.clone(), empty.clone());
    let output = tokio::task::spawn_blocking(move || Command::new(python()).arg(script).args([path, empty]).output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_json_snapshot!(seen, @r#"
    {
      "contexts_of_data": [
        [
          "node",
          "flights.examples"
        ],
        [
          "pipeline",
          "flights"
        ],
        [
          "pipeline_run",
          "r1"
        ]
      ],
      "contexts_of_model": [
        [
          "node",
          "flights.train"
        ],
        [
          "pipeline",
          "flights"
        ],
        [
          "pipeline_run",
          "r1"
        ]
      ],
      "contexts_of_trainer": [
        [
          "execution_cache",
          "key-train"
        ],
        [
          "node",
          "flights.train"
        ],
        [
          "pipeline",
          "flights"
        ],
        [
          "pipeline_run",
          "r1"
        ]
      ],
      "events": [
        [
          "flights/2013-01",
          "INPUT",
          "source",
          0
        ],
        [
          "r1/examples/examples",
          "INPUT",
          "examples",
          0
        ],
        [
          "r1/examples/examples",
          "OUTPUT",
          "examples",
          0
        ],
        [
          "r1/train/model",
          "OUTPUT",
          "model",
          0
        ]
      ],
      "examples": [
        "/data/artifacts/2",
        "LIVE",
        {
          "span": 15706,
          "split_names": "[\"train\",\"eval\"]"
        },
        {
          "digest": "sha256:0202020202020202020202020202020202020202020202020202020202020202",
          "note": "[draft",
          "ok": true,
          "ratio": 0.5,
          "state": "published"
        }
      ],
      "executions": {
        "r1/examples": [
          "ExampleGen",
          "COMPLETE",
          1700000001000,
          1700000002000
        ],
        "r1/train": [
          "Trainer",
          "COMPLETE",
          1700000003000,
          1700000004000
        ]
      },
      "filtered": [
        "r1/examples/examples"
      ],
      "lineage": {
        "artifacts": [
          "flights/2013-01",
          "r1/examples/examples",
          "r1/train/model"
        ],
        "events": 4,
        "executions": [
          "r1/examples",
          "r1/train"
        ]
      },
      "metric": [
        "r1/examples",
        "r1/train"
      ],
      "parents_of_run": [
        "flights"
      ],
      "run": {
        "branch": "main",
        "commit": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "trigger": "push"
      },
      "run_of_pull_request": {
        "commit": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "pull_request": 7,
        "trigger": "push"
      },
      "schema_is_the_same": true,
      "trainer": [
        {},
        {
          "auc": 0.65,
          "cache_key": "k",
          "image_id": "sha256:1",
          "log_loss": 3.0
        }
      ],
      "types": {
        "artifact": [
          "ExampleAnomalies",
          "ExampleStatistics",
          "Examples",
          "ExternalData",
          "InferenceResult",
          "InfraBlessing",
          "Model",
          "ModelBlessing",
          "ModelEvaluation",
          "PushedModel",
          "Schema",
          "TransformGraph"
        ],
        "base_of_trainer": "TRAIN",
        "context": [
          "execution_cache",
          "node",
          "pipeline",
          "pipeline_run"
        ],
        "examples_properties": {
          "span": "INT",
          "split_names": "STRING",
          "version": "INT"
        },
        "execution": [
          "Evaluator",
          "ExampleGen",
          "ExampleValidator",
          "Pusher",
          "SchemaGen",
          "StatisticsGen",
          "Trainer",
          "Transform"
        ]
      }
    }
    "#);

    // And we read and write on, beside what the client wrote.
    let mut run = start_run(&fresh.store, "r2", 10).await;
    let step = identity("r2", "notebook", "Notebook");
    let output = artifact("r2/notebook/page", "Page", 9);
    store_metadata(
        &fresh.store,
        &mut run,
        vec![publish(&step, "k", named([("page", output.clone())]), at(11))],
        at(11),
    )
    .await;
    assert_eq!(fresh.store.artifact("r2/notebook/page").await.unwrap(), Some(output));
    assert_eq!(fresh.store.check().await.unwrap().problems, Vec::<String>::new());
}
