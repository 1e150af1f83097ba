//! The REST API under `/`, as api.github.com has it, and git beside it.

mod apps;
pub(crate) mod checks;
mod comments;
mod hooks;
mod manifest;
mod people;
pub(crate) mod pull_files;
pub(crate) mod pulls;
mod repos;
mod sign_in;
mod statuses;

use super::api_error::ApiError;
use super::auth::Identity;
use super::fault::{Fault, broken_off};
use super::rights::Rights;
use super::state::{Repo, RepoInfo};
use super::{ApiCall, Shared, git_http, limits};
use axum::extract::{FromRequestParts, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, patch, post};
use axum::{Json, Router};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use trainyard_core::ids::RepoName;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let repo = Router::new()
        .route("/", get(repos::show))
        .route("/collaborators/{login}", get(people::collaborator))
        .route("/collaborators/{login}/permission", get(people::permission))
        .route("/installation", get(apps::of_repository))
        .route("/branches", get(repos::branches))
        .route("/branches/{*branch}", get(repos::branch))
        .route("/contents/{*path}", get(repos::contents))
        .route("/commits/{*rest}", get(statuses::of_commit))
        .route("/statuses/{sha}", post(statuses::create))
        .route("/pulls", get(pulls::list).post(pulls::create))
        .route("/pulls/{number}", get(pulls::show).patch(pulls::update))
        .route("/pulls/{number}/files", get(pull_files::list))
        .route("/issues/{number}/comments", get(comments::list).post(comments::create))
        .route(
            "/issues/comments/{id}",
            patch(comments::update).get(comments::show).delete(comments::remove),
        )
        .route("/check-runs", post(checks::create))
        .route("/check-runs/{id}", get(checks::show).patch(checks::update))
        .route("/check-runs/{id}/annotations", get(checks::annotations))
        .route("/check-runs/{id}/rerequest", post(checks::rerequest_run))
        .route("/check-suites/{id}", get(checks::suite))
        .route("/check-suites/{id}/check-runs", get(checks::of_suite))
        .route("/check-suites/{id}/rerequest", post(checks::rerequest_suite))
        .route("/hooks", get(hooks::all).post(hooks::create))
        .route(
            "/hooks/{hook}",
            get(hooks::one).patch(hooks::update).delete(hooks::remove),
        )
        .route("/hooks/{hook}/pings", post(hooks::ping))
        .route("/hooks/{hook}/deliveries", get(hooks::list))
        .route("/hooks/{hook}/deliveries/{id}", get(hooks::show))
        .route("/hooks/{hook}/deliveries/{id}/attempts", post(hooks::redeliver));
    let api = Router::new()
        .route("/user", get(repos::user))
        .route("/user/{number}", get(people::by_number))
        .route("/app", get(apps::show))
        .route("/app/installations", get(apps::installations))
        .route("/app/installations/{id}", get(apps::installation))
        .route("/app/installations/{id}/access_tokens", post(apps::access_token))
        .route("/app/hook/config", get(apps::hook_config).patch(apps::change_hook))
        .route("/app/hook/deliveries", get(apps::list_deliveries))
        .route("/app/hook/deliveries/{id}", get(apps::show_delivery))
        .route("/app/hook/deliveries/{id}/attempts", post(apps::redeliver))
        .route("/installation/repositories", get(apps::repositories))
        .route("/rate_limit", get(repos::rate_limit))
        .nest("/repositories/{repository}", repo.clone())
        .route("/app-manifests/{code}/conversions", post(manifest::convert))
        .nest("/repos/{owner}/{name}", repo)
        .fallback(|| async { ApiError::not_found() })
        .layer(from_fn_with_state(Arc::clone(&shared), door));
    Router::new()
        .route("/{owner}/{name}/{*service}", any(git_http::serve))
        .route("/git/{owner}/{name}/{*service}", any(git_http::serve))
        .route("/settings/apps/new", post(manifest::for_user))
        .route(
            "/organizations/{org}/settings/apps/new",
            post(manifest::for_organization),
        )
        .route(
            "/apps/{slug}/installations/new",
            get(manifest::install_page).post(manifest::install),
        )
        .route("/login/oauth/authorize", get(sign_in::authorize))
        .route("/login/oauth/access_token", post(sign_in::exchange))
        .merge(api)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shared)
}

/// Every call of the API passes here: it is noted, meets its fault, and shows who it is.
async fn door(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    shared.calls().push(ApiCall {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
    });
    let fault = shared.faults().meet(request.method().as_str(), request.uri().path());
    if let Some(response) = fault.answer().await {
        return response;
    }
    // Who has the code needs no credentials.
    let open = request.uri().path().starts_with("/app-manifests/");
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let reads = request.method() == Method::GET;
    let mut account = None;
    let mut response = if open {
        next.run(request).await
    } else {
        let (identity, rights) = match shared.identify(request.headers()) {
            Ok(caller) => caller,
            Err(error) => return error.into_response(),
        };
        let of = account.insert(limits::account(&rights));
        // A token that is minted is no content.
        let writes = !reads && identity != Identity::App;
        let refused = shared.meter().count(of, writes);
        if let Some(mut refused) = refused {
            refused.headers_mut().extend(shared.meter().headers(of));
            return refused;
        }
        let (headers, allowed) = shared.allow(&rights, request.method().as_str(), request.uri().path());
        request.extensions_mut().insert(identity);
        request.extensions_mut().insert(rights);
        let mut response = match allowed {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        };
        response.headers_mut().extend(headers);
        response
    };
    if reads && response.status() == StatusCode::OK {
        response = tagged(response, known.as_ref()).await;
    }
    if fault == Fault::LoseAnswer {
        return broken_off(response.status());
    }
    if let Some(account) = account {
        let mut meter = shared.meter();
        if response.status() == StatusCode::NOT_MODIFIED {
            meter.forgive(&account);
        }
        response.headers_mut().extend(meter.headers(&account));
    }
    response
}

