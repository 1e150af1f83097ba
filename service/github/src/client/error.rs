//! Failures of GitHub, typed by what the caller does about them.

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trainyard_core::permission::{Denied, No, Who};

/// What to do about a call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// Wait: GitHub bans those who go on calling.
    #[error("GitHub asks to wait {} seconds before the next call", retry_after.as_secs())]
    RateLimited {
        /// How long to make no call.
        retry_after: Duration,
        /// Whether GitHub named the time; if not, it is a guess that doubles.
        named: bool,
    },
    /// A person must change the token, the App's key or their permissions.
    #[error("GitHub refuses us: {hint}")]
    Unauthorized {
        /// What GitHub said and what to change.
        hint: String,
    },
    /// A person must give the App or the token a permission.
    #[error("GitHub refuses us: {hint}")]
    Forbidden {
        /// What GitHub said and what to change.
        hint: String,
    },
    /// It does not exist, or the token may not see it.
    #[error("GitHub knows no {what}{hint}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// What may be in the way if it exists, and where that is changed.
        hint: String,
    },
    /// The same request will never succeed.
    #[error("GitHub rejected the request: {message}")]
    Rejected {
        /// GitHub's reason.
        message: String,
    },
    /// Try again later: no answer, or a failure on GitHub's side.
    #[error("GitHub cannot be reached: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
    },
}

/// The first guess when GitHub limits us without naming a time.
const FIRST_GUESS: Duration = Duration::from_secs(60);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// GitHub's messages are cut here.
const MAX_MESSAGE: usize = 300;

impl GitHubError {
    /// A request that will never succeed.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::Rejected {
            message: message.into(),
        }
    }

    /// No answer.
    pub(crate) fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable { reason: reason.into() }
    }

    /// Somebody must change a setting.
    pub(crate) fn unauthorized(hint: impl Into<String>) -> Self {
        Self::Unauthorized { hint: hint.into() }
    }

    /// The meaning of an answer that is not a success.
    pub(crate) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &str, asked: &Asked<'_>) -> Self {
        let message =
            message_of(body).unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned());
        if let Some(limited) = limited(status, headers, &message) {
            return limited;
        }
        let denied = || asked.denied(status, headers, &message);
        match status.as_u16() {
            code @ (401 | 403) => {
                let hint = match denied() {
                    Some(sentence) => format!("{message}; {sentence}"),
                    None => message,
                };
                if code == 401 {
                    Self::unauthorized(hint)
                } else {
                    Self::Forbidden { hint }
                }
            }
            404 => Self::NotFound {
                what: asked.what.to_owned(),
                hint: denied().map_or_else(
                    || ", or we may not see it".to_owned(),
                    |sentence| format!("; {sentence}"),
                ),
            },
            301 | 302 | 307 | 308 => Self::rejected(format!("{} has moved: was the repository renamed?", asked.what)),
            500..=599 | 408 => Self::unreachable(format!("it answered {}: {message}", status.as_u16())),
            code => Self::rejected(format!("{message} ({code})")),
        }
    }
}

/// A request whose answer is judged.
pub(crate) struct Asked<'a> {
    pub(crate) who: Who,
    /// The address of GitHub's pages.
    pub(crate) html_url: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The thing asked for, in words.
    pub(crate) what: &'a str,
}

impl Asked<'_> {
    /// What is in the way, and where it is changed.
    fn denied(&self, status: StatusCode, headers: &HeaderMap, message: &str) -> Option<String> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let no = No {
            status: status.as_u16(),
            message,
            method: self.method,
            path: self.path,
            accepted: header("x-accepted-github-permissions"),
            scopes: header("x-oauth-scopes"),
            accepted_scopes: header("x-accepted-oauth-scopes"),
        };
        Denied::of(self.who, &no).map(|denied| denied.sentence(self.html_url))
    }
}

