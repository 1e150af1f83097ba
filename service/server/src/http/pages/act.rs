//! What people do on pages: the same as by the API and the command line, in the name of who is signed in.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::runs::row;
use super::super::session::Session;
use super::sign_in::with_cookie;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use trainyard_core::run::{Person, Which};
use trainyard_engine::{ApprovalError, RerunError};

/// What a form brings along.
#[derive(Deserialize)]
pub(in super::super) struct Said {
    /// That it is of a page that this session was shown.
    #[serde(default)]
    proof: String,
    #[serde(default)]
    reason: String,
    /// Whether every step is run again.
    #[serde(default)]
    all: bool,
}

impl Said {
    pub(super) fn proved(&self, session: &Session) -> Result<(), ApiError> {
        match bool::from(self.proof.as_bytes().ct_eq(session.proof.as_bytes())) {
            true => Ok(()),
            false => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this form is of an earlier session, or of another page: go back, load the page again and repeat it",
            )),
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
    session: Session,
    InPath(id): InPath<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    said.proved(&session)?;
    let row = row(&app, &id).await?;
    match app.engine.cancel(&row.id, &session.actor).await? {
        true => Ok(to_run(row.id.as_str())),
        false => Err(ApiError::new(
            StatusCode::CONFLICT,
            format!("run {} is over already: {}", row.id, row.state.as_str()),
        )),
    }
}

pub(in super::super) async fn rerun(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    said.proved(&session)?;
    let row = row(&app, &id).await?;
    let which = if said.all { Which::All } else { Which::Failed };
    let made = app.engine.rerun(&row.id, which, &session.actor).await;
    let made = made.map_err(|error| match error {
        RerunError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok(to_run(made.as_str()))
}

pub(in super::super) async fn approve(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    decide(&app, &session, &id, &said, true).await
}

pub(in super::super) async fn reject(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    decide(&app, &session, &id, &said, false).await
}

async fn decide(app: &App, session: &Session, id: &str, said: &Said, yes: bool) -> Result<Response, ApiError> {
    said.proved(session)?;
    let row = row(app, id).await?;
    let decided = match yes {
        true => app.engine.approve(&row.id, &person(session), &said.reason).await,
        false => app.engine.reject(&row.id, &person(session), &said.reason).await,
    };
    decided.map_err(|error| match error {
        ApprovalError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok(to_run(row.id.as_str()))
}

pub(in super::super) async fn roll_back(
    State(app): State<App>,
    session: Session,
    InPath(name): InPath<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    said.proved(&session)?;
    super::super::models::go_back(&app, name, session.actor.clone(), Some(said.reason.clone())).await?;
    Ok(Redirect::to("/models").into_response())
}

/// Ends the session.
pub(in super::super) async fn sign_out(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    said.proved(&session)?;
    app.sessions.end(&headers);
    Ok(with_cookie(&app, None, "/sign-in"))
}
