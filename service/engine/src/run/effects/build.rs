//! `BuildImage`: the run's source at its commit, then the image by its content key.

use crate::house::error::EffectError;
use crate::house::folders::Folders;
use crate::run::images::Images;
use crate::run::outcome::Outcome;
use crate::source::Source;
use crate::source::checkout::{self, SourceError};
use std::path::Path;
use trainyard_core::log;
use trainyard_core::plan::{Build, BuildNetwork};
use trainyard_core::run::{Run, RunEvent, RunRequest};
use trainyard_executors::{BuildError, BuildRequest, Network, Stranger};

/// What the builder is asked for, of a source tree and the submodules that are not in it.
pub(super) fn request(
    folders: &Folders,
    run: &Run,
    (image, build): (&str, &Build),
    (tree, submodules): (&Path, &[String]),
    stranger: Option<Stranger>,
) -> BuildRequest {
    BuildRequest {
        root: tree.to_owned(),
        context: tree.join(&build.context),
        submodules: submodules.iter().map(|path| tree.join(path)).collect(),
        dockerfile: tree.join(&build.dockerfile),
        build_args: build.args.clone(),
        network: match build.network {
            BuildNetwork::Bridge => Network::Bridge,
            BuildNetwork::None => Network::None,
        },
        name: format!("{}/{image}", run.request.plan.pipeline),
        log_file: folders.build_log(&run.request.id, image),
        stranger,
    }
}

pub(super) async fn build_image(
    source: &Source,
    images: &Images,
    folders: &Folders,
    run: &Run,
    image: &str,
) -> Result<Outcome, EffectError> {
    let Some(build) = run.request.plan.images.get(image) else {
        return Err(EffectError::Broken(format!("the plan has no image '{image}'")));
    };
    let tree = checkout::source(source, &run.request).await?;
    let submodules = checkout::submodules(source, &run.request).await?;
    let stranger = stranger(source, &run.request, &build.dockerfile).await?;
    let request = request(folders, run, (image, build), (&tree, &submodules), stranger);
    let event = match images.build(&request).await {
        Ok(built) => {
            metrics::counter!("trainyard_image_builds_total", "reused" => built.reused.to_string()).increment(1);
            RunEvent::ImageBuilt {
                image: image.to_owned(),
                key: built.key,
                image_id: built.image_id,
                reused: built.reused,
            }
        }
        Err(error @ BuildError::Unreachable { .. }) => return Err(EffectError::again(error)),
        Err(BuildError::Interrupted { message }) => {
            return Err(EffectError::later(checkout::without_path(&message, &tree)));
        }
        Err(BuildError::Refused { message }) => {
            let reason = checkout::without_path(&message, &tree);
            RunEvent::ImageFailed {
                image: image.to_owned(),
                reason,
                last_lines: Vec::new(),
                line: None,
            }
        }
        Err(BuildError::Failed {
            message,
            last_lines,
            line,
        }) => {
            let reason = log::masked(&checkout::without_path(&message, &tree));
            RunEvent::ImageFailed {
                image: image.to_owned(),
                reason,
                last_lines: last_lines.iter().map(|line| log::masked(line)).collect(),
                line,
            }
        }
    };
    Ok(Outcome::event(event))
}

/// Of a fork, what the base's Dockerfile lets its own do.
pub(super) async fn stranger(
    source: &Source,
    request: &RunRequest,
    dockerfile: &str,
) -> Result<Option<Stranger>, EffectError> {
    let (Some(fork), Some(repo)) = (&request.fork, &request.repo) else {
        return Ok(None);
    };
    let mirror = checkout::fetch(source, repo, request.installation_id, &fork.base_sha).await?;
    let shown = mirror.show(&fork.base_sha, dockerfile).await;
    let text = shown.map_err(|error| EffectError::from(SourceError::from(error)))?;
    Ok(Some(Stranger {
        reviewed: text.map(|text| String::from_utf8_lossy(&text).into_owned()),
        mark: format!("pull-request-{}", request.pull_request.unwrap_or_default()),
    }))
}
