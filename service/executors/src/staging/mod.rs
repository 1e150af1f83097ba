//! What an attempt reads and writes, laid out on this machine: for containers that see its folders, and
//! for programs that run on it.

mod masked;
mod secrets;
mod tree;

pub use tree::remove_tree;

use crate::abandoned::Abandoned;
use crate::contract::{
    AttemptKey, ExecutorError, Hidden, Input, InputContent, LogStream, Program, SECRETS, StagedFile,
};
use secrets::SecretFolders;
use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trainyard_core::artifact::Digest;
use trainyard_core::secret::Mask;

/// Written last: without it everything in an attempt's folder is made anew.
const READY: &str = "ready";
/// What the program makes.
const OUTPUTS: &str = "outputs";
/// Every empty input.
const ABSENT: &str = "absent";
/// Noted of an attempt whose program was made: one that is not there any more is gone.
pub(crate) const BEGAN: &str = "began";
/// Noted of an attempt whose program we stop.
pub(crate) const STOPPED: &str = "stopped";

/// Noted of an attempt that is given secrets.
const SECRET: &str = "secrets";

/// Who containers run as: user and group.
pub(crate) type User = (u32, u32);

/// What is kept by digest, as far as it is on this machine.
pub trait Trees: Send + Sync {
    /// The file or folder with this content; `None` if it is not here.
    fn open(&self, digest: &Digest) -> Option<PathBuf>;
}

/// Where attempts are laid out, and where what they read is found. Cheap to clone.
#[derive(Clone)]
pub struct Staging {
    work: PathBuf,
    data_root: PathBuf,
    trees: Arc<dyn Trees>,
    secrets: Option<SecretFolders>,
    /// Attempts that are being laid out.
    at_work: Arc<Mutex<HashMap<AttemptKey, Abandoned>>>,
}

/// A path of this machine that a container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) writable: bool,
}

impl Staging {
    /// Attempts are laid out in `<work>/<run>/<step>/<attempt>`; `work` is absolute. Files of data sources
    /// are below `data_root`.
    pub fn new(work: PathBuf, data_root: PathBuf, trees: impl Trees + 'static) -> Self {
        Self {
            work,
            data_root,
            trees: Arc::new(trees),
            secrets: None,
            at_work: Arc::default(),
        }
    }

    /// Secrets of attempts are laid out in folders of this one, which is in memory. It is made when it is needed.
    pub fn with_secrets(mut self, folder: PathBuf) -> Self {
        self.secrets = Some(SecretFolders::new(folder));
        self
    }

    fn attempt(&self, key: &AttemptKey) -> PathBuf {
        let run = self.work.join(key.run.as_str());
        run.join(key.node.as_str()).join(key.attempt.to_string())
    }

    /// Where an input is on this machine; `None` if its content is not here.
    fn place(&self, key: &AttemptKey, input: &Input) -> Option<PathBuf> {
        let folder = self.attempt(key);
        match &input.content {
            InputContent::Tree(digest) => self.trees.open(digest),
            InputContent::Empty => Some(folder.join(ABSENT)),
            InputContent::Bytes(_) | InputContent::Files(_) | InputContent::Later => {
                Some(folder.join(input.target.file_name()?))
            }
        }
    }

    /// Where a program without mounts finds an input.
    pub(crate) fn input(&self, key: &AttemptKey, input: &Input) -> PathBuf {
        // What is not here is refused by the start.
        self.place(key, input).unwrap_or_else(|| input.target.clone())
    }

    /// The folder with what the program makes.
    pub(crate) fn outputs(&self, key: &AttemptKey) -> PathBuf {
        self.attempt(key).join(OUTPUTS)
    }

    /// Makes the attempt's folder and says what of this machine the program sees. Safe to repeat while it
    /// runs. `user` is who writes the outputs, if not the service.
    pub(crate) async fn lay_out(
        &self,
        key: &AttemptKey,
        program: &Program,
        user: Option<User>,
    ) -> Result<Vec<Mount>, ExecutorError> {
        let mut mounts = Vec::new();
        for input in &program.inputs {
            mounts.push(Mount {
                source: self.place(key, input).ok_or_else(|| gone(input))?,
                target: input.target.clone(),
                writable: false,
            });
        }
        mounts.extend(program.outputs.iter().map(|target| Mount {
            source: self.outputs(key),
            target: target.clone(),
            writable: true,
        }));
        let folder = AttemptFolder {
            folder: self.attempt(key),
            data_root: self.data_root.clone(),
            inputs: program.inputs.clone(),
            user,
        };
        // Data that cannot be linked is copied, which takes its time.
        let abandoned = Abandoned::default();
        self.laying_out().insert(key.clone(), abandoned.clone());
        let written = abandoned.run_as(move |abandoned| folder.write(abandoned)).await;
        self.laying_out().remove(key);
        written.unwrap_or_else(|| Err(cut_off()))?;
        if !program.secrets.is_empty() {
            mounts.push(self.lay_out_secrets(key, program, user)?);
        }
        Ok(mounts)
    }

