//! What goes wrong, as the asker is told: a status and `{"error": "one sentence"}`.

use super::answers::Answered;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which it is worth asking again.
const RETRY_AFTER: &str = "5";

/// The body of every error.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// What happened and what to do, in one sentence.
    pub(super) error: String,
}

/// An answer that is not what was asked for; it stays with the response, for who makes a page of it.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    sentence: String,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    pub(super) fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, sentence)
    }
}

impl<E: Answered> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::new(error.status(), error.sentence())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(
                status = self.status.as_u16(),
                error = self.sentence,
                "a request was not served"
            );
        }
        let body = ErrorBody {
            error: self.sentence.clone(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
            }
            StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => None,
        };
        response.extensions_mut().insert(self);
        response
    }
}

/// A path that is not in the table.
pub(super) async fn unknown_path(uri: Uri, headers: HeaderMap) -> ApiError {
    let path = uri.path();
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    // A person has the menu before the eyes, a program a description.
    let way = match accepted {
        Some(accepted) if accepted.contains("text/html") => "every page is in the menu, and each run among the runs",
        _ => "see /api/openapi.json",
    };
    ApiError::not_found(format!("there is nothing at {path}: {way}"))
}

/// A path that is, by a method that is not.
pub(super) async fn unknown_method(method: Method, uri: Uri) -> ApiError {
    let sentence = format!("{} does not take {method}: see /api/openapi.json", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, sentence)
}
