//! A backup is one file: the database at one moment, which names the artifacts it needs. Artifacts never change, so
//! that they can be copied beside it, by us or by anything else, and only what is new each time.

use super::Content;
use super::artifacts::{Abandoned, ArtifactError, ArtifactFolder, digest, remove_tree, seal};
use crate::house::clock::now;
use crate::house::folders::Folders;
use crate::house::identity;
use crate::house::locks;
use crate::house::service::NotTheService;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use trainyard_core::artifact::Digest;
use trainyard_core::ids::Micros;
use trainyard_store::{BackupNote, Copy, DatabaseUrl, StoreError, adopt_copy, copy_database, empty_log};

/// What was backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Artifacts that the database needs.
    pub artifacts: usize,
    /// Those copied now; `None` if they were not asked for.
    pub copied: Option<usize>,
    /// Artifacts that are not in the data folder, or not as they were.
    pub missing: Vec<Digest>,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The database.
    pub database: PathBuf,
    /// When the backup was made, if it says so; microseconds since 1970-01-01 UTC.
    pub made_at: Option<Micros>,
    /// Where the database is that was there before.
    pub replaced: Option<PathBuf>,
    /// Runs that were at work and go on.
    pub at_work: usize,
    /// Push targets that have a ledger.
    pub targets: Vec<String>,
    /// Artifacts that the database needs.
    pub artifacts: usize,
    /// Those copied now.
    pub copied: usize,
    /// Those that are not here, or not as they were.
    pub missing: Vec<Digest>,
}

/// Why there is no backup, or it was not restored. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a server's.
    #[error(
        "the database {0} is on PostgreSQL: back it up with `pg_dump --format=custom --file=FILE DATABASE_URL` and restore it with `pg_restore --clean`, the services stopped; then copy {folder}/artifacts and {folder}/identity.json, whose files never change", folder = .1.display()
    )]
    Server(String, PathBuf),
    /// Something is there.
    #[error("{} exists: name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// There is a database where the backup would go.
    #[error(
        "the database {} exists: move it away, or let --force keep it as {}", .0.display(), .1.display()
    )]
    InTheWay(PathBuf, PathBuf),
    /// It is something else.
    #[error("{} is no backup of Trainyard: name the file that `trainyard backup` wrote", .0.display())]
    NotOurs(PathBuf),
    /// It is broken.
    #[error("the backup {} is damaged ({problems}): take another one", file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What SQLite says.
        problems: String,
    },
    /// A service works on the data folder.
    #[error(transparent)]
    Service(#[from] NotTheService),
    /// An engine that is no service does.
    #[error("a `trainyard` command is at work in {}: wait for its end", .0.display())]
    AtWork(PathBuf),
    /// A file cannot be read or written.
    #[error(
        "{} cannot be read or written: {source}{}", path.display(),
        if source.kind() == io::ErrorKind::StorageFull { "; free some space, and try again" } else { "" }
    )]
    File {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An artifact cannot be copied.
    #[error("an artifact cannot be copied: {0}")]
    Artifact(#[from] ArtifactError),
    /// The database or the copy does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::File {
        path: path.to_owned(),
        source,
    }
}