    /// Noted first: of an attempt that is not known to have secrets everything is shown.
    fn lay_out_secrets(&self, key: &AttemptKey, program: &Program, user: Option<User>) -> Result<Mount, ExecutorError> {
        let noted = self.attempt(key).join(SECRET);
        fs::write(&noted, b"").map_err(|error| ExecutorError::unwritten(&noted, error))?;
        let Some(folders) = &self.secrets else {
            return Err(secrets::no_folder());
        };
        Ok(Mount {
            source: folders.write(key, &program.secrets, user)?,
            target: SECRETS.into(),
            writable: false,
        })
    }

    /// The folder with the secrets of an attempt, on this machine.
    pub(crate) fn secrets(&self, key: &AttemptKey) -> PathBuf {
        let folders = self.secrets.as_ref();
        folders.map_or_else(|| SECRETS.into(), |folders| folders.given(key))
    }

    /// What must not be shown of an attempt's program.
    pub(crate) fn hidden(&self, key: &AttemptKey) -> Hidden {
        if !self.is_noted(key, SECRET) {
            return Hidden::Nothing;
        }
        match self.secrets.as_ref().and_then(|folders| folders.read(key)) {
            Some(values) => Hidden::Secrets(Mask::new(&values)),
            None => Hidden::Forgotten,
        }
    }

    /// What a program says, with nothing in it that must not be shown.
    pub(crate) fn without_secrets(&self, key: &AttemptKey, said: LogStream, follow: bool) -> LogStream {
        masked::masked(said, self.hidden(key), follow)
    }

    /// Programs, and attempts whose secrets are here although no program is.
    pub(crate) fn and_with_secrets(&self, there: impl IntoIterator<Item = AttemptKey>) -> Vec<AttemptKey> {
        let mut keys: Vec<_> = there.into_iter().collect();
        let left = self.secrets.as_ref().map(SecretFolders::keys).unwrap_or_default();
        for key in left {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn laying_out(&self) -> MutexGuard<'_, HashMap<AttemptKey, Abandoned>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever lays this attempt out stops, and its program does not start.
    pub(crate) fn abandon(&self, key: &AttemptKey) {
        if let Some(abandoned) = self.laying_out().get(key) {
            abandoned.abandon();
        }
    }

    /// Moves something into a [`InputContent::Later`] input.
    pub(crate) fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        let input = target.parent().and_then(Path::file_name).unwrap_or_default();
        let place = self
            .attempt(key)
            .join(input)
            .join(target.file_name().unwrap_or_default());
        fs::rename(source, &place).map_err(|error| ExecutorError::unwritten(&place, error))
    }

    /// Notes something about the attempt, for the next process of the service as well. Without room it is not noted,
    /// and then only less is known.
    pub(crate) fn note(&self, key: &AttemptKey, what: &str) {
        if let Err(error) = fs::write(self.attempt(key).join(what), b"") {
            tracing::debug!(%key, what, %error, "something is not noted");
        }
    }

    /// Notes something about the attempt that must not be lost; its folder is made if need be.
    pub(crate) fn keep_note(&self, key: &AttemptKey, what: &str, content: &[u8]) -> Result<(), ExecutorError> {
        let place = self.attempt(key).join(what);
        let kept = fs::create_dir_all(self.attempt(key)).and_then(|()| {
            let temporary = place.with_extension("tmp");
            fs::write(&temporary, content)?;
            fs::rename(&temporary, &place)
        });
        kept.map_err(|error| ExecutorError::unwritten(&place, error))
    }

    /// What was noted so.
    pub(crate) fn noted(&self, key: &AttemptKey, what: &str) -> Option<Vec<u8>> {
        fs::read(self.attempt(key).join(what)).ok()
    }

    /// Whether that was noted.
    pub(crate) fn is_noted(&self, key: &AttemptKey, what: &str) -> bool {
        self.attempt(key).join(what).exists()
    }

    /// Frees the attempt's folder, its secrets first.
    pub(crate) async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        if let Some(folders) = &self.secrets {
            folders.remove(key)?;
        }
        let folder = self.attempt(key);
        blocking(move || remove_tree(&folder).map_err(|error| ExecutorError::unwritten(&folder, error))).await
    }
}

