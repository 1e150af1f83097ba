//! Connections within a number. Who comes last always has a place: the connection that has been waited for longest
//! makes room, be it in its head, in its body or between requests. One that is being answered stays.

use axum::http::Extensions;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// All connections of a socket.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Those whose peer is waited for, the longest first.
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection; cheap to clone, free when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Place(Arc<Held>);

struct Held {
    connections: Connections,
    /// Its place among those that are waited for, if it is.
    turn: Mutex<Option<u64>>,
    leave: Arc<Notify>,
}

impl Connections {
    /// At most so many at once that are not being answered.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            state: Mutex::default(),
        }))
    }

    /// A place for a new connection; another one leaves if there is none.
    pub(super) fn enter(&self) -> Place {
        let place = Place(Arc::new(Held {
            connections: self.clone(),
            turn: Mutex::default(),
            leave: Arc::default(),
        }));
        place.waits();
        self.make_room();
        place
    }

    /// Asks the one that is waited for longest to leave, if there are too many.
    fn make_room(&self) {
        let mut state = self.state();
        if state.waiting.len() > self.0.most
            && let Some((_, leave)) = state.waiting.pop_first()
        {
            leave.notify_one();
        }
    }

    /// Asks one to leave, for example because the system has no more file handles.
    pub(super) fn shed(&self) {
        if let Some((_, leave)) = self.state().waiting.pop_first() {
            leave.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The place of the connection that a request came by.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().cloned()
    }

    /// The peer is waited for from now on.
    pub(super) fn waits(&self) {
        let mut state = self.0.connections.state();
        let turn = state.next;
        state.next += 1;
        if let Some(before) = self.turn().replace(turn) {
            state.waiting.remove(&before);
        }
        state.waiting.insert(turn, Arc::clone(&self.0.leave));
    }

    /// Its request is here whole: it stays until it is answered.
    pub(super) fn arrived(&self) {
        let mut state = self.0.connections.state();
        if let Some(turn) = self.turn().take() {
            state.waiting.remove(&turn);
        }
    }

    /// Ends when another connection needs the place.
    pub(super) async fn given_up(&self) {
        self.0.leave.notified().await;
    }

    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(turn) = turn {
            self.connections.state().waiting.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn left(place: &Place) -> bool {
        pin!(place.given_up())
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[test]
    fn the_one_that_is_waited_for_longest_makes_room() {
        let connections = Connections::new(3);
        let places: Vec<Place> = (0..3).map(|_| connections.enter()).collect();
        assert!(!places.iter().any(left));
        // The first is being answered, and the second was and is waited for anew.
        places[0].arrived();
        places[1].arrived();
        places[1].waits();
        let fourth = connections.enter();
        assert!(!left(&places[2]), "one is answered, and takes no place of those");
        let fifth = connections.enter();
        let all = [&places[0], &places[1], &places[2], &fourth, &fifth];
        assert_eq!(all.map(left), [false, false, true, false, false]);
        drop(places);
        let sixth = connections.enter();
        assert!(
            ![&fourth, &fifth, &sixth].map(left).contains(&true),
            "there is room again"
        );
    }

    #[test]
    fn those_that_are_answered_stay() {
        let connections = Connections::new(1);
        let answered = connections.enter();
        answered.arrived();
        let second = connections.enter();
        let third = connections.enter();
        assert_eq!([left(&answered), left(&second), left(&third)], [false, true, false]);
        connections.shed();
        assert!(left(&third));
    }
}
