//! One command of a comment.

use super::{AskError, Asks, Done, explain};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::rerun::{PullRunError, RerunError};
use crate::registry::promote::PromotionError;
use crate::run::approval::{self, ApprovalError};
use trainyard_core::command::{Command, KNOWN, Through, parse};
use trainyard_core::dispatch::{Action, Facts, PullNow, RunFact, dispatch};
use trainyard_core::event::PullRequest;
use trainyard_core::ids::{RepoName, RunId};
use trainyard_core::inbound::Interpretation;
use trainyard_core::registry::Evidence;
use trainyard_core::report::escape;
use trainyard_core::run::{Answer, NoWord, Permission, Person, RunState, Which};
use trainyard_store::{AskRow, NewEvent, RunFilter, RunRow, StoreError};

/// Runs of a pull request that are looked at.
const MOST: u32 = 100;
/// Entries of a ledger that are looked through for a rollback that was done before a crash.
const LEDGER: u32 = 50;

impl Asks {
    /// Does a command, or says why not.
    pub(super) async fn command(
        &self,
        row: &AskRow,
        line: &str,
        pull: &PullRequest,
        now_there: &PullNow,
    ) -> Result<Done, AskError> {
        let repo = &pull.repo;
        let command = match parse(line) {
            Ok(command) => command,
            Err(unclear) => {
                let said = format!("{}\n\n{}", escape(&unclear.sentence()), help());
                let refused = true;
                return Ok(Done {
                    said,
                    refused,
                    ..Done::default()
                });
            }
        };
        let runs = self.facts(repo, now_there.number).await?;
        let targets = self.targets(repo).await?;
        let facts = Facts {
            pull: now_there,
            runs: &runs,
            targets: &targets,
        };
        let action = match dispatch(&command, facts) {
            Ok(action) => action,
            Err(refused) => return Ok(Done::refused(&refused.sentence())),
        };
        let login = &row.ask.asked.person.login;
        let mut done = match action {
            Action::Help => Done {
                said: help(),
                ..Done::default()
            },
            Action::Run { pipeline, parameters } => {
                let asked = self.inbound.run_of_pull(pull, login, pipeline.as_deref(), &parameters);
                match asked.await {
                    Ok(meaning) => Done {
                        said: started(&meaning),
                        follows: vec![NewEvent::from(meaning)],
                        refused: false,
                    },
                    Err(PullRunError::Refused(refused)) => Done::refused(&refused.sentence()),
                    Err(PullRunError::Source(error)) => return Err(error.into()),
                    Err(PullRunError::Store(error)) => return Err(error.into()),
                }
            }
            Action::Rerun { runs, which } => self.rerun_all(&runs, which, login).await?,
            Action::Cancel(runs) => self.cancel_all(&runs, login).await?,
            Action::Approve { run, why } => self.approve(row, &run, why.as_deref()).await?,
            Action::Reject { run, why } => self.reject(row, &run, why.as_deref()).await?,
            Action::RollBack { target, why } => self.roll_back(row, &target, why.as_deref()).await?,
            Action::Explain(runs) => Done {
                said: explain::runs(&self.runs, repo, now_there, &runs).await?,
                ..Done::default()
            },
        };
        // What concerns no commit is done for a closed one as well, and says so.
        if !now_there.open && !matches!(command, Command::Help) && !done.refused {
            done.said += &format!(" (pull request {} is closed)", now_there.number);
        }
        Ok(done)
    }

    async fn facts(&self, repo: &RepoName, number: u64) -> Result<Vec<RunFact>, StoreError> {
        let rows = self.runs.store.runs_of_pull(repo, number, MOST).await?;
        let filter = RunFilter {
            state: Some(RunState::WaitingForApproval),
            limit: MOST,
            ..RunFilter::default()
        };
        let waiting = self.runs.store.runs(&filter).await?.into_iter();
        let others = waiting.filter(|row| row.repo.as_ref() == Some(repo) && row.pull_request != Some(number));
        Ok(rows.into_iter().chain(others).map(fact).collect())
    }

    /// The pipelines of a repository that push, as its default branch has them.
    async fn targets(&self, repo: &RepoName) -> Result<Vec<(String, String)>, StoreError> {
        let known = self.runs.store.pipelines().await?.into_iter();
        let of_repo = known.filter(|known| known.repo == *repo);
        let pushes = of_repo.filter_map(|known| Some((known.name, known.plan.push?.target)));
        Ok(pushes.collect())
    }

    /// Runs again; of several each for itself.
    pub(super) async fn rerun_all(&self, runs: &[RunId], which: Which, actor: &str) -> Result<Done, AskError> {
        let mut done = Done {
            refused: true,
            ..Done::default()
        };
        let mut said = Vec::new();
        for run in runs {
            match self.inbound.rerun(run, which, actor).await {
                Ok((new, meaning)) => {
                    let reasons = meaning.reasons.iter().map(|reason| format!("; {}", reason.sentence()));
                    let reasons: String = reasons.collect();
                    said.push(format!("run {new} repeats {} of run {run}{reasons}", which.words()));
                    done.follows.push(NewEvent::from(meaning));
                    done.refused = false;
                }
                Err(RerunError::Refused(refused)) => said.push(refused.sentence()),
                Err(RerunError::Store(StoreError::NotFound(sentence))) => said.push(sentence),
                Err(RerunError::Store(error)) => return Err(error.into()),
            }
        }
        done.said = escape(&said.join("; "));
        Ok(done)
    }

