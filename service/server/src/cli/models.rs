//! `trainyard models`.

use super::output::{self, Table, Tone, plain};
use crate::config::Config;
use crate::views::{self, TargetView, VersionDiff, Versions as VersionsView};
use anyhow::{Result, anyhow, bail};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// Show what serves at each push target, and how it got there
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  trainyard models\n  trainyard models flights\n  trainyard models --json\n  \
    trainyard models versions flights\n  trainyard models diff flights 000003 000004"
)]
pub(super) struct Models {
    /// Only this push target
    target: Option<String>,
    /// Print as JSON, as GET /api/v1/models answers
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum ModelsCommand {
    Versions(Versions),
    Diff(Diff),
}

/// Show the versions of a push target with their metrics, as the gate met them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard models versions flights\n  trainyard models versions flights --json")]
struct Versions {
    /// The push target
    target: String,
    /// Print as JSON, as GET /api/v1/targets/{name}/versions answers
    #[arg(long)]
    json: bool,
}

impl Versions {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let told = VersionsView::read(&store, &self.target).await?;
        if told.versions.is_empty() && !config.targets.contains_key(&self.target) {
            bail!(
                "there is no push target '{}': see [targets] in trainyard.toml",
                self.target
            );
        }
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        let names: BTreeSet<&String> = told.versions.iter().flat_map(|item| item.metrics.keys()).collect();
        let mut heading = vec!["VERSION", "NAMES", "SINCE", "RUN"];
        heading.extend(names.iter().map(|name| name.as_str()));
        let mut table = Table::new(&heading);
        for item in told.versions.iter().rev() {
            let mut cells = vec![
                item.version.clone(),
                item.aliases.join(" "),
                super::runs::when(&item.at),
                item.run.as_deref().map_or("–", super::runs::short).to_owned(),
            ];
            let value = |name: &&String| item.metrics.get(*name).map(|value| format!("{value:.4}"));
            cells.extend(names.iter().map(|name| value(name).unwrap_or_else(|| "–".to_owned())));
            table.row(cells);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Show what differs between two versions: data, commit, parameters, metrics
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard models diff flights 000003 000004\n  trainyard models diff flights 000003 000004 --json"
)]
struct Diff {
    /// The push target
    target: String,
    /// The one version
    from: String,
    /// The other one
    to: String,
    /// Print as JSON, as GET /api/v1/targets/{name}/diff answers
    #[arg(long)]
    json: bool,
}

impl Diff {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let diff = VersionDiff::read(&store, &self.target, [&self.from, &self.to]).await?;
        let diff = diff.map_err(|none| anyhow!(none))?;
        if self.json {
            output::json(&diff)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut text: String = diff.notes.iter().map(|note| plain(note) + "\n").collect();
        if diff.rows.is_empty() {
            text.push_str("they do not differ in anything that is recorded\n");
        } else {
            let mut table = Table::new(&["WHAT", &self.from, &self.to]);
            for row in diff.rows {
                let mut cells = vec![format!("{} {}", row.section, row.name)];
                let values = row.values.into_iter();
                cells.extend(values.map(|value| value.unwrap_or_else(|| "–".to_owned())));
                table.row(cells);
            }
            text.push_str(&table.render());
        }
        output::text(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Models {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        match self.command {
            Some(ModelsCommand::Diff(diff)) => return diff.perform(config).await,
            Some(ModelsCommand::Versions(versions)) => return versions.perform(config).await,
            None => {}
        }
        let store = super::reads(config).await?;
        let mut models = views::Models::read(&store, config).await?;
        if let Some(name) = &self.target {
            models.targets.retain(|target| target.name == *name);
            if models.targets.is_empty() {
                bail!("there is no push target '{name}': see [targets] in trainyard.toml");
            }
        }
        if self.json {
            output::json(&models)?;
        } else if models.targets.is_empty() {
            output::text("no push targets: name one in [targets] of trainyard.toml\n")?;
        } else {
            output::text(&models.targets.iter().map(render).collect::<Vec<_>>().join("\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn render(target: &TargetView) -> String {
    let url = target.url.as_deref().unwrap_or("not in the configuration any more");
    let serving = match &target.serving {
        Some(serving) => format!(
            "{} serves version {} of {}",
            target.name, serving.version, serving.pipeline
        ),
        None => format!("{} serves no model of ours", target.name),
    };
    let mut text = format!("{} {}\n", plain(&serving), Tone::Faint.paint(&format!("({url})")));
    if let Some(finding) = &target.finding {
        text.push_str(&format!("{}\n", Tone::Attention.paint(&plain(finding))));
    }
    if let Some(hold) = &target.hold {
        let when = super::runs::when(&hold.since);
        let held = format!("held by {} since {when}: {}", hold.actor, hold.reason);
        text.push_str(&format!("{}\n", Tone::Attention.paint(&plain(&held))));
    }
    if !target.aliases.is_empty() {
        let names = target
            .aliases
            .iter()
            .map(|name| format!("{} {}", name.alias, name.version));
        text.push_str(&format!("{}\n", plain(&names.collect::<Vec<_>>().join(", "))));
    }
    if !target.ledger.is_empty() {
        let mut table = Table::new(&["WHEN", "WHAT", "VERSION", "RUN", "BY"]);
        for entry in &target.ledger {
            let run = entry.run.as_deref().map_or("–", super::runs::short);
            let by = match (
                entry.evidence["forced"]["reason"].as_str(),
                entry.evidence["reason"]
                    .as_str()
                    .or_else(|| entry.evidence["approved"]["reason"].as_str()),
            ) {
                (Some(reason), _) => &format!("{}, against the gate: {reason}", entry.actor),
                (None, Some(reason)) => &format!("{}: {reason}", entry.actor),
                (None, None) => &match entry.work_tree.as_ref() {
                    Some(tree) => format!("{}, from {tree}", entry.actor),
                    None => entry.actor.clone(),
                },
            };
            let cells = [&super::runs::when(&entry.at), &entry.action, &entry.version, run, by];
            table.row(cells.map(|cell| cell.to_owned()).to_vec());
        }
        text.push_str(&table.render());
    }
    text
}
