//! Blocking work that nobody waits for any more: it is told, and stops soon.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that are copied between two looks.
const PIECE: u64 = 32 * 1024 * 1024;

/// Says to blocking work whether it is still wanted. Clones say the same.
#[derive(Clone, Debug, Default)]
pub struct Abandoned(Arc<AtomicBool>);

/// Abandons the work when it is dropped with it.
struct OnDrop(Option<Abandoned>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(abandoned) = self.0.take() {
            abandoned.abandon();
        }
    }
}

impl Abandoned {
    /// From now on the work is not wanted.
    pub fn abandon(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error if the work is not wanted any more.
    pub fn check(&self) -> io::Result<()> {
        match self.is_so() {
            true => Err(io::Error::other("it was stopped, since nobody waits for it any more")),
            false => Ok(()),
        }
    }

    /// Does blocking work on a thread of its own, which is told when the future is dropped. `None` if it met a defect.
    pub async fn run<T: Send + 'static>(work: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        Self::default().run_as(work).await
    }

    /// The same for work that others can abandon, too.
    pub async fn run_as<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        let abandoned = self.clone();
        let mut guard = OnDrop(Some(self.clone()));
        let done = crate::apart(move || work(&abandoned)).await;
        guard.0 = None;
        done.ok()
    }

    /// Copies a file's bytes; a part of them if the work is abandoned, which is an error.
    pub fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (source, mut target) = (File::open(from)?, File::create(to)?);
        loop {
            self.check()?;
            if io::copy(&mut (&source).take(PIECE), &mut target)? == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn who_is_not_waited_for_is_told() {
        let (tell, told) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let work = Abandoned::run(move |abandoned| {
            begin.send(()).unwrap();
            while !abandoned.is_so() {
                std::thread::yield_now();
            }
            tell.send(abandoned.check().is_err()).unwrap();
        });
        let task = tokio::spawn(work);
        let begun = tokio::task::spawn_blocking(move || begun.recv().unwrap());
        begun.await.unwrap();
        task.abort();
        assert!(tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap());
        assert_eq!(Abandoned::run(|abandoned| abandoned.is_so()).await, Some(false));
    }

    #[test]
    fn a_copy_is_whole_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, vec![7; 100_000]).unwrap();
        let abandoned = Abandoned::default();
        abandoned.copy(&from, &to).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), vec![7; 100_000]);
        abandoned.abandon();
        assert!(abandoned.copy(&from, &to).is_err());
    }
}
