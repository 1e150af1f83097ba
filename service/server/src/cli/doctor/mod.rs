//! `trainyard doctor`.

mod examine;
mod github;

pub(super) use github::{account, app_settings, installation_place, repositories};

use super::output::{self, Tone, plain};
use crate::config::Config;
use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use trainyard_core::ids::RepoName;

/// Check the configuration and everything the service needs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard doctor\n  trainyard doctor --config /etc/trainyard/trainyard.toml --json\n  trainyard doctor --repo acme/flights\n\n\
    Exits with 1 if there is a problem; warnings are things that may be as you want them."
)]
pub(super) struct Doctor {
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
    /// A repository that GitHub shall let the service work with, besides those it knows
    #[arg(long = "repo", value_name = "OWNER/NAME", value_parser = RepoName::parse)]
    repos: Vec<RepoName>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Problem,
}

#[derive(Debug, Serialize)]
struct Check {
    check: String,
    health: Health,
    /// What was found, and what to do about it.
    finding: String,
}

/// What was looked at so far.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, check: impl Into<String>, health: Health, finding: impl Into<String>) {
        self.0.push(Check {
            check: check.into(),
            health,
            finding: finding.into(),
        });
    }

    fn ok(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Ok, finding);
    }

    fn warn(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.add(check, Health::Warning, finding);
    }

    fn problem(&mut self, check: impl Into<String>, finding: impl ToString) {
        self.add(check, Health::Problem, finding.to_string());
    }
}

impl Doctor {
    pub(super) async fn perform(
        self,
        path: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<ExitCode> {
        let mut checks = Checks::default();
        let from = match Config::place(path) {
            Some(file) => file.display().to_string(),
            None => "no file, all defaults: `trainyard.toml` here or in /etc/trainyard would be read".to_owned(),
        };
        let loaded = Config::load(path, variable).and_then(|config| Ok((config.engine()?, config)));
        match loaded {
            Err(error) => checks.problem("configuration", error),
            Ok((engine, config)) => {
                checks.ok("configuration", from);
                examine::all(&mut checks, &config, engine, &self.repos).await;
            }
        }
        let sick = checks.0.iter().any(|check| check.health == Health::Problem);
        if self.json {
            output::json(&serde_json::json!({"checks": checks.0}))?;
        } else {
            output::text(&checks.0.iter().map(line).collect::<String>())?;
        }
        Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn line(check: &Check) -> String {
    let word = match check.health {
        Health::Ok => "ok",
        Health::Warning => "warning",
        Health::Problem => "problem",
    };
    let gap = " ".repeat(8_usize.saturating_sub(word.len()));
    format!(
        "{}{gap} {:<20} {}\n",
        Tone::of(word).paint(word),
        check.check,
        plain(&check.finding)
    )
}
