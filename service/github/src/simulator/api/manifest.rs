//! The manifest flow: the pages that a browser sees, which here need no click, and the exchange of the code.

use super::Answer;
use crate::simulator::Shared;
use crate::simulator::api_error::ApiError;
use crate::simulator::apps::client_secret;
use crate::simulator::installed::PRIVATE_KEY;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

type Server = State<Arc<Shared>>;
type Fields = HashMap<String, String>;

/// `POST /settings/apps/new`: a person makes an App for himself.
pub(crate) async fn for_user(State(shared): Server, Query(query): Query<Fields>, body: bytes::Bytes) -> Response {
    let owner = shared.config.login.clone();
    make(&shared, (owner, false), &query, &body)
}

/// `POST /organizations/{org}/settings/apps/new`.
pub(crate) async fn for_organization(
    State(shared): Server,
    Path(org): Path<String>,
    Query(query): Query<Fields>,
    body: bytes::Bytes,
) -> Response {
    make(&shared, (org, true), &query, &body)
}

fn make(shared: &Shared, owner: (String, bool), query: &Fields, body: &[u8]) -> Response {
    let form = form(body);
    let manifest: Value = form
        .get("manifest")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let (name, problem) = match check(&manifest) {
        Ok(name) => (name, None),
        Err(problem) => (String::new(), Some(problem)),
    };
    if let Some(problem) = problem {
        return (
            StatusCode::UNPROCESSABLE_ENTITY,
            Html(format!("<p>Invalid GitHub App configuration: {problem}")),
        )
            .into_response();
    }
    let taken = shared.state().apps.iter().any(|app| app.name == name);
    if taken {
        return (StatusCode::UNPROCESSABLE_ENTITY, Html("<p>Name has already been taken")).into_response();
    }
    let id = shared.make_app(&name, owner, &manifest);
    let code = format!("{}{}", uuid::Uuid::now_v7().simple(), "00000000");
    shared.state().codes.insert(code.clone(), id);
    shared.ping_app(id);
    let redirect = manifest["redirect_url"].as_str().unwrap_or_default();
    let mut to = format!(
        "{redirect}{}code={code}",
        if redirect.contains('?') { "&" } else { "?" }
    );
    if let Some(state) = query.get("state") {
        to.push_str("&state=");
        to.push_str(state);
    }
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

/// The App's name, or what GitHub's page says about the manifest.
fn check(manifest: &Value) -> Result<String, String> {
    let text = |name: &str| manifest[name].as_str().filter(|text| !text.trim().is_empty());
    let name = text("name").ok_or("Name can't be blank")?;
    if name.chars().count() > 34 {
        return Err("Name is too long (maximum is 34 characters)".to_owned());
    }
    text("url").ok_or("Homepage URL can't be blank")?;
    text("redirect_url").ok_or("Redirect URL can't be blank")?;
    let granted = |permission: &str| manifest["default_permissions"][permission].is_string();
    for event in manifest["default_events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let needs = match event {
            "push" | "create" | "delete" | "release" | "repository_dispatch" => "contents",
            "pull_request" => "pull_requests",
            "check_run" | "check_suite" => "checks",
            "issue_comment" => "issues",
            "workflow_run" => "actions",
            "status" => "statuses",
            "repository" => "metadata",
            _ => return Err(format!("Default events unsupported: {event}")),
        };
        if !granted(needs) {
            return Err(format!("Default events are not supported by permissions: {event}"));
        }
    }
    Ok(name.to_owned())
}

/// `POST /app-manifests/{code}/conversions`: once for a code.
pub(crate) async fn convert(State(shared): Server, Path(code): Path<String>) -> Answer {
    let id = shared.state().codes.remove(&code).ok_or_else(ApiError::not_found)?;
    let app = shared.state().app(id).cloned().ok_or_else(ApiError::not_found)?;
    let mut json = shared.app_json(&app);
    json["client_secret"] = client_secret(id).into();
    json["webhook_secret"] = app.hook.and_then(|(_, hook)| hook.secret).into();
    json["pem"] = PRIVATE_KEY.into();
    Ok((StatusCode::CREATED, Json(json)).into_response())
}

/// `GET /apps/{slug}/installations/new`: asks for the account.
pub(crate) async fn install_page(State(shared): Server, Path(slug): Path<String>) -> Response {
    let known = shared.state().apps.iter().any(|app| app.slug == slug);
    if !known {
        return (StatusCode::NOT_FOUND, Html("<p>Not Found")).into_response();
    }
    Html("<form method=post>Install for <input name=account> repositories (all if empty) <input name=repositories><button>Install").into_response()
}

/// `POST /apps/{slug}/installations/new`.
pub(crate) async fn install(State(shared): Server, Path(slug): Path<String>, body: bytes::Bytes) -> Response {
    let form = form(&body);
    let app = shared
        .state()
        .apps
        .iter()
        .find(|app| app.slug == slug)
        .map(|app| app.id);
    let repos = form.get("repositories").filter(|text| !text.is_empty());
    let repos = repos.map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
    let account = form.get("account").filter(|text| !text.is_empty());
    match app
        .zip(account)
        .and_then(|(app, account)| shared.install(app, account, repos))
    {
        Some(id) => Html(format!("<p>Installed: {id}")).into_response(),
        None => (StatusCode::NOT_FOUND, Html("<p>Not Found")).into_response(),
    }
}

/// The fields of a form.
pub(super) fn form(body: &[u8]) -> Fields {
    reqwest::Url::parse("http://x/")
        .map(|mut url| {
            url.set_query(Some(&String::from_utf8_lossy(body)));
            url.query_pairs().into_owned().collect()
        })
        .unwrap_or_default()
}
