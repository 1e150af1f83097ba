//! Images by content key: with the classic builder that every engine has, and with BuildKit where a line needs it.

mod limits;
mod output;
mod post;
mod presence;
mod push;
mod registry;
mod send;
mod trace;

use super::connection::{Connection, status, text};
use super::end::is_from_outside;
use super::wall;
use crate::contract::{BuildError, BuildLimits, BuildRequest, BuiltImage, ImageBuilder, Network};
use crate::dockerfile::{
    Dockerfile, Engine, Way, marked, needs_buildkit, refused, refused_of_stranger, way, without_syntax,
};
use crate::image_key::{base_images, image_key, without_network};
use crate::logs::LogFile;
use crate::{context, source};
use output::{Message, Output};
use post::{PostError, post};
use presence::Presence;
use registry::Logins;
use send::{Sent, packed};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;
use trainyard_core::machine::says_full;

/// Digits of the key in the image's tag.
const TAG_DIGITS: usize = 24;
/// A build that says nothing for so long hangs. Compilers may well be silent for minutes.
const BUILD_SILENCE: Duration = Duration::from_secs(30 * 60);
/// A registry that sends nothing for so long does not answer.
const PULL_SILENCE: Duration = Duration::from_secs(2 * 60);
/// How long the engine may take to tell its version.
const VERSION: Duration = Duration::from_secs(30);

