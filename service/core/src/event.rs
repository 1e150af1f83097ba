//! Everything that can happen outside and may start a run.

use crate::command::Asked;
use crate::ids::{CommitSha, EventId, Micros, RepoName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A typed fact, derived from a verified delivery or made by the service itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A branch moved.
    Push(Push),
    /// A pull request was opened, got new commits, or was reopened.
    PullRequest(PullRequest),
    /// Something else happened in a repository.
    Repository(RepositoryEvent),
    /// A data source has a new span or version.
    DataArrived(DataArrived),
    /// A schedule's slot came due.
    ScheduleDue(ScheduleDue),
    /// A person asked.
    Manual(Manual),
    /// A person asked on GitHub, by a comment or a button.
    Asked(Asked),
}

/// A branch of `repo` moved from `before` to `after`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Where.
    pub repo: RepoName,
    /// GitHub's numeric repository id; names can be renamed and retaken.
    pub repo_id: i64,
    /// The App installation that sent the event, if an App did.
    pub installation_id: Option<i64>,
    /// The branch without `refs/heads/`.
    pub branch: String,
    /// The old head; `None` when the branch is new.
    pub before: Option<CommitSha>,
    /// The new head.
    pub after: CommitSha,
    /// The account that pushed.
    pub pusher: String,
    /// The repository's default branch; `None` when the sender did not say.
    #[serde(default)]
    pub default_branch: Option<String>,
}

impl Push {
    /// Whether it may be an old one that comes late: it neither sets out from where the newest push of its branch that
    /// was looked at arrived, nor arrives there.
    pub fn may_be_late(&self, newest: &CommitSha) -> bool {
        self.before.as_ref() != Some(newest) && self.after != *newest
    }
}

/// What happens to a pull request, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PullRequestType")]
pub enum PullRequestAction {
    /// It was opened.
    Opened,
    /// Its head branch got new commits.
    Synchronize,
    /// It was opened again.
    Reopened,
    /// It would be merged into another branch now.
    Edited,
    /// It is no draft any more.
    ReadyForReview,
    /// It is a draft again.
    ConvertedToDraft,
    /// It got a label.
    Labeled,
    /// It lost a label.
    Unlabeled,
    /// It was merged or given up.
    Closed,
}

impl PullRequestAction {
    /// Those that start a run where the pipeline file does not say.
    pub const USUAL: [Self; 4] = [Self::Opened, Self::Synchronize, Self::Reopened, Self::Edited];

    /// GitHub's word, as pipeline files have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Synchronize => "synchronize",
            Self::Reopened => "reopened",
            Self::Edited => "edited",
            Self::ReadyForReview => "ready_for_review",
            Self::ConvertedToDraft => "converted_to_draft",
            Self::Labeled => "labeled",
            Self::Unlabeled => "unlabeled",
            Self::Closed => "closed",
        }
    }

    /// Whether it changes neither commits nor base: what is judged is as it was.
    pub fn changes_nothing_judged(self) -> bool {
        matches!(
            self,
            Self::ReadyForReview | Self::ConvertedToDraft | Self::Labeled | Self::Unlabeled
        )
    }
}

/// Something that happened in a repository and moved no branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryEvent {
    /// Where.
    pub repo: RepoName,
    /// Its numeric id.
    pub repo_id: i64,
    /// The App installation that sent the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<i64>,
    /// Of what kind.
    pub kind: RepositoryEventKind,
    /// GitHub's word for what happened, `published` for example; of a dispatch the sender's.
    pub action: String,
    /// The tag of a release, or the name of a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The branch of a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// How a workflow ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// What tells it from others of its kind: ids of GitHub; `None` where it may happen again just so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Who did it.
    pub sender: String,
}

/// The kinds of events of a repository that start runs and move no branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositoryEventKind {
    /// A release was published, or something else happened to it.
    Release,
    /// A workflow of GitHub Actions.
    WorkflowRun,
    /// Somebody announced something by GitHub's API.
    RepositoryDispatch,
}

impl RepositoryEventKind {
    /// The key in a pipeline file, and the name in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::WorkflowRun => "workflow_run",
            Self::RepositoryDispatch => "repository_dispatch",
        }
    }
}

