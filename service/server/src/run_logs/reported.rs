//! What the steps of a run report of their training, in their logs and in TensorBoard's event files, read as far as it
//! was not read before.

use super::event_files::{Events, below};
use super::{LogFile, find, newest_attempt};
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use trainyard_core::ids::StepName;
use trainyard_core::log::Curves;
use trainyard_core::node::NodeId;
use trainyard_core::run::Run;
use trainyard_engine::Folders;
use trainyard_engine::artifacts::place;

/// Read at once.
const CHUNK: u64 = 1024 * 1024;
/// Logs, and event files, that are remembered; with more all are read anew.
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

/// What a step reports.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The step.
    pub step: String,
    /// Its newest attempt, which reports it.
    pub attempt: u32,
    /// What it says.
    pub curves: Curves,
    /// How often something was reported.
    pub reports: u64,
    /// Whether the beginning of the log is gone, and with it what was reported there.
    pub is_cut: bool,
    /// What is wrong with its event files, a sentence each.
    pub problems: Vec<String>,
}

/// Logs and event files that were read before: one that grows is read on, and one that is whole is not read again.
#[derive(Default)]
pub struct Reported {
    logs: Known<Reading>,
    events: Known<Events>,
}

/// Files as far as they were read, by path.
#[derive(Default)]
struct Known<T>(Mutex<HashMap<PathBuf, T>>);

impl<T: Clone + Default> Known<T> {
    /// Reads a file on from where it was read to.
    fn read(&self, path: PathBuf, on: impl FnOnce(&mut T) -> io::Result<()>) -> io::Result<T> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = lock().get(&path).cloned().unwrap_or_default();
        on(&mut reading)?;
        let mut known = lock();
        if known.len() >= MOST_REMEMBERED && !known.contains_key(&path) {
            known.clear();
        }
        known.insert(path, reading.clone());
        Ok(reading)
    }
}

impl Reported {
    /// What each step of a run reports; steps that report nothing are left out.
    pub fn of_run(&self, folders: &Folders, run: &Run) -> Vec<StepReport> {
        let mut all = Vec::new();
        for (name, step) in &run.steps {
            let Some(attempt) = newest_attempt(&step.state) else {
                continue;
            };
            let mut report = StepReport {
                step: name.to_string(),
                attempt,
                curves: Curves::default(),
                reports: 0,
                is_cut: false,
                problems: Vec::new(),
            };
            if let Ok(log) = find(folders, run, name.as_str(), Some(attempt)) {
                match self.read(&log) {
                    Ok(reading) => {
                        report.is_cut = reading.is_cut();
                        report.reports = reading.reports;
                        report.curves = reading.curves;
                    }
                    Err(error) => tracing::warn!(log = %log.path().display(), %error, "a log cannot be read"),
                }
            }
            for (output, root) in outputs(folders, run, name, attempt) {
                self.add_events(&mut report, &output, &root, !step.outputs.is_empty());
            }
            if !report.curves.is_empty() || !report.problems.is_empty() {
                all.push(report);
            }
        }
        all
    }

    /// What the event files of an output say; where the log says the same, it is not said twice.
    fn add_events(&self, report: &mut StepReport, output: &str, root: &Path, is_whole: bool) {
        let mut curves = Curves::default();
        let files = below(root).unwrap_or_else(|error| {
            tracing::debug!(folder = %root.display(), %error, "an output cannot be looked through");
            Vec::new()
        });
        for file in files {
            let read = self.events.read(file.path.clone(), |events| file.read(events));
            match read {
                Ok(events) => {
                    report.reports += events.read.reports;
                    for (tag, curve) in events.read.curves.iter() {
                        let name = match file.folder.as_str() {
                            "" => tag.to_owned(),
                            folder => format!("{folder}/{tag}"),
                        };
                        for (at, value) in curve.points() {
                            curves.add(&name, at, value);
                        }
                    }
                    let told = |problem| format!("{} in {output}: {problem}", file.name);
                    report.problems.extend(events.problem(is_whole).map(told));
                }
                Err(error) => report
                    .problems
                    .push(format!("{} in {output} cannot be read: {error}", file.name)),
            }
        }
        report.curves.add_missing(curves);
    }

    fn read(&self, log: &LogFile) -> io::Result<Reading> {
        self.logs
            .read(log.path().to_owned(), |reading| log.read_reports(reading))
    }
}

/// Where the outputs of a step are: sealed, or as its program writes them.
fn outputs(folders: &Folders, run: &Run, name: &StepName, attempt: u32) -> Vec<(String, PathBuf)> {
    let sealed = run.steps.get(name).into_iter().flat_map(|step| &step.outputs);
    let sealed = sealed.map(|(output, made)| (output.clone(), place(&folders.artifacts(), &made.digest)));
    let sealed: Vec<_> = sealed.collect();
    if !sealed.is_empty() {
        return sealed;
    }
    let staged = folders.attempt_outputs(&run.request.id, &NodeId::step(name), attempt);
    let planned = run
        .request
        .plan
        .steps
        .get(name)
        .into_iter()
        .flat_map(|step| step.outputs.keys());
    planned.map(|output| (output.clone(), staged.join(output))).collect()
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
