//! GitHub's JSON of check runs and check suites.

use super::check_records::{CheckRunRecord, Checks, Suite};
use super::state::{Repo, RepoInfo};
use super::{Shared, payload};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// A check run as the API and webhooks tell it.
pub(crate) fn run_json(shared: &Shared, repo: &RepoInfo, stored: &Repo, run: &CheckRunRecord) -> Value {
    let api = format!("{}/repos/{}", shared.base_url, repo.name);
    let html = format!("{}/{}/runs/{}", shared.base_url, repo.name, run.id);
    json!({
        "id": run.id,
        "node_id": format!("CR_{}", run.id),
        "head_sha": run.sha,
        "external_id": run.external_id,
        "name": run.name,
        "url": format!("{api}/check-runs/{}", run.id),
        "html_url": html,
        "details_url": run.details_url.as_deref().unwrap_or(&html),
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": time(run.started_at),
        "completed_at": run.completed_at.map(time),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": run.annotations.len(),
            "annotations_url": format!("{api}/check-runs/{}/annotations", run.id),
        },
        "check_suite": {"id": run.suite},
        "app": app_json(shared),
        "pull_requests": pulls_json(shared, repo, stored, &run.sha),
    })
}

/// A check suite as the API and webhooks tell it.
pub(crate) fn suite_json(shared: &Shared, repo: &RepoInfo, stored: &Repo, suite: &Suite, commit: &Value) -> Value {
    let api = format!("{}/repos/{}", shared.base_url, repo.name);
    let (status, conclusion) = stored.checks.state_of(suite.id);
    let runs = stored.checks.runs.iter().filter(|run| run.suite == suite.id);
    json!({
        "id": suite.id,
        "node_id": format!("CS_{}", suite.id),
        "head_branch": suite.branch,
        "head_sha": suite.sha,
        "status": status,
        "conclusion": conclusion,
        "url": format!("{api}/check-suites/{}", suite.id),
        "before": commit["before"],
        "after": suite.sha,
        "pull_requests": pulls_json(shared, repo, stored, &suite.sha),
        "app": app_json(shared),
        "repository": payload::repository(shared, repo),
        "created_at": time(suite.created_at),
        "updated_at": time(suite.created_at),
        "head_commit": {
            "id": commit["id"],
            "tree_id": commit["tree_id"],
            "message": commit["message"],
            "timestamp": commit["timestamp"],
            "author": commit["author"],
            "committer": commit["committer"],
        },
        "latest_check_runs_count": Checks::latest(runs).len(),
        "check_runs_url": format!("{api}/check-suites/{}/check-runs", suite.id),
        "rerequestable": true,
        "runs_rerequestable": true,
    })
}

fn app_json(shared: &Shared) -> Value {
    let Some(app) = &shared.config.app else {
        return Value::Null;
    };
    let html = format!("{}/apps/{}", shared.base_url, app.slug);
    json!({
        "id": app.app_id,
        "slug": app.slug,
        "node_id": format!("A_{}", app.app_id),
        "client_id": format!("Iv1.{:016x}", app.app_id),
        "owner": payload::user(shared, &shared.config.login),
        "name": app.slug,
        "description": null,
        "external_url": html,
        "html_url": html,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "permissions": {"checks": "write", "contents": "read", "metadata": "read"},
        "events": ["check_run", "check_suite", "pull_request", "push"],
    })
}

/// Open pull requests of this head, as far as its commits are of the repository itself: of forks GitHub tells none.
fn pulls_json(shared: &Shared, repo: &RepoInfo, stored: &Repo, sha: &str) -> Vec<Value> {
    let side = |branch: &str, sha: &str| {
        let url = format!("{}/repos/{}", shared.base_url, repo.name);
        json!({"ref": branch, "sha": sha, "repo": {"id": repo.id, "url": url, "name": repo.name.name()}})
    };
    let ours = stored
        .pulls
        .iter()
        .filter(|pull| pull.open && pull.head.id == repo.id && pull.head_sha == sha);
    ours.map(|pull| {
        json!({
            "id": pull.id,
            "number": pull.number,
            "url": format!("{}/repos/{}/pulls/{}", shared.base_url, repo.name, pull.number),
            "head": side(&pull.head_branch, &pull.head_sha),
            "base": side(&pull.base_branch, &pull.base_sha),
        })
    })
    .collect()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
