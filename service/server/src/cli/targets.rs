//! `trainyard targets`.

use super::door::Door;
use super::output::{self, Table, Tone, plain};
use super::promote::not_empty;
use crate::config::Config;
use crate::views::{self, TargetBrief};
use anyhow::Result;
use std::process::ExitCode;
use trainyard_engine::Keep;

/// Show whether each push target is in step with its ledger, and decide where it is not
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  trainyard targets\n  trainyard targets reconcile flights --keep-served --reason \"the database is last night's backup\"\n\n\
    in step: it serves what its ledger says. pushing: a push is at work. unknown: nobody knows whether a push came to \
    pass; the target is read back. drifted: others changed it; the next push goes above. disagrees: target and ledger \
    contradict each other, for example after a backup was restored; nothing is pushed there until a person decides."
)]
pub(super) struct Targets {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print as JSON, as GET /api/v1/targets answers
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Reconcile(Reconcile),
}

/// Decide between a push target and its ledger
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("keep").required(true).args(["keep_served", "restore_ledger"])),
    after_help = "Examples:\n  trainyard targets reconcile flights --keep-served --reason \"the database is last night's backup\"\n  \
    trainyard targets reconcile flights --restore-ledger --reason \"somebody restored the model server\"\n\n\
    Where it is unknown whether a push came to pass, the decision says that it did, or did not."
)]
struct Reconcile {
    /// The push target, a name of [targets] in trainyard.toml
    target: String,
    /// What serves is right: the ledger gets an entry for it
    #[arg(long)]
    keep_served: bool,
    /// The ledger is right: its model is pushed again, under a new number
    #[arg(long)]
    restore_ledger: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: String,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Targets {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        if let Some(Command::Reconcile(reconcile)) = self.command {
            return reconcile.perform(config).await;
        }
        let store = super::reads(config).await?;
        let targets = views::Targets::from(views::Models::read(&store, config).await?);
        if self.json {
            output::json(&targets)?;
        } else if targets.targets.is_empty() {
            output::text("no push targets: name one in [targets] of trainyard.toml\n")?;
        } else {
            output::text(&render(&targets.targets))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn render(targets: &[TargetBrief]) -> String {
    let mut table = Table::new(&["TARGET", "STATE", "LEDGER", "WHERE"]);
    for target in targets {
        let state = target.state.replace('_', " ");
        let held = if target.held { ", held" } else { "" };
        table.row(vec![
            target.name.clone(),
            format!("{state}{held}"),
            target.serving.clone().unwrap_or_else(|| "–".to_owned()),
            target
                .url
                .clone()
                .unwrap_or_else(|| "not in the configuration any more".to_owned()),
        ]);
    }
    let mut text = table.render();
    for finding in targets.iter().filter_map(|target| target.finding.as_deref()) {
        text.push_str(&format!("\n{}\n", Tone::Attention.paint(&plain(finding))));
    }
    text
}

impl Reconcile {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let keep = if self.keep_served { Keep::Served } else { Keep::Ledger };
        let door = Door::open(config).await?;
        let done = door.reconcile(&self.target, keep, &actor, &self.reason).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            let target = &self.target;
            let text = match (keep, done["version"].as_str()) {
                (_, None) => format!("{target} serves nothing yet, and its ledger says so\n"),
                (Keep::Served, Some(version)) => {
                    format!("{target} goes on serving version {version}, and its ledger says so\n")
                }
                (Keep::Ledger, Some(version)) => format!("{target} serves the ledger's model, as version {version}\n"),
            };
            output::text(&plain(&text))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
