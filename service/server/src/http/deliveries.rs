//! Deliveries: what came in and what came of it.

use super::error::{ApiError, ErrorBody};
use super::extract::{InPath, Parameters};
use super::may::On;
use super::run_list::limit;
use super::runs::gone;
use super::who::Who;
use super::{App, body};
use crate::views::{self, Deliveries, DeliveryExplanation, DeliveryItem, no_delivery, sentences};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use trainyard_core::access::{Deed, Role};
use trainyard_core::ids::DeliveryId;
use trainyard_store::{AskedAnew, Unreadable};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// At most so many, up to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The newest deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", operation_id = "list_deliveries", params(DeliveryQuery),
    responses((status = 200, body = Deliveries)))]
pub(super) async fn list(
    State(app): State<App>,
    who: Who,
    Parameters(query): Parameters<DeliveryQuery>,
) -> Result<Json<Deliveries>, ApiError> {
    app.sees(&who, Role::Viewer, On::Service).await?;
    let found = app.engine.reads().deliveries(limit(query.limit)?).await?;
    Ok(Json(Deliveries {
        deliveries: found.into_iter().map(Into::into).collect(),
        unreadable: sentences(app.engine.reads(), Unreadable::is_of_delivery),
    }))
}

/// A delivery, its events, the runs they started or the reason for none.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", operation_id = "get_delivery", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryItem)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<DeliveryItem>, ApiError> {
    app.sees(&who, Role::Viewer, On::Service).await?;
    match app.engine.reads().delivery(&DeliveryId::new(id.as_str())).await? {
        Some(view) => Ok(Json(view.into())),
        None => Err(unknown(&app, &id).await?),
    }
}

/// How a delivery was taken: every trigger and every filter of every pipeline, and which one failed. The beginning of
/// the id is enough.
#[utoipa::path(get, path = "/api/v1/deliveries/explain/{id}", tag = "deliveries", operation_id = "explain_delivery",
    params(("id" = String, Path)), responses((status = 200, body = DeliveryExplanation)))]
pub(super) async fn explain(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
) -> Result<Json<DeliveryExplanation>, ApiError> {
    told(&app, &who, &id).await.map(Json)
}

/// A delivery, which may be of any repository or of data: who sees it sees all of them.
pub(super) async fn told(app: &App, who: &Who, id: &str) -> Result<DeliveryExplanation, ApiError> {
    app.sees(who, Role::Viewer, On::Service).await?;
    let reads = app.engine.reads();
    if let Some(named) = reads.delivery_named(id).await?
        && let Some(told) = reads.explain_delivery(&named).await?
    {
        return Ok(told.into());
    }
    Err(unknown(app, id).await?)
}

async fn unknown(app: &App, id: &str) -> Result<ApiError, ApiError> {
    let gone = gone(app.config.retention.max_delivery_age);
    Ok(ApiError::not_found(no_delivery(app.engine.reads(), id, &gone).await?))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object such as {\"actor\": \"ada\", \"force\": false}"
)]
pub(super) struct ReplayAsked {
    /// Who asks; the record has it in parentheses behind who proved to be it.
    actor: Option<String>,
    /// Whether it is looked at although runs followed from it: new ones will.
    force: bool,
}

/// A delivery will be looked at anew.
#[derive(Serialize, ToSchema)]
pub(super) struct Replaying {
    delivery: String,
    /// `replaying`, or `waiting` where it had not been looked at yet.
    status: &'static str,
}

/// Has a delivery looked at anew: one from which no run followed, or with `force` any. The beginning of the id is
/// enough.
#[utoipa::path(post, path = "/api/v1/deliveries/replay/{id}", tag = "deliveries", operation_id = "replay_delivery",
    params(("id" = String, Path)), request_body(content = Option<ReplayAsked>),
    responses((status = 202, body = Replaying),
        (status = 409, body = ErrorBody, description = "runs followed from it, or several ids begin so")))]
pub(super) async fn replay(
    State(app): State<App>,
    who: Who,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: ReplayAsked = body::json(&parts, incoming).await?;
    let (delivery, status) = replayed(&app, &who, &id, asked.actor.as_deref(), asked.force).await?;
    let answer = Replaying {
        delivery: delivery.to_string(),
        status,
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Has it looked at anew; its whole id, and whether it waited already.
pub(super) async fn replayed(
    app: &App,
    who: &Who,
    id: &str,
    said: Option<&str>,
    force: bool,
) -> Result<(DeliveryId, &'static str), ApiError> {
    app.may(who, Deed::ReplayDelivery, On::Service).await?;
    let Some(named_so) = app.engine.reads().delivery_named(id).await? else {
        return Err(unknown(app, id).await?);
    };
    let status = match app.engine.replay_delivery(&named_so, &who.actor(said), force).await? {
        AskedAnew::Waits => "replaying",
        AskedAnew::WaitedAlready => "waiting",
        AskedAnew::Started(runs) => {
            let sentence = views::started_already(&named_so, &runs);
            return Err(ApiError::new(StatusCode::CONFLICT, sentence));
        }
        AskedAnew::Heard => return Err(ApiError::new(StatusCode::CONFLICT, views::heard_already(&named_so))),
    };
    Ok((named_so, status))
}
