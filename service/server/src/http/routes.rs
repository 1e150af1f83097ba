//! Everything that can be asked for, and by whom.

use super::answers::Wrong;
use super::{
    App, approvals, attention, audit, compare, curves, data, deliveries, described, doctor, health, intake, lineage,
    meter, models, other_gate, pages, pipelines, runs, sessions, tokens, trend, versions,
};
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
    /// Whoever is signed in; without an API token, browsers on this machine. Others are sent to sign in.
    Page,
}

pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// What its handler meets that can go wrong.
    pub(super) wrong: &'static [Wrong],
    pub(super) handler: MethodRouter<App>,
}

fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    wrong: &'static [Wrong],
    handler: MethodRouter<App>,
) -> Route {
    Route {
        method,
        path,
        access,
        wrong,
        handler,
    }
}

/// The table. A path that is not in it needs [`Access::ApiToken`] to learn so, or somebody who is signed in.
pub(super) fn routes() -> Vec<Route> {
    let mut all = api();
    all.extend(pages_of());
    all
}

/// Those of programs.
fn api() -> Vec<Route> {
    use Access::{ApiToken, EventsToken, Open, Signature};
    use Wrong::{Address, Delivery, Form, Intake, Json, Manual, Missing, Over, Rerun, Store, Target, Word};
    const ON_TARGET: &[Wrong] = &[Address, Json, Target];
    vec![
        route(
            "POST",
            "/webhooks/github",
            Signature,
            &[Delivery, Form, Intake],
            post(intake::webhook),
        ),
        route("POST", "/events", EventsToken, &[Delivery, Intake], post(intake::event)),
        route("GET", "/healthz", Open, &[], get(health::healthz)),
        route("GET", "/readyz", Open, &[], get(health::readyz)),
        route("GET", "/metrics", ApiToken, &[Store], get(meter::render)),
        route("GET", "/api/openapi.json", ApiToken, &[], get(described::serve)),
        route("GET", "/api/v1/runs", ApiToken, &[Address, Store], get(runs::list)),
        route("POST", "/api/v1/runs", ApiToken, &[Json, Manual], post(runs::start)),
        route(
            "GET",
            "/api/v1/runs/{id}",
            ApiToken,
            &[Address, Missing, Store],
            get(runs::show),
        ),
        route(
            "POST",
            "/api/v1/runs/{id}/cancel",
            ApiToken,
            &[Address, Json, Missing, Store, Over],
            post(runs::cancel),
        ),
        route(
            "POST",
            "/api/v1/runs/{id}/rerun",
            ApiToken,
            &[Address, Json, Missing, Rerun],
            post(runs::rerun),
        ),
        route(
            "POST",
            "/api/v1/runs/{id}/approve",
            ApiToken,
            &[Address, Json, Missing, Word],
            post(approvals::approve),
        ),
        route(
            "POST",
            "/api/v1/runs/{id}/reject",
            ApiToken,
            &[Address, Json, Missing, Word],
            post(approvals::reject),
        ),
        route(
            "GET",
            "/api/v1/runs/{id}/logs/{step}",
            ApiToken,
            &[Address, Missing, Store],
            get(runs::log),
        ),
        route(
            "GET",
            "/api/v1/runs/{id}/why/{step}",
            ApiToken,
            &[Address, Missing, Store],
            get(runs::explain),
        ),
        route(
            "POST",
            "/api/v1/runs/{id}/gate",
            ApiToken,
            &[Address, Json, Missing, Store],
            post(other_gate::judge),
        ),
        route(
            "GET",
            "/api/v1/runs/{id}/plots",
            ApiToken,
            &[Address, Missing, Store],
            get(other_gate::plots),
        ),
        route(
            "GET",
            "/api/v1/runs/{id}/data",
            ApiToken,
            &[Address, Missing, Store],
            get(data::of_run),
        ),
        route(
            "GET",
            "/api/v1/runs/{id}/curves",
            ApiToken,
            &[Address, Missing, Store],
            get(curves::show),
        ),
        route("GET", "/api/v1/data", ApiToken, &[Store], get(data::list)),
        route(
            "GET",
            "/api/v1/data/{owner}/{repo}/{pipeline}/{source}",
            ApiToken,
            &[Address, Missing, Store],
            get(data::show),
        ),
        route("GET", "/api/v1/attention", ApiToken, &[Store], get(attention::show)),
        route("GET", "/api/v1/pipelines", ApiToken, &[Store], get(pipelines::list)),
        route(
            "GET",
            "/api/v1/pipelines/{owner}/{repo}/{name}/metrics",
            ApiToken,
            &[Address, Missing, Store],
            get(trend::show),
        ),
        route(
            "GET",
            "/api/v1/compare",
            ApiToken,
            &[Address, Missing, Store],
            get(compare::show),
        ),
        route(
            "GET",
            "/api/v1/deliveries",
            ApiToken,
            &[Address, Store],
            get(deliveries::list),
        ),
        route(
            "GET",
            "/api/v1/deliveries/explain/{*id}",
            ApiToken,
            &[Address, Missing, Store],
            get(deliveries::explain),
        ),
        route(
            "POST",
            "/api/v1/deliveries/replay/{*id}",
            ApiToken,
            &[Address, Json, Missing, Store, Over],
            post(deliveries::replay),
        ),
        // A CloudEvent's id is `source#id`, and a source has slashes.
        route(
            "GET",
            "/api/v1/deliveries/{*id}",
            ApiToken,
            &[Address, Missing, Store],
            get(deliveries::show),
        ),
        route("GET", "/api/v1/models", ApiToken, &[Store], get(models::list)),
        route(
            "POST",
            "/api/v1/promotions",
            ApiToken,
            &[Json, Target],
            post(models::promote),
        ),
        route(
            "POST",
            "/api/v1/targets/{name}/rollback",
            ApiToken,
            ON_TARGET,
            post(models::roll_back),
        ),
        route(
            "POST",
            "/api/v1/targets/{name}/hold",
            ApiToken,
            ON_TARGET,
            post(models::hold),
        ),
        route(
            "POST",
            "/api/v1/targets/{name}/release",
            ApiToken,
            ON_TARGET,
            post(models::release),
        ),
        route("GET", "/api/v1/targets", ApiToken, &[Store], get(models::targets)),
        route(
            "POST",
            "/api/v1/targets/{name}/reconcile",
            ApiToken,
            ON_TARGET,
            post(models::reconcile),
        ),
        route(
            "GET",
            "/api/v1/targets/{name}/versions",
            ApiToken,
            &[Address, Missing, Store],
            get(versions::list),
        ),
        route(
            "GET",
            "/api/v1/targets/{name}/diff",
            ApiToken,
            &[Address, Missing, Store],
            get(versions::diff),
        ),
        route("GET", "/api/v1/tokens", ApiToken, &[Store], get(tokens::list)),
        route("POST", "/api/v1/tokens", ApiToken, &[Json, Store], post(tokens::create)),
        route(
            "POST",
            "/api/v1/tokens/{name}/revoke",
            ApiToken,
            &[Address, Json, Missing, Store],
            post(tokens::revoke),
        ),
        route("GET", "/api/v1/sessions", ApiToken, &[Store], get(sessions::list)),
        route(
            "POST",
            "/api/v1/sessions/{id}/end",
            ApiToken,
            &[Address, Json, Missing, Store],
            post(sessions::finish),
        ),
        route("GET", "/api/v1/doctor", ApiToken, &[Store], get(doctor::show)),
        route("GET", "/api/v1/audit", ApiToken, &[Address, Store], get(audit::list)),
        route(
            "GET",
            "/api/v1/lineage/{*artifact}",
            ApiToken,
            &[Address, Store],
            get(lineage::show),
        ),
    ]
}

