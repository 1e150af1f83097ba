//! Lanes of deliveries that need something from outside, for example the commits of a repository: the order within
//! a lane is kept, and no lane waits for another.
//!
//! Times are durations since any start. Deliveries are known by their numbers, which grow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Deliveries of one turn, so that what follows from none of them can share a transaction.
const MOST: usize = 64;
/// The first wait after something outside did not answer; twice as long each time.
const FIRST: Duration = Duration::from_secs(1);
/// Two tries of one lane are never closer, whatever happened meanwhile.
const SOON: Duration = Duration::from_secs(1);
/// All lanes that wait are tried about so often together, so that an outage costs no more.
const EACH: Duration = Duration::from_millis(500);
/// No lane of few waits longer.
const LONG: Duration = Duration::from_secs(5);
/// Nothing waits longer.
const LONGEST: Duration = Duration::from_secs(300);
/// A delivery that failed so often by itself lets the others of its lane pass.
const TRIES: u32 = 3;

/// Why a turn stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// What all of the lane need does not answer: their order is kept.
    Outage,
    /// This delivery alone cannot go on now; again and again, and the others pass.
    Own,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnEnd {
    /// Those that are not settled, in order; the first of them failed, if one did.
    pub left: Vec<u64>,
    /// Why it stopped; `None` where it came to its end.
    pub failure: Option<Failure>,
    /// Whether something outside answered, so that others need not wait for it any longer.
    pub reached: bool,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    number: u64,
    failures: u32,
    not_before: Duration,
}

#[derive(Debug, Default)]
struct Lane {
    /// By number; those at work stay in it until they are settled.
    queue: VecDeque<Item>,
    /// What is at work.
    taken: Vec<u64>,
    failures: u32,
    tried: Duration,
    until: Duration,
    /// When it was served last, in turns.
    served: u64,
}

impl Lane {
    /// The time from which the next of it can be tried, and its place in the queue; the first that is not set
    /// aside is waited for.
    fn next(&self, now: Duration) -> Option<(Duration, usize)> {
        let passed = |item: &Item| item.failures >= TRIES && item.not_before > now;
        let first = self.queue.iter().position(|item| !passed(item));
        let place = first.or_else(|| {
            let due = self.queue.iter().enumerate();
            due.min_by_key(|(_, item)| item.not_before).map(|(place, _)| place)
        })?;
        let item = self.queue[place];
        Some((self.until.max(item.not_before), place))
    }
}

/// The lanes, by what their deliveries have in common.
#[derive(Debug)]
pub struct Lanes<K> {
    lanes: BTreeMap<K, Lane>,
    known: BTreeSet<u64>,
    at_once: usize,
    at_work: usize,
    turns: u64,
    outage: bool,
}

impl<K: Ord + Clone> Lanes<K> {
    /// No lanes, of which `at_once` are served at a time.
    pub fn new(at_once: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            known: BTreeSet::new(),
            at_once,
            at_work: 0,
            turns: 0,
            outage: false,
        }
    }

    /// Whether a delivery is in a lane, or at work.
    pub fn knows(&self, number: u64) -> bool {
        self.known.contains(&number)
    }

    /// Deliveries in lanes and at work.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A delivery joins its lane. That it came says that the sender lives: the lane is tried soon.
    pub fn join(&mut self, key: K, number: u64, now: Duration) {
        if !self.known.insert(number) {
            return;
        }
        let lane = self.lanes.entry(key).or_default();
        lane.put(Item {
            number,
            failures: 0,
            not_before: Duration::ZERO,
        });
        lane.hurry(now);
    }

    /// The next lane to serve, with the deliveries of its turn: the one that waits longest since its last. It is at
    /// work until [`Lanes::end`].
    pub fn next(&mut self, now: Duration) -> Option<(K, Vec<u64>)> {
        if self.at_work >= self.at_once {
            return None;
        }
        let ready = self.lanes.iter().filter_map(|(key, lane)| {
            let (from, place) = lane.next(now).filter(|_| lane.taken.is_empty())?;
            (from <= now).then_some((lane.served, key, place))
        });
        let (_, key, place) = ready.min_by_key(|(served, ..)| *served)?;
        let key = key.clone();
        let lane = self.lanes.get_mut(&key)?;
        // One alone finds out whether what made the lane wait is over.
        let most = if lane.failures == 0 { MOST } else { 1 };
        let fresh = |item: &&Item| item.failures == 0;
        let first = lane.queue.iter().skip(place).take(1);
        let more = lane.queue.iter().skip(place + 1).take_while(fresh).take(most - 1);
        lane.taken = first.chain(more).map(|item| item.number).collect();
        let taken = lane.taken.clone();
        self.turns += 1;
        (lane.served, lane.tried) = (self.turns, now);
        self.at_work += 1;
        Some((key, taken))
    }

    /// The end of a turn.
    pub fn end(&mut self, key: &K, end: &TurnEnd, now: Duration) {
        let waiting = self.lanes.values().filter(|lane| lane.failures > 0).count();
        let Some(lane) = self.lanes.get_mut(key) else { return };
        self.at_work = self.at_work.saturating_sub(1);
        for number in std::mem::take(&mut lane.taken) {
            if !end.left.contains(&number) {
                self.known.remove(&number);
                lane.queue.retain(|item| item.number != number);
            }
        }
        match end.failure {
            None => (lane.failures, lane.until) = (0, Duration::ZERO),
            Some(Failure::Outage) => {
                let longest = LONG.max(EACH * u32::try_from(waiting).unwrap_or(u32::MAX)).min(LONGEST);
                lane.until = now + doubled(FIRST, lane.failures).min(longest);
                lane.failures += 1;
            }
            Some(Failure::Own) => {
                let failed = end.left.first();
                if let Some(item) = lane.queue.iter_mut().find(|item| Some(&item.number) == failed) {
                    item.not_before = now + doubled(FIRST, item.failures).min(LONGEST);
                    item.failures += 1;
                }
            }
        }
        if lane.queue.is_empty() {
            self.lanes.remove(key);
        }
        if end.failure == Some(Failure::Outage) {
            self.outage = true;
        } else if end.reached && std::mem::take(&mut self.outage) {
            self.lanes.values_mut().for_each(|lane| lane.hurry(now));
        }
    }

    /// What every delivery waits for may be over, access for example: each is tried soon.
    pub fn hurry(&mut self, now: Duration) {
        for lane in self.lanes.values_mut() {
            lane.hurry(now);
            let soon = (lane.tried + SOON).max(now);
            let items = lane.queue.iter_mut();
            items.for_each(|item| item.not_before = item.not_before.min(soon));
        }
    }

    /// When the next lane can be tried, if one waits for a time; what is ready is no matter of time.
    pub fn wake(&self) -> Option<Duration> {
        let idle = self.lanes.values().filter(|lane| lane.taken.is_empty());
        idle.filter_map(|lane| lane.next(lane.until).map(|(from, _)| from))
            .min()
    }
}

impl Lane {
    fn put(&mut self, item: Item) {
        let place = self.queue.partition_point(|other| other.number < item.number);
        self.queue.insert(place, item);
    }

    /// What it waits for may be over.
    fn hurry(&mut self, now: Duration) {
        self.until = self.until.min((self.tried + SOON).max(now));
    }
}

/// `first`, doubled so often.
fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(20)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
