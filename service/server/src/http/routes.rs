//! Everything that can be asked for, and by whom.

use super::{App, deliveries, health, intake, lineage, meter, models, openapi, runs};
use axum::routing::{MethodRouter, get, post};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it says only whether the service lives.
    Open,
    /// Whoever signs with the webhook's secret; the handler checks.
    Signature,
    /// Whoever has the events token; the handler checks.
    EventsToken,
    /// Whoever has the API token; without one configured, programs on this machine.
    ApiToken,
}

pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: MethodRouter<App>,
}

fn route(method: &'static str, path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route {
        method,
        path,
        access,
        handler,
    }
}

/// The table. A path that is not in it needs [`Access::ApiToken`] to learn so.
pub(super) fn routes() -> Vec<Route> {
    use Access::{ApiToken, EventsToken, Open, Signature};
    vec![
        route("POST", "/webhooks/github", Signature, post(intake::webhook)),
        route("POST", "/events", EventsToken, post(intake::event)),
        route("GET", "/healthz", Open, get(health::healthz)),
        route("GET", "/readyz", Open, get(health::readyz)),
        route("GET", "/metrics", ApiToken, get(meter::render)),
        route("GET", "/api/openapi.json", ApiToken, get(openapi::serve)),
        route("GET", "/api/v1/runs", ApiToken, get(runs::list)),
        route("POST", "/api/v1/runs", ApiToken, post(runs::start)),
        route("GET", "/api/v1/runs/{id}", ApiToken, get(runs::show)),
        route("POST", "/api/v1/runs/{id}/cancel", ApiToken, post(runs::cancel)),
        route("GET", "/api/v1/runs/{id}/logs/{step}", ApiToken, get(runs::log)),
        route("GET", "/api/v1/deliveries", ApiToken, get(deliveries::list)),
        // A CloudEvent's id is `source#id`, and a source has slashes.
        route("GET", "/api/v1/deliveries/{*id}", ApiToken, get(deliveries::show)),
        route("GET", "/api/v1/models", ApiToken, get(models::list)),
        route("POST", "/api/v1/promotions", ApiToken, post(models::promote)),
        route(
            "POST",
            "/api/v1/targets/{name}/rollback",
            ApiToken,
            post(models::roll_back),
        ),
        route("POST", "/api/v1/targets/{name}/hold", ApiToken, post(models::hold)),
        route(
            "POST",
            "/api/v1/targets/{name}/release",
            ApiToken,
            post(models::release),
        ),
        route("GET", "/api/v1/targets", ApiToken, get(models::targets)),
        route(
            "POST",
            "/api/v1/targets/{name}/reconcile",
            ApiToken,
            post(models::reconcile),
        ),
        route("GET", "/api/v1/lineage/{*artifact}", ApiToken, get(lineage::show)),
    ]
}

/// Method, path and access of every route.
pub fn listing() -> Vec<(&'static str, &'static str, Access)> {
    routes()
        .into_iter()
        .map(|route| (route.method, route.path, route.access))
        .collect()
}
