//! The API's own description.

use super::error::ErrorBody;
use super::{deliveries, health, intake, lineage, meter, models, runs};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Trainyard", description = "Continuous training with the manners of good CI. Errors are {\"error\": \"one sentence\"}."),
    paths(
        intake::webhook, intake::event, health::healthz, health::readyz, meter::render, serve,
        runs::list, runs::start, runs::show, runs::cancel, runs::log,
        deliveries::list, deliveries::show, models::list, models::roll_back, lineage::show,
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("api_token of trainyard.toml; for /events the events token. Without an api_token the API is open to the service's machine."))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The description as JSON.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_pretty_json().unwrap_or_default());
    &DOCUMENT
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health",
    responses((status = 200, body = Object), (status = 401, body = ErrorBody)))]
pub(super) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}