/// Primary and secondary limits come as 403 or 429, recognised by headers or by the message.
fn limited(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<GitHubError> {
    if !matches!(status.as_u16(), 403 | 429) {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(wait(Duration::from_secs(seconds), true));
    }
    if number("x-ratelimit-remaining") == Some(0)
        && let Some(reset) = number("x-ratelimit-reset")
    {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        // One second more, because clocks differ.
        return Some(wait(Duration::from_secs(reset.saturating_sub(now) + 1), true));
    }
    let told = status == StatusCode::TOO_MANY_REQUESTS || message.to_ascii_lowercase().contains("rate limit");
    told.then(|| wait(FIRST_GUESS, false))
}

fn wait(retry_after: Duration, named: bool) -> GitHubError {
    GitHubError::RateLimited {
        retry_after: retry_after.clamp(Duration::from_secs(1), LONGEST_WAIT),
        named,
    }
}

/// The guess after `earlier` limits in a row without a named time.
pub(crate) fn guessed_wait(earlier: u32) -> Duration {
    FIRST_GUESS
        .saturating_mul(2_u32.saturating_pow(earlier.min(10)))
        .min(LONGEST_WAIT)
}

/// GitHub's `message` with the messages of its `errors`, on one line.
fn message_of(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let mut parts = vec![body.get("message")?.as_str()?.to_owned()];
    for error in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let part = error.as_str().or_else(|| text("message")).map(str::to_owned);
        parts.extend(part.or_else(|| Some(format!("{} {}", text("field")?, text("code")?))));
    }
    let line = parts.join(", ").split_whitespace().collect::<Vec<_>>().join(" ");
    Some(shortened(&line, MAX_MESSAGE))
}

/// At most `limit` characters, the last one `…` when something was cut.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        GitHubError::from_answer(
            StatusCode::from_u16(status).unwrap(),
            &map,
            body,
            &Asked {
                who: Who::Installation(Some(99)),
                html_url: "https://github.com",
                method: "POST",
                path: "/repos/acme/flights/statuses/abc",
                what: "branch 'x' of acme/flights",
            },
        )
        .to_string()
    }

    #[test]
    fn answers_become_what_to_do() {
        let limit = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        let invalid = r#"{"message":"Validation Failed","errors":[{"resource":"Status","code":"custom","field":"description","message":"description is too long"},{"field":"state","code":"invalid"},"third"]}"#;
        let said = [
            answer(429, &[("retry-after", "17")], "{}"),
            answer(403, &[("retry-after", "5")], limit),
            answer(403, &[], limit),
            answer(429, &[], "not json"),
            answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")], "{}"),
            answer(
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")],
                "{}",
            ),
            answer(
                403,
                &[("x-ratelimit-remaining", "4000")],
                r#"{"message":"Resource not accessible by integration"}"#,
            ),
            answer(401, &[], r#"{"message":"Bad credentials"}"#),
            answer(404, &[], r#"{"message":"Not Found"}"#),
            answer(422, &[], invalid),
            answer(502, &[], "<html>"),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        GitHub asks to wait 17 seconds before the next call
        GitHub asks to wait 5 seconds before the next call
        GitHub asks to wait 60 seconds before the next call
        GitHub asks to wait 60 seconds before the next call
        GitHub asks to wait 1 seconds before the next call
        GitHub asks to wait 3600 seconds before the next call
        GitHub refuses us: Resource not accessible by integration; the App needs the repository permission 'Commit statuses: read and write': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (99); `trainyard doctor` has the pages
        GitHub refuses us: Bad credentials; check github.app_id, and that github.private_key_file is a key of this App; and this machine's clock, by which GitHub judges what is signed
        GitHub knows no branch 'x' of acme/flights; if it exists, the App is not installed in acme/flights: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations
        GitHub rejected the request: Validation Failed, description is too long, state invalid, third (422)
        GitHub cannot be reached: it answered 502: Bad Gateway
        ");
    }

    #[test]
    fn guesses_double_up_to_an_hour() {
        let seconds: Vec<u64> = (0..9).map(|earlier| guessed_wait(earlier).as_secs()).collect();
        assert_eq!(seconds, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    }

    proptest! {
        #[test]
        fn shortened_text_fits_and_begins_the_same(text in "\\PC{0,200}") {
            let short = shortened(&text, 140);
            prop_assert!(short.chars().count() <= 140);
            prop_assert!(short == text || text.starts_with(short.trim_end_matches('…')));
        }
    }
}
