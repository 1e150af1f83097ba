//! What a training reports: as lines of its log, and in TensorBoard's event files, while it runs and when it is over.

use crate::browser::world::World;
use crate::yard::{API_TOKEN, Answer, eventually};
use serde_json::json;

/// Writes the beginning of an event file, waits, and writes the rest.
const PIPELINE: &str = r#"name: board
on: { push: { branches: [main], paths: ["pipelines/board/**"] } }
steps:
  train:
    image: none
    command:
      - sh
      - -c
      - |
        mkdir -p "$1/train" "$1/eval"
        echo '{"step": 1, "train/auc": 0.5}'
        ln -s "$2" "$1/train/events.out.tfevents.0.link"
        head -c 300 "$2" >"$1/train/events.out.tfevents.1.host"
        while [ ! -e "$3" ] && [ -d "${3%/*}" ]; do sleep 0.05; done
        rm "$1/train/events.out.tfevents.0.link"
        tail -c +301 "$2" >>"$1/train/events.out.tfevents.1.host"
        head -c 100 "$2" >"$1/eval/events.out.tfevents.2.host"
      - sh
      - "{{outputs.logs}}"
      - "SAMPLE"
      - "GO"
    outputs: { logs: Logs }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scalars_of_event_files_are_curves_while_the_step_runs_and_after_it() {
    let world = World::empty().await;
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../core/tests/event_files/events.out.tfevents.tensorboardX"
    );
    let pipeline = PIPELINE.replace("SAMPLE", sample).replace("GO", &world.path("go"));
    world.push("board", &pipeline, "Add board");
    let run = world.newest("board", "running").await;
    let get = async || -> Answer {
        let path = format!("/api/v1/runs/{run}/curves");
        world
            .yard
            .send(world.yard.request("GET", &path).bearer_auth(API_TOKEN))
            .await
    };
    let steps = async || {
        let told = get().await.json();
        let of = |metric: &str| {
            let points = told["steps"][0]["metrics"][metric].as_array();
            let steps = points.into_iter().flatten().map(|at| at["step"].as_u64().unwrap());
            steps.collect::<Vec<u64>>()
        };
        (of("train/loss"), of("train/auc"), told["steps"][0]["problems"].clone())
    };
    // Of what both say the log's is shown.
    eventually("the beginning is read", async || {
        steps().await == (vec![0, 10, 20], vec![1], json!([]))
    })
    .await;
    world.signal("go");
    world.newest("board", "succeeded").await;
    let (loss, _, problems) = steps().await;
    assert_eq!(loss, [0, 10, 20, 30, 40]);
    let broken = "events.out.tfevents.2.host in logs: it breaks off within a record, as where its program was killed";
    assert_eq!(problems, json!([broken]));
    let told = world.command(&["curves", &run]);
    insta::assert_snapshot!(told, @"
    STEP   METRIC      FIRST  LAST  AT
    train  eval/loss       1     1   0
    train  train/auc     0.5   0.5   1
    train  train/loss      1   0.2  40
    ! events.out.tfevents.2.host in logs: it breaks off within a record, as where its program was killed
    ");
    let cookie = world.signed_in().await;
    let request = world
        .yard
        .request("GET", &format!("/runs/{run}"))
        .header("accept", "text/html");
    let page = world.yard.send(request.header("cookie", cookie)).await.text;
    assert!(
        page.contains("train/loss over the steps 0 to 40") && page.contains(broken),
        "{page}"
    );
    world.yard.stop().await;
}
