//! The serving endpoint: a model server that speaks the Open Inference Protocol with its
//! repository extension, and the folder it loads models from.

mod latency;
mod ledger;
mod protocol;
mod repository;
mod sample;
mod trial;

use ledger::is_ours;
pub use ledger::{kept, next_version, served};
pub use protocol::{ModelServer, ServingError};
pub(crate) use trial::{Checks, try_out, wait_live, write_repository};

use crate::config::TargetConfig;
use repository::{ModelFolder, VersionFolder};
use sample::Sample;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::gate::Blessed;
use trainyard_core::spec::InfraValidation;

/// The waits before a server is asked again to load what is right.
const RELOADS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1)];

/// One model on one server.
#[derive(Clone, Debug)]
pub struct Target {
    name: String,
    server: ModelServer,
    folder: ModelFolder,
    max_latency: Option<Duration>,
}

impl Target {
    /// The target `name` of the configuration.
    pub fn new(http: &reqwest::Client, name: &str, config: &TargetConfig) -> Self {
        let model = config.model.clone().unwrap_or_else(|| name.to_owned());
        Self {
            name: name.to_owned(),
            folder: ModelFolder::new(&config.repository, &model),
            server: ModelServer::new(http.clone(), &config.url, &model, config.max_loading_time),
            max_latency: None,
        }
    }

    /// A new version must answer the sample request within this time.
    pub fn within(mut self, max_latency: Option<Duration>) -> Self {
        self.max_latency = max_latency;
        self
    }

    /// The server behind it.
    pub fn server(&self) -> &ModelServer {
        &self.server
    }

    /// Where a version is written.
    pub fn destination(&self, version: &str) -> PathBuf {
        self.folder.version(version)
    }

    /// Makes the approved model serve as `version`, and returns only when the server answers with
    /// it. On any failure what served before still serves and the new folder is gone; the error is
    /// a sentence. Versions not in `keep` are removed afterwards.
    pub async fn push(
        &self,
        model: &Blessed<ArtifactRef>,
        version: &str,
        keep: &[String],
        validation: InfraValidation,
    ) -> Result<(), ServingError> {
        let source = PathBuf::from(&model.get().uri);
        let checks = Checks::read(&source, validation, self.max_latency)?;
        // Leftovers of a push that was cut off: the ledger does not know them.
        self.remove_others(keep).await?;
        self.write(&source, version).await?;
        match self.activate(version, &checks).await {
            Ok(()) => {
                let newest = keep
                    .last()
                    .into_iter()
                    .cloned()
                    .chain([version.to_owned()])
                    .collect::<Vec<_>>();
                if let Err(error) = self.remove_others(&newest).await {
                    tracing::warn!(target = self.name, %error, "old versions were not removed");
                }
                Ok(())
            }
            Err(error) => {
                self.withdraw(version).await;
                Err(error)
            }
        }
    }

    /// Makes an earlier version serve again in place of `current`; the error is a sentence, and then
    /// `current` still serves.
    pub async fn roll_back(&self, earlier: &ArtifactRef, version: &str, current: &str) -> Result<(), ServingError> {
        let source = PathBuf::from(&earlier.uri);
        let checks = Checks {
            sample: Sample::read_if_there(&source)?,
            max_latency: None,
        };
        if !self.folder.version(version).exists() {
            self.write(&source, version).await?;
        }
        if let Err(error) = self.prove(version, &checks).await {
            self.withdraw(version).await;
            return Err(error);
        }
        let aside = self.folder.take_aside(current).await?;
        let settled = async {
            self.server.load().await?;
            self.server.wait_ready(version).await?;
            self.server.expect_default(version, checks.request()).await
        };
        match settled.await {
            Ok(()) => {
                aside.forget().await;
                Ok(())
            }
            Err(error) => {
                aside.put_back().await?;
                self.server.load().await?;
                Err(error)
            }
        }
    }

    /// Makes folder and server say what the ledger says, after a crash in the middle of a push or
    /// rollback: versions that are not in `keep` go, the last one comes back if it is gone or another
    /// one answers. True when something was wrong; the server, if it runs, has then loaded what is right.
    pub async fn settle(&self, keep: &[String], current: Option<(&ArtifactRef, &str)>) -> Result<bool, ServingError> {
        let mut wrong = self.remove_others(keep).await?;
        if let Some((model, version)) = current.filter(|(_, version)| !self.folder.version(version).exists()) {
            self.write(Path::new(&model.uri), version).await?;
            wrong = true;
        }
        if let Some((model, version)) = current.filter(|_| !wrong) {
            let sample = Sample::read_if_there(Path::new(&model.uri))?;
            let answers = self
                .server
                .expect_default(version, sample.as_ref().map(|s| &s.request))
                .await;
            wrong = matches!(answers, Err(ServingError::Answer(_) | ServingError::Refused { .. }));
        }
        if wrong {
            self.load_what_is_left().await?;
        }
        Ok(wrong)
    }

    async fn write(&self, source: &Path, version: &str) -> Result<(), ServingError> {
        let folder = self.folder.clone();
        let new = VersionFolder {
            source: source.to_owned(),
            version: version.to_owned(),
        };
        let written = tokio::task::spawn_blocking(move || folder.write(&new)).await;
        written.map_err(|error| ServingError::Folder(error.to_string()))?
    }

    /// Loads a version beside the one that serves, and asks it.
    async fn prove(&self, version: &str, checks: &Checks) -> Result<(), ServingError> {
        self.server.load().await?;
        self.server.wait_ready(version).await?;
        checks.query(&self.server, Some(version)).await
    }

    async fn activate(&self, version: &str, checks: &Checks) -> Result<(), ServingError> {
        self.prove(version, checks).await?;
        self.server.expect_default(version, checks.request()).await
    }

    /// Takes a version away that must not serve. The old ones are loaded again, if need be by the
    /// next start.
    async fn withdraw(&self, version: &str) {
        if let Err(error) = self.folder.remove(version).await {
            tracing::error!(target = self.name, version, %error, "a failed version was not removed");
        }
        for wait in RELOADS {
            tokio::time::sleep(wait).await;
            match self.load_what_is_left().await {
                Ok(()) => return,
                Err(error) => tracing::error!(target = self.name, version, %error, "a failed version may still serve"),
            }
        }
    }

    async fn load_what_is_left(&self) -> Result<(), ServingError> {
        if self.folder.versions().is_empty() {
            self.server.unload().await
        } else {
            self.server.load().await
        }
    }

    /// Whether there were others. Versions that bear no number of ours are somebody else's.
    async fn remove_others(&self, keep: &[String]) -> Result<bool, ServingError> {
        let mut removed = false;
        for version in self.folder.versions() {
            if is_ours(&version) && !keep.contains(&version) {
                self.folder.remove(&version).await?;
                removed = true;
            }
        }
        Ok(removed)
    }
}
