//! How much each account may ask: GitHub's primary limit, and of the secondary ones that on writes.

use super::api_error::ApiError;
use super::rights::Rights;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// What every account may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls an hour.
    pub calls_per_hour: u64,
    /// Writes in any minute; `None` is no limit.
    pub writes_per_minute: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_hour: 5000,
            writes_per_minute: None,
        }
    }
}

/// What was asked so far.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    /// Calls that were refused.
    pub(crate) refused: usize,
    used: HashMap<String, Used>,
}

#[derive(Default)]
struct Used {
    calls: u64,
    /// The second in which there are new calls.
    reset: i64,
    writes: VecDeque<Instant>,
}

/// The account whose limit counts: an installation has its own, and so has a user.
pub(crate) fn account(rights: &Rights) -> String {
    match rights {
        Rights::Permissions {
            installation: Some(id), ..
        } => format!("installation {id}"),
        Rights::App(id) => format!("app {id}"),
        _ => "user".to_owned(),
    }
}

impl Meter {
    /// Counts a call; the answer of one that is too many.
    pub(crate) fn count(&mut self, account: &str, writes: bool) -> Option<Response> {
        let now = Utc::now().timestamp();
        let used = self.used.entry(account.to_owned()).or_default();
        if used.reset <= now {
            (used.calls, used.reset) = (0, now + 3600);
        }
        if used.calls >= self.limits.calls_per_hour {
            self.refused += 1;
            let message = format!("API rate limit exceeded for {account}.");
            return Some(ApiError::new(StatusCode::FORBIDDEN, message).into_response());
        }
        used.calls += 1;
        let most = self.limits.writes_per_minute.filter(|_| writes)?;
        let at = Instant::now();
        used.writes.retain(|write| at.duration_since(*write) < MINUTE);
        if used.writes.len() >= most {
            self.refused += 1;
            let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let mut response = ApiError::new(StatusCode::FORBIDDEN, message).into_response();
            response.headers_mut().insert("retry-after", HeaderValue::from(60_u64));
            return Some(response);
        }
        used.writes.push_back(at);
        None
    }

    /// What has not changed since it was asked before costs nothing.
    pub(crate) fn forgive(&mut self, account: &str) {
        if let Some(used) = self.used.get_mut(account) {
            used.calls = used.calls.saturating_sub(1);
        }
    }

    /// Calls of this hour, of how many, and the second in which there are new ones.
    pub(crate) fn read(&self, account: &str) -> (u64, u64, i64) {
        let of = self.limits.calls_per_hour;
        match self.used.get(account) {
            Some(used) => (used.calls, of, used.reset),
            None => (0, of, Utc::now().timestamp() + 3600),
        }
    }

    /// The headers of every answer.
    pub(crate) fn headers(&self, account: &str) -> HeaderMap {
        let (used, of, reset) = self.read(account);
        let number = |number: u64| HeaderValue::from(number);
        let pairs = [
            ("x-ratelimit-limit", number(of)),
            ("x-ratelimit-remaining", number(of.saturating_sub(used))),
            ("x-ratelimit-used", number(used)),
            ("x-ratelimit-reset", HeaderValue::from(reset)),
            ("x-ratelimit-resource", HeaderValue::from_static("core")),
        ];
        let named = pairs.map(|(name, value)| (axum::http::HeaderName::from_static(name), value));
        named.into_iter().collect()
    }
}
