//! Images by content key, with the classic builder every engine has.

use super::connection::{Connection, status, text};
use crate::contract::{BuildError, BuildRequest, BuiltImage, ImageBuilder};
use crate::image_key::{base_images, image_key};
use crate::logs::LogFile;
use crate::{context, source};
use bollard::errors::Error as DockerError;
use bollard::query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use trainyard_core::log;

/// The Dockerfile's name inside the packed context; it may lie outside the context on the host.
const DOCKERFILE: &str = ".trainyard.Dockerfile";
/// Lines of output that a failed build is reported with.
const LAST_LINES: usize = 20;
/// Digits of the key in the image's tag.
const TAG_DIGITS: usize = 24;
/// A build that says nothing for so long hangs. Compilers may well be silent for minutes.
const BUILD_SILENCE: Duration = Duration::from_secs(30 * 60);
/// A build that goes on for so long will not end, and others wait for it.
const LONGEST_BUILD: Duration = Duration::from_secs(2 * 60 * 60);
/// A registry that sends nothing for so long does not answer.
const PULL_SILENCE: Duration = Duration::from_secs(2 * 60);

/// Builds on one Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct DockerImageBuilder {
    connection: Connection,
}

impl DockerImageBuilder {
    /// The engine at `host`; without one at `DOCKER_HOST` or its usual socket. It need not answer yet.
    pub fn connect(host: Option<&str>) -> Self {
        Self::new(Connection::to(host))
    }

    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    async fn image_id(&self, reference: &str) -> Result<Option<String>, BuildError> {
        match self.connection.api()?.inspect_image(reference).await {
            Ok(image) => Ok(image.id),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) if status(&error) == Some(400) => Err(BuildError::Refused {
                message: format!("'{reference}' is not the name of an image: {}", text(&error)),
            }),
            Err(error) => Err(self.connection.unanswered("inspect an image", error).into()),
        }
    }

    async fn pull(&self, reference: &str) -> Result<(), BuildError> {
        let refused = |reason: &str| BuildError::Refused {
            message: format!(
                "the image {reference} is not on this machine and cannot be pulled ({reason}): build it here, or check its name and the registry"
            ),
        };
        // Without a tag, Docker would pull all of them.
        let name = reference.rsplit('/').next().unwrap_or_default();
        let tag = if name.contains([':', '@']) { "" } else { "latest" };
        let options = CreateImageOptionsBuilder::new().from_image(reference).tag(tag).build();
        let mut progress = std::pin::pin!(self.connection.api()?.create_image(Some(options), None, None));
        loop {
            match tokio::time::timeout(PULL_SILENCE, progress.next()).await {
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) if broke_off(&error) => {
                    return Err(self.connection.failed("pull an image", error).into());
                }
                Ok(Some(Err(error))) => return Err(refused(&text(&error))),
                Ok(None) => return Ok(()),
                Err(_) => return Err(refused("the registry does not answer")),
            }
        }
    }

    /// Runs the build, writing its output to `log`.
    async fn run(
        &self,
        context: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        tag: &str,
        request: &BuildRequest,
        log: &mut LogFile,
    ) -> Result<Output, BuildError> {
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
        let api = self.connection.api()?;
        let mut output = std::pin::pin!(api.build_image(options, None, Some(bollard::body_try_stream(context))));
        let mut seen = Output::default();
        let end = Instant::now() + LONGEST_BUILD;
        loop {
            let problem = match tokio::time::timeout(BUILD_SILENCE, output.next()).await {
                Ok(None) => return Ok(seen),
                Ok(Some(_)) if Instant::now() > end => Some(format!(
                    "it was not over after {} minutes",
                    LONGEST_BUILD.as_secs() / 60
                )),
                Err(_) => Some(format!(
                    "nothing was heard of it for {} minutes",
                    BUILD_SILENCE.as_secs() / 60
                )),
                Ok(Some(Ok(info))) => {
                    let text = info.stream.or(info.status).unwrap_or_default();
                    note(log, &text);
                    seen.take(&text);
                    info.error_detail.and_then(|detail| detail.message)
                }
                Ok(Some(Err(error))) if broke_off(&error) => {
                    return Err(self.connection.failed("build an image", error).into());
                }
                // Docker did not even begin: the Dockerfile cannot be read.
                Ok(Some(Err(error))) if status(&error) == Some(400) => {
                    note(log, &format!("{}\n", text(&error)));
                    let message = format!("{} cannot be built: {}", request.dockerfile.display(), text(&error));
                    return Err(BuildError::Refused { message });
                }
                Ok(Some(Err(error))) => Some(text(&error)),
            };
            if let Some(problem) = problem {
                note(log, &format!("{problem}\n"));
                return Err(seen.failure(&request.dockerfile, &problem));
            }
        }
    }
}

