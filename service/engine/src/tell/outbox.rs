//! What GitHub must hear: written in the transaction of the change it is about, told by `report`.

use super::Audience;
use serde_json::json;
use trainyard_core::ids::{CommitSha, RepoName, RunId};
use trainyard_core::report::{self, Status};
use trainyard_core::run::{Run, RunRequest};
use trainyard_store::{OutboxItem, OutboxKind};

/// A commit status. A newer one of the same check replaces one that was not told yet.
pub(crate) fn status_item(
    repo: &RepoName,
    installation_id: Option<i64>,
    commit: &CommitSha,
    status: &Status,
    target_url: Option<&str>,
) -> OutboxItem {
    OutboxItem {
        key: format!("status {repo} {commit} {}", status.context),
        kind: OutboxKind::Status,
        repo: repo.clone(),
        installation_id,
        payload: json!({"sha": commit, "status": status, "target_url": target_url}),
    }
}

/// What GitHub hears of a run that was just made.
pub(crate) fn first_status(audience: &Audience, request: &RunRequest) -> Vec<OutboxItem> {
    let run = Run::new(request.clone());
    of_change(audience, &run, &run)
}

/// What GitHub must hear of the change from `before` to `after`: transitions only.
pub(crate) fn of_change(audience: &Audience, before: &Run, after: &Run) -> Vec<OutboxItem> {
    let request = &after.request;
    let (Some(repo), true) = (&request.repo, audience.github) else {
        return Vec::new();
    };
    let url = run_url(audience, &request.id);
    let mut items = Vec::new();
    let (old, new) = (report::status(before), report::status(after));
    if let (Some(status), Some(commit)) = (&new, &request.commit)
        && (old != new || before.version == 0)
    {
        let installation = request.installation_id;
        items.push(status_item(repo, installation, commit, status, url.as_deref()));
    }
    if let Some(number) = request.pull_request
        && after.state.is_final()
        && let Some(body) = report::comment(after, url.as_deref().unwrap_or_default())
    {
        let marker = report::marker(&request.plan.pipeline);
        items.push(OutboxItem {
            key: format!("comment {repo} {number} {marker}"),
            kind: OutboxKind::Comment,
            repo: repo.clone(),
            installation_id: request.installation_id,
            payload: json!({"number": number, "marker": marker, "body": body}),
        });
    }
    items
}

/// Where people read about a run.
fn run_url(audience: &Audience, id: &RunId) -> Option<String> {
    let base = audience.public_url.as_deref()?;
    Some(format!("{}/api/v1/runs/{id}", base.trim_end_matches('/')))
}