/// Copies the database into `file`, whatever writes to it, and the artifacts that it needs into a folder, if asked.
/// The file appears whole or not at all.
pub(crate) async fn back_up(
    url: &DatabaseUrl,
    folders: &Folders,
    file: &Path,
    artifacts: Option<&Path>,
    replace: bool,
) -> Result<BackedUp, BackupError> {
    let DatabaseUrl::Sqlite(database) = url else {
        return Err(BackupError::Server(url.to_string(), folders.root().to_owned()));
    };
    if !replace && file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    if !database.exists() {
        return Err(at(database)(io::ErrorKind::NotFound.into()));
    }
    let content = Content::open_folder(folders)?;
    // What the copy needs is not collected before it is copied too.
    let _kept = content.hold_off().await.map_err(at(&folders.collect_lock()))?;
    let beside = folder_of(file);
    let hidden = tempfile::Builder::new()
        .prefix(".trainyard-backup-")
        .tempfile_in(&beside);
    let hidden = hidden.map_err(at(&beside))?;
    let note = BackupNote {
        made_at: now(),
        trainyard: env!("CARGO_PKG_VERSION").to_owned(),
        identity: identity::text(&folders.identity()),
    };
    copy_database(url, hidden.path(), &note)
        .await
        .map_err(|error| told(error, file))?;
    let copy = opened(hidden.path()).await.map_err(|error| match error {
        // It is the database that is newer, and not the file that nobody will see.
        BackupError::Store(StoreError::SchemaTooNew { found, known, .. }) => {
            BackupError::Store(StoreError::SchemaTooNew {
                database: url.to_string(),
                found,
                known,
            })
        }
        other => other,
    })?;
    let needed = needed(&copy).await?;
    copy.close().await;
    let source = ArtifactFolder::open(folders.artifacts())?;
    let (copied, missing) = match artifacts {
        Some(folder) => {
            let (copied, missing) = copy_content(source, folder.to_owned(), needed.clone()).await?;
            (Some(copied), missing)
        }
        None => (
            None,
            needed.iter().filter(|one| !source.contains(one)).cloned().collect(),
        ),
    };
    let bytes = keep(hidden, file, replace)?;
    Ok(BackedUp {
        file: file.to_owned(),
        bytes,
        artifacts: needed.len(),
        copied,
        missing,
    })
}

/// Makes a backup the database of this data folder, and proves the artifacts that it needs. The caller has the right
/// to be the service.
pub(crate) async fn restore(
    url: &DatabaseUrl,
    folders: &Folders,
    file: &Path,
    artifacts: Option<&Path>,
    replace: bool,
) -> Result<Restored, BackupError> {
    let DatabaseUrl::Sqlite(database) = url else {
        return Err(BackupError::Server(url.to_string(), folders.root().to_owned()));
    };
    if locks::anybody(&folders.owners()) {
        return Err(BackupError::AtWork(folders.root().to_owned()));
    }
    fs::metadata(file).map_err(at(file))?;
    let before = with(database, ".before-restore");
    let there = database.symlink_metadata().is_ok();
    if there && !replace {
        return Err(BackupError::InTheWay(database.clone(), before));
    }
    // Looked through before it is copied, and again what was copied.
    opened(file).await?.close().await;
    let beside = folder_of(database);
    let hidden = tempfile::Builder::new()
        .prefix(".trainyard-restore-")
        .tempfile_in(&beside);
    let hidden = hidden.map_err(at(&beside))?;
    let (from, to) = (file.to_owned(), hidden.path().to_owned());
    blocking(move || {
        io::copy(
            &mut File::open(&from).map_err(at(&from))?,
            &mut File::create(&to).map_err(at(&to))?,
        )
        .map_err(at(&to))
    })
    .await?;
    let copy = opened(hidden.path()).await?;
    let needed = needed(&copy).await?;
    let at_work = copy.reads.active_runs().await?.len();
    let targets = copy.reads.promoted_targets().await?;
    let note = copy.note.clone();
    copy.close().await;
    adopt_copy(hidden.path()).await?;
    if there {
        set_aside(database, &before).await?;
    }
    // What is left of a log that belonged to another file would be read as this one's.
    for end in ["-wal", "-shm", "-journal"] {
        remove(&with(database, end))?;
    }
    keep(hidden, database, false)?;
    if let Some(text) = note.as_ref().and_then(|note| note.identity.as_deref()) {
        identity::bring_back(&folders.identity(), text).map_err(at(&folders.identity()))?;
    }
    let here = ArtifactFolder::open(folders.artifacts())?;
    let copied = match artifacts {
        Some(folder) => {
            let from = ArtifactFolder::open(folder.to_owned())?;
            copy_content(from, folders.artifacts(), needed.clone()).await?.0
        }
        None => 0,
    };
    let proved = needed.clone();
    let missing = blocking(move || {
        let bad = |one: &Digest| !digest(&here.path(one), &Abandoned::default()).is_ok_and(|found| found == *one);
        Ok(proved.into_iter().filter(bad).collect())
    });
    Ok(Restored {
        database: database.clone(),
        made_at: note.map(|note| note.made_at),
        replaced: there.then_some(before),
        at_work,
        targets,
        artifacts: needed.len(),
        copied,
        missing: missing.await?,
    })
}

