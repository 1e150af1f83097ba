//! `trainyard serve`.

use super::output;
use crate::config::{Config, ConfigError, DEFAULT};
use crate::http::Server;
use anyhow::Result;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Run the service: webhooks and events in, API and metrics out
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard serve\n  \
    trainyard serve --config /etc/trainyard/trainyard.toml\n  \
    trainyard serve --default-config > trainyard.toml\n  \
    TRAINYARD_LOG=debug TRAINYARD_LOG_FORMAT=json trainyard serve\n\n\
    SIGTERM and ctrl-c stop it; programs that steps started go on and are found again at the next start.")]
pub(super) struct Serve {
    /// Print the commented default settings, the beginning of a trainyard.toml, and end
    #[arg(long)]
    default_config: bool,
}

impl Serve {
    pub(super) async fn perform(self, config: impl FnOnce() -> Result<Config, ConfigError>) -> Result<ExitCode> {
        if self.default_config {
            output::text(DEFAULT)?;
            return Ok(ExitCode::SUCCESS);
        }
        let config = config()?;
        // From here on a signal stops it in order, however early it comes.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let server = Server::bind(config).await?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        server.run(stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
