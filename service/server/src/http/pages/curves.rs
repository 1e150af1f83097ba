//! Curves of what a training reports: a drawing for each metric, and a stream that says when there is more.

use super::super::App;
use super::super::curves::read;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::runs::row;
use super::super::session::Session;
use super::chart::{MOST_LINES, figure, sign};
use super::graph::escaped;
use super::looker::Looker;
use crate::views::{CurvePoint, RunCurves};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::sleep;
use trainyard_store::Changes;

/// How often somebody looks whether more was reported.
const LOOK: Duration = Duration::from_secs(1);
/// So that whoever stands between does not take it for dead.
const ALIVE: Duration = Duration::from_secs(25);

/// Drawings of a page; the API has all.
const MOST_DRAWN: usize = 16;
/// Points of a line: as many as it is wide enough for.
const MOST_POINTS: usize = 160;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 160.0;
/// Room for the figures on the left, and below.
const LEFT: f64 = 60.0;
const BELOW: f64 = 20.0;

/// A line of a drawing: whose it is, and its points.
pub(super) type Line<'a> = (String, &'a [CurvePoint]);

/// A metric, drawn.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) metric: String,
    pub(super) svg: String,
    /// Of each line its sign, whose it is, and its last value.
    pub(super) legend: Vec<(String, String, String)>,
}

/// Drawings by metric, and how many were left out.
#[derive(Debug, Default)]
pub(super) struct Curves {
    pub(super) drawn: Vec<Drawn>,
    pub(super) left_out: usize,
    /// Whether the beginnings of some are gone with the beginnings of their logs.
    pub(super) cut: bool,
    /// What is wrong with event files, a sentence each.
    pub(super) problems: Vec<String>,
}

impl Curves {
    /// Of runs, with what their lines are called beside their steps; empty for a run by itself.
    pub(super) fn of(runs: &[(String, RunCurves)]) -> Self {
        let mut by_metric: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
        let (mut cut, mut problems) = (false, Vec::new());
        for (name, run) in runs {
            for step in &run.steps {
                cut |= step.beginning_is_gone;
                problems.extend(step.problems.iter().cloned());
                let whose = format!("{name} {}", step.step).trim().to_owned();
                for (metric, points) in &step.metrics {
                    by_metric.entry(metric).or_default().push((whose.clone(), points));
                }
            }
        }
        Self {
            left_out: by_metric.len().saturating_sub(MOST_DRAWN),
            drawn: by_metric
                .into_iter()
                .take(MOST_DRAWN)
                .map(|(metric, lines)| Drawn::of(metric, &lines))
                .collect(),
            cut,
            problems,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.drawn.is_empty() && self.problems.is_empty()
    }
}

impl Drawn {
    fn of(metric: &str, lines: &[Line<'_>]) -> Self {
        let lines = &lines[..lines.len().min(MOST_LINES)];
        let said = |(number, (whose, points)): (usize, &Line<'_>)| {
            let last = points
                .last()
                .map(|last| format!("{} at {}", figure(last.value), last.step));
            (sign(number), whose.clone(), last.unwrap_or_default())
        };
        Self {
            metric: metric.to_owned(),
            svg: draw(metric, lines),
            legend: lines.iter().enumerate().map(said).collect(),
        }
    }
}

/// Values over the steps of the training.
fn draw(metric: &str, lines: &[Line<'_>]) -> String {
    let all = || lines.iter().flat_map(|(_, points)| points.iter());
    let first = all().map(|point| point.step).min().unwrap_or(0);
    let last = all().map(|point| point.step).max().unwrap_or(0);
    let low = all().map(|point| point.value).fold(f64::INFINITY, f64::min);
    let high = all().map(|point| point.value).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return String::new();
    }
    // A flat curve is in the middle. Half of each, since the whole distance may be too large for a number.
    let room = (high / 2.0 - low / 2.0).abs();
    let share = |value: f64| match room > 0.0 {
        true => (value / 2.0 - low / 2.0) / room,
        false => 0.5,
    };
    let width = (last - first).max(1) as f64;
    let x = |step: u64| LEFT + 6.0 + (WIDTH - LEFT - 12.0) * ((step - first) as f64 / width);
    let y = |value: f64| 8.0 + (HEIGHT - BELOW - 16.0) * (1.0 - share(value));
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(&format!("{metric} over the steps {first} to {last}"))
    );
    for value in [low, high] {
        let _ = write!(
            svg,
            "<path class=\"tick\" d=\"M{LEFT} {0:.1}H{WIDTH}\"/><text class=\"axis end\" x=\"{1}\" y=\"{2:.1}\">{3}</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            figure(value)
        );
    }
    for (step, anchor) in [(first, "start"), (last, "end")] {
        let _ = write!(
            svg,
            "<text class=\"axis {anchor}\" x=\"{:.1}\" y=\"{:.1}\">{step}</text>",
            x(step),
            HEIGHT - 4.0
        );
    }
    for (number, (_, points)) in lines.iter().enumerate() {
        let every = points.len().div_ceil(MOST_POINTS).max(1);
        let mut path = String::new();
        for (at, point) in points.iter().enumerate() {
            if at % every == 0 || at + 1 == points.len() {
                let pen = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{pen}{:.1} {:.1}", x(point.step), y(point.value));
            }
        }
        let _ = write!(svg, "<path class=\"line s{number}\" d=\"{path}\"/>");
    }
    svg + "</svg>"
}

struct Watch {
    looker: Looker,
    changes: Changes,
    /// Reports that were there when it was told last.
    told: Option<u64>,
}

enum Told {
    More,
    Over,
}

/// Says when a program of the run has reported more; ends with the run.
pub(in super::super) async fn live(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let row = row(&app, &session.who, &id).await?;
    let watch = Watch {
        changes: app.engine.changes(),
        looker: Looker::new(app, row.id, session.who, headers),
        told: None,
    };
    let told = unfold(Some(watch), async |watch| {
        let mut watch = watch?;
        let (event, goes_on) = match watch.next().await? {
            Told::More => (Event::default().data("more"), true),
            Told::Over => (Event::default().event("over").data("over"), false),
        };
        Some((Ok(event), goes_on.then_some(watch)))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE)))
}

