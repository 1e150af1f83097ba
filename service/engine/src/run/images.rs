//! Images: built by content key, or found by reference.

use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trainyard_core::plan::ImageSource;
use trainyard_core::run::{ImageState, Run};
use trainyard_executors::{AnyImageBuilder, BuildError, BuildRequest, BuiltImage, ImageBuilder};

/// What makes images and finds them.
#[derive(Clone)]
pub(crate) struct Images {
    builder: AnyImageBuilder,
    components: String,
    building: Arc<Semaphore>,
}

impl Images {
    /// `components` is the reference of the standard components' image; so many builds go on at once.
    pub(crate) fn new(builder: AnyImageBuilder, components: String, max_parallel_builds: usize) -> Self {
        Self {
            builder,
            components,
            building: Arc::new(Semaphore::new(max_parallel_builds.max(1))),
        }
    }

    /// Waits for its turn: too many builds at once only take each other's CPU and disk.
    pub(crate) async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        // It is never closed.
        let _turn = self.building.acquire().await;
        passing(Effect::BuildImage, self.builder.build(request)).await
    }

    /// The id of the image that would be built, if it is there already.
    pub(crate) async fn find(&self, request: &BuildRequest) -> Result<Option<String>, BuildError> {
        self.builder.find(request).await
    }

    /// The id of the image that a step runs in, if it is there already; of one that was built, what the run knows.
    pub(crate) async fn present(&self, run: &Run, image: &ImageSource) -> Option<String> {
        let reference = match image {
            ImageSource::Build(image) => {
                return match run.images.get(image) {
                    Some(ImageState::Built { image_id, .. }) => Some(image_id.clone()),
                    _ => None,
                };
            }
            ImageSource::Components => &self.components,
            ImageSource::Reference(reference) => reference,
        };
        self.builder.present(reference).await.ok().flatten()
    }

    /// The id of the standard components' image, brought here if it is not.
    pub(crate) async fn components(&self) -> Result<String, BuildError> {
        passing(Effect::ResolveImage, self.builder.resolve(&self.components)).await
    }

    /// The id of the image that a step runs in; of one that was built, what the run knows.
    pub(crate) async fn of_step(&self, run: &Run, image: &ImageSource) -> Result<Option<String>, EffectError> {
        let reference = match image {
            ImageSource::Build(image) => {
                return Ok(match run.images.get(image) {
                    Some(ImageState::Built { image_id, .. }) => Some(image_id.clone()),
                    _ => None,
                });
            }
            ImageSource::Components => &self.components,
            ImageSource::Reference(reference) => reference,
        };
        match passing(Effect::ResolveImage, self.builder.resolve(reference)).await {
            Ok(id) => Ok(Some(id)),
            Err(error @ (BuildError::Unreachable { .. } | BuildError::Interrupted { .. })) => {
                Err(EffectError::again(error))
            }
            Err(error) => Err(EffectError::Broken(error.to_string())),
        }
    }
}
