//! `[executor.kubernetes]`: the cluster whose jobs the steps are, and how images and data get there.

use super::{ConfigError, ObjectStore, values};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use trainyard_engine::{KubernetesSettings, Placement, Tolerated};

/// `[executor.kubernetes]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// Where images are pushed and pulled, for example `registry.example.com/trainyard`.
    pub registry: String,
    /// The name of the store in `[object_stores]` through which inputs and outputs go.
    pub object_store: String,
    /// The namespace of the jobs.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// The context of KUBECONFIG; its current one if absent.
    pub context: Option<String>,
    /// The image of what stands beside the programs.
    #[serde(default = "stage_image")]
    pub stage_image: String,
    /// The secret of the namespace with which nodes pull images.
    pub pull_secret: Option<String>,
    /// The account of the pods.
    pub service_account: Option<String>,
    /// A pod that has not started by then is given up, with the reason.
    #[serde(default = "start_timeout", deserialize_with = "values::duration")]
    pub start_timeout: Duration,
    /// How long the cluster keeps a job that has ended.
    #[serde(default = "keep_jobs", deserialize_with = "values::duration")]
    pub keep_jobs: Duration,
    /// Labels of nodes.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are no obstacle.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// What steps of these names need beside that, in whatever pipeline.
    #[serde(default)]
    pub steps: BTreeMap<String, Step>,
}

/// `[executor.kubernetes.steps.NAME]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Labels of nodes.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are no obstacle.
    pub tolerations: Vec<Toleration>,
    /// Whole devices, for example `"nvidia.com/gpu" = 1`.
    pub devices: BTreeMap<String, u32>,
}

/// A taint that is no obstacle.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toleration {
    /// Its key; every one if absent.
    pub key: Option<String>,
    /// Its value; whatever it is if absent.
    pub value: Option<String>,
    /// Its effect; every one if absent.
    pub effect: Option<String>,
}

fn namespace() -> String {
    "default".to_owned()
}

fn stage_image() -> String {
    "trainyard/stage:latest".to_owned()
}

fn start_timeout() -> Duration {
    Duration::from_secs(15 * 60)
}

fn keep_jobs() -> Duration {
    Duration::from_secs(7 * 86_400)
}

fn placement(
    node_selector: &BTreeMap<String, String>,
    tolerations: &[Toleration],
    devices: &BTreeMap<String, u32>,
) -> Placement {
    let tolerations = tolerations.iter().cloned();
    let tolerated = |Toleration { key, value, effect }| Tolerated { key, value, effect };
    Placement {
        node_selector: node_selector.clone(),
        tolerations: tolerations.map(tolerated).collect(),
        devices: devices.clone(),
    }
}

impl Kubernetes {
    /// As the engine takes it.
    pub(super) fn engine(&self, stores: &BTreeMap<String, ObjectStore>) -> Result<KubernetesSettings, ConfigError> {
        let wrong = |why: String| ConfigError(format!("[executor.kubernetes]: {why}"));
        let store = stores.get(&self.object_store).ok_or_else(|| {
            wrong(format!(
                "there is no [object_stores.{}]: add it, or correct object_store",
                self.object_store
            ))
        })?;
        if !store.url.starts_with("s3://") {
            return Err(wrong(format!(
                "pods exchange data through s3:// only, and {} is another store",
                self.object_store
            )));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
        if self.registry.is_empty() || !self.registry.chars().all(plain) || self.registry.contains("//") {
            return Err(wrong(format!(
                "registry = \"{}\" is no place of images: write for example registry.example.com/trainyard",
                self.registry
            )));
        }
        let place = |step: &Step| placement(&step.node_selector, &step.tolerations, &step.devices);
        Ok(KubernetesSettings {
            namespace: self.namespace.clone(),
            context: self.context.clone(),
            registry: self.registry.trim_end_matches('/').to_owned(),
            pull_secret: self.pull_secret.clone(),
            store: store.engine(&self.object_store)?,
            stage_image: self.stage_image.clone(),
            service_account: self.service_account.clone(),
            place: placement(&self.node_selector, &self.tolerations, &BTreeMap::new()),
            steps: self
                .steps
                .iter()
                .map(|(name, step)| (name.clone(), place(step)))
                .collect(),
            start_timeout: self.start_timeout,
            keep: self.keep_jobs,
        })
    }
}
