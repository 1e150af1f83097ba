//! One binary for all standard components: `trainyard-components NAME`.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use trainyard_components::task::{Task, sentence};
use trainyard_components::{evaluator, example_gen, example_validator, schema_gen, statistics_gen};

/// A standard component of a Trainyard pipeline, run once.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Which component to run.
    #[arg(value_enum)]
    component: Component,

    /// The task file: inputs, outputs and parameters of this one step.
    #[arg(long, env = "TRAINYARD_TASK", value_name = "PATH")]
    task: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  TRAINYARD_TASK=/trainyard/task.json trainyard-components example-gen
  trainyard-components statistics-gen --task task.json

A task file:
  {\"parameters\": {\"splits\": {\"train\": 4, \"eval\": 1}},
   \"inputs\": {\"source\": {\"path\": \"data\", \"properties\": {\"spans\": [{\"span\": 15706, \"file\": \"2013-01.csv\"}]}}},
   \"outputs\": {\"examples\": {\"path\": \"examples\"}},
   \"executor_output\": \"executor_output.json\"}";

#[derive(Clone, Copy, ValueEnum)]
enum Component {
    /// CSV or Parquet span files to Examples, split by hash buckets.
    ExampleGen,
    /// Examples to TFDV statistics.
    StatisticsGen,
    /// Statistics to the schema they suggest.
    SchemaGen,
    /// Statistics and schema to anomalies; fails on an error unless on_anomaly is warn.
    ExampleValidator,
    /// Predictions of candidate and baseline to metrics, overall and per slice.
    Evaluator,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let run = match arguments.component {
        Component::ExampleGen => example_gen::run,
        Component::StatisticsGen => statistics_gen::run,
        Component::SchemaGen => schema_gen::run,
        Component::ExampleValidator => example_validator::run,
        Component::Evaluator => evaluator::run,
    };
    match Task::read(&arguments.task).and_then(|task| run(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The last line is what people are shown, so it is the sentence and nothing else.
            eprintln!("{}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}
