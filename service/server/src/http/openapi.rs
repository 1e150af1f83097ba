//! The API's own description.

use super::error::ErrorBody;
use super::routes::{Access, routes};
use super::{
    approvals, attention, audit, compare, curves, data, deliveries, described, doctor, health, intake, lineage, meter,
    models, other_gate, pipelines, runs, sessions, tokens, trend, versions,
};
use axum::http::StatusCode;
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Trainyard", description = "Continuous training with the manners of good CI. Errors are {\"error\": \"one sentence\"}."),
    paths(
        intake::webhook, intake::event, health::healthz, health::readyz, meter::render, described::serve,
        runs::list, runs::start, runs::show, runs::cancel, runs::rerun, runs::log, runs::explain, compare::show, curves::show,
        attention::show, pipelines::list, trend::show, other_gate::judge, other_gate::plots,
        approvals::approve, approvals::reject,
        deliveries::list, deliveries::show, deliveries::explain, deliveries::replay,
        models::list, models::promote, models::roll_back, models::hold, models::release,
        models::targets, models::reconcile, versions::list, versions::diff,
        lineage::show, data::list, data::show, data::of_run,
        tokens::list, tokens::create, tokens::revoke, sessions::list, sessions::finish, audit::list, doctor::show,
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
            .description(Some("api_token of trainyard.toml, or one that `trainyard token create` made; for /events the events token. Without an api_token the API is open to the service's machine."))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// How requests are refused: said once for what can go wrong, not at every handler.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for route in routes() {
            let path = route.path.replace("{*", "{");
            let Some(item) = openapi.paths.paths.get_mut(&path) else {
                continue;
            };
            let operation = if route.method == "POST" {
                &mut item.post
            } else {
                &mut item.get
            };
            let Some(operation) = operation else { continue };
            let mut refusals: Vec<(StatusCode, &str)> = route.wrong.iter().flat_map(|wrong| wrong.statuses()).collect();
            if matches!(route.access, Access::ApiToken | Access::EventsToken) {
                refusals.push((StatusCode::UNAUTHORIZED, "the token is missing or wrong"));
                let nobody =
                    "the token's role does not reach so far; or none is configured, and the asker is not this machine";
                refusals.push((StatusCode::FORBIDDEN, nobody));
                refusals.push((StatusCode::BAD_REQUEST, "a parameter that is not taken here"));
            }
            for (status, meaning) in refusals {
                // What a handler says of its own is more exact.
                let answers = &mut operation.responses.responses;
                answers
                    .entry(status.as_str().to_owned())
                    .or_insert_with(|| refused(meaning));
            }
        }
    }
}

fn refused(meaning: &str) -> RefOr<utoipa::openapi::Response> {
    let content = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    let response = ResponseBuilder::new()
        .description(meaning)
        .content("application/json", content);
    response.build().into()
}

/// The description as JSON.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_pretty_json().unwrap_or_default());
    &DOCUMENT
}
