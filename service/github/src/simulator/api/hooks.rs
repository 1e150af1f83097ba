//! The deliveries of a repository's webhook.

use super::comments::number;
use super::{Answer, Asked, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::delivery::{DeliveryRecord, HOOK_ID, Outgoing};
use crate::simulator::payload;
use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;
use std::collections::HashMap;

type Segments = Path<HashMap<String, String>>;

pub(crate) async fn list(asked: Asked, Path(path): Segments, OriginalUri(uri): OriginalUri) -> Answer {
    let newest_first = deliveries(&asked, &path)?
        .iter()
        .rev()
        .map(DeliveryRecord::json)
        .collect();
    Ok(page(&asked.shared, &uri, newest_first))
}

pub(crate) async fn show(asked: Asked, Path(path): Segments) -> Answer {
    find(&asked, &path).map(|found| Json(found.whole_json()).into_response())
}

pub(crate) async fn redeliver(asked: Asked, Path(path): Segments) -> Answer {
    // The receiver is gone only when the simulator is.
    let _ = asked.shared.outgoing.send(find(&asked, &path)?.again());
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}

pub(crate) async fn ping(asked: Asked, Path(path): Segments) -> Answer {
    deliveries(&asked, &path)?;
    let body = json!({
        "zen": "Non-blocking is better than blocking.",
        "hook_id": HOOK_ID,
        "hook": {"type": "Repository", "id": HOOK_ID, "active": true, "events": ["push", "pull_request"]},
        "repository": payload::repository(&asked.shared, &asked.repo),
        "sender": payload::user(&asked.shared, &asked.login()),
    });
    let _ = asked
        .shared
        .outgoing
        .send(Outgoing::new("ping", &asked.repo.name.to_string(), &body));
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn deliveries(asked: &Asked, path: &HashMap<String, String>) -> Result<Vec<DeliveryRecord>, ApiError> {
    if number(path, "hook")? != HOOK_ID {
        return Err(ApiError::not_found());
    }
    let repo = asked.repo.name.to_string();
    Ok(asked
        .shared
        .state()
        .deliveries
        .iter()
        .filter(|delivery| delivery.repo == repo)
        .cloned()
        .collect())
}

fn find(asked: &Asked, path: &HashMap<String, String>) -> Result<DeliveryRecord, ApiError> {
    let id = number(path, "id")?;
    deliveries(asked, path)?
        .into_iter()
        .find(|delivery| delivery.id == id)
        .ok_or_else(ApiError::not_found)
}
