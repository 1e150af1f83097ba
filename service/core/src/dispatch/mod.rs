//! What a command on a pull request means, by what there is: which runs, which target, or why nothing is done.

mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::Refused;

use crate::command::Command;
use crate::ids::{CommitSha, RunId};
use crate::run::{RunState, Which};
use serde_json::{Map, Value};

/// What there is, as the caller has found it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The pull request as it is now.
    pub pull: &'a PullNow,
    /// Runs of the pull request, newest first, and behind them those of the repository that wait for a person.
    pub runs: &'a [RunFact],
    /// Pipelines of the repository that push, with their targets.
    pub targets: &'a [(String, String)],
}

/// A pull request as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullNow {
    /// Its number.
    pub number: u64,
    /// Whether it is open.
    pub open: bool,
    /// Its newest commit.
    pub head: CommitSha,
    /// Whether it may have had another head when the command was written.
    pub moved: bool,
}

/// A run, as far as commands look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFact {
    /// The run.
    pub id: RunId,
    /// Its pipeline.
    pub pipeline: String,
    /// Its commit.
    pub commit: Option<CommitSha>,
    /// Its pull request.
    pub pull_request: Option<u64>,
    /// Where it is.
    pub state: RunState,
    /// Whether a person tried other parameters: it is meant only by its id.
    pub trial: bool,
    /// Whether it waits for a person's approval.
    pub waits: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The list of commands.
    Help,
    /// Runs of the head.
    Run {
        /// The pipeline; all of them if absent.
        pipeline: Option<String>,
        /// Parameters that replace the file's.
        parameters: Map<String, Value>,
    },
    /// Runs again.
    Rerun {
        /// The runs.
        runs: Vec<RunId>,
        /// How much of them.
        which: Which,
    },
    /// The end of runs.
    Cancel(Vec<RunId>),
    /// A person's approval.
    Approve {
        /// The run.
        run: RunId,
        /// Why.
        why: Option<String>,
    },
    /// A person's refusal.
    Reject {
        /// The run.
        run: RunId,
        /// Why.
        why: Option<String>,
    },
    /// The model that served before.
    RollBack {
        /// The target.
        target: String,
        /// Why.
        why: Option<String>,
    },
    /// What happened: with these runs, newest first; of the head's check if there are none.
    Explain(Vec<RunId>),
}

/// What a command means.
pub fn dispatch(command: &Command, facts: Facts<'_>) -> Result<Action, Refused> {
    match command {
        Command::Help => Ok(Action::Help),
        Command::Run { pipeline, parameters } => {
            current(facts.pull)?;
            Ok(Action::Run {
                pipeline: pipeline.clone(),
                parameters: parameters.clone(),
            })
        }
        Command::Rerun { of, all } => {
            current(facts.pull)?;
            rerun(of.as_deref(), *all, facts)
        }
        Command::Cancel { of } => cancel(of.as_deref(), facts),
        Command::Approve(words) => {
            let (run, why) = waiting(words, facts)?;
            Ok(Action::Approve { run, why })
        }
        Command::Reject(words) => {
            let (run, why) = waiting(words, facts)?;
            Ok(Action::Reject { run, why })
        }
        Command::RollBack(words) => roll_back(words, facts),
        Command::Explain { of: None } => {
            let runs = facts.runs.iter().filter(|run| facts.is_newest(run));
            let runs = runs.filter(|run| run.commit.as_ref() == Some(&facts.pull.head));
            Ok(Action::Explain(runs.map(|run| run.id.clone()).collect()))
        }
        Command::Explain { of: Some(word) } => {
            let run = facts.named(word)?;
            Ok(Action::Explain(vec![run.id.clone()]))
        }
    }
}

/// Only what is asked of an open pull request, and of the commits that the asker saw, is done.
fn current(pull: &PullNow) -> Result<(), Refused> {
    if !pull.open {
        return Err(Refused::Closed { number: pull.number });
    }
    if pull.moved {
        return Err(Refused::Moved {
            head: pull.head.clone(),
        });
    }
    Ok(())
}

impl<'a> Facts<'a> {
    fn is_of_pull(&self, run: &RunFact) -> bool {
        run.pull_request == Some(self.pull.number)
    }

    /// Whether it is the newest of its pipeline for the pull request, and no trial.
    fn is_newest(&self, run: &RunFact) -> bool {
        let like = |other: &&RunFact| other.pipeline == run.pipeline && self.is_of_pull(other) && !other.trial;
        self.runs.iter().find(like).is_some_and(|newest| newest.id == run.id)
    }

    /// The run that a word means: the newest of a pipeline, or the one whose id begins so.
    fn find(&self, word: &str) -> Option<&'a RunFact> {
        let of_pipeline = self.runs.iter().find(|run| run.pipeline == word && self.is_newest(run));
        let by_id = || {
            let mut begins = self.runs.iter().filter(|run| run.id.as_str().starts_with(word));
            let first = begins.next().filter(|_| word.len() >= SHORTEST);
            first.filter(|_| begins.next().is_none())
        };
        of_pipeline
            .or_else(|| self.runs.iter().find(|run| run.pipeline == word && run.waits))
            .or_else(by_id)
    }

    fn named(&self, word: &str) -> Result<&'a RunFact, Refused> {
        self.find(word).ok_or_else(|| Refused::NoSuchRun {
            word: word.to_owned(),
            known: names(self.runs.iter().map(|run| &run.pipeline)),
        })
    }
}

