//! What an image is where there are none.

use crate::contract::{BuildError, BuildRequest, BuiltImage, ImageBuilder};
use crate::image_key::image_key;
use crate::{context, source};

/// Without Docker there are no images: what an image would be made of is its identity, so that the
/// step cache still sees changed code.
#[derive(Clone)]
pub struct ProcessImages;

impl ImageBuilder for ProcessImages {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let source = source::read(request)?;
        let digest = context::files(&source.context, &source.submodules).and_then(|files| context::digest(&files));
        let digest = digest.map_err(|error| source::unreadable(&request.context, error))?;
        let key = image_key(&source.dockerfile, &request.build_args, &Default::default(), &digest);
        Ok(BuiltImage {
            image_id: format!("process:{key}"),
            key,
            reused: true,
        })
    }

    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        Ok(format!("process:{reference}"))
    }

    async fn find(&self, request: &BuildRequest) -> Result<Option<String>, BuildError> {
        Ok(Some(self.build(request).await?.image_id))
    }

    async fn present(&self, reference: &str) -> Result<Option<String>, BuildError> {
        self.resolve(reference).await.map(Some)
    }
}
