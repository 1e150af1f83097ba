//! `trainyard trigger`.

use super::door::Door;
use super::output;
use super::parameters::Parameters;
use crate::config::Config;
use anyhow::{Result, bail};
use serde_json::json;
use std::process::ExitCode;
use trainyard_core::ids::RepoName;
use trainyard_engine::RunAsked;
use trainyard_store::Reads;

/// Start a run of a pipeline at the head of its default branch
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard trigger flights\n  \
    trainyard trigger flights --repo acme/models --parameter learning_rate=0.05\n  \
    trainyard trigger flights --span 2014-06 --no-push\n\n\
    The pipeline is known once a push to its default branch was received. A running service starts at once; \
    without one the run waits for the next `trainyard serve`. For a folder of this machine there is `trainyard run`.")]
pub(super) struct Trigger {
    /// The pipeline
    pipeline: String,
    /// Its repository, OWNER/NAME, where more than one has such a pipeline
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    /// Run as of this span: newer data is not seen. Of several data sources SOURCE=SPAN; may be given for each
    #[arg(long, value_name = "[SOURCE=]SPAN")]
    span: Vec<String>,
    /// Judge the model, but do not push it
    #[arg(long)]
    no_push: bool,
    /// Print the new run as JSON
    #[arg(long)]
    json: bool,
}

impl Trigger {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let repo = match &self.repo {
            Some(repo) => RepoName::parse(repo)?,
            None => only_repo(&super::reads(config).await?, &self.pipeline).await?,
        };
        let asked = RunAsked {
            parameters: self.parameters.map(),
            spans: self.span,
            no_push: self.no_push,
            actor: super::actor(),
        };
        let door = Door::open(config).await?;
        let waits = match door.is_service() {
            true => "",
            false => "; it waits for the next `trainyard serve`",
        };
        let run = door.trigger(&repo, &self.pipeline, &asked).await;
        door.close().await;
        let run = run?;
        if self.json {
            output::json(&json!({"run": run, "status": "queued"}))?;
        } else {
            output::text(&format!("run {run} is queued{waits}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn only_repo(store: &Reads, pipeline: &str) -> Result<RepoName> {
    let known = store.pipelines().await?;
    let mut repos: Vec<RepoName> = known
        .iter()
        .filter(|known| known.name == pipeline)
        .map(|known| known.repo.clone())
        .collect();
    match (repos.pop(), repos.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => {
            bail!("more than one repository has a pipeline '{pipeline}': say which with --repo OWNER/NAME")
        }
        (None, _) => {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            bail!(
                "there is no pipeline '{pipeline}' (known: {names}): push its pipeline file to its default branch first, or use `trainyard run`"
            )
        }
    }
}
