//! Deliveries: what came in and what came of it.

use super::App;
use super::error::ApiError;
use super::extract::{InPath, Parameters};
use super::runs::{gone, limit};
use crate::views::sentences;
use crate::views::{Deliveries, DeliveryItem};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use trainyard_core::ids::DeliveryId;
use trainyard_store::Unreadable;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// At most so many, up to 500; 50 if absent.
    limit: Option<u32>,
}

/// The newest deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries", operation_id = "list_deliveries", params(DeliveryQuery),
    responses((status = 200, body = Deliveries)))]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<DeliveryQuery>,
) -> Result<Json<Deliveries>, ApiError> {
    let found = app.engine.reads().deliveries(limit(query.limit)?).await?;
    Ok(Json(Deliveries {
        deliveries: found.into_iter().map(Into::into).collect(),
        unreadable: sentences(app.engine.reads(), Unreadable::is_of_delivery),
    }))
}

/// A delivery, its events, the runs they started or the reason for none.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", operation_id = "get_delivery", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryItem)))]
pub(super) async fn show(State(app): State<App>, InPath(id): InPath<String>) -> Result<Json<DeliveryItem>, ApiError> {
    let found = app.engine.reads().delivery(&DeliveryId::new(id.as_str())).await?;
    let view = found.ok_or_else(|| {
        ApiError::not_found(format!(
            "there is no delivery '{id}'{}",
            gone(app.config.retention.max_delivery_age)
        ))
    })?;
    Ok(Json(view.into()))
}
