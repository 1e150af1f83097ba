//! `trainyard secrets`.

use super::output::{self, Table, plain};
use crate::config::Config;
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;
use trainyard_core::log::several_lines;
use trainyard_engine::{SecretConfig, SecretSource, try_secret};

/// The secrets that steps may ask for, without their values
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard secrets list\n  trainyard secrets test warehouse-password\n\n\
    Secrets are [secrets.NAME] in trainyard.toml; `secrets: { DB_PASSWORD: NAME }` gives one to a step of a pipeline. No \
    command shows a value."
)]
pub(super) struct Secrets {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The secrets, where each is, and who may use it
    #[command(after_help = "Example:\n  trainyard secrets list --json")]
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Read a secret as a step would get it, and say how long it is
    #[command(
        after_help = "Example:\n  trainyard secrets test warehouse-password\n\nRun it as the service is run: with its \
    environment, as its user. Exits with 1 if the secret cannot be read, and says why."
    )]
    Test {
        /// The secret, a name of [secrets] in trainyard.toml
        secret: String,
    },
}

impl Secrets {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        match self.command {
            Command::List { json } => list(config, json)?,
            Command::Test { secret } => match try_secret(&config.engine()?, &secret).await {
                Ok(length) => output::text(&format!("{secret} can be read: {length} bytes\n"))?,
                Err(error) if error.detail().is_empty() => bail!("{}", error.sentence()),
                Err(error) => bail!("{}\n{}", error.sentence(), several_lines(error.detail())),
            },
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(config: &Config, json: bool) -> Result<()> {
    let secrets = config.secrets.iter().map(|(name, secret)| (name.as_str(), &secret.0));
    if json {
        return output::json(&json!({"secrets": secrets.map(as_json).collect::<Vec<_>>()}));
    }
    if config.secrets.is_empty() {
        return output::text("no secrets: [secrets.NAME] in trainyard.toml makes one\n");
    }
    let mut table = Table::new(&[
        "SECRET",
        "FROM",
        "REPOSITORIES",
        "PIPELINES",
        "BRANCHES",
        "PULL REQUESTS",
    ]);
    let globs = |globs: &Option<Vec<String>>| {
        globs
            .as_ref()
            .map_or_else(|| "all".to_owned(), |globs| globs.join(", "))
    };
    for (name, SecretConfig { source, rule }) in secrets {
        let repositories = match rule.repositories.as_slice() {
            [] => "none, only folders on this machine".to_owned(),
            some => some.join(", "),
        };
        table.row(vec![
            name.to_owned(),
            plain(&place(source)),
            plain(&repositories),
            plain(&globs(&rule.pipelines)),
            plain(&globs(&rule.branches)),
            if rule.pull_requests { "yes, no forks" } else { "no" }.to_owned(),
        ]);
    }
    output::text(&table.render())
}

fn as_json((name, SecretConfig { source, rule }): (&str, &SecretConfig)) -> Value {
    json!({
        "name": name,
        "from": place(source),
        "repositories": rule.repositories,
        "pipelines": rule.pipelines,
        "branches": rule.branches,
        "pull_requests": rule.pull_requests,
    })
}

/// A command by its program: its arguments may say more than everybody should see.
fn place(source: &SecretSource) -> String {
    match source {
        SecretSource::Environment(variable) => format!("env {variable}"),
        SecretSource::File(path) => format!("file {}", path.display()),
        SecretSource::Command { command, .. } => {
            format!("command {}", command.first().map_or("", String::as_str))
        }
    }
}
