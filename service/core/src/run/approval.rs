//! A run that waits for a person: a fork's before anything of it runs, an approved model's before it is pushed.
//!
//! Everything here is bound to one run, and with it to one commit and one model: what comes later is another run, which
//! waits for a word of its own.

use super::word::Word;
use super::{Run, RunRequest, RunState};
use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::plan;
use crate::quantity::patience_words;
use serde::{Deserialize, Serialize};

/// How long an approved model waits where nobody says otherwise.
pub const DEFAULT_PATIENCE: u64 = 7 * 86_400;

/// What an account may do in a repository, as GitHub's `permission` of a collaborator says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Nothing.
    None,
    /// Look; GitHub says the same of who triages.
    Read,
    /// Push; GitHub says the same of who maintains.
    Write,
    /// Everything.
    Admin,
}

impl Permission {
    /// GitHub's word; one that is not known is nothing.
    pub fn parse(word: &str) -> Self {
        match word {
            "read" | "triage" => Self::Read,
            "write" | "maintain" => Self::Write,
            "admin" => Self::Admin,
            _ => Self::None,
        }
    }

    /// As GitHub writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// A person who decides, and by what right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// Who has the service's token or works on its machine, by the name that they give.
    Operator {
        /// The name.
        name: String,
    },
    /// An account of GitHub.
    Account {
        /// Its number: names can be taken over.
        id: i64,
        /// Its name, for people.
        login: String,
        /// Where its permission was looked up.
        repo: RepoName,
        /// What it may do there, as GitHub's API answered for this number.
        permission: Permission,
    },
}

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The word that the commit of a fork may run here.
    Fork {
        /// The repository whose people may give it.
        repo: Option<RepoName>,
        /// The pull request.
        pull_request: Option<u64>,
        /// The commit.
        commit: Option<CommitSha>,
    },
    /// The word that the approved model may serve.
    Model {
        /// The push target.
        target: String,
        /// Seconds until it waits no longer.
        seconds: u64,
    },
}

/// Why a person's word does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoWord {
    /// Nothing waits for it.
    NotWaiting {
        /// The run.
        run: RunId,
        /// Where it is.
        state: RunState,
        /// The sentence of its end.
        summary: Option<String>,
        /// Who gave it before.
        given: Option<Word>,
    },
    /// The account may not push to the repository.
    NoRight {
        /// The account.
        login: String,
        /// What it may do.
        permission: Permission,
        /// The repository.
        repo: RepoName,
    },
    /// The permission is one on another repository.
    OtherRepository {
        /// Where it was looked up.
        asked: RepoName,
        /// The run's.
        repo: Option<RepoName>,
    },
    /// It does not say who.
    NoName,
    /// It does not say why.
    NoReason,
    /// The pull request has other commits or another base by now.
    Moved {
        /// Its number.
        number: u64,
        /// What was to be approved.
        commit: CommitSha,
        /// Its head now.
        head: CommitSha,
        /// The branch it would be merged into now.
        base: String,
    },
    /// The pull request is closed.
    Closed {
        /// Its number.
        number: u64,
    },
    /// What would be pushed may not be pushed now; in the words of the push.
    NotNow(String),
    /// A newer approved model of the pipeline waits.
    Superseded {
        /// Its run.
        by: RunId,
    },
}

impl NoWord {
    /// Why, and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotWaiting {
                run,
                state,
                summary,
                given,
            } => {
                let given = given.as_ref().map(|word| format!(", and {} approved it before", word.by));
                let ended = summary.as_ref().map(|summary| format!(": {summary}"));
                format!(
                    "run {run} does not wait for approval: it {}{}{}",
                    state.predicate(),
                    given.unwrap_or_default(),
                    ended.unwrap_or_default()
                )
            }
            Self::NoRight {
                login,
                permission,
                repo,
            } => format!(
                "{login} may not decide this: it needs write permission on {repo}, and GitHub says '{}'",
                permission.as_str()
            ),
            Self::OtherRepository { asked, repo } => match repo {
                Some(repo) => format!("a permission on {asked} does not count for a run of {repo}"),
                None => format!("a permission on {asked} does not count for a run of no repository"),
            },
            Self::NoName => "an approval or rejection needs the name of who gives it".to_owned(),
            Self::NoReason => {
                "an approval or rejection needs a reason: it is kept for those who ask later; say it with --reason \"…\""
                    .to_owned()
            }
            Self::Moved {
                number,
                commit,
                head,
                base,
            } => format!(
                "pull request #{number} moved on: it is at {} into '{base}', and the run that waited was of {}; look at what is new and approve its run",
                short(head),
                short(commit)
            ),
            Self::Closed { number } => {
                format!("pull request #{number} is closed: reopen it, and approve the run that waits then")
            }
            Self::NotNow(why) => format!("the model cannot be approved for a push now: {why}"),
            Self::Superseded { by } => {
                format!("the newer run {by} has an approved model that waits: approve that one")
            }
        }
    }
}

