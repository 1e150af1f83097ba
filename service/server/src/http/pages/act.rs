//! What people do on pages: the same as by the API and the command line, in the name of who is signed in.

use super::super::App;
use super::super::approvals::decided;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::models::{PromoteAsked, go_back, promoted};
use super::super::runs::{cancelled, repeated};
use super::super::session::Session;
use super::sign_in::with_cookie;
use axum::Form;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;
use trainyard_core::run::Answer;

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

/// What a form of a page sends.
pub(super) trait Submitted: DeserializeOwned {
    /// What proves whose page it was.
    fn proof(&self) -> &str;
}

impl Submitted for Said {
    fn proof(&self) -> &str {
        &self.proof
    }
}

/// A form with the proof of its page, and who sent it.
pub(super) async fn proved<T: Submitted>(request: Request) -> Result<(Session, T), Response> {
    let (mut parts, body) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &()).await;
    let session = session.map_err(IntoResponse::into_response)?;
    let said = Form::<T>::from_request(Request::from_parts(parts, body), &()).await;
    let Form(said) = said.map_err(|rejection| {
        let reason = rejection.body_text();
        ApiError::new(rejection.status(), format!("the form cannot be read: {reason}")).into_response()
    })?;
    match bool::from(said.proof().as_bytes().ct_eq(session.proof.as_bytes())) {
        true => Ok((session, said)),
        false => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this form is of an earlier session, or of another page: go back, load the page again and repeat it",
        )
        .into_response()),
    }
}

impl<S: Send + Sync> FromRequest<S> for Proved {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let (session, said) = proved::<Said>(request).await?;
        Ok(Self {
            session,
            reason: said.reason,
            all: said.all,
        })
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
    let run = cancelled(&app, &form.session.who, &id, None).await?;
    Ok(to_run(run.as_str()))
}

pub(in super::super) async fn rerun(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    let (made, _) = repeated(&app, &form.session.who, &id, form.all, None).await?;
    Ok(to_run(made.as_str()))
}

pub(in super::super) async fn approve(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    decide(&app, &id, &form, Answer::Approve).await
}

pub(in super::super) async fn reject(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    decide(&app, &id, &form, Answer::Reject).await
}

async fn decide(app: &App, id: &str, form: &Proved, answer: Answer) -> Result<Response, ApiError> {
    let decided = decided(app, &form.session.who, id, answer, (None, &form.reason)).await?;
    Ok(to_run(decided.run.as_str()))
}

/// Which model is to serve.
#[derive(Deserialize)]
struct PromoteForm {
    #[serde(default)]
    proof: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    reason: String,
}

impl Submitted for PromoteForm {
    fn proof(&self) -> &str {
        &self.proof
    }
}

/// Makes a model serve, for a reason that the ledger keeps.
pub(in super::super) async fn promote(
    State(app): State<App>,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Response, Response> {
    let (session, form) = proved::<PromoteForm>(request).await?;
    let (model, reason) = (form.model.trim().to_owned(), form.reason.trim().to_owned());
    if model.is_empty() {
        let sentence = "no model is named: write a run's id or its beginning, or a version of the target";
        return Err(ApiError::bad_request(sentence).into_response());
    }
    let asked = PromoteAsked::at(name, model, Some(reason).filter(|reason| !reason.is_empty()));
    match promoted(&app, &session.who, asked).await {
        Ok(_) => Ok(Redirect::to("/models").into_response()),
        Err(error) => Err(error.into_response()),
    }
}

pub(in super::super) async fn roll_back(
    State(app): State<App>,
    InPath(name): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    go_back(&app, &form.session.who, name, None, Some(form.reason)).await?;
    Ok(Redirect::to("/models").into_response())
}

/// Ends the session.
pub(in super::super) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    _: Proved,
) -> Result<Response, ApiError> {
    app.end_session(&headers).await?;
    Ok(with_cookie(&app, None, "/sign-in"))
}
