//! The style sheet and the script: a part of the program, and kept by browsers until it is another one.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../../assets/style.css");
const SCRIPT: &str = include_str!("../../../assets/live.js");

pub(in super::super) async fn style(headers: HeaderMap) -> Response {
    static TAG: LazyLock<String> = LazyLock::new(|| tag(STYLE));
    asset(&headers, "text/css; charset=utf-8", STYLE, &TAG)
}

pub(in super::super) async fn script(headers: HeaderMap) -> Response {
    static TAG: LazyLock<String> = LazyLock::new(|| tag(SCRIPT));
    asset(&headers, "text/javascript; charset=utf-8", SCRIPT, &TAG)
}

/// Another text has another tag.
fn tag(text: &str) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(text.as_bytes())))
}

/// Asked for anew with each page, and answered without a body while it is the same.
fn asset(asked: &HeaderMap, kind: &'static str, text: &'static str, tag: &str) -> Response {
    let known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => text.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
