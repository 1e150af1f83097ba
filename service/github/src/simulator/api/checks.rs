//! Check runs and check suites; every limit is the one of GitHub's published REST description.

use super::comments::number;
use super::{Answer, Asked, Body, page_of};
use crate::simulator::api_error::ApiError;
use crate::simulator::auth::Identity;
use crate::simulator::check_records::{CheckRunRecord, Checks, Suite};
use crate::simulator::checks::{run_json, suite_json};
use crate::simulator::{Shared, events, payload, repository};
use axum::Json;
use axum::extract::{OriginalUri, Path, Query};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use trainyard_core::ids::RepoName;

const MAX_OUTPUT: usize = 65_535;
const MAX_ANNOTATIONS: usize = 50;
const MAX_ACTIONS: usize = 3;
const STATUSES: [&str; 6] = ["queued", "in_progress", "completed", "waiting", "requested", "pending"];
/// Those that Apps may give; the others are of GitHub Actions.
const OF_APPS: [&str; 3] = ["queued", "in_progress", "completed"];
const CONCLUSIONS: [&str; 8] = [
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "stale",
    "timed_out",
];

pub(crate) async fn create(asked: Asked, body: Body) -> Answer {
    may_write(&asked)?;
    let name = body.needed("CheckRun", "name")?.to_owned();
    let sha = body.needed("CheckRun", "head_sha")?.to_owned();
    let changes = Changes::read(&body.0)?;
    if !repository::has_commit(&asked.repo.path, &sha).await {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("No commit found for SHA: {sha}"),
        ));
    }
    let refs = repository::refs(&asked.repo.path).await?;
    let branch = refs.iter().find(|(_, head)| **head == sha);
    let branch = branch.and_then(|(name, _)| Some(name.strip_prefix("refs/heads/")?.to_owned()));
    let made = {
        let mut state = asked.shared.state();
        let (suite, id) = (state.next_id(), state.next_id());
        let repo = state.repo_mut(&asked.repo.name).ok_or_else(ApiError::not_found)?;
        let suite = repo.checks.suite(suite, &sha, branch);
        let mut run = CheckRunRecord {
            id,
            suite,
            sha,
            name,
            external_id: None,
            status: "queued".to_owned(),
            conclusion: None,
            title: None,
            summary: None,
            text: None,
            annotations: Vec::new(),
            actions: Vec::new(),
            details_url: None,
            started_at: Utc::now(),
            completed_at: None,
            history: Vec::new(),
        };
        changes.apply(&mut run);
        repo.checks.runs.push(run.clone());
        run_json(&asked.shared, &asked.repo, repo, &run)
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(crate) async fn update(asked: Asked, Path(path): Path<HashMap<String, String>>, body: Body) -> Answer {
    may_write(&asked)?;
    let id = number(&path, "id")?;
    let changes = Changes::read(&body.0)?;
    let name = body.text("name").map(str::to_owned);
    let changed = asked.with(|repo| {
        let run = repo.checks.runs.iter_mut().find(|run| run.id == id)?;
        if let Some(name) = name {
            run.name = name;
        }
        changes.apply(run);
        let run = run.clone();
        Some(run_json(&asked.shared, &asked.repo, repo, &run))
    })?;
    Ok(Json(changed).into_response())
}

pub(crate) async fn show(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let id = number(&path, "id")?;
    let found = asked.with(|repo| {
        let run = repo.checks.runs.iter().find(|run| run.id == id)?.seen();
        Some(run_json(&asked.shared, &asked.repo, repo, &run))
    })?;
    Ok(Json(found).into_response())
}

pub(crate) async fn annotations(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let id = number(&path, "id")?;
    let (sha, all) = asked.with(|repo| {
        let run = repo.checks.runs.iter().find(|run| run.id == id)?;
        Some((run.sha.clone(), run.annotations.clone()))
    })?;
    let text = |value: &Value, field: &str| value.get(field).cloned().unwrap_or(Value::Null);
    let json = all.iter().map(|sent| {
        let path = sent["path"].as_str().unwrap_or_default();
        json!({
            "path": path,
            "start_line": sent["start_line"],
            "end_line": sent["end_line"],
            "start_column": text(sent, "start_column"),
            "end_column": text(sent, "end_column"),
            "annotation_level": sent["annotation_level"],
            "title": text(sent, "title"),
            "message": sent["message"],
            "raw_details": text(sent, "raw_details"),
            "blob_href": format!("{}/{}/blob/{sha}/{path}", asked.shared.base_url, asked.repo.name),
        })
    });
    Ok(super::page(&asked.shared, &uri, json.collect()))
}

/// The check runs of a commit; the whole answer is a page with their count.
pub(super) fn of_commit(asked: &Asked, sha: &str, uri: &axum::http::Uri) -> Answer {
    let runs = asked.with(|repo| Some(repo.checks.runs.iter().filter(|run| run.sha == sha).cloned().collect()))?;
    list(asked, runs, uri)
}

/// The check suites of a commit.
pub(super) async fn suites_of_commit(asked: &Asked, sha: &str, uri: &axum::http::Uri) -> Answer {
    let suites: Vec<Suite> = asked.with(|repo| {
        Some(
            repo.checks
                .suites
                .iter()
                .filter(|suite| suite.sha == sha)
                .cloned()
                .collect(),
        )
    })?;
    let mut all = Vec::new();
    for suite in suites {
        all.push(suite_of(&asked.shared, &asked.repo.name, &suite).await?);
    }
    Ok(page_of(&asked.shared, uri, "check_suites", all))
}

pub(crate) async fn suite(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    let id = number(&path, "id")?;
    let suite = asked.with(|repo| repo.checks.suites.iter().find(|suite| suite.id == id).cloned())?;
    Ok(Json(suite_of(&asked.shared, &asked.repo.name, &suite).await?).into_response())
}

pub(crate) async fn of_suite(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let id = number(&path, "id")?;
    let runs = asked.with(|repo| {
        repo.checks.suites.iter().find(|suite| suite.id == id)?;
        Some(repo.checks.runs.iter().filter(|run| run.suite == id).cloned().collect())
    })?;
    list(&asked, runs, &uri)
}

pub(crate) async fn rerequest_run(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    may_write(&asked)?;
    let login = asked.login();
    run_asked(&asked.shared, &asked.repo.name, number(&path, "id")?, &login, None)?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}

pub(crate) async fn rerequest_suite(asked: Asked, Path(path): Path<HashMap<String, String>>) -> Answer {
    may_write(&asked)?;
    let login = asked.login();
    suite_asked(&asked.shared, &asked.repo.name, number(&path, "id")?, &login).await?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}

/// Somebody clicks on "Re-run", or on the button with this identifier.
pub(crate) fn run_asked(
    shared: &Shared,
    repo: &RepoName,
    id: u64,
    login: &str,
    button: Option<&str>,
) -> Result<(), ApiError> {
    let (info, run) = {
        let state = shared.state();
        let stored = state.repo(repo).ok_or_else(ApiError::not_found)?;
        let run = stored
            .checks
            .runs
            .iter()
            .find(|run| run.id == id)
            .ok_or_else(ApiError::not_found)?;
        if let Some(button) = button
            && !run.actions.iter().any(|action| action["identifier"] == button)
        {
            return Err(ApiError::invalid(
                "CheckRun",
                "actions",
                format!("there is no button {button}"),
            ));
        }
        let info = stored.info();
        let mut json = run_json(shared, &info, stored, &run.seen());
        // Webhooks tell more of the suite than the API does.
        if let Some(suite) = stored.checks.suites.iter().find(|suite| suite.id == run.suite) {
            json["check_suite"] = suite_json(shared, &info, stored, suite, &Value::Null);
        }
        (info, json)
    };
    events::check_run(shared, &info, run, login, button);
    Ok(())
}

/// Somebody clicks on "Re-run all checks".
pub(crate) async fn suite_asked(shared: &Shared, repo: &RepoName, id: u64, login: &str) -> Result<(), ApiError> {
    let (info, suite) = {
        let state = shared.state();
        let stored = state.repo(repo).ok_or_else(ApiError::not_found)?;
        let suite = stored.checks.suites.iter().find(|suite| suite.id == id);
        (stored.info(), suite.cloned().ok_or_else(ApiError::not_found)?)
    };
    let suite = suite_of(shared, repo, &suite).await?;
    events::check_suite(shared, &info, suite, login);
    Ok(())
}

async fn suite_of(shared: &Shared, repo: &RepoName, suite: &Suite) -> Result<Value, ApiError> {
    let info = shared
        .state()
        .repo(repo)
        .map(|repo| repo.info())
        .ok_or_else(ApiError::not_found)?;
    let commit = repository::commit_info(&info.path, &suite.sha).await?;
    let mut commit = payload::pushed_commit(shared, &info, &commit);
    let parent = repository::commit(&info.path, &format!("{}^", suite.sha)).await;
    commit["before"] = parent.map_or(Value::Null, Value::from);
    let state = shared.state();
    let stored = state.repo(repo).ok_or_else(ApiError::not_found)?;
    Ok(suite_json(shared, &info, stored, suite, &commit))
}

/// `check_name`, `status`, `app_id` and `filter` choose; the newest come first.
fn list(asked: &Asked, runs: Vec<CheckRunRecord>, uri: &axum::http::Uri) -> Answer {
    let query = Query::<HashMap<String, String>>::try_from_uri(uri);
    let Query(query) = query.map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing query"))?;
    let app = asked.shared.config.app.as_ref().map(|app| app.app_id.to_string());
    let fits = |field: &str, value: &str| query.get(field).is_none_or(|wanted| wanted == value);
    let mut runs = match query.get("filter").map(String::as_str) {
        Some("all") => runs.iter().map(CheckRunRecord::seen).collect(),
        _ => Checks::latest(runs.iter()),
    };
    runs.retain(|run| fits("check_name", &run.name) && fits("status", &run.status));
    runs.retain(|_| fits("app_id", app.as_deref().unwrap_or_default()));
    runs.reverse();
    let json = asked.with(|repo| {
        let json = runs.iter().map(|run| run_json(&asked.shared, &asked.repo, repo, run));
        Some(json.collect())
    })?;
    Ok(page_of(&asked.shared, uri, "check_runs", json))
}

/// Only an App with the permission writes checks.
fn may_write(asked: &Asked) -> Result<(), ApiError> {
    match asked.identity {
        Identity::Installation if asked.shared.state().no_checks => Err(ApiError::forbidden()),
        Identity::Installation => Ok(()),
        _ => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "You must authenticate via a GitHub App.",
        )),
    }
}

