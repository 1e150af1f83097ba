//! Source by the real git: a bare mirror of each repository, and work trees at exact commits.

mod command;
mod error;
mod names;
mod rebuild;
#[cfg(debug_assertions)]
pub mod scripted;
mod work_tree;

#[cfg(feature = "simulator")]
pub(crate) use command::{give_way, program};
pub use error::GitError;
pub use work_tree::{CheckedOut, work_tree};

use command::{Git, Output};
use names::{full_sha, link_stays_inside, printable, ref_name, tree_path};
use secrecy::SecretString;
use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use trainyard_core::ids::CommitSha;

/// A first fetch of a large repository takes minutes.
const FETCH_LIMIT: Duration = Duration::from_secs(900);
/// Reading what is there already does not.
const LOCAL_LIMIT: Duration = Duration::from_secs(120);
/// git looks after its files with one commit of sixteen, those whose hashes end so: most of its looks find nothing to do.
const HOUSE_KEEPING: char = '0';
/// The largest file that [`Mirror::show`] reads.
const MAX_SHOWN_BYTES: u64 = 16 * 1024 * 1024;

/// One lock for each mirror's folder, whoever opened it.
static LOCKS: LazyLock<Mutex<HashMap<PathBuf, Weak<AsyncMutex<()>>>>> = LazyLock::new(Mutex::default);

/// A bare copy of a repository in a folder of ours. Commits that were fetched once stay.
pub struct Mirror {
    folder: PathBuf,
    url: String,
    token: Option<SecretString>,
    local: bool,
    fetch_limit: Duration,
    lock: Arc<AsyncMutex<()>>,
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror")
            .field("folder", &self.folder)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What reads the mirror, once more with another mirror if this one is damaged.
macro_rules! sound {
    ($mirror:expr, $shas:expr, $read:expr) => {
        match $read.await {
            Err(failed) => {
                $mirror.heal(failed, $shas).await?;
                $read.await
            }
            answer => answer,
        }
    };
}

/// A file, link or submodule of a tree.
struct Entry {
    mode: String,
    object: String,
    size: u64,
    path: String,
}

impl Entry {
    /// Neither a link nor a submodule.
    fn is_file(&self) -> bool {
        self.mode.starts_with("100")
    }
}

impl Mirror {
    /// The mirror of `url` in `folder`, which is made by the first fetch. The token is sent with
    /// requests to `url` only, and written nowhere.
    pub fn new(folder: PathBuf, url: impl Into<String>, token: Option<SecretString>) -> Self {
        let lock = lock_of(&folder);
        Self {
            folder,
            url: url.into(),
            token,
            local: false,
            fetch_limit: FETCH_LIMIT,
            lock,
        }
    }

    /// Allows `url` to be a folder of this machine.
    #[must_use]
    pub fn allow_local(mut self) -> Self {
        self.local = true;
        self
    }

    /// The same with another limit on the time that one fetch may take.
    #[must_use]
    pub fn with_fetch_limit(mut self, limit: Duration) -> Self {
        self.fetch_limit = limit;
        self
    }

    /// Makes sure that the commit is in the mirror; asks the host only when it is not. A mirror that
    /// cannot take it is made anew.
    pub async fn fetch(&self, sha: &CommitSha) -> Result<(), GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::fetch(sha) {
            return scripted;
        }
        full_sha(sha)?;
        let _alone = self.lock.lock().await;
        match self.bring(&self.folder, sha).await {
            Err(suspect) if suspect.may_be_the_mirror() => self.rebuild(&suspect, &[sha]).await,
            answer => answer,
        }
    }

    /// Brings the branch up to date and answers its newest commit.
    pub async fn fetch_branch(&self, branch: &str) -> Result<CommitSha, GitError> {
        let branch = ref_name(branch)?;
        let _alone = self.lock.lock().await;
        match self.bring_branch(branch).await {
            Err(suspect) if suspect.may_be_the_mirror() => {
                self.rebuild(&suspect, &[]).await?;
                self.bring_branch(branch).await
            }
            answer => answer,
        }
    }

