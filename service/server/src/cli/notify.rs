//! `trainyard notify`.

use super::output::{self, plain};
use crate::config::Config;
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;
use std::process::ExitCode;
use trainyard_core::suggest;
use trainyard_engine::{ChannelConfig, ChannelKind, try_channel};

/// Who is told of runs beside GitHub
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard notify list\n  trainyard notify try team\n\n\
    Channels are [notify.NAME] in trainyard.toml; `notify: { NAME: [failed, recovered] }` in a pipeline's file says what \
    is told of that pipeline.")]
pub(super) struct Notify {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The channels, and what each hears of
    #[command(after_help = "Example:\n  trainyard notify list --json")]
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send a message that says that it is a trial
    #[command(after_help = "Example:\n  trainyard notify try team\n\nExits with 1 if it did not arrive, and says why.")]
    Try {
        /// The channel, a name of [notify] in trainyard.toml
        channel: String,
    },
}

impl Notify {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let config = config.engine()?;
        match self.command {
            Command::List { json } => list(&config.notify, json)?,
            Command::Try { channel } => {
                let names = config.notify.iter().map(|known| known.channel.name.as_str());
                if !names.clone().any(|name| name == channel) {
                    let hint = suggest::hint(&channel, names);
                    bail!("there is no [notify.{}] in the settings: {hint}", plain(&channel));
                }
                try_channel(&config, &channel).await?;
                output::text(&format!("{channel} took the message: look whether it arrived\n"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(channels: &[ChannelConfig], json: bool) -> Result<()> {
    if json {
        let channel = |config: &ChannelConfig| {
            json!({
                "name": config.channel.name,
                "kind": kind(&config.kind),
                "on": config.channel.on,
                "pipelines": config.channel.pipelines,
            })
        };
        return output::json(&json!({"channels": channels.iter().map(channel).collect::<Vec<_>>()}));
    }
    if channels.is_empty() {
        return output::text("nobody is told beside GitHub: [notify.NAME] in trainyard.toml makes a channel\n");
    }
    let mut text = String::new();
    for config in channels {
        let channel = &config.channel;
        let on: Vec<&str> = channel.on.iter().map(|condition| condition.as_str()).collect();
        let pipelines = match channel.pipelines.as_slice() {
            [] => "pipelines whose file names it".to_owned(),
            [all] if all == "*" => "all pipelines".to_owned(),
            globs => globs.join(", "),
        };
        text.push_str(&format!(
            "{}  {}  {}  of {}\n",
            channel.name,
            kind(&config.kind),
            on.join(", "),
            plain(&pipelines)
        ));
    }
    output::text(&text)
}

/// As the settings call it.
fn kind(kind: &ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Slack { .. } => "slack",
        ChannelKind::Email(_) => "email",
        ChannelKind::Webhook { .. } => "webhook",
        ChannelKind::CloudEvents { .. } => "cloudevents",
    }
}
