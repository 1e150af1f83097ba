//! Data: the sources of pipelines, one of them, and what a run measured.

use super::super::App;
use super::super::data::{judged, source_of, sources};
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::runs::row;
use super::super::session::Session;
use super::chart::{self, Series, Unit, percent};
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::{SourceItem, SourceRun, SourceView, path_part};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use trainyard_engine::{FeatureDistance, FoundAnomaly, JudgedData, JudgedFeature, JudgedSplit, OfSides};

/// Columns on a page.
const ON_A_PAGE: usize = 15;
/// Spans of a run that are named.
const SPANS: usize = 6;
/// Anomalies of a column that are shown.
const ANOMALIES: usize = 5;

#[derive(Template)]
#[template(path = "data.html")]
struct List {
    frame: Frame,
    sources: Vec<(SourceItem, String)>,
}

/// The address of a source.
fn address(item: &SourceItem) -> String {
    let parts = [&item.pipeline, &item.source].map(|part| path_part(part));
    format!("/data/{}/{}", item.repo, parts.join("/"))
}

pub(in super::super) async fn list(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    let all = sources(&app, &session.who).await?.sources.into_iter();
    Ok(ok(&List {
        frame: Frame::new("Data", "data", &session),
        sources: all.map(|item| (item.clone(), address(&item))).collect(),
    }))
}

#[derive(Template)]
#[template(path = "source.html")]
struct Source {
    frame: Frame,
    view: SourceView,
    /// The runs with their times and the spans that they read.
    runs: Vec<(SourceRun, When, String)>,
    missing: String,
    /// The lines of the chart: sign, column, and the values as text.
    lines: Vec<(String, String, Vec<String>)>,
    /// The spans of the chart.
    places: Vec<String>,
}

pub(in super::super) async fn source(
    State(app): State<App>,
    session: Session,
    InPath((owner, repo, pipeline, name)): InPath<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let mut view = source_of(&app, &session.who, (&owner, &repo), &pipeline, &name).await?;
    let followed = std::mem::take(&mut view.missing);
    let places: Vec<String> = followed
        .first()
        .map(|of| of.points.iter().map(|at| at.span.clone()).collect())
        .unwrap_or_default();
    let lines = followed.iter().enumerate().map(|(number, of)| {
        let shown = of.points.iter().map(|at| percent(at.share)).collect();
        (chart::sign(number), of.feature.clone(), shown)
    });
    let lines = lines.collect();
    let series: Vec<Series> = followed
        .into_iter()
        .map(|of| Series {
            name: of.feature,
            values: of.points.into_iter().map(|at| at.share).collect(),
        })
        .collect();
    let runs = std::mem::take(&mut view.runs).into_iter();
    Ok(ok(&Source {
        frame: Frame::new(format!("{name} of {pipeline}"), "data", &session),
        missing: chart::lines("Missing values over the spans", Unit::Share, &places, &series),
        runs: runs
            .map(|run| (run.clone(), When::of(&run.created_at), spans(&run.spans)))
            .collect(),
        lines,
        places,
        view,
    }))
}

/// Spans on one line: of many the first and the last.
fn spans(all: &[String]) -> String {
    match all {
        [first, .., last] if all.len() > SPANS => format!("{first} to {last}, {} of them", all.len()),
        _ => all.join(", "),
    }
}

/// What of a run's data is shown.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Asked {
    /// The step that judged or made them.
    step: Option<String>,
    split: Option<String>,
    /// Columns that are passed over.
    from: Option<usize>,
}

/// A column.
struct Column {
    of: JudgedFeature,
    drawing: String,
    distances: Vec<Far>,
    anomalies: Vec<FoundAnomaly>,
    more_anomalies: usize,
    missing: [String; 3],
    mean: [String; 3],
    bins: Vec<(String, [String; 3])>,
}

/// A distance, against what is allowed.
struct Far {
    words: &'static str,
    from: &'static str,
    value: String,
    threshold: String,
    /// What chance makes of it, where that was asked.
    chance: Option<String>,
    fires: bool,
}

impl From<&FeatureDistance> for Far {
    fn from(found: &FeatureDistance) -> Self {
        Self {
            words: found.words(),
            from: match found.comparison.as_str() {
                "skew" => "serving",
                _ => "before",
            },
            value: chart::figure(found.value),
            threshold: chart::figure(found.threshold),
            chance: found.null_quantile.map(chart::figure),
            fires: found.fires,
        }
    }
}

