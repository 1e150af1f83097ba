//! Webhooks that follow from what happened: nothing is ever sent that did not happen.

use super::clock::now;
use super::delivery::Outgoing;
use super::repository::{self, NO_COMMIT};
use super::state::{Pull, RepoInfo};
use super::{Shared, payload};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Refs with the objects they point to.
type Refs = BTreeMap<String, String>;

/// Sends what a push changed: one `push` for each ref, then `synchronize` for pull requests.
pub(crate) async fn pushed(shared: &Shared, repo: &RepoInfo, before: &Refs, after: &Refs) {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        match push_payload(shared, repo, name, old, new).await {
            Ok(payload) => send(shared, "push", payload),
            Err(error) => tracing::error!(%error, reference = name, "a push cannot be told"),
        }
        if let (Some(branch), Some(new)) = (name.strip_prefix("refs/heads/"), new) {
            synchronize(shared, repo, branch, new).await;
        }
    }
}

async fn push_payload(
    shared: &Shared,
    repo: &RepoInfo,
    name: &str,
    old: Option<&String>,
    new: Option<&String>,
) -> anyhow::Result<Value> {
    let (before, after) = (
        old.map_or(NO_COMMIT, String::as_str),
        new.map_or(NO_COMMIT, String::as_str),
    );
    let forced = match (old, new) {
        (Some(old), Some(new)) => !repository::is_ancestor(&repo.path, old, new).await,
        _ => false,
    };
    let (mut commits, mut head) = (Vec::new(), Value::Null);
    if let Some(new) = new {
        let commit = repository::commit(&repo.path, new).await.unwrap_or_else(|| new.clone());
        head = payload::pushed_commit(shared, repo, &repository::commit_info(&repo.path, &commit).await?);
        // Of a new branch GitHub tells only commits that no other branch has; its head is enough here.
        let told = match old {
            Some(old) => repository::commits(&repo.path, Some(old), new).await?,
            None => Vec::new(),
        };
        commits.extend(told.iter().map(|info| payload::pushed_commit(shared, repo, info)));
    }
    let url = format!("{}/{}", shared.base_url, repo.name);
    let mut body = json!({
        "ref": name,
        "before": before,
        "after": after,
        "repository": payload::repository(shared, repo),
        "pusher": {"name": shared.config.login, "email": format!("{}@users.noreply.github.com", shared.config.login)},
        "sender": payload::user(shared, &shared.config.login),
        "created": old.is_none(),
        "deleted": new.is_none(),
        "forced": forced,
        "base_ref": null,
        "compare": format!("{url}/compare/{}...{}", short(before), short(after)),
        "commits": commits,
        "head_commit": head,
    });
    // Only in push payloads GitHub gives the owner a name and times as numbers.
    body["repository"]["owner"]["name"] = repo.name.owner().into();
    for time in ["created_at", "pushed_at"] {
        body["repository"][time] = chrono::Utc::now().timestamp().into();
    }
    body["repository"]["master_branch"] = repo.default_branch.as_str().into();
    Ok(body)
}

fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}

async fn synchronize(shared: &Shared, repo: &RepoInfo, branch: &str, new: &str) {
    let moved = {
        let mut state = shared.state();
        let mut moved = Vec::new();
        for base in &mut state.repos {
            let base_info = base.info();
            for pull in &mut base.pulls {
                if pull.open && pull.head.id == repo.id && pull.head_branch == branch && pull.head_sha != new {
                    let old = std::mem::replace(&mut pull.head_sha, new.to_owned());
                    pull.updated_at = now();
                    moved.push((base_info.clone(), pull.clone(), old));
                }
            }
        }
        moved
    };
    for (base, mut pull, old) in moved {
        if let Err(error) = repository::keep_pull_head(&base, repo, pull.number, new).await {
            tracing::error!(%error, "the head of a pull request cannot be kept");
        }
        if let Some(sha) = repository::branch_head(&base.path, &pull.base_branch).await {
            pull.base_sha.clone_from(&sha);
            if let Some(kept) = shared
                .state()
                .repo_mut(&base.name)
                .and_then(|r| r.pulls.iter_mut().find(|p| p.id == pull.id))
            {
                kept.base_sha = sha;
            }
        }
        let mut body = pull_payload(shared, &base, &pull, "synchronize");
        body["before"] = old.into();
        body["after"] = new.into();
        send(shared, "pull_request", body);
    }
}

/// Sends that a pull request was opened, closed or reopened.
pub(crate) fn pull_request(shared: &Shared, repo: &RepoInfo, pull: &Pull, action: &str) {
    send(shared, "pull_request", pull_payload(shared, repo, pull, action));
}

/// Sends that a pull request would be merged into another branch now.
pub(crate) fn retargeted(shared: &Shared, repo: &RepoInfo, pull: &Pull, (branch, sha): (&str, &str)) {
    let mut body = pull_payload(shared, repo, pull, "edited");
    body["changes"] = json!({"base": {"ref": {"from": branch}, "sha": {"from": sha}}});
    send(shared, "pull_request", body);
}

/// Sends that somebody asks for a check run again, or clicked on one of its buttons.
pub(crate) fn check_run(shared: &Shared, repo: &RepoInfo, run: Value, login: &str, button: Option<&str>) {
    let mut body = json!({
        "action": if button.is_some() { "requested_action" } else { "rerequested" },
        "check_run": run,
        "repository": payload::repository(shared, repo),
        "sender": payload::user(shared, login),
    });
    if let Some(identifier) = button {
        body["requested_action"] = json!({"identifier": identifier});
    }
    send(shared, "check_run", body);
}

/// Sends that somebody asks for all checks of a commit again.
pub(crate) fn check_suite(shared: &Shared, repo: &RepoInfo, suite: Value, login: &str) {
    let body = json!({
        "action": "rerequested",
        "check_suite": suite,
        "repository": payload::repository(shared, repo),
        "sender": payload::user(shared, login),
    });
    send(shared, "check_suite", body);
}

fn pull_payload(shared: &Shared, repo: &RepoInfo, pull: &Pull, action: &str) -> Value {
    json!({
        "action": action,
        "number": pull.number,
        "pull_request": payload::pull(shared, repo, pull),
        "repository": payload::repository(shared, repo),
        "sender": payload::user(shared, &shared.config.login),
    })
}

/// Tells everybody who hears this event of this repository.
pub(crate) fn send(shared: &Shared, event: &str, mut body: Value) {
    let repo = body["repository"]["full_name"].as_str().unwrap_or_default().to_owned();
    let owner = repo.split('/').next().unwrap_or_default().to_owned();
    let installation = |id: u64| json!({"id": id, "node_id": format!("MDI6SW5zdGFsbGF0aW9u{id}")});
    let others = shared.state().audience(event, &owner, &repo);
    for (to, at) in others {
        let mut body = body.clone();
        if let Some(id) = at {
            body["installation"] = installation(id);
        }
        shared.outgoing.send(Outgoing::new(event, &repo, &body).to(to));
    }
    if let Some(app) = &shared.config.app {
        body["installation"] = installation(app.installation_id);
    }
    shared.outgoing.send(Outgoing::new(event, &repo, &body));
}
