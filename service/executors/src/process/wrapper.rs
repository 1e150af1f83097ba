//! The shell around a program, which writes down what becomes of it.

use super::output;
use crate::contract::{ExecutorError, Program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
pub(super) fn spawn(place: &Path, program: &Program, secrets: &Path) -> Result<(), ExecutorError> {
    if program.command.is_empty() {
        let message = "an image's own command cannot run without its image: name the command".to_owned();
        return Err(ExecutorError::Refused { message });
    }
    let command = own_program(&program.command);
    let folder = program.working_directory.as_deref().unwrap_or(Path::new("/"));
    let environment = environment(program, secrets);
    let path = environment.iter().rfind(|(name, _)| name == "PATH");
    if !is_executable(&command[0], path.map_or("", |(_, path)| path), folder) {
        let message = format!(
            "this machine has no program '{}': install it, or correct the step's command",
            command[0]
        );
        return Err(ExecutorError::Refused { message });
    }
    let (said, errors) = output::open(place).map_err(|error| ExecutorError::unwritten(place, error))?;
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

fn environment(program: &Program, secrets: &Path) -> Vec<(String, String)> {
    let inherited = INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    inherited.chain(program.variables(secrets)).collect()
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
