//! `trainyard run`: the engine of the service, in the foreground.

use super::output;
use super::parameters::Parameters;
use super::pipeline_file;
use super::progress::Progress;
use super::runs;
use crate::config::Config;
use anyhow::{Result, anyhow, bail};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use trainyard_core::ids::RunId;
use trainyard_core::run::RunState;
use trainyard_engine::{Engine, LocalError, RunAsked};

/// The worker of a run that is over has this long to let go of it.
const LETTING_GO: Duration = Duration::from_secs(5);
/// A run in other hands that was quiet for so long is tried again.
const QUIET: Duration = Duration::from_secs(30);
/// The exit code of a run whose model the gate did not approve.
const REJECTED: u8 = 2;
/// The exit code of a run whose model was to be pushed and was kept back.
const KEPT_BACK: u8 = 3;

/// Run a pipeline folder of this machine in the foreground
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard run pipelines/flights\n  \
    trainyard run pipelines/flights --parameter learning_rate=0.05\n  \
    trainyard run pipelines/flights --span 2014-06\n  \
    trainyard run pipelines/flights --push\n  \
    trainyard run pipelines/flights --json > run.json\n\n\
    Exit codes: 0 the run succeeded, 2 the gate did not approve the model, 3 with --push the model was kept back from \
    its target (held, withdrawn, made of older data) or waits for `trainyard approve`, 1 the run failed or was cancelled, 64 wrong usage. ctrl-c cancels the run; a second one leaves it to the next `trainyard serve`.")]
pub(super) struct Run {
    /// The folder of pipeline.yaml
    #[arg(value_name = "PIPELINE_DIR")]
    folder: PathBuf,
    #[command(flatten)]
    parameters: Parameters,
    /// Run as of this span: newer data is not seen. Of several data sources SOURCE=SPAN; may be given for each
    #[arg(long, value_name = "[SOURCE=]SPAN")]
    span: Vec<String>,
    /// Push the model if the gate approves it; the ledger names you and the state of the work tree
    #[arg(long)]
    push: bool,
    /// What happens anyway without --push
    #[arg(long, hide = true, conflicts_with = "push")]
    no_push: bool,
    /// Print the whole run as JSON at its end, as GET /api/v1/runs/RUN answers
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let engine = Engine::open(config.engine()?).await?;
        // The service waits for an executor that is away; whoever sits in front of this wants to know.
        engine.probe_executor().await?;
        let asked = RunAsked {
            parameters: self.parameters.map(),
            spans: self.span,
            no_push: self.no_push || !self.push,
            actor: super::actor(),
        };
        let made = engine.request_local_so(&self.folder, &asked);
        let id = made.await.map_err(shown)?;
        follow(&engine, &id).await?;
        let detail = runs::detail(engine.reads(), id.as_str()).await?;
        if self.json {
            output::json(&detail)?;
        } else {
            output::text(&runs::render(&detail))?;
        }
        let run = engine.reads().load_run(&id).await?;
        engine.close().await;
        Ok(match run.state {
            RunState::Succeeded if run.is_rejected() => ExitCode::from(REJECTED),
            RunState::Succeeded if run.kept_back().is_some() => ExitCode::from(KEPT_BACK),
            RunState::Succeeded => ExitCode::SUCCESS,
            RunState::WaitingForApproval => ExitCode::from(KEPT_BACK),
            _ => ExitCode::FAILURE,
        })
    }
}

/// The mistakes of a pipeline file are shown like `lint` shows them.
pub(super) fn shown(error: LocalError) -> anyhow::Error {
    let LocalError::Invalid { file, text, problems } = &error else {
        return error.into();
    };
    pipeline_file::wrong(file, text, problems, "and nothing was run")
}

/// Drives the run and shows its events until it is over.
async fn follow(engine: &Engine, id: &RunId) -> Result<()> {
    let mut progress = Progress::of(engine.reads().run_request(id).await?);
    let drive = || {
        let (driver, driven) = (engine.clone(), id.clone());
        tokio::spawn(async move { driver.drive(&driven).await })
    };
    let mut driving = drive();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (mut over, mut asked_to_end) = (false, false);
    let mut changes = engine.changes();
    loop {
        progress.show(engine.reads().run_events(id, progress.seen()).await?);
        if progress.is_over() {
            // The worker gives its lease back before the database closes.
            if !over && timeout(LETTING_GO, &mut driving).await.is_err() {
                tracing::debug!(run = %id, "the run's worker is still busy");
            }
            return Ok(());
        }
        tokio::select! {
            done = &mut driving, if !over => {
                over = true;
                match done.map_err(|error| anyhow!("the run's worker broke: {error}"))? {
                    // It is for a person to say now, with this command or without it.
                    Ok(run) if run.state == RunState::WaitingForApproval => {
                        progress.show(engine.reads().run_events(id, progress.seen()).await?);
                        return Ok(());
                    }
                    // A service with the same data folder was faster: it is watched from here, while it lives.
                    Ok(_) | Err(LocalError::Taken) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            _ = sleep(QUIET), if over => (driving, over) = (drive(), false),
            _ = terminate.recv() => asked_to_end = stop(engine, id, asked_to_end).await?,
            _ = interrupt.recv() => asked_to_end = stop(engine, id, asked_to_end).await?,
            _ = changes.next() => {}
        }
    }
}

/// The first signal cancels the run, the second leaves it as it is.
async fn stop(engine: &Engine, id: &RunId, asked_to_end: bool) -> Result<bool> {
    if asked_to_end {
        bail!("run {id} was left before its end: the next `trainyard serve` takes it up");
    }
    engine.cancel(id, &super::actor()).await?;
    Ok(true)
}
