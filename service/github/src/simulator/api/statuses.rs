//! Commit statuses.

use super::{Answer, Asked, Body, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::clock::now;
use crate::simulator::state::StatusRecord;
use crate::simulator::{payload, repository};
use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::collections::HashMap;

/// GitHub's limits of one status, and of all with the same commit and context.
const MAX_DESCRIPTION: usize = 140;
const MAX_STATUSES: usize = 1000;
const STATES: [&str; 4] = ["error", "failure", "pending", "success"];

pub(crate) async fn create(asked: Asked, Path(path): Path<HashMap<String, String>>, body: Body) -> Answer {
    let sha = path.get("sha").cloned().unwrap_or_default();
    let state = body.needed("Status", "state")?;
    if !STATES.contains(&state) {
        return Err(ApiError::invalid(
            "Status",
            "state",
            format!("state is not one of {}", STATES.join(", ")),
        ));
    }
    let description = body.text("description").map(str::to_owned);
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION)
    {
        return Err(ApiError::invalid(
            "Status",
            "description",
            format!("description is too long (maximum is {MAX_DESCRIPTION} characters)"),
        ));
    }
    let target_url = body.text("target_url").map(str::to_owned);
    if target_url
        .as_ref()
        .is_some_and(|url| !(url.starts_with("http://") || url.starts_with("https://")))
    {
        return Err(ApiError::invalid(
            "Status",
            "target_url",
            "target_url must use http(s) scheme",
        ));
    }
    let full = sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !full || !repository::has_commit(&asked.repo.path, &sha).await {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("No commit found for SHA: {sha}"),
        ));
    }
    let status = StatusRecord {
        id: asked.shared.state().next_id(),
        sha: sha.clone(),
        state: state.to_owned(),
        context: body.text("context").unwrap_or("default").to_owned(),
        description,
        target_url,
        creator: asked.login(),
        created_at: now(),
    };
    let full = asked.with(|repo| {
        let same = repo
            .statuses
            .iter()
            .filter(|s| s.sha == sha && s.context == status.context)
            .count();
        if same < MAX_STATUSES {
            repo.statuses.push(status.clone());
        }
        Some(same >= MAX_STATUSES)
    })?;
    if full {
        let message = "This SHA and context has reached the maximum number of statuses.";
        return Err(ApiError::invalid("Status", "base", message));
    }
    Ok((
        StatusCode::CREATED,
        Json(payload::status(&asked.shared, &asked.repo, &status)),
    )
        .into_response())
}

/// `commits/{ref}/statuses`, `/status`, `/check-runs` and `/check-suites`; a ref may have slashes.
pub(crate) async fn of_commit(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let rest = path.get("rest").map_or("", String::as_str);
    let (name, question) = rest.rsplit_once('/').unwrap_or((rest, "commit"));
    let name = if question == "commit" { rest } else { name };
    let sha = repository::commit(&asked.repo.path, name).await.ok_or_else(|| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("No commit found for SHA: {name}"),
        )
    })?;
    match question {
        "check-runs" => return super::checks::of_commit(&asked, &sha, &uri),
        "check-suites" => return super::checks::suites_of_commit(&asked, &sha, &uri).await,
        _ => {}
    }
    let mut newest_first = asked.with(|repo| {
        Some(
            repo.statuses
                .iter()
                .filter(|status| status.sha == sha)
                .rev()
                .cloned()
                .collect::<Vec<_>>(),
        )
    })?;
    let json = |status: &StatusRecord| payload::status(&asked.shared, &asked.repo, status);
    match question {
        "statuses" => Ok(page(&asked.shared, &uri, newest_first.iter().map(json).collect())),
        "status" => {
            let mut seen = std::collections::HashSet::new();
            newest_first.retain(|status| seen.insert(status.context.clone()));
            let statuses: Vec<Value> = newest_first.iter().map(json).collect();
            let repository = payload::repository(&asked.shared, &asked.repo);
            let api = format!("{}/repos/{}", asked.shared.base_url, asked.repo.name);
            let answer = json!({
                "state": combined(&newest_first), "sha": sha, "total_count": statuses.len(),
                "statuses": statuses, "repository": repository,
                "commit_url": format!("{api}/commits/{sha}"), "url": format!("{api}/commits/{sha}/status"),
            });
            Ok(Json(answer).into_response())
        }
        "commit" => {
            let commit = payload::commit(&asked.shared, &asked.repo, &sha).await?;
            Ok(Json(commit).into_response())
        }
        _ => Err(ApiError::not_found()),
    }
}

fn combined(latest: &[StatusRecord]) -> &'static str {
    let any = |states: &[&str]| latest.iter().any(|status| states.contains(&status.state.as_str()));
    if any(&["error", "failure"]) {
        "failure"
    } else if latest.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    }
}
