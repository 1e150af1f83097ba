//! `trainyard run` with programs of this machine, and what the reading commands say afterwards.

use crate::binary::{Ended, Place, Running};
use crate::yard::{PATIENCE, settings};
use std::time::Instant;

/// Trains nothing, and measures what the parameter says.
const PIPELINE: &str = r#"name: tiny
parameters: { auc: 0.7, seconds: 0 }
steps:
  train:
    image: none
    command: [sh, -c, 'echo training; sleep "$2"; echo weights > "$1"', sh, "{{outputs.model}}", "{{parameters.seconds}}"]
    outputs: { model: Model }
  evaluate:
    image: none
    command:
      - sh
      - -c
      - |
        echo evaluating
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
"#;

fn place() -> Place {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    place
}

/// Text without ids and times, which differ from run to run.
pub fn steady(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n', ';', '/', ':']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', ';', '/', ',', ':']);
        let end = &word[bare.len()..];
        let hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let uuid = hex && [13, 36].contains(&bare.len()) && bare.as_bytes()[8] == b'-';
        let seconds = bare
            .strip_suffix('s')
            .is_some_and(|number| number.contains('.') && number.parse::<f64>().is_ok());
        match (uuid, seconds) {
            (true, _) => format!("RUN{end}"),
            (_, true) => format!("0.0s{end}"),
            _ => word.to_owned(),
        }
    });
    words.collect()
}

