//! `trainyard runs`.

use super::output::{self, Table, Tone, plain};
use super::verdict;
use crate::config::Config;
use crate::views::{self, RunDetail, RunHead, RunItem};
use crate::wanted::{self, Wanted};
use anyhow::{Result, bail};
use chrono::{DateTime, Local};
use serde_json::{Map, Value};
use std::process::ExitCode;
use trainyard_core::figure;
use trainyard_core::run::{ImageState, PushState, RunState};
use trainyard_core::sentence::duration;
use trainyard_store::{Reads, RunFilter, RunRow, Unreadable};

/// List runs, newest first, or show one with its steps, verdict and push
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard runs\n  \
    trainyard runs --pipeline flights --state failed --limit 5\n  \
    trainyard runs --verdict not_blessed --branch main --since 2014-06-01\n  \
    trainyard runs 0192f0c1-2b3c         the beginning of the id is enough\n  \
    trainyard runs --json")]
pub(super) struct Runs {
    /// The run to show
    #[arg(conflicts_with_all = ["pipeline", "state", "verdict", "branch", "trigger", "since", "limit"])]
    run: Option<String>,
    /// Only of this pipeline
    #[arg(long)]
    pipeline: Option<String>,
    /// Only in this state: waiting_for_approval, queued, running, succeeded, failed or cancelled
    #[arg(long, value_parser = state)]
    state: Option<RunState>,
    /// Only with this verdict: blessed, not_blessed, not_evaluated or unchanged
    #[arg(long)]
    verdict: Option<String>,
    /// Only of this branch
    #[arg(long)]
    branch: Option<String>,
    /// Only started by push, pull_request, data, schedule or manual
    #[arg(long)]
    trigger: Option<String>,
    /// Only asked for since this day, as 2014-06-01, or moment, as 2014-06-01T12:00:00Z
    #[arg(long)]
    since: Option<String>,
    /// At most so many, up to 500
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Print as JSON, as GET /api/v1/runs and /api/v1/runs/RUN answer
    #[arg(long)]
    json: bool,
}

fn state(word: &str) -> Result<RunState, String> {
    serde_json::from_value(Value::from(word))
        .map_err(|_| "write waiting_for_approval, queued, running, succeeded, failed or cancelled".to_owned())
}

impl Runs {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        match &self.run {
            Some(id) => {
                let detail = detail(&store, id).await?;
                if self.json {
                    output::json(&detail)?
                } else {
                    output::text(&render(&detail))?
                }
            }
            None => self.list(&store).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, store: &Reads) -> Result<()> {
        let filter = RunFilter {
            pipeline: self.pipeline.clone(),
            state: self.state,
            limit: self.limit,
            before: None,
        };
        let wanted = Wanted::read(
            self.verdict.as_deref(),
            self.branch.as_deref(),
            self.trigger.as_deref(),
            self.since.as_deref(),
        )?;
        let (runs, next) = wanted::runs(store, filter, &wanted, None).await?;
        let unreadable = views::sentences(store, Unreadable::is_of_run);
        if self.json {
            let next = next.map(|run| run.to_string());
            return output::json(&views::Runs { runs, next, unreadable });
        }
        let mut text = if runs.is_empty() {
            "no runs\n".to_owned()
        } else {
            table(&runs)
        };
        let set_aside = runs.iter().filter_map(|run| {
            let why = run.head.set_aside.as_ref()?;
            Some(format!("{}: {why}", short(&run.head.id)))
        });
        let person = runs.iter().filter(|run| run.head.state == "waiting_for_approval");
        for run in person {
            let what = run.head.waits_for.as_deref().unwrap_or_default();
            let line = format!("{}: {what}", short(&run.head.id));
            text.push_str(&format!("{} {}\n", Tone::Attention.paint("waits:"), plain(&line)));
        }
        for sentence in set_aside.chain(unreadable) {
            text.push_str(&format!("{} {}\n", Tone::Bad.paint("set aside:"), plain(&sentence)));
        }
        output::text(&text)
    }
}

/// The row of a run by its id or the beginning of its id.
pub(super) async fn row(store: &Reads, id: &str) -> Result<RunRow> {
    match store.run_row(id).await? {
        Some(row) => Ok(row),
        None => bail!("there is no run '{id}': list the runs with `trainyard runs`"),
    }
}