    async fn bring_branch(&self, branch: &str) -> Result<CommitSha, GitError> {
        self.init().await?;
        let refspec = format!("+refs/heads/{branch}:refs/heads/{branch}");
        let output = self.fetch_into(&self.folder, &refspec, true).await?;
        let missing = || GitError::BranchNotFound {
            url: self.url.clone(),
            branch: printable(branch),
        };
        if !output.success {
            if output.stderr.contains("couldn't find remote ref") {
                return Err(missing());
            }
            return Err(error::of_fetch(&self.url, &output.stderr));
        }
        self.commit_of(&format!("refs/heads/{branch}"))
            .await?
            .ok_or_else(missing)
    }

    /// The commit in the mirror of `folder`, from the host if it is not there.
    async fn bring(&self, folder: &Path, sha: &CommitSha) -> Result<(), GitError> {
        let text = full_sha(sha)?;
        if folder == self.folder {
            self.init().await?;
        }
        if self.has(folder, text).await? {
            return Ok(());
        }
        // A ref of its own keeps the commit when its branch is force-pushed away.
        let keeps_house = text.ends_with(HOUSE_KEEPING);
        let refspec = format!("+{text}:refs/commits/{text}");
        let output = self.fetch_into(folder, &refspec, keeps_house).await?;
        if output.success {
            return Ok(());
        }
        Err(error::of_commit(&self.url, sha, &output.stderr))
    }

    /// Makes the mirror anew if that is what failed; else gives the error back.
    async fn heal(&self, failed: GitError, shas: &[&CommitSha]) -> Result<(), GitError> {
        if !failed.may_be_the_mirror() {
            return Err(failed);
        }
        let _alone = self.lock.lock().await;
        self.rebuild(&failed, shas).await
    }

    /// The commit that a branch or ref of the mirror names; `None` when it has none.
    pub async fn commit_of(&self, name: &str) -> Result<Option<CommitSha>, GitError> {
        let name = ref_name(name)?;
        let question = format!("{name}^{{commit}}");
        let output = self
            .read("rev-parse", &["--verify", "--quiet", "--end-of-options", &question])
            .await?;
        if output.success {
            Ok(Some(sha_of(&output.stdout)))
        } else {
            Ok(None)
        }
    }

    /// A file's content at a commit; `None` when there is no such file. Links are not followed.
    pub async fn show(&self, sha: &CommitSha, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::show(sha, path) {
            return scripted;
        }
        let path = tree_path(path)?;
        sound!(self, &[sha], self.show_at(sha, path))
    }

    async fn show_at(&self, sha: &CommitSha, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let entries = self.entries(sha, Some(path)).await?;
        let Some(entry) = entries.into_iter().find(|entry| entry.path == path && entry.is_file()) else {
            return Ok(None);
        };
        self.content(&entry).await.map(Some)
    }

    async fn content(&self, entry: &Entry) -> Result<Vec<u8>, GitError> {
        if entry.size > MAX_SHOWN_BYTES {
            return Err(GitError::TooLarge {
                path: printable(&entry.path),
                bytes: entry.size,
                limit: MAX_SHOWN_BYTES,
            });
        }
        self.blob(&entry.object).await
    }

    /// The submodules of a commit, by their paths: of them a commit has only a number.
    pub async fn submodules(&self, sha: &CommitSha) -> Result<Vec<String>, GitError> {
        #[cfg(debug_assertions)]
        if scripted::is_on() {
            return Ok(Vec::new());
        }
        let entries = sound!(self, &[sha], self.entries(sha, None))?;
        let submodules = entries.into_iter().filter(|entry| entry.mode == "160000");
        Ok(submodules.map(|entry| entry.path).collect())
    }

