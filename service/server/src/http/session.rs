//! Who is signed in: a session in the database, found by the hash of what a browser's cookie holds.

use super::App;
use super::error::ApiError;
use super::who::Who;
use crate::secret::{fingerprint, secret};
use crate::session::{IDLE, LONGEST, before, is_over};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::ExposeSecret as _;
use std::io;
use std::time::Duration;
use trainyard_core::access::{Identity, Role};
use trainyard_core::ids::Micros;
use trainyard_store::{Over, SessionRow};

/// The cookie's name.
const COOKIE: &str = "trainyard_session";
/// What a browser takes from this very host only, by TLS and for all paths: no neighbour's site can set it.
const OF_THIS_HOST: &str = "__Host-";
/// That it is used is written down this often.
const NOTED: Duration = Duration::from_secs(300);
/// More people than work here; the one that was used longest ago makes room.
const MOST: u32 = 1000;
/// Browsers of one person.
const MOST_OF_ONE: u32 = 20;

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
    /// The role for the service itself, by which pages are worth a link.
    pub(super) role: Option<Role>,
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
            role: Some(Role::Admin),
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
            most_of_one: MOST_OF_ONE,
        };
        self.engine.begin_session(&self.key(&token), new, over).await?;
        Ok(token)
    }

    /// The session of a request, if it has one that is not over.
    pub(super) async fn session_of(&self, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
        let Some(hash) = self.session_hash(headers) else {
            return Ok(None);
        };
        let at = now();
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
            role: None,
        }))
    }

    /// Ends the session of a request.
    pub(super) async fn end_session(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match self.session_hash(headers) {
            Some(hash) => Ok(self.engine.end_session(&hash).await?),
            None => Ok(()),
        }
    }

    /// What the session of a request is kept under, if its cookie has one.
    pub(super) fn session_hash(&self, headers: &HeaderMap) -> Option<String> {
        Some(self.key(cookie(headers, COOKIE, self.is_secure())?))
    }

    /// Whether people come by TLS.
    pub(super) fn is_secure(&self) -> bool {
        let url = self.config.public_url.as_deref();
        url.is_some_and(|url| url.starts_with("https://"))
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
    let (name, value) = (full(name, !secure.is_empty()), value.unwrap_or_default());
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

/// The name of a cookie as browsers are told it.
fn full(name: &str, secure: bool) -> String {
    match secure {
        true => format!("{OF_THIS_HOST}{name}"),
        false => name.to_owned(),
    }
}

/// What a request's cookie of this name holds.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str, secure: bool) -> Option<&'h str> {
    let name = full(name, secure);
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
        let found = ["theme", "a", COOKIE, "other"].map(|name| cookie(&headers, name, false));
        assert_eq!(found, [Some("dark"), Some("1=2"), Some("t"), None]);
        assert_eq!(
            cookie(&headers, COOKIE, true),
            None,
            "a neighbour may have set this one"
        );
        headers.append(header::COOKIE, format!("__Host-{COOKIE}=s").parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE, true), Some("s"));
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let way = kept("trainyard_sign_in", Some("x"), Some(600), false);
        insta::assert_snapshot!([set_cookie(Some("t"), true), set_cookie(None, false), way].join("\n"), @"
        __Host-trainyard_session=t; Path=/; HttpOnly; SameSite=Lax; Secure
        trainyard_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0
        trainyard_sign_in=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600
        ");
    }
}
