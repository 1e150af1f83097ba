//! `trainyard init`: what flags and a sample lead to, and what is refused.

use crate::binary::Place;
use crate::terminal::Terminal;
use crate::yard::settings;

const CHURN: &str = "customer_id,tenure,plan,churned\n1,5,basic,yes\n2,40,plus,no\n3,,basic,yes\n4,61,plus,no\n";

/// Two months of customers.
fn place() -> Place {
    let place = Place::new(&settings(
        "{folder}".as_ref(),
        "data_root = \"{folder}/data\"\n[targets.flights]\nkind = \"tensorflow_serving\"\nrepository = \"models\"",
    ));
    place.write("data/churn/2024-01.csv", CHURN);
    place.write("data/churn/2024-02.csv", CHURN);
    place
}

const FLAGS: [&str; 7] = ["init", "--data", "data/churn", "--label", "churned", "--name", "churn"];

#[test]
fn flags_and_a_folder_make_a_pipeline_that_lints() {
    let place = place();
    let ended = place.run(&FLAGS);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!(ended.out, @"
    wrote pipelines/churn/pipeline.yaml
    wrote pipelines/churn/features.py
    wrote pipelines/churn/train.py
    wrote pipelines/churn/infer.py
    wrote pipelines/churn/model.py
    wrote pipelines/churn/schema.json
    wrote dockerfiles/churn.Dockerfile

    data        churn/{YYYY}-{MM}.csv (2 spans now)
    predicts    the probability that churned is yes, and not no
    numbers     tenure
    categories  plan
    judged      by the newest span, which is left out of training
    left out    customer_id: it looks like the name of a row

    next:
      trainyard lint pipelines/churn
      trainyard run pipelines/churn
    ");
    let linted = place.run(&["lint", "pipelines/churn"]);
    assert_eq!(
        (linted.code, linted.out.as_str()),
        (Some(0), "1 pipeline file without a problem\n"),
        "{linted:?}"
    );
    let again = place.run(&FLAGS);
    assert_eq!(again.code, Some(1), "{again:?}");
    insta::assert_snapshot!(again.err, @"error: pipelines/churn/pipeline.yaml, pipelines/churn/features.py, pipelines/churn/train.py, pipelines/churn/infer.py, pipelines/churn/model.py, pipelines/churn/schema.json, dockerfiles/churn.Dockerfile are there already, and nothing is overwritten: choose another --name or --dir, or move it away");
}

#[test]
fn a_person_at_a_terminal_is_asked_until_the_answer_fits() {
    let place = place();
    let mut terminal = Terminal::start(place.command(&["init"]));
    terminal.shows("Where are the data? A folder, a file, or a pattern: ");
    terminal.types("churns");
    terminal.shows("name a file, its folder, or a pattern\n");
    terminal.types("churn");
    terminal.shows("Which column is predicted? There are customer_id, tenure, plan, churned [churned]: ");
    terminal.types("churnd");
    terminal.shows("did you mean 'churned'?");
    // Nothing is what is suggested.
    terminal.shows("[churned]: ");
    terminal.types("");
    terminal.shows("How is the pipeline called? [churn]: ");
    terminal.types("Churn");
    terminal.shows("'Churn' cannot be the name of a pipeline");
    terminal.types("leavers");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("predicts    the probability that churned is yes, and not no\n"),
        "{shown}"
    );
    let linted = place.run(&["lint", "pipelines/leavers"]);
    assert_eq!(linted.code, Some(0), "{linted:?}");
}

#[test]
fn where_there_is_no_sample_a_person_names_the_columns() {
    let place = place();
    let mut terminal = Terminal::start(place.command(&["init", "--data", "later/{YYYY}-{MM}.csv"]));
    terminal.shows("Which column is predicted?: ");
    terminal.types("late");
    terminal.shows("Which two values has late? With a comma; nothing if it is a number [number]: ");
    terminal.types("no");
    terminal.shows("write two values with a comma between them");
    terminal.types("no, yes");
    terminal.shows("COLUMN:text where one is no number: ");
    terminal.types("distance, origin:text");
    terminal.shows("How is the pipeline called? [later]: ");
    terminal.types("");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("numbers     distance\ncategories  origin\n"), "{shown}");
    let linted = place.run(&["lint", "pipelines/later"]);
    assert_eq!(linted.code, Some(0), "{linted:?}");
}

/// Of each way to train; a label of two values, and a number.
#[test]
fn every_trainer_makes_a_pipeline_that_lints() {
    let place = place();
    for from in ["sklearn", "xgboost", "pytorch"] {
        for label in ["churned", "tenure"] {
            let name = format!("{from}-{label}");
            let made = place.run(&[
                "init", "--data", "churn", "--label", label, "--name", &name, "--from", from,
            ]);
            assert_eq!(made.code, Some(0), "{made:?}");
        }
    }
    let flights = place.run(&["init", "--from", "flights"]);
    assert_eq!(flights.code, Some(0), "{flights:?}");
    let linted = place.run(&["lint", "--json"]);
    assert_eq!(linted.json()["problems"], serde_json::json!([]));
    assert_eq!(linted.json()["files"].as_array().unwrap().len(), 7);
}

