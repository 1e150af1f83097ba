//! Deliveries at the door, which wait to be stored together.

use crate::error::Result;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
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
}

/// Deliveries of one transaction: more would make the first of them wait too long.
const MOST: usize = 128;
/// The same of their bodies together, in bytes, after the first.
const MOST_BYTES: usize = 4 * 1024 * 1024;

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
pub(crate) struct Accepts {
    queue: Mutex<VecDeque<Pending>>,
    /// Whoever has it stores what waits.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

pub(crate) struct Pending {
    pub(crate) delivery: NewDelivery,
    pub(crate) reply: oneshot::Sender<Result<Accepted>>,
}

impl Accepts {
    pub(crate) fn put(&self, pending: Pending) {
        self.lock().push_back(pending);
    }

    /// The next that go into one transaction.
    pub(crate) fn take(&self) -> Vec<Pending> {
        let mut queue = self.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MOST {
            let Some(next) = queue.front() else { break };
            bytes += next.delivery.body.len();
            if bytes > MOST_BYTES && !batch.is_empty() {
                break;
            }
            batch.extend(queue.pop_front());
        }
        batch
    }

    /// All of them.
    pub(crate) fn take_all(&self) -> VecDeque<Pending> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Pending>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
