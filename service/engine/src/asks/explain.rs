//! What ran for a pull request, what did not, and why.

use crate::run::Runs;
use std::fmt::Write;
use trainyard_core::dispatch::PullNow;
use trainyard_core::ids::{RepoName, RunId};
use trainyard_core::report::{Finding, escape};
use trainyard_core::run::{Run, StepState};
use trainyard_store::StoreError;

/// In Markdown: these runs, and what else was found about the head.
pub(super) async fn runs(runs: &Runs, repo: &RepoName, pull: &PullNow, ids: &[RunId]) -> Result<String, StoreError> {
    let mut text = String::new();
    for id in ids {
        match runs.store.load_run(id).await {
            Ok(run) => {
                let row = runs.store.run_row(id.as_str()).await?;
                let waits = row.and_then(|row| row.waits_for.or(row.set_aside));
                text.push_str(&one(&run, waits.as_deref()));
            }
            Err(StoreError::NotFound(sentence)) => {
                let _ = writeln!(text, "\n{}", escape(&sentence));
            }
            Err(StoreError::Unreadable(row)) => {
                let _ = writeln!(text, "\n{}", escape(&row.sentence()));
            }
            Err(error) => return Err(error),
        }
    }
    for answer in runs.store.answers_of(repo, &pull.head).await? {
        if answer.finding != Finding::Run && answer.pull_request == Some(pull.number) {
            let (pipeline, why) = (&answer.subject.pipeline, &answer.status.description);
            let _ = writeln!(text, "\n**{}** did not run: {}", escape(pipeline), escape(why));
        }
    }
    if text.is_empty() {
        let head: String = pull.head.as_str().chars().take(10).collect();
        text = format!(
            "nothing is known of the head {head} of this pull request: nothing ran for it, or it was not seen yet"
        );
    }
    Ok(text.trim_end().to_owned())
}

fn one(run: &Run, waits: Option<&str>) -> String {
    let request = &run.request;
    let (pipeline, id) = (escape(&request.plan.pipeline), &request.id);
    let mut text = format!(
        "\n**{pipeline}**: run {id} ({}) is {}",
        escape(&request.cause),
        run.state.as_str()
    );
    if let Some(summary) = &run.summary {
        let _ = write!(text, ": {}", escape(summary));
    }
    if let Some(waits) = waits {
        let _ = write!(text, "; it waits: {}", escape(waits));
    }
    text.push_str("\n\n| step | state | why |\n|---|---|---|\n");
    for (name, step) in &run.steps {
        let why = match &step.state {
            StepState::Failed { reason, .. }
            | StepState::Cancelled { reason, .. }
            | StepState::Waiting { reason, .. } => reason.clone(),
            StepState::Skipped { cause } => cause.sentence(),
            StepState::Cached => "made before of the same, which stands in".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            escape(name.as_str()),
            step.state.as_str(),
            escape(&why)
        );
    }
    text
}
