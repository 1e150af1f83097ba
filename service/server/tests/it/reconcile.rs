//! A push killed at any point by itself, and a database that was restored from a backup, with the real binary.

use crate::binary::{Ended, Place, Running};
use crate::models::PIPELINE;
use crate::yard::{PATIENCE, block_on, settings};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use trainyard_core::registry::IntentAction;
use trainyard_engine::{CrashPoint, Effect};

pub fn place() -> Place {
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

/// The command in a sentence for a person, as it would be typed.
fn typed(sentence: &str) -> Vec<String> {
    let command = sentence.split('`').find(|part| part.starts_with("trainyard targets "));
    let words = command
        .unwrap_or_else(|| panic!("no command in {sentence:?}"))
        .split(' ');
    words
        .skip(1)
        .map(|word| {
            if word == "WHY" {
                "it was looked at".to_owned()
            } else {
                word.to_owned()
            }
        })
        .collect()
}

#[test]
fn what_is_to_be_typed_after_a_served_folder_was_removed_puts_it_right() {
    let place = place();
    train(&place, "0.7");
    std::fs::remove_dir_all(place.path().join("models/tiny/1")).unwrap();
    let (service, address) = Running::serve(&place);
    let said = service.says("does not serve what its ledger says");
    let run = |arguments: &[&str]| -> Ended {
        let mut command = place.command(arguments);
        command.env("TRAINYARD_LISTEN", address.to_string());
        command.output().unwrap().into()
    };
    for surface in [
        run(&["targets"]).out,
        run(&["models", "tiny"]).out,
        run(&["doctor"]).out,
    ] {
        let words = typed(&surface);
        assert_eq!(
            words[..4],
            ["targets", "reconcile", "tiny", "--restore-ledger"],
            "{surface}"
        );
    }
    let words = typed(&said);
    let done = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(run(&["targets"]).out.contains("in step"));
    assert_eq!(weights(&place, 2), "0.7\n");
    let next = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.9"]);
    assert!(next.out.contains("approved, and serving as version 000003"), "{next:?}");
}

#[test]
fn the_other_command_of_a_disagreement_is_right_as_well() {
    let place = place();
    train(&place, "0.7");
    let database = place.path().join("yard/trainyard.db");
    let backup = place.path().join("backup.db");
    std::fs::copy(&database, &backup).unwrap();
    train(&place, "0.8");
    for log in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(database.with_extension(log));
    }
    std::fs::copy(&backup, &database).unwrap();
    train(&place, "0.9");
    let said = place.run(&["targets"]).out;
    let words: Vec<String> = typed(&said)
        .into_iter()
        .map(|word| {
            if word == "--keep-served" {
                "--restore-ledger".to_owned()
            } else {
                word
            }
        })
        .collect();
    assert!(
        said.contains("or `--restore-ledger` in place of `--keep-served`"),
        "{said}"
    );
    let done = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(done.code, Some(0), "{done:?}");
    let (versions, state) = ledger(&place);
    assert_eq!(
        (state, weights(&place, versions.last().unwrap().parse().unwrap())),
        (json!("in_step"), "0.7\n".to_owned())
    );
}

