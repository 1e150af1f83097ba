//! The audit: what people and programs did, newest first.

use super::App;
use super::error::ApiError;
use super::extract::Parameters;
use super::may::On;
use super::run_list::limit;
use super::who::Who;
use crate::views::Audit;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use trainyard_core::access::Role;
use utoipa::IntoParams;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// At most so many, up to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Only older than this entry: `next` of the page before.
    before: Option<u64>,
}

/// What people and programs did, newest first: who, what, to what, why, and what came of it.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", operation_id = "list_audit", params(AuditQuery),
    responses((status = 200, body = Audit)))]
pub(super) async fn list(
    State(app): State<App>,
    who: Who,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Json<Audit>, ApiError> {
    found(&app, &who, query).await.map(Json)
}

/// The entries that are asked for, if that may be.
pub(super) async fn found(app: &App, who: &Who, query: AuditQuery) -> Result<Audit, ApiError> {
    app.sees(who, Role::Admin, On::Service).await?;
    let limit = limit(query.limit)?;
    let rows = app.engine.reads().audit(query.before, limit).await?;
    Ok(Audit::new(rows, limit))
}
