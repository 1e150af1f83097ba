//! Who is signed in: a session in the memory of the service, found by a cookie. A restart signs everybody out.

use super::error::ApiError;
use crate::secret::secret;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The cookie's name.
const COOKIE: &str = "trainyard_session";
/// A session that is not used for so long is over.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// More people than work here; the one that was used longest ago makes room.
const MOST: usize = 1000;

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Who, for the record.
    pub(super) actor: String,
    /// What a form of this session's pages brings along: no other page knows it.
    pub(super) proof: String,
    /// The change of the store that its page shows, or a newer one.
    pub(super) change: u64,
    /// Whether there is a session to end; a service without a token has none.
    pub(super) signed_in: bool,
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "nobody is signed in: open /sign-in"))
    }
}

struct Kept {
    session: Session,
    used: Instant,
}

/// All sessions, by the hash of what their cookies hold.
pub(super) struct Sessions {
    all: Mutex<HashMap<[u8; 32], Kept>>,
    /// What forms bring along where nobody signs in.
    proof: io::Result<String>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            all: Mutex::default(),
            proof: secret(),
        }
    }
}

impl Sessions {
    /// Begins one; what the cookie holds.
    pub(super) fn begin(&self, actor: &str) -> io::Result<String> {
        let (token, proof) = (secret()?, secret()?);
        let session = Session {
            actor: actor.to_owned(),
            proof,
            change: 0,
            signed_in: true,
        };
        let used = Instant::now();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, kept| kept.used.elapsed() < IDLE);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key)
        {
            all.remove(&oldest);
        }
        all.insert(key(&token), Kept { session, used });
        Ok(token)
    }

    /// The session of a request, if it has one that is not over.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let key = key(cookie(headers)?);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(&key).filter(|kept| kept.used.elapsed() < IDLE)?;
        kept.used = Instant::now();
        Some(kept.session.clone())
    }

    /// Whoever works on this machine, where the service has no token.
    pub(super) fn of_this_machine(&self) -> Option<Session> {
        Some(Session {
            actor: "local".to_owned(),
            proof: self.proof.as_ref().ok()?.clone(),
            change: 0,
            signed_in: false,
        })
    }

    /// Ends the session of a request.
    pub(super) fn end(&self, headers: &HeaderMap) {
        if let Some(token) = cookie(headers) {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(&key(token));
        }
    }
}

/// The header that has a browser keep what its cookie is to hold, or forget it. `secure` where people come by TLS.
pub(super) fn set_cookie(token: Option<&str>, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let age = if token.is_some() { "" } else { "; Max-Age=0" };
    // Lax: the link in a commit status comes from another site, and must find who is signed in.
    let token = token.unwrap_or_default();
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = all
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='));
    let found = pairs.map(|(name, value)| (name.trim(), value.trim()));
    found
        .into_iter()
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_session_is_who_has_its_cookie_until_it_is_ended() {
        let sessions = Sessions::default();
        let token = sessions.begin("ada").unwrap();
        let hers = with_cookie(&format!("theme=dark; {COOKIE}={token}"));
        let session = sessions.of(&hers).unwrap();
        assert_eq!(session.actor, "ada");
        assert_ne!(session.proof, token);
        for foreign in ["", "trainyard_session=", "trainyard_session=guess", "other=1"] {
            assert_eq!(sessions.of(&with_cookie(foreign)), None, "{foreign}");
        }
        sessions.end(&hers);
        assert_eq!(sessions.of(&hers), None);
    }

    #[test]
    fn there_are_not_more_than_that() {
        let sessions = Sessions::default();
        let tokens: Vec<String> = (0..=MOST).map(|_| sessions.begin("ada").unwrap()).collect();
        let is_there = |token: &String| sessions.of(&with_cookie(&format!("{COOKIE}={token}"))).is_some();
        assert!(!is_there(&tokens[0]) && is_there(&tokens[1]) && is_there(&tokens[MOST]));
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        insta::assert_snapshot!([set_cookie(Some("t"), true), set_cookie(None, false)].join("\n"), @"
        trainyard_session=t; Path=/; HttpOnly; SameSite=Lax; Secure
        trainyard_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0
        ");
    }
}
