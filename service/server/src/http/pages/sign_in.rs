//! Signing in: with an account of GitHub, at an OpenID Connect provider, or where neither is configured with the
//! service's token.

use super::super::App;
use super::super::error::ApiError;
use super::super::session::set_cookie;
use super::asked::{Asked, Sent};
use super::frame::{Frame, page, problem};
use crate::config::WaysIn;
use crate::views::path_part;
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use trainyard_core::access::Identity;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    ways: WaysIn,
    wrong: bool,
}

impl SignIn {
    /// The way back, behind an address.
    fn query(&self) -> String {
        match self.next.as_str() {
            "/" => String::new(),
            next => format!("?next={}", path_part(next)),
        }
    }
}

#[derive(Deserialize)]
pub(in super::super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

#[derive(Deserialize)]
pub(in super::super) struct Submitted {
    token: String,
    #[serde(default)]
    next: String,
}

/// Where somebody goes after that: a path of this service and nothing else.
pub(super) fn path(next: &str) -> &str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next } else { "/" }
}

fn form_page(app: &App, status: StatusCode, next: &str, wrong: bool) -> Response {
    let frame = Frame {
        title: "Sign in".to_owned(),
        place: "",
        session: None,
    };
    let next = path(next).to_owned();
    let ways = app.config.ways_in();
    page(
        status,
        &SignIn {
            frame,
            next,
            ways,
            wrong,
        },
    )
}

/// The form; without a token in the settings there is nothing to sign in to.
pub(in super::super) async fn form(State(app): State<App>, Asked(next): Asked<Next>, headers: HeaderMap) -> Response {
    let signed_in = match app.session_of(&headers).await {
        Ok(session) => session.is_some(),
        Err(error) => return problem(None, &error),
    };
    if signed_in || !app.config.ways_in().any() {
        return Redirect::to(path(&next.next)).into_response();
    }
    form_page(&app, StatusCode::OK, &next.next, false)
}

/// Begins a session, under a new cookie whatever the browser had.
pub(in super::super) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    Sent(submitted): Sent<Submitted>,
) -> Response {
    let Some(token) = app.config.api_token.as_ref().filter(|_| app.config.ways_in().token) else {
        return Redirect::to("/sign-in").into_response();
    };
    if !bool::from(submitted.token.as_bytes().ct_eq(token.expose_secret().as_bytes())) {
        app.note_stranger("the page was sent a wrong token").await;
        return form_page(&app, StatusCode::UNAUTHORIZED, &submitted.next, true);
    }
    match begun(&app, &headers, Identity::Service).await {
        Ok(token) => with_cookie(&app, Some(&token), path(&submitted.next)),
        Err(error) => problem(None, &error),
    }
}

/// Begins a session in place of the one that the browser has; what the cookie is to hold.
pub(super) async fn begun(app: &App, headers: &HeaderMap, identity: Identity) -> Result<String, ApiError> {
    app.end_session(headers).await?;
    app.begin_session(identity).await
}

/// Goes on to a page with the cookie that a browser is to keep, or to forget.
pub(super) fn with_cookie(app: &App, token: Option<&str>, to: &str) -> Response {
    let cookie = set_cookie(token, app.is_secure());
    with_header(Redirect::to(to).into_response(), &cookie)
}

/// The response with another cookie.
pub(super) fn with_header(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
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
