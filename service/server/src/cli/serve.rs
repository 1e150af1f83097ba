//! `trainyard serve`.

use crate::config::Config;
use crate::http::Server;
use anyhow::Result;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Run the service: webhooks and events in, API and metrics out
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard serve\n  \
    trainyard serve --config /etc/trainyard/trainyard.toml\n  \
    TRAINYARD_LOG=debug TRAINYARD_LOG_FORMAT=json trainyard serve\n\n\
    SIGTERM and ctrl-c stop it; programs that steps started go on and are found again at the next start.")]
pub(super) struct Serve {}

impl Serve {
    pub(super) async fn perform(self, config: Config) -> Result<ExitCode> {
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
