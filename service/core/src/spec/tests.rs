//! From a file to its plan, or to everything that is wrong with it.

mod cross_slices;

use super::{load, unknown_secrets};
use crate::ids::StepName;
use crate::plan::{ImageSource, InputSource, Plan, with_base_gate};
use crate::stored;
use proptest::prelude::*;
use serde_json::{Map, json};

/// The worked example of the design, with every section.
pub(crate) const FLIGHTS: &str = r#"name: flights
parameters: { learning_rate: 0.1, label: late }
on:
  push: { branches: [main], paths: ["pipelines/flights/**", "!**/*.md"] }
  pull_request: { branches: [main] }
  data: { source: flights, quiet_period: 10s }
  schedule: { cron: "0 3 * * 1", timezone: America/New_York, catchup: latest }
data:
  flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3 } } }
steps:
  evaluate:
    uses: evaluator
    with: { model_type: binary_classification, prediction: score }
    inputs: { candidate: infer.candidate, baseline: infer.baseline }
  examples:
    uses: example-gen
    with: { source: flights, splits: { train: 4, eval: 1 } }
  statistics: { uses: statistics-gen, inputs: { examples: examples } }
  schema: { uses: schema-gen, inputs: { statistics: statistics } }
  validate: { uses: example-validator, inputs: { statistics: statistics, schema: schema } }
  transform:
    build: &trainer { dockerfile: dockerfiles/trainer.Dockerfile, context: . }
    command: [python, transform.py, --out, "{{outputs.graph}}"]
    inputs: { examples: examples }
    outputs: { graph: TransformGraph, examples: Examples }
  train:
    build: *trainer
    command: [python, train.py, --examples, "{{inputs.transformed}}", "--model={{outputs.model}}", "{{parameters.learning_rate}}"]
    inputs: { transformed: transform.examples, graph: transform.graph }
    outputs: { model: Model }
    resources: { cpus: 2, memory: 4Gi }
    timeout: 30m
    retry: { max_retry_count: 2, backoff_duration: 10s }
  infer:
    build: *trainer
    command: [python, infer.py, "{{task}}"]
    inputs: { model: train, baseline: baseline.model, examples: examples }
    outputs: { candidate: InferenceResult, baseline: InferenceResult }
gate:
  slicing_specs: [{}, { feature_keys: [origin] }]
  metrics:
    auc:
      value_threshold: { lower_bound: 0.60 }
      change_threshold: { absolute: -0.005, direction: HIGHER_IS_BETTER }
push: { target: flights, infra_validation: LOAD_AND_QUERY }
"#;

pub(crate) fn flights() -> Plan {
    load("p.yaml", FLIGHTS, &Map::new()).unwrap()
}

/// Every problem of the example after one replacement, rendered.
fn problems(from: &str, to: &str) -> String {
    assert!(FLIGHTS.contains(from), "{from}");
    said(&FLIGHTS.replacen(from, to, 1))
}

