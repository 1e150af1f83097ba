//! What came in, and why it did or did not start something.

use super::super::App;
use super::super::deliveries::{replayed, told};
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::may::On;
use super::super::session::Session;
use super::act::Proved;
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::{DeliveryExplanation, DeliveryItem};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use trainyard_core::access::Role;

/// Deliveries on the page.
const ON_A_PAGE: u32 = 100;

/// A delivery in the list.
struct Line {
    item: DeliveryItem,
    at: When,
    runs: Vec<String>,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct List {
    frame: Frame,
    lines: Vec<Line>,
}

pub(in super::super) async fn list(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    app.sees(&session.who, Role::Viewer, On::Service).await?;
    let found = app.engine.reads().deliveries(ON_A_PAGE).await?.into_iter();
    let line = |item: DeliveryItem| Line {
        at: When::of(&item.received_at),
        runs: item.events.iter().flat_map(|event| event.runs.clone()).collect(),
        item,
    };
    Ok(ok(&List {
        frame: Frame::new("Deliveries", "deliveries", &session),
        lines: found.map(DeliveryItem::from).map(line).collect(),
    }))
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct One {
    frame: Frame,
    told: DeliveryExplanation,
    at: When,
    runs: Vec<String>,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
) -> Result<Response, ApiError> {
    let told = told(&app, &session.who, &id).await?;
    Ok(ok(&One {
        frame: Frame::new("Delivery", "deliveries", &session),
        at: When::of(&told.delivery.received_at),
        runs: told
            .delivery
            .events
            .iter()
            .flat_map(|event| event.runs.clone())
            .collect(),
        told,
    }))
}

/// Has a delivery looked at anew from which no run followed.
pub(in super::super) async fn replay(
    State(app): State<App>,
    InPath(id): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    let (id, _) = replayed(&app, &form.session.who, &id, None, false).await?;
    Ok(Redirect::to(&format!("/deliveries/{}", crate::views::path_part(id.as_str()))).into_response())
}
