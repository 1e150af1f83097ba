//! The web application flow: the page by which people sign in, which here needs no click, and the exchange of its code.

use super::manifest::form;
use crate::simulator::Shared;
use crate::simulator::apps::{Grant, client_id, client_secret};
use crate::simulator::auth::Token;
use crate::simulator::rights::{Reach, Rights};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

type Server = State<Arc<Shared>>;

/// `GET /login/oauth/authorize`: whoever sits before the browser says yes, or no if nobody does.
pub(crate) async fn authorize(State(shared): Server, Query(query): Query<HashMap<String, String>>) -> Response {
    let text = |name: &str| query.get(name).cloned().unwrap_or_default();
    let mut state = shared.state();
    let app = state
        .apps
        .iter()
        .map(|app| app.id)
        .find(|app| client_id(*app) == text("client_id"));
    let Some(app) = app else {
        return (StatusCode::NOT_FOUND, Html("<p>Not Found")).into_response();
    };
    let Ok(mut to) = reqwest::Url::parse(&text("redirect_uri")) else {
        return (
            StatusCode::UNPROCESSABLE_ENTITY,
            Html("<p>The redirect_uri is no address"),
        )
            .into_response();
    };
    match state.browsing.clone() {
        Some(login) => {
            let code = uuid::Uuid::now_v7().simple().to_string();
            to.query_pairs_mut().append_pair("code", &code);
            let grant = Grant {
                app,
                login,
                redirect: text("redirect_uri"),
                challenge: query.get("code_challenge").cloned(),
            };
            state.grants.insert(code, grant);
        }
        None => {
            to.query_pairs_mut().append_pair("error", "access_denied");
        }
    }
    to.query_pairs_mut().append_pair("state", &text("state"));
    (StatusCode::FOUND, [(header::LOCATION, to.to_string())]).into_response()
}

/// `POST /login/oauth/access_token`: once for a code. What is wrong is told with 200, as GitHub does.
pub(crate) async fn exchange(State(shared): Server, body: bytes::Bytes) -> Response {
    let form = form(&body);
    let text = |name: &str| form.get(name).map_or("", String::as_str);
    let wrong = |error: &str| Json(json!({"error": error})).into_response();
    let mut state = shared.state();
    let app = state
        .apps
        .iter()
        .map(|app| app.id)
        .find(|app| client_id(*app) == text("client_id"));
    if app.is_none_or(|app| client_secret(app) != text("client_secret")) {
        return wrong("incorrect_client_credentials");
    }
    let Some(grant) = state.grants.remove(text("code")).filter(|grant| Some(grant.app) == app) else {
        return wrong("bad_verification_code");
    };
    if grant.redirect != text("redirect_uri") {
        return wrong("redirect_uri_mismatch");
    }
    let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
    if grant.challenge.is_some_and(|challenge| challenge != shown) {
        return wrong("bad_verification_code");
    }
    let token = format!("ghu_{}", uuid::Uuid::now_v7().simple());
    let rights = Rights::Permissions {
        granted: Default::default(),
        installation: None,
        repos: Reach {
            account: None,
            names: Some(Vec::new()),
        },
    };
    state.tokens.insert(token.clone(), Token { expires: None, rights });
    state.people.insert(token.clone(), grant.login);
    Json(json!({"access_token": token, "token_type": "bearer", "scope": ""})).into_response()
}
