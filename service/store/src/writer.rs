//! The one writer of SQLite. Writes that wait together share one transaction and one fsync; each
//! runs in its own savepoint and is answered after the commit.

use crate::connection::Connection;
use crate::error::{Result, StoreError};
use crate::feed::Feed;
use crate::health::Health;
use crate::log::Log;
use crate::number;
use crate::patience::Patience;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard, mpsc, oneshot, watch};
use tokio::time::sleep;

/// More would make the first of them wait too long.
const LARGEST_BATCH: usize = 128;

/// The pause between two looks at a log that another program pins.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The effect of one write on a connection that is in a transaction.
pub(crate) trait Write<T>:
    for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static
{
}

impl<T, F> Write<T> for F where F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static {}

/// Whether a page or a command could show what a write changes: then the change number moves with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Yes,
    No,
}

/// The way to the writer task, which ends when it is closed or the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    closing: Arc<Notify>,
    health: Arc<Health>,
    /// Its sender goes with the task.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task; the connections must not be used by anybody else. `mover` empties the log of a file.
    pub(crate) fn start(
        connection: Connection,
        mover: Option<Connection>,
        feed: Arc<Feed>,
        health: Arc<Health>,
    ) -> Self {
        let (jobs, queue) = mpsc::channel(1024);
        let (alive, ended) = watch::channel(());
        let closing = Arc::new(Notify::new());
        let (asked, known) = (Arc::clone(&closing), Arc::clone(&health));
        tokio::spawn(async move {
            let log = Arc::new(Log::of(feed.file(), mover));
            let kept = Arc::clone(&log);
            let moving = tokio::spawn(async move { kept.keep_small().await });
            let desk = Desk {
                connection,
                feed,
                health: known,
                log: Arc::clone(&log),
            };
            let connection = desk.run(queue, &asked).await;
            moving.abort();
            log.close().await;
            put_away(connection).await;
            drop(alive);
        });
        Self {
            jobs,
            closing,
            health,
            ended,
        }
    }

    /// Performs what waits, moves everything from the log into the database file and ends the task;
    /// later writes are refused.
    pub(crate) async fn close(&self) {
        self.closing.notify_one();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Performs a write; it is on the disk when this returns `Ok`. Dropping the future does not stop it. One that
    /// another program keeps waiting is taken back when its patience ends, and nothing of it is stored.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl Write<T>,
        shown: Shown,
        patience: Patience,
    ) -> Result<T> {
        let (reply, mut answer) = oneshot::channel();
        let waiting = Arc::new(Mutex::new(Some(write)));
        let job = Pending {
            write: Arc::clone(&waiting),
            value: None,
            shown,
            reply,
        };
        let gone = || StoreError::Unreachable {
            database: "(SQLite)".to_owned(),
            problem: "its writer has stopped".to_owned(),
        };
        let late = self.health.late(patience);
        tokio::pin!(late);
        tokio::select! {
            sent = self.jobs.send(Box::new(job)) => sent.map_err(|_| gone())?,
            why = &mut late => return Err(why),
        }
        let why = tokio::select! {
            biased;
            answer = &mut answer => return answer.map_err(|_| gone())?,
            why = late => why,
        };
        let taken_back = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        match taken_back {
            Some(_) => Err(why),
            // It is being written: only its end says what came of it.
            None => answer.await.map_err(|_| gone())?,
        }
    }
}

trait Job: Send {
    fn perform<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Result<()>>;
    fn answer(self: Box<Self>, outcome: Result<()>);
    fn shown(&self) -> Shown;
    /// Whether its caller still waits for it to begin.
    fn is_wanted(&self) -> bool;
}

