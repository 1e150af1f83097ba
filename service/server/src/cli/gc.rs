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
    baselines and what a run at work reads always stay; ML Metadata keeps every row, marked DELETED. \
    Records of runs, deliveries and messages go when they are older than max_record_age and max_delivery_age.")]
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
    let verb = if gone.dry_run { "would go" } else { "went" };
    let mib = gone.bytes as f64 / (1024.0 * 1024.0);
    let first = if gone.policy {
        format!(
            "logs and folders of {} and {} ({mib:.1} MiB) {verb}\n",
            counted(gone.runs.len() as u64, "run"),
            counted(gone.content.len() as u64, "artifact")
        )
    } else {
        "all logs and artifacts are kept: set max_age or keep_runs in [retention] of trainyard.toml\n".to_owned()
    };
    let came = &gone.inbound;
    let old = [
        (gone.records.len() as u64, "record"),
        (came.deliveries, "delivery"),
        (came.events, "event"),
        (came.messages, "message"),
        (came.slots, "slot"),
        (came.checks, "check"),
    ];
    let old = old.iter().filter(|(count, _)| *count > 0);
    let old: Vec<_> = old.map(|(count, what)| counted(*count, what)).collect();
    match old.split_last() {
        None => first,
        Some((last, [])) => format!("{first}{last} {verb}, being old\n"),
        Some((last, before)) => format!("{first}{} and {last} {verb}, being old\n", before.join(", ")),
    }
}

fn counted(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_store::Forgotten;

    #[test]
    fn what_went_is_one_sentence() {
        let nothing = Collected::default();
        let some = Collected {
            runs: vec!["r1".into()],
            bytes: 3 * 512 * 1024,
            dry_run: true,
            policy: true,
            records: vec!["r0".into()],
            inbound: Forgotten {
                deliveries: 2,
                messages: 1,
                ..Forgotten::default()
            },
            ..Collected::default()
        };
        insta::assert_snapshot!(sentence(&nothing) + &sentence(&some), @r"
        all logs and artifacts are kept: set max_age or keep_runs in [retention] of trainyard.toml
        logs and folders of 1 run and 0 artifacts (1.5 MiB) would go
        1 record, 2 deliveries and 1 message would go, being old
        ");
    }
}
