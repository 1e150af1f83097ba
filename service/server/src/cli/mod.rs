//! The command line: one file for each command.

mod actor;
mod alias;
mod approve;
mod attention;
mod audit;
mod backup;
mod cancel;
mod compare;
mod curves;
mod data;
mod deliveries;
mod doctor;
mod door;
mod gate;
mod gc;
mod github;
mod graph;
mod hold;
mod init;
mod lineage;
mod lint;
mod logs;
mod metrics;
mod models;
mod notify;
mod output;
mod parameters;
mod pipeline_file;
mod pipelines;
mod plan;
mod plots;
mod progress;
mod promote;
mod rerun;
mod rollback;
mod run;
mod runs;
mod schema;
mod schema_diff;
mod secrets;
mod serve;
mod service;
mod sessions;
mod targets;
mod token;
mod trigger;
mod verdict;
mod why;

use crate::config::Config;
use crate::logging;
use crate::views::told;
use actor::actor;
use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use trainyard_core::log::several_lines;
use trainyard_engine::{Engine, Folders};
use trainyard_store::{Reads, StoreError};

/// A command line that makes no sense; 2 is taken by `run`.
const USAGE: u8 = 64;

/// Continuous training with the manners of good CI.
#[derive(Debug, Parser)]
#[command(
    name = "trainyard",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 failed, 2 the gate rejected the model or data differ (`schema-diff`),\n\
                  3 nothing to judge by (`gate`), 64 wrong usage.\n\
                  Start with `trainyard init`, then `trainyard run pipelines/NAME`; for a service `trainyard doctor` and `trainyard serve`."
)]
struct Cli {
    /// The settings; ./trainyard.toml or /etc/trainyard/trainyard.toml if absent
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Run(run::Run),
    Lint(lint::Lint),
    Graph(graph::Graphed),
    Plan(plan::Planned),
    Gate(gate::Gate),
    Schema(schema::Schema),
    SchemaDiff(schema_diff::SchemaDiff),
    Doctor(doctor::Doctor),
    Github(github::GitHub),
    Attention(attention::Attention),
    Runs(runs::Runs),
    Logs(logs::Logs),
    Why(why::Why),
    Compare(compare::Compare),
    Curves(curves::Curves),
    Plots(plots::Plots),
    Metrics(metrics::Metrics),
    Data(data::Data),
    Lineage(lineage::Lineage),
    Pipelines(pipelines::Listed),
    Trigger(trigger::Trigger),
    Cancel(cancel::Cancel),
    Deliveries(deliveries::Deliveries),
    Rerun(rerun::Rerun),
    Approve(approve::Approve),
    Reject(approve::Reject),
    Models(models::Models),
    Notify(notify::Notify),
    Secrets(secrets::Secrets),
    Targets(targets::Targets),
    Promote(promote::Promote),
    Rollback(rollback::Rollback),
    Hold(hold::Hold),
    Release(hold::Release),
    Alias(alias::Alias),
    Token(token::Token),
    Sessions(sessions::Signed),
    Audit(audit::Audit),
    Gc(gc::Gc),
    Backup(backup::Backup),
    Restore(backup::Restore),
}

/// Reads the command line, performs it, and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    // Fails only if it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    logging::start(if matches!(cli.command, Command::Serve(_)) {
        "info"
    } else {
        "warn"
    });
    match perform(cli) {
        Ok(code) => code,
        Err(error) => {
            tracing::debug!(?error, "the command failed");
            let sentence = match error.downcast_ref::<StoreError>() {
                Some(error) => told(error),
                None => error.to_string(),
            };
            eprintln!("error: {}", several_lines(&sentence));
            ExitCode::FAILURE
        }
    }
}

/// Files that are being written or removed have this long when the command is over.
const LAST_FILES: Duration = Duration::from_secs(5);

fn perform(cli: Cli) -> Result<ExitCode> {
    let variable = |name: &str| std::env::var(name).ok();
    let path = cli.config.as_deref();
    let load = || Config::load(path, variable);
    let perform = async {
        match cli.command {
            Command::Init(command) => command.perform(&load()?),
            Command::Serve(command) => command.perform(load).await,
            Command::Run(command) => command.perform(&load()?).await,
            Command::Lint(command) => match Config::place(path) {
                // Settings of its own choice that are wrong are the doctor's matter.
                Some(place) => match load() {
                    Err(error) if path.is_some() => Err(error.into()),
                    config => command.perform(config.ok().map(|config| (place, config))),
                },
                None => command.perform(None),
            },
            Command::Graph(command) => command.perform(),
            Command::Plan(command) => command.perform(&load()?).await,
            Command::Gate(command) => command.perform(|| Ok(load()?)).await,
            Command::Schema(command) => command.perform(),
            Command::SchemaDiff(command) => command.perform(|| Ok(load()?)).await,
            Command::Doctor(command) => command.perform(path, variable).await,
            Command::Github(command) => command.perform(path, variable).await,
            Command::Attention(command) => command.perform(&load()?).await,
            Command::Runs(command) => command.perform(&load()?).await,
            Command::Logs(command) => command.perform(&load()?).await,
            Command::Compare(command) => command.perform(&load()?).await,
            Command::Curves(command) => command.perform(&load()?).await,
            Command::Plots(command) => command.perform(&load()?).await,
            Command::Metrics(command) => command.perform(&load()?).await,
            Command::Data(command) => command.perform(&load()?).await,
            Command::Lineage(command) => command.perform(&load()?).await,
            Command::Pipelines(command) => command.perform(&load()?).await,
            Command::Why(command) => command.perform(&load()?).await,
            Command::Trigger(command) => command.perform(&load()?).await,
            Command::Cancel(command) => command.perform(&load()?).await,
            Command::Deliveries(command) => command.perform(&load()?).await,
            Command::Rerun(command) => command.perform(&load()?).await,
            Command::Approve(command) => command.perform(&load()?).await,
            Command::Reject(command) => command.perform(&load()?).await,
            Command::Secrets(command) => command.perform(&load()?).await,
            Command::Targets(command) => command.perform(&load()?).await,
            Command::Models(command) => command.perform(&load()?).await,
            Command::Notify(command) => command.perform(&load()?).await,
            Command::Promote(command) => command.perform(&load()?).await,
            Command::Rollback(command) => command.perform(&load()?).await,
            Command::Hold(command) => command.perform(&load()?).await,
            Command::Release(command) => command.perform(&load()?).await,
            Command::Alias(command) => command.perform(&load()?).await,
            Command::Token(command) => command.perform(&load()?).await,
            Command::Sessions(command) => command.perform(&load()?).await,
            Command::Audit(command) => command.perform(&load()?).await,
            Command::Gc(command) => command.perform(&load()?).await,
            Command::Backup(command) => command.perform(&load()?).await,
            Command::Restore(command) => command.perform(&load()?).await,
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let performed = runtime.block_on(perform);
    // A file system that hangs must not hold the exit.
    runtime.shutdown_timeout(LAST_FILES);
    performed
}

/// The database, for commands that only read; it is not made if there is none.
async fn reads(config: &Config) -> Result<Reads> {
    let engine = config.engine()?;
    if engine.database_url.is_none() && !folders(config).database().exists() {
        bail!(
            "there is nothing in {} yet: start with `trainyard serve` or `trainyard run`, or name the right --config",
            config.data_dir.display()
        );
    }
    Ok(Engine::open_reads(&engine).await?)
}

fn folders(config: &Config) -> Folders {
    let root = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    Folders::new(root)
}
