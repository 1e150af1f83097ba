//! The command line itself: help, usage, where settings come from, and the running service.

use crate::binary::{Place, Running};
use crate::yard::{API_TOKEN, block_on, settings};

const COMMANDS: &[&str] = &[
    "init",
    "graph",
    "plan",
    "targets",
    "serve",
    "run",
    "lint",
    "schema",
    "doctor",
    "runs",
    "deliveries",
    "logs",
    "why",
    "trigger",
    "cancel",
    "rerun",
    "approve",
    "reject",
    "models",
    "notify",
    "promote",
    "rollback",
    "hold",
    "release",
    "alias",
    "gc",
    "backup",
    "restore",
    "gate",
    "github",
    "token",
    "compare",
    "curves",
    "plots",
    "pipelines",
    "lineage",
    "sessions",
    "attention",
    "data",
    "metrics",
    "audit",
    "schema-diff",
    "secrets",
];

#[test]
fn every_command_shows_examples() {
    let place = Place::new("");
    let help = place.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for command in COMMANDS {
        assert!(
            help.out.contains(&format!("\n  {command} ")),
            "{command} is not in:\n{}",
            help.out
        );
        let ended = place.run(&[command, "--help"]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.out.contains("Examples:\n  trainyard "), "{}", ended.out);
    }
    let commands = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    assert_eq!(commands.count(), COMMANDS.len() + 1, "a command is not in this test");
}

#[test]
fn wrong_usage_is_not_a_rejected_model() {
    let place = Place::new("");
    for arguments in [
        &["nonsense"][..],
        &[],
        &["run"],
        &["runs", "--limit", "0"],
        &["runs", "--state", "odd"],
        &["run", "p", "-p", "x"],
    ] {
        let ended = place.run(arguments);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(64), ""),
            "{arguments:?}: {ended:?}"
        );
    }
    assert_eq!(place.run(&["--version"]).code, Some(0));
}

#[test]
fn the_settings_are_named_before_or_after_the_command() {
    let place = Place::new("lisen = 1");
    place.write("good.toml", "data_dir = \"yard\"");
    let sentence = "error: there is nothing in yard yet";
    for arguments in [["--config", "good.toml", "runs"], ["runs", "--config", "good.toml"]] {
        let ended = place.run(&arguments);
        assert!(ended.err.starts_with(sentence), "{ended:?}");
    }
    let from_environment = place
        .command(&["runs", "--config", "good.toml"])
        .env("TRAINYARD_DATA_DIR", "other")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&from_environment.stderr).starts_with("error: there is nothing in other yet"));
    assert!(
        !place.path().join("yard").exists(),
        "a command that reads made the data folder"
    );
    assert!(place.run(&["runs"]).err.contains("did you mean 'listen'?"));
}

