//! What serves on each target, how it came there, and the way back.

use super::super::App;
use super::super::error::ApiError;
use super::super::may::On;
use super::super::models::seen_with_versions;
use super::super::session::Session;
use super::chart::{self, Series, Unit, figure};
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::{PromotionItem, TargetView, VersionItem, Versions, path_part};
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
    can_promote: bool,
    /// The metrics of its versions over time.
    chart: String,
    /// Signs and names of the lines.
    metrics: Vec<(String, String)>,
    /// Its newest versions, the newest first, with a figure for each metric.
    versions: Vec<(VersionItem, Vec<String>)>,
    /// The address of the comparison of two of them.
    diff: String,
}

/// Versions in a chart and its table.
const VERSIONS: usize = 12;
/// Metrics in them.
const METRICS: usize = 4;

impl Target {
    fn with_versions(mut self, all: Versions) -> Self {
        let from = all.versions.len().saturating_sub(VERSIONS);
        let shown = all.versions.get(from..).unwrap_or_default();
        let mut names: Vec<&str> = Vec::new();
        for name in shown.iter().flat_map(|item| item.metrics.keys()) {
            if !names.contains(&name.as_str()) && names.len() < METRICS {
                names.push(name);
            }
        }
        let series: Vec<Series> = names
            .iter()
            .map(|name| Series {
                name: (*name).to_owned(),
                values: shown.iter().map(|item| item.metrics.get(*name).copied()).collect(),
            })
            .collect();
        let places: Vec<String> = shown.iter().map(|item| item.version.clone()).collect();
        self.chart = match shown.len() {
            0 | 1 => String::new(),
            _ => chart::lines("Metrics of the versions over time", Unit::Number, &places, &series),
        };
        let sign = |(number, name): (usize, &&str)| (chart::sign(number), (*name).to_owned());
        self.metrics = names.iter().enumerate().map(sign).collect();
        let figures = |item: &VersionItem| {
            let value = |name: &&str| {
                item.metrics
                    .get(*name)
                    .map_or_else(|| "–".to_owned(), |value| figure(*value))
            };
            names.iter().map(value).collect()
        };
        self.versions = shown.iter().rev().map(|item| (item.clone(), figures(item))).collect();
        self
    }
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
            can_promote: view.url.is_some(),
            chart: String::new(),
            metrics: Vec::new(),
            versions: Vec::new(),
            diff: format!("/models/{}/diff", path_part(&view.name)),
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
    for (view, versions) in seen_with_versions(&app, &session.who).await? {
        let role = app.role_on(&session.who, On::Target(&view.name)).await;
        let mut target = Target::from(view).with_versions(versions);
        target.can_promote &= role.is_some_and(|role| role >= Deed::Promote.needs());
        target.can_go_back &= role.is_some_and(|role| role >= Deed::RollBack.needs());
        targets.push(target);
    }
    Ok(ok(&Page {
        frame: Frame::new("Models", "models", &session),
        targets,
    }))
}
