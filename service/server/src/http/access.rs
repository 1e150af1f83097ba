//! Who may pass: the table of routes, enforced before any handler runs.

use super::App;
use super::bearer::bearer;
use super::error::ApiError;
use super::routes::{Access, routes, takes_parameters};
use crate::config::names_this_machine;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashMap;
use std::sync::LazyLock;

static POLICY: LazyLock<HashMap<&'static str, Access>> =
    LazyLock::new(|| routes().into_iter().map(|route| (route.path, route.access)).collect());

/// Lets a request pass or answers it.
pub(super) async fn check(
    State(app): State<App>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let access = path
        .as_ref()
        .and_then(|path| POLICY.get(path.as_str()).copied())
        .unwrap_or(Access::ApiToken);
    if access == Access::ApiToken {
        match &app.config.api_token {
            Some(token) => bearer(request.headers(), token, "api_token")?,
            None => from_this_machine(&request)?,
        }
    }
    // Signed webhooks are never refused for their address, and probes say what they like.
    let strict = matches!(access, Access::ApiToken | Access::EventsToken);
    if let (true, Some(path), Some(query)) = (strict, path, request.uri().query().filter(|query| !query.is_empty()))
        && !takes_parameters(request.method().as_str(), path.as_str())
    {
        let sentence = format!(
            "{} takes no parameters, and '{query}' is one: leave it out",
            request.uri().path()
        );
        return Err(ApiError::bad_request(sentence));
    }
    Ok(next.run(request).await)
}

/// Without a token, only programs on this machine may ask: not a web page that a browser here
/// shows, be it by a name that resolves to loopback (DNS rebinding) or by a request across sites.
fn from_this_machine(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let host = request.uri().authority().map(|authority| authority.as_str());
    let host = host
        .or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()))
        .unwrap_or_default();
    let origin = headers
        .get(header::ORIGIN)
        .map(|origin| origin.to_str().unwrap_or_default());
    let foreign = [Some(host), origin]
        .into_iter()
        .flatten()
        .find(|name| !names_this_machine(name));
    match foreign {
        None => Ok(()),
        Some(name) => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!("without an api_token the API answers only to localhost, not to '{name}': set api_token"),
        )),
    }
}
