//! `trainyard token`: named tokens of the API.

use super::door::Door;
use super::output::{self, Table};
use super::promote::not_empty;
use crate::config::Config;
use crate::token::Wanted;
use crate::views::Tokens;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// Make, list and revoke tokens of the API, each with a role of its own
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard token create ci --role operator --pipeline flights --days 90\n  \
    trainyard token list\n  trainyard token revoke ci\n\n\
    A viewer looks, an operator starts and cancels runs, an approver decides what serves, an admin makes tokens. \
    api_token of trainyard.toml is an admin's, without an end."
)]
pub(super) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Make a token, which is printed this once
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard token create ci --role operator --pipeline flights --days 90\n  \
    trainyard token create grafana --role viewer --json"
)]
struct Create {
    /// What people call it, and what the audit names
    name: String,
    /// viewer, operator, approver or admin
    #[arg(long, default_value = "viewer")]
    role: String,
    /// A pipeline that it is for, by name or as OWNER/NAME:PIPELINE; repeat it for more, all if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    pipeline: Vec<String>,
    /// Days until it ends by itself; never if absent
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print it as JSON, with all that is kept of it
    #[arg(long)]
    json: bool,
}

/// List the tokens there are and were
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard token list\n  trainyard token list --json")]
struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// Make a token worthless
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard token revoke ci")]
struct Revoke {
    /// The token
    name: String,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
}

impl Token {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        match self.command {
            Command::Create(command) => command.perform(config).await,
            Command::List(command) => command.perform(config).await,
            Command::Revoke(command) => command.perform(config).await,
        }
    }
}

impl Create {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let wanted = Wanted {
            name: self.name,
            role: self.role,
            pipelines: Some(self.pipeline.into_iter().collect())
                .filter(|names: &std::collections::BTreeSet<String>| !names.is_empty()),
            days: self.days,
        };
        let door = Door::open(config).await?;
        let made = door.create_token(wanted, &actor).await;
        door.close().await;
        let made = made?;
        if self.json {
            output::json(&made)?;
        } else {
            output::text(&format!("{}\n", made["token"].as_str().unwrap_or_default()))?;
            eprintln!("it is printed this once: keep it where its holder finds it");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let found = super::reads(config).await?.tokens().await?;
        let all = Tokens {
            tokens: found.into_iter().map(Into::into).collect(),
        };
        if self.json {
            output::json(&all)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["name", "role", "pipelines", "made", "by", "used last", "ends"]);
        if all.tokens.is_empty() {
            output::text("there are no tokens yet: `trainyard token create NAME --role ROLE` makes one\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        for token in all.tokens {
            let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
            table.row(vec![
                token.name,
                token.role,
                token
                    .pipelines
                    .map_or_else(|| "all".to_owned(), |names| names.join(",")),
                day(&token.created_at),
                token.created_by,
                token.last_used_at.as_deref().map_or_else(|| "never".to_owned(), day),
                match (&token.revoked_by, &token.expires_at) {
                    (Some(by), _) => format!("revoked by {by}"),
                    (None, Some(end)) => day(end),
                    (None, None) => "never".to_owned(),
                },
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let door = Door::open(config).await?;
        let done = door.revoke_token(&self.name, &actor).await;
        door.close().await;
        done?;
        output::text(&format!(
            "{} is revoked: it opens nothing any more\n",
            output::plain(&self.name)
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