/// Those of people in a browser; their errors are pages.
fn pages_of() -> Vec<Route> {
    use Access::{Open, Page};
    let page = |path, handler| route("GET", path, Page, &[], handler);
    let act = |path, handler| route("POST", path, Page, &[], handler);
    vec![
        page("/", get(pages::home)),
        page("/runs", get(pages::runs)),
        page("/runs/{id}", get(pages::run)),
        act("/runs/{id}/cancel", post(pages::cancel)),
        act("/runs/{id}/rerun", post(pages::rerun)),
        act("/runs/{id}/approve", post(pages::approve)),
        act("/runs/{id}/reject", post(pages::reject)),
        page("/runs/{id}/logs/{step}", get(pages::log)),
        page("/runs/{id}/logs/{step}/download", get(pages::download)),
        page("/runs/{id}/logs/{step}/follow", get(pages::follow)),
        page("/runs/{id}/curves/live", get(pages::curves_live)),
        page("/runs/{id}/why/{step}", get(pages::why)),
        page("/runs/{id}/data", get(pages::run_data)),
        page("/runs/{id}/evaluation", get(pages::evaluation)),
        act("/runs/{id}/evaluation", post(pages::judge_with)),
        page("/data", get(pages::data)),
        page("/data/{owner}/{repo}/{pipeline}/{source}", get(pages::data_source)),
        page("/compare", get(pages::compare)),
        page("/lineage/{*artifact}", get(pages::lineage)),
        page("/pipelines", get(pages::pipelines)),
        page("/pipelines/{owner}/{repo}/{name}/metrics", get(pages::trend)),
        page("/pipelines/{owner}/{repo}/{name}/start", get(pages::ask)),
        act("/pipelines/{owner}/{repo}/{name}/start", post(pages::start)),
        page("/models", get(pages::models)),
        page("/models/{name}/diff", get(pages::model_diff)),
        act("/targets/{name}/promote", post(pages::promote)),
        act("/targets/{name}/rollback", post(pages::roll_back)),
        page("/deliveries", get(pages::deliveries)),
        page("/deliveries/{*id}", get(pages::delivery)),
        act("/deliveries/{*id}", post(pages::replay)),
        page("/audit", get(pages::audit)),
        page("/audit.json", get(pages::audit_export)),
        page("/doctor", get(pages::doctor)),
        page("/tokens", get(pages::tokens)),
        act("/tokens", post(pages::create_token)),
        act("/tokens/{name}/revoke", post(pages::revoke_token)),
        page("/sessions", get(pages::sessions)),
        act("/sessions/{id}/end", post(pages::end_session)),
        page("/live", get(pages::stream)),
        act("/sign-out", post(pages::sign_out)),
        route("GET", "/sign-in", Open, &[], get(pages::sign_in_form)),
        route("POST", "/sign-in", Open, &[], post(pages::sign_in)),
        route("GET", "/sign-in/github", Open, &[], get(pages::to_github)),
        route("GET", "/sign-in/github/back", Open, &[], get(pages::back_from_github)),
        route("GET", "/sign-in/oidc", Open, &[], get(pages::to_provider)),
        route("GET", "/sign-in/oidc/back", Open, &[], get(pages::back_from_provider)),
        route("GET", "/style.css", Open, &[], get(pages::style)),
        route("GET", "/live.js", Open, &[], get(pages::script)),
    ]
}

