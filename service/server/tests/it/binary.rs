//! The real binary, in a folder of its own.

use crate::yard::PATIENCE;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use tempfile::TempDir;

/// A folder to start commands in.
pub struct Place(TempDir);

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// With this `trainyard.toml`, where `{folder}` is the folder.
    pub fn new(settings: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = settings.replace("{folder}", &place.path().display().to_string());
        place.write("trainyard.toml", &text);
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, folders included.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with nothing of this machine's environment but the search path.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainyard"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("USER", "ada")
            .env("TZ", "UTC");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Text without what differs from run to run: this folder, run ids, times.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "FOLDER")
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A program that runs; killed when dropped.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// Starts it and collects what it says on standard error.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (send, lines) = mpsc::channel();
        let collected = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                collected.lock().unwrap().push_str(&format!("{line}\n"));
                _ = send.send(line);
            }
        });
        Self { child, log, lines }
    }

    /// `trainyard serve`, ready; with the address it listens on.
    pub fn serve(place: &Place) -> (Self, SocketAddr) {
        let running = Self::start(&mut place.command(&["serve"]));
        let line = running.says("ready");
        let address = line
            .split("address=")
            .nth(1)
            .and_then(|address| address.trim().parse().ok());
        (running, address.unwrap_or_else(|| panic!("no address in {line:?}")))
    }

    /// Waits for a line with this text, if it was not said already.
    pub fn says(&self, text: &str) -> String {
        loop {
            if let Some(line) = self.log().lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            if self.lines.recv_timeout(PATIENCE).is_err() {
                panic!("it did not say {text:?}, but:\n{}", self.log());
            }
        }
    }

    /// Everything it said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; returns the exit code, `None` after a signal.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        // The reader ends with the pipe.
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        (code, self.log())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
