//! What people do that asks for something: comments with their webhooks, and clicks on checks.

use super::state::{CommentRecord, RepoInfo};
use super::{Shared, Simulator, events, payload};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use trainyard_core::ids::RepoName;

/// A click on a check run.
#[derive(Clone, Debug)]
pub struct Click {
    /// The check run.
    pub check_run: u64,
    /// What it says that its run is.
    pub external_id: Option<String>,
    /// Its commit.
    pub head_sha: String,
    /// The App whose check run it is.
    pub app: u64,
    /// The identifier of the button; `None` is GitHub's own to run it again.
    pub button: Option<String>,
}

impl Shared {
    /// Sends what happened to a comment, if comments are told.
    pub(crate) fn tell_comment(&self, repo: &RepoInfo, comment: &CommentRecord, action: &str, before: Option<&str>) {
        let pull = {
            let state = self.state();
            if !state.tells_comments {
                return;
            }
            state
                .repo(&repo.name)
                .and_then(|repo| repo.pull(comment.number))
                .cloned()
        };
        let Some(pull) = pull else { return };
        let whole = payload::pull(self, repo, &pull);
        let mut issue = json!({});
        for field in [
            "id",
            "node_id",
            "number",
            "state",
            "title",
            "user",
            "body",
            "html_url",
            "created_at",
            "updated_at",
            "labels",
            "locked",
        ] {
            issue[field] = whole[field].clone();
        }
        issue["pull_request"] = json!({"url": whole["url"], "html_url": whole["html_url"]});
        let mut body = json!({
            "action": action,
            "issue": issue,
            "comment": payload::comment(self, repo, comment),
            "repository": payload::repository(self, repo),
            "sender": payload::user(self, &comment.author),
        });
        if let Some(before) = before {
            body["changes"] = json!({"body": {"from": before}});
        }
        events::send(self, "issue_comment", body);
    }
}

impl Simulator {
    /// From now on comments are told by webhooks, also ours.
    pub fn tell_comments(&self) {
        self.shared.state().tells_comments = true;
    }

    /// From now on they are told to nobody.
    pub fn keep_comments(&self) {
        self.shared.state().tells_comments = false;
    }

    /// Somebody comments on a pull request, and GitHub sends it.
    pub fn say(&self, login: &str, repo: &str, number: u64, body: &str) -> Result<u64> {
        self.tell_comments();
        self.comment_by(login, repo, number, body)
    }

    /// Somebody writes another text into a comment.
    pub fn edit_comment(&self, repo: &str, id: u64, body: &str) -> Result<()> {
        let name = RepoName::parse(repo)?;
        let (info, comment, before) = {
            let mut state = self.shared.state();
            let repo = state.repo_mut(&name).context("no such repository")?;
            let info = repo.info();
            let comment = repo.comments.iter_mut().find(|comment| comment.id == id);
            let comment = comment.context("no such comment")?;
            let before = std::mem::replace(&mut comment.body, body.to_owned());
            (info, comment.clone(), before)
        };
        self.shared.tell_comment(&info, &comment, "edited", Some(&before));
        Ok(())
    }

    /// Somebody clicks on a check run.
    pub fn press(&self, login: &str, repo: &str, click: &Click) -> Result<()> {
        let repo = self.info(repo)?;
        let api = format!("{}/repos/{}", self.shared.base_url, repo.name);
        let mut body = json!({
            "action": if click.button.is_some() { "requested_action" } else { "rerequested" },
            "check_run": {
                "id": click.check_run,
                "name": "trainyard",
                "head_sha": click.head_sha,
                "external_id": click.external_id,
                "url": format!("{api}/check-runs/{}", click.check_run),
                "status": "completed",
                "conclusion": "failure",
                "app": {"id": click.app, "slug": "trainyard"},
                "pull_requests": [],
            },
            "repository": payload::repository(&self.shared, &repo),
            "sender": payload::user(&self.shared, login),
        });
        if let Some(identifier) = &click.button {
            body["requested_action"] = json!({"identifier": identifier});
        }
        events::send(&self.shared, "check_run", body);
        Ok(())
    }

    /// Somebody has all checks of a commit run again.
    pub fn rerequest_suite(&self, login: &str, repo: &str, suite: u64, app: u64, head_sha: &str) -> Result<()> {
        let repo = self.info(repo)?;
        let body = json!({
            "action": "rerequested",
            "check_suite": {
                "id": suite,
                "head_sha": head_sha,
                "head_branch": Value::Null,
                "status": "completed",
                "app": {"id": app, "slug": "trainyard"},
                "pull_requests": [],
                "updated_at": super::clock::now(),
            },
            "repository": payload::repository(&self.shared, &repo),
            "sender": payload::user(&self.shared, login),
        });
        events::send(&self.shared, "check_suite", body);
        Ok(())
    }

    pub(super) fn info(&self, repo: &str) -> Result<RepoInfo> {
        let state = self.shared.state();
        let found = state.repo(&RepoName::parse(repo)?).map(super::state::Repo::info);
        found.context("no such repository")
    }
}
