//! Every pipeline with its last runs and what it serves, and the form that starts one.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::known::known;
use super::super::may::{On, Sight};
use super::super::pipelines::items;
use super::super::run_list::{RunQuery, found};
use super::super::runs::started;
use super::super::session::Session;
use super::act::{Submitted, proved};
use super::frame::{Frame, ok};
use super::runs::Line;
use super::when::When;
use crate::views::{ServedVersion, path_part};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Map, Value};
use std::collections::HashMap;
use trainyard_core::access::Deed;
use trainyard_core::ids::RepoName;
use trainyard_core::inbound::KnownPipeline;
use trainyard_engine::RunAsked;

/// Runs of each pipeline on the page.
const RUNS: u32 = 12;

/// A pipeline.
struct Card {
    name: String,
    repo: String,
    folder: String,
    /// The address of the form that starts it.
    start: String,
    /// The address of its metrics.
    metrics: String,
    /// What serves of it.
    serves: Vec<ServedVersion>,
    next: Option<When>,
    /// Whether it names data sources.
    has_data: bool,
    runs: Vec<Bar>,
    /// The steps of the newest run, where the others have the same.
    steps: Vec<String>,
    /// Whether whoever looks may start it.
    may_start: bool,
}

/// A run of a pipeline, as high as it took long.
struct Bar {
    line: Line,
    /// From 1 to 10.
    height: u32,
    /// What started it, in a sign and in words.
    sign: &'static str,
    trigger: String,
}

#[derive(Template)]
#[template(path = "pipelines.html")]
struct Page {
    frame: Frame,
    cards: Vec<Card>,
}

fn sign(trigger: &str) -> &'static str {
    match trigger {
        "push" => "↑",
        "pull_request" => "⇄",
        "data" => "▤",
        "schedule" => "◷",
        _ => "☞",
    }
}

pub(in super::super) async fn list(State(app): State<App>, session: Session) -> Result<Response, ApiError> {
    let sight = app.sight(&session.who).await?;
    let mut cards = Vec::new();
    let items = items(&app, &session.who).await?;
    let mut named: HashMap<String, usize> = HashMap::new();
    for (known, _) in &items {
        *named.entry(known.name.clone()).or_default() += 1;
    }
    for (known, item) in items {
        // Where another repository has a pipeline of this name, its runs take no place here.
        let own = (named.get(&known.name) > Some(&1)).then(|| Sight::Repositories([known.repo.clone()].into()));
        let sight = own.as_ref().unwrap_or(&sight);
        let runs = found(&app, sight, RunQuery::of_pipeline(&known.name), RUNS).await?.runs;
        let repo = item.repo;
        let longest = runs
            .iter()
            .filter_map(|run| run.head.seconds())
            .max()
            .unwrap_or(1)
            .max(1);
        let bars = runs
            .into_iter()
            .rev()
            .filter(|run| run.head.repo.as_deref() == Some(&repo));
        let bars = bars.map(|run| Bar {
            height: u32::try_from(run.head.seconds().unwrap_or(0) * 9 / longest + 1).unwrap_or(10),
            sign: sign(&run.head.trigger),
            trigger: run.head.trigger.replace('_', " "),
            line: run.into(),
        });
        let bars: Vec<Bar> = bars.collect();
        let names = |bar: &Bar| bar.line.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
        let steps = bars.last().map(names).unwrap_or_default();
        let same = bars.iter().all(|bar| names(bar) == steps);
        let role = app
            .role_on(&session.who, On::Pipeline(Some(&known.repo), &known.name))
            .await;
        cards.push(Card {
            start: address(&known.repo, &known.name),
            metrics: super::trend::address(&repo, &known.name),
            serves: item.serves,
            next: item.next_slot.as_deref().map(When::of),
            has_data: !item.sources.is_empty(),
            runs: bars,
            steps: if same { steps } else { Vec::new() },
            may_start: role.is_some_and(|role| role >= Deed::StartRun.needs()),
            folder: item.folder,
            name: item.pipeline,
            repo,
        });
    }
    Ok(ok(&Page {
        frame: Frame::new("Pipelines", "pipelines", &session),
        cards,
    }))
}

/// The address of the form.
fn address(repo: &RepoName, name: &str) -> String {
    format!("/pipelines/{repo}/{}/start", path_part(name))
}

