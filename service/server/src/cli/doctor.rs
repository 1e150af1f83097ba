//! `trainyard doctor`.

use super::output::{self, Tone, plain};
use super::service::Service;
use crate::config::Config;
use crate::doctor::{Check, Checks, Health, before_it_serves};
use anyhow::Result;
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
                listening(&mut checks, &config).await;
                before_it_serves(&mut checks, &config, engine, &self.repos).await;
            }
        }
        let examined = checks.examined();
        let sick = examined.checks.iter().any(|check| check.health == Health::Problem);
        if self.json {
            output::json(&examined)?;
        } else {
            output::text(&examined.checks.iter().map(line).collect::<String>())?;
        }
        Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

async fn listening(checks: &mut Checks, config: &Config) {
    if let Err(error) = config.check_reach() {
        checks.problem("listen", error);
    } else if Service::find(config).await.is_some() {
        checks.ok("service", format!("running on {}", config.listen));
    } else {
        match std::net::TcpListener::bind(config.listen) {
            Ok(_) => checks.ok("service", format!("not running; {} is free", config.listen)),
            Err(error) => checks.problem(
                "listen",
                format!("{} cannot be listened on: {error}; set listen", config.listen),
            ),
        }
    }
}

fn line(check: &Check) -> String {
    let word = check.health.as_str();
    let gap = " ".repeat(8_usize.saturating_sub(word.len()));
    format!(
        "{}{gap} {:<20} {}\n",
        Tone::of(word).paint(word),
        check.check,
        plain(&check.finding)
    )
}
