//! The door to the outside: webhooks and events in, the API and metrics out.
//!
//! [`routes`] is the table of everything that can be asked for and by whom; [`access`] enforces it.

mod access;
mod answers;
mod approvals;
mod attention;
mod audit;
mod bearer;
mod body;
mod compare;
mod connections;
mod curves;
mod data;
mod deliveries;
mod described;
mod doctor;
mod error;
mod extract;
mod health;
mod host;
mod intake;
mod known;
mod lineage;
mod may;
mod meter;
mod models;
mod openapi;
mod other_gate;
mod pages;
mod pipelines;
mod refused;
mod routes;
mod run_list;
mod runs;
mod server;
mod session;
mod sessions;
mod tokens;
mod trend;
mod versions;
mod waiting;
mod who;

pub use openapi::document;
pub use routes::{Access, listing, page_listing};
pub use server::{Server, ServerError};

use crate::config::Config;
use crate::oidc::Provider;
use crate::run_logs::Reported;
use axum::Router;
use health::Readiness;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trainyard_engine::{Engine, SignIn};

/// Large bodies of unknown senders that are read at once: each may take 25 MiB of memory.
const LARGE_BODIES_AT_ONCE: usize = 4;

/// Logs that are read at once: each may take tens of MiB of memory.
const LOGS_AT_ONCE: usize = 4;

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    engine: Engine,
    config: Config,
    instance: String,
    readiness: Readiness,
    prometheus: PrometheusHandle,
    large_bodies: Semaphore,
    /// Logs are read into memory.
    log_reads: Semaphore,
    reported: Reported,
    unsigned: session::Unsigned,
    roles: may::Roles,
    refusals: refused::Refusals,
    examined: doctor::LastExamined,
    /// How people sign in at GitHub, if they do.
    at_github: Option<SignIn>,
    /// And at a provider.
    provider: Option<Provider>,
    /// The API in OpenAPI's words, put together when somebody asks.
    description: fn() -> &'static str,
}

impl App {
    fn new(engine: Engine, config: Config, instance: String) -> Self {
        Self(Arc::new(Parts {
            engine,
            instance,
            readiness: Readiness::default(),
            prometheus: meter::recorder(),
            large_bodies: Semaphore::new(LARGE_BODIES_AT_ONCE),
            log_reads: Semaphore::new(LOGS_AT_ONCE),
            reported: Reported::default(),
            unsigned: session::Unsigned::default(),
            roles: may::Roles::default(),
            refusals: refused::Refusals::default(),
            examined: doctor::LastExamined::default(),
            at_github: config.sign_in_at_github(),
            provider: config.oidc.clone().map(Provider::new),
            config,
            description: document,
        }))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Every route behind its access check.
fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes::routes() {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(error::unknown_path)
        .method_not_allowed_fallback(error::unknown_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), access::check))
        .layer(axum::middleware::from_fn(meter::count))
        .with_state(app)
}
