//! How a process hears that another one changed the database, without asking again and again.

use crate::error::{Result, StoreError};
use crate::reads::{Pool, Reads};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

/// What the trigger on the change number notifies.
const CHANNEL: &str = "trainyard_change";

/// How often the number is looked at where files cannot be watched.
const LOOK: Duration = Duration::from_millis(250);

/// From the moment it is made, no change goes unheard.
pub(crate) enum Signal {
    /// The times of SQLite's file, which a process sets after its commit.
    File(AsyncFd<OwnedFd>),
    /// PostgreSQL's own notifications.
    Listen(Box<PgListener>),
    /// Nothing can be watched.
    Look,
}

impl Signal {
    pub(crate) async fn of(reads: &Reads) -> Result<Self> {
        if let Pool::Postgres(pool) = reads.pool() {
            let listener = listen(pool).await;
            return listener.map_err(|error| StoreError::from_driver(error, reads.place()));
        }
        let file = reads.feed().file().ok_or(io::ErrorKind::NotFound.into());
        Ok(file.and_then(watch).unwrap_or_else(|error| {
            tracing::debug!(%error, "the database file cannot be watched: looking every {LOOK:?}");
            Self::Look
        }))
    }

    /// Waits until something may have changed.
    pub(crate) async fn wait(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => touched(file).await,
            // Nothing is returned after the connection was lost, when it is there again: a reason to look.
            Self::Listen(listener) => listener.try_recv().await.map(drop).map_err(io::Error::other),
            Self::Look => {
                sleep(LOOK).await;
                Ok(())
            }
        }
    }
}

fn watch(file: &Path) -> io::Result<Signal> {
    let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    inotify::add_watch(&queue, file, WatchFlags::ATTRIB)?;
    #[expect(
        deprecated,
        reason = "sound for an OwnedFd; what replaces it is unsafe code, which is forbidden here"
    )]
    let queue = AsyncFd::new(queue)?;
    Ok(Signal::File(queue))
}

async fn touched(queue: &AsyncFd<OwnedFd>) -> io::Result<()> {
    let mut events = [0; 4096];
    loop {
        let mut ready = queue.readable().await?;
        match ready.try_io(|queue| Ok(rustix::io::read(queue.get_ref(), &mut events)?)) {
            Ok(read) => return read.map(drop),
            Err(_would_block) => {}
        }
    }
}

async fn listen(pool: &PgPool) -> sqlx::Result<Signal> {
    // A connection of its own: it waits all its life.
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with((*pool.connect_options()).clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(CHANNEL).await?;
    Ok(Signal::Listen(Box::new(listener)))
}

#[cfg(test)]
mod tests {
    use crate::database::DatabaseUrl;
    use crate::feed::Feed;
    use crate::memory::Memory;
    use crate::reads::{Pool, Reads};
    use crate::store::Store;
    use sqlx::SqlitePool;
    use std::time::Duration;
    use tokio::time::timeout;
    use trainyard_core::ids::Micros;

    const DEADLINE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn where_no_file_can_be_watched_the_number_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trainyard.db");
        let store = Store::open(&DatabaseUrl::Sqlite(path.clone())).await.unwrap();
        let pool = SqlitePool::connect(&format!("sqlite://{}", path.display())).await;
        let feed = Feed::new(Some("/no/such/file".into()));
        let reads = Reads::new(Pool::Sqlite(pool.unwrap()), "a place".into(), Memory::default(), feed);
        let mut changes = reads.changes();
        let first = changes.next().await;
        store.put_outbox(&[], Micros(1)).await.unwrap();
        let heard = timeout(DEADLINE, changes.next()).await.unwrap();
        assert_eq!(heard, first + 1);
    }
}
