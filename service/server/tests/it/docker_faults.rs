//! Every fault of a model on the real model server: the version before it goes on serving.

use crate::binary::{Ended, Place, Running};
use crate::docker::{Leftovers, docker};
use crate::docker_serving::{self, Serving, ask, client};
use crate::yard::{eventually, settings};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// y = factor * x for rows of x, or something else.
const FAULTY: &str = r#"
import asyncio, os, time
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput

class Faulty(MLModel):
    async def load(self):
        self.kind, self.factor = (self.settings.parameters.extra[name] for name in ["kind", "factor"])
        if self.kind == "refuse":
            raise ValueError("there is no graph in it")
        if self.kind == "late":
            await asyncio.sleep(1)
        if self.kind == "hang":
            await asyncio.sleep(600)
        return self.kind != "unready"

    async def predict(self, payload):
        values = [self.factor * x for x in payload.inputs[0].data.root]
        shape, datatype = [len(values), 1], "FP32"
        if self.kind == "error":
            raise ValueError("the weights are gone")
        if self.kind == "nan":
            values[-1] = float("nan")
        if self.kind == "infinity":
            values[-1] = float("inf")
        if self.kind == "rows":
            values, shape = values[:1], [1, 1]
        if self.kind == "shape":
            shape = [1, len(values)]
        if self.kind == "torn":
            shape = [7, 1]
        if self.kind == "words":
            values = [str(value) for value in values]
        if self.kind == "slow":
            time.sleep(0.2)
        if self.kind == "die":
            os._exit(3)
        output = ResponseOutput(name="y", shape=shape, datatype=datatype, data=values)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
"#;

const TRAIN: &str = r#"name: line
parameters: { factor: 2.0, kind: good }
steps:
  train:
    image: trainyard/base:bookworm
    command:
      - sh
      - -c
      - |
        mkdir "$1"
        cat >"$1/faulty.py" <<'END'
        FAULTY
        END
        printf '{"implementation":"faulty.Faulty","parameters":{"extra":{"kind":"%s","factor":%s}}}' "$3" "$2" >"$1/model-settings.json"
        triple=$(awk "BEGIN { print 3 * $2 }")
        printf '{"request":{"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[1,3]}]},"response":{"outputs":[{"name":"y","shape":[2,1],"data":[%s,%s]}]}}' "$2" "$triple" >"$1/sample.json"
      - sh
      - "{{outputs.model}}"
      - "{{parameters.factor}}"
      - "{{parameters.kind}}"
    outputs: { model: Model }
"#;

const TARGET: &str = "[targets.line]\nurl = \"URL\"\nrepository = \"FOLDER/models\"\nmax_loading_time = \"3s\"\n";

fn configure(place: &Place, serving: &Serving) {
    let folder = place.path().display().to_string();
    let target = TARGET.replace("URL", &serving.url).replace("FOLDER", &folder);
    place.write("trainyard.toml", &settings(place.path(), &target));
}

fn write_pipeline(place: &Place) {
    let lines = FAULTY.trim().lines();
    let indented: Vec<_> = lines.map(|line| format!("        {line}")).collect();
    let train = TRAIN.replace("        FAULTY", &indented.join("\n"));
    docker_serving::write_pipeline(place, &train, "100ms");
}

fn train(place: &Place, factor: &str, kind: &str) -> Ended {
    let (factor, kind) = (format!("factor={factor}"), format!("kind={kind}"));
    place.run(&[
        "run",
        "pipelines/line",
        "--push",
        "--parameter",
        &factor,
        "--parameter",
        &kind,
    ])
}

/// Every file `name` below a folder.
fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => find(&path, name),
            false if path.ends_with(name) => vec![path],
            false => Vec::new(),
        })
        .collect()
}

