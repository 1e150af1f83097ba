//! `trainyard models` and `trainyard rollback` with a ledger.

use crate::binary::{Ended, Place, Running};
use crate::yard::{block_on, settings};
use serde_json::{Value, json};
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::registry::{Evidence, NewPromotion, PromotionAction};
use trainyard_store::{DatabaseUrl, Store};

/// A target that serves version 2, and the ledger of one that is not configured any more.
fn place() -> Place {
    let targets = "[targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"{folder}/models\"";
    let place = Place::new(&settings("{folder}".as_ref(), targets));
    std::fs::create_dir(place.path().join("yard")).unwrap();
    let entry = |target: &str, action, version: &str, run: u8, minute: i64| NewPromotion {
        target: target.to_owned(),
        pipeline: target.to_owned(),
        action,
        version: version.to_owned(),
        model: ArtifactRef {
            name: format!("run-{run}/train/model"),
            type_name: "Model".to_owned(),
            digest: Digest::from_sha256(&[run; 32]),
            uri: format!("/artifacts/{run}"),
            properties: Default::default(),
        },
        run: Some(RunId::new(format!("0192f0c1-2b3c-7000-8000-00000000000{run}"))),
        actor: "gate".to_owned(),
        evidence: Evidence::Recorded(json!({})),
        at: Micros(1_357_000_000_000_000 + minute * 60_000_000),
    };
    block_on(async {
        let store = Store::open(&DatabaseUrl::Sqlite(place.path().join("yard/trainyard.db")))
            .await
            .unwrap();
        let first = store
            .append_promotion(&entry("flights", PromotionAction::Push, "1", 1, 0), None, Vec::new())
            .await
            .unwrap();
        store
            .append_promotion(
                &entry("flights", PromotionAction::Push, "2", 2, 1),
                Some(first),
                Vec::new(),
            )
            .await
            .unwrap();
        let old = store
            .append_promotion(&entry("old", PromotionAction::Push, "7", 3, 2), None, Vec::new())
            .await
            .unwrap();
        store
            .append_promotion(
                &entry("old", PromotionAction::Removed, "7", 3, 3),
                Some(old),
                Vec::new(),
            )
            .await
            .unwrap();
        store.close().await;
    });
    place
}

