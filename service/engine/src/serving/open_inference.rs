//! A model server that speaks the Open Inference Protocol with its repository extension, as MLServer
//! and Triton do, and the folder it loads models from.

use super::protocol::{ModelServer, ServingError};
use super::repository::{ModelFolder, Naming};
use super::sample::Sample;
use super::servable::Servable;
use super::trial::Checks;
use std::path::Path;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The waits before a server is asked again to load what is right.
const RELOADS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1)];

/// One model on one server.
#[derive(Clone, Debug)]
pub(super) struct OpenInference {
    pub(super) server: ModelServer,
    pub(super) folder: ModelFolder,
}

impl OpenInference {
    /// Whether the server answers, for a person.
    pub(super) async fn probe(&self) -> Result<String, ServingError> {
        self.server.live().await?;
        Ok(format!("{} answers", self.server.url()))
    }

    pub(super) async fn push(
        &self,
        source: &Path,
        version: &str,
        keep: &[String],
        checks: &Checks,
    ) -> Result<(), ServingError> {
        // A server that is down is waited for; one that this version takes down is not.
        self.server.live().await?;
        // Leftovers of a push that was cut off: the ledger does not know them.
        self.folder.remove_others(keep).await?;
        self.folder.write(source, version).await?;
        match self.activate(version, checks).await {
            Ok(()) => {
                self.folder.retire(keep, version).await;
                Ok(())
            }
            Err(error) => {
                self.withdraw(version).await;
                Err(self.taken_down(version, error))
            }
        }
    }

    /// A server that answered before the version was loaded.
    fn taken_down(&self, version: &str, error: ServingError) -> ServingError {
        match error {
            ServingError::Unreachable { url, problem, .. } => ServingError::Answer(format!(
                "the model server at {url} went away while version {version} of model '{}' was loaded and asked ({problem}): see its log; the version is withdrawn",
                self.server.model()
            )),
            error => error,
        }
    }

    pub(super) async fn roll_back(&self, earlier: Servable<'_>, current: &str) -> Result<(), ServingError> {
        let (source, version) = (earlier.files, earlier.version);
        let checks = Checks {
            sample: Sample::read_if_there(source)?,
            max_latency: None,
        };
        self.server.live().await?;
        self.folder.restore(source, version).await?;
        // Triton loads only the newest version; a load that fails leaves there what serves.
        if self.folder.naming() == Naming::Padded
            && let Err(error) = self.prove(version, &checks).await
        {
            self.withdraw(version).await;
            return Err(error);
        }
        let switched = self.folder.without(current, self.activate(version, &checks)).await;
        if switched.is_err() {
            self.load().await?;
        }
        switched
    }

    pub(super) async fn settle(&self, keep: &[String], current: Option<Servable<'_>>) -> Result<bool, ServingError> {
        let mut wrong = self.folder.settle(keep, current).await?;
        if let Some(Servable { files, version, .. }) = current.filter(|_| !wrong) {
            let sample = Sample::read_if_there(files)?;
            let answers = self
                .server
                .expect_default(&self.folder.served(version), sample.as_ref().map(|s| &s.request))
                .await;
            wrong = matches!(answers, Err(ServingError::Answer(_) | ServingError::Refused { .. }));
        }
        if wrong {
            self.load_what_is_left().await?;
        }
        Ok(wrong)
    }

    /// Loads what is in the folder.
    async fn load(&self) -> Result<(), ServingError> {
        self.folder.align_config()?;
        self.server.load().await
    }

    /// Loads a version beside the one that serves, and asks it.
    async fn prove(&self, version: &str, checks: &Checks) -> Result<(), ServingError> {
        let served = self.folder.served(version);
        self.load().await?;
        self.server.wait_ready(&served).await?;
        checks.query(&self.server, Some(&served)).await
    }

    async fn activate(&self, version: &str, checks: &Checks) -> Result<(), ServingError> {
        self.prove(version, checks).await?;
        self.server
            .expect_default(&self.folder.served(version), checks.request())
            .await
    }

    /// Takes a version away that must not serve. The old ones are loaded again, if need be by the
    /// next start.
    async fn withdraw(&self, version: &str) {
        if let Err(error) = self.folder.remove(version).await {
            tracing::error!(model = self.server.model(), version, %error, "a failed version was not removed");
        }
        for wait in RELOADS {
            sleep(wait).await;
            let error = match timeout(self.server.max_loading_time(), self.reload()).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => ServingError::Answer("the model server hangs: start it anew".to_owned()),
            };
            tracing::error!(model = self.server.model(), version, %error, "a failed version may still serve");
            // It had all its time: others wait for the target.
            if matches!(error, ServingError::Answer(_)) {
                return;
            }
        }
    }

    /// Has a server that answers load what is left.
    async fn reload(&self) -> Result<(), ServingError> {
        self.server.live().await?;
        self.load_what_is_left().await
    }

    async fn load_what_is_left(&self) -> Result<(), ServingError> {
        if self.folder.versions().is_empty() {
            self.server.unload().await
        } else {
            self.load().await
        }
    }
}
