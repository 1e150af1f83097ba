//! Everything that can be wrong ends in one sentence on the commit, and nothing is lost.

use crate::tiny;
use crate::yard::Yard;
use trainyard_core::ids::CommitSha;
use trainyard_core::run::RunState;
use trainyard_executors::fake::Script;

/// The description of the commit's `error` status.
async fn error_of(yard: &Yard, commit: &CommitSha) -> String {
    let description = yard.status(commit, "error").await.description.unwrap();
    description.replace(&yard.folder().display().to_string(), "FOLDER")
}

/// Pushes a pipeline file and returns the sentence that comes of it.
async fn of_file(changes: &[(&str, &str)]) -> String {
    let yard = Yard::new().await;
    let commit = yard.push(changes).await;
    error_of(&yard, &commit).await
}

/// Pushes the pipeline with a scripted training step, and returns the sentence that comes of it.
async fn of_training(script: impl Fn() -> Script + Send + Sync + 'static) -> String {
    let yard = Yard::new().await;
    yard.script("train", move |_, _| script());
    let commit = yard.push(&[]).await;
    let sentence = error_of(&yard, &commit).await;
    assert!(yard.ledger().await.is_empty());
    yard.tidy().await;
    sentence
}

#[tokio::test]
async fn a_pipeline_file_that_is_wrong() {
    insta::assert_snapshot!(of_file(&[("steps:", "steps: [")]).await, @"pipelines/tiny/pipeline.yaml:9:8: keys with values belong here: write them as key: value");
    insta::assert_snapshot!(of_file(&[("    command: [evaluate]", "    comand: [evaluate]")]).await, @"pipelines/tiny/pipeline.yaml:20:5: unknown key 'comand': did you mean 'command'? known are uses, with, build, image, command, inputs, after…");
    let cycle = [
        (
            "command: [left], inputs: { examples: examples }",
            "command: [left], inputs: { examples: right.half }",
        ),
        (
            "command: [right], inputs: { examples: examples }",
            "command: [right], inputs: { examples: left.half }",
        ),
    ];
    insta::assert_snapshot!(of_file(&cycle).await, @"pipelines/tiny/pipeline.yaml:11:3: the steps wait for each other in a circle: left → right → left: take one of these inputs or afters out");
}

#[tokio::test]
async fn an_image_that_cannot_be_built() {
    let yard = Yard::new().await;
    yard.work.remove(tiny::DOCKERFILE);
    yard.work.write("pipelines/tiny/code/train.py", "");
    let commit = yard.push(&[]).await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'train': the Dockerfile pipelines/tiny/code/Dockerfile cannot be read: correct build.dockerfile or add the file");

    let yard = Yard::new().await;
    yard.images.fail(
        "the build failed at RUN pip install nothing: exit code 1",
        &["looking", "not found"],
    );
    let commit = yard.push(&[]).await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'train': the build failed at RUN pip install nothing: exit code 1");
    let (row, _) = yard.last(1).await;
    let events = yard.events(&row.id).await;
    let lines = events.iter().find_map(|event| match event {
        trainyard_core::run::RunEvent::ImageFailed { last_lines, .. } => Some(last_lines.clone()),
        _ => None,
    });
    assert_eq!(lines.unwrap(), ["looking", "not found"]);
}

#[tokio::test]
async fn a_step_that_ends_badly() {
    insta::assert_snapshot!(of_training(|| Script::exits(3, "Traceback\nValueError: no rows")).await, @"step 'train' exited with code 3: ValueError: no rows");
    insta::assert_snapshot!(of_training(|| Script { code: 1, ..Script::default() }).await, @"step 'train' exited with code 1 and wrote nothing: see its log");
    insta::assert_snapshot!(of_training(|| Script { out_of_memory: true, ..Script::default() }).await, @"step 'train' was killed for using more than a step without resources.memory may use: set it");
    let refused = || Script {
        refused: Some("image sha256:1 is gone: build it again".to_owned()),
        ..Script::default()
    };
    insta::assert_snapshot!(of_training(refused).await, @"step 'train' could not be started: image sha256:1 is gone: build it again");
}

