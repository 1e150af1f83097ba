//! `trainyard plan`: what would run, what is cached and why, before and after a run.

use crate::binary::Place;
use crate::run::steady;
use crate::yard::settings;
use std::collections::BTreeSet;

const PIPELINE: &str = r#"name: tiny
parameters: { size: 3 }
on:
  push: { branches: [main], paths: ["pipelines/tiny/**"] }
  pull_request: { branches: [main] }
  data: { source: rows, quiet_period: 90s }
data: { rows: { uri: "rows/{YYYY}-{MM}.csv" } }
steps:
  read:
    image: none
    command: [sh, -c, 'cat "$1" > "$2"', sh, "{{inputs.words}}", "{{outputs.words}}"]
    inputs: { words: "file:pipelines/tiny/words.txt" }
    outputs: { words: Words }
  train:
    image: none
    command: [sh, -c, 'echo "$1" > "$2"', sh, "{{parameters.size}}", "{{outputs.model}}"]
    inputs: { words: read }
    outputs: { model: Model }
  report:
    image: none
    command: [sh, -c, 'cat "$1" > "$2"', sh, "{{inputs.model}}", "{{outputs.report}}"]
    inputs: { model: train }
    outputs: { report: Report }
    cache: false
"#;

fn place() -> Place {
    let place = Place::new(&settings("{folder}".as_ref(), ""));
    place.write("pipelines/tiny/pipeline.yaml", PIPELINE);
    place.write("pipelines/tiny/words.txt", "one two\n");
    place
}

