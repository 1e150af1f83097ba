//! Files of the repository that steps read.

use crate::tiny::{self, Task};
use crate::yard::{REPO, Yard};
use serde_json::Map;
use trainyard_core::run::{Run, RunState};
use trainyard_engine::LocalError;
use trainyard_executors::fake::Script;

const SCHEMA: &str = "pipelines/tiny/schema.json";

/// The tiny pipeline with a validator that reads a schema, and a step of its own that reads words.
fn pipeline() -> Vec<(&'static str, &'static str)> {
    vec![(
        "  left: {",
        "  statistics: { uses: statistics-gen, inputs: { examples: examples } }
  validate:
    uses: example-validator
    inputs: { statistics: statistics, schema: file:pipelines/tiny/schema.json }
  words: { image: tools, command: [words], inputs: { list: file:words.txt }, outputs: { seen: Words } }
  left: {",
    )]
}

async fn yard() -> Yard {
    let yard = Yard::new().await;
    yard.script("statistics", |_, _| {
        Script::writes("statistics/Split-train/statistics.json", "{}")
    });
    yard.script("validate", |_, program| {
        let schema = std::fs::read_to_string(Task::of(program).input("schema").join("schema.json")).unwrap();
        Script::writes("anomalies/Split-train/anomalies.json", schema)
    });
    yard.script("words", |_, program| {
        let words = std::fs::read_to_string(Task::of(program).input("list")).unwrap();
        Script::writes("seen", words)
    });
    yard.work.write(SCHEMA, r#"{"feature": []}"#);
    yard.work.write("words.txt", "one\n");
    yard
}

fn read(run: &Run, step: &str, output: &str, file: &str) -> String {
    let artifact = &run.steps[step].outputs[output];
    std::fs::read_to_string(std::path::Path::new(&artifact.uri).join(file))
        .unwrap_or_else(|_| std::fs::read_to_string(&artifact.uri).unwrap())
}

#[tokio::test]
async fn a_file_of_the_commit_is_an_input_with_its_content_as_identity() {
    let yard = yard().await;
    let first = yard.push(&pipeline()).await;
    let (_, run) = yard.last(1).await;
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.summary);
    assert_eq!(
        read(&run, "validate", "anomalies", "Split-train/anomalies.json"),
        r#"{"feature": []}"#
    );
    assert_eq!(read(&run, "words", "seen", ""), "one\n");
    let schema = &run.steps["validate"].inputs["schema"];
    assert_eq!(schema.type_name, "Schema");
    assert_eq!(schema.name, format!("acme/tiny@{first}:{SCHEMA}"));
    assert_eq!(schema.properties["path"], SCHEMA);
    assert_eq!(schema.properties["commit"], first.as_str());

    // Another commit with the same content: nothing to do.
    yard.work.write("pipelines/tiny/README.md", "words");
    yard.push(&pipeline()).await;
    let (_, run) = yard.last(2).await;
    assert_eq!(run.steps["validate"].state.as_str(), "cached");
    assert_eq!(run.steps["words"].state.as_str(), "cached");

    // Other content: that step and no other runs again.
    yard.work.write(SCHEMA, r#"{"feature": [{"name": "x"}]}"#);
    let third = yard.push(&pipeline()).await;
    let (_, run) = yard.last(3).await;
    assert_eq!(run.steps["validate"].state.as_str(), "succeeded");
    assert_eq!(run.steps["words"].state.as_str(), "cached");
    assert!(read(&run, "validate", "anomalies", "Split-train/anomalies.json").contains("\"x\""));

    let schema = &run.steps["validate"].inputs["schema"];
    assert_eq!(schema.properties["commit"], third.as_str());
    let stored = yard
        .engine
        .reads()
        .artifact_by_digest("Schema", &schema.digest)
        .await
        .unwrap();
    assert_eq!(stored.as_ref(), Some(schema), "ML Metadata knows path and commit");
}

#[tokio::test]
async fn a_pointer_of_git_lfs_is_not_taken_for_the_file() {
    let yard = yard().await;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n";
    yard.work.write("words.txt", pointer);
    yard.push(&pipeline()).await;
    let (_, run) = yard.last(1).await;
    assert_eq!(run.state, RunState::Failed);
    insta::assert_snapshot!(run.summary.unwrap(), @"step 'words': 'words.txt' is a pointer of Git LFS and not the file itself, and its content is not in the commit: commit the file, or read it as data from the data root");
    assert!(yard.programs().iter().all(|step| step.as_str() != "words"));
}

#[tokio::test]
async fn a_file_of_a_submodule_is_not_there() {
    let yard = yard().await;
    let commit = yard.work.git(&[
        "commit-tree",
        "-m",
        "Elsewhere",
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ]);
    let module = format!("160000,{},vendored", commit.await.trim());
    yard.work.git(&["update-index", "--add", "--cacheinfo", &module]).await;
    let text = pipeline()
        .iter()
        .map(|(from, to)| (*from, to.replace("file:words.txt", "file:vendored/words.txt")))
        .collect::<Vec<_>>();
    let text: Vec<_> = text.iter().map(|(from, to)| (*from, to.as_str())).collect();
    yard.work.write(tiny::FILE, &tiny::tiny(&text));
    yard.work.git(&["add", "pipelines"]).await;
    yard.work
        .git(&["commit", "--quiet", "--message", "Read a submodule"])
        .await;
    yard.work.git(&["push", "--quiet", "origin", "HEAD"]).await;
    let outcome = yard.settled(1).await.remove(0).outcome.unwrap();
    insta::assert_snapshot!(outcome, @"pipelines/tiny/pipeline.yaml:15:54: 'vendored' is a git submodule, whose files are not in the commit: commit them in its place, or leave it out with a .dockerignore");
}

#[tokio::test]
async fn a_pull_request_brings_its_own_file_and_leaves_the_base_s() {
    let yard = yard().await;
    yard.push(&pipeline()).await;
    yard.last(1).await;
    yard.work.branch("change").await;
    yard.work.write(SCHEMA, r#"{"feature": [{"name": "y"}]}"#);
    let head = yard.work.push("Allow y").await;
    yard.github
        .open_pull_request(REPO, "Allow y", "change", "main")
        .await
        .unwrap();
    let (_, run) = yard.last(2).await;
    assert_eq!(
        run.steps["validate"].inputs["schema"].properties["commit"],
        head.as_str()
    );
    assert!(read(&run, "validate", "anomalies", "Split-train/anomalies.json").contains("\"y\""));
}

#[tokio::test]
async fn a_file_that_is_not_in_the_commit_is_a_mistake_of_the_pipeline_file() {
    let yard = yard().await;
    yard.work.remove(SCHEMA);
    yard.work.write("pipelines/tiny/shema.json", "{}");
    let commit = yard.push(&pipeline()).await;
    let status = yard.status(&commit, "error").await;
    let short = &commit.as_str()[..7];
    insta::assert_snapshot!(status.description.unwrap().replace(short, "COMMIT"), @"pipelines/tiny/pipeline.yaml:14:39: there is no file 'pipelines/tiny/schema.json' in commit COMMIT: did you mean 'pipelines/tiny/shema.jso…");
    assert!(yard.runs().await.is_empty());
}

#[tokio::test]
async fn a_local_run_reads_its_work_tree() {
    let mut yard = yard().await;
    yard.stop_loops().await;
    let folder = yard.folder().join("repository");
    let write = |file: &str, content: &str| {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), content).unwrap();
    };
    write(tiny::FILE, &tiny::tiny(&pipeline()));
    write(tiny::DOCKERFILE, "FROM base\n");
    write("words.txt", "two\n");
    let (pipeline, parameters) = (folder.join("pipelines/tiny"), Map::new());
    let request = async || yard.engine.request_local(&pipeline, &parameters, false, "ada").await;
    let Err(LocalError::Invalid { problems, .. }) = request().await else {
        panic!("a file is missing");
    };
    let message = problems[0].message.replace(&folder.display().to_string(), "FOLDER");
    insta::assert_snapshot!(message, @"there is no file 'pipelines/tiny/schema.json' in the repository FOLDER");

    write(SCHEMA, "{}");
    let run = yard.engine.drive(&request().await.unwrap()).await.unwrap();
    assert_eq!(run.state, RunState::Succeeded, "{:?}", run.summary);
    assert_eq!(read(&run, "words", "seen", ""), "two\n");
    let schema = &run.steps["validate"].inputs["schema"];
    assert_eq!(
        (schema.properties.get("commit"), schema.properties["path"].as_str()),
        (None, Some(SCHEMA))
    );
}
