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
use trainyard_core::log;
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
    trainyard logs 0192f0c1-2b3c train --raw > train.log\n  \
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
    /// Print the bytes as the program wrote them, with escape sequences and whatever else a terminal obeys
    #[arg(long)]
    raw: bool,
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
        let mut reader = Reader::open(&log, self.raw)?;
        reader.print()?;
        if self.follow {
            self.follow(&store, run, &mut reader).await?;
        }
        reader.end()?;
        Ok(ExitCode::SUCCESS)
    }

    fn find(&self, folders: &Folders, run: &Run) -> Result<LogFile> {
        Ok(run_logs::find(folders, run, &self.step, self.attempt)?)
    }

    async fn follow(&self, store: &Reads, mut run: Run, reader: &mut Reader) -> Result<()> {
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
    /// Whether the bytes are printed as they are.
    raw: bool,
    /// A line without its end yet: an escape sequence must not be taken for two halves.
    begun: Vec<u8>,
}

/// A line that is longer is not waited for.
const LONGEST_LINE: usize = 1 << 20;

impl Reader {
    /// At the beginning, which is the rotated part if there is one.
    fn open(log: &LogFile, raw: bool) -> Result<Self> {
        let first = log.rotated();
        let path = if first.exists() { first.as_path() } else { log.path() };
        Ok(Self {
            file: open(path)?,
            log: log.clone(),
            raw,
            begun: Vec::new(),
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
                self.show(&piece[..whole])?;
            } else if !self.go_on()? {
                return Ok(());
            }
        }
    }

    fn show(&mut self, piece: &[u8]) -> Result<()> {
        if self.raw {
            return output::bytes(piece);
        }
        self.begun.extend_from_slice(piece);
        let whole = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.begun.len() > LONGEST_LINE => self.begun.len(),
            None => return Ok(()),
        };
        let lines: Vec<u8> = self.begun.drain(..whole).collect();
        output::bytes(as_shown(&lines).as_bytes())
    }

    /// Prints the last line, which has no end.
    fn end(&mut self) -> Result<()> {
        let last = std::mem::take(&mut self.begun);
        output::bytes(as_shown(&last).as_bytes())
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

/// A log as a terminal would have shown it, without what it obeys.
fn as_shown(bytes: &[u8]) -> String {
    let lines = log::lines(&String::from_utf8_lossy(bytes)).into_iter();
    lines.map(|line| line + "\n").collect()
}

fn open(path: &std::path::Path) -> Result<File> {
    match File::open(path) {
        Ok(file) => Ok(file),
        Err(error) => bail!("the log {} cannot be read: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_a_log() {
        let hostile =
            "\x1b]8;;http://evil\x07click\x1b]8;;\x07 \x1b[31mred\x1b[0m \u{202e}txet\u{202c}\x07\n50%\r100%\nend";
        assert_eq!(as_shown(hostile.as_bytes()), "click red txet\n100%\nend\n");
    }
}
