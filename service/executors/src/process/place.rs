//! What is written down of a program in its place, and what becomes of it.

use crate::contract::{Observation, ProgramExit};
use rustix::process::{Pid, Signal};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How soon a running program is looked at again, first, and at the longest where nothing happens.
pub(super) const POLL: Duration = Duration::from_millis(20);
pub(super) const RARELY: Duration = Duration::from_millis(500);
/// The wrapper is running within this time.
pub(super) const BEGIN: Duration = Duration::from_secs(10);

/// Noted of a program that we stop.
const STOPPED: &str = "stopped";

/// A line of the wrapper; absent until it is whole.
fn line(file: PathBuf) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.strip_suffix('\n').map(str::to_owned)
}

/// The process id, its state and its start (in clock ticks since the machine's), from `/proc/<pid>/stat`.
fn process(stat: &str) -> Option<(i32, char, u64)> {
    let pid = stat.split_whitespace().next()?.parse().ok()?;
    // The name in brackets may contain anything; the fields are counted after it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((pid, state, fields.nth(18)?.parse().ok()?))
}

/// Whether a program was started here.
pub(super) fn has_begun(place: &Path) -> bool {
    line(place.join("pid")).is_some()
}

/// The leader of the program's group, if it still runs.
pub(super) fn running(place: &Path) -> Option<Pid> {
    let (pid, _, started) = process(&line(place.join("pid"))?)?;
    let now = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, state, now_started) = process(&now)?;
    (now_started == started && state != 'Z')
        .then(|| Pid::from_raw(pid))
        .flatten()
}

pub(super) fn observation(place: &Path) -> Observation {
    if !has_begun(place) {
        return Observation::Unknown;
    }
    let is_running = running(place).is_some();
    // Read after the look at the process: the wrapper writes the code before it ends.
    match line(place.join("exit")).and_then(|code| code.parse().ok()) {
        Some(code) => Observation::Ended(ProgramExit::Code(code)),
        None if is_running => Observation::Running,
        None if place.join(STOPPED).exists() => Observation::Ended(ProgramExit::Code(128 + Signal::KILL.as_raw())),
        None => Observation::Ended(ProgramExit::Signal(Signal::KILL.as_raw())),
    }
}

/// From here on its end is ours.
pub(super) fn note_stop(place: &Path) {
    let _ = fs::write(place.join(STOPPED), b"");
}

/// Waits until the wrapper says that the program runs.
pub(super) async fn begun(place: &Path) -> bool {
    let deadline = Instant::now() + BEGIN;
    while !has_begun(place) {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}
