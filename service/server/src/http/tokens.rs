//! Named tokens: made, listed, revoked, and what they open.

use super::error::{ApiError, ErrorBody};
use super::extract::InPath;
use super::may::On;
use super::session::now;
use super::who::Who;
use super::{App, body};
use crate::secret::fingerprint;
use crate::token::{PREFIX, Wanted};
use crate::views::{TokenItem, Tokens};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use trainyard_core::access::{Deed, Role};
use utoipa::ToSchema;

/// That one is used is written down once a minute.
const NOTED: i64 = 60 * 1_000_000;

/// Whether this may be one of ours.
pub(super) fn looks_like_one(sent: &[u8]) -> bool {
    sent.starts_with(PREFIX.as_bytes())
}

impl App {
    /// Whose token it is, if it is good.
    pub(super) async fn of_token(&self, sent: &[u8]) -> Result<Who, ApiError> {
        let refused = |why: &str| Err(ApiError::new(StatusCode::UNAUTHORIZED, why));
        let Ok(text) = std::str::from_utf8(sent) else {
            return refused("this token is none of this service's");
        };
        let hash = fingerprint(text);
        let (Some(token), at) = (self.engine.reads().token_of(&hash).await?, now()) else {
            return refused(
                "this token is none of this service's: take the api_token of its settings, or one that `trainyard token create` made",
            );
        };
        if !token.is_valid(at) {
            return refused(&format!(
                "the token '{}' is revoked or too old: `trainyard token create` makes a new one",
                token.name
            ));
        }
        if token.used_at.is_none_or(|used| used.0 < at.0 - NOTED)
            && let Err(error) = self.engine.token_used(&hash).await
        {
            tracing::debug!(%error, "it is not noted that a token was used");
        }
        Ok(Who::Token {
            name: token.name,
            scope: token.scope,
        })
    }
}

/// A token to be made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"name\": \"ci\", \"role\": \"operator\"}"
)]
pub(super) struct TokenAsked {
    /// What people call it, and what the record names: letters, digits, `-`, `_` and `.`.
    pub(super) name: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    pub(super) role: String,
    /// The pipelines it is for, by name or as `owner/name:pipeline`; all and the service itself if absent.
    #[serde(default)]
    pub(super) pipelines: Option<BTreeSet<String>>,
    /// Days until it ends by itself; never if absent.
    #[serde(default)]
    pub(super) expires_in_days: Option<u32>,
    /// Who asks, for the record.
    #[serde(default)]
    pub(super) actor: Option<String>,
}

/// A token that was just made: its text is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// What its holder sends.
    pub(super) token: String,
    #[serde(flatten)]
    pub(super) item: TokenItem,
}

/// Makes one, in somebody's name.
pub(super) async fn make(app: &App, who: &Who, asked: TokenAsked) -> Result<Made, ApiError> {
    app.may(who, Deed::CreateToken, On::Service).await?;
    let by = who.actor(asked.actor.as_deref());
    let wanted = Wanted {
        name: asked.name,
        role: asked.role,
        pipelines: asked.pipelines,
        days: asked.expires_in_days,
    };
    let (text, token) = wanted.made(by, now()).map_err(ApiError::bad_request)?;
    app.means_one(&token.scope).await?;
    app.engine.create_token(&fingerprint(&text), token.clone()).await?;
    Ok(Made {
        token: text,
        item: token.into(),
    })
}

/// Every token that there ever was, without its text.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", operation_id = "list_tokens", responses((status = 200, body = Tokens)))]
pub(super) async fn list(State(app): State<App>, who: Who) -> Result<Json<Tokens>, ApiError> {
    app.sees(&who, Role::Admin, On::Service).await?;
    let tokens = app.engine.reads().tokens().await?;
    Ok(Json(Tokens {
        tokens: tokens.into_iter().map(Into::into).collect(),
    }))
}

/// Makes a token; its text is in the answer, and nowhere else.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", operation_id = "create_token", request_body = TokenAsked,
    responses((status = 201, body = Made), (status = 409, body = ErrorBody, description = "another token has this name")))]
pub(super) async fn create(State(app): State<App>, who: Who, request: Request) -> Result<Response, ApiError> {
    let (parts, incoming) = request.into_parts();
    let made = make(&app, &who, body::json(&parts, incoming).await?).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Makes a token worthless, in somebody's name.
pub(super) async fn end(app: &App, who: &Who, name: &str, said: Option<&str>) -> Result<(), ApiError> {
    app.may(who, Deed::RevokeToken, On::Service).await?;
    match app.engine.revoke_token(name, &who.actor(said)).await? {
        true => Ok(()),
        false => Err(ApiError::not_found(format!(
            "there is no token '{name}', or it is revoked already: `trainyard token list` has all"
        ))),
    }
}

/// A token was made worthless.
#[derive(Serialize, ToSchema)]
pub(super) struct Revoked {
    name: String,
    status: &'static str,
}

/// Makes a token worthless from now on.
#[utoipa::path(post, path = "/api/v1/tokens/{name}/revoke", tag = "access", operation_id = "revoke_token",
    params(("name" = String, Path)), request_body(content = Option<super::runs::Asked>),
    responses((status = 200, body = Revoked)))]
pub(super) async fn revoke(
    State(app): State<App>,
    who: Who,
    InPath(name): InPath<String>,
    request: Request,
) -> Result<Json<Revoked>, ApiError> {
    let (parts, incoming) = request.into_parts();
    let asked: super::runs::Asked = body::json(&parts, incoming).await?;
    end(&app, &who, &name, asked.actor.as_deref()).await?;
    Ok(Json(Revoked {
        name,
        status: "revoked",
    }))
}
