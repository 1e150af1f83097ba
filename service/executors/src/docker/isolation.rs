//! The request for a container. What it is given of its host is the wall's.

use super::wall::Wall;
use crate::contract::{Program, SECRETS};
use crate::staging::{self, User};
use bollard::models::{ContainerCreateBody, HealthConfig};
use std::collections::HashMap;
use std::path::Path;

/// The whole request for a container.
pub(super) fn container(
    program: &Program,
    mounts: &[staging::Mount],
    volumes: &[String],
    gpus: &[String],
    user: User,
    labels: HashMap<String, String>,
) -> ContainerCreateBody {
    let environment = program
        .variables(Path::new(SECRETS))
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    let own = !program.command.is_empty();
    ContainerCreateBody {
        image: program.image.clone(),
        // The command replaces the image's entrypoint as well: what is written is what runs.
        entrypoint: own.then(|| program.command.clone()),
        cmd: own.then(Vec::new),
        env: Some(environment.collect()),
        user: Some(format!("{}:{}", user.0, user.1)),
        labels: Some(labels),
        // An image's health check would be one more program in the step's container.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(Wall::new(program, mounts, volumes, gpus).host_config()),
        ..ContainerCreateBody::default()
    }
}
