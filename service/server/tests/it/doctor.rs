//! `trainyard doctor`.

use crate::binary::{Ended, Place, Running};
use crate::yard::{API_TOKEN, Yard, settings};

/// Check and health, in order.
fn found(ended: &Ended) -> Vec<(String, String)> {
    let checks = ended.json()["checks"].as_array().unwrap().clone();
    let word = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap().to_owned();
    checks
        .iter()
        .map(|check| (word(check, "check"), word(check, "health")))
        .collect()
}

fn health<'a>(checks: &'a [(String, String)], name: &str) -> Option<&'a str> {
    checks
        .iter()
        .find(|(check, _)| check == name)
        .map(|(_, health)| health.as_str())
}

#[test]
fn a_healthy_place_has_no_problem() {
    let place = Place::new(&settings("{folder}".as_ref(), "data_root = \"{folder}\""));
    let ended = place.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let checks = found(&ended);
    for (name, expected) in [
        ("configuration", "ok"),
        ("service", "ok"),
        ("data_dir", "ok"),
        ("data_root", "ok"),
        ("database", "ok"),
        ("executor", "warning"),
        ("github", "warning"),
        ("events", "warning"),
        ("targets", "warning"),
    ] {
        assert_eq!(health(&checks, name), Some(expected), "{name} in {checks:?}");
    }
    let text = place.run(&["doctor"]);
    assert!(
        text.out.contains("ok       configuration        trainyard.toml\n"),
        "{}",
        text.out
    );
}

#[tokio::test]
async fn a_service_examines_itself_for_admins() {
    let yard = Yard::start(&format!("api_token = \"{API_TOKEN}\"")).await;
    let ask = async |token: &str| {
        let request = yard.request("GET", "/api/v1/doctor").bearer_auth(token);
        yard.send(request).await
    };
    let answer = ask(API_TOKEN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let found = answer.json();
    let checks: Vec<(String, String)> = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| ["check", "health"].map(|key| check[key].as_str().unwrap().to_owned()))
        .map(|[check, health]| (check, health))
        .collect();
    for (name, expected) in [
        ("service", "ok"),
        ("database", "ok"),
        ("executor", "warning"),
        ("github", "warning"),
    ] {
        assert_eq!(health(&checks, name), Some(expected), "{name} in {checks:?}");
    }
    let made = yard
        .request("POST", "/api/v1/tokens")
        .bearer_auth(API_TOKEN)
        .json(&serde_json::json!({"name": "eyes", "role": "approver"}));
    let made = yard.send(made).await.json();
    let refused = ask(made["token"].as_str().unwrap()).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let asked = async || {
        let request = yard.request("GET", "/doctor").header("accept", "text/html");
        yard.send(request.bearer_auth(made["token"].as_str().unwrap()))
            .await
            .status
    };
    assert_ne!(asked().await, 200);
    yard.stop().await;
}

#[test]
fn a_running_service_is_seen() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    let (service, address) = Running::serve(&place);
    let ended = place
        .command(&["doctor"])
        .env("TRAINYARD_LISTEN", address.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(text.contains(&format!("running on {address}")), "{text}");
    drop(service);
}

#[test]
fn everything_that_is_wrong_is_said_with_what_to_do() {
    let place = Place::new(
        "data_dir = \"yard\"\nlisten = \"0.0.0.0:8787\"\n[events]\ntoken = \"short\"\n\
         [github]\ntoken = \"t\"\napi_url = \"http://127.0.0.1:9\"\n\
         [targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"/nowhere/models\"\n",
    );
    let ended: Ended = place
        .command(&["doctor"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap()
        .into();
    assert_eq!(ended.code, Some(1));
    let lines: Vec<&str> = ended
        .out
        .lines()
        .filter(|line| !line.contains("data_dir") && !line.contains("SQLite"))
        .collect();
    insta::assert_snapshot!(place.plain(&lines.join("\n")), @r#"
    ok       configuration        trainyard.toml
    problem  listen               listen = "0.0.0.0:8787" would open the API to the network without authentication: set api_token, or listen on 127.0.0.1
    warning  webhooks             every webhook is refused: set github.webhook_secret, the same as in GitHub's settings
    warning  secrets              events.token is shorter than 16 characters and could be guessed
    warning  data_root            data is not there: set data_root if pipelines read external data
    problem  executor             Docker at unix:///nowhere/docker.sock does not answer: start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST
    problem  github addresses     api_url is http://127.0.0.1:9 and git_url is https://github.com: of an Enterprise server both are its own (https://HOST/api/v3 and https://HOST)
    problem  github               GitHub cannot be reached: Connection refused (os error 111); correct [github], or the way there
    problem  target flights       its repository /nowhere/models cannot be written: No such file or directory (os error 2); make it, or correct it
    problem  target flights       the model server at http://127.0.0.1:9 does not answer: connection refused or broken; start it, or correct its url in [targets]
    "#);
}

#[test]
fn a_wrong_configuration_is_the_only_finding() {
    let place = Place::new("lisen = 1");
    let ended = place.run(&["doctor"]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(ended.out, @"problem  configuration        trainyard.toml:1:1: unknown key 'lisen': did you mean 'listen'? known are data_dir, data_root, database_url, listen, public_url, api_token, events, github, oidc, executor, secrets, targets, retention, notify, traces, object_stores, object_room");
    let place = Place::new("data_dir = \"trainyard.toml/yard\"");
    let ended = place.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(health(&found(&ended), "data_dir"), Some("problem"));
    assert_eq!(health(&found(&ended), "database"), Some("problem"));
}

#[test]
fn a_damaged_database_is_a_problem() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    place.write("yard/trainyard.db", &"this is no database ".repeat(500));
    let ended = place.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(health(&found(&ended), "database"), Some("problem"));
}
