//! The unmodified ml-metadata client reads what we wrote.

use crate::databases;
use crate::metadata::record_run;
use crate::samples::{artifact, at, identity, named, publish, start_run, store_metadata};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use trainyard_store::DatabaseUrl;

const VERSION: &str = "1.17.1";

/// A Python with ml-metadata, made once in the user's cache folder.
fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let folder = cache.unwrap_or_else(home).join("trainyard");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("ml-metadata.lock")).unwrap();
    lock.lock().unwrap();
    let venv = folder.join(format!("ml-metadata-{VERSION}"));
    let python = venv.join("bin/python");
    if works(&python) {
        return python;
    }
    let mut problems = String::new();
    for base in ["python3.11", "python3"] {
        // What an interrupted installation left.
        if venv.exists() {
            fs::remove_dir_all(&venv).unwrap();
        }
        let made = Command::new(base).args(["-m", "venv"]).arg(&venv).output();
        let package = format!("ml-metadata=={VERSION}");
        let installed = made.and_then(|_| {
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", &package])
                .output()
        });
        match installed {
            Ok(_) if works(&python) => return python,
            Ok(output) => problems += &format!("{base}: {}\n", String::from_utf8_lossy(&output.stderr)),
            Err(error) => problems += &format!("{base}: {error}\n"),
        }
    }
    panic!(
        "this test needs Python 3.11 with venv and the package ml-metadata {VERSION}, which has no build for other \
         versions of Python: install Python 3.11 as python3.11 and run the test again\n{problems}"
    );
}

fn works(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", "import ml_metadata"])
        .output()
        .is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn the_client_sees_what_we_wrote() {
    let fresh = databases::sqlite().await;
    record_run(&fresh.store, "r1").await;
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
          "note": "[draft",
          "ok": true,
          "ratio": 0.5,
          "span": 15706,
          "split_names": "[\"train\",\"eval\"]"
        },
        {
          "digest": "sha256:0202020202020202020202020202020202020202020202020202020202020202",
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
      "schema_is_the_same": true,
      "trainer": [
        {
          "cache_key": "k",
          "image_id": "sha256:1"
        },
        {
          "auc": 0.65,
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
          "note": "STRING",
          "ok": "BOOLEAN",
          "ratio": "DOUBLE",
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