    /// The files of a commit at or below `prefix`, a folder; an empty one means all. Sorted.
    pub async fn list(&self, sha: &CommitSha, prefix: &str) -> Result<Vec<String>, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::list(sha, prefix) {
            return scripted;
        }
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() {
            None
        } else {
            Some(tree_path(prefix)?)
        };
        let entries = sound!(self, &[sha], self.entries(sha, prefix))?;
        let files = entries.into_iter().filter(Entry::is_file);
        Ok(files.map(|entry| entry.path).collect())
    }

    /// The files of a commit at or below the folder `prefix` that are chosen by their paths, with their contents.
    pub async fn read_all(
        &self,
        sha: &CommitSha,
        prefix: &str,
        is_chosen: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::read_all(sha, prefix, &is_chosen) {
            return scripted;
        }
        let prefix = tree_path(prefix)?;
        sound!(self, &[sha], self.read_chosen(sha, prefix, &is_chosen))
    }

    async fn read_chosen(
        &self,
        sha: &CommitSha,
        prefix: &str,
        is_chosen: &impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        let mut read = Vec::new();
        for entry in self.entries(sha, Some(prefix)).await? {
            if entry.is_file() && is_chosen(&entry.path) {
                let content = self.content(&entry).await?;
                read.push((entry.path, content));
            }
        }
        Ok(read)
    }

    /// The message of a commit; what is no UTF-8 in it is replaced.
    pub async fn message(&self, sha: &CommitSha) -> Result<String, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::message(sha) {
            return scripted;
        }
        let args = ["--no-patch", "--format=%B", "--end-of-options", full_sha(sha)?];
        let stdout = sound!(self, &[sha], self.stdout("show", &args))?;
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// The paths in which two commits differ. Both must be in the mirror, or with the host.
    pub async fn changed_paths(&self, before: &CommitSha, after: &CommitSha) -> Result<Vec<String>, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::changed_paths(before, after) {
            return scripted;
        }
        self.fetch(before).await?;
        self.fetch(after).await?;
        let args = [
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--end-of-options",
            full_sha(before)?,
            full_sha(after)?,
        ];
        let stdout = sound!(self, &[before, after], self.stdout("diff-tree", &args))?;
        Ok(split_at_zeros(&stdout)
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect())
    }

    /// The commit where two histories parted; `None` when they have nothing in common.
    pub async fn merge_base(&self, one: &CommitSha, other: &CommitSha) -> Result<Option<CommitSha>, GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::merge_base(one, other) {
            return scripted;
        }
        self.fetch(one).await?;
        self.fetch(other).await?;
        let args = ["--end-of-options", full_sha(one)?, full_sha(other)?];
        sound!(self, &[one, other], self.common(&args))
    }

    async fn common(&self, args: &[&str]) -> Result<Option<CommitSha>, GitError> {
        let output = self.read("merge-base", args).await?;
        if output.code == Some(1) {
            return Ok(None);
        }
        output.stdout_of("merge-base").map(|stdout| Some(sha_of(&stdout)))
    }

    async fn stdout(&self, action: &str, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.read(action, args).await?.stdout_of(action)
    }

    /// Writes the commit's files into the folder `into`, which appears whole or not at all; one that
    /// is there already is left as it is. There is no `.git` in it and submodules stay empty.
    pub async fn checkout(&self, sha: &CommitSha, into: &Path) -> Result<(), GitError> {
        #[cfg(debug_assertions)]
        if let Some(scripted) = scripted::checkout(sha, into) {
            return scripted;
        }
        self.fetch(sha).await?;
        sound!(self, &[sha], self.write_out(sha, into))
    }

    async fn write_out(&self, sha: &CommitSha, into: &Path) -> Result<(), GitError> {
        let text = full_sha(sha)?;
        self.refuse_escaping_links(sha).await?;
        let _alone = self.lock.lock().await;
        if tokio::fs::try_exists(into).await.map_err(|source| disk(into, source))? {
            return Ok(());
        }
        let parent = into.parent().unwrap_or(Path::new("."));
        tokio::fs::create_dir_all(parent)
            .await
            .map_err(|source| disk(parent, source))?;
        let work = tempfile::Builder::new()
            .prefix(".checkout-")
            .tempdir_in(parent)
            .map_err(|source| disk(parent, source))?;
        let (index, tree) = (work.path().join("index"), work.path().join("tree"));
        tokio::fs::create_dir(&tree)
            .await
            .map_err(|source| disk(&tree, source))?;
        let readable = std::fs::Permissions::from_mode(0o755);
        tokio::fs::set_permissions(&tree, readable)
            .await
            .map_err(|source| disk(&tree, source))?;
        let git = |action| {
            Git::new(&self.folder, action)
                .env("GIT_INDEX_FILE", &index)
                .env("GIT_WORK_TREE", &tree)
        };
        git("read-tree")
            .args(["--end-of-options", text])
            .output(LOCAL_LIMIT)
            .await?
            .stdout_of("read-tree")?;
        let written = git("checkout-index")
            .args(["--all", "--force"])
            .output(FETCH_LIMIT)
            .await?;
        written.stdout_of("checkout-index")?;
        tokio::fs::rename(&tree, into)
            .await
            .map_err(|source| disk(into, source))
    }

    async fn refuse_escaping_links(&self, sha: &CommitSha) -> Result<(), GitError> {
        for link in self
            .entries(sha, None)
            .await?
            .into_iter()
            .filter(|entry| entry.mode == "120000")
        {
            let target = String::from_utf8_lossy(&self.blob(&link.object).await?).into_owned();
            if !link_stays_inside(&link.path, &target) {
                return Err(GitError::EscapingLink {
                    path: printable(&link.path),
                    target: printable(&target),
                });
            }
        }
        Ok(())
    }

    async fn blob(&self, object: &str) -> Result<Vec<u8>, GitError> {
        self.read("cat-file", &["blob", object]).await?.stdout_of("cat-file")
    }

    async fn entries(&self, sha: &CommitSha, path: Option<&str>) -> Result<Vec<Entry>, GitError> {
        let mut args = vec!["-r", "-z", "--long", "--full-tree", "--end-of-options", full_sha(sha)?];
        args.extend(path);
        let output = self.read("ls-tree", &args).await?;
        if output.stderr.contains("Not a valid object name") || output.stderr.contains("not a tree object") {
            return Err(GitError::Damaged {
                action: "ls-tree".to_owned(),
                detail: error::last_line(&output.stderr),
            });
        }
        Ok(split_at_zeros(&output.stdout_of("ls-tree")?)
            .filter_map(entry)
            .collect())
    }

    async fn init(&self) -> Result<(), GitError> {
        if !tokio::fs::try_exists(self.folder.join("HEAD")).await.unwrap_or(false) {
            return self.make_anew(None, &[]).await;
        }
        match tokio::fs::read_to_string(self.folder.join("config")).await {
            Ok(settings) if is_as_made(&settings) => Ok(()),
            _ => {
                tracing::warn!(folder = %self.folder.display(), "a mirror has settings that it was not made with, and is made anew");
                self.make_anew(Some(&self.folder), &[]).await
            }
        }
    }

    async fn has(&self, folder: &Path, sha: &str) -> Result<bool, GitError> {
        // The ref, not the object: an interrupted fetch may leave objects without their parents. Most are files of
        // their own, which need no process; an object that is missing all the same shows when it is read.
        let name = format!("refs/commits/{sha}");
        let loose = tokio::fs::read_to_string(folder.join(&name)).await;
        if loose.is_ok_and(|points_to| points_to.trim() == sha) {
            return Ok(true);
        }
        let known = read(
            folder,
            "rev-parse",
            &["--verify", "--quiet", &format!("{name}^{{commit}}")],
        )
        .await?;
        if known.success {
            return Ok(true);
        }
        let heads = read(
            folder,
            "for-each-ref",
            &["--count=1", &format!("--contains={sha}"), "refs/"],
        )
        .await?;
        Ok(heads.success && !heads.stdout.is_empty())
    }

    async fn fetch_into(&self, folder: &Path, refspec: &str, keeps_house: bool) -> Result<Output, GitError> {
        let http = self.url.starts_with("https://") || self.url.starts_with("http://");
        if !(http || self.local) || self.url.contains('@') {
            return Err(GitError::BadName {
                name: printable(&self.url),
                expected: "an https address without a user",
            });
        }
        let options = [
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            if keeps_house {
                "--auto-maintenance"
            } else {
                "--no-auto-maintenance"
            },
            "--end-of-options",
        ];
        let git = Git::new(folder, "fetch")
            .args(options)
            .args([self.url.as_str(), refspec]);
        let git = if self.local { git.local() } else { git };
        git.authorized(&self.url, self.token.as_ref())
            .output(self.fetch_limit)
            .await
    }

    async fn read(&self, action: &str, args: &[&str]) -> Result<Output, GitError> {
        read(&self.folder, action, args).await
    }
}