struct Pending<T, W> {
    /// Shared with the caller, who takes it back when it comes too late.
    write: Arc<Mutex<Option<W>>>,
    value: Option<T>,
    shown: Shown,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, W: Write<T>> Job for Pending<T, W> {
    fn perform<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let write = self.write.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(write) = write {
                self.value = Some(write(connection).await?);
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { value, reply, .. } = *self;
        let result =
            outcome.and_then(|()| value.ok_or_else(|| StoreError::Conflict("the write was not performed".to_owned())));
        // Nobody waits for the answer when the caller was dropped.
        let _ = reply.send(result);
    }

    fn shown(&self) -> Shown {
        self.shown
    }

    fn is_wanted(&self) -> bool {
        self.write.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// What the writer task works with.
struct Desk {
    connection: Connection,
    feed: Arc<Feed>,
    health: Arc<Health>,
    log: Arc<Log>,
}

impl Desk {
    /// Performs what is asked for until nobody asks any more.
    async fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>, closing: &Notify) -> Connection {
        loop {
            tokio::select! {
                biased;
                job = queue.recv() => match job {
                    Some(first) => self.batch(first, &mut queue).await,
                    None => break self.connection,
                },
                () = closing.notified() => queue.close(),
            }
        }
    }

    /// The right to write, as soon as no other program has it and the log has room; for as long as the first write
    /// waits. Those behind it are taken back by their callers.
    async fn begin(&mut self, first: &mut dyn Job) -> Result<OwnedMutexGuard<()>> {
        loop {
            let error = match self.log.pinned().await {
                None => {
                    let turn = self.log.turn().await;
                    match self.connection.raw("BEGIN IMMEDIATE").await {
                        Ok(()) => {
                            self.health.free();
                            return Ok(turn);
                        }
                        Err(error) => error,
                    }
                }
                Some(error) => {
                    sleep(LOOK_AGAIN).await;
                    error
                }
            };
            let lasts = matches!(error, StoreError::Locked { .. } | StoreError::Pinned { .. });
            if !lasts || !first.is_wanted() {
                return Err(error);
            }
            self.health.held(error);
        }
    }

    /// One transaction. Writes that arrive while it runs join it.
    async fn batch(&mut self, first: Box<dyn Job>, queue: &mut mpsc::Receiver<Box<dyn Job>>) {
        let mut first = first;
        // Those that were taken back meanwhile cost nothing.
        if !first.is_wanted() {
            return;
        }
        let _turn = match self.begin(first.as_mut()).await {
            Ok(turn) => turn,
            Err(error) => return first.answer(Err(error)),
        };
        let Self {
            connection, feed, log, ..
        } = self;
        // The first write needs no savepoint: when it fails, the transaction has nothing else in it.
        if let Err(error) = first.perform(connection).await {
            rollback(connection).await;
            return first.answer(Err(error));
        }
        let mut done = vec![first];
        let mut broken = None;
        while done.len() < LARGEST_BATCH {
            let Ok(mut job) = queue.try_recv() else { break };
            if !job.is_wanted() {
                continue;
            }
            match in_savepoint(connection, job.as_mut()).await {
                Ok(Ok(())) => done.push(job),
                Ok(Err(error)) => job.answer(Err(error)),
                Err(error) => {
                    done.push(job);
                    broken = Some(error);
                    break;
                }
            }
        }
        let shown = done.iter().any(|job| job.shown() == Shown::Yes);
        let outcome = match broken {
            Some(error) => Err(error),
            None => commit(connection, shown).await,
        };
        match &outcome {
            Ok(number) => {
                connection.memory.keep();
                number.iter().for_each(|number| feed.committed(*number));
            }
            Err(_) => rollback(connection).await,
        }
        log.grew(connection.take_written());
        let outcome = outcome.map(drop);
        for job in done {
            job.answer(outcome.clone());
        }
    }
}

async fn put_away(mut connection: Connection) {
    // Another program that has the database open would keep the log: a copy of the file alone must be whole.
    if let Err(error) = connection.raw("PRAGMA wal_checkpoint(TRUNCATE)").await {
        tracing::warn!(%error, "the log was not moved into the database file");
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database was not closed well");
    }
}

/// Ends the transaction; the change number, if it moved.
async fn commit(connection: &mut Connection, shown: bool) -> Result<Option<u64>> {
    let number = match shown {
        true => Some(number::advance(connection).await?),
        false => None,
    };
    connection.raw("COMMIT").await?;
    Ok(number)
}

/// The outer error means that the transaction itself is lost, for example because the disk is full.
async fn in_savepoint(connection: &mut Connection, job: &mut dyn Job) -> Result<Result<()>> {
    connection.raw("SAVEPOINT write_of_one").await?;
    let mark = connection.memory.mark();
    match job.perform(connection).await {
        Ok(()) => connection.raw("RELEASE write_of_one").await.map(Ok),
        Err(error) => match connection.raw("ROLLBACK TO write_of_one; RELEASE write_of_one").await {
            Ok(()) => {
                connection.memory.forget_after(mark);
                Ok(Err(error))
            }
            Err(_) => Err(error),
        },
    }
}

async fn rollback(connection: &mut Connection) {
    connection.memory.forget_after(0);
    // Fails when SQLite has rolled back already, which is just as well.
    if let Err(error) = connection.raw("ROLLBACK").await {
        tracing::debug!(%error, "nothing to roll back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Driver, args};
    use crate::memory::Memory;
    use crate::statement::Statement;
    use sqlx::Connection as _;
    use sqlx::SqliteConnection;

    const FILL: Statement = Statement::listed("INSERT INTO filling VALUES (zeroblob($1))");
    const EMPTY: Statement = Statement::listed("DELETE FROM filling");
    const COUNT: Statement = Statement::listed("SELECT COUNT(*) FROM filling");

    async fn count(writer: &Writer) -> i64 {
        let row = writer
            .write(
                |db| Box::pin(async move { db.row(COUNT, args![]).await }),
                Shown::No,
                Patience::Own,
            )
            .await
            .unwrap();
        row.unwrap().get(0).unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_refuses_the_write_and_goes_on_when_there_is_room() {
        let connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mut connection = Connection::new(
            Driver::SqliteWriter(connection),
            "/data/trainyard.db".into(),
            Memory::default(),
        );
        connection
            .raw(
                "CREATE TABLE filling (content BLOB); CREATE TABLE change_number (number BIGINT);
                INSERT INTO change_number VALUES (1); PRAGMA max_page_count = 31",
            )
            .await
            .unwrap();
        let feed = Feed::new(None);
        let numbers = feed.numbers();
        let writer = Writer::start(connection, None, feed, Arc::default());
        let fill = |bytes: i64| {
            writer.write(
                move |db| Box::pin(async move { db.execute(FILL, args![bytes]).await }),
                Shown::Yes,
                Patience::Own,
            )
        };
        fill(10_000).await.unwrap();
        // The small writes wait together with the one that is too large: none of them is half stored.
        let (small, large, after) = tokio::join!(fill(100), fill(900_000), fill(100));
        let full = StoreError::DiskFull {
            place: "/data/trainyard.db".to_owned(),
        };
        assert_eq!(large.unwrap_err(), full);
        let stored = 1 + i64::from(small.is_ok()) + i64::from(after.is_ok());
        assert_eq!(count(&writer).await, stored);
        writer
            .write(
                |db| Box::pin(async move { db.execute(EMPTY, args![]).await }),
                Shown::No,
                Patience::Own,
            )
            .await
            .unwrap();
        let before = numbers.largest();
        fill(10_000).await.unwrap();
        assert_eq!(count(&writer).await, 1);
        assert_eq!(numbers.largest(), before + 1, "it is heard of before it is answered");
    }
}