impl Person {
    /// The name for the record.
    pub fn name(&self) -> &str {
        match self {
            Self::Operator { name } => name,
            Self::Account { login, .. } => login,
        }
    }

    /// What they say of a run's model or commit, if they may.
    pub fn word(&self, request: &RunRequest, reason: &str) -> Result<Word, NoWord> {
        let (by, account) = match self {
            Self::Operator { name } => (clean(name), None),
            Self::Account {
                id,
                login,
                repo,
                permission,
            } => {
                if request.repo.as_ref() != Some(repo) {
                    return Err(NoWord::OtherRepository {
                        asked: repo.clone(),
                        repo: request.repo.clone(),
                    });
                }
                if *permission < Permission::Write {
                    return Err(NoWord::NoRight {
                        login: clean(login),
                        permission: *permission,
                        repo: repo.clone(),
                    });
                }
                (clean(login), Some(*id))
            }
        };
        if by.is_empty() {
            return Err(NoWord::NoName);
        }
        match clean(reason) {
            reason if reason.is_empty() => Err(NoWord::NoReason),
            reason => Ok(Word { by, account, reason }),
        }
    }
}

/// Without control characters and line breaks, at most 1,000 characters: it stands in lists, and in ML Metadata.
fn clean(text: &str) -> String {
    let text = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(1000).collect::<String>().trim().to_owned()
}

fn short(commit: &CommitSha) -> String {
    commit.as_str().chars().take(10).collect()
}

/// How long an approved model waits before a push, in seconds; `None` where no approval is asked for. What the pipeline's
/// reviewed file asks for and what the target asks for both count, and of two times the shorter one.
pub fn patience(push: &plan::Push, of_target: Option<Option<u64>>) -> Option<u64> {
    let of_file = (push.approval == plan::Approval::Required).then_some(push.approval_seconds);
    if of_file.is_none() && of_target.is_none() {
        return None;
    }
    let times = [of_file.flatten(), of_target.flatten(), push.approval_seconds];
    Some(times.into_iter().flatten().min().unwrap_or(DEFAULT_PATIENCE))
}

impl Awaited {
    /// What is waited for, and who must do what.
    pub fn sentence(&self, run: &RunId) -> String {
        match self {
            Self::Fork {
                repo,
                pull_request,
                commit,
            } => {
                let what = commit
                    .as_ref()
                    .map_or_else(|| "the commit".to_owned(), |commit| format!("commit {}", short(commit)));
                let of = pull_request.map(|number| format!(" of pull request #{number}"));
                let whose = repo.as_ref().map(|repo| format!(" to {repo}"));
                format!(
                    "{what}{} comes from a fork, and nothing of it runs before a person with write permission{} approves it: `trainyard approve {run} --reason …`, or reject",
                    of.unwrap_or_default(),
                    whose.unwrap_or_default()
                )
            }
            Self::Model { target, seconds } => format!(
                "the gate approved the model, and a person must approve its push to '{target}' within {}: `trainyard approve {run} --reason …`, or reject",
                patience_words(*seconds)
            ),
        }
    }

    /// The same within the characters that a commit status has.
    pub fn short_sentence(&self, run: &RunId) -> String {
        match self {
            Self::Fork { commit, .. } => {
                let what = commit.as_ref().map(short).unwrap_or_default();
                format!("fork's {what} waits: who has write permission approves run {run}, or rejects it")
            }
            Self::Model { target, .. } => {
                format!("approved; its push to {target} waits for a person to approve run {run}")
            }
        }
    }

    /// A word for listings: `fork` or `model`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fork { .. } => "fork",
            Self::Model { .. } => "model",
        }
    }
}

