//! What needs somebody's attention.

use super::App;
use super::error::ApiError;
use super::models::seen;
use super::who::Who;
use crate::views::{Attention, Models};
use axum::Json;
use axum::extract::State;

/// What needs attention: the service's own troubles, targets that are not as their ledger says, and pipeline files at
/// the head of a branch that cannot be run.
#[utoipa::path(get, path = "/api/v1/attention", tag = "runs", operation_id = "get_attention", responses((status = 200, body = Attention)))]
pub(super) async fn show(State(app): State<App>, who: Who) -> Result<Json<Attention>, ApiError> {
    let models = seen(&app, &who).await?;
    found(&app, &who, &models).await.map(Json)
}

/// What somebody may see of it.
pub(super) async fn found(app: &App, who: &Who, models: &Models) -> Result<Attention, ApiError> {
    let (reads, sight) = (app.engine.reads(), app.sight(who).await?);
    let mut troubles: Vec<String> = Vec::new();
    if sight.is_all() {
        troubles.extend(reads.unreadable().iter().map(|row| row.sentence()));
        troubles.extend(app.engine.write_trouble().map(|error| error.to_string()));
    }
    let mut repositories = reads.known_repositories().await?;
    repositories.retain(|known| sight.has_repository(&known.repo));
    Ok(Attention::read(reads, troubles, models, repositories).await?)
}
