//! Deliveries of GitHub to events, by structs of our own that name only what we use: a field that
//! GitHub adds, drops or sets to null elsewhere in the payload loses no event.

mod activity;
mod asked;
mod ignored;
mod shape;

pub use ignored::Ignored;
pub use shape::{Flaw, flaw};

use crate::signature::Verified;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny};
use serde_json::Value;
use trainyard_core::event::{Event, PullRequest, PullRequestAction, Push};
use trainyard_core::ids::{CommitSha, Micros, RepoName};

/// What a delivery means.
#[derive(Clone, Debug, PartialEq)]
pub enum Derived {
    /// It is a fact that may start a run.
    Event(Box<Event>),
    /// A repository may have another name, or be gone.
    Repository(Repo),
    /// A branch was deleted.
    BranchGone(BranchGone),
    /// It starts nothing.
    Nothing(Ignored),
}

/// A repository by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repo {
    /// The number.
    pub id: i64,
    /// What it was called when the delivery was sent.
    pub name: RepoName,
    /// The App installation that sent it.
    pub installation_id: Option<i64>,
}

/// A branch that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchGone {
    /// Where.
    pub repo: RepoName,
    /// The repository's number.
    pub repo_id: i64,
    /// The App installation that sent it.
    pub installation_id: Option<i64>,
    /// The branch without `refs/heads/`.
    pub branch: String,
    /// Where it was.
    pub head: CommitSha,
}

/// A body that is not what its event name promises.
#[derive(Debug, thiserror::Error)]
#[error("the body of this {kind} event cannot be used: {problem}{place}")]
pub struct PayloadError {
    kind: String,
    problem: String,
    place: String,
}

impl PayloadError {
    /// A body without something that it must have.
    fn missing(kind: &str, what: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            problem: format!("it has no '{what}'"),
            place: String::new(),
        }
    }

    fn new(kind: &str, body: &[u8], error: &serde_json::Error) -> Self {
        let kind = kind.to_owned();
        if body.starts_with(b"payload=") {
            let problem = "it is a form: set the webhook's content type to application/json on GitHub".to_owned();
            return Self {
                kind,
                problem,
                place: String::new(),
            };
        }
        let place = format!(" at line {} column {}", error.line(), error.column());
        let problem = error.to_string();
        let problem = problem.strip_suffix(&place).unwrap_or(&problem).to_owned();
        Self { kind, problem, place }
    }
}

/// The kinds whose bodies are read; of all others the kind says enough.
pub const WITH_BODY: &[&str] = &[
    "push",
    "pull_request",
    "repository",
    "issue_comment",
    "check_run",
    "check_suite",
    "release",
    "workflow_run",
    "repository_dispatch",
    "create",
    "delete",
    "installation",
    "installation_repositories",
];

/// The event in a delivery; `kind` is its header `X-GitHub-Event`.
pub fn event_of(kind: &str, payload: &Verified<Bytes>) -> Result<Derived, PayloadError> {
    event_of_stored(kind, payload.get())
}

/// The same for the stored body of a delivery that was verified when it arrived.
pub fn event_of_stored(kind: &str, body: &[u8]) -> Result<Derived, PayloadError> {
    match kind {
        "push" => parse::<PushPayload>(kind, body).map(push),
        "pull_request" => parse::<PullRequestPayload>(kind, body).map(pull_request),
        "repository" => parse::<RepositoryPayload>(kind, body).map(repository),
        "issue_comment" => asked::comment(kind, body),
        "check_run" => asked::check_run(kind, body),
        "check_suite" => asked::check_suite(kind, body),
        "release" | "workflow_run" | "repository_dispatch" => activity::event(kind, body),
        "create" | "delete" => activity::reference(kind, body).map(Derived::Nothing),
        "installation" | "installation_repositories" => activity::installed(kind, body).map(Derived::Nothing),
        "ping" => Ok(Derived::Nothing(Ignored::Ping)),
        other => Ok(Derived::Nothing(Ignored::Kind(printable(other)))),
    }
}