    async fn cancel_all(&self, runs: &[RunId], actor: &str) -> Result<Done, AskError> {
        let mut said = Vec::new();
        for run in runs {
            let asked = self.runs.store.request_cancel(run, actor, now());
            said.push(match passing(Effect::ASK_CANCEL, asked).await? {
                true => format!("run {run} is asked to end"),
                false => format!("run {run} is over already"),
            });
        }
        Ok(Done::text(&said.join("; ")))
    }

    /// A rollback is done once: its entry in the ledger says whose word it was.
    async fn roll_back(&self, row: &AskRow, target: &str, why: Option<&str>) -> Result<Done, AskError> {
        let asked = &row.ask.asked;
        let place = match &asked.through {
            Through::Comment {
                comment, pull_request, ..
            } => format!("comment {comment} on pull request {pull_request} of {}", asked.repo),
            Through::CheckRun { .. } | Through::CheckSuite { .. } => asked.sentence(),
        };
        let command = row.ask.said.len() + 1;
        let reason = match why {
            Some(why) => format!("{why} ({place}, command {command})"),
            None => format!("{place}, command {command}"),
        };
        let ours =
            |evidence: &Evidence| matches!(evidence, Evidence::Rollback { reason: Some(said), .. } if *said == reason);
        let open = self.runs.store.open_intents().await?;
        if open
            .iter()
            .any(|intent| intent.entry.target == target && ours(&intent.entry.evidence))
        {
            return Err(AskError::Unsettled(target.to_owned()));
        }
        let ledger = self.runs.store.promotions(Some(target), LEDGER).await?;
        let before = ledger.into_iter().find(|entry| ours(&entry.evidence));
        if let Some(entry) = before {
            return Ok(Done::text(&format!(
                "target '{target}' serves version {} again",
                entry.version
            )));
        }
        match self
            .runs
            .registry
            .roll_back(target, &asked.person.login, Some(&reason))
            .await
        {
            Ok(back) => Ok(Done::text(&format!(
                "target '{target}' serves version {} again, and version {} no longer",
                back.to, back.from
            ))),
            Err(PromotionError::Refused(refusal)) => Ok(Done::refused(&refusal.sentence())),
            Err(error @ PromotionError::Store(_)) => Err(error.into()),
            Err(error) => Ok(Done::refused(&error.to_string())),
        }
    }

    /// A yes to what a run waits for. That they may write was looked up just now, by their number.
    pub(super) async fn approve(&self, row: &AskRow, run: &RunId, why: Option<&str>) -> Result<Done, AskError> {
        self.word(row, run, Answer::Approve, why).await
    }

    /// A no.
    pub(super) async fn reject(&self, row: &AskRow, run: &RunId, why: Option<&str>) -> Result<Done, AskError> {
        self.word(row, run, Answer::Reject, why).await
    }

    async fn word(&self, row: &AskRow, run: &RunId, answer: Answer, why: Option<&str>) -> Result<Done, AskError> {
        let asked = &row.ask.asked;
        let person = Person::Account {
            id: asked.person.id,
            login: asked.person.login.clone(),
            repo: asked.repo.clone(),
            permission: Permission::Write,
        };
        let unsaid = match &asked.through {
            Through::Comment { pull_request, .. } => format!("by a comment on pull request #{pull_request}"),
            Through::CheckRun { .. } | Through::CheckSuite { .. } => "by the button of its check".to_owned(),
        };
        let done = match answer {
            Answer::Approve => format!("run {run} is approved, and goes on"),
            Answer::Reject => format!("run {run} is rejected, and goes no further"),
        };
        match approval::say(&self.runs, run, answer, &person, why.unwrap_or(&unsaid)).await {
            Ok(_) => Ok(Done::text(&done)),
            // It was done before the service was stopped.
            Err(ApprovalError::NoWord(NoWord::NotWaiting { given: Some(word), .. }))
                if answer == Answer::Approve && word.account == Some(asked.person.id) =>
            {
                Ok(Done::text(&done))
            }
            Err(ApprovalError::NoWord(no)) => Ok(Done::refused(&no.sentence())),
            Err(ApprovalError::Unknown(why)) => Ok(Done::refused(&why)),
            Err(ApprovalError::Store(error)) => Err(error.into()),
        }
    }
}

fn fact(row: RunRow) -> RunFact {
    RunFact {
        trial: row.trigger == "manual",
        waits: row.state == RunState::WaitingForApproval,
        id: row.id,
        pipeline: row.pipeline,
        commit: row.commit,
        pull_request: row.pull_request,
        state: row.state,
    }
}

/// The runs that start, and why others do not.
fn started(meaning: &Interpretation) -> String {
    let trial = meaning.runs().any(|run| run.trial);
    let note = match trial {
        true => {
            "; it is a trial with other parameters than the file's, so that its verdict comes as a comment and is no check"
        }
        false => "",
    };
    escape(&format!("{}{note}", meaning.outcome()))
}

/// What can be asked, as a list.
fn help() -> String {
    let rows = KNOWN.map(|(name, usage, what)| {
        let command = format!("/trainyard {name} {usage}");
        format!("- `{}`: {what}", command.trim_end())
    });
    format!(
        "What people who may write to this repository can ask, at the beginning of a line:\n\n{}",
        rows.join("\n")
    )
}
