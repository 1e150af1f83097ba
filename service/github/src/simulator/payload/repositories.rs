//! GitHub's JSON of repositories and their commits.

use super::users::{EPOCH, addresses, user};
use crate::simulator::Shared;
use crate::simulator::clock::now;
use crate::simulator::repository::{self, CommitInfo};
use crate::simulator::state::RepoInfo;
use serde_json::{Value, json};

/// What GitHub has at a repository's address, with the rest of the address.
const OF_REPOSITORY: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

/// GitHub's `repository`, whose permissions are an administrator's.
pub(crate) fn repository(shared: &Shared, repo: &RepoInfo) -> Value {
    let (html, api) = (
        format!("{}/{}", shared.base_url, repo.name),
        format!("{}/repos/{}", shared.base_url, repo.name),
    );
    let mut json = json!({
        "id": repo.id,
        "node_id": format!("R_{}", repo.id),
        "name": repo.name.name(),
        "full_name": repo.name,
        "private": repo.private,
        "owner": user(shared, repo.name.owner()),
        "html_url": html,
        "description": null,
        "fork": false,
        "clone_url": format!("{html}.git"),
        "git_url": format!("{html}.git"),
        "ssh_url": format!("{html}.git"),
        "svn_url": html,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
        "archived": false,
        "disabled": false,
        "allow_forking": true,
        "is_template": false,
        "topics": [],
        "visibility": if repo.private { "private" } else { "public" },
        "default_branch": repo.default_branch,
        "created_at": EPOCH,
        "updated_at": EPOCH,
        "pushed_at": now(),
    });
    addresses(&mut json, &api, &OF_REPOSITORY);
    for has in ["downloads", "issues", "projects", "wiki"] {
        json[format!("has_{has}")] = true.into();
    }
    for has in ["pages", "discussions"] {
        json[format!("has_{has}")] = false.into();
    }
    for count in [
        "forks",
        "forks_count",
        "open_issues",
        "open_issues_count",
        "size",
        "stargazers_count",
        "watchers",
        "watchers_count",
    ] {
        json[count] = 0.into();
    }
    json
}

/// GitHub's `full-repository`, as it is told by its own address.
pub(crate) fn full_repository(shared: &Shared, repo: &RepoInfo) -> Value {
    let mut json = repository(shared, repo);
    json["network_count"] = 0.into();
    json["subscribers_count"] = 0.into();
    json
}

/// A commit as a push tells it.
pub(crate) fn pushed_commit(shared: &Shared, repo: &RepoInfo, commit: &CommitInfo) -> Value {
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

/// GitHub's `commit`, as the API tells it.
pub(crate) async fn commit(shared: &Shared, repo: &RepoInfo, sha: &str) -> anyhow::Result<Value> {
    let info = repository::commit_info(&repo.path, sha).await?;
    let (html, api) = (
        format!("{}/{}", shared.base_url, repo.name),
        format!("{}/repos/{}", shared.base_url, repo.name),
    );
    let person = |(name, email): &(String, String)| json!({"name": name, "email": email, "date": info.timestamp});
    let mut parents = Vec::new();
    // A merge has a second one; nothing here looks further.
    for which in ["^1", "^2"] {
        if let Some(parent) = repository::commit(&repo.path, &format!("{sha}{which}")).await {
            parents.push(json!({
                "sha": parent,
                "url": format!("{api}/commits/{parent}"),
                "html_url": format!("{html}/commit/{parent}"),
            }));
        }
    }
    Ok(json!({
        "sha": sha,
        "node_id": format!("C_{sha}"),
        "url": format!("{api}/commits/{sha}"),
        "html_url": format!("{html}/commit/{sha}"),
        "comments_url": format!("{api}/commits/{sha}/comments"),
        "commit": {
            "url": format!("{api}/git/commits/{sha}"),
            "author": person(&info.author),
            "committer": person(&info.committer),
            "message": info.message,
            "comment_count": 0,
            "tree": {"sha": info.tree, "url": format!("{api}/git/trees/{}", info.tree)},
        },
        "author": null,
        "committer": null,
        "parents": parents,
    }))
}
