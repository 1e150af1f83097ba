//! Images: built by content key, or found by reference.

use crate::house::error::EffectError;
use std::sync::Arc;
use tokio::sync::Mutex;
use trainyard_core::plan::ImageSource;
use trainyard_core::run::{ImageState, Run};
use trainyard_executors::{AnyImageBuilder, BuildError, BuildRequest, BuiltImage, ImageBuilder};

/// What makes images and finds them.
#[derive(Clone)]
pub(crate) struct Images {
    builder: AnyImageBuilder,
    components: String,
    building: Arc<Mutex<()>>,
}

impl Images {
    /// `components` is the reference of the standard components' image.
    pub(crate) fn new(builder: AnyImageBuilder, components: String) -> Self {
        Self {
            builder,
            components,
            building: Arc::default(),
        }
    }

    /// Two builds at once only take each other's CPU and disk.
    pub(crate) async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let _one_at_a_time = self.building.lock().await;
        self.builder.build(request).await
    }

    /// The id of the standard components' image, brought here if it is not.
    pub(crate) async fn components(&self) -> Result<String, BuildError> {
        self.builder.resolve(&self.components).await
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
        match self.builder.resolve(reference).await {
            Ok(id) => Ok(Some(id)),
            Err(error @ BuildError::Unreachable { .. }) => Err(EffectError::again(error)),
            Err(error) => Err(EffectError::Broken(error.to_string())),
        }
    }
}
