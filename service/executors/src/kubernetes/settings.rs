//! What is known of a cluster: `[executor.kubernetes]`.

use std::collections::BTreeMap;
use std::time::Duration;
use trainyard_sources::StoreSettings;

/// Where steps run in a cluster, and how their images, inputs and outputs get there.
#[derive(Clone, Debug)]
pub struct KubernetesSettings {
    /// The namespace of jobs and secrets.
    pub namespace: String,
    /// The context of the kubeconfig; its current one if absent.
    pub context: Option<String>,
    /// Where images are pushed and pulled, for example `registry.example.com/trainyard`.
    pub registry: String,
    /// The secret of the namespace with which nodes pull them.
    pub pull_secret: Option<String>,
    /// The bucket through which inputs and outputs go.
    pub store: StoreSettings,
    /// The image of what stands beside the programs.
    pub stage_image: String,
    /// The account of the pods; no token of it is mounted.
    pub service_account: Option<String>,
    /// Where pods may run.
    pub place: Placement,
    /// Where pods of a step may run, and what else they need, by the step's name in whatever pipeline.
    pub steps: BTreeMap<String, Placement>,
    /// A pod that has not started by then is given up.
    pub start_timeout: Duration,
    /// How long the cluster keeps a job that has ended.
    pub keep: Duration,
}

/// Nodes that fit, and what a program takes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Labels of a node.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are no obstacle.
    pub tolerations: Vec<Tolerated>,
    /// Whole devices, for example `nvidia.com/gpu = 1`.
    pub devices: BTreeMap<String, u32>,
}

/// A taint that is no obstacle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tolerated {
    /// The taint's key; every one if absent.
    pub key: Option<String>,
    /// Its value; whatever it is if absent.
    pub value: Option<String>,
    /// Its effect; every one if absent.
    pub effect: Option<String>,
}

impl KubernetesSettings {
    /// Where the pod of a step may run.
    pub(super) fn placement(&self, step: &str) -> Placement {
        let (mut place, own) = (self.place.clone(), self.steps.get(step).cloned().unwrap_or_default());
        place.node_selector.extend(own.node_selector);
        place.tolerations.extend(own.tolerations);
        place.devices.extend(own.devices);
        place
    }
}