/// Everything about a run, by its id or the beginning of its id.
pub(super) async fn detail(store: &Reads, id: &str) -> Result<RunDetail> {
    let row = row(store, id).await?;
    let run = store.load_run(&row.id).await?;
    let events = store.run_events(&row.id, 0).await?;
    let open = store.open_intents().await?;
    Ok(RunDetail::new(row, run, events, &open))
}

fn table(runs: &[RunItem]) -> String {
    let mut table = Table::new(&[
        "RUN", "CREATED", "PIPELINE", "STATE", "VERDICT", "FIGURES", "TOOK", "CAUSE",
    ]);
    for run in runs {
        let head = &run.head;
        table.row(vec![
            short(&head.id).to_owned(),
            when(&head.created_at),
            head.pipeline.clone(),
            head.state.clone(),
            verdict_of(head),
            figures(&head.metrics),
            took(head.started_at.as_deref(), head.ended_at.as_deref()),
            head.cause.clone(),
        ]);
    }
    table.render()
}

/// What became of the model, in a word or two; `trainyard runs RUN` says why.
fn verdict_of(head: &RunHead) -> String {
    match &head.blessing {
        None => "–".to_owned(),
        Some(verdict) => match &head.not_pushed {
            Some(why) => format!("{verdict}, not pushed ({why})"),
            None => verdict.clone(),
        },
    }
}

/// The whole run for people.
pub(super) fn render(run: &RunDetail) -> String {
    let head = &run.head;
    let mut text = format!("run {}  {}\n", head.id, Tone::of(&head.state).paint(&head.state));
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{name:<10}{}\n", plain(&value)));
        }
    };
    line("set aside", head.set_aside.clone());
    line("pipeline", Some(head.pipeline.clone()));
    line("cause", Some(head.cause.clone()));
    let repeats = run.repeats.as_ref();
    line(
        "repeats",
        repeats.map(|repeats| format!("{} of run {}", repeats.which.words(), repeats.of)),
    );
    line(
        "commit",
        head.commit.as_ref().map(|commit| match &head.repo {
            Some(repo) => format!("{commit} of {repo}"),
            None => commit.clone(),
        }),
    );
    let as_of = run.as_of.iter().map(|(source, span)| format!("{source} {span}"));
    line(
        "as of",
        (!run.as_of.is_empty()).then(|| as_of.collect::<Vec<_>>().join(", ")),
    );
    line(
        "took",
        head.started_at
            .is_some()
            .then(|| took(head.started_at.as_deref(), head.ended_at.as_deref())),
    );
    line("waits for", head.waits_for.clone());
    line(
        "approved",
        run.approved
            .as_ref()
            .map(|word| format!("by {} ({})", word.by, word.reason)),
    );
    line("result", head.summary.clone());
    text.push('\n');
    text.push_str(&steps(run));
    for step in run
        .steps
        .iter()
        .filter(|step| step.state == "failed" && step.attempt.is_some())
    {
        let log = format!("trainyard logs {} {}", short(&head.id), step.name);
        text.push_str(&format!("what '{}' wrote: {}\n", step.name, Tone::Faint.paint(&log)));
        text.push_str(&quoted(&step.last_lines));
        // A validator: whether data or schema are right is for people to say.
        if ["schema", "statistics"]
            .iter()
            .all(|input| step.inputs.contains_key(*input))
        {
            let diff = format!("trainyard schema-diff {}", short(&head.id));
            text.push_str(&format!(
                "what the schema would have to allow: {}\n",
                Tone::Faint.paint(&diff)
            ));
        }
    }
    for (image, state) in &run.images {
        if let ImageState::Failed { reason, last_lines, .. } = state {
            text.push_str(&format!("image {}: {}\n", plain(image), plain(reason)));
            text.push_str(&quoted(last_lines));
        }
    }
    if let Some(verdict) = &run.verdict {
        text.push('\n');
        text.push_str(&verdict::render(verdict));
        text.extend(run.gate_replay.as_ref().map(verdict::proposed));
    }
    match &run.push {
        PushState::Pending => {}
        PushState::Pushed { version } => text.push_str(&format!("\npush: serves as version {}\n", plain(version))),
        PushState::Withheld { because } => text.push_str(&format!(
            "\npush: {} {}\n",
            Tone::Attention.paint("not done:"),
            plain(&because.sentence())
        )),
        PushState::Failed { reason } => {
            text.push_str(&format!("\npush: {} {}\n", Tone::Bad.paint("failed:"), plain(reason)))
        }
    }
    text
}

