//! What a browser sends to who does not know it yet: what is wrong with it is a page.

use super::super::error::ApiError;
use super::super::extract::Parameters;
use super::frame::problem;
use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

/// The query string.
pub(in super::super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = Parameters::from_request_parts(parts, state).await;
        read.map(|Parameters(value)| Self(value))
            .map_err(|error| problem(None, &error))
    }
}

/// A form.
pub(in super::super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = Form::<T>::from_request(request, state).await;
        read.map(|Form(value)| Self(value)).map_err(|rejection| {
            let sentence = format!("the form cannot be read: {}", rejection.body_text());
            problem(None, &ApiError::new(rejection.status(), sentence))
        })
    }
}
