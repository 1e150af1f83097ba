//! A person's word on a run that waits.

use super::App;
use super::body;
use super::error::{ApiError, ErrorBody};
use super::extract::InPath;
use super::may::On;
use super::runs::row;
use super::who::Who;
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use trainyard_core::access::Deed;
use trainyard_core::run::Answer;
use trainyard_engine::{ApprovalError, Decided};
use utoipa::ToSchema;

#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object such as {\"actor\": \"ada\", \"reason\": \"…\"}"
)]
pub(super) struct Decision {
    /// Who; the record has it in parentheses behind who proved to be it.
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
    params(("id" = String, Path)), request_body = Decision,
    responses((status = 200, body = Word), (status = 409, body = ErrorBody, description = "it does not wait for this, or may not go on now")))]
pub(super) async fn approve(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<Word>, ApiError> {
    say(&app, &who, &id, Answer::Approve, request).await
}

/// Says no to what a run waits for, and ends it.
#[utoipa::path(post, path = "/api/v1/runs/{id}/reject", tag = "runs", operation_id = "reject_run",
    params(("id" = String, Path)), request_body = Decision,
    responses((status = 200, body = Word), (status = 409, body = ErrorBody, description = "it does not wait for this")))]
pub(super) async fn reject(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Json<Word>, ApiError> {
    say(&app, &who, &id, Answer::Reject, request).await
}

async fn say(app: &App, who: &Who, id: &str, answer: Answer, request: Request) -> Result<Json<Word>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let said: Decision = body::json(&parts, incoming).await?;
    let decided = decided(app, who, id, answer, (said.actor.as_deref(), &said.reason)).await?;
    Ok(Json(decided.into()))
}

/// Brings somebody's word to a run: who it is beside what was proved, and why.
pub(super) async fn decided(
    app: &App,
    who: &Who,
    id: &str,
    answer: Answer,
    (said, why): (Option<&str>, &str),
) -> Result<Decided, ApiError> {
    let row = row(app, who, id).await?;
    let deed = match answer {
        Answer::Approve => Deed::Approve,
        Answer::Reject => Deed::Reject,
    };
    let role = app.may(who, deed, On::run(&row)).await?;
    let person = who.person(row.repo.as_ref(), role, said);
    let decided = match answer {
        Answer::Approve => app.engine.approve(&row.id, &person, why).await,
        Answer::Reject => app.engine.reject(&row.id, &person, why).await,
    };
    decided.map_err(|error| match error {
        ApprovalError::Store(error) => error.into(),
        other => ApiError::from(other),
    })
}
