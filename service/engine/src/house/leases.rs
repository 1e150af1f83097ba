//! Leases by name in the database, for what one engine does at a time where several share a database.
//!
//! No clock is compared with another's: the holder moves a beat, and another engine takes the lease when it has
//! seen no beat for [`SILENCE`] by its own monotonic clock. A holder that could not move it for [`GOOD`], which
//! is less, stops by itself, also when it was stopped and does not know that time has passed.

use super::locks::Owner;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, interval, sleep};
use trainyard_store::{Lease, Store, StoreError};

/// How often the holder says that it lives.
const BEAT: Duration = Duration::from_secs(1);
/// A holder that could not say so for this long holds it no more.
const GOOD: Duration = Duration::from_secs(5);
/// After this long without a beat another one takes it.
const SILENCE: Duration = Duration::from_secs(7);
/// How often it is looked at by who waits, and by who holds it.
const LOOK: Duration = Duration::from_millis(250);

/// The named leases, as one engine takes them.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    store: Store,
    owner: Arc<Owner>,
}

/// A lease of ours; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    store: Store,
    name: &'static str,
    epoch: u64,
    pulse: Arc<Pulse>,
    beating: AbortHandle,
}

/// What is known of the holder's beats.
#[derive(Debug)]
struct Pulse {
    /// When the newest beat that was heard was sent.
    last: Mutex<Instant>,
    lost: AtomicBool,
}

impl Pulse {
    fn is_good(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        !self.lost.load(Ordering::SeqCst) && last.elapsed() < GOOD
    }
}

impl Leases {
    pub(crate) fn new(store: Store, owner: Arc<Owner>) -> Self {
        Self { store, owner }
    }

    /// Whether several engines may be at work on the database of this one.
    pub(crate) fn are_needed(&self) -> bool {
        self.store.is_shared()
    }

    /// Waits until the lease is ours.
    pub(crate) async fn hold(&self, name: &'static str) -> Result<Held, StoreError> {
        let mut seen: Option<(Lease, Instant)> = None;
        let owner = self.owner.name();
        loop {
            let sent = Instant::now();
            let now = self.store.named_lease(name).await?;
            let silent = match (&now, &seen) {
                (Some(now), Some((before, since))) => now == before && since.elapsed() >= SILENCE,
                _ => false,
            };
            let free = now
                .as_ref()
                .is_none_or(|now| now.owner.as_ref().is_none_or(|owner| self.owner.is_gone(owner)));
            if free || silent {
                let taken = self.store.take_named_lease(name, &owner, now.as_ref());
                if let Some(epoch) = taken.await? {
                    return Ok(self.held(name, epoch, sent));
                }
            }
            if seen.as_ref().map(|(before, _)| before) != now.as_ref() {
                seen = now.map(|now| (now, Instant::now()));
            }
            sleep(LOOK).await;
        }
    }

    fn held(&self, name: &'static str, epoch: u64, sent: Instant) -> Held {
        let pulse = Arc::new(Pulse {
            last: Mutex::new(sent),
            lost: AtomicBool::new(false),
        });
        let beating = tokio::spawn(beat(self.store.clone(), name, epoch, Arc::clone(&pulse)));
        Held {
            store: self.store.clone(),
            name,
            epoch,
            pulse,
            beating: beating.abort_handle(),
        }
    }
}

async fn beat(store: Store, name: &'static str, epoch: u64, pulse: Arc<Pulse>) {
    let mut ticks = interval(BEAT);
    loop {
        ticks.tick().await;
        let sent = Instant::now();
        match store.beat_named_lease(name, epoch).await {
            Ok(true) => *pulse.last.lock().unwrap_or_else(PoisonError::into_inner) = sent,
            Ok(false) => {
                pulse.lost.store(true, Ordering::SeqCst);
                tracing::warn!(lease = name, "another engine took over what this one did");
                return;
            }
            Err(error) => tracing::debug!(lease = name, %error, "a beat was not heard"),
        }
    }
}

impl Held {
    /// Whether nobody else can have taken it by now.
    pub(crate) fn is_good(&self) -> bool {
        self.pulse.is_good()
    }

    /// The store for as long as the lease is ours.
    pub(crate) fn fenced(&self, store: &Store) -> Store {
        store.fenced(self.name, self.epoch)
    }

    /// Does something while the lease is good: it is looked at before each step, so that an engine that was
    /// stopped meanwhile and woken goes no further. `None` when it is not good any more.
    pub(crate) async fn while_ours<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut looks = interval(LOOK);
        poll_fn(|context| {
            while looks.poll_tick(context).is_ready() {}
            if !self.pulse.is_good() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.beating.abort();
        let (store, name, epoch) = (self.store.clone(), self.name, self.epoch);
        // Without a runtime the process ends, and others see that it is gone.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store.release_named_lease(name, epoch).await {
                    tracing::debug!(lease = name, %error, "a lease was not given back and will be taken");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tokio::time::timeout;
    use trainyard_store::DatabaseUrl;

    const LONG: Duration = Duration::from_secs(30);

    /// An engine of another machine: of its process nothing is known here.
    fn engine(folder: &Path, instance: &str, store: &Store) -> Leases {
        let owner = Owner::new(folder.join(instance), instance).unwrap();
        Leases::new(store.clone(), Arc::new(owner))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_holder_that_stopped_loses_its_lease_and_goes_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(dir.path().join("shared.db"));
        let store = Store::open(&url).await.unwrap();
        let (one, other) = (engine(dir.path(), "one", &store), engine(dir.path(), "other", &store));
        let held = one.hold("push").await.unwrap();
        assert_eq!(held.while_ours(async { 1 }).await, Some(1));
        let began = Instant::now();
        // Its beats stop, as those of a process that is stopped do.
        held.beating.abort();
        let taken = timeout(LONG, other.hold("push")).await.unwrap().unwrap();
        let took = began.elapsed();
        assert!(
            took >= GOOD && took < Duration::from_secs(10),
            "taken over after {took:?}"
        );
        assert_eq!(held.while_ours(async { 2 }).await, None, "it was woken");
        drop(held);
        assert_eq!(
            taken.while_ours(async { 3 }).await,
            Some(3),
            "and gave back nothing that is not its own"
        );
        drop(taken);
        timeout(LONG, one.hold("push")).await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_at_work_when_the_lease_is_lost_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(dir.path().join("shared.db"));
        let store = Store::open(&url).await.unwrap();
        let held = engine(dir.path(), "one", &store).hold("push").await.unwrap();
        let seen = store.named_lease("push").await.unwrap();
        let taking = async {
            let mut seen = seen;
            while store
                .take_named_lease("push", "other", seen.as_ref())
                .await
                .unwrap()
                .is_none()
            {
                seen = store.named_lease("push").await.unwrap();
            }
        };
        let (cut_off, ()) = tokio::join!(held.while_ours(std::future::pending::<()>()), taking);
        assert_eq!(cut_off, None);
    }
}