fn said(text: &str) -> String {
    match load("p.yaml", text, &Map::new()) {
        Ok(_) => "no problem".to_owned(),
        Err(problems) => problems.iter().map(|p| p.render(text)).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn the_example_becomes_a_plan() {
    let plan = flights();
    let order: Vec<&str> = plan.steps.keys().map(StepName::as_str).collect();
    assert_eq!(
        order,
        [
            "examples",
            "statistics",
            "schema",
            "validate",
            "transform",
            "train",
            "infer",
            "evaluate"
        ]
    );
    let components: Vec<&str> = plan.steps.values().map(|s| s.component.as_str()).collect();
    let expected = [
        "ExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "ExampleValidator",
        "Transform",
        "Trainer",
        "BulkInferrer",
        "Evaluator",
    ];
    assert_eq!(components, expected);
    assert_eq!(
        plan.images.keys().collect::<Vec<_>>(),
        ["transform"],
        "one image for three steps"
    );
    let train = &plan.steps[&StepName::from("train")];
    assert_eq!(train.image, ImageSource::Build("transform".to_owned()));
    assert_eq!(train.memory_bytes, Some(4 << 30));
    assert_eq!((train.timeout_seconds, train.retry.max_retry_count), (1800, 2));
    assert_eq!(train.parameters["learning_rate"], 0.1);
    let graph = InputSource::Output {
        step: "transform".into(),
        output: "graph".into(),
    };
    assert_eq!(train.inputs["graph"], graph);
    let infer = &plan.steps[&StepName::from("infer")];
    assert_eq!(
        infer.inputs["model"],
        InputSource::Output {
            step: "train".into(),
            output: "model".into()
        }
    );
    assert_eq!(infer.inputs["baseline"], InputSource::Baseline);
    let examples = &plan.steps[&StepName::from("examples")];
    assert_eq!(
        json!(examples.parameters),
        json!({"splits": {"train": 4, "eval": 1}}),
        "its own parameters only"
    );
    assert_eq!(
        examples
            .source
            .as_ref()
            .unwrap()
            .window
            .as_ref()
            .unwrap()
            .rolling_range
            .as_ref()
            .unwrap()
            .num_spans,
        3
    );
    assert_eq!(examples.timeout_seconds, 3600);
    let gate = plan.gate.as_ref().unwrap();
    assert_eq!(gate.evaluation, ("evaluate".into(), "evaluation".to_owned()));
    assert_eq!(gate.model, ("train".into(), "model".to_owned()));
}

#[test]
fn the_evaluator_measures_what_the_gate_asks_for() {
    let plan = flights();
    let evaluate = &plan.steps[&StepName::from("evaluate")];
    let expected = json!({
        "label": "late", "model_type": "binary_classification", "prediction": "score",
        "slicing_specs": [{}, {"feature_keys": ["origin"]}],
    });
    assert_eq!(json!(evaluate.parameters), expected);
    insta::assert_snapshot!(problems("prediction: score }", "prediction: score, slicing_specs: [{}, { feature_keys: [carrier] }] }"), @r#"
    p.yaml:40:23: the evaluator does not measure slices by origin: add it to the evaluator's slicing_specs, or leave those out to measure what the gate asks for
     40 |   slicing_specs: [{}, { feature_keys: [origin] }]
        |                       ^
    "#);
}

#[test]
fn a_plan_survives_its_storage() {
    let plan = flights();
    assert_eq!(stored::read::<Plan>(&stored::write(&plan)), Ok(plan));
}

#[test]
fn overrides_replace_known_parameters_only() {
    let set = |name: &str| Map::from_iter([(name.to_owned(), json!(0.2))]);
    let plan = load("p.yaml", FLIGHTS, &set("learning_rate")).unwrap();
    assert_eq!(plan.steps[&StepName::from("train")].parameters["learning_rate"], 0.2);
    let problems = load("p.yaml", FLIGHTS, &set("learning_rat")).unwrap_err();
    insta::assert_snapshot!(problems[0], @"p.yaml:2:1: there is no parameter 'learning_rat' to replace: did you mean 'learning_rate'? known are learning_rate, label");
}

#[test]
fn every_mistake_has_its_place() {
    let slips = [
        ("name: flights\n", "name: Flights!\n"),
        ("quiet_period: 10s", "quiet_period: soon"),
        ("data: { source: flights,", "data: { source: fligths,"),
        ("timezone: America/New_York", "timezone: America/Newyork"),
        ("cron: \"0 3 * * 1\"", "cron: \"0 3 * *\""),
        ("cron: \"0 3 * * 1\"", "cron: \"0 25 * * 1\""),
        ("branches: [main], paths", "branches: [], paths"),
        ("{YYYY}-{MM}.parquet", "{YYYY}-{MN}.parquet"),
        ("data/flights/{YYYY}", "../flights/{YYYY}"),
        (
            "rolling_range: { num_spans: 3 } }",
            "rolling_range: { num_spans: 3 }, static_range: { start_span: a, end_span: b } }",
        ),
        (
            "rolling_range: { num_spans: 3 } }",
            "static_range: { start_span: 2013-04, end_span: 2013-01 } }",
        ),
        ("num_spans: 3", "num_spans: 3, min_spans: 4"),
        ("num_spans: 3", "num_spans: 3, exclude_span_numbers: [2013-13]"),
        ("num_spans: 3", "num_spans: 3, start_span_number: [1]"),
        ("num_spans: 3", "num_spans: 3, skip_recent: 1"),
        ("uses: evaluator", "uses: evalutor"),
        ("with: { source: flights, splits", "with: { source: weather, split"),
        ("with: { source: flights, splits", "with: { splits"),
        ("inputs: { examples: examples } }", "inputs: { exmples: examples } }"),
        (
            "inputs: { examples: examples } }",
            "inputs: { examples: examples, stored_statistics: statistics } }",
        ),
        (
            "{ statistics: statistics, schema: schema }",
            "{ statistics: statistics, schema: statistics }",
        ),
        ("transform.examples", "transfrom.examples"),
        ("transform.examples", "transform.example"),
        ("transform.examples", "transform"),
        ("baseline: baseline.model", "baseline: baseline.models"),
        (
            "inputs: { examples: examples }\n",
            "inputs: { examples: examples, model: train }\n",
        ),
        ("{{outputs.graph}}", "{{outputs.grap}}"),
        ("{{parameters.learning_rate}}", "{{parameter.learning_rate}}"),
        ("{{task}}", "{{task"),
        ("command: [python, infer.py, \"{{task}}\"]", "command: []"),
        (
            "build: *trainer\n    command: [python, infer.py",
            "image: \"python:3\"\n    build: *trainer\n    command: [python, infer.py",
        ),
        ("    uses: evaluator\n", "    uses: evaluator\n    command: [x]\n"),
        ("context: . }", "context: /etc }"),
        ("{ model: Model }", "{ model: model }"),
        ("{ model: Model }", "{ model: Model, other: Model }"),
        ("cpus: 2, memory: 4Gi", "cpus: 0, memory: 4 Gb"),
        ("timeout: 30m", "timeout: 30"),
        ("max_retry_count: 2,", "max_retry_count: 2, backoff_factor: 0.5,"),
        ("    timeout: 30m\n", "    after: [validat]\n"),
        ("  statistics: { uses", "  statistics: { after: [validate], uses"),
        ("    auc:\n", "    auk:\n"),
        ("{ lower_bound: 0.60 }", "{}"),
        ("{ lower_bound: 0.60 }", "{ lower_bound: 0.6, upper_bound: 0.5 }"),
        ("{ absolute: -0.005, direction", "{ direction"),
        ("gate:\n", "gate:\n  baseline: none\n"),
        ("gate:\n", "gate:\n  model: transform.graph\n"),
        (
            "    uses: evaluator\n    with: { model_type: binary_classification, prediction: score }\n",
            "    image: mine\n    command: [x]\n    outputs: { e: Plots }\n",
        ),
        (
            "gate:\n  slicing_specs",
            "concurrency: { max_active_runs: 0 }\ngate:\n  slicing_specs",
        ),
        ("  train:\n", "  baseline:\n"),
        ("  validate: {", "  gate: {"),
    ];
    let all: Vec<String> = slips.iter().map(|(from, to)| problems(from, to)).collect();
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    p.yaml:1:1: 'Flights!' cannot be the name of a pipeline: names are a-z, 0-9, - and _, begin with a letter and have at most 63 characters
     1 | name: Flights!
       | ^

    p.yaml:6:28: 'soon' is not a duration: write it like 10s, 30m or 1h30m
     6 |   data: { source: flights, quiet_period: soon }
       |                            ^

    p.yaml:6:11: there is no data source 'fligths' in the data section: did you mean 'flights'? the only one is flights
     6 |   data: { source: fligths, quiet_period: 10s }
       |           ^

    p.yaml:7:34: 'America/Newyork' is not a time zone: write an IANA name like UTC or Europe/Berlin
     7 |   schedule: { cron: "0 3 * * 1", timezone: America/Newyork, catchup: latest }
       |                                  ^

    p.yaml:7:15: '0 3 * *' is not a cron expression of minute, hour, day of month, month and day of week: it has 4 of the 5 fields
     7 |   schedule: { cron: "0 3 * *", timezone: America/New_York, catchup: latest }
       |               ^

    p.yaml:7:15: '0 25 * * 1' is not a cron expression of minute, hour, day of month, month and day of week: its hour is '25', and takes 0 to 23
     7 |   schedule: { cron: "0 25 * * 1", timezone: America/New_York, catchup: latest }
       |               ^

    p.yaml:4:11: branches is an empty list, which lets nothing through: leave it out to let everything through
     4 |   push: { branches: [], paths: ["pipelines/flights/**", "!**/*.md"] }
       |           ^

    p.yaml:9:14: {MN} is not known in a data path: expected {YYYY}, {MM}, {DD}, {SPAN}, {SPAN:4} or {VERSION}
     9 |   flights: { uri: "data/flights/{YYYY}-{MN}.parquet", window: { rolling_range: { num_spans: 3 } } }
       |              ^

    p.yaml:9:14: '../flights/{YYYY}-{MM}.parquet' leaves its root: '..' is not allowed
     9 |   flights: { uri: "../flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3 } } }
       |              ^

    p.yaml:9:55: a window has either a rolling_range or a static_range, not both
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3 }, static_range: { start_span: a, end_span: b } } }
       |                                                       ^

    p.yaml:9:55: the window ends at 2013-01 before it starts at 2013-04
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { static_range: { start_span: 2013-04, end_span: 2013-01 } } }
       |                                                       ^

    p.yaml:9:55: min_spans 4 is more than num_spans 3: a window of that many spans can never be filled
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3, min_spans: 4 } } }
       |                                                       ^

    p.yaml:9:55: '2013-13' is not a span of data/flights/{YYYY}-{MM}.parquet: write it like 2013-01, 2013-01-31 or 17, as the files do
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3, exclude_span_numbers: [2013-13] } } }
       |                                                       ^

    p.yaml:9:96: sequence is not what belongs here: expected a span, such as 2013-01 or 17
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3, start_span_number: [1] } } }
       |                                                                                                ^

    p.yaml:9:96: unknown key 'skip_recent': known are start_span_number, num_spans, skip_num_recent_spans, keep_all_versions, exclude_span_numbers, min_spans
     9 |   flights: { uri: "data/flights/{YYYY}-{MM}.parquet", window: { rolling_range: { num_spans: 3, skip_recent: 1 } } }
       |                                                                                                ^

    p.yaml:12:5: there is no standard component 'evalutor': did you mean 'evaluator'? known are example-gen, statistics-gen, schema-gen, example-validator, evaluator
     12 |     uses: evalutor
        |     ^

    p.yaml:17:13: there is no data source 'weather' in the data section: the only one is flights
     17 |     with: { source: weather, split: { train: 4, eval: 1 } }
        |             ^
    p.yaml:17:30: example-gen has no parameter 'split': did you mean 'splits'? known are splits, partition_feature_name, column_types, exclude_columns, separator, decimal, missing_values, infinite_values, line_breaks_in_values, source, window
     17 |     with: { source: weather, split: { train: 4, eval: 1 } }
        |                              ^

    p.yaml:15:3: step 'examples' reads external data but names no source: name one of the data section: with: { source: NAME }
     15 |   examples:
        |   ^

    p.yaml:18:3: step 'statistics' lacks the input 'examples': it takes a step that makes Examples
     18 |   statistics: { uses: statistics-gen, inputs: { exmples: examples } }
        |   ^
    p.yaml:18:49: statistics-gen has no input 'exmples': did you mean 'examples'? the only one is examples
     18 |   statistics: { uses: statistics-gen, inputs: { exmples: examples } }
        |                                                 ^

    p.yaml:18:3: the steps wait for each other in a circle: statistics → statistics: take one of these inputs or afters out
     18 |   statistics: { uses: statistics-gen, inputs: { examples: examples, stored_statistics: statistics } }
        |   ^
    p.yaml:18:69: statistics-gen has no input 'stored_statistics': the only one is examples
     18 |   statistics: { uses: statistics-gen, inputs: { examples: examples, stored_statistics: statistics } }
        |                                                                     ^

    p.yaml:20:74: the input 'schema' of example-validator takes Schema, but statistics is ExampleStatistics
     20 |   validate: { uses: example-validator, inputs: { statistics: statistics, schema: statistics } }
        |                                                                          ^

    p.yaml:29:15: there is no step 'transfrom': did you mean 'transform'? known are evaluate, examples, statistics, schema, validate, transform, train, infer
     29 |     inputs: { transformed: transfrom.examples, graph: transform.graph }
        |               ^

    p.yaml:29:15: step 'transform' has no output 'example': did you mean 'examples'? known are graph, examples
     29 |     inputs: { transformed: transform.example, graph: transform.graph }
        |               ^

    p.yaml:29:15: step 'transform' has several outputs: write transform.graph or transform.examples
     29 |     inputs: { transformed: transform, graph: transform.graph }
        |               ^

    p.yaml:37:29: 'baseline.models' is not an input: the only one of the baseline is baseline.model
     37 |     inputs: { model: train, baseline: baseline.models, examples: examples }
        |                             ^

    p.yaml:26:3: the steps wait for each other in a circle: train → transform → train: take one of these inputs or afters out
     26 |   train:
        |   ^

    p.yaml:23:44: the command names the output 'grap', which step 'transform' does not have: did you mean 'graph'? known are graph, examples
     23 |     command: [python, transform.py, --out, "{{outputs.grap}}"]
        |                                            ^

    p.yaml:28:100: '{{parameter.learning_rate}}' is not a placeholder: expected inputs.NAME, outputs.NAME, parameters.NAME or task
     28 |     command: [python, train.py, --examples, "{{inputs.transformed}}", "--model={{outputs.model}}", "{{parameter.learning_rate}}"]
        |                                                                                                    ^

    p.yaml:36:33: the placeholder in '{{task' is not closed: write it as {{inputs.NAME}}
     36 |     command: [python, infer.py, "{{task"]
        |                                 ^

    p.yaml:34:3: step 'infer' has no command: write the program and its arguments as a list: command: [python, train.py]
     34 |   infer:
        |   ^

    p.yaml:35:5: step 'infer' has build and image: give it only one of them
     35 |     image: "python:3"
        |     ^

    p.yaml:13:5: a standard component has its own command: leave this one out
     13 |     command: [x]
        |     ^

    p.yaml:22:67: '/etc' is not a relative path: write it with / and without a leading one
     22 |     build: &trainer { dockerfile: dockerfiles/trainer.Dockerfile, context: /etc }
        |                                                                   ^
    p.yaml:27:5: '/etc' is not a relative path: write it with / and without a leading one
     27 |     build: *trainer
        |     ^
    p.yaml:35:5: '/etc' is not a relative path: write it with / and without a leading one
     35 |     build: *trainer
        |     ^

    p.yaml:30:16: 'model' is not an artifact type, which is written in CamelCase: did you mean 'Model'? known are Examples, ExampleStatistics, Schema, ExampleAnomalies, TransformGraph, Model, InferenceResult, ModelEvaluation
     30 |     outputs: { model: model }
        |                ^

    p.yaml:37:15: step 'train' has several outputs: write train.model or train.other
     37 |     inputs: { model: train, baseline: baseline.model, examples: examples }
        |               ^
    p.yaml:39:1: several steps make a Model: train.model, train.other: name the one to judge with gate.model
     39 | gate:
        | ^

    p.yaml:31:18: 0 is not a number of CPUs: write it like 0.5 or 2
     31 |     resources: { cpus: 0, memory: 4 Gb }
        |                  ^
    p.yaml:31:27: '4 Gb' is not a size: write it like 512Mi, 4Gi or 2G
     31 |     resources: { cpus: 0, memory: 4 Gb }
        |                           ^

    p.yaml:32:5: '30' is not a duration: write it like 10s, 30m or 1h30m
     32 |     timeout: 30
        |     ^

    p.yaml:33:34: 0.5 is not a backoff factor: it must be at least 1
     33 |     retry: { max_retry_count: 2, backoff_factor: 0.5, backoff_duration: 10s }
        |                                  ^

    p.yaml:32:13: there is no step 'validat': did you mean 'validate'? known are evaluate, examples, statistics, schema, validate, transform, train, infer
     32 |     after: [validat]
        |             ^

    p.yaml:18:3: the steps wait for each other in a circle: statistics → validate → statistics: take one of these inputs or afters out
     18 |   statistics: { after: [validate], uses: statistics-gen, inputs: { examples: examples } }
        |   ^

    p.yaml:42:5: the evaluator measures no metric 'auk' for binary_classification: did you mean 'auc'? known are auc, pr_auc, log_loss, brier_score, accuracy, precision, recall, f1, calibration, mean_label, mean_prediction, expected_calibration_error, max_calibration_error
     42 |     auk:
        |     ^

    p.yaml:43:7: the value_threshold has no bound: give it a lower_bound or an upper_bound
     43 |       value_threshold: {}
        |       ^

    p.yaml:43:7: lower_bound 0.6 is above upper_bound 0.5, so that nothing could pass
     43 |       value_threshold: { lower_bound: 0.6, upper_bound: 0.5 }
        |       ^

    p.yaml:44:7: the change_threshold has no bound: give it absolute or relative
     44 |       change_threshold: { direction: HIGHER_IS_BETTER }
        |       ^

    p.yaml:45:7: a change_threshold needs a baseline to compare with, and the gate's baseline is none
     45 |       change_threshold: { absolute: -0.005, direction: HIGHER_IS_BETTER }
        |       ^

    p.yaml:40:3: the gate's model is a Model, but transform.graph is a TransformGraph
     40 |   model: transform.graph
        |   ^

    p.yaml:40:1: the gate judges a ModelEvaluation, and no step makes one: add a step that uses evaluator
     40 | gate:
        | ^

    p.yaml:39:16: max_active_runs is 0, so that no run could ever start: it must be at least 1
     39 | concurrency: { max_active_runs: 0 }
        |                ^

    p.yaml:26:3: a step cannot be called 'baseline': inputs use that word for the model compared with
     26 |   baseline:
        |   ^
    p.yaml:37:15: there is no step 'train': known are evaluate, examples, statistics, schema, validate, transform, baseline, infer
     37 |     inputs: { model: train, baseline: baseline.model, examples: examples }
        |               ^

    p.yaml:20:3: a step cannot be called 'gate': every pipeline has its own
     20 |   gate: { uses: example-validator, inputs: { statistics: statistics, schema: schema } }
        |   ^
    "#);
}

