//! The sweep for webhooks that never came: GitHub's own list of them, and what branches and pull requests are now.
//!
//! GitHub sends nothing again by itself. A sweep asks it for what failed, and tells of what nobody told: it stores a
//! delivery like a webhook's, which goes the way of all. What did not change costs nothing of the limits.

mod heads;
mod hooks;
mod payload;

use super::Inbound;
use crate::house::clock::wall;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use trainyard_core::ids::Micros;
use trainyard_core::inbound::HookTrouble;
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{KnownRepository, StoreError};

/// A service that starts does its other work first.
const AFTER_START: Duration = Duration::from_secs(3);
/// What moved a moment ago may be on its way: of the time between two sweeps.
const GRACE: u32 = 6;
/// Repositories that are looked at in one time between sweeps; more take longer.
const REPOSITORIES: usize = 100;

/// What sweeps have found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookHealth {
    /// What keeps webhooks away now, a sentence each.
    pub alarms: Vec<String>,
    /// What cannot be seen, a sentence each.
    pub notes: Vec<String>,
    /// Webhooks that were sent and not taken yet, and moves of which none told.
    pub gap: usize,
    /// When everything was looked at last, by the wall clock.
    pub swept_at: Option<Micros>,
}

/// What sweeps have found, for who asks.
#[derive(Default)]
pub(crate) struct Found(Mutex<WebhookHealth>);

impl Found {
    pub(crate) fn load(&self) -> WebhookHealth {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, health: WebhookHealth) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }
}

/// Why a sweep ends before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    /// What was seen cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// GitHub does not say what is.
    #[error(transparent)]
    GitHub(#[from] GitHubError),
}

/// Sweeps until the task is dropped.
pub(crate) async fn run(inbound: Arc<Inbound>, github: Arc<GitHub>, every: Duration) {
    let mut sweeper = Sweeper {
        inbound,
        github,
        every,
        suspects: HashMap::new(),
        troubles: BTreeMap::new(),
        gaps: BTreeMap::new(),
        asked: false,
        began: wall(),
    };
    sleep(AFTER_START.min(every)).await;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = sleep_until(next) => next = Instant::now() + sweeper.look_at_all().await,
            () = sweeper.inbound.signals.sweep.notified() => {
                // What happens in a repository for the first time is followed by more.
                sleep(sweeper.grace()).await;
                sweeper.look_at_new().await;
            }
        }
    }
}

struct Sweeper {
    inbound: Arc<Inbound>,
    github: Arc<GitHub>,
    every: Duration,
    /// What was missed as it seems: since when, and whether it was told of.
    suspects: HashMap<String, Suspect>,
    /// What is wrong with webhooks, by whose they are.
    troubles: BTreeMap<String, HookTrouble>,
    /// What is missed, by whose it is.
    gaps: BTreeMap<String, usize>,
    /// Whether GitHub was asked to deliver something again, which is looked at soon.
    asked: bool,
    /// What failed before was not taken because nobody was here.
    began: Micros,
}

struct Suspect {
    since: Instant,
    told: bool,
    seen: bool,
}

impl Sweeper {
    fn grace(&self) -> Duration {
        self.every / GRACE
    }

    /// One sweep; the time until the next.
    async fn look_at_all(&mut self) -> Duration {
        let before: BTreeSet<String> = self.sentences(HookTrouble::is_alarm).into_iter().collect();
        let swept = self.sweep().await;
        self.say(&before);
        let many = u32::try_from(1 + self.known().await.map_or(0, |known| known.len()) / REPOSITORIES).unwrap_or(1);
        match swept {
            Ok(()) if self.asked || self.suspects.values().any(|suspect| !suspect.told) => self.grace(),
            Ok(()) => self.every * many,
            Err(SweepError::GitHub(GitHubError::RateLimited { retry_after, .. })) => retry_after.max(self.every),
            Err(error) => {
                tracing::debug!(%error, "the sweep for missed webhooks ended before its end");
                self.every
            }
        }
    }

    async fn known(&self) -> Result<Vec<KnownRepository>, StoreError> {
        self.inbound.store.known_repositories().await
    }

    async fn sweep(&mut self) -> Result<(), SweepError> {
        let known = self.known().await?;
        self.asked = false;
        self.suspects.values_mut().for_each(|suspect| suspect.seen = false);
        self.look_at_hooks(&known).await?;
        for known in &known {
            self.look_at_heads(known).await?;
        }
        // What is as it was told is no suspect any more.
        self.suspects.retain(|_, suspect| suspect.seen);
        let missed = self.suspects.len();
        let failed: usize = self.gaps.values().sum();
        self.inbound.found.store(WebhookHealth {
            alarms: self.sentences(HookTrouble::is_alarm),
            notes: self.sentences(|trouble| !trouble.is_alarm()),
            gap: missed + failed,
            swept_at: Some(wall()),
        });
        metrics::gauge!("trainyard_webhook_gap").set((missed + failed) as f64);
        metrics::gauge!("trainyard_webhook_sweep_timestamp_seconds").set(wall().0 as f64 / 1e6);
        Ok(())
    }

    /// Repositories that told of themselves for the first time: what they have besides is no news.
    async fn look_at_new(&mut self) {
        let Ok(known) = self.known().await else { return };
        for known in known.iter().filter(|known| known.swept.is_none()) {
            if let Err(error) = self.look_at_heads(known).await {
                tracing::debug!(repo = %known.repo, %error, "a new repository was not looked at");
                return;
            }
        }
    }

    fn sentences(&self, of: impl Fn(&HookTrouble) -> bool) -> Vec<String> {
        let troubles = self.troubles.iter().filter(|(_, trouble)| of(trouble));
        troubles.map(|(whose, trouble)| trouble.sentence(whose)).collect()
    }

    /// Tells the log what is new.
    fn say(&self, before: &BTreeSet<String>) {
        let alarms: BTreeSet<String> = self.sentences(HookTrouble::is_alarm).into_iter().collect();
        for alarm in alarms.difference(before) {
            tracing::error!(alarm, "webhooks do not arrive");
        }
        for alarm in before.difference(&alarms) {
            tracing::info!(was = alarm, "webhooks arrive again");
        }
        for word in ["wrong_secret", "failing", "disabled"] {
            let count = self.troubles.values().filter(|trouble| trouble.word() == word).count();
            metrics::gauge!("trainyard_webhook_alarms", "reason" => word).set(count as f64);
        }
    }
}
