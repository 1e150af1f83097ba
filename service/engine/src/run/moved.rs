//! Runs that somebody else moved on: the store is looked at once for all workers, and only those are woken whose run
//! moved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use trainyard_core::ids::RunId;
use trainyard_store::{Reads, StoreError};

/// Changes that come closer together are one look, which takes at most a tenth of the time.
const TOGETHER: Duration = Duration::from_millis(20);
const SHARE: u32 = 10;
const LONGEST: Duration = Duration::from_millis(500);
/// The wait after the database did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// The versions of runs that have a worker.
pub(crate) struct Moves {
    reads: Reads,
    following: Mutex<Following>,
}

#[derive(Default)]
struct Following {
    runs: BTreeMap<RunId, watch::Sender<u64>>,
    looking: Option<JoinHandle<()>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(looking) = &self.looking {
            looking.abort();
        }
    }
}

/// One run, followed until this is dropped.
pub(crate) struct Moved {
    run: RunId,
    versions: watch::Receiver<u64>,
    moves: Arc<Moves>,
}

impl Moves {
    pub(crate) fn new(reads: Reads) -> Arc<Self> {
        Arc::new(Self {
            reads,
            following: Mutex::default(),
        })
    }

    /// Follows a run; it is loaded only then, so that no move is missed.
    pub(crate) fn follow(self: &Arc<Self>, run: &RunId) -> Moved {
        let mut following = self.following();
        let sender = following
            .runs
            .entry(run.clone())
            .or_insert_with(|| watch::Sender::new(0));
        let versions = sender.subscribe();
        if following.looking.as_ref().is_none_or(JoinHandle::is_finished) {
            following.looking = Some(tokio::spawn(look(Arc::downgrade(self))));
        }
        drop(following);
        Moved {
            run: run.clone(),
            versions,
            moves: Arc::clone(self),
        }
    }

    /// One look: whose version is another one than before is told.
    async fn look(&self) -> Result<(), StoreError> {
        let versions = self.reads.active_versions().await?;
        let known: Vec<RunId> = self.following().runs.keys().cloned().collect();
        for run in known {
            let version = match versions.get(&run) {
                Some(version) => *version,
                // It is over; its worker may not know yet.
                None => match self.reads.run_version(&run).await {
                    Err(StoreError::NotFound(_)) => continue,
                    other => other?,
                },
            };
            if let Some(sender) = self.following().runs.get(&run) {
                sender.send_if_modified(|known| std::mem::replace(known, version) != version);
            }
        }
        Ok(())
    }

    /// Whether nobody follows any run; then the next who does starts anew.
    fn is_over(&self) -> bool {
        let mut following = self.following();
        let over = following.runs.is_empty();
        if over {
            following.looking = None;
        }
        over
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after each change until nobody follows any run.
async fn look(moves: std::sync::Weak<Moves>) {
    let Some(mut changes) = moves.upgrade().map(|moves| moves.reads.changes()) else {
        return;
    };
    loop {
        changes.next().await;
        let mut looked = Instant::now();
        loop {
            let Some(moves) = moves.upgrade() else { return };
            match moves.look().await {
                Ok(()) => break,
                Err(error) => tracing::debug!(%error, "whether runs moved is not known now"),
            }
            drop(moves);
            sleep(AGAIN).await;
            looked = Instant::now();
        }
        if moves.upgrade().is_none_or(|moves| moves.is_over()) {
            return;
        }
        sleep((looked.elapsed() * SHARE).clamp(TOGETHER, LONGEST)).await;
    }
}

impl Moved {
    /// The run's version, each time it has moved, in this process or another. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> u64 {
        match self.versions.changed().await {
            Ok(()) => *self.versions.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        let mut following = self.moves.following();
        // Another worker of the same run may follow it already.
        if following
            .runs
            .get(&self.run)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            following.runs.remove(&self.run);
        }
    }
}
