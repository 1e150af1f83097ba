//! The pipelines that there are.

use super::App;
use super::error::ApiError;
use super::known::seen_pipelines;
use super::models::seen;
use super::who::Who;
use crate::views::{PipelineItem, Pipelines, Slot};
use axum::Json;
use axum::extract::State;
use trainyard_core::inbound::KnownPipeline;

/// Every pipeline of a default branch: where its file lies, its data sources, what serves of it, and its next slot.
#[utoipa::path(get, path = "/api/v1/pipelines", tag = "runs", operation_id = "list_pipelines", responses((status = 200, body = Pipelines)))]
pub(super) async fn list(State(app): State<App>, who: Who) -> Result<Json<Pipelines>, ApiError> {
    let items = items(&app, &who).await?.into_iter();
    Ok(Json(Pipelines {
        pipelines: items.map(|(_, item)| item).collect(),
    }))
}

/// Those that somebody may see.
pub(super) async fn items(app: &App, who: &Who) -> Result<Vec<(KnownPipeline, PipelineItem)>, ApiError> {
    let (known, models) = (seen_pipelines(app, who).await?, seen(app, who).await?);
    let slots = Slot::read(app.engine.reads()).await?;
    let item = |known: KnownPipeline| {
        let item = PipelineItem::of(&known, &models, &slots);
        (known, item)
    };
    Ok(known.into_iter().map(item).collect())
}
