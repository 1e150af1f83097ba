//! Scripted trouble of the REST API.

use super::api_error::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use std::collections::VecDeque;

/// What one call of the API meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: this call is answered as always.
    Pass,
    /// This status and nothing is done, for example 500, 502 or 401.
    Status(u16),
    /// 429 with `retry-after` in seconds.
    RetryAfter(u64),
    /// 403: the hour's calls are used up, and there are new ones in so many seconds.
    PrimaryLimit(u64),
    /// 403 with nothing but a message.
    SecondaryLimit,
    /// No answer, ever; nothing is done.
    Hang,
    /// The call is done, but its answer breaks off.
    LoseAnswer,
}

/// What calls meet: the next ones in order, and the first of those of a method whose path has a part.
#[derive(Default)]
pub(crate) struct Faults {
    next: VecDeque<Fault>,
    aimed: Vec<(String, String, Fault)>,
}

impl Faults {
    pub(crate) fn add(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.next.extend(faults);
    }

    pub(crate) fn aim(&mut self, method: &str, part: &str, fault: Fault) {
        self.aimed.push((method.to_owned(), part.to_owned(), fault));
    }

    pub(crate) fn left(&self) -> usize {
        self.next.len() + self.aimed.len()
    }

    /// What this call meets.
    pub(crate) fn meet(&mut self, method: &str, path: &str) -> Fault {
        let mut aimed = self.aimed.iter();
        match aimed.position(|(of, part, _)| of == method && path.contains(part.as_str())) {
            Some(at) => self.aimed.remove(at).2,
            None => self.next.pop_front().unwrap_or(Fault::Pass),
        }
    }
}

impl Fault {
    /// The answer instead of the real one; `None` when the real one is needed.
    pub(crate) async fn answer(self) -> Option<Response> {
        match self {
            Self::Pass | Self::LoseAnswer => None,
            Self::Hang => std::future::pending().await,
            Self::Status(code) => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(ApiError::new(status, "simulated fault").into_response())
            }
            Self::RetryAfter(seconds) => Some(limited(
                StatusCode::TOO_MANY_REQUESTS,
                "API rate limit exceeded",
                &[("retry-after", seconds)],
            )),
            Self::PrimaryLimit(seconds) => {
                let reset = u64::try_from(Utc::now().timestamp()).unwrap_or(0) + seconds;
                let headers = [("x-ratelimit-remaining", 0), ("x-ratelimit-reset", reset)];
                Some(limited(
                    StatusCode::FORBIDDEN,
                    "API rate limit exceeded for user ID 1.",
                    &headers,
                ))
            }
            Self::SecondaryLimit => {
                let message =
                    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
                Some(limited(StatusCode::FORBIDDEN, message, &[]))
            }
        }
    }
}

fn limited(status: StatusCode, message: &str, headers: &[(&'static str, u64)]) -> Response {
    let mut response = ApiError::new(status, message).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from(*value));
    }
    response
}

/// An answer whose body breaks off.
pub(crate) fn broken_off(status: StatusCode) -> Response {
    let cut = futures_util::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("simulated fault")) });
    (status, Body::from_stream(cut)).into_response()
}
