//! Who is signed in: a session in the database, found by the hash of what a browser's cookie holds.

use super::App;
use super::error::ApiError;
use super::who::Who;
use crate::secret::{fingerprint, secret};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::ExposeSecret as _;
use std::io;
use std::time::Duration;
use trainyard_core::access::Identity;
use trainyard_core::ids::Micros;
use trainyard_store::{Over, SessionRow};

/// The cookie's name.
const COOKIE: &str = "trainyard_session";
/// A session that is not used for so long is over, and so is one that began so long ago.
const IDLE: Duration = Duration::from_secs(12 * 3600);
const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// That it is used is written down this often.
const NOTED: Duration = Duration::from_secs(300);
/// More people than work here; the one that was used longest ago makes room.
const MOST: u32 = 1000;

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Who.
    pub(super) who: Who,
    /// What a form of this session's pages brings along: no other page knows it.
    pub(super) proof: String,
    /// The change of the store that its page shows, or a newer one.
    pub(super) change: u64,
    /// Whether there is a session to end; a service without a token has none.
    pub(super) signed_in: bool,
}

impl Session {
    /// The name for the record, and for the page.
    pub(super) fn actor(&self) -> &str {
        self.who.name()
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "nobody is signed in: open /sign-in"))
    }
}

/// What forms bring along where nobody signs in.
pub(super) struct Unsigned(io::Result<String>);

impl Default for Unsigned {
    fn default() -> Self {
        Self(secret())
    }
}

impl Unsigned {
    /// Whoever works on this machine, where the service has no token.
    pub(super) fn session(&self) -> Option<Session> {
        Some(Session {
            who: Who::Machine,
            proof: self.0.as_ref().ok()?.clone(),
            change: 0,
            signed_in: false,
        })
    }
}

/// Text that nobody guesses; where there is none, nobody can sign in.
pub(super) fn random() -> Result<String, ApiError> {
    secret().map_err(|error| {
        let sentence = format!("this machine gives no random numbers: {error}");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, sentence)
    })
}

pub(super) fn now() -> Micros {
    Micros(chrono::Utc::now().timestamp_micros())
}

fn before(at: Micros, age: Duration) -> Micros {
    Micros(at.0.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)))
}

fn is_over(row: &SessionRow, at: Micros) -> bool {
    let longest = match row.identity {
        // What a provider said of somebody is asked again each working day.
        Identity::Claimed { .. } => IDLE,
        Identity::Service | Identity::Account { .. } => LONGEST,
    };
    row.used_at < before(at, IDLE) || row.began_at < before(at, longest)
}

impl App {
    /// What a session is kept under. With another API token nobody is signed in any more.
    fn key(&self, token: &str) -> String {
        let own = self.config.api_token.as_ref().map_or("", |own| own.expose_secret());
        fingerprint(&format!("{token} {own}"))
    }

    /// Begins one; what the cookie holds.
    pub(super) async fn begin_session(&self, identity: Identity) -> Result<String, ApiError> {
        let (token, proof) = (random()?, random()?);
        let at = now();
        let new = SessionRow {
            identity,
            proof,
            began_at: at,
            used_at: at,
        };
        let over = Over {
            unused_since: before(at, IDLE),
            began_before: before(at, LONGEST),
            most: MOST,
        };
        self.engine.begin_session(&self.key(&token), new, over).await?;
        Ok(token)
    }

    /// The session of a request, if it has one that is not over.
    pub(super) async fn session_of(&self, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
        let Some(token) = cookie(headers, COOKIE) else {
            return Ok(None);
        };
        let (hash, at) = (self.key(token), now());
        let found = self.engine.reads().session(&hash).await?;
        let Some(row) = found.filter(|row| !is_over(row, at)) else {
            return Ok(None);
        };
        // Who signed in by a way that is there no more is asked again.
        if !self.config.ways_in().takes(&row.identity) {
            return Ok(None);
        }
        if row.used_at < before(at, NOTED)
            && let Err(error) = self.engine.session_used(&hash).await
        {
            tracing::debug!(%error, "it is not noted that a session was used");
        }
        Ok(Some(Session {
            who: Who::Person(row.identity),
            proof: row.proof,
            change: 0,
            signed_in: true,
        }))
    }

    /// Ends the session of a request.
    pub(super) async fn end_session(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match cookie(headers, COOKIE) {
            Some(token) => Ok(self.engine.end_session(&self.key(token)).await?),
            None => Ok(()),
        }
    }
}

/// The header that has a browser keep what its cookie is to hold, or forget it. `secure` where people come by TLS.
pub(super) fn set_cookie(token: Option<&str>, secure: bool) -> String {
    // Lax: the link in a commit status comes from another site, and must find who is signed in.
    kept(COOKIE, token, None, secure)
}

/// The same of any cookie, for a while if it says how long.
pub(super) fn kept(name: &str, value: Option<&str>, seconds: Option<u32>, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let age = match (value, seconds) {
        (None, _) => "; Max-Age=0".to_owned(),
        (Some(_), Some(seconds)) => format!("; Max-Age={seconds}"),
        (Some(_), None) => String::new(),
    };
    let value = value.unwrap_or_default();
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// What a request's cookie of this name holds.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='));
    let mut found = pairs.map(|(name, value)| (name.trim(), value.trim()));
    found.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "theme=dark; a=1=2".parse().unwrap());
        headers.append(header::COOKIE, format!("{COOKIE}=t").parse().unwrap());
        let found = ["theme", "a", COOKIE, "other"].map(|name| cookie(&headers, name));
        assert_eq!(found, [Some("dark"), Some("1=2"), Some("t"), None]);
    }

    #[test]
    fn a_session_ends_by_itself() {
        let of = |began: u64, used: u64| SessionRow {
            identity: Identity::Service,
            proof: String::new(),
            began_at: before(now(), Duration::from_secs(began)),
            used_at: before(now(), Duration::from_secs(used)),
        };
        for (began, used, over) in [
            (0, 0, false),
            (6 * 86_400, 3600, false),
            (86_400, 13 * 3600, true),
            (8 * 86_400, 0, true),
        ] {
            assert_eq!(is_over(&of(began, used), now()), over, "{began} {used}");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let way = kept("trainyard_sign_in", Some("x"), Some(600), false);
        insta::assert_snapshot!([set_cookie(Some("t"), true), set_cookie(None, false), way].join("\n"), @"
        trainyard_session=t; Path=/; HttpOnly; SameSite=Lax; Secure
        trainyard_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0
        trainyard_sign_in=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600
        ");
    }
}
