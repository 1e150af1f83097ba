//! The hardened git process: no configuration but ours, no prompt, no hook, no strange transport,
//! and the token only in the environment.

use super::error::{GitError, last_line, says_machine};
use crate::client::is_loopback;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, setpriority_process};
use secrecy::{ExposeSecret, SecretString};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::process::{Child, Command};
use trainyard_core::machine;

/// Of the service's own environment git gets only these: the search path, certificates, proxies.
const INHERITED: [&str; 13] = [
    "PATH",
    "TMPDIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "ALL_PROXY",
    "all_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
];
/// Not for loopback.
const PLAIN_PROXIES: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// Settings that repository content cannot change.
const SETTINGS: [(&str, &str); 16] = [
    // A mirror that a power failure damages is made anew; each sync of it would keep commits of the database waiting.
    ("core.fsync", "none"),
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.symlinks", "true"),
    ("credential.helper", ""),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    // A redirect would take the token along.
    ("http.followRedirects", "false"),
    ("http.lowSpeedTime", "60"),
];

/// Where git is. By its whole path it is started without a copy of this process's page tables, which is what the standard
/// library makes for a program that it looks for in an environment other than its own.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join("git"));
        let found = found.filter(|git| git.is_absolute()).find(|git| is_program(git));
        found.unwrap_or_else(|| PathBuf::from("git"))
    })
}

/// Many fetches at once must not keep anybody from being answered.
pub(crate) fn give_way(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(pid) = pid
        && let Err(error) = setpriority_process(Some(pid), NICE)
    {
        tracing::debug!(%error, "git works at the service's own priority");
    }
}

/// As `nice` counts: ten steps down.
const NICE: i32 = 10;

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a git process said.
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// Without the token.
    pub(super) stderr: String,
}

impl Output {
    /// The standard output of a command that succeeded.
    pub(super) fn stdout_of(self, action: &str) -> Result<Vec<u8>, GitError> {
        if self.success {
            return Ok(self.stdout);
        }
        Err(GitError::Failed {
            action: action.to_owned(),
            detail: last_line(&self.stderr),
        })
    }
}

/// One git process to be.
pub(super) struct Git<'a> {
    command: Command,
    settings: Vec<(String, String)>,
    secrets: Vec<String>,
    action: &'a str,
    folder: PathBuf,
}

impl<'a> Git<'a> {
    /// `git --git-dir <folder> <action> …`
    pub(super) fn new(folder: &Path, action: &'a str) -> Self {
        let mut command = Command::new(program());
        command
            .env_clear()
            .current_dir(folder)
            .arg("--git-dir")
            .arg(folder)
            .arg(action);
        for name in INHERITED.iter().chain(&PLAIN_PROXIES) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // git's curl reads its own name for the certificates only.
        if let (None, Some(file)) = (std::env::var_os("GIT_SSL_CAINFO"), std::env::var_os("SSL_CERT_FILE")) {
            command.env("GIT_SSL_CAINFO", file);
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let mut settings: Vec<(String, String)> = SETTINGS
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        settings.push(("http.lowSpeedLimit".to_owned(), "100".to_owned()));
        settings.push(("safe.directory".to_owned(), folder.display().to_string()));
        Self {
            command,
            settings,
            secrets: Vec::new(),
            action,
            folder: folder.to_owned(),
        }
    }

    pub(super) fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn env(mut self, name: &str, value: &Path) -> Self {
        self.command.env(name, value);
        self
    }

    /// Authorizes requests to this address, and to no other.
    pub(super) fn authorized(mut self, url: &str, token: Option<&SecretString>) -> Self {
        if is_loopback(url) {
            for name in PLAIN_PROXIES.iter().chain(&["ALL_PROXY", "all_proxy"]) {
                self.command.env_remove(name);
            }
        }
        if let Some(token) = token.map(ExposeSecret::expose_secret) {
            let basic = STANDARD.encode(format!("x-access-token:{token}"));
            self.settings.push((
                format!("http.{url}.extraHeader"),
                format!("Authorization: Basic {basic}"),
            ));
            self.secrets.extend([basic, token.to_owned()]);
        }
        self
    }

    /// Lets git read repositories in local folders.
    pub(super) fn local(mut self) -> Self {
        self.settings
            .push(("protocol.file.allow".to_owned(), "always".to_owned()));
        self.settings.push(("safe.directory".to_owned(), "*".to_owned()));
        self
    }

    /// Runs it to its end, or kills it at the limit.
    pub(super) async fn output(mut self, limit: Duration) -> Result<Output, GitError> {
        self.command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (at, (key, value)) in self.settings.iter().enumerate() {
            self.command
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let finished = async {
            let child = self.command.spawn()?;
            give_way(&child);
            child.wait_with_output().await
        };
        let Ok(finished) = tokio::time::timeout(limit, finished).await else {
            return Err(GitError::TimedOut {
                action: self.action.to_owned(),
                limit,
            });
        };
        let output = finished.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => GitError::NoGit(error),
            _ => GitError::Machine {
                action: self.action.to_owned(),
                detail: error.to_string(),
            },
        })?;
        let mut stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        for secret in &self.secrets {
            stderr = stderr.replace(secret.as_str(), "***");
        }
        if let Some(signal) = output.status.signal() {
            return Err(GitError::Machine {
                action: self.action.to_owned(),
                detail: format!("it was stopped by signal {signal}"),
            });
        }
        if !output.status.success() && says_machine(&stderr) {
            return Err(GitError::Machine {
                action: self.action.to_owned(),
                detail: last_line(&stderr),
            });
        }
        if !output.status.success() && machine::says_full(&stderr) {
            return Err(GitError::Disk {
                path: self.folder.display().to_string(),
                source: ErrorKind::StorageFull.into(),
            });
        }
        Ok(Output {
            success: output.status.success(),
            code: output.status.code(),
            stdout: output.stdout,
            stderr,
        })
    }
}
