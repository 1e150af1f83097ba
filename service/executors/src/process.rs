//! Programs on this machine, for development without Docker. They are not isolated.
//!
//! A program outlives a restart of the service: a small shell wrapper writes its process id and its
//! exit code to files. The id is kept with its start time, so that a reused id is never mistaken.

use crate::contract::*;
use crate::image_key::image_key;
use crate::{context, log_file, source};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::ids::{RunId, StepName};

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);
/// The wrapper is running within this time.
const BEGIN: Duration = Duration::from_secs(10);
/// A killed program ends within this time.
const KILLED: Duration = Duration::from_secs(10);
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

/// Runs programs as process groups of their own. Cheap to clone.
#[derive(Clone)]
pub struct ProcessExecutor {
    folder: PathBuf,
}

impl ProcessExecutor {
    /// `folder` keeps one small folder for each program until it is removed.
    pub fn open(folder: PathBuf) -> Result<Self, ExecutorError> {
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        Ok(Self { folder })
    }

    fn place(&self, key: &AttemptKey) -> PathBuf {
        self.folder.join(format!("{}@{}@{}", key.run, key.step, key.attempt))
    }

    fn spawn(&self, place: &Path, program: &Program) -> Result<(), ExecutorError> {
        if let Some(folder) = program.log_file.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        let log = File::options().create(true).append(true).open(&program.log_file);
        let log = log.map_err(|error| failed(&program.log_file, error))?;
        let errors = log.try_clone().map_err(|error| failed(&program.log_file, error))?;
        let named = place.join("log");
        fs::write(&named, program.log_file.as_os_str().as_encoded_bytes()).map_err(|error| failed(&named, error))?;
        if program.command.is_empty() {
            let message = "an image's own command cannot run without its image: name the command".to_owned();
            return Err(ExecutorError::Refused { message });
        }
        let command = own_program(&program.command);
        let folder = program.working_directory.as_deref().unwrap_or(Path::new("/"));
        let mut environment: Vec<(&str, String)> = INHERITED
            .iter()
            .filter_map(|name| Some((*name, std::env::var(name).ok()?)))
            .collect();
        environment.extend(
            program
                .environment
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        let path = environment.iter().rfind(|(name, _)| *name == "PATH");
        if !is_executable(&command[0], path.map_or("", |(_, path)| path), folder) {
            let message = format!(
                "this machine has no program '{}': install it, or correct the step's command",
                command[0]
            );
            return Err(ExecutorError::Refused { message });
        }
        // tokio reaps the child, so that it does not stay behind as a zombie.
        tokio::process::Command::new("/bin/sh")
            .args(["-c", WRAPPER, "sh"])
            .arg(place)
            .args(&command)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map(drop)
            .map_err(|error| ExecutorError::Refused {
                message: format!("{} cannot be started in {}: {error}", command[0], folder.display()),
            })
    }
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

/// The leader of the program's group, if it still runs.
fn running(place: &Path) -> Option<Pid> {
    let (pid, _, started) = process(&line(place.join("pid"))?)?;
    let now = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, state, now_started) = process(&now)?;
    (now_started == started && state != 'Z')
        .then(|| Pid::from_raw(pid))
        .flatten()
}

fn observation(place: &Path) -> Observation {
    if line(place.join("pid")).is_none() {
        return Observation::Unknown;
    }
    let is_running = running(place).is_some();
    // Read after the look at the process: the wrapper writes the code before it ends.
    match line(place.join("exit")).and_then(|code| code.parse().ok()) {
        Some(code) => Observation::Ended(Exit::from_code(code)),
        None if is_running => Observation::Running,
        None => Observation::Ended(Exit::Signal(Signal::KILL.as_raw())),
    }
}

/// Waits until the wrapper says that the program runs.
async fn begun(place: &Path) -> bool {
    let deadline = Instant::now() + BEGIN;
    while line(place.join("pid")).is_none() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}

fn bound_log(place: &Path) {
    let Ok(path) = fs::read_to_string(place.join("log")) else {
        return;
    };
    if let Err(error) = log_file::rotate_under_writer(Path::new(&path)) {
        tracing::warn!(file = path, %error, "a log is not rotated");
    }
}

fn failed(path: &Path, error: io::Error) -> ExecutorError {
    let message = format!("{} cannot be written: {error}", path.display());
    ExecutorError::Failed {
        message,
        source: Some(error.into()),
    }
}

impl Executor for ProcessExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        let file = self.folder.join("probe");
        fs::write(&file, b"")
            .and_then(|()| fs::remove_file(&file))
            .map_err(|error| failed(&file, error))
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let place = self.place(key);
        if line(place.join("pid")).is_some() {
            return Ok(());
        }
        fs::create_dir_all(&place).map_err(|error| failed(&place, error))?;
        self.spawn(&place, program)?;
        if begun(&place).await {
            return Ok(());
        }
        let message = format!("'{}' did not begin within {}s", program.command[0], BEGIN.as_secs());
        Err(ExecutorError::Failed { message, source: None })
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        let place = self.place(key);
        let seen = observation(&place);
        if seen == Observation::Running {
            bound_log(&place);
        }
        Ok(seen)
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while Instant::now() < deadline && matches!(self.observe(key).await, Ok(Observation::Running)) {
            tokio::time::sleep_until(deadline.min(Instant::now() + POLL)).await;
        }
    }

    async fn flush_logs(&self, _key: &AttemptKey) -> Result<(), ExecutorError> {
        Ok(())
    }

    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        let place = self.place(key);
        if place.join("claim").exists() {
            begun(&place).await;
        }
        for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, KILLED)] {
            if observation(&place) != Observation::Running {
                return Ok(());
            }
            // The whole group: the wrapper and whatever the program started.
            if let Some(group) = running(&place) {
                let _ = kill_process_group(group, signal);
            }
            self.settled(key, patience).await;
        }
        match observation(&place) {
            Observation::Running => Err(ExecutorError::Failed {
                message: format!(
                    "'{}' does not end, not even by SIGKILL: look for it with `ps`",
                    key.step
                ),
                source: None,
            }),
            _ => Ok(()),
        }
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        self.stop(key, Duration::ZERO).await?;
        match fs::remove_dir_all(self.place(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&self.place(key), error)),
            _ => Ok(()),
        }
    }

    async fn address(&self, _key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| failed(&self.folder, error))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| key(&name)).collect())
    }
}

fn key(name: &str) -> Option<AttemptKey> {
    let mut parts = name.split('@');
    let key = AttemptKey {
        run: RunId::new(parts.next()?),
        step: StepName::new(parts.next()?),
        attempt: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(key)
}

/// Without Docker there are no images: what an image would be made of is its identity, so that the
/// step cache still sees changed code.
#[derive(Clone)]
pub struct ProcessImages;

impl ImageBuilder for ProcessImages {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let source = source::read(request)?;
        let digest = context::files(&source.context).and_then(|files| context::digest(&files));
        let digest = digest.map_err(|error| source::unreadable(&request.context, error))?;
        let key = image_key(&source.dockerfile, &request.build_args, &Default::default(), &digest);
        Ok(BuiltImage {
            image_id: format!("process:{key}"),
            key,
            reused: true,
        })
    }

    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        Ok(format!("process:{reference}"))
    }
}