/// Characters that the beginning of a run's id has at least.
const SHORTEST: usize = 8;

fn names<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = all.cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn rerun(of: Option<&str>, all: bool, facts: Facts<'_>) -> Result<Action, Refused> {
    let which = if all { Which::All } else { Which::Failed };
    let head = &facts.pull.head;
    let runs: Vec<&RunFact> = match of {
        Some(word) => vec![facts.named(word)?],
        None => facts.runs.iter().filter(|run| facts.is_newest(run)).collect(),
    };
    if runs.is_empty() {
        return Err(Refused::NothingRan { head: head.clone() });
    }
    let at_head: Vec<&RunFact> = runs
        .iter()
        .copied()
        .filter(|run| !facts.is_of_pull(run) || run.commit.as_ref() == Some(head))
        .collect();
    let Some(first) = at_head.first() else {
        let run = runs[0];
        return Err(Refused::OldHead {
            run: run.id.clone(),
            head: head.clone(),
        });
    };
    if of.is_none() && at_head.iter().all(|run| !run.state.is_final()) {
        return Err(Refused::AtWork { run: first.id.clone() });
    }
    let over = |run: &&&RunFact| of.is_some() || run.state.is_final();
    let over: Vec<&RunFact> = at_head.iter().filter(over).copied().collect();
    // Of several, those that did not end well, if there are any.
    let badly: Vec<&RunFact> = over
        .iter()
        .copied()
        .filter(|run| run.state != RunState::Succeeded)
        .collect();
    let chosen = if badly.is_empty() || all || of.is_some() {
        over
    } else {
        badly
    };
    Ok(Action::Rerun {
        runs: chosen.into_iter().map(|run| run.id.clone()).collect(),
        which,
    })
}

fn cancel(of: Option<&str>, facts: Facts<'_>) -> Result<Action, Refused> {
    let at_work = |run: &&RunFact| !run.state.is_final();
    if let Some(word) = of {
        // All of a pipeline, trials included, or the one that is meant.
        let of_pipeline = facts.runs.iter().filter(|run| run.pipeline == word);
        let mut runs: Vec<&RunFact> = of_pipeline.filter(|run| facts.is_of_pull(run)).collect();
        if runs.is_empty() {
            runs.push(facts.named(word)?);
        }
        let ids: Vec<RunId> = runs.iter().copied().filter(at_work).map(|run| run.id.clone()).collect();
        return match ids.is_empty() {
            true => Err(Refused::Over {
                run: runs[0].id.clone(),
                state: runs[0].state,
            }),
            false => Ok(Action::Cancel(ids)),
        };
    }
    let of_pull = facts.runs.iter().filter(|run| facts.is_of_pull(run));
    let ids: Vec<RunId> = of_pull.filter(at_work).map(|run| run.id.clone()).collect();
    match ids.is_empty() {
        true => Err(Refused::NothingAtWork {
            number: facts.pull.number,
        }),
        false => Ok(Action::Cancel(ids)),
    }
}

/// The run that waits and is meant, and why. The first word names it where it is the name of something that waits.
fn waiting(words: &[String], facts: Facts<'_>) -> Result<(RunId, Option<String>), Refused> {
    let waiting: Vec<&RunFact> = facts.runs.iter().filter(|run| run.waits).collect();
    let named = words.first().and_then(|word| facts.find(word));
    let (run, why) = match (named, waiting.as_slice()) {
        (Some(run), _) if run.waits => (run, &words[1..]),
        (_, []) => return Err(Refused::NothingWaits),
        (Some(run), _) => return Err(Refused::WaitsNot { run: run.id.clone() }),
        (None, all) => {
            // What the pull request asks counts before what the repository does.
            let ours: Vec<&RunFact> = all.iter().copied().filter(|run| facts.is_of_pull(run)).collect();
            match (ours.as_slice(), all) {
                ([only], _) | ([], [only]) => (*only, words),
                ([], several) | (several, _) => {
                    return Err(Refused::WhichWaits {
                        known: names(several.iter().map(|run| &run.pipeline)),
                    });
                }
            }
        }
    };
    if facts.is_of_pull(run) {
        current(facts.pull)?;
        if run.commit.as_ref() != Some(&facts.pull.head) {
            return Err(Refused::OldHead {
                run: run.id.clone(),
                head: facts.pull.head.clone(),
            });
        }
    }
    Ok((run.id.clone(), reason(why)))
}

fn reason(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

/// The target that is meant, one of this repository's pipelines, and why.
fn roll_back(words: &[String], facts: Facts<'_>) -> Result<Action, Refused> {
    let targets = names(facts.targets.iter().map(|(_, target)| target));
    let means = |word: &String| {
        let of_pipeline = facts.targets.iter().find(|(pipeline, _)| pipeline == word);
        let of_pipeline = of_pipeline.map(|(_, target)| target.clone());
        targets.iter().find(|target| *target == word).cloned().or(of_pipeline)
    };
    let (target, why) = match (words.first().and_then(means), targets.as_slice()) {
        (_, []) => return Err(Refused::NoTarget),
        (Some(target), _) => (target, &words[1..]),
        (None, [only]) => (only.clone(), words),
        (None, _) => {
            return Err(Refused::WhichTarget {
                word: words.first().cloned(),
                known: targets,
            });
        }
    };
    Ok(Action::RollBack {
        target,
        why: reason(why),
    })
}
