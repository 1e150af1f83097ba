//! What needs attention, what serves, and what comes next.

use super::super::App;
use super::super::attention::found as found_attention;
use super::super::error::ApiError;
use super::super::models::seen;
use super::super::run_list::{RunQuery, found};
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::runs::Line;
use super::when::When;
use crate::views::{AttentionItem, Slot, TargetView, time};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Runs of a kind that are on the page.
const SHOWN: u32 = 8;

/// The next time that a schedule is due.
struct NextSlot {
    pipeline: String,
    repo: String,
    at: When,
}

impl From<Slot> for NextSlot {
    fn from(slot: Slot) -> Self {
        Self {
            pipeline: slot.pipeline,
            repo: slot.repo.map(|repo| repo.to_string()).unwrap_or_default(),
            at: When::of(&time(slot.at)),
        }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    /// What is wrong with the service itself, with what it depends on, or with pipeline files.
    troubles: Vec<AttentionItem>,
    waiting: Vec<Line>,
    running: Vec<Line>,
    queued: usize,
    failed: Vec<Line>,
    newest: Vec<Line>,
    targets: Vec<TargetView>,
    slots: Vec<NextSlot>,
}

pub(in super::super) async fn show(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    let reads = app.engine.reads();
    let sight = app.sight(&session.who).await?;
    let lines = async |state: &str, most: u32| {
        let all = found(&app, &sight, RunQuery::of_state(state), most).await?;
        Ok::<_, ApiError>(all.runs.into_iter().map(Line::from).collect::<Vec<_>>())
    };
    let newest = found(&app, &sight, RunQuery::default(), SHOWN).await?;
    let models = seen(&app, &session.who).await?;
    let attention = found_attention(&app, &session.who, &models).await?;
    let stats = reads.stats().await?;
    let slots = Slot::read(reads).await?.into_iter();
    let slots = slots.filter(|slot| sight.has(slot.repo.as_ref(), &slot.pipeline));
    Ok(ok(&Page {
        frame: Frame::new("Home", "home", &session),
        troubles: attention.items,
        waiting: lines("waiting_for_approval", SHOWN).await?,
        running: lines("running", SHOWN).await?,
        queued: stats
            .runs
            .get("queued")
            .copied()
            // Others' are not counted before everybody's eyes.
            .filter(|_| sight.is_all())
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0),
        failed: lines("failed", SHOWN).await?,
        newest: newest.runs.into_iter().map(Line::from).collect(),
        targets: models.targets,
        slots: slots.map(NextSlot::from).collect(),
    }))
}
