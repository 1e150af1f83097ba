//! A push killed at any point by itself, and a database that was restored from a backup, with the real binary.

use crate::binary::{Ended, Place, Running};
use crate::models::PIPELINE;
use crate::yard::{block_on, settings};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use trainyard_core::registry::IntentAction;
use trainyard_engine::{CrashPoint, Effect};

fn place() -> Place {
    trainyard_github::install_tls();
    let target = "[targets.tiny]\nkind = \"tensorflow_serving\"\nrepository = \"{folder}/models\"";
    let place = Place::new(&settings("{folder}".as_ref(), target));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    place
}

fn train(place: &Place, auc: &str) -> Ended {
    place.run(&["run", "pipelines/tiny", "--push", "--parameter", &format!("auc={auc}")])
}

fn weights(place: &Place, version: u32) -> String {
    std::fs::read_to_string(place.path().join(format!("models/tiny/{version}/weights"))).unwrap_or_default()
}

/// Versions of the ledger, oldest first, and the state of the target.
fn ledger(place: &Place) -> (Vec<String>, Value) {
    let models = place.run(&["models", "--json"]).json();
    let target = &models["targets"][0];
    let entries = target["ledger"].as_array().unwrap().iter().rev();
    let versions = entries.map(|entry| entry["version"].as_str().unwrap().to_owned());
    (versions.collect(), target["state"].clone())
}

#[test]
fn a_push_that_kills_itself_at_any_point_leaves_one_model_to_a_number() {
    for point in CrashPoint::of(IntentAction::Push) {
        let place = place();
        let mut command = place.command(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.7"]);
        let killed = command.env("TRAINYARD_CRASH_AT", point.name()).status().unwrap();
        assert_eq!(killed.signal(), Some(9), "{}", point.name());
        let ended = train(&place, "0.8");
        assert!(
            ended.out.contains("approved, and serving as version"),
            "{}: {ended:?}",
            point.name()
        );
        let (versions, state) = ledger(&place);
        assert_eq!(state, "in_step", "{}", point.name());
        let last: u32 = versions.last().unwrap().parse().unwrap();
        assert_eq!(weights(&place, last), "0.8\n", "{}", point.name());
        match point {
            // Nothing was stored.
            CrashPoint::Before(Effect::Intent(_)) => assert_eq!(versions, ["000001"]),
            // Its number is nobody's.
            CrashPoint::After(Effect::Intent(_)) => assert_eq!(versions, ["000002"]),
            // It served, and the ledger learns of it.
            _ => assert_eq!(
                (versions.len(), weights(&place, 1).as_str()),
                (2, "0.7\n"),
                "{}",
                point.name()
            ),
        }
    }
}

#[test]
fn a_restored_database_is_told_everywhere_until_a_person_decides() {
    let place = place();
    train(&place, "0.7");
    let database = place.path().join("yard/trainyard.db");
    let backup = place.path().join("backup.db");
    std::fs::copy(&database, &backup).unwrap();
    train(&place, "0.8");
    assert_eq!(weights(&place, 2), "0.8\n");
    for log in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(database.with_extension(log));
    }
    std::fs::copy(&backup, &database).unwrap();

    let (service, address) = Running::serve(&place);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| {
        let request = client.get(format!("http://{address}{path}"));
        block_on(async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        })
    };
    service.says("and its ledger disagree");
    let (_, targets) = get("/api/v1/targets");
    assert_eq!(targets["targets"][0]["state"], "disagrees");
    let found = targets["targets"][0]["finding"].as_str().unwrap().to_owned();
    assert!(
        found.starts_with("target 'tiny' and its ledger disagree: it has version 000002 (model "),
        "{found}"
    );
    assert_eq!(get("/readyz").0, 200, "the service is ready for all else");
    assert_eq!(get("/api/v1/models").1["targets"][0]["state"], "disagrees");
    let run = |arguments: &[&str]| -> Ended {
        let mut command = place.command(arguments);
        command.env("TRAINYARD_LISTEN", address.to_string());
        command.output().unwrap().into()
    };
    assert!(run(&["targets"]).out.contains("disagrees"));
    assert!(
        run(&["models", "tiny"])
            .out
            .contains("trainyard targets reconcile tiny")
    );
    assert!(run(&["doctor"]).out.contains("and its ledger disagree"));
    let pushed = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.9"]);
    assert!(
        pushed
            .out
            .contains("approved, not pushed: target 'tiny' and its ledger disagree"),
        "{pushed:?}"
    );
    assert_eq!(
        (weights(&place, 2).as_str(), weights(&place, 3).as_str()),
        ("0.8\n", "")
    );

    assert_eq!(
        run(&["targets", "reconcile", "tiny", "--keep-served"]).code,
        Some(64),
        "no reason"
    );
    let neither = run(&["targets", "reconcile", "tiny", "--reason", "because"]);
    assert_eq!(neither.code, Some(64), "neither is right");
    let guessed = client
        .post(format!("http://{address}/api/v1/targets/tiny/reconcile"))
        .json(&json!({"reason": "because"}));
    let guessed = block_on(async move { guessed.send().await.unwrap().status().as_u16() });
    assert_eq!(guessed, 400);
    let reason = "last night's backup";
    let kept = run(&["targets", "reconcile", "tiny", "--keep-served", "--reason", reason]);
    insta::assert_snapshot!(kept.out, @"tiny goes on serving version 000002, and its ledger says so");
    assert_eq!(
        ledger(&place),
        (vec!["000001".to_owned(), "000002".to_owned()], json!("in_step"))
    );
    let again = run(&["targets", "reconcile", "tiny", "--restore-ledger", "--reason", reason]);
    insta::assert_snapshot!(again.err, @"error: target 'tiny' and its ledger do not disagree: there is nothing to reconcile");
    let pushed = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.95"]);
    assert!(
        pushed.out.contains("approved, and serving as version 000003"),
        "{pushed:?}"
    );
}