#[test]
fn what_serves_and_how_it_got_there() {
    let place = place();
    let ended = place.run(&["models"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!(ended.out, @"
    flights serves version 2 of flights (http://127.0.0.1:9)
    champion 2
    WHEN                 WHAT  VERSION  RUN            BY
    2013-01-01 00:27:40  push        2  0192f0c1-2b3c  gate
    2013-01-01 00:26:40  push        1  0192f0c1-2b3c  gate

    old serves no model of ours (not in the configuration any more)
    WHEN                 WHAT     VERSION  RUN            BY
    2013-01-01 00:29:40  removed        7  0192f0c1-2b3c  gate
    2013-01-01 00:28:40  push           7  0192f0c1-2b3c  gate
    ");
    let models = place.run(&["models", "flights", "--json"]).json();
    assert_eq!(models["targets"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (
            &models["targets"][0]["serving"]["version"],
            &models["targets"][0]["ledger"][1]["version"]
        ),
        (&json!("2"), &json!("1"))
    );
}

#[test]
fn names_are_given_shown_and_taken_away() {
    let place = place();
    let set = place.run(&[
        "alias",
        "set",
        "flights",
        "challenger",
        "1",
        "--reason",
        "better on JFK",
    ]);
    assert_eq!(
        (set.code, set.out.as_str()),
        (Some(0), "challenger of flights is version 1\n"),
        "{set:?}"
    );
    let shown = place.run(&["models", "flights"]).out;
    assert_eq!(shown.lines().nth(1), Some("champion 2, challenger 1"));
    let models = place.run(&["models", "flights", "--json"]).json();
    assert_eq!(models["targets"][0]["aliases"][1]["reason"], "better on JFK");
    let champion = place.run(&["alias", "set", "flights", "champion", "1"]);
    assert_eq!(champion.code, Some(1));
    let removed = place.run(&["alias", "remove", "flights", "challenger"]);
    assert_eq!(removed.out, "flights has no challenger any more\n");
    assert_eq!(place.run(&["alias", "remove", "flights", "challenger"]).code, Some(1));
}

#[test]
fn what_cannot_be_promoted_says_why() {
    let place = place();
    let said = |arguments: &[&str]| {
        let ended = place.run(arguments);
        let folder = place.path().display().to_string();
        format!("{} {}", ended.code.unwrap_or(-1), ended.err.replace(&folder, "FOLDER"))
    };
    insta::assert_snapshot!([said(&["promote", "1"]), said(&["promote", "1", "--reason", "x"]), said(&["promote", "9"])].concat(), @r#"
    1 error: no gate judged this model; to promote it nevertheless, say why with --reason "…", which the ledger keeps
    1 error: the model's files are not in the artifact folder any more, where [retention] keeps the newest versions only: restore FOLDER/yard/artifacts/sha256/01/01010101010101010101010101010101010101010101010101010101010101 from a backup, or train again
    1 error: there is no run and no version '9': see `trainyard runs` and `trainyard models`, and name the --target of a version
    "#);
    let usage = place.run(&["promote", "1", "--reason", " "]);
    assert_eq!(usage.code, Some(64), "{usage:?}");
}

#[test]
fn everything_is_kept_until_a_policy_says_otherwise() {
    let place = place();
    let ended = place.run(&["gc"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    assert!(
        ended.out.starts_with("all logs and artifacts are kept"),
        "{}",
        ended.out
    );
    let gone = place.run(&["gc", "--dry-run", "--json"]).json();
    assert_eq!(
        (&gone["policy"], &gone["dry_run"], &gone["runs"]),
        (&json!(false), &json!(true), &json!([]))
    );
}

#[test]
fn what_cannot_be_rolled_back_says_why() {
    let place = place();
    let gone = place.run(&["rollback", "flights"]);
    assert_eq!((gone.code, gone.out.as_str()), (Some(1), ""));
    let unknown = place.run(&["rollback", "old"]);
    let folder = place.path().display().to_string();
    insta::assert_snapshot!(format!("{}{}", gone.err, unknown.err).replace(&folder, "FOLDER"), @"
    error: the files of version 1 of target 'flights' are not in the artifact folder any more, where [retention] keeps the newest versions only: restore FOLDER/yard/artifacts/sha256/01/01010101010101010101010101010101010101010101010101010101010101 from a backup, or train again
    error: there is no push target 'old' (known: flights): see [targets] in trainyard.toml
    ");
    assert_eq!(
        place.run(&["models", "flights", "--json"]).json()["targets"][0]["serving"]["version"],
        "2"
    );
}

/// A model that is as good as its parameter says.
pub const PIPELINE: &str = r#"name: tiny
parameters: { auc: 0.7 }
steps:
  train:
    image: none
    command: [sh, -c, 'mkdir "$1"; echo "$2" >"$1/weights"', sh, "{{outputs.model}}", "{{parameters.auc}}"]
    outputs: { model: Model }
  evaluate:
    image: none
    command:
      - sh
      - -c
      - |
        mkdir "$1"
        printf '{"schema_version":1,"model_type":"regression","baseline":false,"slices":[{"slice_key":{},"num_examples":100,"metrics":{"auc":{"candidate":%s}}}]}' "$2" >"$1/evaluation.json"
      - sh
      - "{{outputs.evaluation}}"
      - "{{parameters.auc}}"
    inputs: { model: train }
    outputs: { evaluation: ModelEvaluation }
gate:
  baseline: none
  metrics:
    auc: { value_threshold: { lower_bound: 0.6 } }
push: { target: tiny }
"#;

#[test]
fn a_running_service_promotes_and_the_ledger_says_it_all() {
    trainyard_github::install_tls();
    let target = "[targets.tiny]\nkind = \"tensorflow_serving\"\nrepository = \"{folder}/models\"";
    let place = Place::new(&settings("{folder}".as_ref(), target));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    let train = |auc: &str| {
        let ended = place.run(&[
            "run",
            "pipelines/tiny",
            "--push",
            "--json",
            "--parameter",
            &format!("auc={auc}"),
        ]);
        ended.json()["id"].as_str().unwrap().to_owned()
    };
    let (good, rejected) = (train("0.7"), train("0.5"));
    let served = |version: u32| std::fs::read_to_string(place.path().join(format!("models/tiny/{version}/weights")));
    assert_eq!(served(1).unwrap(), "0.7\n");

    let (service, address) = Running::serve(&place);
    // At a port that was free.
    let run = |arguments: &[&str]| -> Ended {
        let mut command = place.command(arguments);
        command.env("TRAINYARD_LISTEN", address.to_string());
        command.output().unwrap().into()
    };
    let refused = run(&["promote", &rejected]);
    assert_eq!(refused.code, Some(1));
    insta::assert_snapshot!(refused.err, @r#"error: the gate did not approve this model: auc overall is 0.5000, below the lower bound 0.6000; to promote it nevertheless, say why with --reason "…", which the ledger keeps"#);
    let reason = "the holdout was mislabelled";
    let forced = run(&["promote", &rejected, "--reason", reason, "--actor", "grace"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    insta::assert_snapshot!(forced.out, @"tiny serves version 000002 instead of 000001; the gate did not approve it, and the reason is in the ledger");
    assert_eq!(served(2).unwrap(), "0.5\n");
    // The gate approved this one, as version 1.
    let earlier = run(&["promote", "000001", "--json"]).json();
    assert_eq!((&earlier["version"], &earlier["run"]), (&json!("000003"), &json!(good)));
    assert_eq!(served(3).unwrap(), "0.7\n");
    let back = run(&["rollback", "tiny"]);
    assert_eq!(
        back.out,
        "tiny serves version 000002 again; version 000003 is withdrawn\n"
    );
    let pushes = block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{address}/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    });
    assert!(
        pushes.contains("trainyard_pushes_total{target=\"tiny\"} 2"),
        "the service did both: {pushes}"
    );

    let models = place.run(&["models", "tiny", "--json"]).json();
    let ledger: Vec<&Value> = models["targets"][0]["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .collect();
    let lines: Vec<_> = ledger
        .iter()
        .map(|entry| {
            [
                &entry["action"],
                &entry["version"],
                &entry["actor"],
                &entry["evidence"]["verdict"]["blessing"],
            ]
        })
        .collect();
    assert_eq!(
        json!(lines),
        json!([
            ["push", "000001", "ada", "blessed"],
            ["push", "000002", "local (grace)", "not_blessed"],
            ["push", "000003", "local (ada)", "blessed"],
            ["rollback", "000002", "local (ada)", "not_blessed"],
        ])
    );
    assert!(
        ledger.iter().all(|entry| entry["evidence"]["data"].is_array()),
        "{models}"
    );
    assert!(
        ledger.iter().all(|entry| entry["evidence"].get("commit").is_some()),
        "{models}"
    );
    assert_eq!(
        ledger[1]["evidence"]["forced"],
        json!({"by": "local (grace)", "reason": reason})
    );
    let told = place.run(&["models", "tiny"]).out;
    assert!(
        told.starts_with(&format!(
            "tiny serves version 000002 of tiny ({}/models)",
            place.path().display()
        )),
        "{told}"
    );
    assert!(
        told.contains("local (grace), against the gate: the holdout was mislabelled"),
        "{told}"
    );
    let diff = place.run(&["models", "diff", "tiny", "000001", "000002"]);
    assert_eq!(diff.code, Some(0), "{diff:?}");
    assert!(
        diff.out.contains("parameters auc") && diff.out.contains("version verdict"),
        "{diff:?}"
    );
    let unknown = place.run(&["models", "diff", "tiny", "000001", "9"]);
    assert_eq!(
        unknown.err,
        "error: tiny has no version '9': the newest are 000003, 000002, 000001\n"
    );
    // No repository is around it: the ledger says who pushed what nobody can check out again.
    assert_eq!(ledger[0]["work_tree"], "a folder without a commit");
    assert!(told.contains("ada, from a folder without a commit"), "{told}");

    let held = run(&["hold", "tiny", "--reason", "incident 7", "--actor", "grace"]);
    insta::assert_snapshot!(held.out, @"tiny is held: nothing new serves there until `trainyard release tiny`");
    let refused = run(&["promote", "000001"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .err
            .starts_with("error: target 'tiny' is held by local (grace) since 20"),
        "{refused:?}"
    );
    assert!(
        place
            .run(&["models", "tiny"])
            .out
            .contains("\nheld by local (grace) since 20")
    );
    let models = place.run(&["models", "tiny", "--json"]).json();
    assert_eq!(models["targets"][0]["hold"]["reason"], "incident 7");
    let pushed = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.9"]);
    assert!(
        pushed
            .out
            .contains("approved, not pushed: target 'tiny' is held by local (grace) since 20"),
        "{pushed:?}"
    );
    let back = run(&["rollback", "tiny", "--reason", "answers late", "--actor", "grace"]);
    insta::assert_snapshot!(back.out, @"tiny serves version 000001 again; version 000002 is withdrawn");
    let told = place.run(&["models", "tiny"]).out;
    assert!(told.contains("local (grace): answers late"), "{told}");
    let released = run(&["release", "tiny", "--json"]).json();
    assert_eq!(
        (&released["held"], &released["actor"]),
        (&json!(false), &json!("local (ada)"))
    );
    let twice = run(&["release", "tiny"]);
    insta::assert_snapshot!(twice.err, @"error: target 'tiny' is not held: see `trainyard models`");

    // A folder's run is judged, and pushed only on request.
    let judged = run(&["run", "pipelines/tiny", "--parameter", "auc=0.95"]);
    assert!(
        judged
            .out
            .contains("approved; a run of a folder pushes only with --push"),
        "{judged:?}"
    );
    let pushed = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.95"]);
    assert!(
        pushed.out.contains("approved, and serving as version 000004"),
        "{pushed:?}"
    );
    let again = run(&["run", "pipelines/tiny", "--push", "--parameter", "auc=0.95"]);
    assert_eq!(again.code, Some(0));
    assert!(
        again
            .out
            .contains("unchanged: the model is, byte for byte, what serves as version 000004"),
        "{again:?}"
    );
    assert!(again.out.contains("gate: unchanged"), "{again:?}");
    service.signal("TERM");
    assert_eq!(service.end().0, Some(0));
}
