//! What serves on each target, how it came there, and the way back.

use super::super::App;
use super::super::error::ApiError;
use super::super::may::On;
use super::super::models::seen;
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::{PromotionItem, TargetView};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use trainyard_core::access::Deed;

/// A target with its times for people.
struct Target {
    view: TargetView,
    since: Option<When>,
    ledger: Vec<Entry>,
    /// Whether there is an earlier version to go back to.
    can_go_back: bool,
}

struct Entry {
    item: PromotionItem,
    at: When,
    model: String,
    /// What the record says of why.
    why: String,
}

impl From<TargetView> for Target {
    fn from(mut view: TargetView) -> Self {
        let ledger: Vec<Entry> = std::mem::take(&mut view.ledger).into_iter().map(entry).collect();
        Self {
            since: view.serving.as_ref().map(|serving| When::of(&serving.since)),
            can_go_back: ledger.len() > 1 && view.serving.is_some(),
            ledger,
            view,
        }
    }
}

fn entry(item: PromotionItem) -> Entry {
    let text = |name: &str| {
        item.evidence
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    Entry {
        at: When::of(&item.at),
        model: item.model.chars().take(19).collect(),
        why: text("reason").unwrap_or_default(),
        item,
    }
}

#[derive(Template)]
#[template(path = "models.html")]
struct Page {
    frame: Frame,
    targets: Vec<Target>,
}

pub(in super::super) async fn show(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    let mut targets = Vec::new();
    for view in seen(&app, &session.who).await?.targets {
        let role = app.role_on(&session.who, On::Target(&view.name)).await;
        let mut target = Target::from(view);
        target.can_go_back &= role.is_some_and(|role| role >= Deed::RollBack.needs());
        targets.push(target);
    }
    Ok(ok(&Page {
        frame: Frame::new("Models", "models", &session),
        targets,
    }))
}
