//! The webhooks of a repository and their deliveries.

use super::comments::number;
use super::{Answer, Asked, Body, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::apps::{Hook, RepoHook};
use crate::simulator::clock::now;
use crate::simulator::delivery::{DeliveryRecord, HOOK_ID, Outgoing, Receiver};
use crate::simulator::payload;
use axum::Json;
use axum::extract::{OriginalUri, Path};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::collections::HashMap;

type Segments = Path<HashMap<String, String>>;

/// The webhook of every repository, where webhooks go somewhere and no App is sent them.
fn everywhere(asked: &Asked) -> Option<RepoHook> {
    let (url, active) = {
        let state = asked.shared.state();
        (state.webhook_url.clone()?, state.webhook_active)
    };
    let hook = Hook {
        url: Some(url),
        content_type: "json".to_owned(),
        secret: Some(asked.shared.config.webhook_secret.clone()),
        insecure_ssl: "0".to_owned(),
        active,
    };
    asked.shared.config.app.is_none().then(|| RepoHook {
        id: HOOK_ID,
        repo: asked.repo.name.to_string(),
        events: vec!["*".to_owned()],
        hook,
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    })
}

fn made(asked: &Asked) -> Vec<RepoHook> {
    let repo = asked.repo.name.to_string();
    let state = asked.shared.state();
    state.hooks.iter().filter(|hook| hook.repo == repo).cloned().collect()
}

fn of_path(asked: &Asked, path: &HashMap<String, String>) -> Result<RepoHook, ApiError> {
    let id = number(path, "hook")?;
    let mut all = made(asked);
    all.extend(everywhere(asked));
    all.into_iter()
        .find(|hook| hook.id == id)
        .ok_or_else(ApiError::not_found)
}

/// GitHub's `hook`.
fn json_of(asked: &Asked, made: &RepoHook) -> Value {
    let url = format!("{}/repos/{}/hooks/{}", asked.shared.base_url, made.repo, made.id);
    let state = asked.shared.state();
    let to = receiver(made.id);
    let last = state
        .deliveries
        .iter()
        .rev()
        .find(|delivery| delivery.to == to && delivery.repo == made.repo);
    let last = match last {
        None => json!({"code": null, "status": "unused", "message": null}),
        Some(last) => json!({
            "code": last.status_code,
            "status": if last.status == "OK" { "active" } else { "misconfigured" },
            "message": last.status,
        }),
    };
    json!({
        "type": "Repository", "id": made.id, "name": "web", "active": made.hook.active, "events": made.events,
        "config": made.hook.json(), "created_at": made.created_at, "updated_at": made.created_at, "url": url,
        "test_url": format!("{url}/test"), "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"), "last_response": last,
    })
}

fn receiver(hook: u64) -> Receiver {
    if hook == HOOK_ID {
        Receiver::Everywhere
    } else {
        Receiver::Hook(hook)
    }
}

pub(crate) async fn all(asked: Asked, OriginalUri(uri): OriginalUri) -> Answer {
    let mut all = made(&asked);
    all.extend(everywhere(&asked));
    let listed = all.iter().map(|hook| json_of(&asked, hook)).collect();
    Ok(page(&asked.shared, &uri, listed))
}

pub(crate) async fn one(asked: Asked, Path(path): Segments) -> Answer {
    let found = of_path(&asked, &path)?;
    Ok(Json(json_of(&asked, &found)).into_response())
}

fn events_of(body: &Body) -> Option<Vec<String>> {
    let events = body.0.get("events")?.as_array()?;
    Some(events.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

pub(crate) async fn create(asked: Asked, body: Body) -> Answer {
    let mut hook = Hook::of(&body.0["config"]);
    hook.active = body.0.get("active").and_then(Value::as_bool).unwrap_or(true);
    let invalid = |field: &str, message: &str| ApiError::invalid("Hook", field, message);
    let fine = hook
        .url
        .as_ref()
        .is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"));
    if !fine {
        return Err(invalid("url", "Config must contain a URL"));
    }
    let events = events_of(&body).unwrap_or_else(|| vec!["push".to_owned()]);
    let same = |known: &RepoHook| known.hook.url == hook.url && known.events.iter().any(|event| events.contains(event));
    if made(&asked).iter().any(same) {
        return Err(invalid("base", "Hook already exists on this repository"));
    }
    let hook = RepoHook {
        id: asked.shared.state().next_id(),
        repo: asked.repo.name.to_string(),
        events,
        hook,
        created_at: now(),
    };
    asked.shared.state().hooks.push(hook.clone());
    send_ping(&asked, &hook);
    Ok((StatusCode::CREATED, Json(json_of(&asked, &hook))).into_response())
}

pub(crate) async fn update(asked: Asked, Path(path): Segments, body: Body) -> Answer {
    let found = of_path(&asked, &path)?;
    let changed = {
        let mut state = asked.shared.state();
        let hook = state
            .hooks
            .iter_mut()
            .find(|hook| hook.id == found.id)
            .ok_or_else(ApiError::not_found)?;
        hook.hook.change(&body.0["config"]);
        hook.hook.active = body
            .0
            .get("active")
            .and_then(Value::as_bool)
            .unwrap_or(hook.hook.active);
        hook.events = events_of(&body).unwrap_or_else(|| hook.events.clone());
        hook.clone()
    };
    Ok(Json(json_of(&asked, &changed)).into_response())
}

pub(crate) async fn remove(asked: Asked, Path(path): Segments) -> Answer {
    let found = of_path(&asked, &path)?;
    asked.shared.state().hooks.retain(|hook| hook.id != found.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

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
    asked.shared.outgoing.send(find(&asked, &path)?.again());
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}

pub(crate) async fn ping(asked: Asked, Path(path): Segments) -> Answer {
    send_ping(&asked, &of_path(&asked, &path)?);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn send_ping(asked: &Asked, hook: &RepoHook) {
    let body = json!({
        "zen": "Non-blocking is better than blocking.",
        "hook_id": hook.id,
        "hook": json_of(asked, hook),
        "repository": payload::repository(&asked.shared, &asked.repo),
        "sender": payload::user(&asked.shared, &asked.login()),
    });
    let ping = Outgoing::new("ping", &asked.repo.name.to_string(), &body).to(receiver(hook.id));
    asked.shared.outgoing.send(ping);
}

fn deliveries(asked: &Asked, path: &HashMap<String, String>) -> Result<Vec<DeliveryRecord>, ApiError> {
    let id = number(path, "hook")?;
    let to = receiver(id);
    if id != HOOK_ID {
        of_path(asked, path)?;
    }
    let repo = asked.repo.name.to_string();
    let state = asked.shared.state();
    let ours = state
        .deliveries
        .iter()
        .filter(|delivery| delivery.repo == repo && delivery.to == to);
    Ok(ours.cloned().collect())
}

fn find(asked: &Asked, path: &HashMap<String, String>) -> Result<DeliveryRecord, ApiError> {
    let id = number(path, "id")?;
    deliveries(asked, path)?
        .into_iter()
        .find(|delivery| delivery.id == id)
        .ok_or_else(ApiError::not_found)
}
