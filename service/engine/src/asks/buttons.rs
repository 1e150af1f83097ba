//! Buttons of checks: ours, and GitHub's own to run something again.

use super::{AskError, Asks, Done};
use std::collections::BTreeSet;
use trainyard_core::command::{Button, Through};
use trainyard_core::ids::{CommitSha, RunId};
use trainyard_core::run::Which;
use trainyard_store::{AskRow, RunRow, StoreError};

/// Runs of a commit that are looked at.
const MOST: u32 = 100;

impl Asks {
    /// Does what a button asks, or says why not.
    pub(super) async fn button(&self, row: &AskRow) -> Result<Done, AskError> {
        let asked = &row.ask.asked;
        let actor = &asked.person.login;
        match &asked.through {
            Through::CheckRun {
                run, commit, button, ..
            } => {
                let Some(run) = self.meant(row, run.as_deref(), commit).await? else {
                    let named = run.as_deref().unwrap_or("without a name");
                    return Ok(Done::refused(&format!(
                        "there is no run '{named}' of {} at {commit}: it may be too old",
                        asked.repo
                    )));
                };
                match button {
                    Button::Rerun => self.rerun_all(&[run.id], Which::Failed, actor).await,
                    Button::Approve => self.approve(row, &run.id, None).await,
                    Button::Reject => self.reject(row, &run.id, None).await,
                }
            }
            Through::CheckSuite { commit, .. } => {
                let runs = self.runs.store.runs_of_commit(&asked.repo, commit, MOST).await?;
                let mut questions = BTreeSet::new();
                let newest = runs.into_iter().filter(|run| {
                    let question = (run.pipeline.clone(), run.pull_request, run.branch.clone());
                    run.trigger != "manual" && questions.insert(question)
                });
                let ids: Vec<RunId> = newest.map(|run| run.id).collect();
                if ids.is_empty() {
                    return Ok(Done::refused(&format!("nothing ran for {commit} of {}", asked.repo)));
                }
                self.rerun_all(&ids, Which::Failed, actor).await
            }
            Through::Comment { .. } => Ok(Done::default()),
        }
    }

    /// The run that a check run names, if it is of that repository and commit.
    async fn meant(&self, row: &AskRow, run: Option<&str>, commit: &CommitSha) -> Result<Option<RunRow>, StoreError> {
        let Some(run) = run else { return Ok(None) };
        let found = match self.runs.store.run_row(run).await {
            Ok(found) => found,
            // The beginning of several.
            Err(StoreError::Conflict(_)) => None,
            Err(error) => return Err(error),
        };
        let ours = |found: &RunRow| {
            found.id.as_str() == run
                && found.repo.as_ref() == Some(&row.ask.asked.repo)
                && found.commit.as_ref() == Some(commit)
        };
        Ok(found.filter(ours))
    }
}
