//! The names under which people reach the service.

use super::App;
use super::error::ApiError;
use crate::config::names_this_machine;
use axum::http::StatusCode;
use std::net::{IpAddr, SocketAddr};

/// A page is shown under the names of this service only: another one that leads here is somebody's trick, or a mistake.
pub(super) fn hosted_here(app: &App, host: &str) -> Result<(), ApiError> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let by_number = host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok();
    let public = app.config.public_url.as_deref().and_then(|url| url.split_once("://"));
    let public = public.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let is_public = public.is_some_and(|public| {
        public == host
            || public
                .rsplit_once(':')
                .map_or(public, |(name, _)| name)
                .eq_ignore_ascii_case(name)
    });
    if names_this_machine(host) || by_number || is_public {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!("this service is not known as '{host}': set public_url to the address by which people reach it"),
    ))
}
