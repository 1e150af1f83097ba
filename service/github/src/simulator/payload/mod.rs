//! GitHub's JSON, as far as its shape matters to a receiver.

mod repositories;
mod users;

use super::Shared;
use super::state::{CommentRecord, Pull, RepoInfo, StatusRecord};
pub(crate) use repositories::{commit, full_repository, pushed_commit, repository};
use serde_json::{Value, json};
pub(crate) use users::{EPOCH, public_user, user};

/// GitHub's `pull-request`, whose commits nobody counts here.
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
    let (one, issue) = (
        format!("{api}/pulls/{}", pull.number),
        format!("{api}/issues/{}", pull.number),
    );
    let href = |url: &str| json!({"href": url});
    let mut json = json!({
        "url": one,
        "id": pull.id,
        "node_id": format!("PR_{}", pull.id),
        "html_url": format!("{html}/pull/{}", pull.number),
        "diff_url": format!("{html}/pull/{}.diff", pull.number),
        "patch_url": format!("{html}/pull/{}.patch", pull.number),
        "issue_url": issue,
        "comments_url": format!("{issue}/comments"),
        "commits_url": format!("{one}/commits"),
        "review_comments_url": format!("{one}/comments"),
        "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
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
        "merged_by": null,
        "requested_teams": [],
        "active_lock_reason": null,
    });
    for (count, number) in [
        ("comments", 0),
        ("review_comments", 0),
        ("commits", 1),
        ("additions", 0),
        ("deletions", 0),
        ("changed_files", 0),
    ] {
        json[count] = number.into();
    }
    json["_links"] = json!({
        "self": href(&one),
        "html": json["html_url"].as_str().map(href),
        "issue": href(&issue),
        "comments": json["comments_url"].as_str().map(href),
        "review_comments": json["review_comments_url"].as_str().map(href),
        "review_comment": json["review_comment_url"].as_str().map(href),
        "commits": json["commits_url"].as_str().map(href),
        "statuses": json["statuses_url"].as_str().map(href),
    });
    json
}

pub(crate) fn status(shared: &Shared, repo: &RepoInfo, status: &StatusRecord) -> Value {
    json!({
        "url": format!("{}/repos/{}/statuses/{}", shared.base_url, repo.name, status.sha),
        "id": status.id,
        "node_id": format!("SC_{}", status.id),
        "avatar_url": format!("{}/avatars/status", shared.base_url),
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
