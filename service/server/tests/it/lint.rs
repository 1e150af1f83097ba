//! `trainyard lint` and `trainyard schema`.

use crate::binary::Place;

const FINE: &str = "name: fine
steps:
  train:
    image: python:3.13
    command: [python, train.py]
    outputs: { model: Model }
";

#[test]
fn every_problem_is_shown_at_its_place() {
    let place = Place::new("");
    let cases = [
        ("unknown-key", FINE.replace("command:", "comand:")),
        ("cycle", "name: cycle\nsteps:\n  a: { image: x, command: [a], inputs: { i: b.o }, outputs: { o: T } }\n  b: { image: x, command: [b], inputs: { i: a.o }, outputs: { o: T } }\n".to_owned()),
        ("unparsable", "name: [broken\nsteps: }".to_owned()),
        ("metric", format!("{FINE}  predict: {{ image: x, command: [p], inputs: {{ model: train }}, outputs: {{ candidate: InferenceResult }} }}\n  evaluate: {{ uses: evaluator, with: {{ model_type: regression }}, inputs: {{ candidate: predict }} }}\ngate:\n  metrics:\n    auc: {{ value_threshold: {{ lower_bound: 0.6 }} }}\n")),
        ("unknown-input", format!("{FINE}  evaluate: {{ image: x, command: [e], inputs: {{ model: trian.model }}, outputs: {{ o: T }} }}\n")),
        ("empty", String::new()),
        ("fine", FINE.to_owned()),
    ];
    let mut said = String::new();
    for (name, text) in cases {
        place.write(&format!("pipelines/{name}/pipeline.yaml"), &text);
        let ended = place.run(&["lint", &format!("pipelines/{name}")]);
        assert_eq!(ended.code, Some(i32::from(name != "fine")), "{ended:?}");
        said.push_str(&ended.out);
        said.push_str(&ended.err);
    }
    insta::assert_snapshot!(said, @"
    pipelines/unknown-key/pipeline.yaml:5:5: unknown key 'comand': did you mean 'command'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
     5 |     comand: [python, train.py]
       |     ^
    1 problem in 1 pipeline file
    pipelines/cycle/pipeline.yaml:3:3: the steps wait for each other in a circle: a → b → a: take one of these inputs or afters out
     3 |   a: { image: x, command: [a], inputs: { i: b.o }, outputs: { o: T } }
       |   ^
    1 problem in 1 pipeline file
    pipelines/unparsable/pipeline.yaml:1:7: a text belongs here
     1 | name: [broken
       |       ^
    1 problem in 1 pipeline file
    pipelines/metric/pipeline.yaml:11:5: the evaluator measures no metric 'auc' for regression: known are mean_squared_error, root_mean_squared_error, mean_absolute_error, r_squared, mean_error, median_absolute_error, p90_absolute_error, mean_absolute_percentage_error
     11 |     auc: { value_threshold: { lower_bound: 0.6 } }
        |     ^
    1 problem in 1 pipeline file
    pipelines/unknown-input/pipeline.yaml:7:49: there is no step 'trian': did you mean 'train'? known are train, evaluate
     7 |   evaluate: { image: x, command: [e], inputs: { model: trian.model }, outputs: { o: T } }
       |                                                 ^
    1 problem in 1 pipeline file
    pipelines/empty/pipeline.yaml: the pipeline file is empty: it needs a name and steps
    1 problem in 1 pipeline file
    1 pipeline file without a problem
    ");
}

#[test]
fn unknown_secrets_are_seen() {
    let place = Place::new("[secrets.lake-password]\nenv = \"LAKE\"\n");
    let asking = FINE.replace("outputs:", "secrets: { DB: lake-pasword }\n    outputs:");
    place.write("pipelines/p/pipeline.yaml", &asking);
    let ended = place.run(&["lint"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.out.contains("there is no [secrets.lake-pasword] in ")
            && ended.out.contains("did you mean 'lake-password'?"),
        "{}",
        ended.out
    );
    place.write("pipelines/p/pipeline.yaml", &asking.replace("pasword", "password"));
    assert_eq!(place.run(&["lint"]).code, Some(0));
}

#[test]
fn a_missing_dockerfile_and_an_unknown_target_are_seen() {
    let place = Place::new("");
    let built = FINE.replace(
        "image: python:3.13",
        "build: { dockerfile: pipelines/p/Dockerfil, context: pipelines/none }",
    );
    let gated = format!(
        "{built}  evaluate: {{ image: x, command: [e], inputs: {{ model: train }}, outputs: {{ o: ModelEvaluation }} }}\ngate: {{ metrics: {{ auc: {{ value_threshold: {{ lower_bound: 0.6 }} }} }} }}\npush: {{ target: nowhere }}\n"
    );
    place.write("pipelines/p/pipeline.yaml", &gated);
    place.write("pipelines/p/Dockerfile", "FROM scratch\n");
    let ended = place.run(&["lint"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in [
        "pipeline.yaml:4:14: there is no Dockerfile 'pipelines/p/Dockerfil' in the repository ",
        "there is no folder 'pipelines/none' in the repository ",
        "there is no push target 'nowhere' in ",
    ] {
        assert!(ended.out.contains(said), "{said}: {}", ended.out);
    }
}

#[test]
fn folders_files_and_json() {
    let place = Place::new("");
    place.write("pipelines/a/pipeline.yaml", FINE);
    place.write(
        "pipelines/b/pipeline.yaml",
        &FINE.replace("image:", "imag:").replace("fine", "wrong"),
    );
    let all = place.run(&["lint", "--json"]);
    assert_eq!(all.code, Some(1));
    let all = all.json();
    assert_eq!(all["files"].as_array().unwrap().len(), 2);
    assert_eq!(all["problems"][0]["file"], "pipelines/b/pipeline.yaml");
    assert_eq!(
        (&all["problems"][0]["line"], &all["problems"][0]["column"]),
        (&4.into(), &5.into())
    );
    assert_eq!(place.run(&["lint", "pipelines/a/pipeline.yaml"]).code, Some(0));
    let mut said = String::new();
    for path in ["nowhere", "pipelines/a/nothing.yaml", "."] {
        let ended = place.run(&["lint", path]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
        said.push_str(&ended.err);
    }
    insta::assert_snapshot!(said, @r"
    error: nowhere cannot be read: No such file or directory (os error 2); name a pipeline file or its folder
    error: pipelines/a/nothing.yaml cannot be read: No such file or directory (os error 2); name a pipeline file or its folder
    error: . has no pipeline.yaml, and no folder in it has one: name a pipeline file or its folder
    ");
}

#[test]
fn bytes_that_are_no_text_are_a_problem_and_no_panic() {
    let place = Place::new("");
    let path = place.write("pipelines/p/pipeline.yaml", "");
    for bytes in [
        &b"\xff\xfe\x00name"[..],
        b"name: \x00",
        &[b'['; 100_000],
        b"a: &a [*a, *a]",
    ] {
        std::fs::write(&path, bytes).unwrap();
        let ended = place.run(&["lint"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.out.starts_with("pipelines/p/pipeline.yaml"), "{ended:?}");
    }
}

#[test]
fn the_schema_is_json() {
    let ended = Place::new("").run(&["schema"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.json()["properties"]["steps"].is_object());
}

#[test]
fn a_file_that_a_step_reads_must_be_there() {
    let place = Place::new("");
    let text = FINE.replace(
        "outputs:",
        "inputs: { words: file:pipelines/fine/words.txt }\n    outputs:",
    );
    let file = place.write("pipelines/fine/pipeline.yaml", &text);
    place.write("pipelines/fine/word.txt", "one");
    let ended = place.run(&["lint", "pipelines/fine"]);
    assert_eq!(ended.code, Some(1));
    insta::assert_snapshot!(place.plain(&ended.out), @"
    pipelines/fine/pipeline.yaml:6:15: there is no file 'pipelines/fine/words.txt' in the repository FOLDER: did you mean 'pipelines/fine/word.txt'?
     6 |     inputs: { words: file:pipelines/fine/words.txt }
       |               ^
    1 problem in 1 pipeline file
    ");
    place.write("pipelines/fine/words.txt", "one");
    for path in ["pipelines", file.to_str().unwrap()] {
        assert_eq!(place.run(&["lint", path]).code, Some(0), "{path}");
    }
}

#[test]
fn two_files_with_one_name_are_told_at_both() {
    let place = Place::new("");
    for folder in ["one", "two"] {
        place.write(&format!("pipelines/{folder}/pipeline.yaml"), FINE);
    }
    let ended = place.run(&["lint"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    insta::assert_snapshot!(ended.out, @"
    pipelines/one/pipeline.yaml:1:1: 'fine' is the name of the pipeline in pipelines/two/pipeline.yaml, too: give each pipeline a name of its own
     1 | name: fine
       | ^
    pipelines/two/pipeline.yaml:1:1: 'fine' is the name of the pipeline in pipelines/one/pipeline.yaml, too: give each pipeline a name of its own
     1 | name: fine
       | ^
    2 problems in 2 pipeline files
    ");
}
