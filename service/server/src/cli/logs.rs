//! `trainyard logs`.

use super::{output, runs};
use crate::config::Config;
use crate::run_logs::{self, LogFile};
use anyhow::{Result, bail};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;
use trainyard_core::run::{ImageState, Run, StepState};
use trainyard_engine::Folders;
use trainyard_store::Reads;

/// How often a log that is followed is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Print what a step wrote, or the build of an image
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard logs 0192f0c1-2b3c train\n  \
    trainyard logs 0192f0c1-2b3c train --follow\n  \
    trainyard logs 0192f0c1-2b3c train --attempt 1\n  \
    trainyard logs 0192f0c1-2b3c build-train       the build of the image that step 'train' uses first")]
pub(super) struct Logs {
    /// The run; the beginning of its id is enough
    run: String,
    /// The step, or build-STEP for the build of the image that the step is the first to use
    step: String,
    /// The attempt, from 1; the newest if absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Go on until the program ends
    #[arg(long, short)]
    follow: bool,
}

impl Logs {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let folders = super::folders(config);
        let id = runs::row(&store, &self.run).await?.id;
        let mut run = store.load_run(&id).await?;
        if self.follow {
            let mut changes = store.changes();
            while will_be_written(&run, &self.step, self.attempt) && self.find(&folders, &run).is_err() {
                // A build's log begins without a change in the store.
                let _ = timeout(LOOK_AGAIN, changes.next()).await;
                run = store.load_run(&id).await?;
            }
        }
        let log = self.find(&folders, &run)?;
        let mut reader = Reader::open(&log)?;
        reader.print()?;
        if self.follow {
            self.follow(&store, run, reader).await?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn find(&self, folders: &Folders, run: &Run) -> Result<LogFile> {
        Ok(run_logs::find(folders, run, &self.step, self.attempt)?)
    }

    async fn follow(&self, store: &Reads, mut run: Run, mut reader: Reader) -> Result<()> {
        let attempt = self
            .attempt
            .or_else(|| run_logs::newest_attempt(&run.steps.get(self.step.as_str())?.state));
        let mut changes = store.changes();
        while is_written(&run, &self.step, attempt) {
            // The file grows without a change in the store.
            if timeout(LOOK_AGAIN, changes.next()).await.is_ok() {
                run = store.load_run(&run.request.id).await?;
            }
            reader.print()?;
        }
        reader.print()
    }
}

/// Whether the log is not there yet but will be.
fn will_be_written(run: &Run, name: &str, attempt: Option<u32>) -> bool {
    if run.state.is_final() {
        return false;
    }
    match run.steps.get(name) {
        Some(record) if record.state.is_final() => false,
        Some(record) => {
            attempt.is_none_or(|asked| run_logs::newest_attempt(&record.state).is_none_or(|at| at <= asked))
        }
        None => is_written(run, name, attempt),
    }
}

/// Whether more may come.
fn is_written(run: &Run, name: &str, attempt: Option<u32>) -> bool {
    if run.state.is_final() {
        return false;
    }
    match run.steps.get(name).map(|record| &record.state) {
        Some(StepState::Running { attempt: now, .. } | StepState::Ended { attempt: now, .. }) => attempt == Some(*now),
        Some(_) => false,
        None => {
            let image = name.strip_prefix("build-").and_then(|image| run.images.get(image));
            matches!(image, Some(ImageState::Pending))
        }
    }
}

/// A log that is read on where it ended, also when it was rotated meanwhile.
struct Reader {
    log: LogFile,
    file: File,
}

impl Reader {
    /// At the beginning, which is the rotated part if there is one.
    fn open(log: &LogFile) -> Result<Self> {
        let first = log.rotated();
        let path = if first.exists() { first.as_path() } else { log.path() };
        Ok(Self {
            file: open(path)?,
            log: log.clone(),
        })
    }

    /// Prints what is new.
    fn print(&mut self) -> Result<()> {
        loop {
            let mut piece = Vec::new();
            let at = self.file.stream_position()?;
            (&self.file).take(1 << 20).read_to_end(&mut piece)?;
            // A sentence of many bytes is never cut: text is printed to its last line break, or whole at the end.
            let whole = match piece.iter().rposition(|byte| *byte == b'\n') {
                Some(end) if piece.len() == 1 << 20 => end + 1,
                _ => piece.len(),
            };
            self.file.seek(SeekFrom::Start(at + whole as u64))?;
            if whole > 0 {
                output::text(&String::from_utf8_lossy(&piece[..whole]))?;
            } else if !self.go_on()? {
                return Ok(());
            }
        }
    }

    /// At the end of a rotated part, to the file that grows.
    fn go_on(&mut self) -> Result<bool> {
        let (ours, newest) = (self.file.metadata()?, std::fs::metadata(self.log.path())?);
        if ours.ino() == newest.ino() {
            return Ok(false);
        }
        self.file = open(self.log.path())?;
        Ok(true)
    }
}

fn open(path: &std::path::Path) -> Result<File> {
    match File::open(path) {
        Ok(file) => Ok(file),
        Err(error) => bail!("the log {} cannot be read: {error}", path.display()),
    }
}
