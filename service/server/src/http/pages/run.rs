//! One run: why it is, how far it is, what the gate said, and what can be done about it.

use super::super::App;
use super::super::curves::read;
use super::super::error::ApiError;
use super::super::extract::InPath;
use super::super::may::On;
use super::super::runs::row;
use super::super::session::Session;
use super::curves::Curves;
use super::frame::{Frame, ok};
use super::steps::{self, StepRow};
use super::verdict;
use super::when::{Took, When};
use super::{graph, timeline};
use crate::views::{RunCurves, RunDetail, time};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use trainyard_core::access::{Deed, Role};
use trainyard_core::ids::Micros;
use trainyard_core::run::{PushState, RunState};

/// With more steps than this a graph shows less than the timeline.
const MOST_IN_GRAPH: usize = 60;

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    frame: Frame,
    run: RunDetail,
    created: When,
    took: String,
    commit: String,
    /// What it waits for or how it ended.
    said: String,
    graph: String,
    timeline: String,
    curves: Curves,
    steps: Vec<StepRow>,
    verdict: Option<verdict::Shown>,
    /// What became of its model, in a sentence.
    push: String,
    parameters: Vec<(String, String)>,
    over: bool,
    /// Whether it has statistics to show.
    measured: bool,
    /// Whether whoever looks may see across pipelines.
    sees_lineage: bool,
    waits_for_a_person: bool,
    can_rerun: bool,
    /// What whoever looks may do here.
    role: Option<Role>,
}

impl Page {
    fn may(&self, deed: Deed) -> bool {
        self.role.is_some_and(|role| role >= deed.needs())
    }
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath(id): InPath<String>,
) -> Result<Response, ApiError> {
    let reads = app.engine.reads();
    let row = row(&app, &session.who, &id).await?;
    let role = app.role_on(&session.who, On::run(&row)).await;
    let sees_lineage = app.role_on(&session.who, On::Service).await.is_some();
    let run = reads.load_run(&row.id).await?;
    let open = reads.open_intents().await?;
    let now = Micros(chrono::Utc::now().timestamp_micros());
    let steps = steps::of_run(&run, now);
    let curves = RunCurves::new(row.id.as_str(), &read(&app, &run).await?);
    let curves = Curves::of(&[(String::new(), curves)]);
    let (over, state) = (run.state.is_final(), run.state);
    let took = run
        .started_at
        .map(|from| Took::between(from, run.ended_at.unwrap_or(now)).to_string());
    let created = When::of(&time(row.created_at));
    let (graph, timeline) = (graph::draw(row.id.as_str(), &steps), timeline::draw(&steps));
    let verdict = run.verdict.as_ref().map(verdict::Shown::of);
    let push = match &run.push {
        PushState::Pending => String::new(),
        PushState::Pushed { version } => format!("serves as version {version}"),
        PushState::Failed { reason } => reason.clone(),
        PushState::Withheld { because } => because.sentence(),
    };
    let made = run
        .steps
        .values()
        .flat_map(|step| step.inputs.values().chain(step.outputs.values()));
    let measured = made.into_iter().any(|made| made.type_name == "ExampleStatistics");
    let can_rerun = over && run.request.repo.is_some();
    let parameters = &run.request.plan.parameters;
    let parameters = parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    let detail = RunDetail::new(row, run, Vec::new(), &open);
    let said = [&detail.head.set_aside, &detail.head.waits_for, &detail.head.summary];
    let said = said.into_iter().flatten().next().cloned().unwrap_or_default();
    let commit = detail
        .head
        .commit
        .as_deref()
        .unwrap_or_default()
        .chars()
        .take(10)
        .collect();
    let title = format!("{} · {}", detail.head.pipeline, detail.head.state.replace('_', " "));
    Ok(ok(&Page {
        frame: Frame::new(title, "runs", &session),
        run: detail,
        created,
        took: took.unwrap_or_default(),
        commit,
        said,
        graph: if steps.len() > MOST_IN_GRAPH {
            String::new()
        } else {
            graph
        },
        timeline,
        curves,
        steps,
        verdict,
        push,
        parameters,
        over,
        measured,
        sees_lineage,
        waits_for_a_person: state == RunState::WaitingForApproval,
        can_rerun,
        role,
    }))
}
