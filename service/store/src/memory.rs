//! Ids that never change once they are committed, remembered so that a step does not look up its
//! types and contexts again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Plenty for every type and the contexts of the runs at work; then it starts afresh.
const LARGEST: usize = 8192;

/// What an id belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A type by the number of its kind and its name.
    Type(i64, String),
    /// A context by type and name.
    Context(i64, String),
    /// The data type that a type declares for a property, or 0.
    Property(i64, String),
}

/// What all connections know, and what this one's open transaction found or made.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    committed: Arc<Mutex<HashMap<Key, i64>>>,
    open: Vec<(Key, i64)>,
}

impl Memory {
    pub(crate) fn get(&self, key: &Key) -> Option<i64> {
        let here = self.open.iter().find(|(open, _)| open == key).map(|(_, id)| *id);
        here.or_else(|| {
            self.committed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(key)
                .copied()
        })
    }

    pub(crate) fn put(&mut self, key: Key, id: i64) {
        self.open.push((key, id));
    }

    /// The position to go back to with [`Self::forget_after`].
    pub(crate) fn mark(&self) -> usize {
        self.open.len()
    }

    /// A part of the transaction was rolled back.
    pub(crate) fn forget_after(&mut self, mark: usize) {
        self.open.truncate(mark);
    }

    /// The transaction was committed.
    pub(crate) fn keep(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if committed.len() > LARGEST {
            committed.clear();
        }
        committed.extend(self.open.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rolled_back_is_forgotten() {
        let key = |name: &str| Key::Type(1, name.to_owned());
        let mut one = Memory::default();
        one.put(key("kept"), 1);
        let mark = one.mark();
        one.put(key("rolled back"), 2);
        assert_eq!(one.get(&key("rolled back")), Some(2));
        one.forget_after(mark);
        let other = Memory {
            open: Vec::new(),
            ..one.clone()
        };
        assert_eq!(other.get(&key("kept")), None, "not committed yet");
        one.keep();
        assert_eq!(
            (other.get(&key("kept")), other.get(&key("rolled back"))),
            (Some(1), None)
        );
    }
}
