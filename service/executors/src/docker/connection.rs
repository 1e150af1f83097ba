//! The way to one Docker engine, and what its errors mean.

use crate::contract::ExecutorError;
use bollard::Docker;
use bollard::errors::Error as DockerError;
use std::sync::{Arc, OnceLock};

/// Where Docker listens unless `DOCKER_HOST` says otherwise.
const USUAL_HOST: &str = "unix:///var/run/docker.sock";
const START_IT: &str = "start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST";

/// One engine, which need not answer yet. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

struct Inner {
    host: String,
    // bollard wants the socket to exist, and the engine may be started after us.
    api: OnceLock<Docker>,
}

impl Connection {
    /// The engine at `host`, or at `DOCKER_HOST`, or at the usual place.
    pub(super) fn to(host: Option<&str>) -> Self {
        let from_environment = || std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        let host = host.map(str::to_owned).or_else(from_environment);
        Self(Arc::new(Inner {
            host: host.unwrap_or_else(|| USUAL_HOST.to_owned()),
            api: OnceLock::new(),
        }))
    }

    pub(super) fn api(&self) -> Result<&Docker, ExecutorError> {
        if let Some(api) = self.0.api.get() {
            return Ok(api);
        }
        let api =
            Docker::connect_with_host(&self.0.host).map_err(|error| self.unreachable(START_IT.to_owned(), error))?;
        Ok(self.0.api.get_or_init(|| api))
    }

    /// A question that Docker could not answer. An error of its own says nothing about the container,
    /// so it is asked again.
    pub(super) fn unanswered(&self, what: &str, error: DockerError) -> ExecutorError {
        match status(&error) {
            Some(500..) => {
                let hint = format!("it could not {what} ({}): look at its log, or restart it", text(&error));
                self.unreachable(hint, error)
            }
            _ => self.failed(what, error),
        }
    }

    /// A thing that Docker could not do.
    pub(super) fn failed(&self, what: &str, error: DockerError) -> ExecutorError {
        let message = match &error {
            DockerError::DockerResponseServerError { status_code, message } => {
                format!("Docker could not {what} (status {status_code}): {}", message.trim())
            }
            DockerError::JsonDataError { .. } | DockerError::JsonSerdeError { .. } => {
                format!("Docker could {what}, but its answer is not understood: use version 20.10 or later")
            }
            _ => return self.unreachable(START_IT.to_owned(), error),
        };
        ExecutorError::Failed {
            message,
            source: Some(error.into()),
        }
    }

    /// Where the engine listens.
    pub(super) fn host(&self) -> &str {
        &self.0.host
    }

    /// The connection ended before the answer did.
    pub(super) fn broke_off(&self, source: Box<dyn std::error::Error + Send + Sync>) -> ExecutorError {
        ExecutorError::Unreachable {
            what: format!("Docker at {}", self.0.host),
            hint: START_IT.to_owned(),
            source: Some(source),
        }
    }

    /// It took too long.
    pub(super) fn silent(&self) -> ExecutorError {
        self.unreachable(START_IT.to_owned(), DockerError::RequestTimeoutError)
    }

    fn unreachable(&self, hint: String, source: DockerError) -> ExecutorError {
        ExecutorError::Unreachable {
            what: format!("Docker at {}", self.0.host),
            hint,
            source: Some(source.into()),
        }
    }
}

/// The HTTP status of Docker's answer, if there was one.
pub(super) fn status(error: &DockerError) -> Option<u16> {
    match error {
        DockerError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What Docker said.
pub(super) fn text(error: &DockerError) -> String {
    match error {
        DockerError::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        DockerError::DockerStreamError { error } => error.trim().to_owned(),
        other => other.to_string(),
    }
}
