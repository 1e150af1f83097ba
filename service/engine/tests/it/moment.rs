//! Something done exactly when a run's worker stores its n-th step forward.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracing::dispatcher::DefaultGuard;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// With the effect done, before its events are stored.
    Before(usize),
    /// With the events stored, before anything else.
    After(usize),
}

/// Listens to what the worker says at debug level; works for tasks of this thread.
pub struct Trap<F> {
    moment: Moment,
    act: F,
    before: AtomicUsize,
    after: AtomicUsize,
}

impl<F: Fn() + Send + Sync + 'static> Trap<F> {
    /// Does `act` at that moment, in the worker's own task, as long as the guard lives.
    pub fn set(moment: Moment, act: F) -> DefaultGuard {
        tracing::subscriber::set_default(Self {
            moment,
            act,
            before: AtomicUsize::new(0),
            after: AtomicUsize::new(0),
        })
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<F: Fn() + Send + Sync + 'static> Subscriber for Trap<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "trainyard_engine::run::reconcile" && *metadata.level() == Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let moment = match message.0.as_str() {
            "about to record" => Moment::Before(self.before.fetch_add(1, Ordering::SeqCst) + 1),
            "recorded" => Moment::After(self.after.fetch_add(1, Ordering::SeqCst) + 1),
            _ => return,
        };
        if moment == self.moment {
            (self.act)();
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