#[tokio::test]
async fn a_step_that_writes_what_it_should_not() {
    insta::assert_snapshot!(of_training(Script::default).await, @"step 'train' ended well but wrote no output 'model': write it to {{outputs.model}}");
    insta::assert_snapshot!(of_training(|| Script::writes("model/m", "1").and("notes.txt", "x")).await, @"step 'train' wrote 'notes.txt' beside its outputs: declare it under outputs, or write it to /tmp");
    insta::assert_snapshot!(of_training(|| Script::writes("model/m", "1").and("executor_output.json", "{")).await, @"step 'train': executor_output.json: it is not what the contract asks for: EOF while parsing an object at line 1 column 1");
    let yard = Yard::new().await;
    yard.script("train", |_, program| {
        let outputs = tiny::Task::of(program).outputs();
        std::fs::create_dir_all(outputs.join("model")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", outputs.join("model/model.onnx")).unwrap();
        Script::default()
    });
    let commit = yard.push(&[]).await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'train': output 'model' cannot be kept: it contains 'model.onnx', which is a link or a device: write plain files and folders");
}

#[tokio::test]
async fn a_step_that_takes_too_long() {
    let yard = Yard::new().await;
    yard.hold("train");
    let commit = yard
        .push(&[("    command: [train,", "    timeout: 1s\n    command: [train,")])
        .await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'train' was stopped after 1s: raise its timeout or make it faster");
    yard.tidy().await;
}

#[tokio::test]
async fn an_evaluation_that_cannot_be_read() {
    let yard = Yard::new().await;
    yard.script("evaluate", |_, _| Script::writes("evaluation/evaluation.json", "{}"));
    let commit = yard.push(&[]).await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'evaluate': evaluation.json is not an evaluation: missing field `schema_version` at line 1 column 2");
}

#[tokio::test]
async fn an_executor_that_is_away_is_waited_for() {
    let yard = Yard::new().await;
    yard.script("left", |_, program| tiny::usual(program).hanging());
    let commit = yard.push(&[]).await;
    let key = yard.started("left", 1).await;
    yard.executor.unreachable(3);
    yard.images.unreachable(1);
    yard.executor.finish(&key);
    let (row, run) = yard.last(1).await;
    insta::assert_snapshot!(row.summary.unwrap(), @"approved, and serving as version 000001");
    assert_eq!(run.steps["left"].last_attempt(), 1, "no attempt was used up");
    yard.status(&commit, "success").await;
}

#[tokio::test]
async fn data_that_changed_under_a_running_step() {
    let yard = Yard::new().await;
    yard.hold("examples");
    let commit = yard.push(&[]).await;
    yard.started("examples", 1).await;
    yard.data("2013-01", "something else\n");
    yard.release("examples");
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"step 'examples': rows/2013-01.csv changed while the step was reading it: run again on the new content");
}

#[tokio::test]
async fn a_baseline_that_is_gone() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    let serving = yard.serving().await;
    trainyard_engine::artifacts::remove_tree(std::path::Path::new(&serving.model.uri)).unwrap();
    let commit = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let sentence = error_of(&yard, &commit)
        .await
        .replace(serving.model.digest.short(), "DIGEST");
    insta::assert_snapshot!(sentence, @"the model to compare with (DIGEST) is gone from the artifact folder: restore it, or set gate.baseline to none");
    assert_eq!(yard.server.predict(), Some(("000001".to_owned(), 0.7)));
}

#[tokio::test]
async fn a_target_that_is_not_configured() {
    let yard = Yard::with(|config| config.targets.clear()).await;
    let commit = yard.push(&[]).await;
    insta::assert_snapshot!(error_of(&yard, &commit).await, @"push target 'tiny' is not configured (known: none): add [targets.tiny] to trainyard.toml, or run with --no-push");
    assert!(yard.programs().is_empty(), "it is said before anything runs");
}

/// An inference on the baseline that writes nothing leaves the evaluator without one: as if the model were the
/// first, whatever it lost would be served.
#[tokio::test]
async fn an_evaluation_without_the_baseline_that_is_there() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    let (_, first) = yard.last(1).await;
    assert_eq!(first.state, RunState::Succeeded, "{:?}", first.summary);
    yard.script("evaluate", |_, _| {
        let alone = r#"{"schema_version":1,"model_type":"binary_classification","baseline":false,
            "slices":[{"slice_key":{},"num_examples":1000,"metrics":{"auc":{"candidate":0.61}}}]}"#;
        Script::writes("evaluation/evaluation.json", alone)
    });
    let commit = yard.push(&[("auc: 0.7", "auc: 0.61")]).await;
    let sentence = error_of(&yard, &commit).await;
    assert!(
        sentence.starts_with("step 'evaluate': its evaluation has no baseline, and the gate is to compare with"),
        "{sentence}"
    );
    assert_eq!(yard.ledger().await.len(), 1, "only the first model serves");
    yard.tidy().await;
}
