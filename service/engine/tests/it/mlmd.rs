//! What a TFX user finds with the unmodified ml-metadata client after a push, a rejection, a failed
//! push, an unreadable evaluation, data that is not there and a rollback.

use crate::ml_metadata::python;
use crate::yard::Yard;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use trainyard_core::run::RunState;
use trainyard_executors::fake::Script;

#[tokio::test]
async fn the_client_finds_what_tfx_would_have_written() {
    let mut yard = Yard::new().await;
    for (runs, auc, serve, state) in [
        (1, "0.7", "well", RunState::Succeeded),
        (2, "0.75", "well", RunState::Succeeded),
        (3, "0.65", "well", RunState::Succeeded),
        (4, "0.8", "broken", RunState::Failed),
        (5, "0.75", "well", RunState::Failed),
    ] {
        if runs == 5 {
            yard.script("evaluate", |_, _| {
                Script::writes("evaluation/evaluation.json", "nonsense")
            });
        }
        let (auc, serve) = (format!("auc: {auc}"), format!("serve: {serve}"));
        yard.push(&[("auc: 0.7", &auc), ("serve: well", &serve)]).await;
        let (row, _) = yard.last(runs).await;
        assert_eq!(row.state, state, "{runs}: {:?}", row.summary);
    }
    yard.push(&[("rows/{YYYY}", "nothing/{YYYY}")]).await;
    assert_eq!(yard.last(6).await.0.state, RunState::Failed);
    yard.engine.roll_back("tiny", "ada", None).await.unwrap();
    yard.all_told().await;
    yard.stop_loops().await;
    yard.engine.close().await;

    // A copy of the file alone is whole: its log is in it.
    let copy = yard.folder().join("copy.db");
    std::fs::copy(yard.config.data_dir.join("trainyard.db"), &copy).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlmd_record.py");
    let output = tokio::task::spawn_blocking(move || Command::new(python()).arg(script).arg(copy).output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_json_snapshot!(seen, @r#"
    {
      "blessings": {
        "r1/gate/blessing": "1 r1/train/model against None by gate",
        "r2/gate/blessing": "1 r2/train/model against r1/train/model by gate",
        "r3/gate/blessing": "0 r3/train/model against r2/train/model by gate",
        "r4/gate/blessing": "1 r4/train/model against r2/train/model by gate"
      },
      "cached": "CACHED 7.0 cache_key commit image_id input:auc input:serve trees",
      "data": [
        [
          true,
          "node tiny.examples, pipeline tiny",
          true
        ]
      ],
      "failed_driver": "ExampleGen FAILED",
      "failed_gate": {
        "contexts": "node tiny.gate, pipeline tiny",
        "events": {
          "baseline_model": "r2/train/model",
          "evaluation": "r5/evaluate/evaluation",
          "model": "r2/train/model"
        },
        "execution": "Gate FAILED",
        "said": {
          "reason": "step 'evaluate': evaluation.json is not an evaluation: it is no JSON object"
        }
      },
      "failed_push": {
        "contexts": "node tiny.push, pipeline tiny",
        "events": {
          "model": "r4/train/model",
          "model_blessing": "r4/gate/blessing"
        },
        "execution": "Pusher FAILED",
        "said": {
          "reason": "the approved model was not pushed: the model server refused to load model 'tiny' (500 Internal Server Error): see its log"
        }
      },
      "latest_blessed": "r4/train/model",
      "needless_push": {
        "contexts": "node tiny.push, pipeline tiny",
        "events": {},
        "execution": "Pusher CANCELED",
        "said": {
          "reason": "not approved: auc overall fell from 0.7500 to 0.6500 (-0.1000), more than the allowed -0.0050"
        }
      },
      "no_typed_properties": true,
      "pushed": {
        "r1/push/pushed_model": "1 000001 folder True apart True",
        "r2/push/pushed_model": "1 000002 folder True apart True"
      },
      "rollback": [
        {
          "contexts": "node tiny.rollback, pipeline tiny",
          "events": {
            "model": "r1/train/model",
            "to pushed_model": "r1/push/pushed_model"
          },
          "execution": "Pusher COMPLETE",
          "said": {
            "actor": "ada",
            "pushed_version": "000001",
            "rolled_back": "000002",
            "target": "tiny"
          }
        }
      ],
      "runs": [
        "push main 40",
        "push main 40",
        "push main 40",
        "push main 40",
        "push main 40",
        "push main 40"
      ]
    }
    "#);
}
