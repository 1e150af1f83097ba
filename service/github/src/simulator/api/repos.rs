//! Repositories, branches, files; and who the caller is.

use super::{Answer, Asked, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::auth::{Identity, credentials};
use crate::simulator::rights::Rights;
use crate::simulator::{Shared, limits, payload, repository};
use axum::Json;
use axum::extract::{Extension, OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) async fn show(asked: Asked) -> Answer {
    Ok(Json(payload::full_repository(&asked.shared, &asked.repo)).into_response())
}

pub(crate) async fn branch(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let name = path.get("branch").map_or("", String::as_str);
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "Branch not found");
    let sha = repository::branch_head(&asked.repo.path, name)
        .await
        .ok_or_else(missing)?;
    let api = format!("{}/repos/{}/branches/{name}", asked.shared.base_url, asked.repo.name);
    let answer = json!({
        "name": name,
        "commit": payload::commit(&asked.shared, &asked.repo, &sha).await?,
        "_links": {"self": api, "html": format!("{}/{}/tree/{name}", asked.shared.base_url, asked.repo.name)},
        "protected": false,
        "protection": {"enabled": false},
        "protection_url": format!("{api}/protection"),
    });
    Ok(Json(answer).into_response())
}

pub(crate) async fn branches(asked: Asked, OriginalUri(uri): OriginalUri) -> Answer {
    let refs = repository::refs(&asked.repo.path).await?;
    let branches = refs.into_iter().filter_map(|(name, sha)| {
        let name = name.strip_prefix("refs/heads/")?.to_owned();
        let url = format!("{}/repos/{}/commits/{sha}", asked.shared.base_url, asked.repo.name);
        Some(json!({"name": name, "commit": {"sha": sha, "url": url}, "protected": false}))
    });
    Ok(page(&asked.shared, &uri, branches.collect()))
}

pub(crate) async fn contents(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let path = path.get("path").map_or("", String::as_str);
    let reference = query.get("ref").unwrap_or(&asked.repo.default_branch);
    let commit = repository::commit(&asked.repo.path, reference)
        .await
        .ok_or_else(ApiError::not_found)?;
    let (object, content) = repository::file(&asked.repo.path, &commit, path)
        .await
        .ok_or_else(ApiError::not_found)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let (base, repo) = (&asked.shared.base_url, &asked.repo.name);
    let url = format!("{base}/repos/{repo}/contents/{path}?ref={reference}");
    let html = format!("{base}/{repo}/blob/{reference}/{path}");
    let git = format!("{base}/repos/{repo}/git/blobs/{object}");
    let answer = json!({
        "type": "file", "name": name, "path": path, "sha": object, "size": content.len(),
        "encoding": "base64", "content": STANDARD.encode(content),
        "url": url, "html_url": html, "git_url": git,
        "download_url": format!("{base}/{repo}/raw/{reference}/{path}"),
        "_links": {"self": url, "html": html, "git": git},
    });
    Ok(Json(answer).into_response())
}

pub(crate) async fn user(
    State(shared): State<Arc<Shared>>,
    Extension(identity): Extension<Identity>,
    headers: HeaderMap,
) -> Answer {
    let own = credentials(&headers).and_then(|token| shared.state().people.get(&token).cloned());
    let login = own.unwrap_or_else(|| shared.config.login.clone());
    match identity {
        Identity::User => Ok(Json(payload::public_user(&shared, &login)).into_response()),
        Identity::App | Identity::Installation => Err(ApiError::forbidden()),
    }
}

pub(crate) async fn rate_limit(State(shared): State<Arc<Shared>>, Extension(rights): Extension<Rights>) -> Answer {
    let (used, of, reset) = shared.meter().read(&limits::account(&rights));
    let core = json!({"limit": of, "used": used, "remaining": of.saturating_sub(used), "reset": reset});
    Ok(Json(json!({"resources": {"core": core, "search": core}, "rate": core})).into_response())
}
