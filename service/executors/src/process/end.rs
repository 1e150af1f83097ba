//! Waiting for programs' ends without looking again and again: the kernel says when a process is over.

use super::place::{POLL, RARELY, observation, running};
use crate::contract::Observation;
use rustix::process::{PidfdFlags, pidfd_open};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

/// The programs that somebody waits for, each with one handle however many wait. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Ends(Arc<Mutex<HashMap<PathBuf, Weak<Handle>>>>);

/// A process, which can be read of once it is over.
type Handle = AsyncFd<OwnedFd>;

impl Ends {
    /// Returns when the program of this place does not run.
    pub(super) async fn wait(&self, place: &Path) {
        let mut pause = POLL;
        loop {
            let handle = self.handle(place);
            // Looked at after the handle was taken: it is of this program, and not of a later one with its id.
            if observation(place) != Observation::Running {
                return;
            }
            if let Some(handle) = handle
                && handle.readable().await.is_ok()
            {
                // The next look takes another handle, should this be of an earlier program.
                self.forget(place, &handle);
                if observation(place) != Observation::Running {
                    return;
                }
            }
            // There are no handles left, or none on this system.
            sleep(pause).await;
            pause = (pause * 2).min(RARELY);
        }
    }

    fn forget(&self, place: &Path, handle: &Arc<Handle>) {
        let mut handles = self.handles();
        if handles
            .get(place)
            .is_some_and(|known| known.as_ptr() == Arc::as_ptr(handle))
        {
            handles.remove(place);
        }
    }

    fn handles(&self) -> MutexGuard<'_, HashMap<PathBuf, Weak<Handle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, place: &Path) -> Option<Arc<Handle>> {
        let mut handles = self.handles();
        if let Some(known) = handles.get(place).and_then(Weak::upgrade) {
            return Some(known);
        }
        let handle = pidfd_open(running(place)?, PidfdFlags::empty()).ok()?;
        #[expect(
            deprecated,
            reason = "sound for an OwnedFd; what replaces it is unsafe code, which is forbidden here"
        )]
        let handle = Arc::new(AsyncFd::with_interest(handle, Interest::READABLE).ok()?);
        handles.retain(|_, handle| handle.strong_count() > 0);
        handles.insert(place.to_owned(), Arc::downgrade(&handle));
        Some(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Signal, kill_process_group};
    use std::fs;
    use std::process::{Child, Command};
    use std::time::Duration;
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(20);

    /// A process in a place, as its wrapper would note it.
    fn begin(place: &Path) -> Child {
        use std::os::unix::process::CommandExt;
        let child = Command::new("/bin/sleep").arg("600").process_group(0).spawn().unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        fs::write(place.join("pid"), stat).unwrap();
        child
    }

    fn end(place: &Path, mut child: Child) {
        kill_process_group(running(place).unwrap(), Signal::KILL).unwrap();
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn all_who_wait_for_a_program_have_one_handle_and_hear_of_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let (ends, child) = (Ends::default(), begin(place));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (ends, place) = (ends.clone(), place.to_owned());
                tokio::spawn(async move { ends.wait(&place).await })
            })
            .collect();
        let held = || ends.handles().get(place).map_or(0, Weak::strong_count);
        let all_wait = async {
            while held() < 3 {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, all_wait).await.expect("each has the same handle");
        end(place, child);
        for waiting in waiting {
            timeout(DEADLINE, waiting).await.expect("its end is heard").unwrap();
        }
        assert_eq!(held(), 0);
        // The next program of the place is another one, whatever is known of the first.
        let second = begin(place);
        let waits = ends.wait(place);
        tokio::pin!(waits);
        assert!(timeout(POLL, &mut waits).await.is_err(), "it runs");
        end(place, second);
        timeout(DEADLINE, waits).await.expect("its end is heard, too");
    }
}
