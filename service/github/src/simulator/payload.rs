//! GitHub's JSON, as far as its shape matters to a receiver.

use super::Shared;
use super::repository::CommitInfo;
use super::state::{CommentRecord, Pull, RepoInfo, StatusRecord};
use serde_json::{Value, json};

pub(crate) fn user(shared: &Shared, login: &str) -> Value {
    let api = format!("{}/users/{login}", shared.base_url);
    let id = shared.number_of(login);
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_{id}"),
        "avatar_url": format!("{}/avatars/{login}", shared.base_url),
        "gravatar_id": "",
        "url": api,
        "html_url": format!("{}/{login}", shared.base_url),
        "repos_url": format!("{api}/repos"),
        "type": if login.ends_with("[bot]") { "Bot" } else { "User" },
        "site_admin": false,
    })
}

pub(crate) fn repository(shared: &Shared, repo: &RepoInfo) -> Value {
    let (html, api) = (
        format!("{}/{}", shared.base_url, repo.name),
        format!("{}/repos/{}", shared.base_url, repo.name),
    );
    json!({
        "id": repo.id,
        "node_id": format!("R_{}", repo.id),
        "name": repo.name.name(),
        "full_name": repo.name,
        "private": repo.private,
        "owner": user(shared, repo.name.owner()),
        "html_url": html,
        "description": null,
        "fork": false,
        "url": api,
        "statuses_url": format!("{api}/statuses/{{sha}}"),
        "pulls_url": format!("{api}/pulls{{/number}}"),
        "clone_url": format!("{html}.git"),
        "git_url": format!("{html}.git"),
        "homepage": null,
        "language": null,
        "archived": false,
        "disabled": false,
        "visibility": if repo.private { "private" } else { "public" },
        "default_branch": repo.default_branch,
    })
}

pub(crate) fn commit(shared: &Shared, repo: &RepoInfo, commit: &CommitInfo) -> Value {
    let person = |(name, email): &(String, String)| json!({"name": name, "email": email});
    json!({
        "id": commit.id,
        "tree_id": commit.tree,
        "distinct": true,
        "message": commit.message,
        "timestamp": commit.timestamp,
        "url": format!("{}/{}/commit/{}", shared.base_url, repo.name, commit.id),
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "added": commit.added,
        "removed": commit.removed,
        "modified": commit.modified,
    })
}

pub(crate) fn pull(shared: &Shared, base: &RepoInfo, pull: &Pull) -> Value {
    let (html, api) = (
        format!("{}/{}", shared.base_url, base.name),
        format!("{}/repos/{}", shared.base_url, base.name),
    );
    let side = |repo: &RepoInfo, branch: &str, sha: &str| {
        json!({
            "label": format!("{}:{branch}", repo.name.owner()),
            "ref": branch,
            "sha": sha,
            "user": user(shared, repo.name.owner()),
            "repo": repository(shared, repo),
        })
    };
    json!({
        "url": format!("{api}/pulls/{}", pull.number),
        "id": pull.id,
        "node_id": format!("PR_{}", pull.id),
        "html_url": format!("{html}/pull/{}", pull.number),
        "issue_url": format!("{api}/issues/{}", pull.number),
        "comments_url": format!("{api}/issues/{}/comments", pull.number),
        "statuses_url": format!("{api}/statuses/{}", pull.head_sha),
        "number": pull.number,
        "state": if pull.open { "open" } else { "closed" },
        "locked": false,
        "title": pull.title,
        "user": user(shared, &pull.author),
        "body": pull.body,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": if pull.open { Value::Null } else { pull.updated_at.as_str().into() },
        "merged_at": null,
        "merge_commit_sha": null,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": [],
        "labels": [],
        "milestone": null,
        "draft": pull.draft,
        "head": side(&pull.head, &pull.head_branch, &pull.head_sha),
        "base": side(base, &pull.base_branch, &pull.base_sha),
        "author_association": "OWNER",
        "auto_merge": null,
        "merged": false,
        "mergeable": null,
        "mergeable_state": "unknown",
        "maintainer_can_modify": false,
    })
}

pub(crate) fn status(shared: &Shared, repo: &RepoInfo, status: &StatusRecord) -> Value {
    json!({
        "url": format!("{}/repos/{}/statuses/{}", shared.base_url, repo.name, status.sha),
        "id": status.id,
        "node_id": format!("SC_{}", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": status.created_at,
        "updated_at": status.created_at,
        "creator": user(shared, &status.creator),
    })
}

pub(crate) fn comment(shared: &Shared, repo: &RepoInfo, comment: &CommentRecord) -> Value {
    let (html, api) = (
        format!("{}/{}", shared.base_url, repo.name),
        format!("{}/repos/{}", shared.base_url, repo.name),
    );
    json!({
        "url": format!("{api}/issues/comments/{}", comment.id),
        "html_url": format!("{html}/pull/{}#issuecomment-{}", comment.number, comment.id),
        "issue_url": format!("{api}/issues/{}", comment.number),
        "id": comment.id,
        "node_id": format!("IC_{}", comment.id),
        "user": user(shared, &comment.author),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "author_association": "OWNER",
        "body": comment.body,
    })
}
