//! Lineage: from an artifact to what it was made of and what was made of it.

use super::App;
use super::error::ApiError;
use super::extract::{InPath, Parameters};
use super::may::On;
use super::who::Who;
use crate::views::Lineage;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use trainyard_core::access::Role;
use trainyard_store::Direction;
use utoipa::IntoParams;

const DEFAULT_HOPS: u32 = 20;
const MOST_HOPS: u32 = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LineageQuery {
    /// `upstream` (what it was made of), `downstream` or `both`; `both` if absent.
    direction: Option<String>,
    /// Steps over an execution or an artifact, up to 100; 20 if absent.
    hops: Option<u32>,
}

/// The surroundings of an artifact, whose name is `<run>/<step>/<output>`.
#[utoipa::path(get, path = "/api/v1/lineage/{artifact}", tag = "lineage", operation_id = "get_lineage",
    params(("artifact" = String, Path, description = "its name, slashes and all"), LineageQuery),
    responses((status = 200, body = Lineage)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    InPath(artifact): InPath<String>,
    Parameters(query): Parameters<LineageQuery>,
) -> Result<Json<Lineage>, ApiError> {
    let asked = query.read((Direction::Bidirectional, DEFAULT_HOPS))?;
    around(&app, &who, &artifact, asked).await.map(Json)
}

impl LineageQuery {
    /// Which way and how far, where nothing else is said as `usual`.
    pub(super) fn read(&self, usual: (Direction, u32)) -> Result<(Direction, u32), ApiError> {
        let direction = match self.direction.as_deref() {
            None => usual.0,
            Some("both") => Direction::Bidirectional,
            Some("upstream") => Direction::Upstream,
            Some("downstream") => Direction::Downstream,
            Some(other) => {
                return Err(ApiError::bad_request(format!(
                    "'{other}' is not a direction: ask for upstream, downstream or both"
                )));
            }
        };
        match self.hops.unwrap_or(usual.1) {
            hops @ 0..=MOST_HOPS => Ok((direction, hops)),
            other => Err(ApiError::bad_request(format!(
                "hops is {other}: ask for 0 to {MOST_HOPS}"
            ))),
        }
    }
}

/// The surroundings of an artifact, if somebody may see them.
pub(super) async fn around(
    app: &App,
    who: &Who,
    artifact: &str,
    (direction, hops): (Direction, u32),
) -> Result<Lineage, ApiError> {
    // It crosses pipelines wherever one reads what another made.
    app.sees(who, Role::Viewer, On::Service).await?;
    Ok(app.engine.reads().lineage(artifact, direction, hops).await?.into())
}
