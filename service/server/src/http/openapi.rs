//! The API's own description.

use super::error::ErrorBody;
use super::{deliveries, health, intake, lineage, meter, models, runs};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Trainyard", description = "Continuous training with the manners of good CI. Errors are {\"error\": \"one sentence\"}."),
    paths(
        intake::webhook, intake::event, health::healthz, health::readyz, meter::render, serve,
        runs::list, runs::start, runs::show, runs::cancel, runs::log,
        deliveries::list, deliveries::show, models::list, models::promote, models::roll_back, models::hold, models::release,
        models::targets, models::reconcile,
        lineage::show,
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = [])),
    modifiers(&Bearer, &Refusals),
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

/// Whatever needs a token may be refused: said once, not at every handler.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let refused = |what: &str| {
            let content = Content::new(Some(Ref::from_schema_name("ErrorBody")));
            ResponseBuilder::new()
                .description(what)
                .content("application/json", content)
                .build()
        };
        for item in openapi.paths.paths.values_mut() {
            // An operation with a security of its own is open, or signed.
            let operations = [&mut item.get, &mut item.post].into_iter().flatten();
            for operation in operations.filter(|operation| operation.security.is_none()) {
                let answers = &mut operation.responses.responses;
                answers.insert("401".to_owned(), refused("the token is missing or wrong").into());
                answers.insert(
                    "403".to_owned(),
                    refused("no token is configured, and the asker is not this machine").into(),
                );
            }
        }
    }
}

/// The description as JSON.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_pretty_json().unwrap_or_default());
    &DOCUMENT
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health",
    responses((status = 200, body = Object)))]
pub(super) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}
