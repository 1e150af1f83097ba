//! Accounts by number, and what they may do.

use super::{Answer, Asked};
use crate::simulator::api_error::ApiError;
use crate::simulator::{Shared, payload};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// `GET /user/{account_id}`.
pub(crate) async fn by_number(State(shared): State<Arc<Shared>>, Path(number): Path<u32>) -> Answer {
    let login = shared.login_of(number).ok_or_else(ApiError::not_found)?;
    Ok(Json(payload::public_user(&shared, &login)).into_response())
}

/// `GET /repos/{owner}/{repo}/collaborators/{username}`.
pub(crate) async fn collaborator(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let login = path.get("login").map_or("", String::as_str);
    // As if the repository were private: of a public one everybody may read.
    let is_one = asked.shared.is_account(login) && asked.shared.role(&asked.repo.name, true, login) != "none";
    match is_one {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(ApiError::not_found()),
    }
}

/// `GET /repos/{owner}/{repo}/collaborators/{username}/permission`.
pub(crate) async fn permission(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let login = path.get("login").map_or("", String::as_str);
    if !asked.shared.is_account(login) {
        return Err(ApiError::not_found());
    }
    let role = asked.shared.role(&asked.repo.name, asked.repo.private, login);
    let permission = match role.as_str() {
        "admin" => "admin",
        "write" | "maintain" => "write",
        "read" | "triage" => "read",
        _ => "none",
    };
    let mut user = payload::user(&asked.shared, login);
    user["permissions"] = json!({
        "pull": permission != "none",
        "triage": matches!(role.as_str(), "triage" | "write" | "maintain" | "admin"),
        "push": matches!(permission, "write" | "admin"),
        "maintain": matches!(role.as_str(), "maintain" | "admin"),
        "admin": permission == "admin",
    });
    user["role_name"] = Value::from(role.as_str());
    Ok(Json(json!({"permission": permission, "role_name": role, "user": user})).into_response())
}