impl ImageBuilder for DockerImageBuilder {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let asked = request.clone();
        let (dockerfile, files, digest) = blocking(move || {
            let source = source::read(&asked)?;
            let unreadable = |error| source::unreadable(&asked.context, error);
            let files = context::files(&source.context).map_err(unreadable)?;
            let digest = context::digest(&files).map_err(unreadable)?;
            Ok((source.dockerfile, files, digest))
        })
        .await?;
        let mut bases = BTreeMap::new();
        for base in base_images(&dockerfile, &request.build_args) {
            bases.insert(base.clone(), self.resolve(&base).await?);
        }
        let key = image_key(&dockerfile, &request.build_args, &bases, &digest);
        let tag = format!("trainyard/build:{}", &key[..TAG_DIGITS]);
        let built = |image_id, reused| BuiltImage { key, image_id, reused };
        if let Some(image_id) = self.image_id(&tag).await? {
            return Ok(built(image_id, true));
        }
        let log = request.log_file.clone();
        let mut log = blocking(move || {
            LogFile::anew(&log).map_err(|error| BuildError::Refused {
                message: format!("{} cannot be written: {error}", log.display()),
            })
        })
        .await?;
        let output = self.run(packed(files, dockerfile), &tag, request, &mut log).await?;
        // The stream may have ended early: only what the engine has counts.
        match self.image_id(&tag).await? {
            Some(image_id) => Ok(built(image_id, !(output.made || output.making))),
            None => Err(output.failure(&request.dockerfile, "it ended without an image")),
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

/// The context as a stream, so that its size does not matter.
fn packed(files: Vec<context::ContextFile>, dockerfile: String) -> impl Stream<Item = io::Result<Bytes>> {
    const PIECE: usize = 256 * 1024;
    let (pieces, received) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let to = BufWriter::with_capacity(PIECE, Pieces(pieces.clone()));
        if let Err(error) = context::pack(&files, DOCKERFILE, dockerfile.as_bytes(), to) {
            let _ = pieces.blocking_send(Err(error));
        }
    });
    stream::unfold(received, |mut received| async move {
        let piece = received.recv().await?;
        Some((piece, received))
    })
}

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of a build's output that a failure is looked for in.
const KEPT: usize = 256 * 1024;

/// What the build said so far, as much as a failure is told with.
#[derive(Default)]
struct Output {
    step: Option<String>,
    said: String,
    /// Whether the instruction at work is one that makes a layer, and its layer was not there already.
    making: bool,
    /// Whether any such instruction came to its end.
    made: bool,
}

impl Output {
    fn take(&mut self, text: &str) {
        if let Some((_, instruction)) = text.trim_end().split_once(" : ").filter(|_| text.starts_with("Step ")) {
            self.step = Some(instruction.to_owned());
            self.made |= self.making;
            let word = instruction.split_whitespace().next().unwrap_or_default();
            self.making = !word.eq_ignore_ascii_case("FROM") && !word.eq_ignore_ascii_case("ARG");
        }
        if text.starts_with(" ---> Using cache") {
            self.making = false;
        }
        // Which container it is in says nothing to a person.
        if !text.starts_with(" ---> ") && !text.starts_with("Removing intermediate container ") {
            self.said.push_str(text);
        }
        if self.said.len() > 2 * KEPT {
            let cut = self.said.len() - KEPT;
            let end = self.said.as_bytes()[cut..].iter().position(|byte| *byte == b'\n');
            self.said = end.map_or_else(String::new, |end| self.said.split_off(cut + end + 1));
        }
    }

    fn failure(self, dockerfile: &Path, problem: &str) -> BuildError {
        let at = self.step.map(|step| format!(" at `{step}`")).unwrap_or_default();
        let problem = problem.trim();
        // What the tool said, before what Docker says of every tool.
        let why = match log::error(&self.said).filter(|error| error.as_str() != problem) {
            Some(error) => format!("{error} ({problem})"),
            None => problem.to_owned(),
        };
        BuildError::Failed {
            message: format!("the build of {} failed{at}: {why}", dockerfile.display()),
            last_lines: log::last_lines(&self.said, LAST_LINES),
        }
    }
}

fn note(log: &mut LogFile, text: &str) {
    if let Err(error) = log.write(text.as_bytes()) {
        tracing::warn!(%error, "a build log is incomplete");
    }
}

/// Whether the connection ended, not the build.
fn broke_off(error: &DockerError) -> bool {
    !matches!(
        error,
        DockerError::DockerResponseServerError { .. } | DockerError::DockerStreamError { .. }
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(BuildError::Failed {
            message: format!("reading the build context was cut off: {error}"),
            last_lines: Vec::new(),
        })
    })
}