#[test]
fn a_baseline_that_is_none_has_its_place() {
    let file = FLIGHTS.replace("gate:\n", "gate:\n  baseline: latest_blesed\n");
    assert!(file.contains("latest_blesed"), "{file}");
    insta::assert_snapshot!(super::parse("p.yaml", &file).unwrap_err()[0].render(&file), @"
    p.yaml:40:13: 'latest_blesed' is no baseline: did you mean 'latest_blessed'? known are serving, latest_blessed, latest_pushed, none, alias:NAME, pinned:VERSION
     40 |   baseline: latest_blesed
        |             ^
    ");
}

#[test]
fn a_push_needs_a_gate() {
    let start = FLIGHTS.find("gate:\n").unwrap();
    let end = FLIGHTS.find("push: { target").unwrap();
    let text = format!("{}{}", &FLIGHTS[..start], &FLIGHTS[end..]);
    let problems = load("p.yaml", &text, &Map::new()).unwrap_err();
    insta::assert_snapshot!(problems[0].render(&text), @r#"
    p.yaml:39:1: a push needs a gate, because only an approved model is pushed: add a gate section with thresholds
     39 | push: { target: flights, infra_validation: LOAD_AND_QUERY }
        | ^
    "#);
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_file() {
    let text = FLIGHTS
        .replace("quiet_period: 10s", "quiet_period: soon")
        .replace("timeout: 30m", "timeout: x")
        .replace("auc:", "auk:");
    let problems = load("p.yaml", &text, &Map::new()).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.is_sorted());
}

/// Everything else in the example is right, so one mistake of shape is all that there is to say.
#[test]
fn one_mistake_of_shape_has_no_second_sentence() {
    let (mut tried, mut follow_ons) = (0, Vec::new());
    for (start, _) in FLIGHTS.match_indices(':') {
        let key = FLIGHTS[..start]
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map_or(0, |at| at + 1);
        let value = start + 1 + FLIGHTS[start + 1..].find([',', '\n', '}']).unwrap_or_default();
        let mistakes = [
            format!("{}x{}", &FLIGHTS[..start], &FLIGHTS[start..]),
            format!("{}zzzzzz{}", &FLIGHTS[..key], &FLIGHTS[start..]),
            format!("{}: [{{}}]{}", &FLIGHTS[..start], &FLIGHTS[value..]),
        ];
        for text in mistakes {
            let Err(shape) = super::parse("p.yaml", &text) else {
                continue;
            };
            let all = load("p.yaml", &text, &Map::new()).unwrap_err();
            let told: Vec<_> = all.iter().filter(|problem| !shape.contains(problem)).collect();
            if !told.is_empty() {
                follow_ons.push(format!(
                    "{} also says {told:?}",
                    text[text[..start].rfind('\n').map_or(0, |at| at + 1)..]
                        .lines()
                        .next()
                        .unwrap_or_default()
                ));
            }
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(follow_ons.is_empty(), "{}", follow_ons.join("\n"));
}

#[test]
fn shared_memory_is_part_of_the_memory() {
    let step =
        |resources: &str| format!("name: p\nsteps:\n  a: {{ image: x, command: [a], resources: {{ {resources} }} }}\n");
    let bytes = |resources: &str| load("p.yaml", &step(resources), &Map::new()).unwrap().steps["a"].shm_bytes;
    assert_eq!(bytes("shm_size: 1Gi"), Some(1 << 30));
    assert_eq!(bytes("memory: 1Gi, shm_size: 1Gi"), Some(1 << 30));
    assert_eq!(bytes("memory: 1Gi"), None);
    let wrong = ["memory: 1Gi, shm_size: 2Gi", "shm_size: 0", "shm_size: big"];
    insta::assert_snapshot!(wrong.map(|text| said(&step(text))).join("\n"), @"
    p.yaml:3:58: 2Gi in /dev/shm is more than the step's memory, of which it is a part
     3 |   a: { image: x, command: [a], resources: { memory: 1Gi, shm_size: 2Gi } }
       |                                                          ^
    p.yaml:3:45: '0' is not a size: write it like 512Mi, 4Gi or 2G
     3 |   a: { image: x, command: [a], resources: { shm_size: 0 } }
       |                                             ^
    p.yaml:3:45: 'big' is not a size: write it like 512Mi, 4Gi or 2G
     3 |   a: { image: x, command: [a], resources: { shm_size: big } }
       |                                             ^
    ");
}

#[test]
fn a_step_asks_for_gpus() {
    let step =
        |resources: &str| format!("name: p\nsteps:\n  a: {{ image: x, command: [a], resources: {{ {resources} }} }}\n");
    let asked = |resources: &str| {
        let plan = load("p.yaml", &step(resources), &Map::new()).unwrap();
        plan.steps["a"].gpus.as_ref().map(ToString::to_string)
    };
    assert_eq!(asked("gpus: 2, gpu_type: A100").as_deref(), Some("2 GPUs of type A100"));
    assert_eq!(asked("gpus: 1").as_deref(), Some("1 GPU"));
    assert_eq!(asked("memory: 1Gi"), None);
    let wrong = [
        "gpus: 0",
        "gpus: 65",
        "gpu_type: T4",
        "gpus: 1, gpu_type: ''",
        "gpus: all",
    ];
    insta::assert_snapshot!(wrong.map(|text| said(&step(text))).join("\n"), @"
    p.yaml:3:45: 0 is not a number of GPUs: write 1 to 64, or leave it out
     3 |   a: { image: x, command: [a], resources: { gpus: 0 } }
       |                                             ^
    p.yaml:3:45: 65 is not a number of GPUs: write 1 to 64, or leave it out
     3 |   a: { image: x, command: [a], resources: { gpus: 65 } }
       |                                             ^
    p.yaml:3:45: a gpu_type without gpus asks for none: add gpus: 1
     3 |   a: { image: x, command: [a], resources: { gpu_type: T4 } }
       |                                             ^
    p.yaml:3:54: a gpu_type names a part of the model, for example A100
     3 |   a: { image: x, command: [a], resources: { gpus: 1, gpu_type: '' } }
       |                                                      ^
    p.yaml:3:51: a whole number of 0 or more belongs here
     3 |   a: { image: x, command: [a], resources: { gpus: all } }
       |                                                   ^
    ");
}

#[test]
fn a_step_names_its_secrets() {
    let step = |keys: &str| format!("name: p\nsteps:\n  a: {{ image: x, command: [a], {keys} }}\n");
    let plan = load(
        "p.yaml",
        &step("secrets: { DB: lake.password }, secret_environment: { TOKEN: hub }"),
        &Map::new(),
    )
    .unwrap();
    let secrets = &plan.steps["a"].secrets;
    assert_eq!(
        (secrets["DB"].name.as_str(), secrets["DB"].environment),
        ("lake.password", false)
    );
    assert_eq!(
        (secrets["TOKEN"].name.as_str(), secrets["TOKEN"].environment),
        ("hub", true)
    );
    let told = unknown_secrets(
        &plan,
        "p.yaml",
        &step("secrets: { DB: lake.password }, secret_environment: { TOKEN: hub }"),
        ["lake_password"].into_iter(),
        "t.toml",
    );
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    p.yaml:3:43: there is no [secrets.lake.password] in t.toml: did you mean 'lake_password'? the only one is lake_password
    p.yaml:3:86: there is no [secrets.hub] in t.toml: the only one is lake_password
    ");
    let wrong = step(
        "environment: { B: x, C_FILE: x }, secrets: { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAINYARD_TASK: lake }",
    );
    insta::assert_snapshot!(said(&wrong), @"
    p.yaml:3:77: a secret cannot be found under 'a-b': write a name like DB_PASSWORD
     3 |   a: { image: x, command: [a], environment: { B: x, C_FILE: x }, secrets: { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lak
       |                                                                             ^
    p.yaml:3:88: the name of a secret has letters, digits, '-', '_' and '.': the value itself never stands in this file
     3 | image: x, command: [a], environment: { B: x, C_FILE: x }, secrets: { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAI
       |                                                                                 ^
    p.yaml:3:104: the variable C_FILE is under environment as well: keep one of them
     3 | d: [a], environment: { B: x, C_FILE: x }, secrets: { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAINYARD_TASK: lake
       |                                                                                 ^
    p.yaml:3:146: the variable B is under environment as well: keep one of them
     3 | secrets: { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAINYARD_TASK: lake } }
       |                                                                                 ^
    p.yaml:3:155: 'E' is under secrets as well: a secret of secret_environment is a file, too
     3 | { a-b: lake, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAINYARD_TASK: lake } }
       |                                                                                 ^
    p.yaml:3:164: a secret cannot be found under 'TRAINYARD_TASK': write a name like DB_PASSWORD
     3 | ke, D: 'p@ss word', C: lake, E: lake }, secret_environment: { B: lake, E: lake, TRAINYARD_TASK: lake } }
       |                                                                                 ^
    ");
}

#[test]
fn one_round_shows_mistakes_of_shape_and_of_meaning() {
    let text = "\
name: trips
on:
  schedule: { cron: '0 0 32 1 *', catchup: sometimes }
  data: { sourc: trips }
data:
  trips: { uri: '../trips-{MM}.csv', windw: { rolling_range: { num_spans: 3 } } }
steps:
  examples: { usse: example-gen, with: { source: nowhere }, timeout: 5 parsecs }
  statistics: { uses: statistics-gen, inputs: { examples: examples }, cache: maybe }
  train:
    build: { dockerfile: Dockerfile }
    command: [python, train.py, '{{outputs.model}}', '{{inputs.examples}}']
    inputs: { examples: examples, words: nowhere }
    outputs: { model: Model }
    retry: { max_retry_count: many }
  odd: { uses: evaluater }
gate: { metrics: { auc: { chnge_threshold: { absolute: 0 } }, accuracy: {} }, confidence_level: 7 }
push: { target: Prod, max_latency: soon }
";
    insta::assert_snapshot!(said(text), @"
    p.yaml:3:15: '0 0 32 1 *' is not a cron expression of minute, hour, day of month, month and day of week: its day of month is '32', and takes 1 to 31 or L
     3 |   schedule: { cron: '0 0 32 1 *', catchup: sometimes }
       |               ^
    p.yaml:3:44: 'sometimes' is not one of the values this key takes: known are none, latest, all
     3 |   schedule: { cron: '0 0 32 1 *', catchup: sometimes }
       |                                            ^
    p.yaml:4:11: unknown key 'sourc': did you mean 'source'? known are source, quiet_period
     4 |   data: { sourc: trips }
       |           ^
    p.yaml:6:12: '../trips-{MM}.csv' leaves its root: '..' is not allowed
     6 |   trips: { uri: '../trips-{MM}.csv', windw: { rolling_range: { num_spans: 3 } } }
       |            ^
    p.yaml:6:38: unknown key 'windw': did you mean 'window'? known are uri, window
     6 |   trips: { uri: '../trips-{MM}.csv', windw: { rolling_range: { num_spans: 3 } } }
       |                                      ^
    p.yaml:8:15: unknown key 'usse': did you mean 'uses'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
     8 |   examples: { usse: example-gen, with: { source: nowhere }, timeout: 5 parsecs }
       |               ^
    p.yaml:8:61: '5 parsecs' is not a duration: write it like 10s, 30m or 1h30m
     8 |   examples: { usse: example-gen, with: { source: nowhere }, timeout: 5 parsecs }
       |                                                             ^
    p.yaml:9:78: true or false belongs here
     9 |   statistics: { uses: statistics-gen, inputs: { examples: examples }, cache: maybe }
       |                                                                              ^
    p.yaml:11:14: the key 'context' is missing here
     11 |     build: { dockerfile: Dockerfile }
        |              ^
    p.yaml:13:35: there is no step 'nowhere': known are examples, statistics, train, odd
     13 |     inputs: { examples: examples, words: nowhere }
        |                                   ^
    p.yaml:15:31: a whole number of 0 or more belongs here
     15 |     retry: { max_retry_count: many }
        |                               ^
    p.yaml:16:10: there is no standard component 'evaluater': did you mean 'evaluator'? known are example-gen, statistics-gen, schema-gen, example-validator, evaluator
     16 |   odd: { uses: evaluater }
        |          ^
    p.yaml:17:27: unknown key 'chnge_threshold': did you mean 'change_threshold'? known are value_threshold, change_threshold, per_slice_thresholds, cross_slice_thresholds, require, margin, min_detectable, confidence_level, suspicious_improvement, direction
     17 | gate: { metrics: { auc: { chnge_threshold: { absolute: 0 } }, accuracy: {} }, confidence_level: 7 }
        |                           ^
    p.yaml:17:63: metric 'accuracy' has no threshold: give it a value_threshold, a change_threshold or a require
     17 | gate: { metrics: { auc: { chnge_threshold: { absolute: 0 } }, accuracy: {} }, confidence_level: 7 }
        |                                                               ^
    p.yaml:17:79: a confidence_level lies above 0.5 and below 1
     17 | gate: { metrics: { auc: { chnge_threshold: { absolute: 0 } }, accuracy: {} }, confidence_level: 7 }
        |                                                                               ^
    p.yaml:18:9: 'Prod' cannot be the name of a push target: names are a-z, 0-9, - and _, begin with a letter and have at most 63 characters
     18 | push: { target: Prod, max_latency: soon }
        |         ^
    p.yaml:18:23: 'soon' is not a latency: write it like 100ms or 2s
     18 | push: { target: Prod, max_latency: soon }
        |                       ^
    ");
}

#[test]
fn a_pull_request_is_judged_by_the_bar_of_its_base() {
    let lowered = FLIGHTS
        .replace("lower_bound: 0.60", "lower_bound: 0.10")
        .replace("[{}, { feature_keys: [origin] }]", "[{}]");
    let head = load("p.yaml", &lowered, &Map::new()).unwrap();
    let base = flights();
    let judged = with_base_gate(head.clone(), Some(&base)).unwrap();
    let gate = |plan: &Plan| plan.gate.clone().unwrap().gate;
    assert_eq!(gate(&judged), gate(&base));
    let specs = &judged.steps[&StepName::from("evaluate")].parameters["slicing_specs"];
    assert_eq!(
        *specs,
        json!([{}, {"feature_keys": ["origin"]}]),
        "the base's slices are measured"
    );
    let proposed = |plan: &Plan| plan.gate.clone().unwrap().proposed_gate;
    assert_eq!(proposed(&judged), Some(gate(&head)), "and its own is known");
    let same = with_base_gate(base.clone(), Some(&base)).unwrap();
    assert_eq!(proposed(&same), None);
    let elsewhere = FLIGHTS.replace("gate:\n", "gate:\n  evaluation: evaluate\n");
    let elsewhere = load("p.yaml", &elsewhere, &Map::new()).unwrap();
    assert_eq!(
        proposed(&with_base_gate(elsewhere, Some(&base)).unwrap()),
        None,
        "the same bar"
    );
    assert_eq!(
        with_base_gate(head.clone(), None).unwrap(),
        head,
        "a new pipeline brings its own gate"
    );

    let mut without = head;
    without.gate = None;
    assert_eq!(
        gate(&with_base_gate(without.clone(), Some(&base)).unwrap()),
        gate(&base)
    );
    without.steps.shift_remove(&StepName::from("evaluate"));
    insta::assert_snapshot!(with_base_gate(without, Some(&base)).unwrap_err(), @"pipeline 'flights' has a gate in the base branch, and this change takes away what it judges: keep the steps 'evaluate' and 'train', or remove the gate in the base branch first");
}

#[test]
fn the_schema_knows_every_key() {
    let schema = super::json_schema();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "name",
            "parameters",
            "on",
            "concurrency",
            "data",
            "steps",
            "gate",
            "push",
            "notify"
        ]
    );
    assert_eq!(schema["additionalProperties"], false);
}

proptest! {
    /// Whatever a file holds, reading it ends in a plan or in problems.
    #[test]
    fn reading_never_panics(at in 0..FLIGHTS.len(), length in 0..40_usize, junk in "[ -~\n\t{}é]{0,8}") {
        let start = FLIGHTS.floor_char_boundary(at);
        let end = FLIGHTS.floor_char_boundary((start + length).min(FLIGHTS.len()));
        let text = format!("{}{junk}{}", &FLIGHTS[..start], &FLIGHTS[end..]);
        if let Err(problems) = load("p.yaml", &text, &Map::new()) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                problem.render(&text);
            }
        }
    }
}
