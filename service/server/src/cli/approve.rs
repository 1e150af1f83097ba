//! `trainyard approve` and `trainyard reject`.

use super::door::Door;
use super::promote::not_empty;
use super::{output, runs};
use crate::config::Config;
use anyhow::Result;
use serde_json::Value;
use std::process::ExitCode;
use trainyard_core::run::Answer;

/// Say yes to what a run waits for: a fork's commit runs, or an approved model is pushed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard approve 0192f0c1 --reason \"read the diff: it only changes the learning rate\"\n  \
    trainyard approve 0192f0c1 --reason \"agreed with risk, ticket 7\" --actor ada\n\n\
    Runs that wait are listed by `trainyard runs --state waiting_for_approval`. The word is for this run, its commit and \
    its model only. Who and why are kept with the run, and of a model in the promotion ledger and in ML Metadata. A model \
    whose verdict is not about what serves any more is refused: start its run again."
)]
pub(super) struct Approve {
    #[command(flatten)]
    word: Word,
}

/// Say no to what a run waits for, and end it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard reject 0192f0c1 --reason \"it reads files that it should not\"\n\n\
    What serves keeps serving. Runs that wait are listed by `trainyard runs --state waiting_for_approval`."
)]
pub(super) struct Reject {
    #[command(flatten)]
    word: Word,
}

#[derive(Debug, clap::Args)]
struct Word {
    /// The run; the beginning of its id is enough
    run: String,
    /// Why; it is kept for those who ask later
    #[arg(long, value_name = "TEXT", value_parser = not_empty)]
    reason: String,
    /// Who, for the record; the user of this machine if absent
    #[arg(long, value_name = "NAME", value_parser = not_empty)]
    actor: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Approve {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        self.word.say(config, Answer::Approve).await
    }
}

impl Reject {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        self.word.say(config, Answer::Reject).await
    }
}

impl Word {
    async fn say(self, config: &Config, answer: Answer) -> Result<ExitCode> {
        let actor = self.actor.unwrap_or_else(super::actor);
        let store = super::reads(config).await?;
        let row = runs::row(&store, &self.run).await?;
        let door = Door::open(config).await?;
        let done = door.decide(&row.id, answer, &actor, &self.reason).await;
        door.close().await;
        let done = done?;
        if self.json {
            output::json(&done)?;
        } else {
            output::text(&sentence(&done, answer))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sentence(done: &Value, answer: Answer) -> String {
    let word = |key: &str| output::plain(done[key].as_str().unwrap_or_default());
    let (run, by) = (word("run"), word("by"));
    match (answer, done["what"] == "fork") {
        (Answer::Approve, true) => format!("run {run} is approved by {by}, and starts\n"),
        (Answer::Approve, false) => format!("run {run} is approved by {by}, and its model is pushed\n"),
        (Answer::Reject, true) => format!("run {run} is rejected by {by}: nothing of it ran\n"),
        (Answer::Reject, false) => format!("run {run} is rejected by {by}: its model is not pushed\n"),
    }
}
