//! What the simulator remembers.

use super::apps::{App, Grant, Installation, RepoHook};
use super::auth::Token;
use super::check_records::Checks;
use super::clock::now;
use super::delivery::DeliveryRecord;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use trainyard_core::ids::RepoName;

pub(crate) struct State {
    pub(crate) repos: Vec<Repo>,
    /// Tokens, but the one that opens everything.
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) apps: Vec<App>,
    pub(crate) installations: Vec<Installation>,
    /// Codes of the manifest flow and the Apps that they stand for; each is used once.
    pub(crate) codes: HashMap<String, u64>,
    /// Codes of people who signed in: the App, the account, where it may be used and the challenge. Each is used once.
    pub(crate) grants: HashMap<String, Grant>,
    /// Whose tokens people's own are.
    pub(crate) people: HashMap<String, String>,
    /// Who sits before the browser that signs in.
    pub(crate) browsing: Option<String>,
    pub(crate) hooks: Vec<RepoHook>,
    pub(crate) deliveries: Vec<DeliveryRecord>,
    pub(crate) webhook_url: Option<String>,
    /// Names that repositories had, with their numbers.
    pub(crate) former: HashMap<RepoName, u64>,
    /// The App lacks the permission to write checks.
    pub(crate) no_checks: bool,
    /// Whether comments are told by webhooks.
    pub(crate) tells_comments: bool,
    /// Whether the webhook is switched on.
    pub(crate) webhook_active: bool,
    /// Webhooks that GitHub never tries to deliver, as it happens now and then.
    pub(crate) webhooks_lost: bool,
    /// Whether git gives nothing yet of what was pushed: webhooks are quicker than its servers.
    pub(crate) git_lags: bool,
    last_id: u64,
}

pub(crate) struct Repo {
    pub(crate) id: u64,
    pub(crate) name: RepoName,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
    pub(crate) path: PathBuf,
    pub(crate) pulls: Vec<Pull>,
    pub(crate) statuses: Vec<StatusRecord>,
    pub(crate) comments: Vec<CommentRecord>,
    pub(crate) checks: Checks,
    /// One push at a time, so that what it changed can be told.
    pub(crate) pushing: Arc<tokio::sync::Mutex<()>>,
}

/// What of a repository never changes, to be used without the lock.
#[derive(Clone)]
pub(crate) struct RepoInfo {
    pub(crate) id: u64,
    pub(crate) name: RepoName,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
    pub(crate) path: PathBuf,
}

#[derive(Clone)]
pub(crate) struct Pull {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) open: bool,
    pub(crate) draft: bool,
    pub(crate) author: String,
    pub(crate) head: RepoInfo,
    pub(crate) head_branch: String,
    pub(crate) head_sha: String,
    pub(crate) base_branch: String,
    pub(crate) base_sha: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A commit status that somebody set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRecord {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// Which check it is.
    pub context: String,
    /// At most 140 characters.
    pub description: Option<String>,
    /// Where details are.
    pub target_url: Option<String>,
    /// Who set it.
    pub creator: String,
    /// RFC 3339.
    pub created_at: String,
}

/// A comment of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentRecord {
    /// Its id.
    pub id: u64,
    /// The pull request.
    pub number: u64,
    /// Who wrote it.
    pub author: String,
    /// Markdown.
    pub body: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; changes with the body.
    pub updated_at: String,
}

impl State {
    pub(crate) fn new(webhook_url: Option<String>) -> Self {
        Self {
            repos: Vec::new(),
            tokens: HashMap::new(),
            apps: Vec::new(),
            installations: Vec::new(),
            codes: HashMap::new(),
            grants: HashMap::new(),
            people: HashMap::new(),
            browsing: None,
            hooks: Vec::new(),
            deliveries: Vec::new(),
            webhook_url,
            former: HashMap::new(),
            no_checks: false,
            tells_comments: false,
            webhook_active: true,
            webhooks_lost: false,
            git_lags: false,
            last_id: 1000,
        }
    }

    /// An id that nothing else has.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn repo(&self, name: &RepoName) -> Option<&Repo> {
        self.repos.iter().find(|repo| repo.name == *name)
    }

    /// The repository that had this name before, if no other has it now.
    pub(crate) fn moved(&self, name: &RepoName) -> Option<&Repo> {
        let id = self.former.get(name).filter(|_| self.repo(name).is_none())?;
        self.repos.iter().find(|repo| repo.id == *id)
    }

    pub(crate) fn repo_mut(&mut self, name: &RepoName) -> Option<&mut Repo> {
        self.repos.iter_mut().find(|repo| repo.name == *name)
    }

    pub(crate) fn comment(&mut self, name: &RepoName, number: u64, author: &str, body: &str) -> Option<CommentRecord> {
        let (id, now) = (self.next_id(), now());
        let (author, body) = (author.to_owned(), body.to_owned());
        let comment = CommentRecord {
            id,
            number,
            author,
            body,
            created_at: now.clone(),
            updated_at: now,
        };
        self.repo_mut(name)?.comments.push(comment.clone());
        Some(comment)
    }
}

impl Repo {
    pub(crate) fn info(&self) -> RepoInfo {
        RepoInfo {
            id: self.id,
            name: self.name.clone(),
            private: self.private,
            default_branch: self.default_branch.clone(),
            path: self.path.clone(),
        }
    }

    pub(crate) fn pull(&self, number: u64) -> Option<&Pull> {
        self.pulls.iter().find(|pull| pull.number == number)
    }
}
