//! Who calls: the token's account, the App by its JWT, or the App's installation by its token.

use super::{Shared, SimulatedApp};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Duration, SecondsFormat, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The personal access token.
    User,
    /// The App itself.
    App,
    /// The App's installation.
    Installation,
}

/// GitHub's longest life of a JWT, in seconds, and the drift it forgives.
const MAX_JWT_SECONDS: i64 = 600;
const DRIFT_SECONDS: i64 = 60;

impl Shared {
    /// The caller of the API; the error is GitHub's message of its 401.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Identity, &'static str> {
        let credentials = credentials(headers).ok_or("Requires authentication")?;
        if let Some(identity) = self.by_token(&credentials) {
            return Ok(identity);
        }
        match &self.config.app {
            Some(app) if credentials.split('.').count() == 3 => check_jwt(app, &credentials).map(|()| Identity::App),
            _ => Err("Bad credentials"),
        }
    }

    /// Whether git may be used with these headers: `None` without credentials, false with wrong ones.
    pub(crate) fn git_access(&self, headers: &HeaderMap) -> Option<bool> {
        Some(self.by_token(&credentials(headers)?).is_some())
    }

    fn by_token(&self, token: &str) -> Option<Identity> {
        if token == self.config.token {
            return Some(Identity::User);
        }
        let expires = *self.state().tokens.get(token)?;
        (expires > Utc::now()).then_some(Identity::Installation)
    }

    /// The account that the caller's comments carry.
    pub(crate) fn login(&self, identity: &Identity) -> String {
        match (identity, &self.config.app) {
            (Identity::Installation | Identity::App, Some(app)) => format!("{}[bot]", app.slug),
            _ => self.config.login.clone(),
        }
    }

    /// A new installation token, as the API answers it.
    pub(crate) fn mint_token(&self, app: &SimulatedApp) -> Value {
        let token = format!("ghs_{}", uuid::Uuid::now_v7().simple());
        let lifetime = Duration::from_std(app.token_lifetime).unwrap_or_else(|_| Duration::hours(1));
        let expires = Utc::now() + lifetime;
        self.state().tokens.insert(token.clone(), expires);
        json!({
            "token": token,
            "expires_at": expires.to_rfc3339_opts(SecondsFormat::Secs, true),
            "permissions": {"contents": "read", "metadata": "read", "pull_requests": "write", "statuses": "write"},
            "repository_selection": "all",
        })
    }
}

/// The token of `Authorization: Bearer|token …`, or the password of `Basic …`.
fn credentials(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.trim().to_owned()),
        "basic" => {
            let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            let (user, password) = pair.split_once(':')?;
            Some(if password.is_empty() {
                user.to_owned()
            } else {
                password.to_owned()
            })
        }
        _ => None,
    }
}

fn check_jwt(app: &SimulatedApp, jwt: &str) -> Result<(), &'static str> {
    let undecodable = "A JSON web token could not be decoded";
    let key =
        DecodingKey::from_rsa_pem(app.public_key.as_bytes()).map_err(|_| "the simulator's public key is no PEM")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims = ["exp".to_owned()].into();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = jsonwebtoken::decode::<Value>(jwt, &key, &validation)
        .map_err(|_| undecodable)?
        .claims;
    let number = |name: &str| claims.get(name).and_then(Value::as_i64).ok_or(undecodable);
    let (issued, expires, now) = (number("iat")?, number("exp")?, Utc::now().timestamp());
    let issuer = claims
        .get("iss")
        .map(|iss| iss.as_str().map_or_else(|| iss.to_string(), str::to_owned));
    if issuer != Some(app.app_id.to_string()) {
        return Err("'Issuer' claim ('iss') must be an Integer or a client id");
    }
    if expires < now {
        return Err(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        );
    }
    if expires > now + MAX_JWT_SECONDS + DRIFT_SECONDS || expires - issued > MAX_JWT_SECONDS + DRIFT_SECONDS {
        return Err("'Expiration time' claim ('exp') is too far in the future");
    }
    if issued > now + DRIFT_SECONDS {
        return Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
    }
    Ok(())
}
