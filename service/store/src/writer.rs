//! The one writer of SQLite. Writes that wait together share one transaction and one fsync; each
//! runs in its own savepoint and is answered after the commit.

use crate::connection::Connection;
use crate::error::{Result, StoreError};
use crate::feed::Feed;
use crate::number;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// More would make the first of them wait too long.
const LARGEST_BATCH: usize = 128;

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
    /// Its sender goes with the task.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the task; the connection must not be used by anybody else.
    pub(crate) fn start(connection: Connection, feed: Arc<Feed>) -> Self {
        let (jobs, queue) = mpsc::channel(1024);
        let (alive, ended) = watch::channel(());
        let closing = Arc::new(Notify::new());
        let asked = Arc::clone(&closing);
        tokio::spawn(async move {
            run(connection, queue, &asked, &feed).await;
            drop(alive);
        });
        Self { jobs, closing, ended }
    }

    /// Performs what waits, moves everything from the log into the database file and ends the task;
    /// later writes are refused.
    pub(crate) async fn close(&self) {
        self.closing.notify_one();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Performs a write; it is on the disk when this returns `Ok`. Dropping the future does not stop it.
    pub(crate) async fn write<T: Send + 'static>(&self, write: impl Write<T>, shown: Shown) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Pending {
            write: Some(write),
            value: None,
            shown,
            reply,
        };
        let gone = || StoreError::Unreachable {
            database: "(SQLite)".to_owned(),
            problem: "its writer has stopped".to_owned(),
        };
        self.jobs.send(Box::new(job)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

trait Job: Send {
    fn perform<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Result<()>>;
    fn answer(self: Box<Self>, outcome: Result<()>);
    fn shown(&self) -> Shown;
}

struct Pending<T, W> {
    write: Option<W>,
    value: Option<T>,
    shown: Shown,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, W: Write<T>> Job for Pending<T, W> {
    fn perform<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if let Some(write) = self.write.take() {
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
}

async fn run(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>, closing: &Notify, feed: &Feed) {
    loop {
        tokio::select! {
            job = queue.recv() => match job {
                Some(first) => batch(&mut connection, first, &mut queue, feed).await,
                None => break,
            },
            () = closing.notified() => queue.close(),
        }
    }
    // Another program that has the database open would keep the log: a copy of the file alone must be whole.
    if let Err(error) = connection.raw("PRAGMA wal_checkpoint(TRUNCATE)").await {
        tracing::warn!(%error, "the log was not moved into the database file");
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database was not closed well");
    }
}

/// One transaction. Writes that arrive while it runs join it.
async fn batch(
    connection: &mut Connection,
    first: Box<dyn Job>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    feed: &Feed,
) {
    let mut first = first;
    if let Err(error) = connection.raw("BEGIN IMMEDIATE").await {
        return first.answer(Err(error));
    }
    // The first write needs no savepoint: when it fails, the transaction has nothing else in it.
    if let Err(error) = first.perform(connection).await {
        rollback(connection).await;
        return first.answer(Err(error));
    }
    let mut done = vec![first];
    let mut broken = None;
    while done.len() < LARGEST_BATCH {
        let Ok(mut job) = queue.try_recv() else { break };
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
    let outcome = outcome.map(drop);
    for job in done {
        job.answer(outcome.clone());
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
            .write(|db| Box::pin(async move { db.row(COUNT, args![]).await }), Shown::No)
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
        let writer = Writer::start(connection, feed);
        let fill = |bytes: i64| {
            writer.write(
                move |db| Box::pin(async move { db.execute(FILL, args![bytes]).await }),
                Shown::Yes,
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
            )
            .await
            .unwrap();
        let before = *numbers.borrow();
        fill(10_000).await.unwrap();
        assert_eq!(count(&writer).await, 1);
        assert_eq!(*numbers.borrow(), before + 1, "it is heard of before it is answered");
    }
}