impl Run {
    /// What it waits for, if a person must say a word.
    pub fn awaits(&self) -> Option<Awaited> {
        if self.state != RunState::WaitingForApproval {
            return None;
        }
        Some(match (self.approval_seconds, &self.request.plan.push) {
            (Some(seconds), Some(push)) => Awaited::Model {
                target: push.target.clone(),
                seconds,
            },
            _ => Awaited::Fork {
                repo: self.request.repo.clone(),
                pull_request: self.request.pull_request,
                commit: self.request.commit.clone(),
            },
        })
    }
}

/// A model that waits, as far as others that wait must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingModel {
    /// Its run.
    pub run: RunId,
    /// When the run was asked for.
    pub created_at: Micros,
    /// Its pipeline.
    pub pipeline: String,
    /// The repository of that.
    pub repo: Option<RepoName>,
    /// Where it is to be pushed.
    pub target: String,
    /// How long it has waited while the service was there to hear an answer, in microseconds.
    pub waited: u64,
    /// How long it may, in seconds.
    pub seconds: u64,
}

impl WaitingModel {
    /// Whether both are one pipeline's models for one target.
    fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.pipeline, &self.repo, &self.target) == (&other.pipeline, &other.repo, &other.target)
    }

    /// Microseconds until it waits no longer.
    pub fn left(&self) -> u64 {
        self.seconds.saturating_mul(1_000_000).saturating_sub(self.waited)
    }
}

/// The newest of those that wait which takes the place of this one.
pub fn superseding<'a>(one: &WaitingModel, waiting: &'a [WaitingModel]) -> Option<&'a RunId> {
    let order = |model: &WaitingModel| (model.created_at, model.run.clone());
    let newer = waiting
        .iter()
        .filter(|other| other.is_of_the_same(one) && order(other) > order(one));
    newer.max_by_key(|other| order(other)).map(|newest| &newest.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(approval: plan::Approval, approval_seconds: Option<u64>) -> plan::Push {
        plan::Push {
            target: "prod".to_owned(),
            infra_validation: Default::default(),
            max_latency_micros: None,
            allow_older_data: false,
            approval,
            approval_seconds,
        }
    }

    #[test]
    fn the_file_and_the_target_may_both_ask_and_the_shorter_time_counts() {
        use plan::Approval::{None as Not, Required};
        let rows = [
            (Not, None, None, None),
            (Not, Some(60), None, None),
            (Required, None, None, Some(DEFAULT_PATIENCE)),
            (Required, Some(60), None, Some(60)),
            (Not, None, Some(None), Some(DEFAULT_PATIENCE)),
            (Not, None, Some(Some(90)), Some(90)),
            (Not, Some(60), Some(Some(90)), Some(60)),
            (Required, Some(120), Some(Some(90)), Some(90)),
            (Required, Some(120), Some(None), Some(120)),
        ];
        for (approval, seconds, of_target, expected) in rows {
            assert_eq!(
                patience(&push(approval, seconds), of_target),
                expected,
                "{approval:?} {seconds:?} {of_target:?}"
            );
        }
    }

    fn waiting(run: &str, created_at: i64, pipeline: &str, target: &str) -> WaitingModel {
        WaitingModel {
            run: RunId::from(run),
            created_at: Micros(created_at),
            pipeline: pipeline.to_owned(),
            repo: None,
            target: target.to_owned(),
            waited: 0,
            seconds: 60,
        }
    }

    #[test]
    fn only_a_newer_model_of_the_same_pipeline_and_target_takes_the_place() {
        let all = [
            waiting("a", 1, "flights", "prod"),
            waiting("b", 2, "flights", "prod"),
            waiting("c", 3, "flights", "prod"),
            waiting("d", 4, "flights", "stage"),
            waiting("e", 5, "delays", "prod"),
        ];
        let by: Vec<_> = all
            .iter()
            .map(|one| superseding(one, &all).map(RunId::as_str))
            .collect();
        assert_eq!(by, [Some("c"), Some("c"), None, None, None]);
    }

    #[test]
    fn time_is_left_until_it_was_waited_for() {
        let mut one = waiting("a", 1, "flights", "prod");
        assert_eq!(one.left(), 60_000_000);
        one.waited = 59_999_999;
        assert_eq!(one.left(), 1);
        one.waited = u64::MAX;
        assert_eq!(one.left(), 0);
    }

    #[test]
    fn githubs_words_for_what_an_account_may_do() {
        let words = ["admin", "maintain", "write", "triage", "read", "none", "", "ADMIN"];
        let may = words.map(|word| Permission::parse(word) >= Permission::Write);
        assert_eq!(may, [true, true, true, false, false, false, false, false]);
    }
}