/// Whether a mirror's settings are those of a new one. Others could send git to another host, whose word would be
/// taken for that of ours, or start programs.
fn is_as_made(settings: &str) -> bool {
    const KNOWN: [&str; 7] = [
        "repositoryformatversion = 0",
        "filemode = true",
        "filemode = false",
        "bare = true",
        "ignorecase = true",
        "precomposeunicode = true",
        "symlinks = false",
    ];
    let mut lines = settings.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next() == Some("[core]") && lines.all(|line| KNOWN.contains(&line))
}

async fn read(folder: &Path, action: &str, args: &[&str]) -> Result<Output, GitError> {
    Git::new(folder, action).args(args).output(LOCAL_LIMIT).await
}

/// Moves the mirror of a repository that has another name. What lies there was left by another one.
pub async fn move_mirror(from: &Path, to: &Path) -> Result<(), GitError> {
    // Both in one order, whoever else moves them.
    let (first, second) = if from < to { (from, to) } else { (to, from) };
    let (first, second) = (lock_of(first), lock_of(second));
    let (_alone, _too) = (first.lock().await, second.lock().await);
    if !tokio::fs::try_exists(from).await.unwrap_or(false) {
        return Ok(());
    }
    remove(to).await?;
    let parent = to.parent().unwrap_or(Path::new("."));
    tokio::fs::create_dir_all(parent)
        .await
        .map_err(|source| disk(parent, source))?;
    match tokio::fs::rename(from, to).await {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(disk(to, source)),
        _ => Ok(()),
    }
}

