//! A person's word on a run that waits.

use super::App;
use super::body;
use super::error::{ApiError, ErrorBody};
use super::extract::InPath;
use super::runs::{named, row};
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use trainyard_core::run::{Answer, Person};
use trainyard_engine::{ApprovalError, Decided};
use utoipa::ToSchema;

#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object such as {\"actor\": \"ada\", \"reason\": \"…\"}"
)]
pub(super) struct Said {
    /// Who, for the record; `api` if absent.
    actor: Option<String>,
    /// Why; it is kept for those who ask later.
    #[schema(required = true)]
    reason: String,
}

/// A word that counted.
#[derive(Serialize, ToSchema)]
pub(super) struct Word {
    /// The run.
    run: String,
    /// `approve` or `reject`.
    answer: &'static str,
    /// What waited for it: `fork` or `model`.
    what: &'static str,
    /// Who.
    by: String,
    /// Why.
    reason: String,
}

impl From<Decided> for Word {
    fn from(decided: Decided) -> Self {
        Self {
            run: decided.run.to_string(),
            answer: match decided.answer {
                Answer::Approve => "approve",
                Answer::Reject => "reject",
            },
            what: decided.what,
            by: decided.word.by,
            reason: decided.word.reason,
        }
    }
}

/// Says yes to what a run waits for: a fork's commit runs, or an approved model is pushed.
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", tag = "runs", operation_id = "approve_run",
    params(("id" = String, Path)), request_body = Said,
    responses((status = 200, body = Word), (status = 409, body = ErrorBody, description = "it does not wait for this, or may not go on now")))]
pub(super) async fn approve(
    State(app): State<App>,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<Word>, ApiError> {
    say(&app, &id, Answer::Approve, request).await
}

/// Says no to what a run waits for, and ends it.
#[utoipa::path(post, path = "/api/v1/runs/{id}/reject", tag = "runs", operation_id = "reject_run",
    params(("id" = String, Path)), request_body = Said,
    responses((status = 200, body = Word), (status = 409, body = ErrorBody, description = "it does not wait for this")))]
pub(super) async fn reject(
    State(app): State<App>,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<Word>, ApiError> {
    say(&app, &id, Answer::Reject, request).await
}

async fn say(app: &App, id: &str, answer: Answer, request: Request) -> Result<Json<Word>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let said: Said = body::json(&parts, incoming).await?;
    let row = row(app, id).await?;
    let person = Person::Operator {
        name: named(said.actor.as_deref()),
    };
    let decided = match answer {
        Answer::Approve => app.engine.approve(&row.id, &person, &said.reason).await,
        Answer::Reject => app.engine.reject(&row.id, &person, &said.reason).await,
    };
    let decided = decided.map_err(|error| match error {
        ApprovalError::Store(error) => error.into(),
        other => ApiError::from(other),
    })?;
    Ok(Json(decided.into()))
}