fn damage(file: &Path, text: &str) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(file, text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_model_never_takes_the_place_of_one_that_serves() {
    trainyard_github::install_tls();
    let place = Place::new("");
    write_pipeline(&place);
    let mut serving = Serving::start(&place, &[]).await;
    configure(&place, &serving);
    let client = client();
    for (factor, version) in [("2.0", "000001"), ("3.0", "000002")] {
        let ended = train(&place, factor, "good");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = (version.to_owned(), factor.parse().unwrap());
        assert_eq!(ask(&client, &serving.url).await, Some(expected));
    }
    let mut said = Vec::new();
    for kind in [
        "refuse", "unready", "hang", "error", "nan", "infinity", "rows", "shape", "torn", "words", "slow",
    ] {
        let ended = train(&place, "4.0", kind);
        assert_eq!(ended.code, Some(1), "{kind}: {ended:?}");
        let result = ended
            .out
            .lines()
            .find(|line| line.starts_with("result"))
            .unwrap_or_default();
        said.push(result.replace("result    the approved model was not pushed: ", ""));
        let serves = ask(&client, &serving.url).await;
        assert_eq!(serves, Some(("000002".to_owned(), 3.0)), "{kind}: {ended:?}");
    }
    let slow = said.pop().unwrap();
    assert!(slow.contains("more than max_latency 100.0ms"), "{slow}");
    insta::assert_snapshot!(said.join("\n"), @r#"
    the model server refused to load model 'line' (500 Internal Server Error: ValueError: there is no graph in it): see its log
    version 000004 of model 'line' did not become ready within 3s: see the model server's log
    the model server did not load model 'line' within 3s (max_loading_time): see its log, and start it anew if it hangs
    the model server refused to answer a sample request (500 Internal Server Error: ValueError: the weights are gone): see its log
    the served model answers NaN or an infinity (null) for row 2 of 'y', where a finite number was expected
    the served model answers NaN or an infinity (null) for row 2 of 'y', where a finite number was expected
    the served model answers shape [1, 1] for 'y' where [2, 1] was expected
    the served model answers shape [1, 2] for 'y' where [2, 1] was expected
    the served model answers 2 values for 'y', which its shape [7,1] does not hold
    the served model answers "4.0" for row 1 of 'y', where a finite number was expected
    "#);

    let ended = train(&place, "4.0", "late");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let late = ask(&client, &serving.url).await.unwrap();
    assert_eq!(late.1, 4.0, "one that needs a while is waited for");

    let ended = train(&place, "5.0", "die");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("went away while version"), "{ended:?}");
    docker(&["start", &serving.container]);
    serving.live().await;
    configure(&place, &serving);
    eventually("the version before serves, since the folder is gone", async || {
        ask(&client, &serving.url).await == Some(late.clone())
    })
    .await;

    // The version before, damaged where the server reads it: refused, and written anew when asked again.
    damage(
        &place.path().join("models/line/000002/faulty.py"),
        &FAULTY.replace("self.factor *", "9 *"),
    );
    let ended = place.run(&["rollback", "line"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("held other bytes than the model"), "{ended:?}");
    assert_eq!(ask(&client, &serving.url).await, Some(late.clone()));
    let ended = place.run(&["rollback", "line"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ask(&client, &serving.url).await, Some(("000002".to_owned(), 3.0)));
    // The one before that, damaged where it was sealed.
    for sealed in find(&place.path().join("yard/artifacts"), "faulty.py") {
        damage(&sealed, "import nothing");
    }
    let ended = place.run(&["rollback", "line"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("changed since they were sealed"), "{ended:?}");
    assert_eq!(ask(&client, &serving.url).await, Some(("000002".to_owned(), 3.0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throw_away_server_that_hangs_does_not_outlive_a_killed_service() {
    trainyard_github::install_tls();
    let place = Place::new(
        "data_dir = \"{folder}/yard\"\nlisten = \"127.0.0.1:0\"\n[targets.line]\nurl = \"http://127.0.0.1:9\"\n\
         repository = \"{folder}/models\"\nimage = \"trainyard/serving\"\nmax_loading_time = \"10s\"\n",
    );
    write_pipeline(&place);
    let service = Running::start(&mut place.command(&["run", "pipelines/line", "--push", "--parameter", "kind=hang"]));
    let instance = place.path().join("yard/instance");
    let name = || fs::read_to_string(&instance).unwrap_or_default();
    eventually("the instance has its name", async || !name().is_empty()).await;
    let leftovers = Leftovers(name());
    service.says("evaluate: done");
    let trial = || leftovers.of_step("InfraValidator");
    eventually("the trial is at work", async || !trial().is_empty()).await;
    service.signal("KILL");
    service.end();
    assert!(!trial().is_empty(), "the container does not mind");

    let (service, _) = Running::serve(&place);
    let run = || place.run(&["runs", "--json"]).json()["runs"][0].clone();
    eventually("the run is over", async || run()["state"] == "failed").await;
    eventually("no container is left", async || leftovers.containers().is_empty()).await;
    let summary = run()["summary"].to_string();
    assert!(
        summary.contains("infra validation refused the model: the model server did not load model 'line' within 10s"),
        "{summary}"
    );
    service.signal("TERM");
    assert_eq!(service.end().0, Some(0));
    assert!(find(&place.path().join("yard/work"), "model-settings.json").is_empty());
}
