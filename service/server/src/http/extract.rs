//! Parts of a request, with errors as the API words them.

use super::error::ApiError;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The query string.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(value)| Self(value))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let reason = text
                    .rsplit_once("query string: ")
                    .map_or(text.as_str(), |(_, reason)| reason);
                // The standard library's words for numbers are about digits and types.
                let reason = reason
                    .replace("invalid digit found in string", "not a whole number")
                    .replace("number too large to fit in target type", "too large a number");
                ApiError::bad_request(format!("the query string is wrong: {reason}"))
            })
    }
}

/// The variable parts of the path.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(value) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::bad_request("the path cannot be read: its parts are percent-encoded UTF-8"))?;
        Ok(Self(value))
    }
}
