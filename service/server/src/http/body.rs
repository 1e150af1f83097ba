//! Bodies, read whole within a size and a time.

use super::connections::Place;
use super::error::ApiError;
use axum::body::Body;
use axum::body::HttpBody as _;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The largest webhook GitHub sends.
pub(super) const DELIVERY_BYTES: usize = 25 * 1024 * 1024;
/// Far more than any request to the API needs.
pub(super) const JSON_BYTES: usize = 1024 * 1024;
/// More than this of a body that is too large is not waited for.
const DRAINED_BYTES: usize = 64 * 1024 * 1024;
/// A sender has this long for its whole body; GitHub itself gives up by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body up to this size is read whenever it comes; larger ones of strangers take turns, so that
/// they cannot fill the memory, and slow ones among them cannot keep an ordinary webhook out.
const SMALL_BYTES: usize = 64 * 1024;

/// A body that arrived, with its turn where it is large: it goes when the body does.
pub(super) struct Received<'a> {
    pub(super) bytes: Bytes,
    _turn: Option<SemaphorePermit<'a>>,
}

/// The body of a stranger, at most `limit` bytes.
pub(super) async fn read_in_turn<'a>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    turns: &'a Semaphore,
) -> Result<Received<'a>, ApiError> {
    read_with(headers, body, limit, Some(turns)).await
}

/// The body, at most `limit` bytes.
async fn read_with<'a>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    turns: Option<&'a Semaphore>,
) -> Result<Received<'a>, ApiError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Who asks first whether to send it is answered at once.
    if declared.is_some_and(|length| length > limit) && headers.contains_key(header::EXPECT) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(PATIENCE, collect(body, limit, turns)).await {
        Ok(read) => read,
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {}s: send it again", PATIENCE.as_secs()),
        )),
    }
}

async fn collect(mut body: Body, limit: usize, turns: Option<&Semaphore>) -> Result<Received<'_>, ApiError> {
    let expected = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    let mut read = BytesMut::with_capacity(expected.unwrap_or(0).min(SMALL_BYTES));
    let mut seen = 0_usize;
    let mut turn = None;
    let mut refused = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_request("the body broke off before its end: send it again"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if refused.is_none() {
            if seen > limit {
                refused = Some(too_large(limit));
            } else if let Some(turns) = turns.filter(|_| turn.is_none() && seen > SMALL_BYTES) {
                turn = turns.try_acquire().ok();
                refused = turn.is_none().then(crowded);
                // At its size at once: growing would take it twice.
                read.reserve(expected.unwrap_or(seen).min(limit).saturating_sub(read.len()));
            }
        }
        if refused.is_none() {
            read.extend_from_slice(&data);
            continue;
        }
        // The rest is read and forgotten: a sender that is cut off never sees the answer.
        (read, turn) = (BytesMut::new(), None);
        if seen > DRAINED_BYTES {
            break;
        }
    }
    match refused {
        Some(error) => Err(error),
        None => Ok(Received {
            bytes: read.freeze(),
            _turn: turn,
        }),
    }
}

fn crowded() -> ApiError {
    let sentence = "too many large deliveries are being received: send it again";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
}

fn too_large(limit: usize) -> ApiError {
    let sentence = format!(
        "the body has more than {} MiB, which is the most that is taken",
        limit / (1024 * 1024)
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
}

/// A JSON body; an empty one is `T`'s default.
pub(super) async fn json<T: DeserializeOwned + Default>(parts: &Parts, body: Body) -> Result<T, ApiError> {
    let read = read_with(&parts.headers, body, JSON_BYTES, None).await;
    Place::of(&parts.extensions).iter().for_each(Place::arrived);
    let bytes = read?.bytes;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    let is_null = bytes.trim_ascii() == b"null";
    if content_type(&parts.headers).is_none_or(|kind| kind != "application/json") {
        let sentence = "the body is taken as JSON only: send it with content-type: application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    // As if there were none.
    if is_null {
        return Ok(T::default());
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::bad_request(format!("the body is not what is asked for here: {error}")))
}

/// The media type without its parameters, in lower case.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}
