//! What the append-only promotion ledger means: what serves, what is kept, what the next version is called.

use super::{Promotion, PromotionAction};
use crate::artifact::Digest;
use std::collections::BTreeSet;

/// The ledger of one push target, oldest entry first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: Vec<Promotion>,
    /// The highest number that was ever begun, whatever became of it.
    begun: u64,
}

/// What a target serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Serving<'a> {
    /// The entry that made the version serve first.
    pub pushed: &'a Promotion,
    /// The entry since which it serves: the same, or the rollback that went back to it.
    pub since: &'a Promotion,
}

/// A model that a person withdrew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Withdrawal<'a> {
    /// The entry that made it serve.
    pub version: &'a Promotion,
    /// The rollback that took it away.
    pub by: &'a Promotion,
}

impl Ledger {
    /// From the entries of one target in any order.
    pub fn new(mut entries: Vec<Promotion>) -> Self {
        entries.sort_by_key(|entry| entry.id);
        Self { entries, begun: 0 }
    }

    /// With the highest number that was ever begun: it is never given again, whatever became of it.
    pub fn with_begun(self, begun: u64) -> Self {
        Self { begun, ..self }
    }

    /// Whether nothing was ever served.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Promotion] {
        &self.entries
    }

    /// The newest entry's id: who adds the next one names it, so that the ledger cannot fork.
    pub fn newest(&self) -> Option<i64> {
        self.entries.last().map(|entry| entry.id)
    }

    /// The promotions that served, oldest first; the last one serves now, the one before it is where a
    /// rollback goes. A rollback takes away everything after the version it went back to.
    pub fn served(&self) -> Vec<&Promotion> {
        let mut stack: Vec<&Promotion> = Vec::new();
        for entry in &self.entries {
            step(&mut stack, entry);
        }
        stack
    }

    /// What serves now.
    pub fn serving(&self) -> Option<Serving<'_>> {
        let pushed = self.served().pop()?;
        let since = self.entries.last()?;
        Some(Serving { pushed, since })
    }

    /// The version that serves this content, if it is what serves.
    pub fn serves(&self, content: &Digest) -> Option<&str> {
        let pushed = self.serving()?.pushed;
        (pushed.model.digest == *content).then_some(pushed.version.as_str())
    }

    /// Where a rollback goes, and what it withdraws: to the newest earlier version with other bytes, since the same
    /// ones under another number are no way back.
    pub fn way_back(&self) -> Option<(&Promotion, &Promotion)> {
        let served = self.served();
        let (current, earlier) = served.split_last()?;
        let other = earlier
            .iter()
            .rfind(|entry| entry.model.digest != current.model.digest)?;
        Some((other, current))
    }

    /// The rollback that withdrew this content, unless the content began to serve again since.
    pub fn withdrawal(&self, content: &Digest) -> Option<Withdrawal<'_>> {
        let is_it = |entry: &Promotion| entry.model.digest == *content;
        let (mut stack, mut withdrawn): (Vec<&Promotion>, Option<Withdrawal<'_>>) = (Vec::new(), None);
        for entry in &self.entries {
            let rolled_back = entry.action == PromotionAction::Rollback;
            let before = if rolled_back { stack.clone() } else { Vec::new() };
            step(&mut stack, entry);
            let gone = before.iter().skip(stack.len()).rfind(|earlier| is_it(earlier));
            withdrawn = gone.map(|version| Withdrawal { version, by: entry }).or(withdrawn);
            if stack.last().is_some_and(|serving| is_it(serving)) {
                withdrawn = None;
            }
        }
        withdrawn
    }

    /// The versions whose folders stay: the one that serves, and the one that a rollback goes to, for a quick way back.
    pub fn kept(&self) -> Vec<String> {
        let serving = self.serving().map(|serving| serving.pushed);
        let back = self.way_back().map(|(to, _)| to);
        back.into_iter()
            .chain(serving)
            .map(|entry| entry.version.clone())
            .collect()
    }

    /// Versions are counted and never used twice, rollbacks included. Zero-padded, so that servers
    /// that sort versions as text take the newest for the default.
    pub fn next_version(&self) -> String {
        let numbers = self
            .entries
            .iter()
            .filter_map(|entry| entry.version.parse::<u64>().ok());
        format!("{:06}", numbers.chain([self.begun]).max().unwrap_or(0) + 1)
    }

    /// The entry that made this version serve first.
    pub fn version(&self, version: &str) -> Option<&Promotion> {
        let began = |entry: &&Promotion| entry.action != PromotionAction::Removed && entry.version == version;
        self.entries.iter().find(began)
    }

    /// What was pushed last, whether or not it was rolled back since.
    pub fn latest_pushed(&self) -> Option<&Promotion> {
        self.entries.iter().rfind(|entry| entry.action == PromotionAction::Push)
    }

    /// What must stay whatever else goes: the newest `keep` models that served, one at least, and what was pushed
    /// last. The same bytes under several numbers are one model.
    pub fn protected(&self, keep: usize) -> impl Iterator<Item = &Promotion> {
        let mut seen = BTreeSet::new();
        let served = self.served().into_iter().rev();
        let models = served.filter(move |entry| seen.insert(&entry.model.digest));
        models.take(keep.max(1)).chain(self.latest_pushed())
    }
}

/// What an entry does to the versions that served.
fn step<'a>(stack: &mut Vec<&'a Promotion>, entry: &'a Promotion) {
    match entry.action {
        PromotionAction::Push => stack.push(entry),
        PromotionAction::Removed => stack.clear(),
        PromotionAction::Rollback => {
            let again = |same: &dyn Fn(&Promotion) -> bool| stack.iter().rposition(|earlier| same(earlier));
            if let Some(place) = again(&|earlier| earlier.version == entry.version) {
                stack.truncate(place + 1);
                return;
            }
            // Under a number of its own, since something foreign was in the way of the old one.
            if let Some(place) = again(&|earlier| earlier.model.digest == entry.model.digest) {
                stack.truncate(place);
            }
            stack.push(entry);
        }
    }
}
