//! `trainyard serve`: starting, refusing to start, stopping, and what it never says.

use crate::binary::{Place, Running};
use crate::yard::{API_TOKEN, EVENTS_TOKEN, GITHUB_TOKEN, WEBHOOK_SECRET, settings, with_secrets};
use std::net::TcpListener;
use trainyard_github::signature::sign;

/// A service without Docker.
fn place(extra: &str) -> Place {
    Place::new(&settings("{folder}".as_ref(), extra))
}

#[test]
fn what_forbids_the_start_is_said_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let cases = [
        format!("listen = \"127.0.0.1:{port}\""),
        "listen = \"203.0.113.1:80\"\napi_token = \"sixteen-letters-x\"".to_owned(),
        "listen = \"0.0.0.0:0\"".to_owned(),
        "public_url = \"https://yard.example.org\"".to_owned(),
        "data_dir = \"trainyard.toml/yard\"\nlisten = \"127.0.0.1:0\"".to_owned(),
        "lisen = \"127.0.0.1:0\"".to_owned(),
        "listen = ".to_owned(),
        "listen = \"127.0.0.1:0\"\ndatabase_url = \"mysql://u:hunter2@h/d\"".to_owned(),
        "[github]\napp_id = 1\nprivate_key_file = \"no.pem\"".to_owned(),
    ];
    let mut said = Vec::new();
    for case in cases {
        let place = Place::new(&case);
        let ended = place.run(&["serve"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{case}: {ended:?}");
        said.push(place.plain(&ended.err).replace(&port.to_string(), "PORT"));
    }
    let missing = place("").run(&["serve", "--config", "elsewhere.toml"]);
    said.push(missing.err);
    insta::assert_snapshot!(said.concat(), @r#"
    error: 127.0.0.1:PORT is in use: stop the other program or set listen
    error: 203.0.113.1:80 cannot be listened on: Cannot assign requested address (os error 99); set listen to an address of this machine
    error: listen = "0.0.0.0:0" would open the API to the network without authentication: set api_token, or listen on 127.0.0.1
    error: public_url = "https://yard.example.org" says that others reach the service, and the API would be open to them: set api_token
    error: the data folder FOLDER/trainyard.toml/yard cannot be written: Not a directory (os error 20); correct data_dir or its permissions
    error: trainyard.toml:1:1: unknown key 'lisen': did you mean 'listen'? known are data_dir, data_root, database_url, listen, public_url, api_token, events, github, oidc, executor, secrets, targets, retention, notify, traces, object_stores, object_room
    error: trainyard.toml:1:10: string values must be quoted, expected literal string
    error: 'mysql://h/d' is not a database address: write sqlite:///absolute/path/trainyard.db or postgres://user@host/database
    error: github.private_key_file no.pem cannot be read: No such file or directory (os error 2)
    error: the configuration elsewhere.toml cannot be read: No such file or directory (os error 2)
    "#);
}

#[test]
fn a_signal_stops_it_in_order() {
    for signal in ["TERM", "INT"] {
        let place = place("");
        let (service, _) = Running::serve(&place);
        service.signal(signal);
        let (code, log) = service.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stopped"), "{log}");
    }
}

#[test]
fn without_docker_it_serves_and_warns() {
    let place = Place::new("data_dir = \"yard\"\nlisten = \"127.0.0.1:0\"\n");
    for host in ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"] {
        let service = Running::start(place.command(&["serve"]).env("DOCKER_HOST", host));
        service.says("ready");
        let warning = service.says("steps cannot start");
        assert!(warning.contains("WARN") && warning.contains("make setup"), "{warning}");
        service.signal("TERM");
        assert_eq!(service.end().0, Some(0));
    }
}

#[test]
fn secrets_are_in_no_output_and_no_log() {
    let password = "database-password-of-the-tests";
    let place = place(&format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets()));
    let mut command = place.command(&["serve"]);
    command
        .env("TRAINYARD_LOG", "trace")
        .env("TRAINYARD_WEBHOOK_SECRET_PREVIOUS", password);
    let service = Running::start(&mut command);
    let line = service.says("ready");
    let address = line.split("address=").nth(1).unwrap().trim().to_owned();
    crate::yard::block_on(async {
        trainyard_github::install_tls();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let push = serde_json::json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": "1".repeat(40),
            "repository": {"id": 1, "full_name": "acme/flights", "default_branch": "main"},
        });
        let body = push.to_string();
        let webhook = client
            .post(format!("http://{address}/webhooks/github"))
            .header("x-github-delivery", "1");
        let webhook = webhook
            .header("x-github-event", "push")
            .header("x-hub-signature-256", sign(WEBHOOK_SECRET, body.as_bytes()));
        assert_eq!(webhook.body(body).send().await.unwrap().status(), 202);
        for token in [API_TOKEN, EVENTS_TOKEN, "wrong"] {
            client
                .get(format!("http://{address}/api/v1/runs"))
                .bearer_auth(token)
                .send()
                .await
                .unwrap();
        }
    });
    // The push needs GitHub, which is not there: an error with addresses in it.
    service.says("a delivery waits");
    service.signal("TERM");
    let (code, log) = service.end();
    assert_eq!(code, Some(0));
    let doctor = place.run(&["doctor"]);
    let unreachable = Place::new(&format!(
        "listen = \"127.0.0.1:0\"\ndatabase_url = \"postgres://u:{password}@127.0.0.1:9/d\"\n"
    ));
    let waiting = Running::start(&mut unreachable.command(&["serve"]));
    waiting.says("not ready");
    waiting.signal("TERM");
    let (code, waited) = waiting.end();
    assert_eq!(code, Some(0), "{waited}");
    for secret in [API_TOKEN, EVENTS_TOKEN, GITHUB_TOKEN, WEBHOOK_SECRET, password] {
        for text in [&log, &doctor.out, &doctor.err, &waited] {
            assert!(!text.contains(secret), "{secret} is shown in:\n{text}");
        }
    }
}

#[test]
fn the_log_can_be_json() {
    let place = place("");
    let service = Running::start(place.command(&["serve"]).env("TRAINYARD_LOG_FORMAT", "json"));
    let line = service.says("\"ready\"");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(line["fields"]["address"].is_string(), "{line}");
}

#[test]
fn a_second_service_is_refused_and_who_reads_is_not() {
    let first = place("");
    let (running, _) = Running::serve(&first);
    let refused = first.run(&["serve"]);
    assert_eq!(refused.code, Some(1));
    let sentence = first.plain(&refused.err).replace(&running.id().to_string(), "PID");
    insta::assert_snapshot!(sentence, @"error: FOLDER/yard is in use by another Trainyard service (process PID): stop that one first, or give this one a data_dir of its own");
    assert_eq!(first.run(&["runs"]).out, "no runs\n");
    let doctor = first.run(&["doctor", "--json"]).json();
    let checks = doctor["checks"].as_array().unwrap();
    let database = checks.iter().find(|check| check["check"] == "database").unwrap();
    assert_eq!(database["health"], "ok", "{database}");
    // Killed, it leaves nothing in the way of the next.
    drop(running);
    Running::serve(&first);
}
