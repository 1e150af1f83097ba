//! Programs on this machine, for development without Docker. They are not isolated.
//!
//! A program outlives a restart of the service: a small shell wrapper writes its exit code to a
//! file, and its process id is kept with its start time, so that a reused id is never mistaken for it.

use crate::contract::*;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use trainyard_core::ids::{RunId, StepName};

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);
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
/// Runs the command and writes its exit code in one step.
const WRAPPER: &str = r#"exit_file=$1; shift; "$@"; code=$?; printf '%s' "$code" >"$exit_file.tmp" && mv "$exit_file.tmp" "$exit_file"; exit "$code""#;

/// Runs programs as children in their own session. Cheap to clone.
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
        let command = own_program(&program.command);
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut child = Command::new("setsid")
            .args(["sh", "-c", WRAPPER, "sh"])
            .arg(place.join("exit"))
            .args(&command)
            .env_clear()
            .envs(inherited)
            .envs(&program.environment)
            .current_dir(program.working_directory.as_deref().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| ExecutorError::Refused {
                message: format!("{} cannot be started: {error}", command[0]),
            })?;
        let pid = child.id();
        let started = start_time(pid).unwrap_or_default();
        fs::write(place.join("pid"), format!("{pid} {started}")).map_err(|error| failed(place, error))?;
        // The child is waited for, so that it does not stay behind as a zombie.
        tokio::task::spawn_blocking(move || child.wait());
        Ok(())
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

/// Clock ticks between the machine's start and the process's, from `/proc/<pid>/stat`.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may contain anything; the fields are counted after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn running(place: &Path) -> Option<Pid> {
    let text = fs::read_to_string(place.join("pid")).ok()?;
    let (pid, started) = text.split_once(' ')?;
    let pid: u32 = pid.parse().ok()?;
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()?
        .rsplit_once(')')?
        .1
        .trim_start()
        .starts_with('Z');
    (start_time(pid) == started.parse().ok() && !zombie)
        .then(|| Pid::from_raw(pid.try_into().ok()?))
        .flatten()
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
        if place.join("pid").exists() {
            return Ok(());
        }
        fs::create_dir_all(&place).map_err(|error| failed(&place, error))?;
        self.spawn(&place, program)
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        let place = self.place(key);
        if !place.join("pid").exists() {
            return Ok(Observation::Unknown);
        }
        let is_running = running(&place).is_some();
        // Read after the look at the process: the wrapper writes the code before it ends.
        Ok(
            match fs::read_to_string(place.join("exit"))
                .ok()
                .and_then(|code| code.parse::<i32>().ok())
            {
                Some(code @ 129..=192) => Observation::Ended(Exit::Signal(code - 128)),
                Some(code) => Observation::Ended(Exit::Code(code)),
                None if is_running => Observation::Running,
                None => Observation::Ended(Exit::Signal(Signal::KILL.as_raw())),
            },
        )
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while Instant::now() < deadline {
            if !matches!(self.observe(key).await, Ok(Observation::Running)) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn flush_logs(&self, _key: &AttemptKey) -> Result<(), ExecutorError> {
        Ok(())
    }

    async fn stop(&self, key: &AttemptKey, grace: Duration) -> Result<(), ExecutorError> {
        let place = self.place(key);
        for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, Duration::from_secs(10))] {
            let Some(pid) = running(&place) else { return Ok(()) };
            // The whole group: the wrapper and whatever the program started.
            let _ = kill_process_group(pid, signal);
            self.settled(key, patience).await;
        }
        Ok(())
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        match fs::remove_dir_all(self.place(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&self.place(key), error)),
            _ => Ok(()),
        }
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
        let refused = |message: String| BuildError::Refused { message };
        let dockerfile = fs::read_to_string(&request.dockerfile).map_err(|error| {
            refused(format!(
                "the Dockerfile {} cannot be read ({error}): correct build.dockerfile or add the file",
                request.dockerfile.display()
            ))
        })?;
        let digest = crate::context::files(&request.context)
            .and_then(|files| crate::context::digest(&files))
            .map_err(|error| {
                refused(format!(
                    "the build context {} cannot be read: {error}",
                    request.context.display()
                ))
            })?;
        let key = crate::image_key::image_key(&dockerfile, &request.build_args, &Default::default(), &digest);
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