/// Answers one request after the other: it acts and closes, and its status is dead until it is told otherwise.
fn receiver(alive: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut serves = Value::Null;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = if head.starts_with("POST") {
                serves = serde_json::from_slice(&body).unwrap();
                continue;
            } else if alive.load(Ordering::SeqCst) {
                let said = json!({"version": serves["version"], "digest": serves["digest"]}).to_string();
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}",
                    said.len()
                )
            } else {
                "HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()
            };
            let _ = reader.into_inner().write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_run_says_that_it_waits_for_a_target_that_nobody_knows() {
    trainyard_github::install_tls();
    let alive = Arc::new(AtomicBool::new(false));
    let url = receiver(Arc::clone(&alive));
    let target = format!(
        "[targets.tiny]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nstatus_url = \"{url}/status\"\nsecret = \"secret-of-the-receiver\"\nmax_loading_time = \"1s\""
    );
    let place = Place::new(&settings("{folder}".as_ref(), &target));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    let lint = place.run(&["lint"]);
    assert!(!lint.out.contains("note:"), "it has a status: {lint:?}");
    let first = Running::start(&mut place.command(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.7"]));
    let waits = |count: usize| {
        let started = std::time::Instant::now();
        loop {
            let listed = place.run(&["runs", "--json"]);
            let runs = serde_json::from_str::<Value>(&listed.out).unwrap_or_default();
            let ids = runs["runs"].as_array().into_iter().flatten();
            let waiting = ids.filter_map(|run| {
                let detail = place.run(&["runs", run["id"].as_str()?, "--json"]).json();
                detail["waits_for"].as_str().map(str::to_owned)
            });
            let waiting: Vec<String> = waiting.collect();
            if waiting.len() == count {
                return waiting;
            }
            assert!(
                started.elapsed() < 3 * PATIENCE,
                "{waiting:?} of {listed:?}\n{}",
                first.log()
            );
        }
    };
    let why = waits(1).remove(0);
    assert!(
        why.starts_with("it is unknown whether version 000001 serves at target 'tiny' ("),
        "{why}"
    );
    // Another run that would push there waits as well, and says so.
    let second = Running::start(&mut place.command(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.8"]));
    waits(2);
    assert!(place.run(&["targets"]).out.contains("unknown"));
    alive.store(true, Ordering::SeqCst);
    for running in [first, second] {
        let (code, log) = running.end();
        assert_eq!(code, Some(0), "{log}");
    }
    let (versions, state) = ledger(&place);
    assert_eq!(
        (versions, state),
        (vec!["000001".to_owned(), "000002".to_owned()], json!("in_step"))
    );
    let doctor = place.run(&["doctor"]).out;
    assert!(doctor.contains("its status names no instance"), "{doctor}");
}

#[test]
fn a_receiver_without_a_status_is_told_of_before_anything_happens() {
    trainyard_github::install_tls();
    let target =
        "[targets.tiny]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\nsecret = \"secret-of-the-receiver\"";
    let place = Place::new(&settings("{folder}".as_ref(), target));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    let lint = place.run(&["lint"]);
    assert_eq!(lint.code, Some(0), "{lint:?}");
    insta::assert_snapshot!(lint.out, @"
    note: push target 'tiny': without a status_url nobody can look what it serves: after a crash or a lost connection the same request is sent again, so that its receiver must take one version and digest twice, and what others make it serve is never noticed; set status_url
    1 pipeline file without a problem
    ");
    assert_eq!(
        place.run(&["lint", "--json"]).json()["notes"].as_array().unwrap().len(),
        1
    );
    assert!(
        place
            .run(&["doctor"])
            .out
            .contains("without a status_url nobody can look")
    );
    let (service, _) = Running::serve(&place);
    service.says("without a status_url nobody can look");
}

#[test]
fn a_run_that_cannot_be_read_is_told_in_a_sentence() {
    let place = place();
    train(&place, "0.7");
    let id = place.run(&["runs", "--json"]).json()["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute(\"UPDATE run_requests SET request = substr(request, 1, 100)\")\ndb.commit()";
    let database = place.path().join("yard/trainyard.db");
    let done = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .status();
    assert!(done.unwrap().success());
    for command in [vec!["runs", &id], vec!["logs", &id, "train"], vec!["why", &id, "train"]] {
        let ended = place.run(&command);
        assert_eq!(ended.code, Some(1), "{command:?} {ended:?}");
        assert!(
            ended
                .err
                .contains(&format!("error: the stored request of run '{id}' cannot be read: ")),
            "{ended:?}"
        );
        assert!(ended.err.trim_end().ends_with("and a backup has it whole"), "{ended:?}");
    }
    let (_service, address) = Running::serve(&place);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |post: bool, path: String| {
        let url = format!("http://{address}/api/v1/runs/{path}");
        let request = if post { client.post(url) } else { client.get(url) };
        block_on(async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        })
    };
    for (post, path) in [
        (false, id.clone()),
        (false, format!("{id}/logs/train")),
        (true, format!("{id}/cancel")),
    ] {
        let (status, body) = ask(post, path.clone());
        assert_eq!(status, 409, "{path}: {body}");
        let sentence = body["error"].as_str().unwrap();
        assert!(
            sentence.contains("cannot be read") || sentence.contains("is over already"),
            "{path}: {sentence}"
        );
    }
}