/// An attempt's folder, to be made.
struct AttemptFolder {
    folder: PathBuf,
    data_root: PathBuf,
    inputs: Vec<Input>,
    user: Option<User>,
}

impl AttemptFolder {
    fn write(&self, abandoned: &Abandoned) -> Result<(), ExecutorError> {
        let ready = self.folder.join(READY);
        if ready.exists() {
            return Ok(());
        }
        self.write_folders()
            .map_err(|error| ExecutorError::unwritten(&self.folder, error))?;
        for input in &self.inputs {
            self.write_input(input, abandoned)?;
        }
        fs::write(&ready, b"").map_err(|error| ExecutorError::unwritten(&ready, error))
    }

    fn write_folders(&self) -> io::Result<()> {
        remove_tree(&self.folder)?;
        for name in [OUTPUTS, ABSENT] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        self.user.map_or(Ok(()), |user| give(&self.folder.join(OUTPUTS), user))
    }

    fn write_input(&self, input: &Input, abandoned: &Abandoned) -> Result<(), ExecutorError> {
        let place = self.folder.join(input.target.file_name().unwrap_or_default());
        let made = match &input.content {
            InputContent::Tree(_) | InputContent::Empty => Ok(()),
            InputContent::Bytes(bytes) => fs::write(&place, bytes),
            InputContent::Later | InputContent::Files(_) => {
                fs::create_dir(&place).and_then(|()| fs::set_permissions(&place, Permissions::from_mode(0o755)))
            }
        };
        made.map_err(|error| ExecutorError::unwritten(&place, error))?;
        let InputContent::Files(files) = &input.content else {
            return Ok(());
        };
        files.iter().try_for_each(|file| self.stage(file, &place, abandoned))
    }

    /// Links a file of the data root where the disk allows it and everybody may read the file; else copies it.
    fn stage(&self, file: &StagedFile, folder: &Path, abandoned: &Abandoned) -> Result<(), ExecutorError> {
        let (source, target) = (self.data_root.join(&file.path), folder.join(&file.name));
        // A link to a symbolic link would point nowhere in a container.
        let staged = fs::canonicalize(&source).and_then(|source| {
            let readable = fs::metadata(&source)?.permissions().mode() & 0o004 != 0;
            if readable && fs::hard_link(&source, &target).is_ok() {
                return Ok(());
            }
            abandoned.copy(&source, &target)?;
            fs::set_permissions(&target, Permissions::from_mode(0o444))
        });
        staged.map_err(|error| ExecutorError::Failed {
            message: format!("{} cannot be handed to the step: {error}", source.display()),
            source: Some(error.into()),
        })
    }
}

/// Lets the user write to a folder.
fn give(folder: &Path, user: User) -> io::Result<()> {
    let us = (rustix::process::geteuid(), rustix::process::getegid());
    if user == (us.0.as_raw(), us.1.as_raw()) {
        Ok(())
    } else if us.0.is_root() {
        std::os::unix::fs::chown(folder, Some(user.0), Some(user.1))
    } else {
        fs::set_permissions(folder, Permissions::from_mode(0o777))
    }
}

fn gone(input: &Input) -> ExecutorError {
    let why = match &input.content {
        InputContent::Tree(digest) => format!("its content {digest} is not there any more: start the run again"),
        _ => "its path names no file".to_owned(),
    };
    ExecutorError::Refused {
        message: format!("the input {} cannot be read, since {why}", input.target.display()),
    }
}

fn cut_off() -> ExecutorError {
    ExecutorError::Failed {
        message: "the attempt's folder was not finished, because of a defect: see the service's log".to_owned(),
        source: None,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExecutorError> + Send + 'static,
) -> Result<T, ExecutorError> {
    let done = crate::apart(work).await;
    done.unwrap_or_else(|_| Err(cut_off()))
}

#[cfg(test)]
mod tests;
