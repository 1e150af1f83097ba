//! What was refused, in the audit: so much of it that nobody fills the disk, or hides behind what others try.

use super::App;
use super::may::On;
use super::who::Who;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use trainyard_core::access::Deed;

/// Entries at once; then one each so often.
const BURST: u32 = 50;
const EVERY: Duration = Duration::from_secs(300);

/// How much more is written.
#[derive(Debug)]
struct Room {
    left: u32,
    /// When there was more room last.
    since: Instant,
    /// What was not written since the last entry.
    unwritten: u64,
}

impl Room {
    fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            since: now,
            unwritten: 0,
        }
    }

    /// Room for an entry, with how many were not written before it.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let more = now.duration_since(self.since).as_secs() / EVERY.as_secs();
        if more > 0 {
            self.left = BURST.min(self.left.saturating_add(u32::try_from(more).unwrap_or(BURST)));
            self.since = now;
        }
        if self.left == 0 {
            self.unwritten += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.unwritten))
    }
}

/// The room of those who are known, and that of strangers.
#[derive(Debug)]
pub(super) struct Refusals([Mutex<Room>; 2]);

impl Default for Refusals {
    fn default() -> Self {
        Self([(); 2].map(|()| Mutex::new(Room::new(Instant::now()))))
    }
}

impl Refusals {
    fn take(&self, of: usize) -> Option<u64> {
        let mut room = self.0[of].lock().unwrap_or_else(PoisonError::into_inner);
        room.take(Instant::now())
    }
}

impl App {
    /// Notes what somebody may not.
    pub(super) async fn note_refused(&self, who: &Who, deed: Deed, on: On<'_>, why: &str) {
        if let Some(unwritten) = self.refusals.take(0) {
            self.note(deed, who.name(), &on.place(), &told(why, unwritten)).await;
        }
    }

    /// Notes that nobody was let in.
    pub(super) async fn note_stranger(&self, why: &str) {
        if let Some(unwritten) = self.refusals.take(1) {
            self.note(Deed::SignIn, "nobody", "", &told(why, unwritten)).await;
        }
    }

    async fn note(&self, deed: Deed, actor: &str, subject: &str, why: &str) {
        if let Err(error) = self.engine.note_refused(deed, actor, subject, why).await {
            tracing::debug!(%error, "the audit does not say that somebody was refused");
        }
    }
}

fn told(why: &str, unwritten: u64) -> String {
    match unwritten {
        0 => why.to_owned(),
        more => format!("{why} ({more} more refusals before it are not written)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_few_entries_and_its_number() {
        let start = Instant::now();
        let mut room = Room::new(start);
        let written = (0..1_000).filter(|_| room.take(start).is_some()).count();
        assert_eq!(written, 50);
        assert_eq!(room.take(start + EVERY), Some(950));
        assert_eq!(room.take(start + EVERY), None);
        // A day of it is a few hundred lines.
        let day = (0..86_400).filter(|second| room.take(start + EVERY + Duration::from_secs(*second)).is_some());
        assert!(day.count() <= 288);
    }
}
