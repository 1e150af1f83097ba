//! What this instance can prove to be its own in a model repository.

use super::protocol::ServingError;
use crate::content::Content;
use crate::house::crash::{CrashPoint, Effect, passing, reach};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use trainyard_core::artifact::Digest;
use trainyard_core::machine;
use trainyard_core::registry::{Attempt, Attempts, Intent, Ledger, Mark, Marker, NewIntent, Proofs};
use trainyard_core::stored::{self, Stored, StoredError};
use trainyard_store::Store;

/// The file in a version's folder that says who wrote it. MLServer, Triton and TensorFlow Serving do not look at it.
pub(super) const MARKER: &str = ".trainyard.json";

/// One instance's claims on one target, made while its turn lasts.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    instance: String,
    target: String,
    ledger: Ledger,
    /// Those that were noted beside the database: they prove what is ours, whatever became of the ledger.
    noted: Attempts,
    /// The intents of the database.
    begun: Attempts,
    /// Both.
    attempts: Attempts,
    /// What is about to be done, and where that is stored first.
    intent: Option<(Store, NewIntent)>,
    /// Where the attempts are written down.
    file: PathBuf,
    content: Content,
}

impl Claims {
    /// Those of an instance; `file` has its attempts.
    pub(crate) fn read(
        instance: String,
        target: &str,
        ledger: Ledger,
        intents: &[Intent],
        file: PathBuf,
        content: Content,
    ) -> io::Result<Self> {
        let noted = match fs::read_to_string(&file) {
            Ok(text) => match stored::read(&text) {
                Ok(attempts) => attempts,
                Err(error @ StoredError::Newer { .. }) => return Err(io::Error::other(error)),
                // Cut off or damaged, it proves nothing.
                Err(StoredError::Unreadable { .. }) => Attempts::default(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Attempts::default(),
            Err(error) => return Err(error),
        };
        let begun = intents.iter().rev().map(|intent| Attempt {
            version: intent.entry.version.clone(),
            model: intent.entry.model.digest.clone(),
        });
        let begun = Attempts {
            attempts: begun.collect(),
        };
        let all = noted.attempts.iter().chain(&begun.attempts).cloned();
        Ok(Self {
            instance,
            target: target.to_owned(),
            ledger,
            attempts: Attempts {
                attempts: all.collect(),
            },
            noted,
            begun,
            intent: None,
            file,
            content,
        })
    }

    pub(super) fn proofs(&self) -> Proofs<'_> {
        Proofs {
            instance: &self.instance,
            target: &self.target,
            ledger: &self.ledger,
            attempts: &self.attempts,
        }
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// What the database knows to have been begun.
    pub(crate) fn begun(&self) -> &Attempts {
        &self.begun
    }

    /// For a change, whose intent is stored before its first byte goes to the target.
    pub(crate) fn intending(self, store: Store, intent: NewIntent) -> Self {
        Self {
            intent: Some((store, intent)),
            ..self
        }
    }

    /// Where the bytes of a model are, if they still are.
    pub(super) fn files(&self, model: &Digest) -> Option<PathBuf> {
        self.content.contains(model).then(|| self.content.place(model))
    }

    /// Whether a marker in the folder of a version is one of this instance for this target.
    pub(super) fn wrote(&self, marker: &Marker, version: &str) -> bool {
        marker.instance == self.instance && marker.target == self.target && marker.version == version
    }

    /// What goes into the folder of a version.
    pub(super) fn marker(&self, version: &str, model: &Digest) -> Marker {
        Marker {
            instance: self.instance.clone(),
            target: self.target.clone(),
            version: version.to_owned(),
            model: model.clone(),
        }
    }

    /// Stores the intent with its number, durably: nothing has gone to the target yet. An earlier version keeps its
    /// own number, which is not `fresh`.
    pub(super) async fn begin(&mut self, version: &str, model: &Digest, fresh: bool) -> Result<(), ServingError> {
        if let Some((store, intent)) = &mut self.intent {
            version.clone_into(&mut intent.entry.version);
            intent.fresh = fresh;
            let begun = store.begin_intent(intent, self.ledger.newest());
            let begun = passing(Effect::Intent(intent.action), begun).await;
            begun.map_err(ServingError::NotBegun)?;
        }
        if fresh {
            passing(Effect::NoteAttempt, async { self.attempt(version, model) }).await?;
        }
        Ok(())
    }

    /// The target has what was begun: its folder is there, or the receiver has answered.
    pub(super) async fn sent(&self) {
        if let Some((_, intent)) = &self.intent {
            reach(CrashPoint::Sent(intent.action)).await;
        }
    }

    /// The target was found to serve it.
    pub(super) async fn read_back(&self) {
        if let Some((_, intent)) = &self.intent {
            reach(CrashPoint::ReadBack(intent.action)).await;
        }
    }

    /// Writes down, durably, that a version is about to be made.
    fn attempt(&mut self, version: &str, model: &Digest) -> Result<(), ServingError> {
        let attempt = Attempt {
            version: version.to_owned(),
            model: model.clone(),
        };
        self.attempts.attempts.push(attempt.clone());
        self.noted.add(attempt);
        let folder = self.file.parent().unwrap_or(&self.file);
        let written = fs::create_dir_all(folder).and_then(|()| write_whole(&self.file, &self.noted));
        written.map_err(|error| {
            let problem = format!(
                "{} cannot be written: {error}; nothing was pushed, since nobody could tell afterwards whose it is",
                self.file.display()
            );
            match machine::is_trouble(&error) {
                true => ServingError::Trouble(problem),
                false => ServingError::Folder(problem),
            }
        })
    }
}

/// What the folder of a version says about who wrote it.
pub(super) fn mark(folder: &Path) -> Mark {
    match fs::read_to_string(folder.join(MARKER)) {
        Ok(text) => stored::read(&text).map_or(Mark::Unreadable, Mark::Marker),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Mark::None,
        Err(_) => Mark::Unreadable,
    }
}

/// Writes a file that is there whole or not at all.
pub(super) fn write_whole<T: Stored>(path: &Path, value: &T) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = path.with_file_name(format!(".{}.new", name.trim_start_matches('.')));
    let mut file = File::create(&hidden)?;
    file.write_all(stored::write(value).as_bytes())?;
    file.sync_all()?;
    fs::rename(&hidden, path)?;
    let folder = path.parent().unwrap_or(path);
    File::open(folder)?.sync_all()
}
