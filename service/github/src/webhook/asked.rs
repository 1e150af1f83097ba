//! What people ask for: comments of pull requests, and the buttons of check runs and suites.

use super::{Derived, Ignored, MaybeSha, PayloadError, Repository, WithId, moment, parse, printable};
use serde::Deserialize;
use trainyard_core::command::{Asked, Button, MOST_COMMANDS, OURS, Person, Through, commands};
use trainyard_core::event::Event;

/// A comment: only a new one of a pull request is looked at, and only what a person wrote.
pub(super) fn comment(kind: &str, body: &[u8]) -> Result<Derived, PayloadError> {
    let action = parse::<Action>(kind, body)?.action;
    if action != "created" {
        let action = printable(&action);
        return Ok(Derived::Nothing(Ignored::Comment { action }));
    }
    let payload = parse::<CommentPayload>(kind, body)?;
    let number = payload.issue.number;
    if payload.issue.pull_request.is_none() {
        return Ok(Derived::Nothing(Ignored::NoPullRequest(number)));
    }
    let text = payload.comment.body.unwrap_or_default();
    if text.trim_start().starts_with(OURS) {
        return Ok(Derived::Nothing(Ignored::Ours));
    }
    let mut commands = commands(&text);
    if commands.is_empty() {
        return Ok(Derived::Nothing(Ignored::NoCommand(number)));
    }
    let left_out = commands.len().saturating_sub(MOST_COMMANDS);
    commands.truncate(MOST_COMMANDS);
    let through = Through::Comment {
        comment: payload.comment.id,
        pull_request: number,
        at: payload.comment.created_at.as_deref().and_then(moment),
        commands,
        left_out,
    };
    Ok(asked(
        payload.repository,
        payload.installation,
        payload.comment.user,
        through,
    ))
}

/// A check run: GitHub's button to run it again, and ours.
pub(super) fn check_run(kind: &str, body: &[u8]) -> Result<Derived, PayloadError> {
    let action = parse::<Action>(kind, body)?.action;
    if !matches!(action.as_str(), "rerequested" | "requested_action") {
        return Ok(nothing_asked(kind, &action));
    }
    let payload = parse::<CheckRunPayload>(kind, body)?;
    let button = match action.as_str() {
        "rerequested" => Button::Rerun,
        _ => {
            let identifier = payload.requested_action.map(|action| action.identifier);
            let identifier = identifier.unwrap_or_default();
            match Button::of(&identifier) {
                Some(button) => button,
                None => return Ok(Derived::Nothing(Ignored::NoButton(printable(&identifier)))),
            }
        }
    };
    let check = payload.check_run;
    let Some(commit) = check.head_sha.0 else {
        return Ok(nothing_asked(kind, &action));
    };
    let through = Through::CheckRun {
        check_run: check.id,
        app: check.app.map(|app| app.id),
        run: check.external_id.map(|id| printable(&id)).filter(|id| !id.is_empty()),
        commit,
        button,
    };
    Ok(asked(payload.repository, payload.installation, payload.sender, through))
}

/// A check suite: GitHub's button to run all of its checks again.
pub(super) fn check_suite(kind: &str, body: &[u8]) -> Result<Derived, PayloadError> {
    let action = parse::<Action>(kind, body)?.action;
    if action != "rerequested" {
        return Ok(nothing_asked(kind, &action));
    }
    let payload = parse::<CheckSuitePayload>(kind, body)?;
    let suite = payload.check_suite;
    let Some(commit) = suite.head_sha.0 else {
        return Ok(nothing_asked(kind, &action));
    };
    let through = Through::CheckSuite {
        check_suite: suite.id,
        app: suite.app.map(|app| app.id),
        commit,
        at: suite.updated_at.map(|at| at.chars().take(40).collect()),
    };
    Ok(asked(payload.repository, payload.installation, payload.sender, through))
}

fn nothing_asked(kind: &str, action: &str) -> Derived {
    Derived::Nothing(Ignored::Check {
        kind: printable(kind),
        action: printable(action),
    })
}

/// Only people ask: a bot that answers a bot would never end.
fn asked(repository: Repository, installation: Option<WithId>, account: Option<Account>, through: Through) -> Derived {
    let Some(account) = account else {
        return Derived::Nothing(Ignored::Nobody);
    };
    let is_user = account.kind.as_deref().is_none_or(|kind| kind == "User");
    if !is_user || account.login.ends_with("[bot]") {
        return Derived::Nothing(Ignored::Bot(account.login));
    }
    Derived::Event(Box::new(Event::Asked(Asked {
        repo: repository.full_name,
        repo_id: repository.id,
        installation_id: installation.map(|installation| installation.id),
        person: Person {
            id: account.id,
            login: account.login,
        },
        through,
    })))
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action: String,
}

#[derive(Deserialize)]
struct CommentPayload {
    issue: Issue,
    comment: Comment,
    repository: Repository,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    /// Of pull requests only.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    /// Null when the account is gone.
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct CheckRunPayload {
    check_run: CheckRun,
    #[serde(default)]
    requested_action: Option<RequestedAction>,
    repository: Repository,
    #[serde(default)]
    sender: Option<Account>,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    head_sha: MaybeSha,
    #[serde(default)]
    app: Option<WithId>,
}

#[derive(Deserialize)]
struct RequestedAction {
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
struct CheckSuitePayload {
    check_suite: CheckSuite,
    repository: Repository,
    #[serde(default)]
    sender: Option<Account>,
    #[serde(default)]
    installation: Option<WithId>,
}

#[derive(Deserialize)]
struct CheckSuite {
    id: u64,
    head_sha: MaybeSha,
    #[serde(default)]
    app: Option<WithId>,
    #[serde(default)]
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    id: i64,
    login: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}