/// A pull request of `repo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The repository that would be changed.
    pub repo: RepoName,
    /// Its numeric id.
    pub repo_id: i64,
    /// The repository the commits come from, by numeric id; `None` when it was deleted.
    pub head_repo_id: Option<i64>,
    /// The App installation that sent the event.
    pub installation_id: Option<i64>,
    /// What happened.
    pub action: PullRequestAction,
    /// The pull request's number.
    pub number: u64,
    /// The branch it would be merged into.
    pub base_branch: String,
    /// The head of that branch when the event was sent: thresholds are read there.
    pub base_sha: CommitSha,
    /// The branch with the change.
    pub head_branch: String,
    /// The commit to judge.
    pub head_sha: CommitSha,
    /// The head before this event moved it, where the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_sha: Option<CommitSha>,
    /// Who opened it.
    pub author: String,
    /// When GitHub changed it so, where the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Micros>,
    /// The repository's default branch, where the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// The label that was given or taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The labels that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl PullRequest {
    /// Whether this tells of an earlier state than one with another head or base, of the time `at`.
    pub fn is_outdated(&self, head: &CommitSha, base: &str, at: Micros) -> bool {
        let other = self.head_sha != *head || self.base_branch != base;
        other && self.updated_at.is_some_and(|updated| updated < at)
    }

    /// Whether the commits come from another repository.
    pub fn is_fork(&self) -> bool {
        self.head_repo_id != Some(self.repo_id)
    }
}

/// A data source has something new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataArrived {
    /// The name of the source in the pipeline file's `data` section.
    pub source: String,
    /// The span as its file name writes it, for example `2013-04`; `None` means the newest.
    pub span: Option<String>,
}

/// One slot of one pipeline's schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleDue {
    /// The repository whose pipeline is due.
    pub repo: RepoName,
    /// The pipeline's name.
    pub pipeline: String,
    /// The slot, RFC 3339 in UTC.
    pub slot: String,
}

/// A person asked for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manual {
    /// The repository, or `None` for a pipeline folder on this machine.
    pub repo: Option<RepoName>,
    /// The pipeline's name.
    pub pipeline: String,
    /// A branch or commit; the default branch if absent.
    pub git_ref: Option<String>,
    /// Who asked.
    pub actor: String,
    /// Parameters that replace the file's defaults.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// The span to run as of, by source name; everything there is of the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spans: BTreeMap<String, String>,
    /// Whether an approved model is judged only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_push: bool,
}

impl Event {
    /// The name used in listings and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Push(_) => "push",
            Self::PullRequest(_) => "pull_request",
            Self::Repository(e) => e.kind.as_str(),
            Self::DataArrived(_) => "data",
            Self::ScheduleDue(_) => "schedule",
            Self::Manual(_) => "manual",
            Self::Asked(_) => "asked",
        }
    }

    /// The meaning of the event: two events with the same key are the same fact, however often
    /// and under whatever delivery id they were sent, unless it [happened again](Self::is_again) meanwhile.
    /// `None` for events a person repeats on purpose.
    pub fn dedupe_key(&self) -> Option<String> {
        match self {
            Self::Push(e) => {
                let before = e.before.as_ref().map_or(NONE, CommitSha::as_str);
                Some(format!("push:{}:{}:{before}:{}", e.repo_id, e.branch, e.after))
            }
            // It starts nothing, and is the same however often it is told.
            Self::PullRequest(PullRequest {
                action: PullRequestAction::Closed,
                ..
            }) => None,
            // It may get and lose a label again and again.
            Self::PullRequest(e) if e.action.changes_nothing_judged() => e.updated_at.map(|at| {
                let (label, action) = (e.label.as_deref().unwrap_or_default(), e.action);
                format!(
                    "pull_request_as_it_is:{}:{}:{action:?}:{label}:{}",
                    e.repo_id, e.number, at.0
                )
            }),
            Self::Repository(e) => {
                let identity = e.identity.as_ref()?;
                Some(format!("{}:{}:{}:{identity}", e.kind.as_str(), e.repo_id, e.action))
            }
            Self::PullRequest(e) => Some(format!(
                "pull_request:{}:{}:{}:{}",
                e.repo_id, e.number, e.base_branch, e.head_sha
            )),
            Self::ScheduleDue(e) => Some(format!("schedule:{}:{}:{}", e.repo, e.pipeline, e.slot)),
            Self::Asked(e) => Some(e.key()),
            Self::DataArrived(_) | Self::Manual(_) => None,
        }
    }

    /// What can go back and forth, so that the same fact happens again: the beginning of the keys of all
    /// events of this branch or pull request.
    pub fn moving(&self) -> Option<String> {
        match self {
            Self::Push(e) => Some(format!("push:{}:{}:", e.repo_id, e.branch)),
            Self::PullRequest(e) if e.action.changes_nothing_judged() => None,
            Self::PullRequest(e) => Some(format!("pull_request:{}:{}:", e.repo_id, e.number)),
            Self::Repository(_) | Self::ScheduleDue(_) | Self::DataArrived(_) | Self::Manual(_) | Self::Asked(_) => {
                None
            }
        }
    }

    /// Whether an event whose key is known already happened again, and was not only sent again: it sets out
    /// from where the newest one of the same [`moving`](Self::moving) arrived, whose key this is.
    pub fn is_again(&self, newest: &str) -> bool {
        let key = newest.split(AGAIN).next().unwrap_or(newest);
        let there = key.rsplit(':').next().unwrap_or(key);
        match self {
            // A branch that was deleted, of which no event tells, and made again.
            Self::Push(Push {
                before: None, after, ..
            }) => there != after.as_str(),
            Self::Push(Push {
                before: Some(before), ..
            }) => there == before.as_str(),
            // It went elsewhere meanwhile, whatever became of what was asked there.
            Self::PullRequest(e) if e.action == PullRequestAction::Edited => {
                let base = key.rsplit(':').nth(1);
                base != Some(e.base_branch.as_str())
            }
            Self::PullRequest(e) => e.before_sha.as_ref().is_some_and(|before| there == before.as_str()),
            Self::Repository(_) | Self::ScheduleDue(_) | Self::DataArrived(_) | Self::Manual(_) | Self::Asked(_) => {
                false
            }
        }
    }

    /// Whether the newest event of the same [`moving`](Self::moving), whose key this is, came where this push came, from
    /// elsewhere: a branch does not come where it is.
    pub fn came_there(&self, newest: &str) -> bool {
        let key = newest.split(AGAIN).next().unwrap_or(newest);
        match self {
            Self::Push(push) => key.rsplit(':').next() == Some(push.after.as_str()),
            _ => false,
        }
    }

    /// The key of a fact that happened again, in the event with this id.
    pub fn key_again(&self, event: &EventId) -> Option<String> {
        Some(format!("{}{AGAIN}{event}", self.dedupe_key()?))
    }
}

