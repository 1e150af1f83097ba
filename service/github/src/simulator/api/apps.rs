//! GitHub Apps: the App itself, its installations and their tokens, its webhook.

use super::comments::number;
use super::{Answer, Asked, Body, page, paged};
use crate::simulator::Shared;
use crate::simulator::api_error::ApiError;
use crate::simulator::apps::{App, Hook, Installation, Permissions};
use crate::simulator::clock::now;
use crate::simulator::delivery::{DeliveryRecord, Outgoing, Receiver};
use crate::simulator::payload::{self, EPOCH};
use crate::simulator::rights::{Reach, Rights};
use axum::Json;
use axum::extract::{Extension, OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

type Server = State<Arc<Shared>>;
type Caller = Extension<Rights>;
type Segments = Path<HashMap<String, String>>;

/// The App that calls.
fn caller(shared: &Shared, rights: &Rights) -> Result<App, ApiError> {
    let found = match rights {
        Rights::App(id) => shared.state().app(*id).cloned(),
        _ => None,
    };
    let undecodable = "A JSON web token could not be decoded";
    found.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, undecodable))
}

/// One of the App's installations.
fn installed(shared: &Shared, app: &App, path: &HashMap<String, String>) -> Result<Installation, ApiError> {
    let found = shared.state().installation(number(path, "id")?).cloned();
    found.filter(|at| at.app_id == app.id).ok_or_else(ApiError::not_found)
}

pub(crate) async fn show(State(shared): Server, Extension(rights): Caller) -> Answer {
    let app = caller(&shared, &rights)?;
    Ok(Json(shared.app_json(&app)).into_response())
}

pub(crate) async fn installations(
    State(shared): Server,
    Extension(rights): Caller,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let app = caller(&shared, &rights)?;
    let found: Vec<Installation> = shared
        .state()
        .installations
        .iter()
        .filter(|at| at.app_id == app.id)
        .cloned()
        .collect();
    let listed = |at: &Installation| {
        let mut json = shared.installation_json(at);
        // The published description asks of an account in this list to be a user and an enterprise at once.
        let account = &mut json["account"];
        (account["name"], account["slug"]) = (account["login"].clone(), account["login"].clone());
        (account["created_at"], account["updated_at"]) = (EPOCH.into(), EPOCH.into());
        json
    };
    let found = found.iter().map(listed).collect();
    Ok(page(&shared, &uri, found))
}

pub(crate) async fn installation(State(shared): Server, Extension(rights): Caller, Path(path): Segments) -> Answer {
    let app = caller(&shared, &rights)?;
    let at = installed(&shared, &app, &path)?;
    Ok(Json(shared.installation_json(&at)).into_response())
}

pub(crate) async fn of_repository(asked: Asked, Extension(rights): Caller) -> Answer {
    let app = caller(&asked.shared, &rights)?;
    let name = asked.repo.name.to_string();
    let found = asked
        .shared
        .state()
        .installations
        .iter()
        .find(|at| at.app_id == app.id && at.covers(asked.repo.name.owner(), &name))
        .cloned();
    let mut json = asked.shared.installation_json(&found.ok_or_else(ApiError::not_found)?);
    json["account"] = payload::user(&asked.shared, asked.repo.name.owner());
    Ok(Json(json).into_response())
}

pub(crate) async fn access_token(
    State(shared): Server,
    Extension(rights): Caller,
    Path(path): Segments,
    body: bytes::Bytes,
) -> Answer {
    let app = caller(&shared, &rights)?;
    let at = installed(&shared, &app, &path)?;
    if at.suspended_at.is_some() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "This installation has been suspended",
        ));
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let unprocessable = |message: &str| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message);
    let mut granted = at.permissions.clone();
    if let Some(wanted) = asked["permissions"].as_object() {
        let wanted: Permissions = wanted
            .iter()
            .filter_map(|(name, level)| Some((name.clone(), level.as_str()?.to_owned())))
            .collect();
        let rank = |level: &String| ["read", "write", "admin"].iter().position(|known| known == level);
        if wanted
            .iter()
            .any(|(name, level)| granted.get(name).and_then(rank) < rank(level))
        {
            return Err(unprocessable(
                "The permissions requested are not granted to this installation.",
            ));
        }
        granted = wanted;
    }
    let mut names = at.repos.clone();
    if let Some(wanted) = asked["repositories"].as_array() {
        let state = shared.state();
        let mut chosen = Vec::new();
        for name in wanted.iter().filter_map(Value::as_str) {
            let mut repos = state
                .repos
                .iter()
                .map(|repo| (repo.name.name(), repo.name.owner(), repo.name.to_string()));
            let found = repos.find(|(short, owner, full)| *short == name && at.covers(owner, full));
            let missing =
                "There is at least one repository that does not exist or is not accessible to the parent installation.";
            chosen.push(found.map(|(_, _, full)| full).ok_or_else(|| unprocessable(missing))?);
        }
        names = Some(chosen);
    }
    let reach = Reach {
        account: at.account.clone(),
        names,
    };
    Ok((
        StatusCode::CREATED,
        Json(shared.mint_token(&app, at.id, granted, reach)),
    )
        .into_response())
}

