//! Images on their way to a registry, from where others pull them by digest.

use super::post::{self, PostError};
use super::{DockerImageBuilder, PULL_SILENCE, registry};
use crate::contract::BuildError;
use crate::docker::connection::text;
use bollard::query_parameters::TagImageOptionsBuilder;

impl DockerImageBuilder {
    /// Pushes an image of the engine, and says by which name with a digest it is pulled. What is there already is not
    /// sent again.
    pub(crate) async fn push(&self, image: &str, repository: &str) -> Result<String, BuildError> {
        let tag = image.trim_start_matches("sha256:").chars().take(16).collect::<String>();
        let options = TagImageOptionsBuilder::new().repo(repository).tag(&tag).build();
        let tagged = self.connection.api()?.tag_image(image, Some(options)).await;
        tagged.map_err(|error| match crate::docker::connection::status(&error) {
            Some(400 | 404) => BuildError::Refused {
                message: format!("the image {image} cannot be named {repository}: {}", text(&error)),
            },
            _ => BuildError::from(self.connection.unanswered("tag an image", error)),
        })?;
        let of = registry::registry(repository);
        let refused = |reason: &str| BuildError::Interrupted {
            message: format!(
                "the image {image} cannot be pushed to {repository} ({reason}): see that the registry answers and that the service may push there (`docker login {of}`)"
            ),
        };
        let login = self.logins.header(repository).await;
        let login = login.map_err(|error| BuildError::Refused {
            message: error.sentence(of),
        })?;
        let failed = |error: PostError| match error {
            PostError::Status { message, .. } => refused(&message),
            PostError::BrokeOff(error) => self.connection.broke_off(error).into(),
        };
        let silent = || refused("it does not answer");
        let asked = post::push(self.connection.host(), repository, &tag, login.as_deref());
        let asked = tokio::time::timeout(PULL_SILENCE, asked).await;
        let mut answer = asked.map_err(|_| silent())?.map_err(failed)?;
        let mut digest = None;
        loop {
            let line = tokio::time::timeout(PULL_SILENCE, answer.line()).await;
            let Some(line) = line.map_err(|_| silent())?.map_err(failed)? else {
                break;
            };
            let said: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
            if let Some(message) = said["errorDetail"]["message"].as_str() {
                return Err(refused(message));
            }
            let found = said["aux"]["Digest"].as_str();
            digest = found.map(str::to_owned).or(digest);
        }
        let digest = digest.ok_or_else(|| refused("the engine does not say by which digest"))?;
        Ok(format!("{repository}@{digest}"))
    }
}