fn id(ended: &Ended) -> String {
    ended.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_approved_model_is_0_and_a_rejected_one_is_2() {
    let place = place();
    let approved = place.run(&["run", "pipelines/tiny"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    insta::assert_snapshot!(steady(&approved.err), @r"
    run RUN of tiny
    train: started
    train: done in 0.0s
    evaluate: started
    evaluate: done in 0.0s
    ");
    insta::assert_snapshot!(steady(&approved.out), @r"
    run RUN  succeeded
    pipeline  tiny
    cause     manual request by ada
    took      0.0s
    result    approved; the pipeline names no push target

    STEP      STATE      ATTEMPT  TOOK  FIGURES
    train     succeeded        1  0.0s  –
    evaluate  succeeded        1  0.0s  –

    gate: blessed
    SLICE    METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall  auc        0.7000  –         –           ≥ 0.6      ✓
    ");
    let rejected = place.run(&["run", "pipelines/tiny", "--parameter", "auc=0.5"]);
    assert_eq!(rejected.code, Some(2), "{rejected:?}");
    insta::assert_snapshot!(steady(&rejected.out), @r"
    run RUN  succeeded
    pipeline  tiny
    cause     manual request by ada
    took      0.0s
    result    not approved: auc overall is 0.5000, below the lower bound 0.6000

    STEP      STATE      ATTEMPT  TOOK  FIGURES
    train     succeeded        1  0.0s  –
    evaluate  succeeded        1  0.0s  –

    gate: not blessed
      ✗ auc overall is 0.5000, below the lower bound 0.6000
    SLICE    METRIC  CANDIDATE  BASELINE  DIFFERENCE  THRESHOLD
    overall  auc        0.5000  –         –           ≥ 0.6      ✗
    ");
}

/// With a folder that nobody serves yet, and data.
fn served() -> Place {
    let target = "data_root = \"{folder}/data\"\n[targets.tiny]\nkind = \"tensorflow_serving\"\nrepository = \"{folder}/models\"";
    let place = Place::new(&settings("{folder}".as_ref(), target));
    let trained = "echo training; sleep \"$2\"; echo weights > \"$1\"";
    let folder = "mkdir \"$1\"; cat \"$3\"/*/* | cksum > \"$1/weights\"";
    let file = PIPELINE
        .replace(trained, folder)
        .replace("\"{{parameters.seconds}}\"]", "\"{{parameters.seconds}}\", \"{{inputs.examples}}\"]\n    inputs: { examples: examples }")
        .replace("steps:\n", "data: { rows: { uri: \"rows/{YYYY}-{MM}.csv\" } }\nsteps:\n  examples: { uses: example-gen, with: { source: rows, splits: { train: 1 } } }\n");
    place.write(
        "pipelines/tiny/pipeline.yaml",
        &format!("{file}push: {{ target: tiny }}\n"),
    );
    for month in ["2014-05", "2014-06"] {
        place.write(&format!("data/rows/{month}.csv"), &format!("month,rows\n{month},1\n"));
    }
    place
}

/// Whoever reads nothing but a list, the last lines or the exit code learns that nothing was pushed, and why.
#[test]
fn a_model_that_is_kept_back_is_3() {
    let place = served();
    let push = |more: &[&str]| place.run(&[&["run", "pipelines/tiny", "--push"], more].concat());
    let first = push(&[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let older = push(&["--span", "2014-05"]);
    assert_eq!(older.code, Some(3), "{older:?}");
    assert!(older.out.contains("\nas of     rows 2014-05\n"), "{older:?}");
    assert!(
        older
            .out
            .contains("\nresult    approved, not pushed: it was made of data source 'rows' up to 2014-05"),
        "{older:?}"
    );
    assert!(older.out.contains("\npush: not done: it was made of"), "{older:?}");
    assert!(older.err.contains("push: not done: it was made of"), "{older:?}");
    assert_eq!(
        place.run(&["run", "pipelines/tiny", "--span", "2014-05"]).code,
        Some(0),
        "nobody wanted a push"
    );
    let unchanged = push(&[]);
    assert_eq!(unchanged.code, Some(0), "{unchanged:?}");
    std::fs::remove_dir_all(place.path().join("models/tiny/1")).unwrap();
    let doctor = place.run(&["doctor"]);
    assert!(
        doctor
            .out
            .contains("version 000001, which the ledger says serves, does not: "),
        "{doctor:?}"
    );
    let held = place.run(&["hold", "tiny", "--reason", "incident 7"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    let kept = push(&[]);
    assert_eq!(kept.code, Some(3), "{kept:?}");
    assert_eq!(place.run(&["release", "tiny"]).code, Some(0));
    let restored = push(&[]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(
        place.plain(&restored.out).contains(
            "unchanged, and pushed again as version 000002, since it did not serve: FOLDER/models/tiny/1 is gone"
        ),
        "{restored:?}"
    );
    let runs = place.run(&["runs"]).out;
    let verdicts: Vec<_> = runs
        .lines()
        .map(|line| {
            line.split("succeeded")
                .last()
                .unwrap_or_default()
                .split("  auc")
                .next()
                .unwrap_or_default()
                .trim()
        })
        .collect();
    insta::assert_snapshot!(verdicts[1..].join("\n"), @"
    unchanged
    unchanged, not pushed (target held)
    unchanged
    blessed
    blessed, not pushed (older data)
    blessed
    ");
    let wrong = push(&["--span", "june"]);
    assert_eq!(wrong.code, Some(1));
    insta::assert_snapshot!(wrong.err, @"error: 'june' is no span of data source 'rows': its files are like rows/{YYYY}-{MM}.csv");
}

/// The model of a folder's run may need a person, too, who says so by the same program.
#[test]
fn a_model_that_waits_for_a_person_is_3_and_is_pushed_by_their_word() {
    let place = served();
    let file = std::fs::read_to_string(place.path().join("pipelines/tiny/pipeline.yaml")).unwrap();
    let asks = file.replace(
        "push: { target: tiny }",
        "push: { target: tiny, approval: required, approval_expires: 2d }",
    );
    place.write("pipelines/tiny/pipeline.yaml", &asks);
    let waits = place.run(&["run", "pipelines/tiny", "--push"]);
    assert_eq!(waits.code, Some(3), "{waits:?}");
    let newest = || {
        let listed = place.run(&["runs", "--json"]).json();
        listed["runs"][0]["id"].as_str().unwrap().to_owned()
    };
    let first = newest();
    let wait = waits
        .out
        .lines()
        .find(|line| line.starts_with("waits for"))
        .unwrap_or_default();
    insta::assert_snapshot!(steady(wait), @"waits for the gate approved the model, and a person must approve its push to 'tiny' within 2 days: `trainyard approve RUN --reason …`, or reject");
    let listed = place.run(&["runs", "--state", "waiting_for_approval"]);
    assert!(listed.out.contains("waits: "), "{listed:?}");
    let json = place.run(&["runs", "--json"]).json();
    assert_eq!(json["runs"][0]["state"], "waiting_for_approval");
    assert!(json["runs"][0]["waits_for"].as_str().unwrap().contains("within 2 days"));
    assert_eq!(place.run(&["approve", &first]).code, Some(64), "without a reason");
    let again = place.run(&["run", "pipelines/tiny", "--push"]);
    assert_eq!(again.code, Some(3), "{again:?}");
    let second = newest();
    let older = place.run(&["approve", &first, "--reason", "fine"]);
    assert_eq!(older.code, Some(1), "{older:?}");
    assert!(older.err.contains("approve that one"), "{older:?}");
    let approved = place.run(&["approve", &second, "--reason", "agreed with risk", "--actor", "grace"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    insta::assert_snapshot!(steady(&approved.out), @"run RUN is approved by grace, and its model is pushed");
    let models = place.run(&["models"]).out;
    assert!(
        models.contains("grace") && models.contains("agreed with risk"),
        "{models}"
    );
    let rejected = place.run(&["reject", &first, "--reason", "an older one", "--json"]);
    assert_eq!(rejected.json()["answer"], "reject", "{rejected:?}");
    let over = place.run(&["reject", &first, "--reason", "again"]);
    assert_eq!(over.code, Some(1), "{over:?}");
    assert!(
        over.err.contains("does not wait for approval: it has succeeded"),
        "{over:?}"
    );
}

#[test]
fn another_gate_is_tried_on_recorded_runs() {
    let place = place();
    let lax = "metrics: { auc: { value_threshold: { lower_bound: 0.4 } } }";
    place.write("lax.yaml", lax);
    place.write("empty.yaml", "gate: { baseline: none }");
    let replay = |arguments: &[&str]| place.run(&[&["gate", "replay", "--gate"], arguments].concat());
    place.run(&["run", "pipelines/tiny", "-p", "auc=unknown"]);
    insta::assert_snapshot!(replay(&["lax.yaml"]).out, @"there is no recorded verdict to try the gate on");

    let approved = id(&place.run(&["run", "pipelines/tiny", "--json"]));
    place.run(&["run", "pipelines/tiny", "-p", "auc=0.5"]);
    place.run(&["run", "pipelines/tiny", "-p", "auc=0.3"]);
    let said = replay(&["lax.yaml", "--pipeline", "tiny", "--json"]).json();
    assert_eq!(
        (&said["verdicts"], &said["changed"], &said["gone"]),
        (&3.into(), &1.into(), &0.into())
    );
    let changes: Vec<bool> = said["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["changes"] == true)
        .collect();
    assert_eq!(
        (changes, &said["runs"][2]["run"]),
        (vec![false, true, false], &approved.into())
    );
    let shown = |arguments: &[&str]| {
        let mut text = replay(arguments).out;
        for run in said["runs"].as_array().unwrap() {
            text = text.replace(
                &run["created_at"].as_str().unwrap()[..19].replace('T', " "),
                "WHEN               ",
            );
        }
        steady(&text)
    };
    insta::assert_snapshot!(shown(&["lax.yaml"]), @"
    1 of 3 recorded verdicts would change
    RUN            CREATED              PIPELINE  THEN         NOW                   REASON
    RUN  WHEN                 tiny      not_blessed  not_blessed           auc overall is 0.3000, below the lower bound 0.4000
    RUN  WHEN                 tiny      not_blessed  blessed      changes  then: auc overall is 0.5000, below the lower bound 0.6000
    RUN  WHEN                 tiny      blessed      blessed
    ");
    insta::assert_snapshot!(shown(&["empty.yaml", "--limit", "1"]), @"
    1 of 1 recorded verdicts would change
    RUN            CREATED              PIPELINE  THEN         NOW                     REASON
    RUN  WHEN                 tiny      not_blessed  not_evaluated  changes  then: auc overall is 0.3000, below the lower bound 0.6000
    ");
    insta::assert_snapshot!(replay(&["lax.yaml", "--pipeline", "tinny"]).err, @"error: there is no pipeline 'tinny': did you mean 'tiny'? the only one is tiny");

    // What was collected is not judged, and said so.
    let uri = place
        .run(&["runs", said["runs"][0]["run"].as_str().unwrap(), "--json"])
        .json()["steps"][1]["outputs"]["evaluation"]["uri"]
        .clone();
    trainyard_engine::artifacts::remove_tree(uri.as_str().unwrap().as_ref()).unwrap();
    insta::assert_snapshot!(shown(&["lax.yaml", "--limit", "2"]), @"
    1 of 1 recorded verdicts would change; 1 more cannot be judged anew
    RUN            CREATED              PIPELINE  THEN         NOW               REASON
    RUN  WHEN                 tiny      not_blessed  –                 its evaluation.json cannot be read: No such file or directory (os error 2)
    RUN  WHEN                 tiny      not_blessed  blessed  changes  then: auc overall is 0.5000, below the lower bound 0.6000
    ");
}

#[test]
fn a_failed_step_is_1_and_its_last_line_is_the_reason() {
    let place = place();
    place.write(
        "pipelines/tiny/pipeline.yaml",
        &PIPELINE.replace(
            "echo training;",
            "echo training; echo no such column: dep_delay >&2; exit 3;",
        ),
    );
    let failed = place.run(&["run", "pipelines/tiny"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    insta::assert_snapshot!(steady(&format!("{}{}", failed.err, failed.out)), @r"
    run RUN of tiny
    train: started
    train: step 'train' exited with code 3: no such column: dep_delay
    evaluate: not run, because step 'train' did not finish
    run RUN  failed
    pipeline  tiny
    cause     manual request by ada
    took      0.0s
    result    step 'train' exited with code 3: no such column: dep_delay

    STEP      STATE    ATTEMPT  TOOK  FIGURES
    train     failed         1  0.0s  the result above
    evaluate  skipped        –  –     not run, because step 'train' did not finish
    what 'train' wrote: trainyard logs RUN train
      | training
      | no such column: dep_delay
    ");
}

#[test]
fn what_cannot_be_run_is_1_and_explained() {
    let place = place();
    place.write(
        "pipelines/wrong/pipeline.yaml",
        &PIPELINE.replace("image: none", "imag: none"),
    );
    let cases = [
        &["run", "pipelines/none"][..],
        &["run", "pipelines/wrong"],
        &["run", "pipelines/tiny", "-p", "unknown=1"],
    ];
    let mut said = String::new();
    for arguments in cases {
        let ended = place.run(arguments);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(1), ""),
            "{arguments:?}: {ended:?}"
        );
        said.push_str(&ended.err);
    }
    insta::assert_snapshot!(said, @"
    error: pipelines/none/pipeline.yaml cannot be read: a pipeline folder has a file pipeline.yaml
    pipelines/wrong/pipeline.yaml:5:5: unknown key 'imag': did you mean 'image'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
     5 |     imag: none
       |     ^
    pipelines/wrong/pipeline.yaml:9:5: unknown key 'imag': did you mean 'image'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
     9 |     imag: none
       |     ^
    error: pipelines/wrong/pipeline.yaml has 2 problems, and nothing was run
    pipelines/tiny/pipeline.yaml:2:1: there is no parameter 'unknown' to replace: known are auc, seconds
     2 | parameters: { auc: 0.7, seconds: 0 }
       | ^
    error: pipelines/tiny/pipeline.yaml has 1 problem, and nothing was run
    ");
}

#[test]
fn everything_can_be_read_afterwards() {
    let place = place();
    let first = place.run(&["run", "pipelines/tiny", "--json"]);
    assert_eq!(first.code, Some(0));
    assert_eq!(first.json()["verdict"]["blessing"], "blessed");
    let second = place.run(&["run", "pipelines/tiny", "--json", "-p", "auc=0.65"]);
    let third = place.run(&["run", "pipelines/tiny", "--json", "-p", "auc=0.65"]);
    let (first, second, third) = (id(&first), id(&second), id(&third));

    let listed = place.run(&["runs", "--json"]).json();
    let ids: Vec<&str> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [&third, &second, &first]);
    assert_eq!(listed["runs"][0]["metrics"]["auc"]["candidate"], 0.65);
    let page = place.run(&["runs", "--json", "--limit", "1"]).json();
    assert_eq!(page["next"], third.as_str());
    assert_eq!(
        place.run(&["runs", "--json", "--pipeline", "other"]).json()["runs"],
        serde_json::json!([])
    );
    assert_eq!(
        place.run(&["runs", "--json", "--state", "failed"]).json()["runs"],
        serde_json::json!([])
    );
    let asked = |filter: &[&str]| {
        let listed = place.run(&[&["runs", "--json"], filter].concat()).json();
        listed["runs"].as_array().unwrap().len()
    };
    for (filter, number) in [
        (&["--verdict", "blessed"][..], 3),
        (&["--verdict", "not_blessed"], 0),
        (&["--trigger", "manual", "--since", "2014-06-01"], 3),
        (&["--since", "2999-01-01"], 0),
        (&["--branch", "main"], 0),
    ] {
        assert_eq!(asked(filter), number, "{filter:?}");
    }
    insta::assert_snapshot!(place.run(&["runs", "--verdict", "good"]).err, @"error: 'good' is not a verdict: ask for blessed, not_blessed, not_evaluated or unchanged");
    assert_eq!(place.run(&["runs"]).out.lines().count(), 4);
    assert!(place.run(&["runs", &third[..13]]).out.contains("cached"));
    let several = place.run(&["runs", "0"]);
    assert!(
        several.err.starts_with("error: more than one run begins with '0'"),
        "{several:?}"
    );

    assert_eq!(place.run(&["logs", &first, "train"]).out, "training\n");
    assert_eq!(
        place.run(&["logs", &first[..13], "evaluate", "--follow"]).out,
        "evaluating\n"
    );
    // A log that grew too large has its beginning in a second file.
    place.write(&format!("yard/logs/{first}/train.1.log.1"), "earlier\n");
    assert_eq!(place.run(&["logs", &first, "train"]).out, "earlier\ntraining\n");
    let mut said = String::new();
    for arguments in [
        &["logs", &third, "train"][..],
        &["logs", &first, "trian"],
        &["logs", &first, "train", "--attempt", "2"],
        &["why", &first, "trian"],
        &["cancel", &first],
        &["rerun", &first],
    ] {
        let ended = place.run(arguments);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(1), ""),
            "{arguments:?}: {ended:?}"
        );
        said.push_str(&ended.err.replace(&place.path().display().to_string(), "FOLDER"));
    }
    for (run, step) in [
        (&first, "train"),
        (&second, "train"),
        (&second, "evaluate"),
        (&third, "evaluate"),
    ] {
        let ended = place.run(&["why", run, step]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        said.push_str(&ended.out);
    }
    insta::assert_snapshot!(steady(&said), @r"
    error: step 'train' has no log: an earlier execution stood in, see `trainyard why`
    error: run RUN has no step 'trian': it has logs of train, evaluate
    error: attempt 2 of step 'train' has no log: nothing was written, or the log was removed
    error: run RUN has no step 'trian': it has train, evaluate
    error: run RUN is over already: succeeded
    error: run RUN is of a folder on a machine, which may have changed: run it there with `trainyard run FOLDER/pipelines/tiny`
    step 'train' ran, because no earlier run of the pipeline came to it
    step 'train' ran, because since run RUN:
      parameter auc changed from 0.7 to 0.65
    step 'evaluate' ran, because since run RUN:
      parameter auc changed from 0.7 to 0.65
    step 'evaluate' did not run: nothing of its cache key changed since run RUN, whose outputs stand in
    ");
    let why = place.run(&["why", &second, "train", "--json"]).json();
    assert_eq!(
        (
            why["compared_with"].as_str(),
            why["differences"].as_array().map(Vec::len)
        ),
        (Some(first.as_str()), Some(1))
    );
}

/// The programs of this folder that still run.
fn left_behind(place: &Place) -> Vec<String> {
    let folder = place.path().display().to_string();
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    processes
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&folder))
        .collect()
}

#[test]
fn ctrl_c_cancels_the_run_and_its_programs() {
    let place = place();
    let mut command = place.command(&["run", "pipelines/tiny", "-p", "seconds=600"]);
    let running = Running::start(&mut command);
    running.says("train: started");
    let deadline = Instant::now() + PATIENCE;
    while !left_behind(&place).iter().any(|line| line.contains("sleep")) {
        assert!(Instant::now() < deadline, "the program did not start");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.signal("INT");
    let (code, log) = running.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("cancelled by ada"), "{log}");
    assert_eq!(place.run(&["runs", "--json"]).json()["runs"][0]["state"], "cancelled");
    assert_eq!(left_behind(&place), Vec::<String>::new());
}

#[test]
fn another_terminal_can_cancel_it() {
    let place = place();
    let running = Running::start(&mut place.command(&["run", "pipelines/tiny", "-p", "seconds=60"]));
    running.says("train: started");
    let run = place.run(&["runs", "--json"]).json()["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(place.run(&["cancel", &run]).code, Some(0));
    let started = Instant::now();
    let (code, log) = running.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(started.elapsed() < PATIENCE, "it went on to the end of the step");
}

#[test]
fn without_docker_nothing_is_run() {
    let place = Place::new("data_dir = \"yard\"");
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    let mut command = place.command(&["run", "pipelines/tiny"]);
    let ended: Ended = command
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap()
        .into();
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    insta::assert_snapshot!(ended.err, @"error: Docker at unix:///nowhere/docker.sock does not answer: start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST");
    assert_eq!(place.run(&["runs", "--json"]).json()["runs"], serde_json::json!([]));
}

#[test]
fn a_log_is_followed_to_its_end() {
    let place = place();
    let text = PIPELINE.replace("echo training;", "for n in 1 2 3; do echo line $n; sleep 0.1; done;");
    place.write("pipelines/tiny/pipeline.yaml", &text);
    let running = Running::start(&mut place.command(&["run", "pipelines/tiny"]));
    running.says("train: started");
    let run = place.run(&["runs", "--json"]).json()["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        place.run(&["logs", &run, "train", "--follow"]).out,
        "line 1\nline 2\nline 3\n"
    );
    assert_eq!(place.run(&["logs", &run, "evaluate", "--follow"]).out, "evaluating\n");
    assert_eq!(running.end().0, Some(0));
}
