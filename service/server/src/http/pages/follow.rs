//! A log as it is written: each line once, and at its end the way to the step that goes on.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::runs::row;
use super::super::session::Session;
use super::lines::{Lines, SHOWN};
use super::looker::Looker;
use crate::run_logs;
use crate::views::path_part;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::sleep;
use trainyard_core::run::{Run, StepState};
use trainyard_store::{Changes, StoreError};

/// How often somebody looks whether more was written.
const LOOK: Duration = Duration::from_millis(200);
/// So that whoever stands between does not take it for dead.
const ALIVE: Duration = Duration::from_secs(25);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct From {
    /// The byte that the page ends at.
    from: u64,
    /// The number of its last line.
    #[serde(default)]
    line: Option<u64>,
}

struct Follow {
    looker: Looker,
    step: String,
    at: u64,
    line: Option<u64>,
    changes: Changes,
    /// The run as it was at the last change.
    now: Option<Run>,
}

/// Ends when the browser closes it, or with the run.
pub(in super::super) async fn follow(
    State(app): State<App>,
    session: Session,
    InPath((id, step)): InPath<(String, String)>,
    Parameters(from): Parameters<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let row = row(&app, &session.who, &id).await?;
    // A browser that lost the stream says where it was.
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = seen.and_then(|id| id.split_once('-'));
    let seen = seen.and_then(|(at, line)| Some((at.parse().ok()?, line.parse().ok())));
    let (at, line) = seen.unwrap_or((from.from, from.line));
    let follow = Follow {
        changes: app.engine.changes(),
        looker: Looker::new(app, row.id, session.who, headers),
        step,
        at,
        line,
        now: None,
    };
    let told = unfold(Some(follow), async |follow| {
        let mut follow = follow?;
        let event = follow.next().await?;
        let goes_on = matches!(event, Told::Lines(_));
        let event = match event {
            Told::Lines(html) => {
                let line = follow.line.map_or_else(String::new, |line| line.to_string());
                Event::default().id(format!("{}-{line}", follow.at)).data(html)
            }
            Told::Over(next) => Event::default().event("over").data(next),
        };
        Some((Ok(event), goes_on.then_some(follow)))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE)))
}

enum Told {
    /// More of it, as a part of the page.
    Lines(String),
    /// It is over; the path of the log that goes on, else its own.
    Over(String),
}

impl Follow {
    async fn next(&mut self) -> Option<Told> {
        loop {
            self.looker.still_may().await?;
            let run = match self.now.take() {
                Some(run) => run,
                None => self.load().await.ok()?,
            };
            let writes = |state: &StepState| matches!(state, StepState::Running { .. } | StepState::Ended { .. });
            let writing = run
                .steps
                .get(self.step.as_str())
                .is_some_and(|step| writes(&step.state));
            let lines = self.read(run.clone(), !writing).await;
            if let Some(lines) = lines.filter(|lines| !lines.all.is_empty()) {
                self.at = lines.to;
                self.line = lines.all.last().and_then(|line| line.number);
                self.now = Some(run);
                return Some(Told::Lines(lines.html()));
            }
            if writing {
                tokio::select! {
                    _ = self.changes.next() => {}
                    () = sleep(LOOK) => self.now = Some(run),
                }
                continue;
            }
            let next = run.steps.iter().find(|(_, step)| writes(&step.state));
            if let Some((next, _)) = next {
                return Some(Told::Over(format!(
                    "/runs/{}/logs/{}",
                    self.looker.run,
                    path_part(next.as_str())
                )));
            }
            if run.state.is_final() {
                // A browser hears of no event without a text.
                let own = format!("/runs/{}/logs/{}", self.looker.run, path_part(&self.step));
                return Some(Told::Over(own));
            }
            self.changes.next().await;
        }
    }

    async fn load(&self) -> Result<Run, StoreError> {
        self.looker.app.engine.reads().load_run(&self.looker.run).await
    }

    async fn read(&self, run: Run, is_over: bool) -> Option<Lines> {
        let folders = self.looker.app.engine.folders_of().clone();
        let _turn = self.looker.app.log_reads.acquire().await;
        let (step, at, line) = (self.step.clone(), self.at, self.line);
        let read = tokio::task::spawn_blocking(move || {
            let log = run_logs::find(&folders, &run, &step, None).ok()?;
            let window = log.after(at, SHOWN, is_over).ok()?;
            Some(Lines::of(&window, line, false, "", false))
        });
        read.await.ok()?
    }
}
