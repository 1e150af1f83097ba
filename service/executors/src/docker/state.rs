//! What a container says about itself: whose it is, which attempt, and how far it got.

use crate::contract::{AttemptKey, Observation, ProgramExit};
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use std::collections::HashMap;
use std::net::IpAddr;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;

/// Labels of our containers.
pub(super) mod label {
    pub(in crate::docker) const OWNER: &str = "io.trainyard.owner";
    pub(super) const RUN: &str = "io.trainyard.run";
    /// Called so since steps were the only nodes: containers outlive the program that made them.
    pub(super) const NODE: &str = "io.trainyard.step";
    pub(super) const ATTEMPT: &str = "io.trainyard.attempt";
    /// The GPUs that it has, in commas.
    pub(in crate::docker) const GPUS: &str = "io.trainyard.gpus";
}

pub(super) fn labels(owner: &str, key: &AttemptKey, gpus: &[String]) -> HashMap<String, String> {
    let gpus = (!gpus.is_empty()).then(|| (label::GPUS, gpus.join(",")));
    let labels = [
        (label::OWNER, owner.to_owned()),
        (label::RUN, key.run.to_string()),
        (label::NODE, key.node.to_string()),
        (label::ATTEMPT, key.attempt.to_string()),
    ];
    let labels = labels.into_iter().chain(gpus);
    labels.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The GPUs that these labels name.
pub(super) fn gpus(labels: &HashMap<String, String>) -> Vec<String> {
    let named = labels.get(label::GPUS).map_or("", String::as_str);
    named
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The attempt that these labels name.
pub(super) fn key(labels: &HashMap<String, String>) -> Option<AttemptKey> {
    Some(AttemptKey {
        run: RunId::new(labels.get(label::RUN)?.as_str()),
        node: NodeId::parse(labels.get(label::NODE)?),
        attempt: labels.get(label::ATTEMPT)?.parse().ok()?,
    })
}

pub(super) fn owner(container: &ContainerInspectResponse) -> Option<&str> {
    let labels = container.config.as_ref()?.labels.as_ref()?;
    labels.get(label::OWNER).map(String::as_str)
}

/// Its address in the one network it is in; Docker gives it one while it runs.
pub(super) fn address(container: &ContainerInspectResponse) -> Option<IpAddr> {
    let networks = container.network_settings.as_ref()?.networks.as_ref()?;
    networks
        .values()
        .find_map(|network| network.ip_address.as_ref()?.parse().ok())
}

/// Created, and no more than that.
pub(super) fn never_ran(container: &ContainerInspectResponse) -> bool {
    container.state.as_ref().and_then(|state| state.status) == Some(ContainerStateStatusEnum::CREATED)
}

pub(super) fn observation(container: &ContainerInspectResponse) -> Observation {
    let Some(state) = &container.state else {
        return Observation::Running;
    };
    match state.status {
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) => {}
        _ => return Observation::Running,
    }
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    Observation::Ended(match code {
        // A program that lost a child to the limit and still succeeded has succeeded.
        0 => ProgramExit::Code(0),
        _ if state.oom_killed == Some(true) => ProgramExit::OutOfMemory,
        code => ProgramExit::Code(code),
    })
}
