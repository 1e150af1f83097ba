//! What people do on pages: the same as by the API and the command line, in the name of who is signed in.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::runs::row;
use super::super::session::Session;
use super::sign_in::with_cookie;
use axum::Form;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use trainyard_core::run::{Person, Which};
use trainyard_engine::{ApprovalError, RerunError};

/// What a form brings along.
#[derive(Deserialize)]
struct Said {
    /// That it is of a page that this session was shown.
    #[serde(default)]
    proof: String,
    #[serde(default)]
    reason: String,
    /// Whether every step is run again.
    #[serde(default)]
    all: bool,
}

/// A form with the proof of its page, and who sent it: no other reaches what does something.
pub(in super::super) struct Proved {
    pub(super) session: Session,
    reason: String,
    all: bool,
}

impl<S: Send + Sync> FromRequest<S> for Proved {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, state).await;
        let session = session.map_err(IntoResponse::into_response)?;
        let said = Form::<Said>::from_request(Request::from_parts(parts, body), state).await;
        let Form(said) = said.map_err(IntoResponse::into_response)?;
        match bool::from(said.proof.as_bytes().ct_eq(session.proof.as_bytes())) {
            true => Ok(Self {
                session,
                reason: said.reason,
                all: said.all,
            }),
            false => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this form is of an earlier session, or of another page: go back, load the page again and repeat it",
            )
            .into_response()),
        }
    }
}

fn person(session: &Session) -> Person {
    Person::Operator {
        name: session.actor.clone(),
    }
}

fn to_run(id: &str) -> Response {
    Redirect::to(&format!("/runs/{id}")).into_response()
}

pub(in super::super) async fn cancel(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    let row = row(&app, &id).await?;
    match app.engine.cancel(&row.id, &form.session.actor).await? {
        true => Ok(to_run(row.id.as_str())),
        false => Err(ApiError::new(
            StatusCode::CONFLICT,
            format!("run {} is over already: {}", row.id, row.state.as_str()),
        )),
    }
}

pub(in super::super) async fn rerun(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    let row = row(&app, &id).await?;
    let which = if form.all { Which::All } else { Which::Failed };
    let made = app.engine.rerun(&row.id, which, &form.session.actor).await;
    let made = made.map_err(|error| match error {
        RerunError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok(to_run(made.as_str()))
}

pub(in super::super) async fn approve(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    decide(&app, &id, &form, true).await
}

pub(in super::super) async fn reject(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    decide(&app, &id, &form, false).await
}

async fn decide(app: &App, id: &str, form: &Proved, yes: bool) -> Result<Response, ApiError> {
    let row = row(app, id).await?;
    let decided = match yes {
        true => app.engine.approve(&row.id, &person(&form.session), &form.reason).await,
        false => app.engine.reject(&row.id, &person(&form.session), &form.reason).await,
    };
    decided.map_err(|error| match error {
        ApprovalError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok(to_run(row.id.as_str()))
}

pub(in super::super) async fn roll_back(
    State(app): State<App>,
    InPath(name): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    super::super::models::go_back(&app, name, form.session.actor, Some(form.reason)).await?;
    Ok(Redirect::to("/models").into_response())
}

/// Ends the session.
pub(in super::super) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    _: Proved,
) -> Result<Response, ApiError> {
    app.sessions.end(&headers);
    Ok(with_cookie(&app, None, "/sign-in"))
}