impl Watch {
    async fn next(&mut self) -> Option<Told> {
        loop {
            self.looker.still_may().await?;
            let app = &self.looker.app;
            let run = app.engine.reads().load_run(&self.looker.run).await.ok()?;
            let read = read(app, &run).await.ok()?;
            let reports = read.iter().map(|step| step.reports).sum();
            // What was there when the page was made is on it.
            if self.told.replace(reports).is_some_and(|told| told != reports) {
                return Some(Told::More);
            }
            if run.state.is_final() {
                return Some(Told::Over);
            }
            tokio::select! {
                _ = self.changes.next() => {}
                () = sleep(LOOK) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::StepCurves;

    fn curves(points: &[(u64, f64)]) -> RunCurves {
        let points: Vec<CurvePoint> = points
            .iter()
            .map(|(step, value)| CurvePoint {
                step: *step,
                value: *value,
            })
            .collect();
        RunCurves {
            run: "r".to_owned(),
            steps: vec![StepCurves {
                step: "train".to_owned(),
                attempt: 1,
                beginning_is_gone: false,
                problems: Vec::new(),
                metrics: BTreeMap::from([("a<b".to_owned(), points)]),
            }],
        }
    }

    #[test]
    fn a_metric_is_one_drawing_with_a_line_for_each_run_and_names_are_text() {
        let all = Curves::of(&[
            ("r1".to_owned(), curves(&[(1, 3.0), (2, 2.0)])),
            ("r2".to_owned(), curves(&[(1, 1.0)])),
        ]);
        assert_eq!(all.drawn.len(), 1);
        let drawn = &all.drawn[0];
        assert!(drawn.svg.contains("a&#60;b over the steps 1 to 2"), "{}", drawn.svg);
        assert!(drawn.svg.contains("line s0") && drawn.svg.contains("line s1"));
        let said: Vec<_> = drawn
            .legend
            .iter()
            .map(|(_, whose, last)| (whose.as_str(), last.as_str()))
            .collect();
        assert_eq!(said, [("r1 train", "2 at 2"), ("r2 train", "1 at 1")]);
    }

    #[test]
    fn no_values_draw_what_is_no_number() {
        for points in [
            vec![(0, f64::MAX), (1, f64::MIN)],
            vec![(5, 1.0)],
            vec![(0, 2.0), (u64::MAX, 2.0)],
            (0..5_000).map(|step| (step, 1.0 / (step as f64 + 1.0))).collect(),
        ] {
            let all = Curves::of(&[(String::new(), curves(&points))]);
            let svg = &all.drawn[0].svg;
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.len() < 5_000, "{}", svg.len());
        }
    }
}
