//! Who calls: the token's account, the App by its JWT, or the App's installation by its token.

use super::Shared;
use super::api_error::ApiError;
use super::apps::{App, Permissions};
use super::rights::{Reach, Rights};
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use trainyard_core::ids::RepoName;

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

/// A token that the simulator gave, or was told of.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) expires: Option<DateTime<Utc>>,
    pub(crate) rights: Rights,
}

impl Shared {
    /// The caller of the API and what it may do; the error is GitHub's.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<(Identity, Rights), ApiError> {
        let refused = |message: &str| ApiError::new(StatusCode::UNAUTHORIZED, message);
        let credentials = credentials(headers).ok_or_else(|| refused("Requires authentication"))?;
        if let Some(rights) = self.by_token(&credentials) {
            let Rights::Permissions {
                installation: Some(id), ..
            } = rights
            else {
                return Ok((Identity::User, rights));
            };
            if self
                .state()
                .installation(id)
                .is_some_and(|at| at.suspended_at.is_some())
            {
                return Err(ApiError::new(
                    StatusCode::FORBIDDEN,
                    "This installation has been suspended",
                ));
            }
            return Ok((Identity::Installation, rights));
        }
        let apps = self.state().apps.clone();
        if apps.is_empty() || credentials.split('.').count() != 3 {
            return Err(refused("Bad credentials"));
        }
        let mut said = "A JSON web token could not be decoded";
        for app in &apps {
            match check_jwt(app, &credentials) {
                Ok(()) => return Ok((Identity::App, Rights::App(app.id))),
                Err(message) => said = message,
            }
        }
        Err(refused(said))
    }

    /// Whether git may be used at a repository with these headers: `None` without credentials, false with wrong ones.
    pub(crate) fn git_access(&self, headers: &HeaderMap, repo: Option<&RepoName>, pushes: bool) -> Option<bool> {
        let rights = self.by_token(&credentials(headers)?);
        Some(match (rights, repo) {
            (None, _) => false,
            (Some(Rights::Permissions { granted, repos, .. }), Some(repo)) => {
                let has = granted.get("contents").map(String::as_str);
                repos.covers(repo) && (has == Some("write") || (has == Some("read") && !pushes))
            }
            (Some(Rights::Scopes(scopes)), Some(repo)) => {
                let private = self.state().repo(repo).is_some_and(|repo| repo.private);
                scopes
                    .iter()
                    .any(|scope| scope == "repo" || (!private && scope == "public_repo"))
            }
            _ => true,
        })
    }

    fn by_token(&self, token: &str) -> Option<Rights> {
        if token == self.config.token {
            return Some(Rights::Everything);
        }
        let known = self.state().tokens.get(token).cloned()?;
        let lasts = known.expires.is_none_or(|expires| expires > Utc::now());
        lasts.then_some(known.rights)
    }

    /// The account that the caller's comments carry.
    pub(crate) fn login(&self, identity: &Identity, rights: &Rights) -> String {
        let app = match rights {
            Rights::App(id) => Some(*id),
            Rights::Permissions { installation, .. } => {
                installation.and_then(|id| self.state().installation(id).map(|at| at.app_id))
            }
            _ => None,
        };
        match (
            identity,
            app.and_then(|id| self.state().app(id).map(|app| app.slug.clone())),
        ) {
            (Identity::Installation | Identity::App, Some(slug)) => format!("{slug}[bot]"),
            _ => self.config.login.clone(),
        }
    }

    /// A new installation token, as the API answers it.
    pub(crate) fn mint_token(&self, app: &App, installation: u64, granted: Permissions, repos: Reach) -> Value {
        let token = format!("ghs_{}", uuid::Uuid::now_v7().simple());
        let lifetime = Duration::from_std(app.token_lifetime).unwrap_or_else(|_| Duration::hours(1));
        let expires = Utc::now() + lifetime;
        let answer = json!({
            "token": token,
            "expires_at": expires.to_rfc3339_opts(SecondsFormat::Secs, true),
            "permissions": granted,
            "repository_selection": if repos.names.is_some() { "selected" } else { "all" },
        });
        let rights = Rights::Permissions {
            granted,
            installation: Some(installation),
            repos,
        };
        let token_of = Token {
            expires: Some(expires),
            rights,
        };
        self.state().tokens.insert(token, token_of);
        answer
    }
}

/// The token of `Authorization: Bearer|token …`, or the password of `Basic …`.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<String> {
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

fn check_jwt(app: &App, jwt: &str) -> Result<(), &'static str> {
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
    if issuer != Some(app.id.to_string()) {
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
