//! A scripted image builder.

use crate::contract::{BuildError, BuildRequest, BuiltImage, ImageBuilder};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Builds nothing and remembers what was asked for. Clones share everything.
#[derive(Clone, Default)]
pub struct FakeImages {
    inner: Arc<Mutex<Images>>,
}

#[derive(Default)]
struct Images {
    built: Vec<PathBuf>,
    keys: HashSet<String>,
    failure: Option<(String, Vec<String>, Option<u32>)>,
    interruption: Option<String>,
    unreachable: u32,
}

impl FakeImages {
    /// From now on every build fails with this sentence and these last lines.
    pub fn fail(&self, message: &str, last_lines: &[&str]) {
        let lines = last_lines.iter().map(|line| (*line).to_owned()).collect();
        self.lock().failure = Some((message.to_owned(), lines, None));
    }

    /// The same at a line of the Dockerfile.
    pub fn fail_at(&self, message: &str, line: u32) {
        self.lock().failure = Some((message.to_owned(), Vec::new(), Some(line)));
    }

    /// Builds succeed again.
    pub fn succeed(&self) {
        self.lock().failure = None;
    }

    /// From now on every build is interrupted for this reason, or none any more.
    pub fn interrupt(&self, reason: Option<&str>) {
        self.lock().interruption = reason.map(str::to_owned);
    }

    /// Every image is gone, as after `docker image prune`.
    pub fn prune(&self) {
        self.lock().keys.clear();
    }

    /// The next builds answer that nobody is there.
    pub fn unreachable(&self, calls: u32) {
        self.lock().unreachable = calls;
    }

    /// Dockerfiles that were really built, in order; the same content is built once.
    pub fn built(&self) -> Vec<PathBuf> {
        self.lock().built.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Images> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ImageBuilder for FakeImages {
    async fn build(&self, request: &BuildRequest) -> Result<BuiltImage, BuildError> {
        let mut images = self.lock();
        if images.unreachable > 0 {
            images.unreachable -= 1;
            return Err(BuildError::Unreachable {
                what: "the fake image builder".to_owned(),
                hint: "the test says so".to_owned(),
                source: None,
            });
        }
        if let Some(message) = images.interruption.clone() {
            return Err(BuildError::Interrupted { message });
        }
        if let Some((message, last_lines, line)) = images.failure.clone() {
            return Err(BuildError::Failed {
                message,
                last_lines,
                line,
            });
        }
        if !request.dockerfile.exists() {
            let shown = request.dockerfile.display();
            let message = format!("the Dockerfile {shown} cannot be read: correct build.dockerfile or add the file");
            return Err(BuildError::Refused { message });
        }
        let key = key_of(request);
        let reused = !images.keys.insert(key.clone());
        if !reused {
            images.built.push(request.dockerfile.clone());
        }
        let image_id = format!("fake:{key}");
        Ok(BuiltImage { key, image_id, reused })
    }

    async fn resolve(&self, reference: &str) -> Result<String, BuildError> {
        Ok(format!("fake:{reference}"))
    }

    async fn find(&self, request: &BuildRequest) -> Result<Option<String>, BuildError> {
        let key = key_of(request);
        let there = self.lock().keys.contains(&key);
        Ok(there.then(|| format!("fake:{key}")))
    }

    async fn present(&self, reference: &str) -> Result<Option<String>, BuildError> {
        self.resolve(reference).await.map(Some)
    }
}

fn key_of(request: &BuildRequest) -> String {
    let mut content = Sha256::new();
    add_content(&mut content, &request.dockerfile);
    add_content(&mut content, &request.context);
    hex::encode(content.finalize())
}

/// A file, or every file below a folder in a fixed order.
fn add_content(hash: &mut Sha256, path: &Path) {
    if let Ok(content) = fs::read(path) {
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    let mut entries: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        hash.update(entry.file_name().as_encoded_bytes());
        add_content(hash, &entry.path());
    }
}
