//! The evaluation of a run: its curves, and what a gate that somebody writes there would have said.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::other_gate::{judged, plots_of};
use super::super::runs::row;
use super::super::session::Session;
use super::act::{Submitted, proved};
use super::chart::{self, Curve};
use super::frame::{Frame, ok, page};
use super::verdict;
use crate::views::{NO_PLOTS, PLOTS, Plot, Replay};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use trainyard_core::evaluation::Curves;
use trainyard_store::RunRow;

/// A drawing with its name.
struct Drawn {
    name: &'static str,
    drawing: String,
}

/// What another gate said.
struct Answer {
    /// What the run's own gate said.
    then: Option<&'static str>,
    verdict: verdict::Shown,
    past: Replay,
}

#[derive(Template)]
#[template(path = "evaluation.html")]
struct Page {
    frame: Frame,
    run: String,
    pipeline: String,
    plots: Vec<Drawn>,
    signs: Vec<(String, &'static str)>,
    /// Why there are no plots.
    without: String,
    /// The gate that was sent.
    gate: String,
    /// What is wrong with it.
    wrong: Option<String>,
    answer: Option<Answer>,
}

fn plots(curves: &Curves) -> Vec<Drawn> {
    let drawn = |plot: Plot| {
        let curve = |(side, points)| Curve {
            number: usize::from(side != "candidate"),
            name: side,
            points,
        };
        let all: Vec<Curve> = plot.of(curves).into_iter().map(curve).collect();
        let is_square = plot.name != "Precision and recall";
        let drawing = chart::square(plot.name, (plot.x, plot.y), is_square, &all);
        (!drawing.is_empty()).then_some(Drawn {
            name: plot.name,
            drawing,
        })
    };
    PLOTS.into_iter().filter_map(drawn).collect()
}

async fn filled(app: &App, session: &Session, row: &RunRow) -> Result<Page, ApiError> {
    let run = app.engine.reads().load_run(&row.id).await?;
    // Why there is nothing to draw is a sentence on the page.
    let (plots, without) = match plots_of(app, row, run).await {
        Ok(found) => match found.curves {
            Some(curves) => (plots(&curves), String::new()),
            None => (Vec::new(), NO_PLOTS.to_owned()),
        },
        Err(error) if error.status() == StatusCode::CONFLICT => (Vec::new(), error.sentence().to_owned()),
        Err(error) => return Err(error),
    };
    Ok(Page {
        frame: Frame::new(format!("Evaluation of {}", row.pipeline), "runs", session),
        run: row.id.to_string(),
        pipeline: row.pipeline.clone(),
        plots,
        signs: vec![(chart::sign(0), "candidate"), (chart::sign(1), "serving")],
        without,
        gate: String::new(),
        wrong: None,
        answer: None,
    })
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
) -> Result<Response, ApiError> {
    let row = row(&app, &session.who, &id).await?;
    Ok(ok(&filled(&app, &session, &row).await?))
}

/// The gate that somebody wrote.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    proof: String,
    #[serde(default)]
    gate: String,
}

impl Submitted for Written {
    fn proof(&self) -> &str {
        &self.proof
    }
}

/// What it says; nothing is changed.
pub(in super::super) async fn ask(
    State(app): State<App>,
    InPath(id): InPath<String>,
    request: Request,
) -> Result<Response, Response> {
    let (session, written) = proved::<Written>(request).await?;
    let answer = answered(&app, &session, &id, written.gate).await;
    answer.map_err(|error| error.into_response())
}

async fn answered(app: &App, session: &Session, id: &str, gate: String) -> Result<Response, ApiError> {
    let row = row(app, &session.who, id).await?;
    let mut filled = filled(app, session, &row).await?;
    let told = judged(app, &row, &gate).await;
    filled.gate = gate;
    let status = match told {
        Ok(told) => {
            filled.answer = Some(Answer {
                then: told.then.map(|then| then.as_str()),
                verdict: verdict::Shown::of(&told.verdict),
                past: told.past,
            });
            StatusCode::OK
        }
        Err(error) if error.status().is_client_error() => {
            filled.wrong = Some(error.sentence().to_owned());
            error.status()
        }
        Err(error) => return Err(error),
    };
    Ok(page(status, &filled))
}
