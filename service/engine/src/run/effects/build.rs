//! `BuildImage`: the run's source at its commit, then the image by its content key.

use crate::house::context::Context;
use crate::house::error::EffectError;
use crate::run::outcome::Outcome;
use crate::source::checkout;
use trainyard_core::run::{Run, RunEvent};
use trainyard_executors::{BuildError, BuildRequest, ImageBuilder};

pub(super) async fn build_image(context: &Context, run: &Run, image: &str) -> Result<Outcome, EffectError> {
    let Some(build) = run.request.plan.images.get(image) else {
        return Err(EffectError::Broken(format!("the plan has no image '{image}'")));
    };
    let source = checkout::source(context, &run.request).await?;
    let request = BuildRequest {
        root: source.clone(),
        context: source.join(&build.context),
        dockerfile: source.join(&build.dockerfile),
        build_args: build.args.clone(),
        name: format!("{}/{image}", run.request.plan.pipeline),
        log_file: context.folders.build_log(&run.request.id, image),
    };
    // Two builds at once only take each other's CPU and disk.
    let _one_at_a_time = context.building.lock().await;
    let event = match context.builder.build(&request).await {
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
        Err(BuildError::Refused { message }) => {
            let reason = checkout::without_path(&message, &source);
            RunEvent::ImageFailed {
                image: image.to_owned(),
                reason,
                last_lines: Vec::new(),
            }
        }
        Err(BuildError::Failed { message, last_lines }) => {
            let reason = checkout::without_path(&message, &source);
            RunEvent::ImageFailed {
                image: image.to_owned(),
                reason,
                last_lines,
            }
        }
    };
    Ok(Outcome::event(event))
}
