//! Check runs of the Checks API, which GitHub lets Apps alone write (REST API, "Check runs").

use super::GitHub;
use super::error::{GitHubError, shortened};
use super::transport::Identity;
use chrono::{DateTime, SecondsFormat};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::report::{Annotation, CheckRun, CommitStatus, Conclusion, MOST_ANNOTATIONS, Status};

/// GitHub's largest page.
const PER_PAGE: usize = 100;
/// GitHub keeps 1,000 check runs of a name at a commit.
const MAX_PAGES: usize = 10;
/// A title is one line; GitHub names no limit, and its pages show about so many characters.
const MAX_TITLE: usize = 140;

/// A check run that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRunFound {
    /// Its id; later ones have larger ones.
    pub id: u64,
    /// Of which run it tells.
    pub external_id: String,
    /// How it ended, once it is over; one that GitHub calls stale is not.
    pub conclusion: Option<Conclusion>,
}

impl GitHub {
    /// Whether check runs can be written at all: only as an App.
    pub fn is_app(&self) -> bool {
        self.app_id.is_some()
    }

    /// Makes a check run of the status's name with what `check` says, and answers its id. Sent again it makes a second
    /// one: who lost the answer looks with [`GitHub::find_check_run`].
    pub async fn create_check_run(
        &self,
        repo: &RepoName,
        told: &CommitStatus,
        check: &CheckRun,
        installation: Option<i64>,
    ) -> Result<u64, GitHubError> {
        let mut body = body_of(told, check, 0);
        body["name"] = told.status.context.as_str().into();
        body["head_sha"] = told.sha.as_str().into();
        let caller = self.caller(repo, installation).await?;
        let path = format!("/repos/{repo}/check-runs");
        let what = format!("commit {} in {repo}", told.sha);
        let made: Made = caller.as_ref().call(Method::POST, &path, Some(&body), &what).await?;
        let first = check.annotations.len().min(MOST_ANNOTATIONS);
        annotate(caller.as_ref(), repo, made.id, told, check, first).await?;
        Ok(made.id)
    }

    /// Has a check run say what `check` says. Sent again it changes nothing.
    pub async fn update_check_run(
        &self,
        repo: &RepoName,
        id: u64,
        told: &CommitStatus,
        check: &CheckRun,
        installation: Option<i64>,
    ) -> Result<(), GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let caller = caller.as_ref();
        let path = format!("/repos/{repo}/check-runs/{id}");
        let what = format!("check run {id} in {repo}");
        // GitHub adds annotations to those that are there.
        let there = match check.annotations.is_empty() {
            true => 0,
            false => caller.get::<Made>(&path, &what).await?.annotations(),
        };
        let body = body_of(told, check, there);
        caller.call::<Made>(Method::PATCH, &path, Some(&body), &what).await?;
        annotate(caller, repo, id, told, check, there + MOST_ANNOTATIONS).await
    }

    /// The newest check run of ours with this name at a commit that was made after the one with the id `after`.
    pub async fn find_check_run(
        &self,
        repo: &RepoName,
        (sha, name): (&CommitSha, &str),
        after: u64,
        installation: Option<i64>,
    ) -> Result<Option<CheckRunFound>, GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let name = query_of(name);
        let app = self.app_id.map(|id| format!("&app_id={id}")).unwrap_or_default();
        let what = format!("commit {sha} in {repo}");
        let mut newest: Option<Listed> = None;
        for page in 1..=MAX_PAGES {
            // Our own page numbers: octocrab sends no authorization to the absolute `Link`.
            let path = format!(
                "/repos/{repo}/commits/{sha}/check-runs?check_name={name}&filter=all{app}&per_page={PER_PAGE}&page={page}"
            );
            let list: List = caller.as_ref().get(&path, &what).await?;
            let last = list.check_runs.len() < PER_PAGE;
            let ours = |run: &Listed| {
                let app = run.app.as_ref().map(|app| app.id);
                run.id > after && (app.is_none() || app == self.app_id)
            };
            newest = list
                .check_runs
                .into_iter()
                .filter(ours)
                .chain(newest)
                .max_by_key(|run| run.id);
            if last {
                break;
            }
        }
        Ok(newest.map(|run| CheckRunFound {
            id: run.id,
            external_id: run.external_id.unwrap_or_default(),
            conclusion: run
                .conclusion
                .and_then(|word| Conclusion::ALL.into_iter().find(|known| known.as_str() == word)),
        }))
    }
}

/// Sends the annotations from number `first` on, so many in a request as GitHub takes.
async fn annotate(
    caller: &Identity,
    repo: &RepoName,
    id: u64,
    told: &CommitStatus,
    check: &CheckRun,
    first: usize,
) -> Result<(), GitHubError> {
    let path = format!("/repos/{repo}/check-runs/{id}");
    let what = format!("check run {id} in {repo}");
    for from in (first..check.annotations.len()).step_by(MOST_ANNOTATIONS) {
        let body = json!({"output": output_of(&told.status, check, from)});
        caller.call::<Made>(Method::PATCH, &path, Some(&body), &what).await?;
    }
    Ok(())
}

fn body_of(told: &CommitStatus, check: &CheckRun, first: usize) -> Value {
    let mut body = json!({
        "external_id": check.external_id,
        "status": check.progress.status(),
        "output": output_of(&told.status, check, first),
        "actions": check.actions.iter().map(|action| json!({
            "label": action.label(), "description": action.description(), "identifier": action.identifier(),
        })).collect::<Vec<_>>(),
    });
    if let Some(conclusion) = check.progress.conclusion() {
        body["conclusion"] = conclusion.as_str().into();
    }
    let url = told.target_url.as_ref();
    let times = [("started_at", check.started_at), ("completed_at", check.completed_at)];
    let times = times.into_iter().filter_map(|(field, at)| Some((field, rfc3339(at?)?)));
    for (field, value) in times.chain(url.map(|url| ("details_url", url.clone()))) {
        body[field] = value.into();
    }
    body
}

fn output_of(status: &Status, check: &CheckRun, first: usize) -> Value {
    let annotations = check
        .annotations
        .iter()
        .skip(first)
        .take(MOST_ANNOTATIONS)
        .map(annotation);
    // GitHub takes neither without a text.
    let title = Some(status.description.as_str()).filter(|text| !text.trim().is_empty());
    let title = title.unwrap_or(&status.context);
    let summary = Some(check.summary.as_str()).filter(|text| !text.trim().is_empty());
    json!({
        "title": shortened(title, MAX_TITLE),
        "summary": summary.unwrap_or(title),
        "annotations": annotations.collect::<Vec<_>>(),
    })
}

fn annotation(annotation: &Annotation) -> Value {
    let mut json = json!({
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": "failure",
        "title": annotation.title,
        "message": annotation.message,
    });
    if let Some(column) = annotation.column {
        json["start_column"] = column.into();
        json["end_column"] = column.into();
    }
    json
}

fn rfc3339(at: Micros) -> Option<String> {
    let time = DateTime::from_timestamp_micros(at.0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A text as the value of a query: all but letters, digits and a few signs as `%XX`.
fn query_of(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[derive(Deserialize)]
struct Made {
    id: u64,
    #[serde(default)]
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: usize,
}

impl Made {
    fn annotations(&self) -> usize {
        self.output.as_ref().map_or(0, |output| output.annotations_count)
    }
}

#[derive(Deserialize)]
struct List {
    check_runs: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    app: Option<WithId>,
}

#[derive(Deserialize)]
struct WithId {
    id: u64,
}