/// The database that was there stays beside the new one, whole in one file.
async fn set_aside(database: &Path, before: &Path) -> Result<(), BackupError> {
    // One that is damaged is kept with its log.
    let emptied = empty_log(database).await;
    for end in ["-wal", "-shm", "-journal"] {
        let (from, to) = (with(database, end), with(before, end));
        remove(&to)?;
        if emptied.is_err() && end != "-shm" && from.exists() {
            fs::rename(&from, &to).map_err(at(&from))?;
        }
    }
    fs::rename(database, before).map_err(at(database))
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// A copy that is ours and whole.
async fn opened(file: &Path) -> Result<Copy, BackupError> {
    let copy = match Copy::open(file).await {
        Ok(Some(copy)) => copy,
        Ok(None) => return Err(BackupError::NotOurs(file.to_owned())),
        Err(StoreError::Other { problem, .. }) => {
            return Err(BackupError::Damaged {
                file: file.to_owned(),
                problems: problem,
            });
        }
        Err(error) => return Err(error.into()),
    };
    if copy.problems.is_empty() {
        return Ok(copy);
    }
    let problems = copy.problems.join("; ");
    copy.close().await;
    Err(BackupError::Damaged {
        file: file.to_owned(),
        problems,
    })
}

/// The content that a database says is there.
async fn needed(copy: &Copy) -> Result<BTreeSet<Digest>, StoreError> {
    let stored = copy.reads.stored_content().await?.into_iter();
    Ok(stored.filter(|(_, marked)| !marked).map(|(digest, _)| digest).collect())
}

/// The disk of the hidden file is that of the named one.
fn told(error: StoreError, file: &Path) -> StoreError {
    match error {
        StoreError::DiskFull { .. } => StoreError::DiskFull {
            place: file.display().to_string(),
        },
        other => other,
    }
}

/// Gives a whole file its name, on the disk when this returns. Its bytes.
fn keep(hidden: NamedTempFile, file: &Path, replace: bool) -> Result<u64, BackupError> {
    hidden.as_file().sync_all().map_err(at(file))?;
    let bytes = hidden.as_file().metadata().map_err(at(file))?.len();
    let kept = if replace {
        hidden.persist(file)
    } else {
        hidden.persist_noclobber(file)
    };
    if let Err(error) = kept {
        return Err(match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
            _ => at(file)(error.error),
        });
    }
    let folder = folder_of(file);
    File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(&folder))?;
    Ok(bytes)
}

/// Brings what is missing from one folder into another, each proved by its digest: how many, and what is not there to
/// be copied.
async fn copy_content(
    from: ArtifactFolder,
    to: PathBuf,
    wanted: BTreeSet<Digest>,
) -> Result<(usize, Vec<Digest>), BackupError> {
    blocking(move || {
        let (mut copied, mut missing) = (0, Vec::new());
        let folder = ArtifactFolder::open(to.clone())?;
        let hidden = to.join("copying");
        for digest in wanted.into_iter().filter(|digest| !folder.contains(digest)) {
            remove_tree(&hidden).map_err(at(&hidden))?;
            let source = from.path(&digest);
            if source.symlink_metadata().is_err() {
                missing.push(digest);
                continue;
            }
            copy_tree(&source, &hidden)?;
            if seal(&hidden, &Abandoned::default())? == digest {
                folder.adopt(&hidden, &digest)?;
                copied += 1;
            } else {
                missing.push(digest);
            }
        }
        remove_tree(&hidden).map_err(at(&hidden))?;
        Ok((copied, missing))
    })
    .await
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), BackupError> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop).map_err(at(to));
    }
    fs::create_dir(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        copy_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = trainyard_executors::apart(work).await;
    done.unwrap_or_else(|error| Err(at(Path::new("an artifact"))(io::Error::other(error))))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(end);
    name.into()
}
