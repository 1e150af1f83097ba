//! Pull requests.

use super::comments::number;
use super::{Answer, Asked, Body, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::clock::now;
use crate::simulator::state::{Pull, RepoInfo};
use crate::simulator::{Shared, events, payload, repository};
use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::Value;
use std::collections::HashMap;
use trainyard_core::ids::RepoName;

pub(crate) async fn list(asked: Asked, OriginalUri(uri): OriginalUri) -> Answer {
    let query = uri.query().unwrap_or_default();
    let (all, open) = (query.contains("state=all"), !query.contains("state=closed"));
    let pulls = asked.with(|repo| {
        Some(
            repo.pulls
                .iter()
                .rev()
                .filter(|pull| all || pull.open == open)
                .cloned()
                .collect::<Vec<_>>(),
        )
    })?;
    let pulls = pulls
        .iter()
        .map(|pull| payload::pull(&asked.shared, &asked.repo, pull))
        .collect();
    Ok(page(&asked.shared, &uri, pulls))
}

pub(crate) async fn show(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let number = number(&path, "number")?;
    let pull = asked.with(|repo| repo.pull(number).cloned())?;
    Ok(Json(payload::pull(&asked.shared, &asked.repo, &pull)).into_response())
}

pub(crate) async fn create(asked: Asked, body: Body) -> Answer {
    let (head, base) = (body.needed("PullRequest", "head")?, body.needed("PullRequest", "base")?);
    let title = body.needed("PullRequest", "title")?;
    let draft = body.0.get("draft").and_then(Value::as_bool).unwrap_or(false);
    let pull = open(
        &asked.shared,
        &asked.repo.name,
        title,
        body.text("body"),
        head,
        base,
        draft,
    )
    .await?;
    Ok((
        StatusCode::CREATED,
        Json(payload::pull(&asked.shared, &asked.repo, &pull)),
    )
        .into_response())
}

pub(crate) async fn update(asked: Asked, Path(path): Path<HashMap<String, String>>, body: Body) -> Answer {
    let number = number(&path, "number")?;
    let pull = match body.text("state") {
        Some("open") => set_open(&asked.shared, &asked.repo.name, number, true).await?,
        Some("closed") => set_open(&asked.shared, &asked.repo.name, number, false).await?,
        Some(_) => {
            return Err(ApiError::invalid(
                "PullRequest",
                "state",
                "state is not one of open, closed",
            ));
        }
        None if body.text("base").is_some() => {
            let base = body.needed("PullRequest", "base")?;
            retarget(&asked.shared, &asked.repo.name, number, base).await?
        }
        None => asked.with(|repo| {
            let pull = repo.pulls.iter_mut().find(|pull| pull.number == number)?;
            if let Some(title) = body.text("title") {
                title.clone_into(&mut pull.title);
            }
            Some(pull.clone())
        })?,
    };
    Ok(Json(payload::pull(&asked.shared, &asked.repo, &pull)).into_response())
}

/// Opens a pull request and tells the webhook.
pub(crate) async fn open(
    shared: &Shared,
    repo: &RepoName,
    title: &str,
    body: Option<&str>,
    head: &str,
    base: &str,
    draft: bool,
) -> Result<Pull, ApiError> {
    let info = |name: &RepoName| shared.state().repo(name).map(|repo| repo.info());
    let target = info(repo).ok_or_else(ApiError::not_found)?;
    let (owner, head_branch) = head.split_once(':').unwrap_or((repo.owner(), head));
    let source = RepoName::parse(&format!("{owner}/{}", repo.name()))
        .ok()
        .and_then(|name| info(&name));
    let invalid = |field: &str, message: String| ApiError::invalid("PullRequest", field, message);
    let source = source.ok_or_else(|| invalid("head", format!("head {head} does not exist")))?;
    let head_sha = repository::branch_head(&source.path, head_branch).await;
    let head_sha = head_sha.ok_or_else(|| invalid("head", format!("head {head} does not exist")))?;
    let base_sha = repository::branch_head(&target.path, base).await;
    let base_sha = base_sha.ok_or_else(|| invalid("base", format!("base {base} does not exist")))?;
    let (pull, number) = {
        let mut state = shared.state();
        let id = state.next_id();
        let repo = state.repo_mut(repo).ok_or_else(ApiError::not_found)?;
        let same = |pull: &&Pull| {
            pull.open && pull.head.id == source.id && pull.head_branch == head_branch && pull.base_branch == base
        };
        if repo.pulls.iter().any(|pull| same(&pull)) {
            return Err(invalid(
                "head",
                format!("A pull request already exists for {owner}:{head_branch}."),
            ));
        }
        let number = repo.pulls.len() as u64 + 1;
        let pull = Pull {
            id,
            number,
            title: title.to_owned(),
            body: body.map(str::to_owned),
            open: true,
            draft,
            author: author(shared, &target, &source),
            head: source.clone(),
            head_branch: head_branch.to_owned(),
            head_sha: head_sha.clone(),
            base_branch: base.to_owned(),
            base_sha: base_sha.clone(),
            created_at: now(),
            updated_at: now(),
        };
        if head_sha == base_sha {
            return Err(invalid("head", format!("No commits between {base} and {head_branch}")));
        }
        repo.pulls.push(pull.clone());
        (pull, number)
    };
    repository::keep_pull_head(&target, &source, number, &head_sha).await?;
    events::pull_request(shared, &target, &pull, "opened");
    Ok(pull)
}

/// A pull request from a fork is its owner's.
fn author(shared: &Shared, target: &RepoInfo, source: &RepoInfo) -> String {
    if target.id == source.id {
        shared.config.login.clone()
    } else {
        source.name.owner().to_owned()
    }
}

/// Closes or reopens a pull request and tells the webhook when that changed something.
pub(crate) async fn set_open(shared: &Shared, repo: &RepoName, number: u64, open: bool) -> Result<Pull, ApiError> {
    let find = |shared: &Shared| {
        shared
            .state()
            .repo(repo)
            .and_then(|repo| Some((repo.info(), repo.pull(number)?.clone())))
    };
    let (info, pull) = find(shared).ok_or_else(ApiError::not_found)?;
    if pull.open == open {
        return Ok(pull);
    }
    let head = repository::branch_head(&pull.head.path, &pull.head_branch).await;
    let base = repository::branch_head(&info.path, &pull.base_branch).await;
    let (Some(head), Some(base)) = (head.or(Some(pull.head_sha)), base.or(Some(pull.base_sha))) else {
        return Err(ApiError::not_found());
    };
    let changed = {
        let mut state = shared.state();
        let pulls = state
            .repo_mut(repo)
            .map(|repo| &mut repo.pulls)
            .ok_or_else(ApiError::not_found)?;
        let pull = pulls
            .iter_mut()
            .find(|pull| pull.number == number)
            .ok_or_else(ApiError::not_found)?;
        pull.open = open;
        (pull.head_sha, pull.base_sha, pull.updated_at) = (head, base, now());
        pull.clone()
    };
    if open {
        repository::keep_pull_head(&info, &changed.head, number, &changed.head_sha).await?;
    }
    events::pull_request(shared, &info, &changed, if open { "reopened" } else { "closed" });
    Ok(changed)
}

/// Has a pull request merged into another branch and tells the webhook when that changed something.
pub(crate) async fn retarget(shared: &Shared, repo: &RepoName, number: u64, base: &str) -> Result<Pull, ApiError> {
    let info = shared.state().repo(repo).map(|repo| repo.info());
    let info = info.ok_or_else(ApiError::not_found)?;
    let sha = repository::branch_head(&info.path, base).await;
    let missing = || ApiError::invalid("PullRequest", "base", format!("base {base} does not exist"));
    let sha = sha.ok_or_else(missing)?;
    let (pull, from) = {
        let mut state = shared.state();
        let pulls = state.repo_mut(repo).map(|repo| &mut repo.pulls);
        let pull = pulls.and_then(|pulls| pulls.iter_mut().find(|pull| pull.number == number));
        let pull = pull.ok_or_else(ApiError::not_found)?;
        if pull.base_branch == base {
            return Ok(pull.clone());
        }
        let branch = std::mem::replace(&mut pull.base_branch, base.to_owned());
        let from = (branch, std::mem::replace(&mut pull.base_sha, sha));
        pull.updated_at = now();
        (pull.clone(), from)
    };
    events::retargeted(shared, &info, &pull, (&from.0, &from.1));
    Ok(pull)
}