fn told<T>(of: OfSides<T>, shown: impl Fn(Option<T>) -> String) -> [String; 3] {
    [of.now, of.before, of.serving].map(shown)
}

impl From<JudgedFeature> for Column {
    fn from(mut of: JudgedFeature) -> Self {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), chart::figure);
        let mut anomalies = std::mem::take(&mut of.anomalies);
        let more_anomalies = anomalies.len().saturating_sub(ANOMALIES);
        anomalies.truncate(ANOMALIES);
        let bins = of.bins.iter();
        Self {
            drawing: chart::overlay(&of.name, &of.bins),
            distances: of.distances.iter().map(Far::from).collect(),
            anomalies,
            more_anomalies,
            missing: told(of.missing, percent),
            mean: told(of.mean, number),
            bins: bins.map(|bin| (bin.label.clone(), told(bin.share, percent))).collect(),
            of,
        }
    }
}

#[derive(Template)]
#[template(path = "run_data.html")]
struct OfRun {
    frame: Frame,
    run: String,
    pipeline: String,
    /// Steps and splits that can be shown: address, name, and whether it is shown.
    choices: Vec<(String, String, bool)>,
    data: Option<JudgedData>,
    split: Option<JudgedSplit>,
    rows: [String; 3],
    columns: Vec<Column>,
    all: usize,
    from: usize,
    earlier: Option<String>,
    later: Option<String>,
}

/// The address of a split, from a column on.
fn place(run: &str, step: &str, split: &str, from: usize) -> String {
    let from = if from == 0 {
        String::new()
    } else {
        format!("&from={from}")
    };
    format!(
        "/runs/{run}/data?step={}&split={}{from}",
        path_part(step),
        path_part(split)
    )
}

pub(in super::super) async fn of_run(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, ApiError> {
    let row = row(&app, &session.who, &id).await?;
    let run = app.engine.reads().load_run(&row.id).await?;
    let all = judged(&app, run).await?;
    let id = row.id.as_str();
    let names: Vec<(String, String)> = all
        .iter()
        .flat_map(|data| data.splits.iter().map(|split| (data.step.clone(), split.name.clone())))
        .collect();
    let wanted = |(step, split): &(String, String)| {
        asked.step.as_ref().is_none_or(|wanted| wanted == step)
            && asked.split.as_ref().is_none_or(|wanted| wanted == split)
    };
    let shown = names.iter().find(|name| wanted(name)).cloned();
    if shown.is_none() && (asked.step.is_some() || asked.split.is_some()) && !names.is_empty() {
        let known: Vec<String> = names.iter().map(|(step, split)| format!("{step} {split}")).collect();
        return Err(ApiError::not_found(format!(
            "run {id} has no such step and split: there are {}",
            known.join(", ")
        )));
    }
    let choices = names.iter().map(|name| {
        let (step, split) = name;
        (
            place(id, step, split, 0),
            format!("{step}, {split}"),
            Some(name) == shown.as_ref(),
        )
    });
    let choices = choices.collect();
    let (step, split) = shown.unwrap_or_default();
    let mut data = match step.is_empty() {
        true => all.into_iter().next(),
        false => all.into_iter().find(|data| data.step == step),
    };
    let chosen = data.as_mut().and_then(|data| {
        let at = data.splits.iter().position(|found| found.name == split)?;
        Some(data.splits.swap_remove(at))
    });
    let mut chosen = chosen;
    let features = chosen
        .as_mut()
        .map(|split| std::mem::take(&mut split.features))
        .unwrap_or_default();
    let (from, count) = (asked.from.unwrap_or(0), features.len());
    let columns = features.into_iter().skip(from).take(ON_A_PAGE).map(Column::from);
    let rows = chosen.as_ref().map(|split| split.rows).unwrap_or_default();
    Ok(ok(&OfRun {
        frame: Frame::new(format!("Data of {}", row.pipeline), "data", &session),
        run: id.to_owned(),
        pipeline: row.pipeline.clone(),
        choices,
        rows: told(rows, |rows: Option<i64>| {
            rows.map_or_else(|| "–".to_owned(), |rows| rows.to_string())
        }),
        columns: columns.collect(),
        all: count,
        from,
        earlier: (from > 0).then(|| place(id, &step, &split, from.saturating_sub(ON_A_PAGE))),
        later: (from.saturating_add(ON_A_PAGE) < count).then(|| place(id, &step, &split, from + ON_A_PAGE)),
        data,
        split: chosen,
    }))
}
