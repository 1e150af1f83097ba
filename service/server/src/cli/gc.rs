//! `trainyard gc`.

use super::output;
use crate::config::Config;
use anyhow::Result;
use std::process::ExitCode;
use trainyard_engine::{Collected, Engine};

/// Remove old runs and artifacts as [retention] in trainyard.toml says
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  trainyard gc --dry-run\n  trainyard gc --json\n\n\
    The service does the same at its start and daily. What serves, what a rollback goes to, what bears a name, \
    baselines and what a run at work reads always stay; ML Metadata keeps every row, marked DELETED.")]
pub(super) struct Gc {
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Print what went as JSON
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let engine = Engine::open(config.engine()?).await?;
        let gone = engine.collect_garbage(self.dry_run).await;
        engine.close().await;
        let gone = gone?;
        if self.json {
            output::json(&gone)?;
        } else {
            output::text(&sentence(&gone))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sentence(gone: &Collected) -> String {
    if !gone.policy {
        return "everything is kept: set max_age or keep_runs in [retention] of trainyard.toml\n".to_owned();
    }
    let verb = if gone.dry_run { "would go" } else { "went" };
    let mib = gone.bytes as f64 / (1024.0 * 1024.0);
    format!(
        "logs and folders of {} and {} ({mib:.1} MiB) {verb}\n",
        counted(gone.runs.len(), "run"),
        counted(gone.content.len(), "artifact")
    )
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_one_sentence() {
        let nothing = Collected::default();
        let some = Collected {
            runs: vec!["r1".into()],
            bytes: 3 * 512 * 1024,
            dry_run: true,
            policy: true,
            ..Collected::default()
        };
        insta::assert_snapshot!(sentence(&nothing) + &sentence(&some), @r"
        everything is kept: set max_age or keep_runs in [retention] of trainyard.toml
        logs and folders of 1 run and 0 artifacts (1.5 MiB) would go
        ");
    }
}