/// The answer with its `ETag`, or 304 where the caller knows it.
async fn tagged(response: Response, known: Option<&HeaderValue>) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&bytes)));
    let Ok(tag) = HeaderValue::from_str(&tag) else {
        return Response::from_parts(parts, bytes.into());
    };
    let same = known == Some(&tag);
    parts.headers.insert(header::ETAG, tag);
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, axum::body::Body::empty());
    }
    Response::from_parts(parts, bytes.into())
}

/// What a handler answers.
pub(crate) type Answer = Result<Response, ApiError>;

/// The repository in the path, and who asks.
pub(crate) struct Asked {
    pub(crate) shared: Arc<Shared>,
    pub(crate) repo: RepoInfo,
    pub(crate) identity: Identity,
    login: String,
}

impl Asked {
    /// Works on the stored repository.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Repo) -> Option<T>) -> Result<T, ApiError> {
        self.shared
            .state()
            .repo_mut(&self.repo.name)
            .and_then(work)
            .ok_or_else(ApiError::not_found)
    }

    pub(crate) fn login(&self) -> String {
        self.login.clone()
    }
}

impl FromRequestParts<Arc<Shared>> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        // Nested routes see the rest of the path; the whole one is among the extensions.
        let whole = parts
            .extensions
            .get::<OriginalUri>()
            .map_or_else(|| parts.uri.clone(), |uri| uri.0.clone());
        let query = whole.query().map(|query| format!("?{query}")).unwrap_or_default();
        let whole = whole.path();
        let identity = parts
            .extensions
            .get::<Identity>()
            .cloned()
            .ok_or_else(ApiError::not_found)?;
        let rights = parts
            .extensions
            .get::<Rights>()
            .cloned()
            .ok_or_else(ApiError::not_found)?;
        let installation = whole.ends_with("/installation");
        if (identity == Identity::App) != installation {
            return Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "A JSON web token could not be decoded",
            ));
        }
        let repo = asked_for(shared, whole, &query, &parts.method)?;
        Ok(Self {
            shared: Arc::clone(shared),
            repo,
            login: shared.login(&identity, &rights),
            identity,
        })
    }
}

/// The repository of a path, by name or number. A name that it had before leads to its number, as at GitHub.
fn asked_for(shared: &Shared, path: &str, query: &str, method: &Method) -> Result<RepoInfo, ApiError> {
    let state = shared.state();
    if let Some(rest) = path.strip_prefix("/repositories/") {
        let id = rest.split('/').next().and_then(|id| id.parse::<u64>().ok());
        let found = state.repos.iter().find(|repo| Some(repo.id) == id);
        return found.map(Repo::info).ok_or_else(ApiError::not_found);
    }
    let mut segments = path.trim_start_matches("/repos/").splitn(3, '/');
    let (owner, name) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let rest = segments.next().map(|rest| format!("/{rest}")).unwrap_or_default();
    let name = RepoName::parse(&format!("{owner}/{name}")).map_err(|_| ApiError::not_found())?;
    if let Some(moved) = state.moved(&name) {
        let place = format!("{}/repositories/{}{rest}{query}", shared.base_url, moved.id);
        return Err(ApiError::moved(method, place));
    }
    state.repo(&name).map(Repo::info).ok_or_else(ApiError::not_found)
}

/// A body that is JSON, with GitHub's words when it is not.
pub(crate) struct Body(pub(crate) Value);

impl<S: Send + Sync> axum::extract::FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let problem = || ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON");
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|_| problem())?;
        serde_json::from_slice(&bytes)
            .ok()
            .filter(Value::is_object)
            .map(Self)
            .ok_or_else(problem)
    }
}

impl Body {
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// A field that must be a text that is not empty.
    pub(crate) fn needed(&self, resource: &str, field: &str) -> Result<&str, ApiError> {
        let present = self.text(field).filter(|text| !text.trim().is_empty());
        present.ok_or_else(|| ApiError::invalid(resource, field, format!("{field} is missing or empty")))
    }
}

/// One page of a list, with GitHub's absolute `Link` header.
pub(crate) fn page(shared: &Shared, uri: &axum::http::Uri, items: Vec<Value>) -> Response {
    paged(shared, uri, items, |_, items| Json(items).into_response())
}

/// The same as an object that says how many there are in all.
pub(crate) fn page_of(shared: &Shared, uri: &axum::http::Uri, name: &str, items: Vec<Value>) -> Response {
    paged(shared, uri, items, |all, items| {
        Json(serde_json::json!({"total_count": all, name: items})).into_response()
    })
}

fn paged(
    shared: &Shared,
    uri: &axum::http::Uri,
    items: Vec<Value>,
    answer: impl FnOnce(usize, Vec<Value>) -> Response,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let number = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .find_map(|(_, value)| value.parse::<usize>().ok())
    };
    let per_page = number("per_page").unwrap_or(30).clamp(1, 100);
    let page = number("page").unwrap_or(1).max(1);
    let all = items.len();
    let last = all.div_ceil(per_page).max(1);
    let link = |page: usize, rel: &str| {
        format!(
            "<{}{}?per_page={per_page}&page={page}>; rel=\"{rel}\"",
            shared.base_url,
            uri.path()
        )
    };
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    let items: Vec<Value> = items
        .into_iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();
    let mut response = answer(all, items);
    if let Ok(value) = HeaderValue::from_str(&links.join(", "))
        && !links.is_empty()
    {
        response.headers_mut().insert("link", value);
    }
    response
}
