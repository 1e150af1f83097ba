//! Deliveries at the door, which wait to be stored together.

use crate::error::Result;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use trainyard_core::ids::{DeliveryId, Micros};

/// A delivery whose signature was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelivery {
    /// The sender's id; the same id is accepted once.
    pub id: DeliveryId,
    /// `github`, `cloudevents` or `internal`.
    pub origin: String,
    /// The sender's name for what happened, for example `push`.
    pub kind: String,
    /// When it arrived.
    pub received_at: Micros,
    /// The headers worth keeping.
    pub headers: Map<String, Value>,
    /// The body as it arrived.
    pub body: Bytes,
    /// SHA-256 of the body in hex, where the same bytes mean the same; see [`Reads::repeated`](crate::Reads::repeated).
    pub digest: Option<String>,
    /// What is wrong with it, in one sentence: it starts nothing.
    pub flagged: Option<String>,
}

/// Deliveries of one transaction: more would make the first of them wait too long.
const MOST: usize = 128;
/// The same of their bodies together, in bytes, after the first.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Of more than so many a multiple goes: their statements take as many at a time, and the rest is among the next.
const EVEN: usize = 8;

/// After so many together, more are expected: until there are enough, or so many looks found too few.
const CROWD: usize = 4;
const ENOUGH: usize = 32;
const LOOKS: usize = 32;

/// What became of a delivery at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored and on the disk.
    New,
    /// It was stored before.
    Duplicate,
}

/// Deliveries that are to be stored.
#[derive(Default)]
pub(crate) struct Accepts(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Pending>,
    /// Whether somebody stores them.
    served: bool,
}

pub(crate) struct Pending {
    pub(crate) delivery: NewDelivery,
    pub(crate) reply: oneshot::Sender<Result<Accepted>>,
}

/// The right to store what waits, until nothing does.
pub(crate) struct Turn {
    accepts: Arc<Accepts>,
    over: bool,
    /// How many were stored together last.
    last: usize,
}

impl Accepts {
    /// One more; who gets the turn stores all that wait.
    pub(crate) fn put(self: &Arc<Self>, pending: Pending) -> Option<Turn> {
        let mut waiting = self.lock();
        waiting.queue.push_back(pending);
        let first = !std::mem::replace(&mut waiting.served, true);
        first.then(|| Turn {
            accepts: Arc::clone(self),
            over: false,
            last: 0,
        })
    }

    fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Under load the next senders are about to be here: lets them come, as far as they are, so that the commit has more
    /// to carry. Nobody waits for the clock.
    pub(crate) async fn gather(&self) {
        if self.last < CROWD {
            return;
        }
        for _ in 0..LOOKS {
            if self.accepts.waiting() >= ENOUGH {
                return;
            }
            yield_now().await;
        }
    }

    /// The next that go into one transaction; with none the turn is over.
    pub(crate) fn take(&mut self) -> Vec<Pending> {
        let mut waiting = self.accepts.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let most = match waiting.queue.len() {
            few @ ..EVEN => few,
            many => (many - many % EVEN).min(MOST),
        };
        while batch.len() < most {
            let Some(next) = waiting.queue.front() else { break };
            bytes += next.delivery.body.len();
            if bytes > MOST_BYTES && !batch.is_empty() {
                break;
            }
            batch.extend(waiting.queue.pop_front());
        }
        self.over = batch.is_empty();
        self.last = batch.len();
        waiting.served = !self.over;
        batch
    }

    /// All of them.
    pub(crate) fn take_all(&self) -> VecDeque<Pending> {
        std::mem::take(&mut self.accepts.lock().queue)
    }
}

impl Drop for Turn {
    /// Who still waits was left by a defect of ours, and is told so: the reply goes.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let left = {
            let mut waiting = self.accepts.lock();
            waiting.served = false;
            std::mem::take(&mut waiting.queue)
        };
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot::error::TryRecvError;

    fn pending(id: &str) -> (Pending, oneshot::Receiver<Result<Accepted>>) {
        let (reply, answer) = oneshot::channel();
        let delivery = NewDelivery {
            id: DeliveryId::new(id),
            origin: "github".to_owned(),
            kind: "ping".to_owned(),
            received_at: Micros(1),
            headers: Map::new(),
            body: Bytes::new(),
            digest: None,
            flagged: None,
        };
        (Pending { delivery, reply }, answer)
    }

    #[test]
    fn one_stores_for_all_and_the_next_after_its_end() {
        let accepts = Arc::<Accepts>::default();
        let (first, _) = pending("d1");
        let mut turn = accepts.put(first).expect("nobody stores yet");
        let (second, mut answer) = pending("d2");
        assert!(accepts.put(second).is_none(), "the first stores it, too");
        assert_eq!(turn.take().len(), 2);
        assert!(turn.take().is_empty());
        assert_eq!(answer.try_recv(), Err(TryRecvError::Closed));
        let (third, mut waits) = pending("d3");
        let next = accepts.put(third).expect("the turn was over");
        drop(turn);
        assert_eq!(waits.try_recv(), Err(TryRecvError::Empty), "it is another turn's");
        drop(next);
        assert_eq!(waits.try_recv(), Err(TryRecvError::Closed), "left by a defect: told so");
        assert!(accepts.put(pending("d4").0).is_some(), "and the door is open");
    }
}
