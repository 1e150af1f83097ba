//! Signing in elsewhere: the browser goes to GitHub or to a provider, and comes back with a code that is good once.

use super::super::App;
use super::super::error::ApiError;
use super::super::host::hosted_here;
use super::super::session::{cookie, kept, random, set_cookie};
use super::super::who::Who;
use super::asked::Asked;
use super::frame::problem;
use super::sign_in::{Next, begun, path, with_header};
use crate::oidc::{Proofs, ProviderError};
use crate::views::path_part;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use trainyard_core::access::Identity;
use trainyard_engine::GitHubError;

/// What is kept while somebody is away: the proofs, and where to go afterwards.
const COOKIE: &str = "trainyard_sign_in";
/// Seconds that signing in may take.
const PATIENCE: u32 = 600;

/// Where people sign in.
#[derive(Clone, Copy)]
enum At {
    GitHub,
    Provider,
}

impl At {
    /// The path that people are sent back to.
    fn back(self) -> &'static str {
        match self {
            Self::GitHub => "/sign-in/github/back",
            Self::Provider => "/sign-in/oidc/back",
        }
    }

    /// Its word in a cookie.
    fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Provider => "oidc",
        }
    }

    fn none(self) -> ApiError {
        ApiError::not_found(match self {
            Self::GitHub => "nobody signs in with GitHub here: set github.client_id and github.client_secret",
            Self::Provider => "nobody signs in at a provider here: set [oidc]",
        })
    }
}

/// One sign-in, from its beginning to its end.
struct Journey {
    state: String,
    verifier: String,
    nonce: String,
    next: String,
}

impl Journey {
    fn begin(next: &str) -> Result<Self, ApiError> {
        Ok(Self {
            state: random()?,
            verifier: random()?,
            nonce: random()?,
            next: path(next).to_owned(),
        })
    }

    /// As the cookie holds it.
    fn text(&self, at: At) -> String {
        let Self {
            state,
            verifier,
            nonce,
            next,
        } = self;
        format!("{}.{state}.{verifier}.{nonce}.{}", at.word(), path_part(next))
    }

    /// The one that this browser began, if it is the one that the answer belongs to.
    fn of(headers: &HeaderMap, secure: bool, at: At, back: &Back) -> Result<Self, ApiError> {
        let mut parts = cookie(headers, COOKIE, secure).unwrap_or_default().splitn(5, '.');
        let mut part = || parts.next().map(str::to_owned);
        let (Some(to), Some(state), Some(verifier), Some(nonce), Some(next)) = (part(), part(), part(), part(), part())
        else {
            return Err(ApiError::bad_request(
                "this browser did not ask to sign in, or too long ago: open /sign-in and begin again",
            ));
        };
        let same = bool::from(state.as_bytes().ct_eq(back.state.as_bytes()));
        if state.is_empty() || !same || to != at.word() {
            return Err(ApiError::bad_request(
                "this answer belongs to another attempt to sign in: open /sign-in and begin again",
            ));
        }
        Ok(Self {
            state,
            verifier,
            nonce,
            next: path(&decoded(&next)).to_owned(),
        })
    }

    fn proofs(&self) -> Proofs<'_> {
        Proofs {
            state: &self.state,
            nonce: &self.nonce,
            verifier: &self.verifier,
        }
    }
}

