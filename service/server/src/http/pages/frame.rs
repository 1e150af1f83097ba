//! What is around every page, and how a page becomes an answer.

use super::super::error::ApiError;
use super::super::session::Session;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use trainyard_core::access::Role;

/// Nothing is run, shown or sent but what this service serves itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The part that all pages have.
#[derive(Clone, Debug)]
pub(in super::super) struct Frame {
    /// Of the window.
    pub(super) title: String,
    /// Which entry of the menu it belongs to.
    pub(super) place: &'static str,
    /// Who looks at it; nobody where it is for everybody.
    pub(super) session: Option<Session>,
}

impl Frame {
    pub(super) fn new(title: impl Into<String>, place: &'static str, session: &Session) -> Self {
        Self {
            title: title.into(),
            place,
            session: Some(session.clone()),
        }
    }

    /// The entries of the menu: path, name, and whether it is where the page belongs.
    pub(super) fn menu(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let all = [
            ("/", "Home", None),
            ("/pipelines", "Pipelines", None),
            ("/runs", "Runs", None),
            ("/models", "Models", None),
            ("/data", "Data", None),
            ("/deliveries", "Deliveries", Some(Role::Viewer)),
            ("/audit", "Audit", Some(Role::Admin)),
            ("/tokens", "Tokens", Some(Role::Admin)),
            ("/doctor", "Doctor", Some(Role::Admin)),
        ];
        // A link that says no is none.
        let role = self.session.as_ref().and_then(|session| session.role);
        let all = all
            .into_iter()
            .filter(move |(_, _, needs)| needs.is_none() || role >= *needs);
        all.map(|(path, name, _)| (path, name, name.eq_ignore_ascii_case(self.place)))
    }

    /// What a form brings along.
    pub(super) fn proof(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.proof)
    }
}

/// A page as an answer.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let text = match template.render() {
        Ok(text) => text,
        Err(error) => {
            let sentence = format!("the page cannot be put together: {error}");
            return ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response();
        }
    };
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(super) fn ok(template: &impl Template) -> Response {
    page(StatusCode::OK, template)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: Frame,
    heading: &'a str,
    sentence: &'a str,
}

/// An error as a page: what happened, and where to go from here.
pub(in super::super) fn problem(session: Option<&Session>, error: &ApiError) -> Response {
    let heading = match error.status() {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
        StatusCode::CONFLICT => "Not possible now",
        status if status.is_server_error() => "Not possible now",
        _ => "That did not work",
    };
    let frame = Frame {
        title: heading.to_owned(),
        place: "",
        session: session.cloned(),
    };
    let template = Problem {
        frame,
        heading,
        sentence: error.sentence(),
    };
    page(error.status(), &template)
}