/// Where a new branch comes from.
const NONE: &str = "none";
/// Between a key and what makes it another one; neither branches nor commits have it in their names.
const AGAIN: char = '~';

#[cfg(test)]
mod tests {
    use super::*;

    fn push(before: Option<char>, after: char) -> Event {
        let sha = |c: char| CommitSha::new(c.to_string().repeat(40));
        Event::Push(Push {
            repo: RepoName::parse("acme/flights").unwrap(),
            repo_id: 7,
            installation_id: None,
            branch: "main".to_owned(),
            before: before.map(sha),
            after: sha(after),
            pusher: "ada".to_owned(),
            default_branch: None,
        })
    }

    /// Of each story whether its last event is a new fact.
    #[test]
    fn a_fact_that_happens_again_is_not_one_that_was_sent_again() {
        type Story<'a> = (&'a str, &'a [(Option<char>, char)], bool);
        let stories: [Story<'_>; 8] = [
            ("sent twice", &[(Some('a'), 'b'), (Some('a'), 'b')], false),
            (
                "back and forth",
                &[(Some('a'), 'b'), (Some('b'), 'a'), (Some('a'), 'b')],
                true,
            ),
            (
                "and back again",
                &[(Some('a'), 'b'), (Some('b'), 'a'), (Some('a'), 'b'), (Some('b'), 'a')],
                true,
            ),
            (
                "back and forth, sent twice",
                &[(Some('a'), 'b'), (Some('b'), 'a'), (Some('a'), 'b'), (Some('a'), 'b')],
                false,
            ),
            (
                "sent late",
                &[(Some('a'), 'b'), (Some('b'), 'c'), (Some('a'), 'b')],
                false,
            ),
            (
                "round about",
                &[(Some('a'), 'b'), (Some('b'), 'c'), (Some('c'), 'a'), (Some('a'), 'b')],
                true,
            ),
            ("made twice", &[(None, 'a'), (None, 'a')], false),
            ("made again", &[(None, 'a'), (Some('a'), 'b'), (None, 'a')], true),
        ];
        for (story, events, new) in stories {
            let mut keys: Vec<String> = Vec::new();
            let mut last = false;
            for (number, (before, after)) in events.iter().enumerate() {
                let event = push(*before, *after);
                let key = event.dedupe_key().unwrap();
                let id = EventId::new(number.to_string());
                let newest = keys.last().filter(|key| key.starts_with(&event.moving().unwrap()));
                last = match keys.contains(&key) {
                    false => true,
                    true => newest.is_some_and(|newest| event.is_again(newest)),
                };
                if last {
                    keys.push(if keys.contains(&key) {
                        event.key_again(&id).unwrap()
                    } else {
                        key
                    });
                }
            }
            assert_eq!(last, new, "{story}: {keys:?}");
        }
    }
}