pub(crate) async fn repositories(
    State(shared): Server,
    Extension(rights): Caller,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let Rights::Permissions {
        installation: Some(_),
        repos,
        ..
    } = rights
    else {
        let message = "You must authenticate with an installation access token in order to list repositories for an installation.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, message));
    };
    let all: Vec<_> = shared.state().repos.iter().map(|repo| repo.info()).collect();
    let ours: Vec<Value> = all
        .iter()
        .filter(|repo| repos.covers(&repo.name))
        .map(|repo| payload::repository(&shared, repo))
        .collect();
    Ok(paged(&shared, &uri, ours, |total, listed| {
        let selection = if repos.names.is_some() { "selected" } else { "all" };
        Json(json!({"total_count": total, "repository_selection": selection, "repositories": listed})).into_response()
    }))
}

/// The App's webhook; that of the configuration is the one that every repository has.
fn hook(shared: &Shared, app: &App) -> Hook {
    match &app.hook {
        Some((_, hook)) => hook.clone(),
        None => Hook {
            url: shared.state().webhook_url.clone(),
            content_type: "json".to_owned(),
            secret: Some(shared.config.webhook_secret.clone()),
            insecure_ssl: "0".to_owned(),
            active: true,
        },
    }
}

pub(crate) async fn hook_config(State(shared): Server, Extension(rights): Caller) -> Answer {
    let app = caller(&shared, &rights)?;
    Ok(Json(hook(&shared, &app).json()).into_response())
}

pub(crate) async fn change_hook(State(shared): Server, Extension(rights): Caller, body: Body) -> Answer {
    let app = caller(&shared, &rights)?;
    let mut changed = hook(&shared, &app);
    changed.change(&body.0);
    let mut state = shared.state();
    match state.app_mut(app.id).and_then(|app| app.hook.as_mut()) {
        Some((_, kept)) => *kept = changed.clone(),
        None => state.webhook_url.clone_from(&changed.url),
    }
    drop(state);
    Ok(Json(changed.json()).into_response())
}

fn deliveries(shared: &Shared, app: &App) -> Vec<DeliveryRecord> {
    let to = if app.hook.is_some() {
        Receiver::App(app.id)
    } else {
        Receiver::Everywhere
    };
    let state = shared.state();
    state
        .deliveries
        .iter()
        .filter(|delivery| delivery.to == to)
        .cloned()
        .collect()
}

fn delivery(shared: &Shared, app: &App, path: &HashMap<String, String>) -> Result<DeliveryRecord, ApiError> {
    let id = number(path, "id")?;
    deliveries(shared, app)
        .into_iter()
        .find(|delivery| delivery.id == id)
        .ok_or_else(ApiError::not_found)
}

pub(crate) async fn list_deliveries(
    State(shared): Server,
    Extension(rights): Caller,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let app = caller(&shared, &rights)?;
    let newest_first = deliveries(&shared, &app)
        .iter()
        .rev()
        .map(DeliveryRecord::json)
        .collect();
    Ok(page(&shared, &uri, newest_first))
}

pub(crate) async fn show_delivery(State(shared): Server, Extension(rights): Caller, Path(path): Segments) -> Answer {
    let app = caller(&shared, &rights)?;
    delivery(&shared, &app, &path).map(|found| Json(found.whole_json()).into_response())
}

pub(crate) async fn redeliver(State(shared): Server, Extension(rights): Caller, Path(path): Segments) -> Answer {
    let app = caller(&shared, &rights)?;
    shared.outgoing.send(delivery(&shared, &app, &path)?.again());
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}

impl Shared {
    /// Tells an App with an active webhook that it works.
    pub(crate) fn ping_app(&self, id: u64) {
        let Some(app) = self.state().app(id).cloned() else {
            return;
        };
        let Some((hook_id, hook)) = &app.hook else { return };
        let body = json!({
            "zen": "Speak like a human.",
            "hook_id": hook_id,
            "hook": {
                "type": "App", "id": hook_id, "name": "web", "active": hook.active, "events": app.events,
                "config": hook.json(), "updated_at": app.created_at, "created_at": app.created_at, "app_id": app.id,
                "deliveries_url": format!("{}/app/hook/deliveries", self.base_url),
            },
        });
        self.outgoing
            .send(Outgoing::new("ping", "", &body).to(Receiver::App(id)));
    }

    /// Installs an App and tells it; the installation's id.
    pub(crate) fn install(&self, app: u64, account: &str, repos: Option<Vec<String>>) -> Option<u64> {
        let app = self.state().app(app).cloned()?;
        let at = Installation {
            id: self.state().next_id(),
            app_id: app.id,
            account: Some(account.to_owned()),
            permissions: app.permissions.clone(),
            events: app.events.clone(),
            repos,
            suspended_at: None,
            created_at: now(),
        };
        self.state().installations.push(at.clone());
        let named = |info: &crate::simulator::state::RepoInfo| {
            json!({
                "id": info.id, "node_id": format!("R_{}", info.id), "name": info.name.name(),
                "full_name": info.name, "private": info.private,
            })
        };
        let all: Vec<_> = self.state().repos.iter().map(|repo| repo.info()).collect();
        let covered = all
            .iter()
            .filter(|repo| at.covers(repo.name.owner(), &repo.name.to_string()));
        let body = json!({
            "action": "created",
            "installation": self.installation_json(&at),
            "repositories": covered.map(named).collect::<Vec<_>>(),
            "requester": null,
            "sender": payload::user(self, &self.config.login),
        });
        self.outgoing
            .send(Outgoing::new("installation", "", &body).to(Receiver::App(app.id)));
        Some(at.id)
    }
}
