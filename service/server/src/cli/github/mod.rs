//! `trainyard github`: who the service is at GitHub.

mod files;
mod manifest;
mod page;
mod ping;
mod setup;
mod token;

use crate::config::Config;
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

/// Make the service known to GitHub: a GitHub App, or a token and a webhook
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard github setup --webhook-url https://yard.example.org/webhooks/github\n  \
    trainyard github manifest > manifest.json")]
pub(super) struct GitHub {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Setup(setup::Setup),
    Manifest(manifest::Manifest),
}

impl GitHub {
    pub(super) async fn perform(
        self,
        path: Option<&Path>,
        variable: impl Fn(&str) -> Option<String> + Copy,
    ) -> Result<ExitCode> {
        // A file that is named and not there yet is the one that setup writes.
        let config = match path {
            Some(path) if !path.exists() => Config::without_file(variable)?,
            _ => Config::load(path, variable)?,
        };
        match self.command {
            Command::Setup(command) => command.perform(path, config).await,
            Command::Manifest(command) => command.perform(&config),
        }
    }
}
