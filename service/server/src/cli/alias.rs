//! `trainyard alias`.

use super::output;
use super::promote::not_empty;
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;
use trainyard_engine::Engine;

/// Name versions of a model, for `gate.baseline: alias:NAME` and for people
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard alias set flights challenger 000007\n  \
    trainyard alias remove flights challenger\n\n\
    The alias champion follows what serves by itself. `trainyard models` shows the names in force.")]
pub(super) struct Alias {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Give a name to a version; another version loses it
    #[command(after_help = "Examples:\n  trainyard alias set flights challenger 000007 --reason \"best on JFK\"")]
    Set {
        #[command(flatten)]
        which: Which,
        /// A version of the model, as `trainyard models` shows it
        version: String,
        #[command(flatten)]
        record: Record,
    },
    /// Take a name away
    #[command(after_help = "Examples:\n  trainyard alias remove flights challenger")]
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        record: Record,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The registered model: a push target's name
    model: String,
    /// The name
    alias: String,
}

#[derive(Debug, clap::Args)]
struct Record {
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: Option<String>,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Alias {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let engine = Engine::open(config.engine()?).await?;
        let (done, json) = match self.what {
            What::Set { which, version, record } => {
                let actor = record.actor.unwrap_or_else(super::actor);
                let (model, alias) = (&which.model, &which.alias);
                let done = engine.set_alias(model, alias, &version, &actor, record.reason);
                (done.await, record.json)
            }
            What::Remove { which, record } => {
                let actor = record.actor.unwrap_or_else(super::actor);
                let done = engine.remove_alias(&which.model, &which.alias, &actor, record.reason);
                (done.await, record.json)
            }
        };
        engine.close().await;
        let done = done?;
        if json {
            output::json(&done)?;
        } else {
            let (model, alias) = (output::plain(&done.model), output::plain(&done.alias));
            output::text(&match &done.version {
                Some(version) => format!("{alias} of {model} is version {version}\n"),
                None => format!("{model} has no {alias} any more\n"),
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
