//! One program for all standard components: `trainyard-components NAME`.

use crate::task::{Task, sentence};
use crate::{evaluator, example_gen, example_validator, schema_gen, statistics_gen};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A standard component of a Trainyard pipeline, run once.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Which component to run.
    #[command(subcommand)]
    component: Component,
}

#[derive(Args)]
struct OfTask {
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

#[derive(Subcommand)]
enum Component {
    /// CSV or Parquet span files to Examples, split by hash buckets.
    ExampleGen(OfTask),
    /// Examples to TFDV statistics.
    StatisticsGen(OfTask),
    /// Statistics to the schema they suggest.
    SchemaGen(OfTask),
    /// Statistics and schema to anomalies; fails on an error unless on_anomaly is warn.
    ExampleValidator(OfTask),
    /// Predictions of candidate and baseline to metrics, overall and per slice.
    Evaluator(OfTask),
    /// The evaluator on two files, without a pipeline: predictions to evaluation.json.
    #[command(after_help = evaluator::command::EXAMPLES)]
    Evaluate(Box<evaluator::command::Arguments>),
}

/// sysexits.h: the command line is wrong. 2 would read as "not blessed".
const USAGE: u8 = 64;

/// Runs the component that the command line names.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors, and go to stdout.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let run = |component: fn(&Task) -> Result<()>, of: &OfTask| component(&Task::read(&of.task)?);
    let ended = match &arguments.component {
        Component::ExampleGen(of) => run(example_gen::run, of),
        Component::StatisticsGen(of) => run(statistics_gen::run, of),
        Component::SchemaGen(of) => run(schema_gen::run, of),
        Component::ExampleValidator(of) => run(example_validator::run, of),
        Component::Evaluator(of) => run(evaluator::run, of),
        Component::Evaluate(arguments) => evaluator::command::run(arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The last line of a step's log is what people are shown, so it is the sentence and nothing else, on
            // the stream of the lines before it: Docker keeps the order within one stream only.
            match arguments.component {
                Component::Evaluate(_) => eprintln!("{}", sentence(&error)),
                _ => println!("{}", sentence(&error)),
            }
            ExitCode::FAILURE
        }
    }
}