/// What a request changes, read and found right.
struct Changes {
    status: Option<String>,
    conclusion: Option<String>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    body: Value,
}

impl Changes {
    fn read(body: &Value) -> Result<Self, ApiError> {
        let wrong = |field: &str, why: String| Err(ApiError::invalid("CheckRun", field, why));
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let (status, conclusion) = (text("status"), text("conclusion"));
        if let Some(status) = &status
            && !OF_APPS.contains(&status.as_str())
        {
            let known = STATUSES.contains(&status.as_str());
            let why = if known {
                "only GitHub Actions may give it"
            } else {
                "is not a possible value"
            };
            return wrong("status", format!("{status}: {why}"));
        }
        match &conclusion {
            Some(word) if word == "stale" || !CONCLUSIONS.contains(&word.as_str()) => {
                return wrong("conclusion", format!("{word} is not a possible value"));
            }
            None if status.as_deref() == Some("completed") => {
                return wrong("conclusion", "missing_field".to_owned());
            }
            _ => {}
        }
        let time = |field: &str| match text(field) {
            None => Ok(None),
            Some(time) => match DateTime::parse_from_rfc3339(&time) {
                Ok(time) => Ok(Some(time.to_utc())),
                Err(_) => Err(ApiError::invalid("CheckRun", field, format!("{time} is no date-time"))),
            },
        };
        let (started_at, completed_at) = (time("started_at")?, time("completed_at")?);
        if let Some(url) = text("details_url")
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return wrong("details_url", "must use http(s) scheme".to_owned());
        }
        output(body)?;
        actions(body)?;
        Ok(Self {
            status,
            conclusion,
            started_at,
            completed_at,
            body: body.clone(),
        })
    }

    fn apply(&self, run: &mut CheckRunRecord) {
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        if let Some(conclusion) = &self.conclusion {
            // It is over, whatever else is said.
            (run.status, run.conclusion) = ("completed".to_owned(), Some(conclusion.clone()));
            run.completed_at = Some(self.completed_at.unwrap_or_else(Utc::now));
        } else if let Some(status) = &self.status {
            (run.status, run.conclusion, run.completed_at) = (status.clone(), None, None);
        }
        run.started_at = self.started_at.unwrap_or(run.started_at);
        for (field, place) in [
            ("external_id", &mut run.external_id),
            ("details_url", &mut run.details_url),
        ] {
            *place = text(&self.body, field).or_else(|| place.take());
        }
        if let Some(output) = self.body.get("output").filter(|output| output.is_object()) {
            (run.title, run.summary, run.text) = (text(output, "title"), text(output, "summary"), text(output, "text"));
            // They are added to those that are there.
            run.annotations.extend(items(output, "annotations").iter().cloned());
        }
        if self.body.get("actions").is_some() {
            run.actions = items(&self.body, "actions").to_vec();
        }
        run.note();
    }
}