/// A parameter, as a form asks for it.
struct Field {
    name: String,
    value: String,
    /// `number`, `text`, `truth` or `json`.
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    frame: Frame,
    name: String,
    repo: String,
    action: String,
    fields: Vec<Field>,
    sources: Vec<String>,
    pushes: bool,
    /// Why what was sent before was not done.
    wrong: Option<String>,
    span: String,
    no_push: bool,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "number",
        Value::Bool(_) => "truth",
        Value::String(_) => "text",
        _ => "json",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn form(session: &Session, known: &KnownPipeline, sent: Option<(&Sent, String)>) -> Start {
    let plan = &known.plan;
    let fields = plan.parameters.iter().map(|(name, value)| {
        let typed = sent
            .as_ref()
            .and_then(|(sent, _)| sent.0.get(&format!("p.{name}")).cloned());
        Field {
            name: name.clone(),
            value: typed.unwrap_or_else(|| shown(value)),
            kind: kind(value),
        }
    });
    let field = |name: &str| sent.as_ref().and_then(|(sent, _)| sent.0.get(name).cloned());
    Start {
        frame: Frame::new(format!("Start {}", known.name), "pipelines", session),
        action: address(&known.repo, &known.name),
        fields: fields.collect(),
        sources: plan.data.keys().cloned().collect(),
        pushes: plan.push.is_some(),
        span: field("span").unwrap_or_default(),
        no_push: field("no_push").is_some(),
        wrong: sent.map(|(_, wrong)| wrong),
        name: known.name.clone(),
        repo: known.repo.to_string(),
    }
}

/// The form, with the parameters of the default branch in it.
pub(in super::super) async fn ask(
    State(app): State<App>,
    session: Session,
    InPath((owner, repo, name)): InPath<(String, String, String)>,
) -> Result<Response, ApiError> {
    let known = known(&app, &session.who, (&owner, &repo), &name).await?;
    app.may(&session.who, Deed::StartRun, On::Pipeline(Some(&known.repo), &name))
        .await?;
    Ok(ok(&form(&session, &known, None)))
}

/// The fields that were sent.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Sent(HashMap<String, String>);

impl Submitted for Sent {
    fn proof(&self) -> &str {
        self.0.get("proof").map_or("", String::as_str)
    }
}

/// What was typed, as the parameter's own type; only what differs from the pipeline file.
fn parameters(plan: &Map<String, Value>, sent: &Sent) -> Result<Map<String, Value>, String> {
    let mut changed = Map::new();
    for (name, usual) in plan {
        let typed = match (sent.0.get(&format!("p.{name}")), usual) {
            (Some(typed), _) => typed.trim(),
            // A box that is not ticked is not sent.
            (None, Value::Bool(_)) => "false",
            (None, _) => continue,
        };
        let value = match usual {
            Value::String(_) => Value::from(typed),
            Value::Bool(_) => Value::from(matches!(typed, "true" | "on")),
            _ => serde_json::from_str(typed).map_err(|_| {
                format!(
                    "'{typed}' cannot be the parameter '{name}': it is {} by default",
                    shown(usual)
                )
            })?,
        };
        if value != *usual {
            changed.insert(name.clone(), value);
        }
    }
    Ok(changed)
}

/// Starts it, and goes to the run; what is wrong is said beside what was typed.
pub(in super::super) async fn start(
    State(app): State<App>,
    InPath((owner, repo, name)): InPath<(String, String, String)>,
    request: Request,
) -> Result<Response, Response> {
    let (session, sent) = proved::<Sent>(request).await?;
    let answer = asked(&app, &session, (&owner, &repo, &name), &sent).await;
    answer.map_err(axum::response::IntoResponse::into_response)
}

async fn asked(
    app: &App,
    session: &Session,
    (owner, repo, name): (&str, &str, &str),
    sent: &Sent,
) -> Result<Response, ApiError> {
    let known = known(app, &session.who, (owner, repo), name).await?;
    app.may(&session.who, Deed::StartRun, On::Pipeline(Some(&known.repo), name))
        .await?;
    let again = |wrong: String| {
        let page = form(session, &known, Some((sent, wrong)));
        super::frame::page(StatusCode::BAD_REQUEST, &page)
    };
    let parameters = match parameters(&known.plan.parameters, sent) {
        Ok(parameters) => parameters,
        Err(wrong) => return Ok(again(wrong)),
    };
    let spans = sent.0.get("span").map_or("", String::as_str).split(',').map(str::trim);
    let how = RunAsked {
        parameters,
        spans: spans.filter(|span| !span.is_empty()).map(str::to_owned).collect(),
        no_push: sent.0.contains_key("no_push"),
        actor: session.who.actor(None),
    };
    match started(app, &session.who, &known.repo, name, how).await {
        Ok(run) => Ok(Redirect::to(&format!("/runs/{run}")).into_response()),
        Err(error) if [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&error.status()) => {
            Ok(again(error.sentence().to_owned()))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_typed_has_the_parameters_own_type() {
        let Value::Object(plan) = json!({"rate": 0.1, "name": "7", "fast": true, "sizes": [1, 2]}) else {
            panic!()
        };
        let sent = |pairs: &[(&str, &str)]| {
            Sent(
                pairs
                    .iter()
                    .map(|(name, value)| (format!("p.{name}"), (*value).to_owned()))
                    .collect(),
            )
        };
        let same = sent(&[("rate", "0.1"), ("name", "7"), ("fast", "on"), ("sizes", "[1,2]")]);
        assert_eq!(parameters(&plan, &same), Ok(Map::new()));
        let other = sent(&[("rate", " 0.2 "), ("name", "8"), ("sizes", "[3]")]);
        assert_eq!(
            json!(parameters(&plan, &other).unwrap()),
            json!({"rate": 0.2, "name": "8", "fast": false, "sizes": [3]})
        );
        assert!(
            parameters(&plan, &sent(&[("rate", "fast")]))
                .unwrap_err()
                .contains("'rate'")
        );
    }
}