/// When a push came to GitHub, where its body says so: one that is delivered hours later may be of an older day.
pub fn pushed_at(kind: &str, body: &[u8]) -> Option<Micros> {
    #[derive(Deserialize)]
    struct Pushed {
        repository: At,
    }
    #[derive(Deserialize)]
    struct At {
        pushed_at: Value,
    }
    if kind != "push" {
        return None;
    }
    let pushed: Pushed = serde_json::from_slice(body).ok()?;
    // Seconds in webhooks, and a text elsewhere.
    match pushed.repository.pushed_at {
        Value::Number(seconds) => Some(Micros(seconds.as_i64()?.checked_mul(1_000_000)?)),
        Value::String(text) => moment(&text),
        _ => None,
    }
}

/// The paths that a push changed, as far as its body tells: of a forced push, a new branch or very many commits it does
/// not tell all.
pub fn changed_paths(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Pushed {
        forced: bool,
        created: bool,
        commits: Vec<Commit>,
    }
    #[derive(Deserialize)]
    struct Commit {
        added: Vec<String>,
        removed: Vec<String>,
        modified: Vec<String>,
    }
    let pushed: Pushed = serde_json::from_slice(body).ok()?;
    let told = !pushed.forced && !pushed.created && (1..MOST_COMMITS).contains(&pushed.commits.len());
    let paths = |commit: Commit| [commit.added, commit.removed, commit.modified].concat();
    told.then(|| pushed.commits.into_iter().flat_map(paths).collect())
}

/// GitHub tells of no more commits in one push.
const MOST_COMMITS: usize = 2048;

fn parse<T: DeserializeOwned>(kind: &str, body: &[u8]) -> Result<T, PayloadError> {
    serde_json::from_slice(body).map_err(|error| PayloadError::new(kind, body, &error))
}

/// An event name comes from a header that the signature does not cover.
fn printable(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .take(60)
        .collect()
}

fn push(payload: PushPayload) -> Derived {
    let Some(branch) = payload.reference.strip_prefix("refs/heads/") else {
        return Derived::Nothing(Ignored::NoBranch(payload.reference));
    };
    let Some(after) = payload.after.0.filter(|_| !payload.deleted) else {
        return match payload.before.0 {
            Some(head) => Derived::BranchGone(BranchGone {
                repo: payload.repository.full_name,
                repo_id: payload.repository.id,
                installation_id: payload.installation.map(|installation| installation.id),
                branch: branch.to_owned(),
                head,
            }),
            None => Derived::Nothing(Ignored::Deleted(branch.to_owned())),
        };
    };
    let pusher = payload
        .pusher
        .and_then(|pusher| pusher.name.or(pusher.login))
        .or(payload.sender.map(|sender| sender.login));
    Derived::Event(Box::new(Event::Push(Push {
        repo: payload.repository.full_name,
        repo_id: payload.repository.id,
        installation_id: payload.installation.map(|installation| installation.id),
        branch: branch.to_owned(),
        before: payload.before.0,
        after,
        pusher: pusher.unwrap_or_else(|| "unknown".to_owned()),
        default_branch: payload.repository.default_branch,
    })))
}

