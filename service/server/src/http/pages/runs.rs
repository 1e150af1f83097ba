//! Runs as a grid: a row each, newest first, with its steps in their colours. The filters are in the address.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::Parameters;
use super::super::run_list::{RunQuery, found};
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::when::{Took, When};
use crate::views::{RunItem, StepBrief};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;

/// Runs on a page.
const ON_A_PAGE: u32 = 50;
/// The states that can be asked for.
const STATES: [&str; 6] = [
    "waiting_for_approval",
    "queued",
    "running",
    "succeeded",
    "failed",
    "cancelled",
];

const VERDICTS: [&str; 4] = ["blessed", "not_blessed", "not_evaluated", "unchanged"];
const TRIGGERS: [&str; 5] = ["push", "pull_request", "data", "schedule", "manual"];

/// A run in a list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) pipeline: String,
    pub(super) repo: String,
    pub(super) state: String,
    pub(super) cause: String,
    pub(super) commit: String,
    pub(super) verdict: String,
    pub(super) summary: String,
    pub(super) created: When,
    pub(super) took: String,
    pub(super) steps: Vec<StepBrief>,
}

impl From<RunItem> for Line {
    fn from(item: RunItem) -> Self {
        let RunItem { head, steps } = item;
        let moment = |text: &Option<String>| {
            let text = text.as_deref()?;
            DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
        };
        let took = moment(&head.started_at).map(|from| {
            let until = moment(&head.ended_at).unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
            Took((until - from).max(0)).to_string()
        });
        Self {
            created: When::of(&head.created_at),
            took: took.unwrap_or_default(),
            verdict: head.blessing.map(|word| word.replace('_', " ")).unwrap_or_default(),
            summary: head.waits_for.or(head.set_aside).or(head.summary).unwrap_or_default(),
            commit: head.commit.unwrap_or_default().chars().take(8).collect(),
            repo: head.repo.unwrap_or_default(),
            id: head.id,
            pipeline: head.pipeline,
            state: head.state,
            cause: head.cause,
            steps,
        }
    }
}

impl Page {
    /// What is asked for in this field; empty for all.
    fn of(&self, name: &str) -> &str {
        let asked = self.asked.asked().into_iter().find(|(field, _)| *field == name);
        asked.map_or("", |(_, value)| value)
    }
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    unreadable: Vec<String>,
    asked: RunQuery,
    states: [&'static str; 6],
    verdicts: [&'static str; 4],
    triggers: [&'static str; 5],
    /// The address of the older ones.
    older: Option<String>,
}

pub(in super::super) async fn list(
    State(app): State<App>,
    session: Session,
    Parameters(query): Parameters<RunQuery>,
) -> Result<Response, ApiError> {
    // A form sends what is left empty as well.
    let query = query.without_empty();
    let asked = query.clone();
    let all = found(&app, &app.sight(&session.who).await?, query, ON_A_PAGE).await?;
    let older = all.next.as_ref().map(|before| asked.older(before));
    Ok(ok(&Page {
        frame: Frame::new("Runs", "runs", &session),
        lines: all.runs.into_iter().map(Line::from).collect(),
        unreadable: all.unreadable,
        asked,
        states: STATES,
        verdicts: VERDICTS,
        triggers: TRIGGERS,
        older,
    }))
}