#[test]
fn the_printed_default_is_a_configuration() {
    let place = Place::new("lisen = 1");
    let printed = place.run(&["serve", "--default-config"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    place.write("trainyard.toml", &printed.out);
    assert!(
        place
            .run(&["runs"])
            .err
            .starts_with("error: there is nothing in .trainyard yet")
    );
}

#[test]
fn reading_commands_on_an_empty_yard() {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    let (service, _) = Running::serve(&place);
    for command in [
        &["runs"][..],
        &["models"],
        &["runs", "0192"],
        &["logs", "0192", "x"],
        &["why", "0192", "x"],
        &["cancel", "0192"],
        &["rerun", "0192"],
        &["trigger", "flights"],
        &["models", "flights"],
    ] {
        let ended = place.run(command);
        assert_eq!(ended.code, Some(i32::from(command.len() > 1)), "{command:?}: {ended:?}");
    }
    assert_eq!(
        place.run(&["runs", "--json"]).json(),
        serde_json::json!({"runs": [], "next": null})
    );
    assert_eq!(
        place.run(&["models", "--json"]).json(),
        serde_json::json!({"targets": []})
    );
    drop(service);
}

/// A change is asked of the service that owns the data folder, and made here without one.
#[test]
fn a_rollback_goes_through_the_running_service() {
    let place = Place::new(&settings("{folder}".as_ref(), &format!("api_token = \"{API_TOKEN}\"")));
    let (service, address) = Running::serve(&place);
    let rollback = |address: &str| {
        let ended = place
            .command(&["rollback", "flights"])
            .env("TRAINYARD_LISTEN", address)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    let asked = || {
        block_on(async {
            trainyard_github::install_tls();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let figures = client
                .get(format!("http://{address}/metrics"))
                .bearer_auth(API_TOKEN)
                .send()
                .await
                .unwrap();
            figures
                .text()
                .await
                .unwrap()
                .lines()
                .any(|line| line.contains("/rollback") && line.ends_with(" 1"))
        })
    };
    let here = rollback("127.0.0.1:9");
    assert!(!asked(), "nobody listens there");
    let there = rollback(&address.to_string());
    assert!(asked(), "the service was not asked: {there}");
    assert_eq!(here, there);
    insta::assert_snapshot!(there, @"error: there is no push target 'flights' (known: none): see [targets] in trainyard.toml");
    drop(service);
}

/// A service that happens to listen there but owns another folder is not asked.
#[test]
fn a_stranger_on_the_same_address_is_not_asked() {
    let strange = Place::new(&settings("{folder}".as_ref(), ""));
    let (service, address) = Running::serve(&strange);
    let ours = Place::new(&settings("{folder}".as_ref(), ""));
    let ended = ours
        .command(&["rollback", "flights"])
        .env("TRAINYARD_LISTEN", address.to_string())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ours.path().join("yard/trainyard.db").exists(), "it was not done here");
    drop(service);
}

#[test]
fn secrets_are_shown_without_their_values() {
    let place = Place::new(
        "[secrets.lake]\nfile = \"{folder}/lake\"\nrepositories = [\"acme/*\"]\nbranches = [\"main\"]\n\
         [secrets.hub]\ncommand = [\"sh\", \"-c\", \"echo sealed >&2; exit 2\"]\n[secrets.vault]\nenv = \"VAULT_PASSWORD\"\n",
    );
    place.write("lake", "hunter22\n");
    let listed = place.run(&["secrets", "list"]);
    // However long the path is, the columns are even.
    let words = |line: &str| {
        line.split("  ")
            .filter(|word| !word.is_empty())
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let shown: Vec<String> = place.plain(&listed.out).lines().map(words).collect();
    let shown = shown.join("\n");
    insta::assert_snapshot!(shown, @"
    SECRET | FROM | REPOSITORIES | PIPELINES | BRANCHES | PULL REQUESTS
    hub | command sh | none, only folders on this machine | all | all | no
    lake | file FOLDER/lake | acme/* | all | main | no
    vault | env VAULT_PASSWORD | none, only folders on this machine | all | all | no
    ");
    let json: serde_json::Value = serde_json::from_str(&place.run(&["secrets", "list", "--json"]).out).unwrap();
    assert_eq!(json["secrets"][1]["repositories"][0], "acme/*");
    let mut said = String::new();
    for name in ["lake", "hub", "vault", "lakes"] {
        let ended = place.run(&["secrets", "test", name]);
        assert_eq!(ended.code, Some(i32::from(name != "lake")), "{ended:?}");
        said.push_str(&format!("{}{}", ended.out, ended.err));
    }
    assert!(!said.contains("hunter22") && !shown.contains("hunter22"));
    insta::assert_snapshot!(said, @"
    lake can be read: 8 bytes
    error: the secret 'hub' cannot be had, since its command ended with code 2: who runs the service sees more with `trainyard secrets test hub`
    sealed
    error: the secret 'vault' cannot be had, since the service has no such environment variable: who runs the service sees more with `trainyard secrets test vault`
    VAULT_PASSWORD is not set
    error: the service has no secret 'lakes': did you mean 'lake'? who runs the service can add [secrets.lakes] to its settings
    ");
}