/// Where the browser is to be sent back: under the name by which people reach the service.
fn redirect(app: &App, headers: &HeaderMap, at: At) -> Result<String, ApiError> {
    if let Some(url) = &app.config.public_url {
        return Ok(format!("{}{}", url.trim_end_matches('/'), at.back()));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("localhost");
    hosted_here(app, host)?;
    Ok(format!("http://{host}{}", at.back()))
}

async fn there(app: &App, at: At, next: &str, headers: &HeaderMap) -> Response {
    match sent(app, at, next, headers).await {
        Ok(response) => response,
        Err(error) => problem(None, &error),
    }
}

async fn sent(app: &App, at: At, next: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let (journey, redirect) = (Journey::begin(next)?, redirect(app, headers, at)?);
    let address = match at {
        At::GitHub => {
            let way = app.at_github.as_ref().ok_or_else(|| at.none())?;
            let address = way.address(&redirect, &journey.state, &journey.verifier);
            address.map_err(|error| of_github(&error))?
        }
        At::Provider => {
            let way = app.provider.as_ref().ok_or_else(|| at.none())?;
            let address = way.address(&redirect, &journey.proofs()).await;
            address.map_err(|error| of_provider(&error))?
        }
    };
    let cookie = kept(COOKIE, Some(&journey.text(at)), Some(PATIENCE), app.is_secure());
    Ok(with_header(Redirect::to(&address).into_response(), &cookie))
}

#[derive(Deserialize)]
pub(in super::super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
}

async fn back(app: &App, at: At, back: &Back, headers: &HeaderMap) -> Response {
    let forgotten = kept(COOKIE, None, None, app.is_secure());
    let response = match signed_in(app, at, back, headers).await {
        Ok((token, next)) => {
            let cookie = set_cookie(Some(&token), app.is_secure());
            with_header(Redirect::to(&next).into_response(), &cookie)
        }
        Err(error) => {
            if matches!(error.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                app.note_stranger(error.sentence()).await;
            }
            problem(None, &error)
        }
    };
    with_header(response, &forgotten)
}

/// What the session's cookie is to hold, and where the browser goes.
async fn signed_in(app: &App, at: At, back: &Back, headers: &HeaderMap) -> Result<(String, String), ApiError> {
    let journey = Journey::of(headers, app.is_secure(), at, back)?;
    if back.code.is_empty() {
        let why = match back.error.as_str() {
            "access_denied" => "you said no there",
            _ => "no code came back",
        };
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            format!("nobody is signed in, since {why}: open /sign-in and begin again"),
        ));
    }
    let redirect = redirect(app, headers, at)?;
    let identity = match at {
        At::GitHub => {
            let way = app.at_github.as_ref().ok_or_else(|| at.none())?;
            let person = way.account(&back.code, &redirect, &journey.verifier).await;
            let person = person.map_err(|error| of_github(&error))?;
            Identity::Account {
                id: person.id,
                login: person.login,
            }
        }
        At::Provider => {
            let way = app.provider.as_ref().ok_or_else(|| at.none())?;
            let identity = way.identity(&back.code, &redirect, &journey.proofs()).await;
            identity.map_err(|error| of_provider(&error))?
        }
    };
    // Whoever has an account somewhere is nobody here without a role.
    if app.sight(&Who::Person(identity.clone())).await?.is_empty() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            format!(
                "{} has no role in any repository here: whoever administrates one can give the GitHub permission 'read'",
                identity.name()
            ),
        ));
    }
    let token = begun(app, headers, identity).await?;
    Ok((token, journey.next))
}

fn of_github(error: &GitHubError) -> ApiError {
    tracing::warn!(%error, "somebody could not sign in at GitHub");
    let status = match error {
        GitHubError::Unreachable { .. } | GitHubError::RateLimited { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNAUTHORIZED,
    };
    ApiError::new(status, format!("nobody is signed in: {error}"))
}

fn of_provider(error: &ProviderError) -> ApiError {
    tracing::warn!(%error, "somebody could not sign in at the provider");
    let status = match error {
        ProviderError::Unreachable(..) => StatusCode::SERVICE_UNAVAILABLE,
        ProviderError::Refused(..) => StatusCode::UNAUTHORIZED,
        ProviderError::NoRole { .. } => StatusCode::FORBIDDEN,
    };
    ApiError::new(status, format!("nobody is signed in: {error}"))
}

/// Sends the browser to GitHub.
pub(in super::super) async fn to_github(
    State(app): State<App>,
    Asked(next): Asked<Next>,
    headers: HeaderMap,
) -> Response {
    there(&app, At::GitHub, &next.next, &headers).await
}

/// Takes the browser back from GitHub.
pub(in super::super) async fn back_from_github(
    State(app): State<App>,
    Asked(brought): Asked<Back>,
    headers: HeaderMap,
) -> Response {
    back(&app, At::GitHub, &brought, &headers).await
}

/// Sends the browser to the provider.
pub(in super::super) async fn to_provider(
    State(app): State<App>,
    Asked(next): Asked<Next>,
    headers: HeaderMap,
) -> Response {
    there(&app, At::Provider, &next.next, &headers).await
}

/// Takes the browser back from the provider.
pub(in super::super) async fn back_from_provider(
    State(app): State<App>,
    Asked(brought): Asked<Back>,
    headers: HeaderMap,
) -> Response {
    back(&app, At::Provider, &brought, &headers).await
}

/// What [`path_part`] made of a path.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?')),
                _ => return "/".to_owned(),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_survives_the_cookie() {
        for next in ["/", "/runs?state=failed&pipeline=a%20b", "/deliveries/x;y"] {
            assert_eq!(decoded(&path_part(next)), next);
            assert!(!path_part(next).contains([';', ' ', ',']));
        }
        assert_eq!(decoded("%f"), "/");
    }
}
