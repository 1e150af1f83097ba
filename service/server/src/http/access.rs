//! Who may pass: the table of routes, enforced before any handler runs.

use super::App;
use super::error::ApiError;
use super::host::hosted_here;
use super::may::On;
use super::routes::{Access, routes, takes_parameters};
use super::session::Session;
use super::who::Who;
use super::{bearer, pages, tokens};
use crate::config::names_this_machine;
use crate::views::path_part;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

static POLICY: LazyLock<HashMap<&'static str, Access>> =
    LazyLock::new(|| routes().into_iter().map(|route| (route.path, route.access)).collect());

/// Methods with the routes that know them.
static KNOWN: LazyLock<HashSet<(&'static str, &'static str)>> =
    LazyLock::new(|| routes().into_iter().map(|route| (route.method, route.path)).collect());

/// Lets a request pass or answers it.
pub(super) async fn check(
    State(app): State<App>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let access = path
        .as_ref()
        .and_then(|path| POLICY.get(path.as_str()).copied())
        .unwrap_or(if wants_page(request.headers()) {
            Access::Page
        } else {
            Access::ApiToken
        });
    let mut session = None;
    if access == Access::Page {
        if let Err(error) = hosted_here(&app, host(&request)) {
            return Ok(pages::problem(None, &error));
        }
        let asker = Asker::of(&request);
        let known = match known(&app, &asker).await {
            Ok(Some(known)) => Session {
                // Before anything is read: what changes after this is told by the stream.
                change: app.engine.reads().change_number().await.unwrap_or_default(),
                role: app.role_on(&known.who, On::Service).await,
                ..known
            },
            Ok(None) => return Ok(to_sign_in(&app, &request)),
            Err(error) => return Ok(pages::problem(None, &error)),
        };
        request.extensions_mut().insert(known.who.clone());
        request.extensions_mut().insert(known.clone());
        session = Some(known);
    }
    if access == Access::ApiToken {
        let who = program(&app, &Asker::of(&request)).await?;
        request.extensions_mut().insert(who);
    }
    // Signed webhooks are never refused for their address, and probes say what they like.
    let strict = matches!(access, Access::ApiToken | Access::EventsToken | Access::Page);
    if let (true, Some(path), Some(query)) = (strict, path, request.uri().query().filter(|query| !query.is_empty()))
        // A method that a route does not know is told that, and nothing else.
        && KNOWN.contains(&(request.method().as_str(), path.as_str()))
        && !takes_parameters(request.method().as_str(), path.as_str())
    {
        let sentence = format!(
            "{} takes no parameters, and '{query}' is one: leave it out",
            request.uri().path()
        );
        let error = ApiError::bad_request(sentence);
        return Ok(for_asker(session.as_ref(), error.into_response()));
    }
    let answer = next.run(request).await;
    Ok(for_asker(session.as_ref(), answer))
}

/// What went wrong is a page for people, and JSON for programs.
fn for_asker(session: Option<&Session>, answer: Response) -> Response {
    match (session, answer.extensions().get::<ApiError>()) {
        (Some(session), Some(error)) => pages::problem(Some(session), error),
        _ => answer,
    }
}

/// Whether a browser asks, and not a program.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// What is looked at of a request while its body is left alone.
struct Asker {
    host: String,
    headers: HeaderMap,
}

impl Asker {
    fn of(request: &Request) -> Self {
        Self {
            host: host(request).to_owned(),
            headers: request.headers().clone(),
        }
    }
}

/// Which program asks, by its token.
async fn program(app: &App, asker: &Asker) -> Result<Who, ApiError> {
    let sent = bearer::sent(&asker.headers);
    let found = match (&app.config.api_token, sent) {
        (Some(own), sent) if bearer::is(sent, own) => Ok(Who::Service),
        (_, Some(sent)) if tokens::looks_like_one(sent) => app.of_token(sent).await,
        (Some(_), _) => Err(bearer::refused("api_token")),
        (None, _) => from_this_machine(asker).map(|()| Who::Machine),
    };
    if let (Err(error), true) = (&found, sent.is_some())
        && error.status() == StatusCode::UNAUTHORIZED
    {
        app.note_stranger("a program sent a token that opens nothing").await;
    }
    found
}

/// Who asks for a page: nobody, where there is a way to sign in.
async fn known(app: &App, asker: &Asker) -> Result<Option<Session>, ApiError> {
    match app.config.ways_in().any() {
        true => app.session_of(&asker.headers).await,
        false => from_this_machine(asker).map(|()| app.unsigned.session()),
    }
}

fn host(request: &Request) -> &str {
    let host = request.uri().authority().map(|authority| authority.as_str());
    host.or_else(|| request.headers().get(header::HOST).and_then(|host| host.to_str().ok()))
        .unwrap_or_default()
}

fn to_sign_in(app: &App, request: &Request) -> Response {
    if request.method() != Method::GET {
        let error = ApiError::new(
            StatusCode::UNAUTHORIZED,
            "nobody is signed in, so that nothing was done: sign in and repeat it",
        );
        return pages::problem(None, &error);
    }
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    // Who was signed in at the one provider is there still, as a rule: what it says of people is asked again each hour.
    let ways = app.config.ways_in();
    let again = ways.oidc.is_some() && !ways.github && app.session_hash(request.headers()).is_some();
    let there = if again { "/sign-in/oidc" } else { "/sign-in" };
    Redirect::to(&format!("{there}?next={}", path_part(asked))).into_response()
}

/// Without a token, only programs on this machine may ask: not a web page that a browser here
/// shows, be it by a name that resolves to loopback (DNS rebinding) or by a request across sites.
fn from_this_machine(asker: &Asker) -> Result<(), ApiError> {
    let (headers, host) = (&asker.headers, asker.host.as_str());
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
