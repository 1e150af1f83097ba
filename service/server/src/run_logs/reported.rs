//! What the logs of a run report of its training, read as far as they were not read before.

use super::{LogFile, find, newest_attempt};
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use trainyard_core::log::Curves;
use trainyard_core::run::Run;
use trainyard_engine::Folders;

/// Read at once.
const CHUNK: u64 = 1024 * 1024;
/// Logs that are remembered; with more all are read anew.
const MOST_REMEMBERED: usize = 128;

/// A log as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The part that was rotated away, by its length and its last change.
    rotated: Option<(u64, SystemTime)>,
    /// The byte behind the last whole line.
    to: u64,
    /// Lines that were reports.
    pub reports: u64,
    /// What they say.
    pub curves: Curves,
}

impl Reading {
    /// Whether the beginning of the log is gone, and with it what was reported there.
    pub fn is_cut(&self) -> bool {
        self.rotated.is_some_and(|(length, _)| length > 0)
    }
}

impl LogFile {
    /// Reads on in whole lines.
    pub fn read_reports(&self, reading: &mut Reading) -> io::Result<()> {
        let rotated = std::fs::metadata(self.rotated()).ok();
        let rotated = rotated.as_ref().map(print).transpose()?;
        if rotated != reading.rotated || self.length()? < reading.to {
            *reading = Reading {
                rotated,
                ..Reading::default()
            };
        }
        loop {
            let chunk = self.read(reading.to, CHUNK)?;
            let is_full = chunk.len() as u64 == CHUNK;
            match memchr::memrchr(b'\n', &chunk) {
                Some(end) => {
                    for line in chunk[..end].split(|byte| *byte == b'\n') {
                        reading.reports += u64::from(reading.curves.take(line));
                    }
                    reading.to += end as u64 + 1;
                }
                // A line as long as that is no report.
                None if is_full => reading.to += CHUNK,
                None => {}
            }
            if !is_full {
                return Ok(());
            }
        }
    }
}

fn print(found: &Metadata) -> io::Result<(u64, SystemTime)> {
    Ok((found.len(), found.modified()?))
}

/// Logs that were read before: one that grows is read on, and one that is whole is not read again.
#[derive(Default)]
pub struct Reported(Mutex<HashMap<PathBuf, Reading>>);

impl Reported {
    /// What each step of a run reports, with the attempt that does; steps that report nothing are left out.
    pub fn of_run(&self, folders: &Folders, run: &Run) -> Vec<(String, u32, Reading)> {
        let mut all = Vec::new();
        for (name, step) in &run.steps {
            let Some(attempt) = newest_attempt(&step.state) else {
                continue;
            };
            let Ok(log) = find(folders, run, name.as_str(), Some(attempt)) else {
                continue;
            };
            match self.read(&log) {
                Ok(reading) if !reading.curves.is_empty() => all.push((name.to_string(), attempt, reading)),
                Ok(_) => {}
                Err(error) => tracing::warn!(log = %log.path().display(), %error, "a log cannot be read"),
            }
        }
        all
    }

    fn read(&self, log: &LogFile) -> io::Result<Reading> {
        let mut reading = self.lock().get(log.path()).cloned().unwrap_or_default();
        log.read_reports(&mut reading)?;
        let mut known = self.lock();
        if known.len() >= MOST_REMEMBERED && !known.contains_key(log.path()) {
            known.clear();
        }
        known.insert(log.path().to_owned(), reading.clone());
        Ok(reading)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write as _;

    fn points(reading: &Reading) -> Vec<(u64, f64)> {
        reading.curves.iter().flat_map(|(_, curve)| curve.points()).collect()
    }

    #[test]
    fn a_log_that_grows_is_read_on_in_whole_lines_and_anew_when_it_was_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile {
            path: folder.path().join("train.1.log"),
        };
        let write = |text: &str| {
            let mut file = OpenOptions::new().create(true).append(true).open(log.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let reported = Reported::default();
        write("hello\n{\"step\": 1, \"loss\": 3}\n{\"step\": 2, \"lo");
        let first = reported.read(&log).unwrap();
        assert_eq!((points(&first), first.reports), (vec![(1, 3.0)], 1));
        write("ss\": 2}\n");
        let second = reported.read(&log).unwrap();
        assert_eq!(points(&second), [(1, 3.0), (2, 2.0)]);
        // What was read is not read again.
        let mut at_end = second.clone();
        std::fs::write(log.path(), "x".repeat(second.to as usize)).unwrap();
        log.read_reports(&mut at_end).unwrap();
        assert_eq!(points(&at_end), [(1, 3.0), (2, 2.0)]);
        std::fs::write(log.rotated(), "{\"step\": 7, \"loss\": 1}\n").unwrap();
        std::fs::write(log.path(), "{\"step\": 8, \"loss\": 0.5}\n").unwrap();
        let third = reported.read(&log).unwrap();
        assert_eq!((points(&third), third.is_cut()), (vec![(7, 1.0), (8, 0.5)], true));
    }

    #[test]
    fn a_line_without_an_end_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile {
            path: folder.path().join("train.1.log"),
        };
        let text = format!("{}\n{{\"step\": 1, \"loss\": 3}}\n", "{".repeat(3 << 20));
        std::fs::write(log.path(), text).unwrap();
        let mut reading = Reading::default();
        log.read_reports(&mut reading).unwrap();
        assert_eq!(points(&reading), [(1, 3.0)]);
    }
}
