//! The doctor: what was looked at, and what to do about it.

use super::super::App;
use super::super::doctor::examined;
use super::super::error::ApiError;
use super::super::session::Session;
use super::frame::{Frame, ok};
use crate::doctor::{Check, Health};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "doctor.html")]
struct Page {
    frame: Frame,
    checks: Vec<Check>,
    problems: usize,
    warnings: usize,
}

impl Page {
    /// The class of its colour, and its sign.
    fn look(health: &Health) -> (&'static str, &'static str) {
        match health {
            Health::Ok => ("succeeded", "✓"),
            Health::Warning => ("waiting", "!"),
            Health::Problem => ("failed", "✗"),
        }
    }
}

pub(in super::super) async fn show(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    let checks = examined(&app, &session.who).await?.checks;
    let of = |health: Health| checks.iter().filter(|check| check.health == health).count();
    Ok(ok(&Page {
        frame: Frame::new("Doctor", "doctor", &session),
        problems: of(Health::Problem),
        warnings: of(Health::Warning),
        checks,
    }))
}
