//! Comments of pull requests.

use super::{Answer, Asked, Body, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::clock::now;
use crate::simulator::payload;
use crate::simulator::state::CommentRecord;
use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use std::collections::HashMap;

/// GitHub's limit, in characters.
const MAX_BODY: usize = 65_536;

pub(crate) async fn list(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let number = number(&path, "number")?;
    let comments = asked.with(|repo| {
        repo.pull(number)?;
        Some(
            repo.comments
                .iter()
                .filter(|comment| comment.number == number)
                .cloned()
                .collect::<Vec<_>>(),
        )
    })?;
    let comments = comments
        .iter()
        .map(|comment| payload::comment(&asked.shared, &asked.repo, comment))
        .collect();
    Ok(page(&asked.shared, &uri, comments))
}

pub(crate) async fn create(asked: Asked, Path(path): Path<HashMap<String, String>>, body: Body) -> Answer {
    let number = number(&path, "number")?;
    let text = checked(&body)?;
    asked.with(|repo| repo.pull(number).map(drop))?;
    let made = asked
        .shared
        .state()
        .comment(&asked.repo.name, number, &asked.login(), text);
    let made = made.ok_or_else(ApiError::not_found)?;
    asked.shared.tell_comment(&asked.repo, &made, "created", None);
    Ok((
        StatusCode::CREATED,
        Json(payload::comment(&asked.shared, &asked.repo, &made)),
    )
        .into_response())
}

pub(crate) async fn show(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let id = number(&path, "id")?;
    let found = asked.with(|repo| repo.comments.iter().find(|comment| comment.id == id).cloned())?;
    Ok(Json(payload::comment(&asked.shared, &asked.repo, &found)).into_response())
}

pub(crate) async fn update(asked: Asked, Path(path): Path<HashMap<String, String>>, body: Body) -> Answer {
    let id = number(&path, "id")?;
    let text = checked(&body)?.to_owned();
    let login = asked.login();
    let (changed, before) = asked.with(|repo| {
        let comment = repo.comments.iter_mut().find(|comment| comment.id == id)?;
        // An App may change its own comments only.
        if login.ends_with("[bot]") && comment.author != login {
            return Some((None, String::new()));
        }
        let before = comment.body.clone();
        *comment = CommentRecord {
            body: text,
            updated_at: now(),
            ..comment.clone()
        };
        Some((Some(comment.clone()), before))
    })?;
    let changed = changed.ok_or_else(ApiError::forbidden)?;
    asked
        .shared
        .tell_comment(&asked.repo, &changed, "edited", Some(&before));
    Ok(Json(payload::comment(&asked.shared, &asked.repo, &changed)).into_response())
}

pub(crate) async fn remove(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let id = number(&path, "id")?;
    let gone = asked.with(|repo| {
        let at = repo.comments.iter().position(|comment| comment.id == id)?;
        Some(repo.comments.remove(at))
    })?;
    asked.shared.tell_comment(&asked.repo, &gone, "deleted", None);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn checked(body: &Body) -> Result<&str, ApiError> {
    let text = body.needed("IssueComment", "body")?;
    if text.chars().count() > MAX_BODY {
        return Err(ApiError::invalid(
            "IssueComment",
            "body",
            format!("body is too long (maximum is {MAX_BODY} characters)"),
        ));
    }
    Ok(text)
}

/// A number in the path.
pub(super) fn number(path: &HashMap<String, String>, name: &str) -> Result<u64, ApiError> {
    path.get(name)
        .and_then(|text| text.parse().ok())
        .ok_or_else(ApiError::not_found)
}
