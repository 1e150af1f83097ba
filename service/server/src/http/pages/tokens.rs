//! Named tokens: who has one, for what, and how one is made or made worthless.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::may::On;
use super::super::session::Session;
use super::super::tokens::{TokenAsked, end, make};
use super::act::{Proved, Submitted, proved};
use super::frame::{Frame, ok};
use super::when::When;
use crate::views::TokenItem;
use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use std::collections::BTreeSet;
use trainyard_core::access::Role;

struct Line {
    item: TokenItem,
    made: When,
    used: Option<When>,
    ends: Option<When>,
    /// Whether it may still open something.
    good: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    roles: [Role; 4],
    /// The text of one that was just made, and its name.
    new: Option<(String, String)>,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    proof: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    /// Names with commas between them; all if empty.
    #[serde(default)]
    pipelines: String,
    /// Days; for ever if empty.
    #[serde(default)]
    days: String,
}

impl Submitted for Wanted {
    fn proof(&self) -> &str {
        &self.proof
    }
}

async fn page(app: &App, session: &Session, new: Option<(String, String)>) -> Result<Response, ApiError> {
    app.sees(&session.who, Role::Admin, On::Service).await?;
    let now = super::super::session::now();
    let tokens = app.engine.reads().tokens().await?.into_iter();
    let line = |token: trainyard_store::Token| {
        let good = token.is_valid(now);
        let item = TokenItem::from(token);
        Line {
            made: When::of(&item.created_at),
            used: item.last_used_at.as_deref().map(When::of),
            ends: item.expires_at.as_deref().map(When::of),
            good,
            item,
        }
    };
    Ok(ok(&Page {
        frame: Frame::new("Tokens", "tokens", session),
        lines: tokens.map(line).collect(),
        roles: Role::ALL,
        new,
    }))
}

pub(in super::super) async fn show(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    page(&app, &session, None).await
}

/// Makes one and shows it, this once.
pub(in super::super) async fn create(State(app): State<App>, request: Request) -> Result<Response, Response> {
    let (session, wanted) = proved::<Wanted>(request).await?;
    created(&app, &session, wanted)
        .await
        .map_err(axum::response::IntoResponse::into_response)
}

async fn created(app: &App, session: &Session, wanted: Wanted) -> Result<Response, ApiError> {
    let names = wanted.pipelines.split(',').map(|name| name.trim().to_owned());
    let names: Option<BTreeSet<String>> = match wanted.pipelines.trim() {
        "" => None,
        _ => Some(names.collect()),
    };
    let days = match wanted.days.trim() {
        "" => None,
        days => Some(days.parse().map_err(|_| {
            ApiError::bad_request(format!(
                "'{days}' is no number of days: write for example 90, or nothing"
            ))
        })?),
    };
    let asked = TokenAsked {
        name: wanted.name.trim().to_owned(),
        role: wanted.role,
        pipelines: names,
        expires_in_days: days,
        actor: None,
    };
    let made = make(app, &session.who, asked).await?;
    page(app, session, Some((made.item.name, made.token))).await
}

/// Makes one worthless.
pub(in super::super) async fn revoke(
    State(app): State<App>,
    InPath(name): InPath<String>,
    form: Proved,
) -> Result<Response, ApiError> {
    end(&app, &form.session.who, &name, None).await?;
    Ok(Redirect::to("/tokens").into_response())
}
