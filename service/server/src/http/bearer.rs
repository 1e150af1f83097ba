//! `authorization: Bearer …`, held against a token of the settings.

use super::error::ApiError;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// What is sent, if anything is.
pub(super) fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, sent) = value.split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !sent.is_empty()).then_some(sent)
}

/// The token is compared in a time that does not depend on where it differs.
pub(super) fn is(sent: Option<&[u8]>, token: &SecretString) -> bool {
    sent.is_some_and(|sent| bool::from(sent.ct_eq(token.expose_secret().as_bytes())))
}

/// What is told who sent none, or a wrong one.
pub(super) fn refused(setting: &str) -> ApiError {
    let sentence = format!("this needs the header 'authorization: Bearer …' with the service's {setting}");
    ApiError::new(StatusCode::UNAUTHORIZED, sentence)
}

/// Whether the token of this setting is sent.
pub(super) fn bearer(headers: &HeaderMap, token: &SecretString, setting: &str) -> Result<(), ApiError> {
    match is(sent(headers), token) {
        true => Ok(()),
        false => Err(refused(setting)),
    }
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
