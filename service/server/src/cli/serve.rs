//! `trainyard serve`.

use super::output;
use crate::config::{Config, ConfigError, DEFAULT};
use crate::http::Server;
use anyhow::Result;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Run the service: webhooks and events in, API and metrics out
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard serve\n  \
    trainyard serve --config /etc/trainyard/trainyard.toml\n  \
    trainyard serve --default-config > trainyard.toml\n  \
    TRAINYARD_LOG=debug TRAINYARD_LOG_FORMAT=json trainyard serve\n\n\
    SIGHUP makes it read the webhook secrets anew, so that they change without a gap.\n\
    SIGTERM and ctrl-c stop it; programs that steps started go on and are found again at the next start.")]
pub(super) struct Serve {
    /// Print the commented default settings, the beginning of a trainyard.toml, and end
    #[arg(long)]
    default_config: bool,
}

impl Serve {
    pub(super) async fn perform(self, load: impl Fn() -> Result<Config, ConfigError>) -> Result<ExitCode> {
        if self.default_config {
            output::text(DEFAULT)?;
            return Ok(ExitCode::SUCCESS);
        }
        let config = load()?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (anew, secrets) = watch::channel(config.webhook_secrets());
        // From here on a signal stops it in order, however early it comes.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let server = Server::bind(config).await?.with_secrets(secrets);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let reload = async {
            while hangup.recv().await.is_some() {
                match load() {
                    Ok(config) => drop(anew.send_replace(config.webhook_secrets())),
                    Err(error) => tracing::error!(%error, "the webhook secrets stay as they are"),
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = server.run(stop) => served?,
            () = reload => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