/// Whether a route takes parameters behind its path: who sends others is told, and not overlooked.
pub(super) fn takes_parameters(method: &str, path: &str) -> bool {
    let with = [
        "/audit",
        "/audit.json",
        "/compare",
        "/api/v1/compare",
        "/runs",
        "/runs/{id}/data",
        "/lineage/{*artifact}",
        "/models/{name}/diff",
        "/pipelines/{owner}/{repo}/{name}/metrics",
        "/api/v1/pipelines/{owner}/{repo}/{name}/metrics",
        "/api/v1/targets/{name}/diff",
        "/runs/{id}/logs/{step}",
        "/runs/{id}/logs/{step}/follow",
        "/api/v1/audit",
        "/api/v1/runs",
        "/api/v1/runs/{id}/logs/{step}",
        "/api/v1/deliveries",
        "/api/v1/lineage/{*artifact}",
    ];
    method != "POST" && with.contains(&path)
}

/// Method, path and access of every route of programs.
pub fn listing() -> Vec<(&'static str, &'static str, Access)> {
    told(api())
}

/// The same of the pages for people.
pub fn page_listing() -> Vec<(&'static str, &'static str, Access)> {
    told(pages_of())
}

fn told(routes: Vec<Route>) -> Vec<(&'static str, &'static str, Access)> {
    routes
        .into_iter()
        .map(|route| (route.method, route.path, route.access))
        .collect()
}
