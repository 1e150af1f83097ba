//! One version of a model on one server: loaded, asked, and timed.

use super::latency;
use super::protocol::{ModelServer, ServingError};
use super::repository::ModelFolder;
use super::sample::Sample;
use crate::house::config::Layout;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::artifact::Digest;
use trainyard_core::plan::InfraValidation;
use trainyard_core::registry::Marker;

/// Between two looks at a server that starts.
const POLL: Duration = Duration::from_millis(50);

/// What a version has to show before it counts.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The request that must be answered as expected.
    pub(super) sample: Option<Sample>,
    /// How long it may take.
    pub(super) max_latency: Option<Duration>,
}

impl Checks {
    /// As the pipeline asks for; the sample is the model's own.
    pub(crate) fn read(
        model: &Path,
        validation: InfraValidation,
        max_latency: Option<Duration>,
    ) -> Result<Self, ServingError> {
        let sample = Sample::read(model, validation)?;
        Ok(Self { sample, max_latency })
    }

    pub(super) fn request(&self) -> Option<&serde_json::Value> {
        self.sample.as_ref().map(|sample| &sample.request)
    }

    /// Asks a loaded version, `None` being the default one.
    pub(super) async fn query(&self, server: &ModelServer, version: Option<&str>) -> Result<(), ServingError> {
        let Some(sample) = &self.sample else { return Ok(()) };
        let answer = server.infer(version, &sample.request).await?;
        sample.check(&answer).map_err(ServingError::Answer)?;
        let Some(bound) = self.max_latency else { return Ok(()) };
        let mut taken = Vec::new();
        while taken.len() < latency::QUERIES && !latency::decided(&taken, bound) {
            let before = Instant::now();
            let answer = server.infer(version, &sample.request).await?;
            taken.push(before.elapsed());
            sample.check(&answer).map_err(ServingError::Answer)?;
        }
        latency::judge(&taken, bound).map_err(ServingError::Answer)
    }
}

/// Writes a repository with nothing but one version of one model; returns what its server calls it. Blocks.
pub(crate) fn write_repository(
    folder: &Path,
    layout: Layout,
    model: &str,
    version: &str,
    source: (&Path, &Digest),
) -> Result<String, ServingError> {
    let folder = ModelFolder::laid_out(folder, model, layout);
    let (source, digest) = source;
    // Marked as it will be where it serves.
    let marker = Marker {
        instance: "infra-validation".to_owned(),
        target: model.to_owned(),
        version: version.to_owned(),
        model: digest.clone(),
    };
    let hidden = folder.path().join(".trial");
    folder.write_now(source, version, &marker, &hidden)?;
    folder.lay_out_config(version)?;
    Ok(folder.served(version))
}

/// Returns when a server that was just started is live.
pub(crate) async fn wait_live(server: &ModelServer) -> Result<(), ServingError> {
    let deadline = Instant::now() + server.max_loading_time();
    while let Err(error) = server.live().await {
        if Instant::now() >= deadline {
            return Err(error);
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Loads a version on a server where nothing else is, and checks it.
pub(crate) async fn try_out(server: &ModelServer, version: &str, checks: &Checks) -> Result<(), ServingError> {
    server.load().await?;
    server.wait_ready(version).await?;
    checks.query(server, Some(version)).await
}
