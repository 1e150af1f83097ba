//! Images by content key, with the classic builder every engine has.

use crate::context;
use crate::contract::{BuildError, BuildRequest, BuiltImage, ExecutorError, ImageBuilder};
use crate::image_key::{base_images, image_key};
use bollard::Docker;
use bollard::query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder};
use futures_util::StreamExt;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// The Dockerfile's name inside the packed context; it may lie outside the context on the host.
const DOCKERFILE: &str = ".trainyard.Dockerfile";
/// Lines of output that a failed build is reported with.
const LAST_LINES: usize = 20;
/// Digits of the key in the image's tag.
const TAG_DIGITS: usize = 24;

/// Builds on one Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct DockerImageBuilder {
    docker: Docker,
}

impl DockerImageBuilder {
    pub(super) fn new(docker: Docker) -> Self {
        Self { docker }
    }

    async fn image_id(&self, reference: &str) -> Result<Option<String>, BuildError> {
        match self.docker.inspect_image(reference).await {
            Ok(image) => Ok(image.id),
            Err(error) if super::status(&error) == Some(404) => Ok(None),
            Err(error) => Err(build_error(super::failed("inspect an image", error))),
        }
    }

    async fn pull(&self, reference: &str) -> Result<(), BuildError> {
        let options = CreateImageOptionsBuilder::new().from_image(reference).build();
        let mut progress = std::pin::pin!(self.docker.create_image(Some(options), None, None));
        while let Some(step) = progress.next().await {
            if let Err(error) = step {
                return Err(BuildError::Refused {
                    message: format!(
                        "the image {reference} is not on this machine and cannot be pulled ({}): build it here, or check its name and the registry",
                        super::text(&error)
                    ),
                });
            }
        }
        Ok(())
    }

    /// Runs the build, writing its output to `log`; answers the last lines.
    async fn run(&self, tar: Vec<u8>, tag: &str, request: &BuildRequest, log: &mut File) -> Result<(), BuildError> {
        let arguments: HashMap<_, _> = request.build_args.clone().into_iter().collect();
        let labels = HashMap::from([("io.trainyard.image".to_owned(), request.name.clone())]);
        let options = BuildImageOptionsBuilder::new()
            .dockerfile(DOCKERFILE)
            .t(tag)
            .buildargs(&arguments)
            .labels(&labels)
            .rm(true)
            .forcerm(true)
            .build();
        let mut output = std::pin::pin!(
            self.docker
                .build_image(options, None, Some(bollard::body_full(tar.into())))
        );
        let mut seen = Output::default();
        while let Some(piece) = output.next().await {
            let failure = match piece {
                Ok(info) => {
                    let text = info.stream.or(info.status).unwrap_or_default();
                    if let Err(error) = log.write_all(text.as_bytes()) {
                        tracing::warn!(%error, "a build log is incomplete");
                    }
                    seen.take(&text);
                    info.error_detail.and_then(|detail| detail.message)
                }
                Err(error)
                    if super::status(&error).is_none()
                        && !matches!(error, bollard::errors::Error::DockerStreamError { .. }) =>
                {
                    return Err(build_error(super::unreachable(error.into())));
                }
                Err(error) => Some(super::text(&error)),
            };
            if let Some(problem) = failure {
                let _ = writeln!(log, "{problem}");
                return Err(seen.failure(&request.dockerfile, &problem));
            }
        }
        Ok(())
    }
}

impl ImageBuilder for DockerImageBuilder {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let shown = request.dockerfile.display();
        let dockerfile = fs::read_to_string(&request.dockerfile).map_err(|error| BuildError::Refused {
            message: format!(
                "the Dockerfile {shown} cannot be read ({error}): correct build.dockerfile or add the file"
            ),
        })?;
        if !request.context.is_dir() {
            let message = format!(
                "the build context {} is not a folder: correct build.context",
                request.context.display()
            );
            return Err(BuildError::Refused { message });
        }
        let mut bases = BTreeMap::new();
        for base in base_images(&dockerfile, &request.build_args) {
            bases.insert(base.clone(), self.resolve(&base).await?);
        }
        let folder = request.context.clone();
        let (files, digest) = blocking(move || {
            let files = context::files(&folder)?;
            let digest = context::digest(&files)?;
            Ok((files, digest))
        })
        .await?;
        let key = image_key(&dockerfile, &request.build_args, &bases, &digest);
        let tag = format!("trainyard/build:{}", &key[..TAG_DIGITS]);
        if let Some(image_id) = self.image_id(&tag).await? {
            return Ok(BuiltImage {
                key,
                image_id,
                reused: true,
            });
        }
        let mut log = log_file(&request.log_file)?;
        let tar = blocking(move || context::pack(&files, DOCKERFILE, dockerfile.as_bytes())).await?;
        self.run(tar, &tag, request, &mut log).await?;
        // The stream may have ended early: only what the engine has counts.
        match self.image_id(&tag).await? {
            Some(image_id) => Ok(BuiltImage {
                key,
                image_id,
                reused: false,
            }),
            None => Err(BuildError::Failed {
                message: format!("the build of {shown} ended without an image: see its log"),
                last_lines: Vec::new(),
            }),
        }
    }

    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        if let Some(id) = self.image_id(reference).await? {
            return Ok(id);
        }
        self.pull(reference).await?;
        self.image_id(reference).await?.ok_or_else(|| BuildError::Refused {
            message: format!("the image {reference} was pulled but is not there: check its name"),
        })
    }
}

/// What the build said so far, as much as a failure is told with.
#[derive(Default)]
struct Output {
    step: Option<String>,
    last_lines: Vec<String>,
}

impl Output {
    fn take(&mut self, text: &str) {
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("Step ") {
                self.step = line.split_once(" : ").map(|(_, instruction)| instruction.to_owned());
            }
            self.last_lines.push(line.to_owned());
            if self.last_lines.len() > LAST_LINES {
                self.last_lines.remove(0);
            }
        }
    }

    fn failure(self, dockerfile: &Path, problem: &str) -> BuildError {
        let at = self.step.map(|step| format!(" at `{step}`")).unwrap_or_default();
        let message = format!("the build of {} failed{at}: {}", dockerfile.display(), problem.trim());
        BuildError::Failed {
            message,
            last_lines: self.last_lines,
        }
    }
}

fn log_file(path: &Path) -> Result<File, BuildError> {
    let open = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::create(path)
    };
    open().map_err(|error| BuildError::Refused {
        message: format!("{} cannot be written: {error}", path.display()),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, BuildError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other);
    done.and_then(|result| result).map_err(|error| BuildError::Refused {
        message: format!("the build context cannot be read: {error}"),
    })
}

fn build_error(error: ExecutorError) -> BuildError {
    match error {
        ExecutorError::Unreachable { what, hint, source } => BuildError::Unreachable { what, hint, source },
        other => BuildError::Refused {
            message: other.to_string(),
        },
    }
}
