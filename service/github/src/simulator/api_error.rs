//! GitHub's form of an error.

use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::fmt;

/// GitHub's form of an error.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
    moved_to: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
            moved_to: None,
        }
    }

    /// A repository has another name; what is sent is sent again there.
    pub(crate) fn moved(method: &Method, place: String) -> Self {
        let status = match *method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        Self {
            moved_to: Some(place),
            ..Self::new(status, "Moved Permanently")
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Resource not accessible by integration")
    }

    /// 422 because of one field.
    pub(crate) fn invalid(resource: &str, field: &str, message: impl Into<String>) -> Self {
        let error = json!({"resource": resource, "field": field, "code": "custom", "message": message.into()});
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "Validation Failed".to_owned(),
            errors: vec![error],
            moved_to: None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        self.errors
            .iter()
            .filter_map(|error| error["message"].as_str())
            .try_for_each(|message| write!(f, ": {message}"))
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "message": self.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": self.status.as_u16().to_string(),
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        match self.moved_to {
            Some(place) => {
                body["url"] = place.as_str().into();
                (self.status, [(header::LOCATION, place)], Json(body)).into_response()
            }
            None => (self.status, Json(body)).into_response(),
        }
    }
}
