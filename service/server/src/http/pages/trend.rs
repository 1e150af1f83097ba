//! A metric over the runs of a pipeline, as a chart with its values below.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::session::Session;
use super::super::trend::{TrendQuery, trend};
use super::chart::{self, Series, Unit, figure};
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::{Trend, TrendPoint, path_part};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Runs in the table, the newest; the chart has all.
const LISTED: usize = 50;

struct Line {
    point: TrendPoint,
    at: When,
    value: String,
    baseline: String,
}

#[derive(Template)]
#[template(path = "trend.html")]
struct Page {
    frame: Frame,
    trend: Trend,
    address: String,
    chart: String,
    /// Signs of the lines and what they are.
    signs: Vec<(String, &'static str)>,
    lines: Vec<Line>,
}

/// The address of a pipeline's metrics.
pub(super) fn address(repo: &str, name: &str) -> String {
    format!("/pipelines/{repo}/{}/metrics", path_part(name))
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath((owner, repo, name)): InPath<(String, String, String)>,
    Parameters(query): Parameters<TrendQuery>,
) -> Result<Response, ApiError> {
    let mut trend = trend(&app, &session.who, (&owner, &repo), &name, &query).await?;
    let points = std::mem::take(&mut trend.points);
    let day = |point: &TrendPoint| point.created_at.chars().take(16).collect::<String>().replace('T', " ");
    let places: Vec<String> = points.iter().map(day).collect();
    let mut all = vec![Series {
        name: trend.metric.clone(),
        values: points.iter().map(|point| Some(point.value)).collect(),
    }];
    if points.iter().any(|point| point.baseline.is_some()) {
        all.push(Series {
            name: "what served".to_owned(),
            values: points.iter().map(|point| point.baseline).collect(),
        });
    }
    let signs = [
        (chart::sign(0), "the run's model"),
        (chart::sign(1), "what it was compared with"),
    ];
    let lines = points.iter().rev().take(LISTED).map(|point| Line {
        at: When::of(&point.created_at),
        value: figure(point.value),
        baseline: point.baseline.map_or_else(|| "–".to_owned(), figure),
        point: point.clone(),
    });
    Ok(ok(&Page {
        frame: Frame::new(format!("{} of {name}", trend.metric), "pipelines", &session),
        address: address(&format!("{owner}/{repo}"), &name),
        chart: chart::lines(&format!("{} over the runs", trend.metric), Unit::Number, &places, &all),
        signs: signs.into_iter().take(all.len()).filter(|_| all.len() > 1).collect(),
        lines: lines.collect(),
        trend,
    }))
}
