//! The shell around a program, and what it writes down about it in the program's place.

use super::{failed, output};
use crate::contract::{ExecutorError, Observation, Program, ProgramExit};
use rustix::process::{Pid, Signal};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::time::Instant;

/// The wrapper is running within this time.
pub(super) const BEGIN: Duration = Duration::from_secs(10);
/// Environment that a program takes over from the service: where programs, certificates and text are found.
const INHERITED: [&str; 8] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
];
/// Claims the place of the attempt, which only one can, runs the command, says that it runs, and
/// writes down its code. SIGTERM goes to the whole group, and the wrapper waits for what comes of it;
/// it is told so after the fork, so that there is no moment in which a signal is lost. A wait that a
/// signal cut off is repeated; 127 is also the answer to a wait for a child that was waited for.
const WRAPPER: &str = r#"place=$1; shift
exec 3>&2 2>/dev/null
read -r stat </proc/$$/stat
set -C
printf '' >"$place/claim" || exit 0
"$@" 2>&3 3>&- &
child=$!
trap 'told=yes' TERM INT HUP
printf '%s\n' "$stat" >"$place/pid"
code=127
while told=; wait "$child"; now=$?; [ $now = 127 ] || code=$now; [ -n "$told" ]; do :; done
printf '%s\n' "$code" >"$place/exit"
exit "$code""#;

/// Starts the program in its place.
pub(super) fn spawn(place: &Path, program: &Program) -> Result<(), ExecutorError> {
    if program.command.is_empty() {
        let message = "an image's own command cannot run without its image: name the command".to_owned();
        return Err(ExecutorError::Refused { message });
    }
    let command = own_program(&program.command);
    let folder = program.working_directory.as_deref().unwrap_or(Path::new("/"));
    let environment = environment(program);
    let path = environment.iter().rfind(|(name, _)| *name == "PATH");
    if !is_executable(&command[0], path.map_or("", |(_, path)| path), folder) {
        let message = format!(
            "this machine has no program '{}': install it, or correct the step's command",
            command[0]
        );
        return Err(ExecutorError::Refused { message });
    }
    let (said, errors) = output::open(place).map_err(|error| failed(place, error))?;
    // tokio reaps the child, so that it does not stay behind as a zombie.
    tokio::process::Command::new("/bin/sh")
        .args(["-c", WRAPPER, "sh"])
        .arg(place)
        .args(&command)
        .env_clear()
        .envs(environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(said)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map(drop)
        .map_err(|error| ExecutorError::Refused {
            message: format!("{} cannot be started in {}: {error}", command[0], folder.display()),
        })
}

fn environment(program: &Program) -> Vec<(&str, String)> {
    let inherited = INHERITED
        .iter()
        .filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    let own = program
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    inherited.chain(own).collect()
}

/// `/trainyard-components` of the standard image is the program built beside this one.
fn own_program(command: &[String]) -> Vec<String> {
    let mut command = command.to_vec();
    if command
        .first()
        .is_some_and(|program| program == "/trainyard-components")
    {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|me| Some(me.parent()?.join("trainyard-components")));
        command[0] = match beside.filter(|path| path.exists()) {
            Some(path) => path.display().to_string(),
            None => "trainyard-components".to_owned(),
        };
    }
    command
}

/// Whether a shell in `folder` would find the program.
fn is_executable(program: &str, path: &str, folder: &Path) -> bool {
    let executable = |file: PathBuf| {
        fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return executable(folder.join(program));
    }
    !program.is_empty() && std::env::split_paths(path).any(|place| executable(folder.join(place).join(program)))
}

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
        Some(code) => Observation::Ended(ProgramExit::from_code(code)),
        None if is_running => Observation::Running,
        None => Observation::Ended(ProgramExit::Signal(Signal::KILL.as_raw())),
    }
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
