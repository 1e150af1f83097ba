//! Signing in with the service's token.

use super::super::App;
use super::super::error::ApiError;
use super::super::session::set_cookie;
use super::frame::{Frame, page, problem};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// Who signs in with the token, for the record.
const ACTOR: &str = "api_token";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    wrong: bool,
}

#[derive(Deserialize)]
pub(in super::super) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(in super::super) struct Submitted {
    token: String,
    #[serde(default)]
    next: String,
}

/// Where somebody goes after that: a path of this service and nothing else.
fn path(next: &str) -> &str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next } else { "/" }
}

fn form_page(status: StatusCode, next: &str, wrong: bool) -> Response {
    let frame = Frame {
        title: "Sign in".to_owned(),
        place: "",
        session: None,
    };
    let next = path(next).to_owned();
    page(status, &SignIn { frame, next, wrong })
}

/// The form; without a token in the settings there is nothing to sign in to.
pub(in super::super) async fn form(State(app): State<App>, Query(next): Query<Next>, headers: HeaderMap) -> Response {
    if app.config.api_token.is_none() || app.sessions.of(&headers).is_some() {
        return Redirect::to(path(&next.next)).into_response();
    }
    form_page(StatusCode::OK, &next.next, false)
}

/// Begins a session, under a new cookie whatever the browser had.
pub(in super::super) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    Form(submitted): Form<Submitted>,
) -> Response {
    let Some(token) = &app.config.api_token else {
        return Redirect::to("/").into_response();
    };
    if !bool::from(submitted.token.as_bytes().ct_eq(token.expose_secret().as_bytes())) {
        return form_page(StatusCode::UNAUTHORIZED, &submitted.next, true);
    }
    app.sessions.end(&headers);
    match app.sessions.begin(ACTOR) {
        Ok(token) => with_cookie(&app, Some(&token), path(&submitted.next)),
        Err(error) => {
            let sentence = format!("this machine gives no random numbers: {error}");
            problem(None, &ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, sentence))
        }
    }
}

/// Goes on to a page with the cookie that a browser is to keep, or to forget.
pub(super) fn with_cookie(app: &App, token: Option<&str>, to: &str) -> Response {
    let secure = app
        .config
        .public_url
        .as_deref()
        .is_some_and(|url| url.starts_with("https://"));
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&set_cookie(token, secure)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for own in ["/", "/runs/01?x=1"] {
            assert_eq!(path(own), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "runs",
            "/a\r\nb",
        ] {
            assert_eq!(path(foreign), "/", "{foreign}");
        }
    }
}
