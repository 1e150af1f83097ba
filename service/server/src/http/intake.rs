//! Deliveries come in here: GitHub's webhooks and CloudEvents.

use super::bearer::bearer;
use super::body::Received;
use super::connections::Place;
use super::error::ApiError;
use super::{App, body};
use crate::views;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trainyard_engine::{Intake, IntakeError};
use utoipa::ToSchema;

/// What became of a delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Receipt {
    /// Its id; the header `Location` says where to look it up.
    delivery: String,
    /// `accepted`, `duplicate`, or `flagged` where it is stored and starts nothing, because something is wrong with it.
    status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Takes a webhook of GitHub, signed with the webhook's secret.
#[utoipa::path(
    post, path = "/webhooks/github", tag = "intake", security(()),
    request_body(content_type = "application/json", description = "GitHub's payload, at most 25 MiB", content = Object),
    responses(
        (status = 202, body = Receipt, description = "stored; it will be looked at, unless it is flagged"),
        (status = 200, body = Receipt, description = "stored before"),
    )
)]
pub(super) async fn webhook(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let (place, headers) = (Place::of(&parts.extensions), parts.headers);
    if let Some(kind) = body::content_type(&headers).filter(|kind| !is_json(kind)) {
        let sentence = match kind.as_str() {
            "application/x-www-form-urlencoded" => {
                "the webhook sends a form: choose 'application/json' as its content type in GitHub's settings"
                    .to_owned()
            }
            other => format!(
                "the webhook sends '{other}', and only application/json is taken: choose it in GitHub's settings"
            ),
        };
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    let received = receive(&app, &headers, incoming, place).await?;
    receipt(app.engine.accept_webhook(text_of(&headers), received.bytes).await)
}

/// Takes a CloudEvent 1.0, structured or binary, that announces data.
#[utoipa::path(
    post, path = "/events", tag = "intake",
    request_body(content_type = "application/cloudevents+json", content = Object,
        description = "type io.trainyard.data.arrived with data {\"source\": …, \"span\": …}"),
    responses(
        (status = 202, body = Receipt, description = "stored; it will be looked at"),
        (status = 200, body = Receipt, description = "stored before"),
    )
)]
pub(super) async fn event(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let (place, headers) = (Place::of(&parts.extensions), parts.headers);
    let Some(token) = &app.config.events.token else {
        let sentence = "events are refused, because no token opens them: set [events] token in trainyard.toml";
        return Err(ApiError::new(StatusCode::FORBIDDEN, sentence));
    };
    bearer(&headers, token, "events token")?;
    let received = receive(&app, &headers, incoming, place).await?;
    receipt(app.engine.accept_cloud_event(text_of(&headers), received.bytes).await)
}

/// `application/json`, or a type that is written in it.
fn is_json(kind: &str) -> bool {
    kind.is_empty() || kind == "application/json" || kind.ends_with("+json")
}

async fn receive<'a>(
    app: &'a App,
    headers: &HeaderMap,
    incoming: axum::body::Body,
    place: Option<Place>,
) -> Result<Received<'a>, ApiError> {
    let received = body::read_in_turn(headers, incoming, body::DELIVERY_BYTES, &app.large_bodies).await;
    // From here on nobody waits for the sender.
    place.iter().for_each(Place::arrived);
    received
}

/// Looks a header up by its lowercase name.
fn text_of<'h>(headers: &'h HeaderMap) -> impl Fn(&str) -> Option<&'h str> + Send {
    move |name| headers.get(name).and_then(|value| value.to_str().ok())
}

fn receipt(taken: Result<Intake, IntakeError>) -> Result<Response, ApiError> {
    let (status, delivery, word, reason) = match taken {
        Ok(Intake::Accepted(id)) => (StatusCode::ACCEPTED, id, "accepted", None),
        Ok(Intake::Duplicate(id)) => (StatusCode::OK, id, "duplicate", None),
        Ok(Intake::Flagged(id, why)) => (StatusCode::ACCEPTED, id, "flagged", Some(why)),
        Err(error) => return Err(error.into()),
    };
    // Ids have slashes and signs in them, so that nobody should have to put the address together.
    let address = format!("/api/v1/deliveries/{}", views::path_part(delivery.as_str()));
    let receipt = Receipt {
        delivery: delivery.to_string(),
        status: word,
        reason,
    };
    Ok((status, [(header::LOCATION, address)], Json(receipt)).into_response())
}
