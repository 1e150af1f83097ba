//! `authorization: Bearer …`, held against a token of the settings.

use super::error::ApiError;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The token is compared in a time that does not depend on where it differs.
pub(super) fn bearer(headers: &HeaderMap, token: &SecretString, setting: &str) -> Result<(), ApiError> {
    let sent = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes())
        .unwrap_or_default();
    let sent = match sent.split_at_checked(7) {
        Some((scheme, sent)) if scheme.eq_ignore_ascii_case(b"bearer ") => sent,
        _ => b"",
    };
    if bool::from(sent.ct_eq(token.expose_secret().as_bytes())) {
        return Ok(());
    }
    let sentence = format!("this needs the header 'authorization: Bearer …' with the service's {setting}");
    Err(ApiError::new(StatusCode::UNAUTHORIZED, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_exact() {
        let token: SecretString = "s3cret".into();
        let passes = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers, &token, "api_token").is_ok()
        };
        assert!(passes(Some("Bearer s3cret")) && passes(Some("bearer s3cret")));
        for wrong in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer s3cre"),
            Some("Bearer s3cret2"),
            Some("Basic s3cret"),
            Some("s3cret"),
        ] {
            assert!(!passes(wrong), "{wrong:?}");
        }
    }
}