/// Lines that a program wrote.
fn quoted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  | {}\n", plain(line))).collect()
}

fn steps(run: &RunDetail) -> String {
    let mut table = Table::new(&["STEP", "STATE", "ATTEMPT", "TOOK", "FIGURES"]);
    for step in &run.steps {
        let metrics: Map<String, Value> = step
            .metrics
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(*value)))
            .collect();
        let note = match &step.reason {
            Some(reason) if run.head.summary.as_ref() == Some(reason) => "the result above".to_owned(),
            Some(reason) => reason.clone(),
            None => figures(&metrics),
        };
        table.row(vec![
            step.name.clone(),
            step.state.clone(),
            step.attempt
                .map_or_else(|| "–".to_owned(), |attempt| attempt.to_string()),
            took(step.started_at.as_deref(), step.ended_at.as_deref()),
            note,
        ]);
    }
    table.render()
}

/// Figures that a line has room for; `--json` has them all.
const FIGURES: usize = 4;

/// `auc 0.6512 (baseline 0.6401)`, at most [`FIGURES`] of them. An evaluator's `baseline_auc` stands beside its `auc`.
pub(super) fn figures(metrics: &Map<String, Value>) -> String {
    let number = |value: &Value| value.as_f64().map(figure::number);
    let beside = |name: &str| metrics.get(&format!("baseline_{name}")).and_then(number);
    let one = |(name, value): (&String, &Value)| match value {
        _ if name
            .strip_prefix("baseline_")
            .is_some_and(|of| metrics.contains_key(of)) =>
        {
            None
        }
        Value::Object(pair) => {
            let candidate = pair.get("candidate").and_then(number)?;
            Some(match pair.get("baseline").and_then(number) {
                Some(baseline) => format!("{name} {candidate} (baseline {baseline})"),
                None => format!("{name} {candidate}"),
            })
        }
        value => Some(match beside(name) {
            Some(baseline) => format!("{name} {} (baseline {baseline})", number(value)?),
            None => format!("{name} {}", number(value)?),
        }),
    };
    let shown: Vec<String> = metrics.iter().filter_map(one).collect();
    match shown.len().saturating_sub(FIGURES) {
        0 if shown.is_empty() => "–".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown[..FIGURES].join(", ")),
    }
}

/// As much of a run's id as tells it from every run that was not made in the same millisecond.
pub(super) fn short(id: &str) -> &str {
    id.get(..13).unwrap_or(id)
}

/// A time of the API in the zone of this machine, to the second.
pub(super) fn when(time: &str) -> String {
    DateTime::parse_from_rfc3339(time)
        .map(|at| at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_else(|_| time.to_owned())
}

fn took(from: Option<&str>, to: Option<&str>) -> String {
    let parse = |time: Option<&str>| DateTime::parse_from_rfc3339(time?).ok();
    match (parse(from), parse(to)) {
        (Some(from), Some(to)) => {
            let millis = (to - from).num_milliseconds().max(0).unsigned_abs();
            if millis < 10_000 {
                format!("{:.1}s", millis as f64 / 1000.0)
            } else {
                duration(millis / 1000)
            }
        }
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_have_room_in_a_line() {
        let said = |metrics: Value| figures(metrics.as_object().unwrap());
        insta::assert_snapshot!(said(json!({})), @"–");
        insta::assert_snapshot!(said(json!({"auc": {"candidate": 0.7, "baseline": 0.6}})), @"auc 0.7000 (baseline 0.6000)");
        insta::assert_snapshot!(said(json!({"auc": 0.7, "baseline_auc": 0.6, "baseline_f1": 0.5})), @"auc 0.7000 (baseline 0.6000), baseline_f1 0.5000");
        insta::assert_snapshot!(said(json!({"a": 1, "b": 2, "c": 3, "d": 4})), @"a 1.0000, b 2.0000, c 3.0000, d 4.0000");
        insta::assert_snapshot!(said(json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6})), @"a 1.0000, b 2.0000, c 3.0000, d 4.0000 and 2 more");
    }
}