/// Removes the mirror of a repository that is gone: another one may have its name.
pub async fn remove_mirror(folder: &Path) -> Result<(), GitError> {
    let lock = lock_of(folder);
    let _alone = lock.lock().await;
    remove(folder).await
}

async fn remove(folder: &Path) -> Result<(), GitError> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(disk(folder, source)),
        _ => Ok(()),
    }
}

fn lock_of(folder: &Path) -> Arc<AsyncMutex<()>> {
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lock) = locks.get(folder).and_then(Weak::upgrade) {
        return lock;
    }
    locks.retain(|_, lock| lock.strong_count() > 0);
    let lock = Arc::new(AsyncMutex::new(()));
    locks.insert(folder.to_owned(), Arc::downgrade(&lock));
    lock
}

fn disk(path: &Path, source: std::io::Error) -> GitError {
    GitError::Disk {
        path: path.display().to_string(),
        source,
    }
}

fn sha_of(stdout: &[u8]) -> CommitSha {
    CommitSha::new(String::from_utf8_lossy(stdout).trim())
}

fn split_at_zeros(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

/// `<mode> <type> <object> <size>\t<path>` as `git ls-tree --long` prints it.
fn entry(line: &[u8]) -> Option<Entry> {
    let line = String::from_utf8_lossy(line);
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split_whitespace();
    let (mode, _, object) = (facts.next()?, facts.next()?, facts.next()?);
    let size = facts.next()?.parse().unwrap_or(0);
    Some(Entry {
        mode: mode.to_owned(),
        object: object.to_owned(),
        size,
        path: path.to_owned(),
    })
}
