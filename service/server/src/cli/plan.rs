//! `trainyard plan`: what a run would do, before there is one.

use super::deliveries::of_pipeline;
use super::output::{self, Table, plain};
use super::parameters::Parameters;
use super::pipeline_file;
use super::run::shown;
use crate::config::Config;
use crate::views::LookItem;
use anyhow::Result;
use serde_json::{Map, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_core::event::{DataArrived, Event, Manual, PullRequest, PullRequestAction, Push, ScheduleDue};
use trainyard_core::ids::{CommitSha, RepoName};
use trainyard_core::plan::Plan;
use trainyard_core::report::{images_sentence, plan_rows, plan_sentence, unbuilt};
use trainyard_core::run::sentence::duration;
use trainyard_core::run::{Forecast, Run};
use trainyard_core::trigger::{Look, Match, meet};
use trainyard_engine::{Engine, RunAsked};

/// Show what an event would start: what runs, what is cached and why
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard plan pipelines/flights\n  \
    trainyard plan pipelines/flights --event push --branch main --changed pipelines/flights/train.py\n  \
    trainyard plan pipelines/flights --event data --json\n  \
    trainyard plan pipelines/flights --parameter learning_rate=0.05\n\n\
    The work tree is looked at as it is; nothing starts and nothing is recorded. Without --changed nobody knows what \
    changed, and filters of paths let everything through. Times are those of earlier `trainyard run`s of this pipeline.")]
pub(super) struct Planned {
    /// The pipeline's folder or file
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// What happens
    #[arg(long, value_enum, default_value_t = Kind::Manual)]
    event: Kind,
    /// The branch that is pushed, or that the pull request is to be merged into
    #[arg(long, default_value = "main")]
    branch: String,
    /// A file that the push or pull request changes; may be repeated
    #[arg(long, value_name = "PATH")]
    changed: Vec<String>,
    #[command(flatten)]
    parameters: Parameters,
    /// Plan as of this span: newer data is not seen. Of several data sources SOURCE=SPAN; may be given for each
    #[arg(long, value_name = "[SOURCE=]SPAN")]
    span: Vec<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Push,
    PullRequest,
    Data,
    Schedule,
    Manual,
}

impl Planned {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let plan = pipeline_file::read(&self.pipeline)?;
        let folder = match self.pipeline.is_file() {
            true => self.pipeline.parent().unwrap_or(Path::new(".")),
            false => &self.pipeline,
        };
        let event = self.supposed(&plan)?;
        let changed = (!self.changed.is_empty()).then_some(self.changed.as_slice());
        let (matched, look) = meet(&plan, &folder.display().to_string(), &event, changed);
        let run = match matched {
            Match::No(_) => None,
            Match::Start(_) | Match::Hold { .. } => Some(self.imagined(config, folder).await?),
        };
        match self.json {
            true => output::json(&as_json(&matched, look, run.as_ref()))?,
            false => output::text(&text(&matched, look, run.as_ref()))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn imagined(&self, config: &Config, folder: &Path) -> Result<Run> {
        let asked = RunAsked {
            parameters: self.parameters.map(),
            spans: self.span.clone(),
            no_push: true,
            actor: super::actor(),
        };
        let engine = Engine::open(config.engine()?).await?;
        let imagined = engine.plan_local(folder, &asked).await;
        engine.close().await;
        imagined.map_err(shown)
    }

    /// An event of this kind, as it would come.
    fn supposed(&self, plan: &Plan) -> Result<Event> {
        let (repo, sha) = (RepoName::parse("this/repository")?, CommitSha::from("supposed"));
        let source = plan.triggers.data.as_ref().map(|data| data.source.clone());
        Ok(match self.event {
            Kind::Push => Event::Push(Push {
                repo,
                repo_id: 0,
                installation_id: None,
                branch: self.branch.clone(),
                before: None,
                after: sha,
                pusher: super::actor(),
                default_branch: None,
            }),
            Kind::PullRequest => Event::PullRequest(PullRequest {
                repo,
                repo_id: 0,
                head_repo_id: Some(0),
                installation_id: None,
                action: PullRequestAction::Synchronize,
                number: 0,
                base_branch: self.branch.clone(),
                base_sha: sha.clone(),
                head_branch: "supposed".to_owned(),
                head_sha: sha,
                before_sha: None,
                author: super::actor(),
                updated_at: None,
                default_branch: None,
                label: None,
                labels: Vec::new(),
            }),
            Kind::Data => Event::DataArrived(DataArrived {
                source: source.unwrap_or_else(|| "data".to_owned()),
                span: None,
            }),
            Kind::Schedule => Event::ScheduleDue(ScheduleDue {
                repo,
                pipeline: plan.pipeline.clone(),
                slot: "now".to_owned(),
            }),
            Kind::Manual => Event::Manual(Manual {
                repo: None,
                pipeline: plan.pipeline.clone(),
                git_ref: None,
                actor: super::actor(),
                parameters: Map::new(),
                spans: Default::default(),
                no_push: true,
            }),
        })
    }
}

/// Whether a run starts, and if not, why.
fn verdict(matched: &Match) -> String {
    match matched {
        Match::Start(_) => "a run starts".to_owned(),
        Match::Hold { seconds, .. } => format!("a run starts when nothing else arrived for {}", duration(*seconds)),
        Match::No(not_started) => not_started.sentence(),
    }
}

fn text(matched: &Match, look: Look, run: Option<&Run>) -> String {
    let mut text = format!("{}\n{}", plain(&verdict(matched)), of_pipeline(&LookItem::from(look)));
    let Some((run, forecast)) = run.and_then(|run| Some((run, run.forecast.as_ref()?))) else {
        return text;
    };
    text += &format!("\n{}\n", plan_sentence(forecast));
    if let Some(sentence) = images_sentence(unbuilt(forecast).map(str::to_owned)) {
        text += &format!("{sentence}\n");
    }
    let mut table = Table::new(&["STEP", "EXPECTED", "USUALLY", "WHY"]);
    for row in plan_rows(&run.request.plan, forecast) {
        let usually = row.usually.map_or("–".to_owned(), duration);
        table.row(vec![row.step, row.expected.to_owned(), usually, row.why]);
    }
    text += &format!("\n{}", table.render());
    text
}

fn as_json(matched: &Match, look: Look, run: Option<&Run>) -> serde_json::Value {
    let planned = |run: &Run, forecast: &Forecast| {
        json!({
            "sentence": plan_sentence(forecast),
            "seconds": forecast.estimate.seconds,
            "builds": unbuilt(forecast).collect::<Vec<_>>(),
            "steps": plan_rows(&run.request.plan, forecast).collect::<Vec<_>>(),
        })
    };
    json!({
        "starts": !matches!(matched, Match::No(_)),
        "sentence": verdict(matched),
        "look": LookItem::from(look),
        "plan": run.and_then(|run| Some(planned(run, run.forecast.as_ref()?))),
    })
}