fn items<'a>(body: &'a Value, field: &str) -> &'a [Value] {
    body.get(field)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn output(body: &Value) -> Result<(), ApiError> {
    let Some(output) = body.get("output") else {
        return Ok(());
    };
    let wrong = |field: &str, why: &str| Err(ApiError::invalid("CheckRun", field, why));
    for field in ["title", "summary"] {
        if output.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            return wrong(field, "missing_field");
        }
    }
    for field in ["summary", "text"] {
        let length = output.get(field).and_then(Value::as_str).map_or(0, str::len);
        if length > MAX_OUTPUT {
            return wrong(field, "exceeds a maximum bytesize of 65535");
        }
    }
    let annotations = items(output, "annotations");
    if annotations.len() > MAX_ANNOTATIONS {
        return wrong("annotations", "exceeds a maximum quantity of 50");
    }
    for annotation in annotations {
        let lines = ["start_line", "end_line"].map(|field| annotation[field].as_u64().filter(|line| *line > 0));
        let texts = ["path", "message"].map(|field| annotation[field].as_str().unwrap_or_default());
        let level = annotation["annotation_level"].as_str().unwrap_or_default();
        let [Some(start), Some(end)] = lines else {
            return wrong("annotations", "start_line and end_line are needed");
        };
        if texts.iter().any(|text| text.is_empty()) || texts[0].starts_with('/') {
            return wrong("annotations", "path and message are needed");
        }
        if !["notice", "warning", "failure"].contains(&level) {
            return wrong("annotations", "annotation_level is not a possible value");
        }
        if end < start || (end != start && annotation.get("start_column").is_some()) {
            return wrong("annotations", "columns are for one line only");
        }
        let title = annotation["title"].as_str().unwrap_or_default();
        if title.chars().count() > 255 || texts[1].len() > 64 * 1024 {
            return wrong("annotations", "title or message is too long");
        }
    }
    Ok(())
}

fn actions(body: &Value) -> Result<(), ApiError> {
    let wrong = |why: &str| Err(ApiError::invalid("CheckRun", "actions", why));
    let actions = items(body, "actions");
    if actions.len() > MAX_ACTIONS {
        return wrong("exceeds a maximum quantity of 3");
    }
    for action in actions {
        for (field, most) in [("label", 20), ("description", 40), ("identifier", 20)] {
            let length = action[field].as_str().map_or(0, |text| text.chars().count());
            if length == 0 || length > most {
                return wrong(&format!("{field} has 1 to {most} characters"));
            }
        }
    }
    Ok(())
}