/// Of a time nobody knows beforehand whether it is 1 s or 2 s.
fn plan(place: &Place, more: &[&str]) -> String {
    let ended = place.run(&[&["plan", "pipelines/tiny"], more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    steady(&ended.out).replace(" 2s ", " 1s ")
}

#[test]
fn what_runs_and_what_is_cached_is_known_before_it_starts() {
    let place = place();
    insta::assert_snapshot!(plan(&place, &[]), @"
    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ manual         it listens
          ✓ pipeline     [tiny] lets 'tiny' through
        – push           not for this event
        – pull_request   not for this event
        – data           not for this event

    2 of 3 steps run, of 1 it is not known yet: how long that takes is not known, since nothing like it has run yet.

    STEP    EXPECTED       USUALLY  WHY
    read    runs           –        it has not run before
    train   not known yet  –        it depends on what step 'read' makes
    report  runs           –        its file says `cache: false`
    ");
    assert_eq!(place.run(&["runs", "--json"]).json()["runs"], serde_json::json!([]));

    let ran = place.run(&["run", "pipelines/tiny"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(plan(&place, &[]), @"
    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ manual         it listens
          ✓ pipeline     [tiny] lets 'tiny' through
        – push           not for this event
        – pull_request   not for this event
        – data           not for this event

    1 of 3 steps runs, 2 are cached: less than a minute.

    STEP    EXPECTED  USUALLY  WHY
    read    cached    –        nothing it depends on is different since run RUN
    train   cached    –        nothing it depends on is different since run RUN
    report  runs      1s       its file says `cache: false`
    ");
    insta::assert_snapshot!(plan(&place, &["--parameter", "size=4"]), @"
    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ manual         it listens
          ✓ pipeline     [tiny] lets 'tiny' through
        – push           not for this event
        – pull_request   not for this event
        – data           not for this event

    2 of 3 steps run, of 1 it is not known yet: less than a minute.

    STEP    EXPECTED       USUALLY  WHY
    read    runs           1s       parameter size changed from 3 to 4
    train   not known yet  1s       it depends on what step 'read' makes
    report  runs           1s       its file says `cache: false`
    ");
    place.write("pipelines/tiny/words.txt", "one two three\n");
    insta::assert_snapshot!(plan(&place, &[]), @"
    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ manual         it listens
          ✓ pipeline     [tiny] lets 'tiny' through
        – push           not for this event
        – pull_request   not for this event
        – data           not for this event

    2 of 3 steps run, of 1 it is not known yet: less than a minute.

    STEP    EXPECTED       USUALLY  WHY
    read    runs           1s       input words changed from sha256:d23da5117ec7… to sha256:75b1f7224c0a…
    train   not known yet  1s       it depends on what step 'read' makes
    report  runs           1s       its file says `cache: false`
    ");

    // It says what then happens, and leaves nothing behind.
    let works = || {
        let found = std::fs::read_dir(place.path().join("yard/work")).unwrap();
        found.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    let before = works();
    let json = place.run(&["plan", "pipelines/tiny", "--json"]).json();
    assert_eq!(works(), before);
    let expected = json["plan"]["steps"].as_array().unwrap().iter();
    let expected: Vec<&str> = expected.map(|step| step["expected"].as_str().unwrap()).collect();
    assert_eq!(expected, ["runs", "not known yet", "runs"]);
    let ran = place.run(&["run", "pipelines/tiny", "--json"]).json();
    assert_eq!(ran["steps"][0]["state"], "succeeded", "{ran:#}");
}

#[test]
fn what_starts_nothing_is_said_with_the_filter_that_failed() {
    let place = place();
    let shown: Vec<String> = [
        &["--event", "push", "--branch", "feature"][..],
        &[
            "--event",
            "push",
            "--changed",
            "README.md",
            "--changed",
            "pipelines/tiny/words.txt",
        ],
        &["--event", "push", "--changed", "README.md"],
        &["--event", "pull_request"],
        &["--event", "data"],
        &["--event", "schedule"],
    ]
    .iter()
    .map(|more| plan(&place, more).split("\n\n").next().unwrap().to_owned())
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    push to 'feature' of this/repository starts nothing: pipeline 'tiny' listens to branches [main]
      pipeline tiny (pipelines/tiny)
        ✓ push           it listens
          ✗ branches     [main] does not let 'feature' through
          – paths        [pipelines/tiny/**] could not be asked, and lets it through
        – pull_request   not for this event
        – data           not for this event
        – manual         not for this event

    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ push           it listens
          ✓ branches     [main] lets 'main' through
          ✓ paths        [pipelines/tiny/**] lets README.md, pipelines/tiny/words.txt through
        – pull_request   not for this event
        – data           not for this event
        – manual         not for this event
    push to 'main' of this/repository starts nothing: pipeline 'tiny' listens to paths [pipelines/tiny/**], and no changed file is one of them
      pipeline tiny (pipelines/tiny)
        ✓ push           it listens
          ✓ branches     [main] lets 'main' through
          ✗ paths        [pipelines/tiny/**] does not let 'README.md' through
        – pull_request   not for this event
        – data           not for this event
        – manual         not for this event

    a run starts
      pipeline tiny (pipelines/tiny)
        ✓ pull_request   it listens
          ✓ types        [opened, synchronize, reopened, edited] lets 'synchronize' through
          ✓ labels       no filter: everything is let through
          ✓ branches     [main] lets 'main' through
          ✓ paths        no filter: everything is let through
        – push           not for this event
        – data           not for this event
        – manual         not for this event
    a run starts when nothing else arrived for 1m30s
      pipeline tiny (pipelines/tiny)
        ✓ data           it listens
          ✓ source       [rows] lets 'rows' through
        – push           not for this event
        – pull_request   not for this event
        – manual         not for this event
    schedule of now starts nothing: pipeline 'tiny' no longer has a schedule
      pipeline tiny (pipelines/tiny)
        ✗ schedule       it does not listen
        – push           not for this event
        – pull_request   not for this event
        – data           not for this event
        – manual         not for this event
    ");
    let json = place
        .run(&["plan", "pipelines/tiny", "--event", "schedule", "--json"])
        .json();
    assert_eq!(
        (&json["starts"], &json["plan"]),
        (&false.into(), &serde_json::Value::Null)
    );
    let wrong = place.run(&["plan", "pipelines/tiny", "--span", "2014-05", "--event", "manual"]);
    assert_eq!(wrong.code, Some(0), "{wrong:?}");
    let wrong = place.run(&["plan", "pipelines/tiny", "--span", "May"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
}
