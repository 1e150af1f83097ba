//! `trainyard sessions`.

use super::door::Door;
use super::output::{self, Table};
use super::promote::not_empty;
use super::runs;
use crate::config::Config;
use crate::session::is_over;
use crate::views::{SessionItem, Sessions};
use anyhow::Result;
use std::process::ExitCode;
use trainyard_core::ids::Micros;

/// Show who is signed in on the pages, or end a session
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  trainyard sessions\n  trainyard sessions --json\n  trainyard sessions end 3f9a0c17be52"
)]
pub(super) struct Signed {
    /// Print as JSON, as GET /api/v1/sessions answers
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    End(End),
}

/// End a session: its browser has to sign in again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard sessions end 3f9a0c17be52")]
struct End {
    /// The session, as `trainyard sessions` names it
    id: String,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
}

impl Signed {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        if let Some(Command::End(end)) = self.command {
            return end.perform(config).await;
        }
        let (at, ways) = (Micros(chrono::Utc::now().timestamp_micros()), config.ways_in());
        let all = super::reads(config).await?.sessions().await?;
        let good = all
            .iter()
            .filter(|(_, row)| !is_over(row, at) && ways.takes(&row.identity));
        let told = Sessions {
            sessions: good.map(|(hash, row)| SessionItem::new(hash, row)).collect(),
        };
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        if told.sessions.is_empty() {
            output::text("nobody is signed in\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["SESSION", "WHO", "BY", "SINCE", "USED LAST"]);
        for item in told.sessions {
            table.row(vec![
                item.id,
                item.who,
                item.by.to_owned(),
                runs::when(&item.began_at),
                runs::when(&item.used_at),
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl End {
    async fn perform(self, config: &Config) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let door = Door::open(config).await?;
        let done = door.end_session(&self.id, &actor).await;
        door.close().await;
        let whose = output::plain(&done?);
        output::text(&format!("a session of {whose} is over\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