#[test]
fn what_is_missing_is_named_by_its_flag() {
    let place = place();
    place.write("data/grades/2024.csv", "name,mood\na,good\nb,bad\nc,fine\n");
    let cases: [&[&str]; 13] = [
        &[],
        &["--data", "nothing"],
        &["--data", "trainyard.toml"],
        &["--data", "churn"],
        &["--data", "churn", "--label", "churned"],
        &["--data", "churn", "--label", "churn"],
        &["--data", "churn", "--label", "churned", "--name", "Churn"],
        &["--data", "churn", "--label", "churned", "--columns", "tenur"],
        &["--data", "grades", "--label", "mood"],
        &["--data", "later/{YYYY}-{MM}.csv"],
        &[
            "--data",
            "later/{YYYY}-{MM}.csv",
            "--columns",
            "a,b:text",
            "--label",
            "y",
        ],
        &["--data", "{YYYY}.csv"],
        &["--from", "flights", "--label", "late"],
    ];
    let mut shown = String::new();
    for case in cases {
        let ended = place.run(&[&["init"], case].concat());
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{case:?}: {ended:?}");
        shown += &format!("{}\n{}", case.join(" "), place.plain(&ended.err));
    }
    assert!(!place.path().join("pipelines").exists());
    insta::assert_snapshot!(shown, @"
    error: --data is missing, and there is no terminal to ask at: give it
    --data nothing
    error: there is nothing at nothing, nor at FOLDER/data/nothing: name a file, its folder, or a pattern
    --data trainyard.toml
    error: FOLDER/trainyard.toml is not below data_root, FOLDER/data: move it there, or set data_root in trainyard.toml
    --data churn
    error: --label is missing, and there is no terminal to ask at: give it, for example --label churned
    --data churn --label churned
    error: --name is missing, and there is no terminal to ask at: give it, for example --name churn
    --data churn --label churn
    error: there is no column 'churn' in the sample: did you mean 'churned'? known are customer_id, tenure, plan, churned
    --data churn --label churned --name Churn
    error: 'Churn' cannot be the name of a pipeline: a-z, 0-9, - and _, a letter first, at most 63 characters
    --data churn --label churned --columns tenur
    error: there is no column 'tenur' in the sample: did you mean 'tenure'? known are customer_id, tenure, plan, churned
    --data grades --label mood
    error: column 'mood' has 3 different texts, and what is predicted is a number or one of two values: name another --label
    --data later/{YYYY}-{MM}.csv
    error: no file is like later/{YYYY}-{MM}.csv yet: put one there, or name a --sample FILE, or the columns with --columns
    --data later/{YYYY}-{MM}.csv --columns a,b:text --label y
    error: without a sample nobody knows what 'y' is: say --regression, or its two values with --values no,yes
    --data {YYYY}.csv
    error: '{YYYY}.csv' names spans by date but not fully: it needs {YYYY} and {MM}, and {DD} for days
    --from flights --label late
    error: --from flights is the demo's pipeline as it is, and takes no --label: leave one of them out
    ");
}

#[test]
fn who_names_the_columns_needs_no_file() {
    let place = place();
    let columns = [
        "--columns",
        "tenure,plan:text,label",
        "--label",
        "label",
        "--name",
        "later",
    ];
    let made = place.run(
        &[
            &["init", "--data", "later/{YYYY}-{MM}.csv", "--values", "0,1", "--json"],
            &columns[..],
        ]
        .concat(),
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    insta::assert_json_snapshot!(made.json()["chosen"], @r#"
    {
      "name": "later",
      "data": "later/{YYYY}-{MM}.csv",
      "label": "label",
      "numbers": [
        "tenure"
      ],
      "categories": [
        "plan"
      ],
      "left_out": []
    }
    "#);
    assert_eq!(place.run(&["lint"]).code, Some(0));
}

#[test]
fn what_init_wrote_is_drawn() {
    let place = place();
    assert_eq!(place.run(&FLAGS).code, Some(0));
    insta::assert_snapshot!(place.run(&["graph", "pipelines/churn"]).out, @"
    churn

    NODE                 DOES                   IN                                       AFTER
    examples             ExampleGen             standard component                       –
    newest               ExampleGen             standard component                       –
    previous             ExampleGen             standard component                       –
    newest_statistics    StatisticsGen          standard component                       newest
    previous_statistics  StatisticsGen          standard component                       previous
    validate             ExampleValidator       standard component                       newest_statistics, previous_statistics
    train                Trainer                built from dockerfiles/churn.Dockerfile  examples, validate
    infer_candidate      BulkInferrer           built from dockerfiles/churn.Dockerfile  newest, train
    infer_baseline       BulkInferrer           built from dockerfiles/churn.Dockerfile  newest
    evaluate             Evaluator              standard component                       infer_candidate, infer_baseline
    gate                 compares with serving  –                                        evaluate, train
    ");
    let mermaid = place.run(&["graph", "pipelines", "--format", "mermaid"]);
    assert!(mermaid.out.starts_with("flowchart LR\n"), "{mermaid:?}");
    let json = place.run(&["graph", "pipelines/churn/pipeline.yaml", "--json"]);
    assert_eq!(json.json()["nodes"].as_array().unwrap().len(), 11);
    place.write("pipelines/churn/pipeline.yaml", "name: churn\nstep: {}\n");
    let wrong = place.run(&["graph", "pipelines/churn"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.err.contains("did you mean 'steps'?"), "{wrong:?}");
    assert!(
        wrong
            .err
            .ends_with("has 1 problem, and is not read further: correct what is shown above\n"),
        "{wrong:?}"
    );
}