fn pull_request(payload: PullRequestPayload) -> Derived {
    let action = match payload.action.as_str() {
        "opened" => PullRequestAction::Opened,
        // Gitea's word has a letter more.
        "synchronize" | "synchronized" => PullRequestAction::Synchronize,
        "reopened" => PullRequestAction::Reopened,
        "closed" => PullRequestAction::Closed,
        "ready_for_review" => PullRequestAction::ReadyForReview,
        "converted_to_draft" => PullRequestAction::ConvertedToDraft,
        "labeled" => PullRequestAction::Labeled,
        "unlabeled" => PullRequestAction::Unlabeled,
        // Another title or text changes nothing that is judged.
        "edited" if payload.changes.is_some_and(Changes::of_base) => PullRequestAction::Edited,
        other => {
            return Derived::Nothing(Ignored::Action {
                number: payload.number,
                action: printable(other),
            });
        }
    };
    let pull = payload.pull_request;
    let (Some(base_sha), Some(head_sha)) = (pull.base.sha.0, pull.head.sha.0) else {
        return Derived::Nothing(Ignored::NoCommits(payload.number));
    };
    Derived::Event(Box::new(Event::PullRequest(PullRequest {
        repo: payload.repository.full_name,
        repo_id: payload.repository.id,
        head_repo_id: pull.head.repo.map(|repo| repo.id),
        installation_id: payload.installation.map(|installation| installation.id),
        action,
        number: payload.number,
        base_branch: pull.base.branch,
        base_sha,
        head_branch: pull.head.branch,
        head_sha,
        before_sha: payload.before.and_then(|before| before.0),
        author: pull.user.map_or_else(|| "ghost".to_owned(), |user| user.login),
        updated_at: pull.updated_at.and_then(|at| moment(&at)),
        default_branch: payload.repository.default_branch,
        label: payload.label.map(|label| label.name),
        labels: pull.labels.into_iter().flatten().map(|label| label.name).collect(),
    })))
}

fn repository(payload: RepositoryPayload) -> Derived {
    match payload.action.as_str() {
        "renamed" | "transferred" | "deleted" => Derived::Repository(Repo {
            id: payload.repository.id,
            name: payload.repository.full_name,
            installation_id: payload.installation.map(|installation| installation.id),
        }),
        other => Derived::Nothing(Ignored::Repository(printable(other))),
    }
}

/// GitHub writes seconds.
fn moment(text: &str) -> Option<Micros> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(Micros(time.timestamp_micros()))
}

#[derive(Deserialize)]
struct PushPayload {
    #[serde(rename = "ref")]
    reference: String,
    before: MaybeSha,
    after: MaybeSha,
    #[serde(default)]
    deleted: bool,
    repository: Repository,
    #[serde(default)]
    pusher: Option<Pusher>,
    #[serde(default)]
    sender: Option<Account>,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct PullRequestPayload {
    action: String,
    number: u64,
    pull_request: Pull,
    repository: Repository,
    /// Of `synchronize` only.
    #[serde(default)]
    before: Option<MaybeSha>,
    /// Of `labeled` and `unlabeled` only.
    #[serde(default)]
    label: Option<Label>,
    /// Of `edited` only.
    #[serde(default)]
    changes: Option<Changes>,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct RepositoryPayload {
    action: String,
    repository: Repository,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    base: Option<IgnoredAny>,
    /// Gitea's word.
    #[serde(default, rename = "ref")]
    reference: Option<IgnoredAny>,
}

impl Changes {
    /// Whether it would be merged into another branch now.
    fn of_base(self) -> bool {
        self.base.is_some() || self.reference.is_some()
    }
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Pull {
    /// Gitea writes none as null.
    #[serde(default)]
    labels: Option<Vec<Label>>,
    head: Side,
    base: Side,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    user: Option<Account>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: MaybeSha,
    /// Null when the fork was deleted.
    #[serde(default)]
    repo: Option<WithId>,
}

#[derive(Deserialize)]
struct Repository {
    id: i64,
    full_name: RepoName,
    #[serde(default)]
    default_branch: Option<String>,
}

#[derive(Deserialize)]
struct WithId {
    id: i64,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Deserialize)]
struct Pusher {
    #[serde(default)]
    name: Option<String>,
    /// Gitea's word.
    #[serde(default)]
    login: Option<String>,
}

/// A commit, or `None` for git's all zeros.
struct MaybeSha(Option<CommitSha>);

impl<'de> Deserialize<'de> for MaybeSha {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || !matches!(text.len(), 40 | 64) {
            return Err(D::Error::custom("a commit is not 40 or 64 lowercase hex digits"));
        }
        Ok(Self(text.bytes().any(|b| b != b'0').then(|| CommitSha::new(text))))
    }
}

#[cfg(test)]
mod tests;