/// Builds on one Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct DockerImageBuilder {
    connection: Connection,
    limits: BuildLimits,
    logins: Logins,
    /// Keys that are being built: whoever comes second finds the image.
    building: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl DockerImageBuilder {
    /// The engine at `host`; without one at `DOCKER_HOST` or its usual socket. It need not answer yet.
    pub fn connect(host: Option<&str>) -> Self {
        Self::new(Connection::to(host))
    }

    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            limits: BuildLimits::default(),
            logins: Logins::of_this_user(),
            building: Arc::default(),
        }
    }

    /// The same with limits of every build.
    #[must_use]
    pub fn with_limits(self, limits: BuildLimits) -> Self {
        Self { limits, ..self }
    }

    /// Waits until nobody else builds this key.
    async fn alone(&self, key: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
            building.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(building.entry(key.to_owned()).or_default())
        };
        lock.lock_owned().await
    }

    /// Who is asked to build, as far as that matters.
    async fn engine(&self) -> Result<Engine, BuildError> {
        let Ok(asked) = tokio::time::timeout(VERSION, self.connection.api()?.version()).await else {
            return Err(self.connection.silent().into());
        };
        let found = asked.map_err(|error| self.connection.unanswered("tell its version", error))?;
        let components = found.components.unwrap_or_default();
        let docker = components.is_empty() || components.iter().any(|part| part.name == "Engine");
        Ok(match docker {
            true => Engine::docker(found.version.as_deref()),
            false => Engine::other(),
        })
    }

    /// What is to be built and by which key; without pulling, `None` where what it is made from is not there.
    async fn keyed(&self, request: &BuildRequest, pull: bool) -> Result<Option<Keyed>, BuildError> {
        let asked = request.clone();
        let mut read = blocking(move || {
            let source = source::read(&asked)?;
            let unreadable = |error| source::unreadable(&asked.context, error);
            let ignore = context::ignore_file(&source.context).map_err(unreadable)?;
            let files = context::files(&source.context, &source.submodules).map_err(unreadable)?;
            let digest = context::digest(&files).map_err(unreadable)?;
            Ok(Read {
                source,
                ignore,
                files,
                digest,
            })
        })
        .await?;
        let no = |why: String| BuildError::Refused {
            message: format!("{} cannot be built: {why}", request.dockerfile.display()),
        };
        let dockerfile = Dockerfile::read(&read.source.dockerfile);
        if let Some(why) = refused(&read.source.dockerfile, &dockerfile, &request.build_args) {
            return Err(no(why));
        }
        if let Some(stranger) = &request.stranger {
            let text = &read.source.dockerfile;
            if let Some(why) = refused_of_stranger(text, &dockerfile, &request.build_args, stranger) {
                return Err(no(why));
            }
            read.source.dockerfile = marked(text, &dockerfile, &stranger.mark);
            // It is another text than the context's file.
            read.source.inside = None;
        }
        let given = |name: &str| request.build_args.contains_key(name);
        let way = match needs_buildkit(&dockerfile, given) {
            true => way(&dockerfile, given, &self.engine().await?).map_err(no)?,
            false => Way::Classic,
        };
        let mut bases = BTreeMap::new();
        for base in base_images(&read.source.dockerfile, &request.build_args) {
            let id = match pull {
                true => Some(self.resolve(&base).await?),
                false => self.image_id(&base).await?,
            };
            let Some(id) = id else { return Ok(None) };
            bases.insert(base, id);
        }
        if let Way::BuildKit {
            frontend: Some(frontend),
            because,
        } = &way
        {
            let id = match pull {
                true => self.resolve(frontend).await.map(Some),
                false => self.image_id(frontend).await,
            };
            let id = id.map_err(|error| match error {
                BuildError::Refused { message } => no(format!("{because} needs its `# syntax`, and {message}")),
                other => other,
            })?;
            let Some(id) = id else { return Ok(None) };
            bases.insert(frontend.clone(), id);
        }
        let mut key = image_key(&read.source.dockerfile, &request.build_args, &bases, &read.digest);
        if request.network == Network::None {
            // What a build reaches may decide what comes of it.
            key = without_network(&key);
        }
        Ok(Some(Keyed { read, way, key }))
    }

    async fn image_id(&self, reference: &str) -> Result<Option<String>, BuildError> {
        match self.connection.api()?.inspect_image(reference).await {
            Ok(image) => {
                let folder = image.config.and_then(|config| config.working_dir);
                match wall::starts_in_the_kernel(folder.as_deref()) {
                    true => Err(BuildError::Refused {
                        message: wall::in_the_kernel(reference),
                    }),
                    false => Ok(image.id),
                }
            }
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
        let of = registry::registry(reference);
        let login = self
            .logins
            .header(reference)
            .await
            .map_err(|error| BuildError::Refused {
                message: format!(
                    "the image {reference} is not on this machine, and {}",
                    error.sentence(of)
                ),
            })?;
        let full = || BuildError::Interrupted {
            message: format!(
                "the image {reference} cannot be pulled, since the engine's disk is full: make room there"
            ),
        };
        let failed = |error: PostError| match error {
            PostError::Status { message, .. } if says_full(&message) => full(),
            PostError::Status { message, .. } => refused(&message),
            PostError::BrokeOff(error) => self.connection.broke_off(error).into(),
        };
        let silent = || refused("the registry does not answer");
        let asked = post::pull(self.connection.host(), reference, tag, login.as_deref());
        let asked = tokio::time::timeout(PULL_SILENCE, asked).await;
        let mut answer = asked.map_err(|_| silent())?.map_err(failed)?;
        loop {
            let line = tokio::time::timeout(PULL_SILENCE, answer.line()).await;
            let Some(line) = line.map_err(|_| silent())?.map_err(failed)? else {
                return Ok(());
            };
            let said: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
            if let Some(message) = said["errorDetail"]["message"].as_str() {
                return Err(if says_full(message) { full() } else { refused(message) });
            }
        }
    }

    /// What the engine is asked for.
    fn query(&self, sent: &Sent, tag: &str, request: &BuildRequest, way: &Way) -> Vec<(&'static str, String)> {
        let json = |map: &BTreeMap<String, String>| serde_json::to_string(map).unwrap_or_default();
        let labels = BTreeMap::from([("io.trainyard.image".to_owned(), request.name.clone())]);
        let mut query = vec![
            ("dockerfile", sent.dockerfile.clone()),
            ("t", tag.to_owned()),
            ("buildargs", json(&request.build_args)),
            ("labels", json(&labels)),
            ("rm", "true".to_owned()),
            ("forcerm", "true".to_owned()),
        ];
        if matches!(way, Way::BuildKit { .. }) {
            query.push(("version", "2".to_owned()));
        }
        query.extend(limits::query(&self.limits, request.network));
        query
    }

    /// Runs the build, writing its output to `log`.
    async fn run(
        &self,
        query: &[(&'static str, String)],
        sent: Sent,
        request: &BuildRequest,
        log: &mut LogFile,
    ) -> Result<Output, BuildError> {
        let end = Instant::now() + self.limits.timeout;
        let patience = || BUILD_SILENCE.min(end.saturating_duration_since(Instant::now()));
        let late = || match Instant::now() >= end {
            true => {
                let (number, unit) = match self.limits.timeout.as_secs() {
                    seconds @ ..120 => (seconds, "seconds"),
                    seconds => (seconds / 60, "minutes"),
                };
                format!("it was not over after the {number} {unit} that builds have: raise executor.build_timeout")
            }
            false => format!("nothing was heard of it for {} minutes", BUILD_SILENCE.as_secs() / 60),
        };
        let mut seen = Output::default();
        let host = self.connection.host();
        let presence = Presence::of(&self.connection)?;
        let mut answer = match tokio::time::timeout(patience(), post(host, query, packed(sent))).await {
            Ok(Ok(answer)) => answer,
            // Docker did not even begin: the Dockerfile cannot be read.
            Ok(Err(PostError::Status { code: 400, message })) => {
                note(log, &format!("{message}\n"));
                let message = format!("{} cannot be built: {message}", request.dockerfile.display());
                return Err(BuildError::Refused { message });
            }
            Ok(Err(error)) => return Err(self.ended(error, seen, request, log, &presence).await),
            Err(_) => return Err(self.failed(seen, request, log, &late())),
        };
        loop {
            let line = match tokio::time::timeout(patience(), answer.line()).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return Ok(seen),
                Ok(Err(error)) => return Err(self.ended(error, seen, request, log, &presence).await),
                Err(_) => return Err(self.failed(seen, request, log, &late())),
            };
            let Ok(message) = serde_json::from_slice::<Message>(&line) else {
                let unread = String::from_utf8_lossy(&line).into_owned();
                return Err(self.failed(
                    seen,
                    request,
                    log,
                    &format!("the engine's answer is not understood: {unread}"),
                ));
            };
            let (text, problem) = seen.take(message);
            note(log, &text);
            if let Some(container) = output::container(&text)
                && let Err(error) = limits::processes(&self.connection, container).await
            {
                note(log, &format!("the engine limits its processes by no number: {error}\n"));
            }
            if let Some(problem) = problem {
                return Err(self.broken(seen, request, log, &problem, &presence).await);
            }
        }
    }

    fn failed(&self, seen: Output, request: &BuildRequest, log: &mut LogFile, problem: &str) -> BuildError {
        note(log, &format!("{problem}\n"));
        seen.failure(&request.dockerfile, problem, self.limits.memory_bytes)
    }

    /// What the engine says that failed, unless it was no fault of the build's.
    async fn broken(
        &self,
        seen: Output,
        request: &BuildRequest,
        log: &mut LogFile,
        problem: &str,
        presence: &Presence,
    ) -> BuildError {
        let shown = request.dockerfile.display();
        let interrupted = |log: &mut LogFile, why: &str| {
            note(log, &format!("{problem}\n"));
            BuildError::Interrupted {
                message: format!("the build of {shown} was interrupted: {why}"),
            }
        };
        if seen.met_full_disk(problem) {
            return interrupted(log, "the engine's disk is full: make room there");
        }
        if output::lost_a_layer(problem) {
            return interrupted(log, "somebody removed an image that it was about to go on from");
        }
        // One that goes down ends what it builds first, and says so as of any other end.
        match presence.is_over(&self.connection).await {
            Ok(false) => {}
            Ok(true) => return interrupted(log, "its engine was restarted"),
            Err(error) => return error.into(),
        }
        if let Some(container) = seen.container()
            && is_from_outside(&self.connection, container).await
        {
            return interrupted(log, "somebody outside ended its container");
        }
        self.failed(seen, request, log, problem)
    }

    async fn ended(
        &self,
        error: PostError,
        seen: Output,
        request: &BuildRequest,
        log: &mut LogFile,
        presence: &Presence,
    ) -> BuildError {
        match error {
            PostError::Status { message, .. } => self.broken(seen, request, log, &message, presence).await,
            PostError::BrokeOff(error) => self.connection.broke_off(error).into(),
        }
    }
}

/// What is to be built, as far as this machine can tell.
struct Read {
    source: source::Source,
    ignore: Option<String>,
    files: Vec<context::ContextFile>,
    digest: [u8; 32],
}

/// The same with the key of the image, and how it is built.
struct Keyed {
    read: Read,
    way: Way,
    key: String,
}

impl Keyed {
    fn tag(&self) -> String {
        format!("trainyard/build:{}", &self.key[..TAG_DIGITS])
    }
}

impl ImageBuilder for DockerImageBuilder {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let Some(keyed) = self.keyed(request, true).await? else {
            return Err(BuildError::Refused {
                message: format!(
                    "{} cannot be built: what it is made from is gone",
                    request.dockerfile.display()
                ),
            });
        };
        let tag = keyed.tag();
        let Keyed { read, way, key } = keyed;
        let _alone = self.alone(&key).await;
        let built = |image_id, reused| BuiltImage { key, image_id, reused };
        if let Some(image_id) = self.image_id(&tag).await? {
            return Ok(built(image_id, true));
        }
        let Read {
            source, ignore, files, ..
        } = read;
        let sent = match &way {
            Way::Classic => send::classic(&source, files, ignore.as_deref()),
            Way::BuildKit { frontend: Some(_), .. } => send::buildkit(&source, files, &source.dockerfile),
            // The engine's own frontend does: none has to be reached.
            Way::BuildKit { frontend: None, .. } => send::buildkit(&source, files, &without_syntax(&source.dockerfile)),
        };
        let log = request.log_file.clone();
        let mut log = blocking(move || {
            LogFile::anew(&log).map_err(|error| BuildError::Interrupted {
                message: format!("{} cannot be written: {error}", log.display()),
            })
        })
        .await?;
        note(&mut log, &limits::said(&self.limits, request.network, &way));
        let query = self.query(&sent, &tag, request, &way);
        let output = self.run(&query, sent, request, &mut log).await?;
        // The stream may have ended early: only what the engine has counts.
        match self.image_id(&tag).await? {
            Some(image_id) => Ok(built(image_id, output.all_cached())),
            None => Err(output.failure(&request.dockerfile, "it ended without an image", None)),
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

    async fn find(&self, request: &BuildRequest) -> Result<Option<String>, BuildError> {
        match self.keyed(request, false).await? {
            Some(keyed) => self.image_id(&keyed.tag()).await,
            None => Ok(None),
        }
    }

    async fn present(&self, reference: &str) -> Result<Option<String>, BuildError> {
        self.image_id(reference).await
    }
}

fn note(log: &mut LogFile, text: &str) {
    if let Err(error) = log.write(text.as_bytes()) {
        tracing::warn!(%error, "a build log is incomplete");
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(BuildError::Interrupted {
            message: format!("reading the build context was cut off: {error}"),
        })
    })
}
